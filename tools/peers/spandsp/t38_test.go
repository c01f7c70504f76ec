package spandsp

import (
	"fmt"
	"testing"
	"time"

	"tipring/tools/peers/lockstep"
)

var perfect lockstep.Network

// lossy is a network that both directions of a call have, with other losses each.
func lossy(n lockstep.Network, seed uint64) (there, back lockstep.Network) {
	there, back = n, n
	there.Seed, back.Seed = 2*seed, 2*seed+1
	return there, back
}

func TestTerminalToTerminal(t *testing.T) {
	tests := []struct {
		name    string
		mode    mode
		options []string
		network lockstep.Network
	}{
		{"numbered IFP", mode{true, "mmr", 14400}, nil, perfect},
		{"numbered IFP", mode{false, "mh", 9600}, nil, perfect},
		{"datagrams", mode{true, "mr", 4800}, []string{"--wire", "udptl"}, perfect},
		{"sequence wraps", mode{false, "mr", 14400}, []string{"--wire", "udptl", "--seq0", "65500"}, perfect},
		{"slowest", mode{false, "mh", 2400}, nil, perfect},
		{"version 3", mode{true, "mmr", 14400}, []string{"--version", "3"}, perfect},
		{"redundancy 3, loss 3 %", mode{false, "mr", 14400}, []string{"--wire", "udptl"}, lockstep.Network{Loss: 0.03}},
		{"FEC 3x3, loss 3 %", mode{false, "mr", 14400}, []string{"--wire", "udptl", "--fec", "3,3"}, lockstep.Network{Loss: 0.03}},
		{"bursts of 3", mode{true, "mmr", 14400}, []string{"--wire", "udptl"}, lockstep.Network{Loss: 0.01, Burst: 3}},
		{"reordered, doubled, late", mode{true, "mmr", 14400}, []string{"--wire", "udptl"},
			lockstep.Network{Reorder: 0.05, Duplicate: 0.05, Delay: 100 * time.Millisecond, Jitter: 60 * time.Millisecond}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %v", tt.name, tt.mode), func(t *testing.T) {
			j := newJob(t, TextPage(700, 98, 2))
			o := append(tt.mode.options(), tt.options...)
			a := terminal(t, append(o, "--send", j.send)...)
			b := terminal(t, append(o, "--recv", j.recv)...)
			var c lockstep.Call
			there, back := lossy(tt.network, 1)
			c.Network(c.Terminal("sender", a), c.Terminal("receiver", b), there, back)
			run(t, &c)
			ended(t, tt.mode, 1, a, b)
			j.arrived(t)
			if r, _ := b.Result(); r.Malformed > 0 || r.Lost > 0 || tt.network.Loss > 0 && r.Recovered == 0 {
				t.Errorf("of the packets, %d lost, %d recovered, %d malformed", r.Lost, r.Recovered, r.Malformed)
			}
		})
	}
}

func TestGatewayBetweenFaxAndTerminal(t *testing.T) {
	for _, m := range []mode{{true, "mmr", 14400}, {true, "mr", 9600}, {false, "mr", 14400}, {false, "mh", 4800}, {true, "mmr", 2400}} {
		for _, faxSends := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v fax sends %v", m, faxSends), func(t *testing.T) {
				j := newJob(t, TextPage(700, 98, 3), TextPage(500, 98, 4))
				faxHas, terminalHas := "--send", "--recv"
				if !faxSends {
					faxHas, terminalHas = "--recv", "--send"
				}
				file := map[string]string{"--send": j.send, "--recv": j.recv}
				a := fax(t, append(m.options(), faxHas, file[faxHas])...)
				g := gateway(t, "--wire", "udptl")
				b := terminal(t, append(m.options(), "--wire", "udptl", terminalHas, file[terminalHas])...)
				var c lockstep.Call
				there, back := lossy(lockstep.Network{Loss: 0.02, Delay: 40 * time.Millisecond, Jitter: 40 * time.Millisecond}, 1)
				n := c.Gateway("gateway", g)
				c.Line(c.Machine("fax", a), n, nil, nil)
				c.Network(n, c.Terminal("terminal", b), there, back)
				run(t, &c)
				ended(t, m, 2, a, b)
				j.arrived(t)
				if r, err := g.Result(); err != nil || r.Pages != 2 || r.ECM != m.ecm {
					t.Errorf("the gateway saw %+v, %v", r, err)
				}
			})
		}
	}
}

func TestTwoGatewaysBetweenFaxes(t *testing.T) {
	m := mode{true, "mmr", 14400}
	j := newJob(t, TextPage(700, 98, 5))
	a, b := fax(t, append(m.options(), "--send", j.send)...), fax(t, append(m.options(), "--recv", j.recv)...)
	g, h := gateway(t), gateway(t)
	var c lockstep.Call
	near, far := c.Gateway("near", g), c.Gateway("far", h)
	c.Line(c.Machine("sender", a), near, nil, nil)
	c.Network(near, far, perfect, perfect)
	c.Line(far, c.Machine("receiver", b), nil, nil)
	run(t, &c)
	ended(t, m, 1, a, b)
	j.arrived(t)
}
