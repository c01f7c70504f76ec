// Command tipring turns a Linux box into a telephone adapter: SIP lines that stay up
// when a server dies, analog ports, T.38 fax. README.md says what it is; agent is the
// device itself.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"tipring/agent"
	"tipring/agent/cli"
	"tipring/internal/aaa"
	"tipring/internal/config"
	"tipring/internal/faxback"
)

// version is set by the linker: -X main.version=...
var version = "unknown"

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr, cli.Hooks{
		Version: version,
		Checks:  agent.Checks(),
		Run:     run,
		Demo:    tell,
		Radius: func(c *config.Config, dict *faxback.Dictionary, log *slog.Logger) (*aaa.Client, error) {
			return agent.NewRadius(c, dict, time.Now, aaa.Config{Log: log})
		},
	}))
}

func run(o cli.RunOptions) error {
	err := agent.RunWithSignals(context.Background(), agent.Options{Files: o.Files, Version: version, Stderr: os.Stderr})
	if errors.Is(err, agent.ErrKilled) {
		os.Exit(1) // to print it could hang as well
	}
	return err
}
