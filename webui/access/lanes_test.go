package access

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// tries counts what a source gets through that never stops guessing.
func (l *lanes) tries(key string, known bool, from time.Time, during time.Duration) (n int) {
	for now := from; now.Before(from.Add(during)); now = now.Add(100 * time.Millisecond) {
		if l.enter(key, known, now) == 0 {
			n++
		}
	}
	return n
}

func TestOneSourceGuesses(t *testing.T) {
	var l lanes
	if n := l.tries("a", false, start, time.Minute); n > 10 || n < freeTries {
		t.Errorf("%d in the first minute, want at most 10", n)
	}
	if n := l.tries("a", false, start.Add(time.Minute), time.Hour); n > 61 {
		t.Errorf("%d in the next hour, want one a minute", n)
	}
}

func TestManySourcesGuess(t *testing.T) {
	var l lanes
	n := 0
	for at := start; at.Before(start.Add(time.Minute)); at = at.Add(50 * time.Millisecond) {
		if l.enter(fmt.Sprint(at.UnixNano()), false, at) == 0 {
			n++
		}
	}
	if n > 60 {
		t.Errorf("%d in the first minute, want at most 60", n)
	}
	if len(l.table) > maxLanes {
		t.Errorf("%d lanes", len(l.table))
	}
}

// Among sources that guess without end, whoever comes anew is let in within 2 s for each of them,
// if he asks when he was told to: nobody takes his turn from him.
func TestTurnAmongStrangers(t *testing.T) {
	for _, tt := range []struct{ sources, owners int }{{1, 1}, {10, 1}, {30, 1}, {60, 1}, {100, 3}, {254, 1}} {
		var l lanes
		guess := func(from time.Time, during time.Duration) (n int) {
			for at := from; at.Before(from.Add(during)); at = at.Add(500 * time.Millisecond) {
				for i := range tt.sources {
					if l.enter(fmt.Sprint("bot ", i), false, at) == 0 {
						n++
					}
				}
			}
			return n
		}
		now := start
		if n := guess(now, 10*time.Minute); n > 60+9*30+1 {
			t.Errorf("%d sources: %d tries in 10 minutes", tt.sources, n)
		}
		now = now.Add(10 * time.Minute)
		for i := range tt.owners {
			waited := time.Duration(0)
			for {
				wait := l.enter(fmt.Sprint("owner ", i), false, now.Add(waited))
				if wait == 0 {
					break
				}
				wait = (wait + time.Second - 1).Truncate(time.Second) // as Retry-After says it
				guess(now.Add(waited), wait)
				waited += wait
			}
			if most := time.Duration(tt.sources+i)*bucketDelay + time.Second; waited > most {
				t.Errorf("%d sources guess: the owner waits %v, want %v at most", tt.sources, waited, most)
			}
			now = now.Add(waited)
		}
	}
}

// A turn is kept for a minute, and for one source; those that are not taken are not saved up.
func TestTurnsAreNotSavedUp(t *testing.T) {
	var l lanes
	for i := range 30 {
		l.enter(fmt.Sprint("first ", i), false, start)
	}
	for i := range 10 * maxTurns {
		if wait := l.enter(fmt.Sprint("later ", i), false, start); wait <= 0 || wait > (maxTurns+1)*bucketDelay {
			t.Fatalf("source %d waits %v", i, wait)
		}
	}
	if len(l.table) > maxLanes {
		t.Errorf("%d lanes", len(l.table))
	}
	now, n := start.Add(maxTurns*bucketDelay), 0
	for i := range maxTurns {
		if l.enter(fmt.Sprint("later ", i), false, now) == 0 {
			n++
		}
	}
	if n > 60 || n < 30 {
		t.Errorf("%d tries at once, want those of the last minute", n)
	}
}

// A try that was not looked at, because too many were, costs nothing and keeps its turn.
func TestPutOff(t *testing.T) {
	var l lanes
	for i := range bucketSize {
		l.enter(fmt.Sprint("bot ", i), false, start)
	}
	for range 3 {
		l.enter("a", false, start.Add(-time.Hour)) // some wrong ones before
	}
	wait := l.enter("a", false, start)
	now := start.Add(wait)
	for range 10 {
		if wait := l.enter("a", false, now); wait != 0 {
			t.Fatalf("it waits %v", wait)
		}
		l.putOff("a", false, now)
	}
	if at := l.table["a"]; at == nil || at.wrong > 3 {
		t.Errorf("%+v", at)
	}
}

// A browser that has logged in before does not wait for those who flood the device.
func TestKnownBrowserHasItsOwnLane(t *testing.T) {
	var l lanes
	for i := range 1000 {
		l.enter(fmt.Sprint("bot ", i%100), false, start)
	}
	for i := range freeTries {
		if wait := l.enter("device x", true, start); wait != 0 {
			t.Errorf("try %d: %v", i+1, wait)
		}
	}
	if wait := l.enter("device x", true, start); wait != time.Second {
		t.Errorf("who mistypes too often waits %v, want 1 s", wait)
	}
	if l.enter("device x", true, start.Add(time.Second)) != 0 {
		t.Error("not even after it")
	}
	l.succeed("device x", true)
	if l.enter("device x", true, start.Add(time.Second)) != 0 {
		t.Error("a good login does not clear its lane")
	}
}

func TestDelays(t *testing.T) {
	for wrong, want := range map[int]time.Duration{1: 0, 4: 0, 5: time.Second, 6: 2 * time.Second, 7: 4 * time.Second, 10: 32 * time.Second, 11: time.Minute, 1000: time.Minute} {
		if got := delay(wrong); got != want {
			t.Errorf("after %d wrong tries: %v, want %v", wrong, got, want)
		}
	}
}

// Who has a password of his own cannot guess at others' in between.
func TestOwnLoginsClearNothing(t *testing.T) {
	var l lanes
	now := start
	for i := range freeTries + 1 {
		if wait := l.enter("a", false, now); i == freeTries && wait == 0 {
			t.Error("no delay after wrong tries with good ones between")
		}
		if l.enter("a", false, now) == 0 {
			l.succeed("a", false)
		}
	}
}

// What is over for a quarter of an hour is forgotten.
func TestLanesEnd(t *testing.T) {
	var l lanes
	l.tries("a", false, start, time.Minute)
	if n := l.tries("a", false, start.Add(2*time.Minute+laneLife), time.Second); n < freeTries-1 {
		t.Errorf("%d tries after a rest", n)
	}
}

func TestLaneOfAddress(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		if got := laneOf(netip.MustParseAddr(tt.a)) == laneOf(netip.MustParseAddr(tt.b)); got != tt.same {
			t.Errorf("%s and %s: %v", tt.a, tt.b, got)
		}
	}
	if laneOf(netip.Addr{}) == "" {
		t.Error("an unknown source has no lane")
	}
}

// An owner with a new browser, whose cookie nobody knows yet, gets in while 100 hosts guess.
func TestNewBrowserAmongStrangers(t *testing.T) {
	r := open(t).claimed()
	guess := func() {
		for i := range 100 {
			if _, err := r.LogIn(ctx, Try{From: netip.AddrFrom4([4]byte{10, 0, byte(i), 1})}, Owner, "wrong"); err == nil {
				t.Fatal("wrong, and in")
			}
		}
	}
	for range 120 {
		guess()
		r.now = r.now.Add(time.Second)
	}
	began := r.now
	for {
		_, err := r.LogIn(ctx, Try{From: netip.MustParseAddr("10.1.0.1")}, Owner, right)
		var wait *WaitError
		if err == nil {
			break
		}
		if !errors.As(err, &wait) || r.now.Sub(began) > time.Hour {
			t.Fatal(err)
		}
		for range wait.Seconds() {
			guess()
			r.now = r.now.Add(time.Second)
		}
	}
	if waited := r.now.Sub(began); waited > 201*time.Second {
		t.Errorf("he waited %v", waited)
	} else {
		t.Logf("he waited %v", waited)
	}
}

// The whole: wrong passwords are slowed down by source, for every name; the owner's browser and
// the control socket are not.
func TestNobodyShutsTheOwnerOut(t *testing.T) {
	r := open(t).claimed()
	owner := r.in(Owner, right)
	var wait *WaitError
	for i := range 200 {
		from := Try{From: netip.AddrFrom4([4]byte{10, 0, byte(i), 1})}
		for range 5 {
			if _, err := r.LogIn(ctx, from, Owner, "wrong"); err == nil {
				t.Fatal("wrong, and in")
			} else if w, ok := err.(*WaitError); ok {
				wait = w
			}
		}
	}
	if wait == nil || wait.Seconds() < 1 {
		t.Fatal("nobody is slowed down")
	}
	if _, err := r.LogIn(ctx, Try{From: netip.MustParseAddr("10.0.0.1"), Device: owner.Device}, Owner, right); err != nil {
		t.Errorf("the owner's browser: %v", err)
	}
	if _, err := r.LogIn(ctx, Try{From: netip.MustParseAddr("10.0.0.1"), Device: owner.Device}, "anna", right); err == ErrWrong {
		t.Error("the cookie of one user is taken for another's")
	}
	if err := r.SetPassword(ctx, Owner, other); err != nil {
		t.Errorf("the control socket: %v", err)
	}
}
