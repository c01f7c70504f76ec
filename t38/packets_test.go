package t38

import (
	"fmt"
	"testing"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/t38/udptl/netmodel"
)

const tick = 160 // samples

// An end is what stands at one side of the packet network.
type end interface {
	step() // a tick passes
	Hear([]byte) error
	Say() ([]byte, bool)
	done() bool
}

// lineEnd is a machine on a line, behind a gateway.
type lineEnd struct {
	m *Machine
	*Gateway
	toM, fromM [tick]int16
}

func (e *lineEnd) step() {
	e.m.Exchange(e.toM[:], e.fromM[:])
	e.Exchange(e.fromM[:], e.toM[:])
}

func (e *lineEnd) done() bool { return e.m.Done() }

// stationEnd is a T.38 terminal.
type stationEnd struct{ *convey.Station }

func (e stationEnd) step()      { e.Advance(tick) }
func (e stationEnd) done() bool { return e.Done() }

// cross lets two ends talk over a network until both are done, and returns how many
// seconds that took.
func cross(t testing.TB, a, b end, n *netmodel.Network, limit int) float64 {
	t.Helper()
	pass := func(from, to end, p *netmodel.Path, now int64) {
		for {
			d, ok := from.Say()
			if !ok {
				break
			}
			p.Send(now, d)
		}
		for {
			d, ok := p.Receive(now)
			if !ok {
				return
			}
			if err := to.Hear(d); err != nil {
				t.Fatal(err)
			}
		}
	}
	now := int64(0)
	for ; !a.done() || !b.done(); now += tick {
		if now > int64(limit)*t30.SampleRate {
			t.Fatalf("after %d s they are not done", limit)
		}
		a.step()
		b.step()
		pass(a, b, n.AToB, now)
		pass(b, a, n.BToA, now)
	}
	return float64(now) / t30.SampleRate
}

var adaptive = convey.LinkConfig{Control: convey.Adaptive, Image: convey.Adaptive}

// ends makes a sender and a receiver, each on a line or a T.38 terminal.
func ends(t testing.TB, sends, takes t30.Config, lineA, lineB bool, c convey.LinkConfig) (a, b end, ta, tb *t30.Terminal) {
	t.Helper()
	ta, tb = terminal(t, sends), terminal(t, takes)
	return endOf(ta, lineA, c), endOf(tb, lineB, c), ta, tb
}

func endOf(x *t30.Terminal, line bool, c convey.LinkConfig) end {
	if !line {
		s := convey.NewStation(x, c)
		s.Start()
		return stationEnd{s}
	}
	e := &lineEnd{m: NewMachine(x, DefaultLevel), Gateway: NewGateway(c, DefaultLevel)}
	e.m.Start()
	return e
}

// TestGatewaysAcrossANetwork is the chain of a fax machine, a gateway, a network that loses
// and delays, and another gateway with its machine or a T.38 terminal.
func TestGatewaysAcrossANetwork(t *testing.T) {
	networks := []struct {
		name string
		cfg  netmodel.Config
		ecm  bool // is needed
	}{
		{"clean", netmodel.Config{}, false},
		{"delay 100 ms jitter 80 ms", netmodel.Config{Delay: 800, Jitter: 640, InOrder: true}, false},
		{"jitter 200 ms", netmodel.Config{Jitter: 1600, InOrder: true}, false},
		{"delay 500 ms", netmodel.Config{Delay: 4000}, false},
		{"loss 2 %", netmodel.Config{Loss: 0.02, Delay: 320}, false},
		{"loss 5 %", netmodel.Config{Loss: 0.05, Delay: 320}, true},
		{"reordered and doubled", netmodel.Config{Reorder: 0.05, ReorderBy: 360, Duplicate: 0.05, Delay: 320}, false},
	}
	for _, n := range networks {
		for _, ecm := range []bool{false, true} {
			for _, m := range []t30.Modulation{t30.V27ter2400, t30.V29At9600, t30.V17At14400} {
				for _, chain := range []struct {
					name string
					a, b bool
				}{{"line to line", true, true}, {"line to T.38", true, false}, {"T.38 to line", false, true}} {
					if n.ecm && !ecm {
						continue
					}
					t.Run(fmt.Sprintf("%s/ECM %v/%v/%s", n.name, ecm, m, chain.name), func(t *testing.T) {
						t.Parallel()
						doc := leaflet{t, 2, 80}
						got := &tray{t: t}
						allowed := t30.Modulations(m, t30.V27ter2400)
						a, b, ta, tb := ends(t,
							t30.Config{Calling: true, Source: doc, ECM: ecm, Modulations: allowed, Ident: "1"},
							t30.Config{Sink: got, ECM: ecm, Modulations: allowed, Ident: "2"}, chain.a, chain.b, adaptive)
						s := cross(t, a, b, netmodel.New(1, n.cfg), 400)
						if r := ta.Result(); r.Code != t30.OK || r.Sent != 2 {
							t.Errorf("sender: %v, %+v", r.Code, r)
						}
						if r := tb.Result(); r.Code != t30.OK || r.Received != 2 {
							t.Errorf("receiver: %v, %+v", r.Code, r)
						}
						if !t.Failed() {
							got.same(doc)
						}
						t.Logf("%.1f s", s)
					})
				}
			}
		}
	}
}
