package main

import (
	"testing"
	"time"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// The measuring itself works: the peer's column can be filled.
func TestBaresipColumn(t *testing.T) {
	s := startBaresip(t, 8)
	if s.first <= 0 || s.all < s.first || s.rss < 1000 || s.anon < 100 {
		t.Errorf("eight lines: %+v", s)
	}
	if c := cpu(s.pid); c <= 0 || c > 10000 {
		t.Errorf("processor time of %v ms", c)
	}
	if w := wakeups(s.pid); w <= 0 {
		t.Errorf("%v wake-ups", w)
	}
	v := setupBaresip(t, 3)
	if len(v) != 3 || v[0] <= 0 || v[0] > 1000 {
		t.Errorf("call setup %v ms", v)
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.95: 5, 1: 5} {
		if got := quantile(v, q); got != want {
			t.Errorf("quantile %v of 1 to 5 is %v, want %v", q, got, want)
		}
	}
}

func TestLateness(t *testing.T) {
	start := time.Now()
	var events []wire.Event
	for i, late := range []int{2, 0, 5} {
		events = append(events, wire.Event{
			At:  start.Add(time.Duration(20*i+late) * time.Millisecond),
			RTP: wire.RTPPacket{Timestamp: uint32(160 * i)},
		})
	}
	got := lateness(events)
	for i, want := range []float64{2, 0, 5} {
		if got[i] < want-0.1 || got[i] > want+0.1 {
			t.Errorf("packet %d is %.2f ms late, want %v", i, got[i], want)
		}
	}
}
