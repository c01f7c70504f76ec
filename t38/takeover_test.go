package t38

import (
	"fmt"
	"testing"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/t38/udptl/netmodel"
)

// A terminal that began on G.711 goes on by T.38 when the call does, and the other way round: its
// front end is replaced, and what that was saying is made good by T.30's repetition.
func TestFrontEndIsReplaced(t *testing.T) {
	for _, toPackets := range []bool{true, false} {
		for ms := 500; ms <= 9000; ms += 500 {
			t.Run(fmt.Sprintf("to packets %v, after %d ms", toPackets, ms), func(t *testing.T) {
				t.Parallel()
				doc, got := leaflet{t, 1, 60}, &tray{t: t}
				x := terminal(t, t30.Config{Calling: true, Source: doc, ECM: true})
				y := terminal(t, t30.Config{Sink: got, ECM: true})
				if toPackets {
					speak(x, y, ms)
				} else {
					a, b := convey.NewStation(x, adaptive), convey.NewStation(y, adaptive)
					a.Start()
					b.Start()
					n := netmodel.New(1, netmodel.Config{})
					for now := int64(0); now < int64(ms)*8; now += tick {
						a.Advance(tick)
						b.Advance(tick)
						hand(a, b, n, now)
					}
				}
				if toPackets {
					a, b := convey.NewStation(x, adaptive), convey.NewStation(y, adaptive)
					a.Start()
					b.Start()
					cross(t, stationEnd{a}, stationEnd{b}, netmodel.New(1, netmodel.Config{Delay: 400}), 120)
				} else {
					speak(x, y, 120*1000)
				}
				if x.Result().Code != t30.OK || y.Result().Code != t30.OK {
					t.Fatalf("caller %+v, called %+v", x.Result(), y.Result())
				}
				got.same(doc)
			})
		}
	}
}

// speak joins two terminals by a line for so many ms.
func speak(x, y *t30.Terminal, ms int) {
	a, b := NewMachine(x, DefaultLevel), NewMachine(y, DefaultLevel)
	a.Start()
	b.Start()
	var toA, toB, fromA, fromB [tick]int16
	for now := 0; now < ms*8 && !(x.Done() && y.Done()); now += tick {
		a.Exchange(toA[:], fromA[:])
		b.Exchange(toB[:], fromB[:])
		toA, toB = fromB, fromA
	}
}

func hand(a, b *convey.Station, n *netmodel.Network, now int64) {
	for d, ok := a.Say(); ok; d, ok = a.Say() {
		n.AToB.Send(now, d)
	}
	for d, ok := b.Say(); ok; d, ok = b.Say() {
		n.BToA.Send(now, d)
	}
	for d, ok := n.AToB.Receive(now); ok; d, ok = n.AToB.Receive(now) {
		_ = b.Hear(d)
	}
	for d, ok := n.BToA.Receive(now); ok; d, ok = n.BToA.Receive(now) {
		_ = a.Hear(d)
	}
}
