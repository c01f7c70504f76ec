package t38

import (
	"fmt"
	"testing"
	"time"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/lockstep"
)

func TestEveryModeBetweenTerminals(t *testing.T) {
	for _, m := range fax.Modes() {
		for _, weSend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, %s", m, way(weSend)), func(t *testing.T) {
				t.Parallel()
				c := newCall(t, m, fax.Text(1, 700)...)
				c.exact(c.ourTerminal(weSend, Adaptive), c.theirTerminal(!weSend))
			})
		}
	}
}

func TestEightPagesBetweenTerminals(t *testing.T) {
	for _, m := range []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 14400)} {
		for _, weSend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, %s", m, way(weSend)), func(t *testing.T) {
				t.Parallel()
				c := newCall(t, m, fax.Text(8, 1100)...)
				c.exact(c.ourTerminal(weSend, Adaptive), c.theirTerminal(!weSend))
			})
		}
	}
}

// Redundancy and parity, of ours and of theirs, make good what networks lose.
func TestCorrectionBetweenTerminals(t *testing.T) {
	networks := []struct {
		name string
		lockstep.Network
	}{
		{"clean", lockstep.Network{}},
		{"loss 3 %", lockstep.Network{Loss: 0.03}},
		{"late, swapped and doubled", lockstep.Network{Delay: 100 * time.Millisecond, Jitter: 60 * time.Millisecond, Reorder: 0.03, Duplicate: 0.03}},
	}
	for _, correction := range []struct {
		name   string
		ours   convey.LinkConfig
		theirs []string
	}{
		{"redundancy 3", convey.LinkConfig{Control: 3, Image: 3}, nil},
		{"kept alive in silence", convey.LinkConfig{Control: 3, Image: 3, Alive: convey.SampleRate}, nil},
		{"version 3", convey.LinkConfig{Version: 3, Control: 3, Image: 3}, []string{"--version", "3"}},
		{"FEC 3x3", convey.LinkConfig{Span: 3, Entries: 3}, []string{"--fec", "3,3"}},
		{"ours FEC, theirs redundancy", convey.LinkConfig{Span: 3, Entries: 3}, nil},
		{"numbers wrap", convey.LinkConfig{Control: 3, Image: 3, First: 65500}, []string{"--seq0", "65500"}},
	} {
		for _, n := range networks {
			for _, ecm := range []bool{true, false} {
				for _, weSend := range []bool{true, false} {
					t.Run(fmt.Sprintf("%s/%s/ECM %v/%s", correction.name, n.name, ecm, way(weSend)), func(t *testing.T) {
						t.Parallel()
						c := newCall(t, mode{ECM: ecm, Coding: t30.MR, Rate: 14400}, fax.Text(1, 700)...)
						c.network = n.Network
						s, r := c.exact(c.ourTerminal(weSend, correction.ours), c.theirTerminal(!weSend, correction.theirs...))
						if n.Loss > 0 && s.Recovered+r.Recovered == 0 {
							t.Error("nothing was made good")
						}
					})
				}
			}
		}
	}
}

// With redundancy 3 one packet of four is enough, wherever a burst of three falls: what is
// lost with the others, of the image or of what the machines say, is told by it.
func TestBurstsBetweenTerminals(t *testing.T) {
	link := convey.LinkConfig{Control: 3, Image: 3}
	for _, h := range []struct {
		name  string
		build func(*call) (from, to *lockstep.Node)
	}{
		{"ours to ours", func(c *call) (from, to *lockstep.Node) { return c.ourTerminal(true, link), c.ourTerminal(false, link) }},
		{"ours to theirs", func(c *call) (from, to *lockstep.Node) { return c.ourTerminal(true, link), c.theirTerminal(false) }},
		{"theirs to ours", func(c *call) (from, to *lockstep.Node) { return c.theirTerminal(true), c.ourTerminal(false, link) }},
	} {
		for _, ecm := range []bool{true, false} {
			for phase := range 4 {
				t.Run(fmt.Sprintf("%s/ECM %v/%d", h.name, ecm, phase), func(t *testing.T) {
					t.Parallel()
					c := newCall(t, mode{ECM: ecm, Coding: t30.MR, Rate: 14400}, fax.Text(1, 700)...)
					from, to := h.build(c)
					c.exactOver(from, to, lockstep.Network{Drop: func(n int, _ []byte) bool { return n%4 != phase }}, lockstep.Network{})
				})
			}
		}
	}
}
