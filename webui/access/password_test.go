package access

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPasswordsCost(t *testing.T) {
	if ownCost != (cost{8192, 3}) {
		t.Errorf("%+v, want 8 MiB and 3 passes", ownCost)
	}
	m := newMill(ownCost)
	h, err := m.make(ctx, right)
	if err != nil || !strings.HasPrefix(h.String(), "$argon2id$v=19$m=8192,t=3,p=1$") {
		t.Fatalf("%v %v", h, err)
	}
	kept, ok := parseHash(h.String())
	if !ok || kept != h {
		t.Fatalf("%q is read as %+v", h, kept)
	}
	for password, want := range map[string]bool{right: true, other: false, "": false} {
		if got, err := m.matches(ctx, password, &kept, knownWait); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	if other, _ := m.make(ctx, right); other.salt == h.salt {
		t.Error("no salt")
	}
}

// A name that nobody has costs what every other one does.
func TestNobodysPasswordTakesAsLong(t *testing.T) {
	m := newMill(cost{4 << 10, 1})
	h, _ := m.make(ctx, right)
	took := func(kept *hash) (best time.Duration) {
		best = time.Hour
		for range 10 {
			begin := time.Now()
			if ok, _ := m.matches(ctx, "wrong", kept, knownWait); ok {
				t.Fatal("wrong, and taken")
			}
			best = min(best, time.Since(begin))
		}
		return best
	}
	if a, b := took(&h), took(nil); a > 3*b || b > 3*a {
		t.Errorf("somebody's takes %v, nobody's %v", a, b)
	}
	if ok, _ := m.matches(ctx, "", nil, knownWait); ok {
		t.Error("nobody has a password")
	}
}

// One is computed at a time, and few wait: strangers leave room for who is known.
func TestFewWait(t *testing.T) {
	m := newMill(cheap)
	m.turn <- struct{}{} // somebody's is being computed
	waiting, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range strangersWait {
		all.Add(1)
		go func() {
			defer all.Done()
			if _, err := m.matches(waiting, right, nil, strangersWait); !errors.Is(err, context.Canceled) {
				t.Errorf("who left: %v", err)
			}
		}()
	}
	for m.waiting.Load() < strangersWait {
		runtime.Gosched()
	}
	var wait *WaitError
	if _, err := m.matches(ctx, right, nil, strangersWait); !errors.As(err, &wait) {
		t.Errorf("one stranger more: %v", err)
	}
	known := make(chan error)
	go func() {
		_, err := m.matches(ctx, right, nil, knownWait)
		known <- err
	}()
	cancel()
	all.Wait()
	<-m.turn
	if err := <-known; err != nil {
		t.Errorf("who is known: %v", err)
	}
	if n := m.waiting.Load(); n != 0 {
		t.Errorf("%d are still waiting", n)
	}
}

func TestHashesThatNobodyWrote(t *testing.T) {
	h := hash{cost: cheap}
	good := h.String()
	if _, ok := parseHash(good); !ok {
		t.Fatal(good)
	}
	for _, bad := range []string{
		"", "$", good + "$", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=8", "m=4294967295", 1), strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "t=1", "t=99", 1),
		strings.Replace(good, "p=1", "p=2", 1), strings.Replace(good, "m=8", "m=+8", 1), strings.Replace(good, "m=8", "m=08", 1), good[:len(good)-1],
	} {
		if _, ok := parseHash(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

func BenchmarkPassword(b *testing.B) {
	m := newMill(ownCost)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.make(ctx, right); err != nil {
			b.Fatal(err)
		}
	}
}
