package call

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tipring/lines"
	"tipring/lines/fxs"
)

// A wish is a Dial that another goroutine waits for.
type wish struct {
	id   string
	err  error
	done bool
}

// ask has another goroutine call Dial.
func (ph *telephone) ask(ctx context.Context, to string) *wish {
	w := new(wish)
	ph.r.goWork(func() {
		w.id, w.err = ph.port.Dial(ctx, to)
		w.done = true
	})
	synctest.Wait()
	return w
}

// place is ask for a call that begins.
func (ph *telephone) place(to string) {
	ph.r.t.Helper()
	w := ph.ask(context.Background(), to)
	ph.r.run(100 * time.Millisecond)
	if !w.done || w.err != nil || w.id == "" || w.id != ph.call() {
		ph.r.t.Fatalf("Dial: %+v; the port's call is %q", w, ph.call())
	}
}

// The far end of a call that a program has placed hangs up: the telephone, which was
// never lifted, is on-hook again and can be called.
func TestDialOnHook(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.place("600")
		r.run(200 * time.Millisecond)
		far := r.far.last()
		if s := ph.port.Snapshot(); s.State != fxs.Talking || !s.OffHook {
			t.Fatalf("%+v", s)
		}
		far.hangUp()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Idle, nothing)
		again := r.far.call()
		r.run(100 * time.Millisecond)
		if again.status() != 180 || !ph.card.ringing {
			t.Errorf("far end has %v", again.statuses)
		}
	})
}

func TestDialOnHookAndLift(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.place("600")
		r.run(200 * time.Millisecond)
		far := r.far.last()
		far.speak(farVoice)
		ph.lift()
		ph.speak()
		r.run(300 * time.Millisecond)
		ph.want(fxs.Talking, farVoice)
		if far.hears() != nearVoice {
			t.Errorf("the far end hears %d Hz", far.hears())
		}
		far.hangUp()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone) // somebody holds the handset
		ph.hangUp()
		ph.want(fxs.Idle, nothing)
	})
}

// What the line card makes of noise takes no call that a program has placed: the port is on-hook
// again when it ends.
func TestDialOnHookAndNoise(t *testing.T) {
	for _, noise := range []fxs.Loop{fxs.LoopFlash, fxs.LoopPulses(3)} {
		inRig(t, settings{}, func(r *rig) {
			ph := r.phone()
			ph.place("600")
			r.run(200 * time.Millisecond)
			ph.loop(noise)
			r.run(200 * time.Millisecond)
			ph.want(fxs.Talking, nothing)
			r.far.last().hangUp()
			r.run(200 * time.Millisecond)
			ph.want(fxs.Idle, nothing)
		})
	}
}

func TestDialOnHookAndHangUp(t *testing.T) {
	for _, lifted := range []bool{false, true} {
		inRig(t, settings{}, func(r *rig) {
			ph := r.phone()
			ph.place("600")
			r.run(200 * time.Millisecond)
			if lifted {
				ph.lift()
				r.run(100 * time.Millisecond)
			}
			ph.hangUp()
			ph.want(fxs.Idle, nothing)
			if got := r.far.last().heard(); got != "ACK BYE" {
				t.Errorf("lifted before: %v: far end got %s", lifted, got)
			}
		})
	}
}

func TestDialOnHookIsRefused(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.far.onInvite = func(c *farCall) { c.refuse(486) }
		w := ph.ask(context.Background(), "600")
		r.run(100 * time.Millisecond)
		if w.err != nil || r.owner.info(w.id).State != lines.Ended {
			t.Errorf("%+v: %+v", w, r.owner.info(w.id))
		}
		ph.want(fxs.Idle, nothing)
	})
}

// Whoever dials by hand and by program at once has the program's number.
func TestDialWhileDialling(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.lift()
		r.run(100 * time.Millisecond)
		ph.press("60")
		ph.place("77")
		r.run(10 * time.Second) // more than the wait for the next digit
		if n, to := len(r.far.calls), r.far.last().invite.RequestURI.User; n != 1 || to != "77" {
			t.Errorf("%d calls, to %s", n, to)
		}
		ph.want(fxs.Talking, nothing)
		r.far.last().hangUp()
		r.run(100 * time.Millisecond)
		ph.want(fxs.Parked, reorderTone)
		ph.place("78") // with the handset off the hook
		r.run(100 * time.Millisecond)
		ph.want(fxs.Talking, nothing)
	})
}

func TestDialIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(r *rig)
		want error
		rest fxs.State
	}{
		{"in a call", func(r *rig) { r.phone().dial("601"); r.run(200 * time.Millisecond) }, ErrBusy, fxs.Talking},
		{"ringing", func(r *rig) { r.far.call(); r.run(100 * time.Millisecond) }, ErrBusy, fxs.Ringing},
		{"no card", func(r *rig) { r.phone().unplug() }, ErrNoCard, fxs.Idle},
		{"drains", func(r *rig) { r.drains.Store(true) }, errDraining, fxs.Idle},
		{"no line", func(r *rig) { r.noLine.Store(true) }, errNoLine, fxs.Idle},
		{"closed", func(r *rig) {
			if err := r.phone().port.Close(); err != nil {
				t.Error(err)
			}
		}, ErrClosed, fxs.Idle},
	} {
		inRig(t, settings{}, func(r *rig) {
			tt.set(r)
			calls := len(r.far.calls)
			w := r.phone().ask(context.Background(), "600")
			r.run(100 * time.Millisecond)
			if !w.done || !errors.Is(w.err, tt.want) {
				t.Errorf("%s: %+v, want %v", tt.name, w, tt.want)
			}
			if s := r.phone().port.Snapshot(); s.State != tt.rest || len(r.far.calls) != calls {
				t.Errorf("%s: %+v, %d calls more", tt.name, s, len(r.far.calls)-calls)
			}
		})
	}
}

// Somebody who asked for a call and has gone does not get it.
func TestDialForNobody(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		w := r.phone().ask(ctx, "600")
		r.run(100 * time.Millisecond)
		if !errors.Is(w.err, context.Canceled) || len(r.far.calls) != 0 || r.phone().port.Snapshot().State != fxs.Idle {
			t.Errorf("%+v, %d calls, %+v", w, len(r.far.calls), r.phone().port.Snapshot())
		}
	})
}

// The hotline of a telephone that is lifted for a call is not called besides.
func TestDialWithHotline(t *testing.T) {
	hotline := func(cfg *Config) { cfg.Hotline = "99" }
	inRig(t, settings{config: hotline}, func(r *rig) {
		ph := r.phone()
		ph.place("600")
		r.run(200 * time.Millisecond)
		if n, to := len(r.far.calls), r.far.last().invite.RequestURI.User; n != 1 || to != "600" {
			t.Errorf("%d calls, to %s", n, to)
		}
		r.far.last().hangUp()
		r.run(100 * time.Millisecond)
		ph.lift()
		r.run(200 * time.Millisecond)
		if to := r.far.last().invite.RequestURI.User; to != "99" {
			t.Errorf("the hotline called %s", to)
		}
	})
}

// A bell that was ringing a moment ago is silent when a call of a program fails at once.
func TestBellStopsWhateverComesNext(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		far := r.far.call()
		r.run(100 * time.Millisecond)
		if !ph.card.ringing {
			t.Fatal("does not ring")
		}
		r.noLine.Store(true)
		// All of it between two frames: the caller gives up, the program calls.
		c := ph.port.now
		done := make(chan error, 1)
		ph.port.post(func() {
			c.ended(lines.Reason{})
			ph.port.lift("600", func(_ string, err error) { done <- err })
		})
		far.giveUp()
		r.run(100 * time.Millisecond)
		if err := <-done; !errors.Is(err, errNoLine) || ph.card.ringing {
			t.Errorf("%v, rings: %v", err, ph.card.ringing)
		}
	})
}
