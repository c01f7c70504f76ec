package access

import (
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
	if wait := l.enter("someone", false, start.Add(time.Minute)); wait > bucketDelay {
		t.Errorf("somebody else has to wait for %v", wait)
	}
	if len(l.table) > maxLanes {
		t.Errorf("%d lanes", len(l.table))
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
