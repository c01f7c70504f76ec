package t38

import (
	"fmt"
	"testing"

	"tipring/t38/t30"
	"tipring/t38/udptl/netmodel"
)

// A coarseEnd is a line whose card has samples in large blocks: datagrams pass between two of them.
type coarseEnd struct {
	*lineEnd
	ticks, at  int
	toM, fromM []int16 // of a block
	waits      [][]byte
}

func newCoarseEnd(e *lineEnd, ticks int) *coarseEnd {
	return &coarseEnd{lineEnd: e, ticks: ticks, toM: make([]int16, ticks*tick), fromM: make([]int16, ticks*tick)}
}

func (e *coarseEnd) step() {
	if e.at++; e.at < e.ticks {
		return
	}
	e.at = 0
	for _, d := range e.waits {
		_ = e.Gateway.Hear(d)
	}
	e.waits = e.waits[:0]
	e.m.Exchange(e.toM, e.fromM)
	e.Exchange(e.fromM, e.toM)
}

// Hear keeps a datagram until the block ends.
func (e *coarseEnd) Hear(d []byte) error {
	e.waits = append(e.waits, append([]byte(nil), d...))
	return nil
}

func (e *coarseEnd) Say() ([]byte, bool) {
	if e.at != 0 {
		return nil, false
	}
	return e.Gateway.Say()
}

// Blocks of 10 to 200 ms make no difference to a call, nor to its pace.
func TestGatewayTakesAnyBlocks(t *testing.T) {
	for _, ticks := range []int{1, 3, 5, 10} {
		for _, ecm := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d ms, ECM %v", 20*ticks, ecm), func(t *testing.T) {
				t.Parallel()
				f := newFaxTest(t, 2, ecm)
				f.doc.rows = 300
				f.sends.Source = f.doc
				f.open(t)
				a, b := newCoarseEnd(f.a.lineEnd, ticks), newCoarseEnd(f.b.lineEnd, ticks)
				took := cross(t, a, b, netmodel.New(1, netmodel.Config{Delay: 400, Jitter: 400, InOrder: true}), 120)
				s, r := f.a.m.T30.Result(), f.b.m.T30.Result()
				if s.Code != t30.OK || r.Code != t30.OK || s.Repeats+r.Repeats+r.Repairs+r.BadRows > 0 || s.BitRate != 14400 || took > 60 {
					t.Errorf("%.1f s: sender %+v, receiver %+v", took, s, r)
				}
				f.got.same(f.doc)
				t.Logf("%.1f s", took)
			})
		}
	}
}

// A lateStation is a T.38 terminal whose owner comes late: datagrams wait, and time passes at once.
type lateStation struct {
	stationEnd
	ticks, at int
	waits     [][]byte
}

func (e *lateStation) step() {
	if e.at++; e.at < e.ticks {
		return
	}
	e.at = 0
	e.Advance(e.ticks * tick)
	for _, d := range e.waits {
		_ = e.Station.Hear(d)
	}
	e.waits = e.waits[:0]
}

// Hear keeps a datagram until the owner comes.
func (e *lateStation) Hear(d []byte) error {
	e.waits = append(e.waits, append([]byte(nil), d...))
	return nil
}

func (e *lateStation) Say() ([]byte, bool) {
	if e.at != 0 {
		return nil, false
	}
	return e.Station.Say()
}

// Nor does a terminal suffer whose owner is late by as much, with ours at the other end.
func TestStationsMayBeLate(t *testing.T) {
	for _, ticks := range []int{1, 5, 10} {
		for _, ecm := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d ms, ECM %v", 20*ticks, ecm), func(t *testing.T) {
				t.Parallel()
				doc, got := leaflet{t, 2, 300}, &tray{t: t}
				a, b, x, y := ends(t, t30.Config{Calling: true, Source: doc, ECM: ecm}, t30.Config{Sink: got, ECM: ecm}, false, false, adaptive)
				took := cross(t, &lateStation{stationEnd: a.(stationEnd), ticks: ticks}, &lateStation{stationEnd: b.(stationEnd), ticks: ticks}, netmodel.New(1, netmodel.Config{Delay: 400}), 120)
				if s, r := x.Result(), y.Result(); s.Code != t30.OK || r.Code != t30.OK || s.Repeats+r.Repairs+r.BadRows > 0 || took > 40 {
					t.Errorf("%.1f s: sender %+v, receiver %+v", took, s, r)
				}
				got.same(doc)
				t.Logf("%.1f s", took)
			})
		}
	}
}
