package outage

import (
	"flag"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) {
	netlab.Main(agent.Build, func() int {
		// Cases wait much more than they compute.
		flag.Parse()
		if err := flag.Set("test.parallel", "12"); err != nil {
			panic(err)
		}
		return m.Run()
	})
}
