package t38

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/lockstep"
)

// unrepeated protects what the machines say to each other, but no image: what of it a
// network loses has to be asked for again.
var unrepeated = convey.LinkConfig{Control: 5, Image: 0}

// rough and lossy are networks, one way.
var (
	rough = lockstep.Network{Loss: 0.02, Delay: 100 * time.Millisecond, Jitter: 20 * time.Millisecond}
	lossy = lockstep.Network{Loss: 0.01}
)

// repairChains stand between a machine that sends and one that receives, one of which is
// theirs and on the line of a gateway of ours. Their terminal as a receiver does not take
// packets out of their order, as a network with jitter brings them.
var repairChains = []struct {
	name    string
	network lockstep.Network
	build   func(*call) (from, to *lockstep.Node)
}{
	{"their machine and our gateway to our terminal", rough, func(c *call) (from, to *lockstep.Node) {
		return c.ourGateway(unrepeated, c.theirFax(true)), c.ourTerminal(false, unrepeated)
	}},
	{"their machine and our gateway to their terminal", lossy, func(c *call) (from, to *lockstep.Node) {
		return c.ourGateway(unrepeated, c.theirFax(true)), c.theirTerminal(false)
	}},
	{"our terminal to our gateway and their machine", rough, func(c *call) (from, to *lockstep.Node) {
		return c.ourTerminal(true, unrepeated), c.ourGateway(unrepeated, c.theirFax(false))
	}},
	{"their terminal to our gateway and their machine", rough, func(c *call) (from, to *lockstep.Node) {
		return c.theirTerminal(true, "--redundancy-control", "5", "--redundancy-image", "0"), c.ourGateway(unrepeated, c.theirFax(false))
	}},
	{"their machine and our gateway to our gateway and their machine", rough, func(c *call) (from, to *lockstep.Node) {
		return c.ourGateway(unrepeated, c.theirFax(true)), c.ourGateway(unrepeated, c.theirFax(false))
	}},
}

// A PPR has 37 octets: more than a second of V.21. A machine that hears flags until all of it
// has come by packets, and then the frame, has lost its patience. So a gateway passes on what
// there is of it; a packet that is lost, and told by the next, does it no harm.
func TestRepairsThroughGateways(t *testing.T) {
	for _, h := range repairChains {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			var repairs atomic.Int64
			t.Cleanup(func() {
				if repairs.Load() < 8 {
					t.Errorf("%d frames were asked for again", repairs.Load())
				}
			})
			for _, rate := range []int{14400, 9600} {
				for seed := range uint64(6) {
					t.Run(fmt.Sprintf("%d, seed %d", rate, seed), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, fax.ECM(t30.MMR, rate), fax.Text(2, 500)...)
						from, to := h.build(c)
						there, back := h.network, h.network
						there.Seed, back.Seed = seed, seed+100
						s, _ := c.exactOver(from, to, there, back)
						repairs.Add(int64(s.ECMRetries))
					})
				}
			}
		})
	}
}
