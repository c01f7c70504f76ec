// Package cli is the command line: it reads flags, asks a running agent over its
// control socket, and prints the answer as a table or as the interface's own JSON.
// It does nothing that the HTTP interface cannot do; what runs an agent is handed in
// as Hooks.
//
// Exit status: 0 done, 1 the work failed (the reason is on standard error), 2 wrong
// usage.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"tipring/internal/aaa"
	"tipring/internal/config"
	"tipring/internal/faxback"
)

// Hooks is what the program brings in. A command whose hook is nil does not exist.
type Hooks struct {
	Version string
	Checks  config.Checks // for tipring check, as the agent loads its files with
	Run     func(RunOptions) error
	Demo    func(DemoOptions) error
	Radius  func(*config.Config, *faxback.Dictionary, *slog.Logger) (*aaa.Client, error) // for the servers of [radius]
}

// RunOptions is the command line of tipring run.
type RunOptions struct {
	Files config.Files
}

// DemoOptions is the command line of tipring demo.
type DemoOptions struct {
	Once, Fast bool
	Dir        string // where its temporary directory is made; empty: where the system has them
	Stdout     io.Writer
}

// A command is one word behind tipring.
type command struct {
	name    string
	args    string // behind the flags, as the usage line writes them
	summary string
	nargs   int
	fewer   bool                       // fewer than nargs arguments are its own matter
	flags   func(*call, *flag.FlagSet) // nil: only those of every command
	client  bool                       // asks a running agent: has --json
	alone   bool                       // reads no configuration: has no -c and --factory
	run     func(*call) error
}

// A call is one command with its flags and arguments.
type call struct {
	hooks          Hooks
	stdout, stderr io.Writer
	stdin          *os.File // nil: that of the process
	files          config.Files
	json           bool
	args           []string

	port         number
	to           string
	resume       bool
	once, fast   bool
	demoDir      string
	seal         sealFlags
	mac, serial  string
	dry, explain bool
	faxing       faxFlagSet
	tracing      traceFlagSet
}

// A usageError is the person's, not the work's.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func commands(hooks Hooks) []command {
	all := []command{
		{name: "check", summary: "validate a configuration file and print every fault", run: (*call).check},
		{name: "status", summary: "what the agent is doing", client: true, run: (*call).status},
		{name: "lines", summary: "SIP lines: where they are registered, and why", client: true, run: (*call).lines},
		{name: "ports", summary: "analog ports", client: true, run: (*call).ports},
		{name: "calls", summary: "running calls and the last ones", client: true, run: (*call).calls},
		faxesCommand,
		faxCommand,
		{name: "call", args: "--port N --to NUMBER", summary: "as if port N went off-hook and dialled", client: true, flags: (*call).callFlags, run: (*call).call},
		traceCommand,
		{name: "register", args: "LINE", nargs: 1, summary: "register a line now", client: true, run: (*call).register},
		{name: "drain", summary: "refuse new calls and faxes, let running ones finish", client: true, flags: (*call).drainFlags, run: (*call).drain},
		provisionCommand,
		passwdCommand,
		{name: "seal", args: "IN OUT", nargs: 2, fewer: true, summary: "make a configuration file that one device opens and nobody else can write", alone: true, flags: (*call).sealFlags, run: (*call).sealFile},
		{name: "version", summary: "print the version", alone: true, run: (*call).version},
	}
	if hooks.Radius != nil {
		all = append(all[:len(all)-1], radiusCommand, all[len(all)-1])
	}
	if hooks.Demo != nil {
		all = append([]command{{name: "demo", summary: "the whole product on one machine, without hardware", alone: true, flags: (*call).demoFlags,
			run: func(c *call) error { return c.hooks.Demo(DemoOptions{c.once, c.fast, c.demoDir, c.stdout}) }}}, all...)
	}
	if hooks.Run != nil {
		all = append([]command{{name: "run", summary: "run the agent in the foreground",
			run: func(c *call) error { return c.hooks.Run(RunOptions{c.files}) }}}, all...)
	}
	return all
}

// Main runs one command line, without the program's name, and returns the exit
// status.
func Main(args []string, stdout, stderr io.Writer, hooks Hooks) int {
	c := &call{hooks: hooks, stdout: stdout, stderr: stderr}
	all := commands(hooks)
	if len(args) == 0 {
		writeUsage(stderr, all)
		return 2
	}
	name := args[0]
	switch name {
	case "help", "-h", "-help", "--help":
		return c.help(all, args[1:])
	case "-version", "--version":
		name = "version"
	}
	if strings.HasPrefix(name, "-") {
		fmt.Fprintf(stderr, "tipring: %s stands before the command; flags go behind it; tipring help lists the commands\n", name)
		return 2
	}
	cmd := find(all, name)
	if cmd == nil {
		fmt.Fprintf(stderr, "tipring: there is no command %q; tipring help lists them\n", name)
		return 2
	}
	switch err := c.parse(cmd, args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		writeHelp(stdout, c, cmd)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "tipring %s: %v\n", cmd.name, err)
		writeHelp(stderr, c, cmd)
		return 2
	}
	out := &output{w: stdout}
	c.stdout = out
	err := cmd.run(c)
	if err == nil {
		err = out.err
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "tipring %s: %v\n", cmd.name, err)
	if errors.As(err, new(usageError)) {
		writeHelp(stderr, c, cmd)
		return 2
	}
	return 1
}

// An output remembers that something could not be written, so that a command whose
// table went to a full disk does not end as if it had been read.
type output struct {
	w   io.Writer
	err error
}

// Write writes until the first error.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

func find(all []command, name string) *command {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// flagSet declares the flags of a command, those of every command among them.
func (c *call) flagSet(cmd *command) *flag.FlagSet {
	set := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	if !cmd.alone {
		set.StringVar(&c.files.File, "c", "", "configuration `FILE` (default "+config.DefaultFile+", if there is one)")
		set.StringVar(&c.files.Factory, "factory", "", "factory `FILE` (default "+config.DefaultFactory+", if there is one)")
	}
	if cmd.client {
		set.BoolVar(&c.json, "json", false, "print the HTTP interface's JSON")
	}
	if cmd.flags != nil {
		cmd.flags(c, set)
	}
	if set.Lookup("state-dir") == nil {
		set.StringVar(&c.files.StateDir, "state-dir", os.Getenv("TIPRING_STATE_DIR"), "state directory `DIR` (default TIPRING_STATE_DIR, else the configuration's)")
	}
	set.VisitAll(func(f *flag.Flag) { f.Value = &once{Value: f.Value} })
	return set
}

// parse takes flags before and behind arguments; "--" ends the flags.
func (c *call) parse(cmd *command, args []string) error {
	set := c.flagSet(cmd)
	for len(args) > 0 {
		if err := set.Parse(args); err != nil {
			return err
		}
		rest := set.Args()
		if len(rest) == 0 {
			break
		}
		if parsed := len(args) - len(rest); parsed > 0 && args[parsed-1] == "--" {
			c.args = append(c.args, rest...)
			break
		}
		c.args = append(c.args, rest[0])
		args = rest[1:]
	}
	switch empty := givenEmpty(set); {
	case empty != "":
		return fmt.Errorf("%s is empty: leave it out, or name something", empty)
	case len(c.args) > cmd.nargs:
		return fmt.Errorf("what is %q for?", c.args[cmd.nargs])
	case len(c.args) < cmd.nargs && !cmd.fewer:
		return errors.New(cmd.args + " is missing")
	}
	return nil
}

// givenEmpty names a flag that was given nothing, as by a script whose variable is not set.
func givenEmpty(set *flag.FlagSet) (name string) {
	set.Visit(func(f *flag.Flag) {
		if f.Value.String() == "" {
			name = dashed(f.Name)
		}
	})
	return name
}

func (c *call) help(all []command, args []string) int {
	switch {
	case len(args) == 0, len(args) == 1 && args[0] == "help":
		writeUsage(c.stdout, all)
		return 0
	case len(args) > 1:
		fmt.Fprintf(c.stderr, "tipring help: what is %q for?\n", args[1])
		return 2
	}
	cmd := find(all, args[0])
	if cmd == nil {
		fmt.Fprintf(c.stderr, "tipring: there is no command %q; tipring help lists them\n", args[0])
		return 2
	}
	writeHelp(c.stdout, c, cmd)
	return 0
}

func writeUsage(w io.Writer, all []command) {
	fmt.Fprint(w, "Usage: tipring COMMAND [flags]\n\n")
	for _, cmd := range all {
		fmt.Fprintf(w, "  %-10s %s\n", cmd.name, cmd.summary)
	}
	fmt.Fprintf(w, "  %-10s %s\n", "help", "this list, or the flags of a command: tipring help COMMAND")
}

func writeHelp(w io.Writer, c *call, cmd *command) {
	fmt.Fprintf(w, "Usage: %s\n\n%s\n\n", strings.TrimSpace("tipring "+cmd.name+" [flags] "+cmd.args), cmd.summary)
	c.flagSet(cmd).VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %-20s %s\n", strings.TrimSpace(dashed(f.Name)+" "+value), usage)
	})
}
