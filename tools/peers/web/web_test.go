// Package web proves the page on the device as people meet it: in Chromium, against the
// program itself with its lines at real servers.
package web

import (
	"flag"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) {
	netlab.Main(agent.Build, func() int {
		// Faxes and failovers wait much more than they compute.
		flag.Parse()
		if err := flag.Set("test.parallel", "4"); err != nil {
			panic(err)
		}
		return m.Run()
	})
}
