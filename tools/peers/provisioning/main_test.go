package provisioning

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) {
	netlab.Main(agent.Build, func() int {
		// Tests wait much more than they compute.
		flag.Parse()
		if err := flag.Set("test.parallel", "16"); err != nil {
			panic(err)
		}
		code := m.Run()
		if err := goleak.Find(); code == 0 && err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}
