package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"tipring/internal/config"
	"tipring/internal/faxback"
	"tipring/internal/faxback/lookup"
)

var radiusCommand = command{
	name:    "radius",
	args:    "account (--mac M or --serial S) | call-ahead NUMBER | dids ACCOUNT | did NUMBER | login | dictionary",
	summary: "ask the RADIUS servers of the configuration, without an agent",
	nargs:   2, fewer: true,
	flags: (*call).radiusFlags,
	run:   (*call).radius,
}

func (c *call) radiusFlags(set *flag.FlagSet) {
	set.StringVar(&c.mac, "mac", "", "account: MAC `ADDRESS` of the device")
	set.StringVar(&c.serial, "serial", "", "account: serial `NUMBER` of the device")
	set.BoolVar(&c.json, "json", false, "print the answer as JSON")
}

func (c *call) radius() error {
	if len(c.args) > 0 && c.args[0] == "dictionary" {
		return c.radiusDictionary()
	}
	question, err := c.question()
	if err != nil {
		return usageError{err.Error()}
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	directory, done, err := c.directory(cfg)
	if err != nil {
		return err
	}
	defer done()
	f := lookup.Ask(context.Background(), directory, question, lookup.Self{Account: cfg.Radius.Account, Password: cfg.Radius.Password, Version: c.hooks.Version})
	if !f.Asked() && question.Command != "login" {
		return usageError{f.Err.Error()}
	}
	if err := c.printFinding(f); err != nil {
		return err
	}
	return f.Err
}

// question is what the arguments ask.
func (c *call) question() (q lookup.Question, err error) {
	if len(c.args) == 0 {
		return q, errors.New("what is to be asked?")
	}
	what, about := c.args[0], ""
	if len(c.args) > 1 {
		about = c.args[1]
	}
	takes := what != "account" && what != "login"
	switch {
	case !lookup.Known(what):
		return q, fmt.Errorf("there is no %q to ask for", what)
	case takes && about == "":
		return q, errors.New(what + " of what?")
	case !takes && len(c.args) > 1:
		return q, fmt.Errorf("what is %q for?", about)
	case what == "account" && (c.mac == "") == (c.serial == ""):
		return q, errors.New("account: --mac or --serial is wanted")
	case what != "account" && c.mac+c.serial != "":
		return q, errors.New("--mac and --serial go with account")
	}
	q = lookup.Question{Command: what, MAC: c.mac, Serial: c.serial, Number: about}
	if what == "dids" {
		q.Number, q.Account = "", about
	}
	return q, nil
}

// load reads the configuration that an agent would start with.
func (c *call) load() (*config.Config, error) {
	layers, err := c.files.Layers()
	if err != nil {
		return nil, err
	}
	return config.Load(layers, c.hooks.Checks)
}

// directory makes what is asked, and what ends it.
func (c *call) directory(cfg *config.Config) (*faxback.Directory, func(), error) {
	if len(cfg.Radius.Servers) == 0 {
		return nil, nil, errors.New("[radius] has no servers")
	}
	dictionary, err := readDictionary(cfg.Radius)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	client, err := c.hooks.Radius(cfg, dictionary, log)
	if err != nil {
		return nil, nil, err
	}
	return &faxback.Directory{Asker: client, Dictionary: dictionary, FaxATAType: uint32(cfg.Radius.FaxATAType)}, func() { _ = client.Close() }, nil
}

func readDictionary(r config.Radius) (*faxback.Dictionary, error) {
	if r.Dictionary == "" {
		return faxback.Default(), nil
	}
	file, err := config.OpenRegular(r.Dictionary)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, faxback.MaxDictionary+1))
	if err != nil {
		return nil, err
	}
	return faxback.ParseDictionary(r.Dictionary, text)
}
