package t38

import (
	"fmt"
	"testing"

	"tipring/internal/dsp"
	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/t38/udptl/netmodel"
)

// A switchover is a call that begins as one of voice: a machine and a far end hear each other by
// G.711 for a while, then a gateway takes the machine's side.
type switchover struct {
	m        *Machine
	preamble dsp.FaxDetector // as an agent has it
	heard    []int16         // of the machine, all of it
	seen     int             // sample at which the preamble was told; 0: not yet
	said     [tick]int16
}

func newSwitchover(t *testing.T, c t30.Config) *switchover {
	s := &switchover{m: NewMachine(terminal(t, c), DefaultLevel)}
	s.m.Start()
	return s
}

// talk is a tick of G.711.
func (s *switchover) talk(toM []int16) (fromM []int16) {
	s.m.Exchange(toM, s.said[:])
	s.heard = append(s.heard, s.said[:]...)
	for _, e := range s.preamble.Feed(nil, s.said[:]) {
		if e.Tone == dsp.Preamble && s.seen == 0 {
			s.seen = len(s.heard)
		}
	}
	return s.said[:]
}

// become makes it a machine behind a gateway, which hears as much of the past as is asked for.
func (s *switchover) become(recall int) *lineEnd {
	e := &lineEnd{m: s.m, Gateway: NewGateway(adaptive, DefaultLevel)}
	e.Recall(s.heard[max(len(s.heard)-recall, 0):])
	return e
}

// The machine that is called says CED and DIS before the packets are there. What a new gateway has
// missed of it is told to the far end from the samples that were kept: no machine has to say it again.
func TestGatewayBeginsWithinTheFirstDIS(t *testing.T) {
	const firstDIS = 17.0                         // s: a call of one short page that goes on with the first DIS
	for _, late := range []int{10, 40, 75, 100} { // ticks from preamble to switch
		for _, recall := range []int{0, 3 * t30.SampleRate} {
			t.Run(fmt.Sprintf("%d ms late, %d ms recalled", 20*late, recall/8), func(t *testing.T) {
				t.Parallel()
				doc, got := leaflet{t, 1, 60}, &tray{t: t}
				s := newSwitchover(t, t30.Config{Sink: got, ECM: true, Ident: "2"})
				for wait := 0; wait < late; {
					if s.talk(make([]int16, tick)); s.seen > 0 {
						wait++
					}
					if len(s.heard) > 30*t30.SampleRate {
						t.Fatal("no preamble")
					}
				}
				e := s.become(recall)
				far := terminal(t, t30.Config{Calling: true, Source: doc, ECM: true, Ident: "1"})
				station := convey.NewStation(far, adaptive)
				station.Start()
				took := cross(t, e, stationEnd{station}, netmodel.New(1, netmodel.Config{Delay: 400}), 120)
				r := s.m.T30.Result()
				if far.Result().Code != t30.OK || r.Code != t30.OK {
					t.Fatalf("caller %+v, called %+v", far.Result(), r)
				}
				got.same(doc)
				t.Logf("%.1f s", took+float64(20*late)/1000)
				if peer := far.Result().Peer; recall > 0 && peer.Ident != "2" {
					t.Errorf("the far end knows %+v", peer)
				}
				// A machine says DIS again after 3 s.
				seconds := took + float64(20*late)/1000
				if recall > 0 && seconds > firstDIS || recall == 0 && late >= 50 && seconds < firstDIS {
					t.Errorf("%.1f s from the preamble to the end", seconds)
				}
			})
		}
	}
}

// A gateway that comes when the calling machine has already begun to answer a DIS it heard by G.711
// passes its DCS on.
func TestGatewayBeginsWithinTheFirstDCS(t *testing.T) {
	for _, late := range []int{10, 60, 110} {
		t.Run(fmt.Sprintf("%d ms late", 20*late), func(t *testing.T) {
			t.Parallel()
			doc, got := leaflet{t, 1, 60}, &tray{t: t}
			s := newSwitchover(t, t30.Config{Calling: true, Source: doc, ECM: true, Ident: "1"})
			far := newSwitchover(t, t30.Config{Sink: got, ECM: true, Ident: "2"})
			toM, toFar := make([]int16, tick), make([]int16, tick)
			for wait := 0; wait < late; {
				fromM, fromFar := s.talk(toM), far.talk(toFar)
				toM, toFar = append([]int16(nil), fromFar...), append([]int16(nil), fromM...)
				if s.seen > 0 {
					wait++
				}
				if len(s.heard) > 30*t30.SampleRate {
					t.Fatal("no preamble")
				}
			}
			// Each gateway recalls its own machine alone, and since its own last signal.
			a, b := s.become(3*t30.SampleRate), far.become(0)
			cross(t, a, b, netmodel.New(1, netmodel.Config{Delay: 400}), 120)
			if x, y := s.m.T30.Result(), far.m.T30.Result(); x.Code != t30.OK || y.Code != t30.OK {
				t.Fatalf("caller %+v, called %+v", x, y)
			}
			got.same(doc)
		})
	}
}

// Quiet grows while nobody says anything of a fax, whatever else is heard.
func TestGatewayIsQuiet(t *testing.T) {
	f := newFaxTest(t, 1, true)
	f.open(t)
	longest := int64(0)
	f.a.toGateway = func(int64, []int16) { longest = max(longest, f.a.Quiet()) }
	f.well(t)
	if longest > 6*t30.SampleRate {
		t.Errorf("within the call it was quiet for %d ms", longest/8)
	}
	hum := dsp.Tone{}
	hum.Start(dsp.Steady(dsp.Partial{Hz: 440, DBm0: -20}))
	for range 10 * t30.SampleRate / tick {
		hum.Read(f.a.fromM[:])
		f.a.Exchange(f.a.fromM[:], f.a.toM[:])
		for _, ok := f.a.Say(); ok; _, ok = f.a.Say() {
		}
	}
	if q := f.a.Quiet(); q < 8*t30.SampleRate || q > 11*t30.SampleRate {
		t.Errorf("10 s behind the call it is quiet for %d ms", q/8)
	}
}
