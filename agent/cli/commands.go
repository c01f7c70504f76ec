package cli

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"strconv"

	"tipring/internal/config"
	"tipring/webui/api"
)

// check loads the factory's and the operator's file as a starting agent would.
func (c *call) check() error {
	layers, err := c.files.Installed()
	if err != nil {
		return err
	}
	if len(layers) == 0 {
		return fmt.Errorf("there is no %s: name a file with -c", config.DefaultFile)
	}
	name := layers[len(layers)-1].Name
	loaded, err := config.Load(layers, c.hooks.Checks)
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
		for _, f := range faults {
			fmt.Fprintln(c.stdout, f)
		}
		return fmt.Errorf("%s: %s", name, count(len(faults), "fault"))
	case err != nil:
		return err
	}
	for _, w := range loaded.Warnings {
		fmt.Fprintf(c.stderr, "warning: %v\n", w)
	}
	_, err = fmt.Fprintf(c.stdout, "%s: ok, %s, %s\n", name, count(len(loaded.Lines), "line"), count(len(loaded.Ports), "port"))
	return err
}

// count is "1 line", "2 lines".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func (c *call) status() error {
	var s api.Status
	if done, err := c.fetch("/status", &s); done {
		return err
	}
	return printStatus(c.stdout, s)
}

func (c *call) lines() error {
	var lines []api.Line
	if done, err := c.fetch("/lines", &lines); done {
		return err
	}
	return printLines(c.stdout, lines)
}

func (c *call) ports() error {
	var ports []api.Port
	if done, err := c.fetch("/ports", &ports); done {
		return err
	}
	return printPorts(c.stdout, ports)
}

func (c *call) calls() error {
	var calls []api.Call
	if done, err := c.fetch("/calls", &calls); done {
		return err
	}
	return printCalls(c.stdout, calls)
}

func (c *call) callFlags(set *flag.FlagSet) {
	set.Var(&c.port, "port", "port `N` that dials")
	set.StringVar(&c.to, "to", "", "`NUMBER` to dial")
}

func (c *call) call() error {
	if c.port < 1 || c.to == "" {
		return usageError{"--port N and --to NUMBER are wanted"}
	}
	var made struct {
		ID string `json:"id"`
	}
	body := map[string]string{"to": c.to}
	if done, err := c.post("/ports/"+c.port.String()+"/call", body, &made); done {
		return err
	}
	_, err := fmt.Fprintf(c.stdout, "port %d dials %s, call %s\n", c.port, c.to, dash(printable(made.ID)))
	return err
}

func (c *call) register() error {
	var n number
	if n.Set(c.args[0]) != nil {
		return usageError{fmt.Sprintf("%q is not the number of a line", c.args[0])}
	}
	var line api.Line
	if done, err := c.post("/lines/"+n.String()+"/register", nil, &line); done {
		return err
	}
	return printLines(c.stdout, []api.Line{line})
}

func (c *call) drainFlags(set *flag.FlagSet) {
	set.BoolVar(&c.resume, "resume", false, "take new calls and faxes again")
}

func (c *call) drain() error {
	var now struct {
		Draining bool `json:"draining"`
	}
	if done, err := c.post("/drain", map[string]bool{"resume": c.resume}, &now); done {
		return err
	}
	text := "new calls and faxes are taken again"
	if now.Draining {
		text = "new calls and faxes are refused; running ones may finish"
	}
	_, err := fmt.Fprintln(c.stdout, text)
	return err
}

func (c *call) demoFlags(set *flag.FlagSet) {
	set.BoolVar(&c.once, "once", false, "exit after the last step: 0 if every step worked, else 1")
	set.BoolVar(&c.fast, "fast", false, "small timers")
	set.StringVar(&c.demoDir, "state-dir", "", "make the temporary state directory in `DIR`")
}

func (c *call) version() error {
	_, err := fmt.Fprintf(c.stdout, "tipring %s (%s %s/%s)\n", c.hooks.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
