package spandsp

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"tipring/t38/ifp"
	"tipring/t38/udptl"
	"tipring/tools/peers/lockstep"
)

// TestOurUDPTLAgainstTheirs puts our UDPTL on one end of a lossy network and the C
// program's own on the other, each way round.
func TestOurUDPTLAgainstTheirs(t *testing.T) {
	parity := func(lockstep.Packet) udptl.Protection { return udptl.Protection{Span: 3, Entries: 3} }
	tests := []struct {
		name       string
		protection func(lockstep.Packet) udptl.Protection
		theirs     []string
	}{
		{"redundancy", nil, nil},
		{"parity", parity, []string{"--fec", "3,3"}},
		{"ours parity, theirs redundancy", parity, nil},
	}
	m := mode{false, "mr", 14400}
	network := lockstep.Network{Loss: 0.03, Reorder: 0.02, Duplicate: 0.02}
	for _, tt := range tests {
		for _, weSend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, we send %v", tt.name, weSend), func(t *testing.T) {
				j := newJob(t, TextPage(700, 98, 6))
				ours, theirs := m.options(), append(append(m.options(), "--wire", "udptl"), tt.theirs...)
				if weSend {
					ours, theirs = append(ours, "--send", j.send), append(theirs, "--recv", j.recv)
				} else {
					ours, theirs = append(ours, "--recv", j.recv), append(theirs, "--send", j.send)
				}
				a, b := terminal(t, ours...), terminal(t, theirs...)
				u := lockstep.OverUDPTL(a, tt.protection)
				var c lockstep.Call
				there, back := lossy(network, 3)
				c.Network(c.Terminal("ours", u), c.Terminal("theirs", b), there, back)
				run(t, &c)
				ended(t, m, 1, a, b)
				j.arrived(t)
				if n := u.Counters(); n.Malformed > 0 || n.Lost > 0 || n.Received == 0 {
					t.Errorf("ours met %+v", n)
				}
				if r, _ := b.Result(); r.Malformed > 0 || r.Lost > 0 {
					t.Errorf("of the packets, theirs met %d lost, %d malformed", r.Lost, r.Malformed)
				}
			})
		}
	}
}

// TestTheirIFPIsOurs reads every packet of a call with our own code, writes it again and
// wants the same octets.
func TestTheirIFPIsOurs(t *testing.T) {
	for _, version := range []int{0, 3} {
		for _, m := range []mode{{true, "mmr", 14400}, {false, "mh", 4800}} {
			t.Run(fmt.Sprintf("version %d, %v", version, m), func(t *testing.T) {
				j := newJob(t, TextPage(300, 98, 7))
				o := append(m.options(), "--version", fmt.Sprint(version))
				a := terminal(t, append(o, "--send", j.send)...)
				b := terminal(t, append(o, "--recv", j.recv)...)
				seen := 0
				n := lockstep.Network{Tap: func(at time.Duration, octets []byte) {
					seen++
					again(t, at, octets, ifp.CodingOf(version))
				}}
				var c lockstep.Call
				c.Network(c.Terminal("sender", a), c.Terminal("receiver", b), n, n)
				run(t, &c)
				if seen < 100 {
					t.Errorf("the call had %d packets", seen)
				}
			})
		}
	}
}

func again(t *testing.T, at time.Duration, octets []byte, c ifp.Coding) {
	t.Helper()
	var p ifp.Packet
	n, err := p.Decode(octets, c)
	if err != nil || n != len(octets) {
		t.Fatalf("%v: % x: read %d of %d octets: %v", at, octets, n, len(octets), err)
	}
	if got, err := p.Append(nil, c); err != nil || !bytes.Equal(got, octets) {
		t.Fatalf("%v: % x: written again as % x: %v", at, octets, got, err)
	}
}
