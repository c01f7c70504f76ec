package provisioning

import (
	"math/rand/v2"
	"testing"
	"time"

	"tipring/internal/config"
)

// steady is a schedule without chance.
func steady(interval time.Duration, retry ...time.Duration) *Schedule {
	return &Schedule{Interval: interval, Retry: retry, jitters: func() float64 { return 0.5 }}
}

func TestScheduleLooksAtIntervals(t *testing.T) {
	s := steady(time.Hour)
	s.Succeeded(noon)
	if want := noon.Add(time.Hour); !s.Next().Equal(want) {
		t.Errorf("next %v, want %v", s.Next(), want)
	}
	s.Begun()
	if !s.Next().IsZero() {
		t.Error("a look is due while one is running")
	}
	once := steady(0)
	once.Succeeded(noon)
	if !once.Next().IsZero() {
		t.Errorf("interval 0: next %v", once.Next())
	}
	for _, chance := range []float64{0, 0.999999} {
		s.jitters = func() float64 { return chance }
		s.Succeeded(noon)
		if got := s.Next().Sub(noon); got < 54*time.Minute || got > 66*time.Minute {
			t.Errorf("an interval of an hour became %v", got)
		}
	}
}

// Waits after failures: by the list, then, with one and the same cause, longer and longer.
// They are never shorter, and half of a fifth longer where chance stands in the middle.
func TestScheduleAfterFailures(t *testing.T) {
	s := steady(24*time.Hour, time.Minute, 5*time.Minute)
	middle := func(d time.Duration) time.Duration { return d + d/10 }
	for i, want := range []time.Duration{
		time.Minute, 5 * time.Minute, 5 * time.Minute, // three equal ones
		30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour, 24 * time.Hour, 24 * time.Hour,
	} {
		s.Failed(noon, "refused", 0)
		if got := s.Next().Sub(noon); got != middle(want) {
			t.Errorf("failure %d: wait %v, want %v", i+1, got, middle(want))
		}
	}
	s.Failed(noon, "another", 0)
	if got := s.Next().Sub(noon); got != middle(5*time.Minute) {
		t.Errorf("another cause: wait %v, want 5m30s", got)
	}
	s.Succeeded(noon)
	s.Failed(noon, "another", 0)
	if got := s.Next().Sub(noon); got != middle(time.Minute) {
		t.Errorf("after a success: wait %v, want 1m6s", got)
	}
}

func TestScheduleKeepsRetryAfter(t *testing.T) {
	s := steady(time.Hour, time.Minute)
	s.Failed(noon, "503", 20*time.Minute)
	if got := s.Next().Sub(noon); got != 20*time.Minute {
		t.Errorf("wait %v, want what the server asked for", got)
	}
	s.Failed(noon, "503", 1000*time.Hour)
	if got := s.Next().Sub(noon); got != 24*time.Hour {
		t.Errorf("wait %v, want a day at most", got)
	}
}

// A thousand devices come back after a power cut. Whether their addresses follow each
// other or are any, the busiest second sees at most 5 % of them, and all come within the
// boot delay.
func TestBootDelaySpreadsAFleet(t *testing.T) {
	const fleet = 1000
	const whole = 30 * time.Second
	r := rand.New(rand.NewPCG(4475, 5118))
	for _, tt := range []struct {
		name string
		mac  func(i int) uint64
	}{
		{"one box of addresses", func(i int) uint64 { return 0x00908f1d0000 + uint64(i) }},
		{"every second address", func(i int) uint64 { return 0x00908f1d0000 + 2*uint64(i) }},
		{"every sixteenth address", func(i int) uint64 { return 0x000b82a00000 + 16*uint64(i) }},
		{"any address", func(int) uint64 { return r.Uint64() & 0xffffffffffff }},
	} {
		seconds := make(map[int]int)
		for i := range fleet {
			var mac config.MAC
			for j, n := 5, tt.mac(i); j >= 0; j, n = j-1, n>>8 {
				mac[j] = byte(n)
			}
			d := BootDelay(mac, whole)
			if d < 0 || d >= whole {
				t.Fatalf("%s: a delay of %v", tt.name, d)
			}
			seconds[int(d/time.Second)]++
		}
		for s, n := range seconds {
			if n > fleet*5/100 {
				t.Errorf("%s: %d devices in second %d", tt.name, n, s)
			}
		}
	}
}
