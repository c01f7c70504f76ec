package provisioning

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) {
	netlab.Main(agent.Build, func() int {
		code := m.Run()
		if err := goleak.Find(); code == 0 && err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}
