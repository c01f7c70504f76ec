package main

import (
	"testing"
	"time"

	"tipring/internal/dsp/talker"
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

// What is lost is replaced where it is heard: nothing else differs from a call without loss.
func TestConcealmentRow(t *testing.T) {
	speech := talker.Speech(9, talker.Config{}, 2)
	lost := make([]bool, len(speech)/packetSize)
	lost[40] = true
	said, with := heard(t, speech, nil, patient), heard(t, speech, lost, patient)
	first, last := -1, 0
	for i := range said {
		if said[i] != with[i] {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if at := 40*packetSize + playout; first < at || last >= at+2*packetSize {
		t.Errorf("samples %d to %d differ, want some of %d to %d", first, last, at, at+2*packetSize)
	}
	if ours, silence := concealment(t, 0.03, 1); ours > 0.7*silence {
		t.Errorf("%.2f dB, silence %.2f dB", ours, silence)
	}
}

// A device that is met by no jitter has no more delay than a frame to wait for and one to play.
func TestDelayRow(t *testing.T) {
	if n := delay(t); n <= 0 || n > packetSize {
		t.Errorf("a delay of %d samples, want a frame at most", n)
	}
}

func TestOnsets(t *testing.T) {
	var o onsets
	start := time.Now()
	loud := make([]int16, packetSize)
	loud[80], loud[100] = 5000, 5000
	for _, at := range []time.Duration{0, 20, 300} {
		o.add(loud, start.Add(at*time.Millisecond))
	}
	if len(o) != 2 || o[0].Sub(start) != 10*time.Millisecond || o[1].Sub(start) != 310*time.Millisecond {
		t.Errorf("onsets %v after %v, want 10 and 310 ms", o, start)
	}
	if at, ok := next(o, start); !ok || at != o[0] {
		t.Errorf("the next is %v %v", at, ok)
	}
	if _, ok := next(o, start.Add(time.Second)); ok {
		t.Error("there is one after the last")
	}
	if at, ok := last(o, start.Add(time.Second)); !ok || at != o[1] {
		t.Errorf("the last is %v %v", at, ok)
	}
	if _, ok := last(o, start); ok {
		t.Error("there is one before the first")
	}
}

// What the row tells is what is required.
func TestTalkOffRow(t *testing.T) {
	if n := talkOff(60); n > 1 {
		t.Errorf("%d digits in an hour of speech and noise", n)
	}
}

// Under chrt only what is watched to the millisecond is measured, and the table says how.
func TestGroupsUnderRealTime(t *testing.T) {
	for _, g := range groups {
		if why := notMeasured(g.timing, 0); why != "" {
			t.Errorf("%s: %s", g.name, why)
		}
		if why := notMeasured(g.timing, 5); (why == "") != g.timing {
			t.Errorf("%s under chrt -f 5: %q", g.name, why)
		}
	}
	for _, tt := range []struct {
		fifo, own int
		want      string
	}{
		{0, 0, "programs under test like all others"},
		{50, 0, "programs under test with chrt -f 50"},
		{0, 5, "all but the programs under test in real time, with 5"},
		{50, 5, "all in real time: programs under test with chrt -f 50, the others with 5"},
	} {
		if got := scheduling(tt.fifo, tt.own); got != tt.want {
			t.Errorf("-fifo %d under chrt -f %d: %s, want %s", tt.fifo, tt.own, got, tt.want)
		}
	}
}
