package t38

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/lockstep"
)

// A chain is who stands between the sender and the receiver. Its two nodes are joined by the
// network; ours is the first.
type chain struct {
	name  string
	build func(c *call, weSend bool, link convey.LinkConfig, theirs ...string) (ours, other *lockstep.Node)
}

var chains = []chain{
	{"our gateway with their machine, their terminal", func(c *call, weSend bool, link convey.LinkConfig, theirs ...string) (ours, other *lockstep.Node) {
		return c.ourGateway(link, c.theirFax(weSend)), c.theirTerminal(!weSend, theirs...)
	}},
	{"our gateway with our machine, their terminal", func(c *call, weSend bool, link convey.LinkConfig, theirs ...string) (ours, other *lockstep.Node) {
		return c.ourGateway(link, c.ourFax(weSend)), c.theirTerminal(!weSend, theirs...)
	}},
	{"our terminal, their gateway with their machine", func(c *call, weSend bool, link convey.LinkConfig, theirs ...string) (ours, other *lockstep.Node) {
		return c.ourTerminal(weSend, link), c.theirGateway(c.theirFax(!weSend), theirs...)
	}},
	{"our gateway with our machine, their gateway with their machine", func(c *call, weSend bool, link convey.LinkConfig, theirs ...string) (ours, other *lockstep.Node) {
		return c.ourGateway(link, c.ourFax(weSend)), c.theirGateway(c.theirFax(!weSend), theirs...)
	}},
}

// TestChains has each chain in some modes, one with each modem among them.
func TestChains(t *testing.T) {
	for _, h := range chains {
		for _, m := range []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 14400), fax.Plain(t30.MH, 9600), fax.ECM(t30.MR, 4800), fax.Plain(t30.MH, 2400)} {
			for _, weSend := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%v, %s", h.name, m, way(weSend)), func(t *testing.T) {
					t.Parallel()
					c := newCall(t, m, fax.Text(2, 500)...)
					c.exact(h.build(c, weSend, Adaptive))
				})
			}
		}
	}
}

// TestLimitedGateways has chains in which only our gateway knows of a limit that no DIS can say:
// the machines, theirs too, step down to it by themselves.
func TestLimitedGateways(t *testing.T) {
	for _, h := range chains {
		if !strings.HasPrefix(h.name, "our gateway") {
			continue
		}
		limits := []int{12000, 7200}
		if strings.Contains(h.name, "their gateway") {
			// It takes the DCS behind an FTT of V.29 for a training, whoever said FTT.
			limits = limits[:1]
		}
		for _, limit := range limits {
			for _, m := range []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MH, 14400)} {
				for _, weSend := range []bool{true, false} {
					t.Run(fmt.Sprintf("%d bit/s/%s/%v, %s", limit, h.name, m, way(weSend)), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, m, fax.Text(2, 500)...)
						c.maxBitRate = limit
						ours, other := h.build(c, weSend, Adaptive)
						c.mode.Rate = limit
						c.exact(ours, other)
					})
				}
			}
		}
	}
}

// TestChainsAcrossNetworks has them across networks that delay and lose, and in T.38's other
// version.
func TestChainsAcrossNetworks(t *testing.T) {
	for _, n := range []struct {
		name string
		lockstep.Network
	}{
		{"delay 100 ms, jitter 80 ms", lockstep.Network{Delay: 100 * time.Millisecond, Jitter: 80 * time.Millisecond}},
		{"loss 2 %", lockstep.Network{Loss: 0.02}},
	} {
		for _, h := range chains {
			for _, m := range []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 14400)} {
				for _, weSend := range []bool{true, false} {
					t.Run(fmt.Sprintf("%s/%s/%v, %s", n.name, h.name, m, way(weSend)), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, m, fax.Text(2, 500)...)
						c.network = n.Network
						c.exact(h.build(c, weSend, convey.LinkConfig{Version: 3, Control: 3, Image: 3}, "--version", "3"))
					})
				}
			}
		}
	}
}
