package provisioning

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/config"
	"tipring/internal/config/generations"
)

// A device that ends while new settings wait for its last call finds nothing wrong with
// them: it takes them at its next start.
func TestSettingsAtTheEnd(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() { h.busy, h.password = true, "new" })
		h.offer(withPassword("new"))
		h.want(Applying, "right")
		h.set(func() { h.ending = true })
		h.set(func() { h.busy = false })
		h.after(2 * time.Second)
		h.want(Failed, "right")
		h.stop()
		h.set(func() { h.ending = false })
		h.start()
		h.after(10 * time.Second)
		h.want(Good, "new")
	})
}

// A change made by hand that is bad says nothing about the fetched settings below it.
func TestBadLocalLayerLeavesWhatWasFetched(t *testing.T) {
	for name, back := range map[string]func(h *house){
		"by itself": func(h *house) { h.after(TrialTime + 10*time.Second) },
		"by hand": func(h *house) {
			if n, err := h.k.Rollback(h.t.Context(), 0, 0); err != nil || n != 2 {
				h.t.Fatal(n, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.settled()
				if _, err := h.setLocal(withPassword("wrong")); err != nil {
					t.Fatal(err)
				}
				back(h)
				h.want(RolledBack, "right")
				h.set(func() { h.password = "other" })
				h.offer(withPassword("other"))
				h.after(5 * time.Second)
				h.want(Good, "other")
				h.set(func() { h.password = "right" })
				h.offer(withPassword("right"))
				h.after(5 * time.Second)
				h.want(Good, "right")
			})
		})
	}
}

// A rollback by hand while the generation before runs for a try is about the one on trial.
func TestRollbackDuringATry(t *testing.T) {
	for _, n := range []int{0, 2} {
		inHouse(t, func(h *house) {
			h.settled()
			h.set(func() { h.down = true })
			h.offer(withPassword("wrong"))
			h.after(TrialTime + time.Second)
			h.want(RollingBack, "right")
			if n, err := h.k.Rollback(h.t.Context(), 0, n); err != nil || n != 2 {
				t.Fatal(n, err)
			}
			h.want(RolledBack, "right")
			h.stop()
			h.start()
			h.after(time.Hour) // still an outage, in which the other one would come back
			if s := h.k.Status(); s.Generation != 2 || s.Trial != nil || h.Config().Line(1).AuthPassword != "right" {
				t.Errorf("status %+v", s)
			}
		})
	}
}

// A trial that an edit of local.ini cut short is over: after a rollback and a restart in an
// outage nobody goes on with it.
func TestTrialCutShortIsOver(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() { h.down = true })
		h.offer(withPassword("wrong"))
		if err := os.WriteFile(filepath.Join(h.dir, "config", "local.ini"), []byte("[sip1]\ndisplay_name = Edited\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.k.Rollback(h.t.Context(), 0, 0); err != nil {
			t.Fatal(err)
		}
		h.stop()
		h.start()
		h.after(time.Hour)
		if s := h.k.Status(); s.Generation != 2 || s.Trial != nil {
			t.Errorf("status %+v", s)
		}
	})
}

// When the generation before cannot be had, the one on trial goes on: it is not condemned
// by a line that registers with it.
func TestNothingToGoBackTo(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() { h.down, h.password = true, "new" })
		h.offer(withPassword("new"))
		for _, g := range h.store.List() {
			if g.N != h.k.Status().Generation {
				h.damage(g.N)
			}
		}
		h.after(TrialTime + time.Second)
		h.want(Unproven, "new")
		h.set(func() { h.down = false })
		h.after(5 * time.Second)
		h.want(Good, "new")
	})
}

// damage makes a generation one that cannot be read.
func (h *house) damage(n int) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, "config", "generations", strconv.Itoa(n), "manifest"), nil, 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// An edit of local.ini that nobody told of is in force when something else is asked for,
// whatever becomes of that.
func TestEditsThatNobodyToldOf(t *testing.T) {
	edit := "[sip1]\ndisplay_name = Edited\n"
	for name, ask := range map[string]func(h *house) error{
		"the same text": func(h *house) error {
			_, err := h.setLocal(edit)
			return err
		},
		"a text that is refused": func(h *house) error {
			if _, err := h.setLocal("nonsense"); err == nil {
				return errors.New("taken")
			}
			return nil
		},
		"a rollback to nowhere": func(h *house) error {
			if _, err := h.k.Rollback(h.t.Context(), 0, 77); !errors.Is(err, ErrNoGeneration) {
				return err
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.settled()
				if err := os.WriteFile(filepath.Join(h.dir, "config", "local.ini"), []byte(edit), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := ask(h); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if name, s := h.Config().Line(1).DisplayName, h.k.Status(); name != "Edited" || s.Generation != 3 {
					t.Errorf("display name %q, status %+v", name, s)
				}
				h.after(5 * time.Second)
				h.want(Good, "right")
			})
		})
	}
}

// Who changes the local layer sees the one that is in force: nothing comes between.
func TestLocalLayerIsEditedInPlace(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		refused := errors.New("changed meanwhile")
		_, err := h.k.SetLocal(h.t.Context(), func(g generations.Generation) ([]byte, error) {
			if g.N != 2 {
				t.Errorf("generation %d", g.N)
			}
			return nil, refused
		})
		if !errors.Is(err, refused) || h.k.Status().Generation != 2 {
			t.Errorf("%v, status %+v", err, h.k.Status())
		}
	})
}

// Who tries settings out does not keep the device from ending.
func TestTryAtTheEnd(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		h.set(func() { h.slow = time.Minute })
		began, tried := time.Now(), make(chan error)
		go func() {
			_, err := h.k.Try(context.Background())
			tried <- err
		}()
		h.after(time.Second)
		h.stop()
		if err := <-tried; !errors.Is(err, ErrEnded) || time.Since(began) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		h.start()
	})
}

// An interval that is changed by hand counts from then on; the first look does not wait
// for it.
func TestIntervalChangedByHand(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		if _, err := h.setLocal("[provisioning]\ninterval_s = 600\n"); err != nil {
			t.Fatal(err)
		}
		if next := time.Until(h.k.Status().Next); next < 9*time.Minute || next > 11*time.Minute {
			t.Errorf("next look in %v", next)
		}
		if _, err := h.k.Rollback(h.t.Context(), 0, 0); err != nil {
			t.Fatal(err)
		}
		if next := time.Until(h.k.Status().Next); next < 20*time.Hour {
			t.Errorf("after the rollback, next look in %v", next)
		}
	})
	s := Schedule{BootDelay: time.Minute, Interval: time.Hour}
	s.Start(noon, config.MAC{1})
	first := s.Next()
	s.Interval = 24 * time.Hour
	if s.Resume(noon); s.Next() != first {
		t.Errorf("the first look at %v, want %v", s.Next(), first)
	}
}
