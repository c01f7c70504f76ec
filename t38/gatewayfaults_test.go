package t38

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tipring/t38/t30"
	"tipring/t38/udptl/netmodel"
)

// A faultyLine lets a test change what a machine and its gateway hear of each other.
type faultyLine struct {
	*lineEnd
	toMachine, toGateway func(now int64, samples []int16) // nil: as it is
	now                  int64
}

func (e *faultyLine) step() {
	if e.toMachine != nil {
		e.toMachine(e.now, e.toM[:])
	}
	e.m.Exchange(e.toM[:], e.fromM[:])
	if e.toGateway != nil {
		e.toGateway(e.now, e.fromM[:])
	}
	e.Exchange(e.fromM[:], e.toM[:])
	e.now += tick
}

// A faxTest is a call from a machine on a line, by gateways, to another one.
type faxTest struct {
	sends, takes t30.Config
	policy       Policy
	net          netmodel.Config
	limit        int // seconds
	a, b         *faultyLine
	got          *tray
	doc          leaflet
}

func newFaxTest(t *testing.T, pages int, ecm bool) *faxTest {
	f := &faxTest{doc: leaflet{t, pages, 60}, got: &tray{t: t}, limit: 300}
	f.sends = t30.Config{Calling: true, Source: f.doc, ECM: ecm, Ident: "1"}
	f.takes = t30.Config{Sink: f.got, ECM: ecm, Ident: "2"}
	return f
}

// open makes the ends, so that faults can be tied to them.
func (f *faxTest) open(t *testing.T) {
	a, b, _, _ := ends(t, f.sends, f.takes, true, true, adaptive)
	f.a, f.b = &faultyLine{lineEnd: a.(*lineEnd)}, &faultyLine{lineEnd: b.(*lineEnd)}
	f.a.Policy, f.b.Policy = f.policy, f.policy
}

func (f *faxTest) run(t *testing.T) (sender, receiver t30.Result) {
	t.Helper()
	cross(t, f.a, f.b, netmodel.New(1, f.net), f.limit)
	return f.a.m.T30.Result(), f.b.m.T30.Result()
}

// well fails unless both ends are content and the pages are exact.
func (f *faxTest) well(t *testing.T) (sender, receiver t30.Result) {
	t.Helper()
	s, r := f.run(t)
	if s.Code != t30.OK || r.Code != t30.OK || s.Sent != f.doc.pages || r.Received != f.doc.pages {
		t.Fatalf("sender: %v, %+v; receiver: %v, %+v", s.Code, s, r.Code, r)
	}
	f.got.same(f.doc)
	return s, r
}

// drown puts noise over what is heard while a condition holds.
func drown(while func() bool) func(int64, []int16) {
	r := rand.New(rand.NewPCG(1, 1))
	return func(_ int64, samples []int16) {
		if while() {
			for i := range samples {
				samples[i] = int16(r.NormFloat64() * 3000)
			}
		}
	}
}

// delays are networks, one way.
var delays = []netmodel.Config{{}, {Delay: 4000}}

// The far end answers FTT to a training that the line spoiled, once and twice: then a long
// training at the next rate comes through (fax.md's fault 8 of spandsp).
func TestGatewayFTT(t *testing.T) {
	for _, n := range delays {
		for _, ecm := range []bool{true, false} {
			for _, bad := range []int{1, 2} {
				for _, atGateway := range []bool{true, false} {
					t.Run(fmt.Sprintf("%d failures, at the gateway %v, ECM %v, delay %d", bad, atGateway, ecm, n.Delay), func(t *testing.T) {
						t.Parallel()
						f := newFaxTest(t, 2, ecm)
						f.net = n
						f.open(t)
						fails := drown(func() bool { return f.a.m.T30.Sending().Kind == t30.TCF && f.a.m.T30.Result().Failures < bad })
						if atGateway {
							f.a.toGateway = fails
						} else {
							f.b.toMachine = drown(func() bool { l := f.b.m.T30.Listening(); return l.Fast == t30.TCF && f.b.m.T30.Result().Failures < bad })
						}
						if s, r := f.well(t); s.Failures != bad || s.BitRate >= 14400 || r.Failures != bad {
							t.Errorf("sender %+v, receiver %+v", s, r)
						}
					})
				}
			}
		}
	}
}
