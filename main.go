// Command tipring turns a Linux box into a telephone adapter: SIP lines that stay up
// when a server dies, analog ports, T.38 fax. README.md says what it is; agent is the
// device itself.
package main

import (
	"context"
	"os"

	"tipring/agent"
	"tipring/agent/cli"
)

// version is set by the linker: -X main.version=...
var version = "unknown"

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr, cli.Hooks{
		Version: version,
		Checks:  agent.Checks(),
		Run: func(o cli.RunOptions) error {
			return agent.RunWithSignals(context.Background(), agent.Options{Files: o.Files, Version: version, Stderr: os.Stderr})
		},
	}))
}
