package provisioning

import (
	"errors"
	"testing"
	"time"

	"tipring/internal/config"
	"tipring/internal/config/generations"
)

func restored(name string) []byte { return []byte("[sip1]\ndisplay_name = " + name + "\n") }

func anything(generations.Content) error { return nil }

// The settings of a backup are on trial as any others, beside those that were fetched.
func TestRestoredSettingsAreOnTrial(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		verdict    generations.Verdict
	}{
		{"good", "[sip1]\ndisplay_name = old\n", generations.Good},
		{"bad", "[sip1]\nauth_password = wrong\n", generations.Bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.settled()
				n, err := h.k.Restore(h.t.Context(), []byte(tt.text), func() error { return nil })
				if err != nil || n != 3 || h.k.Status().Trial == nil {
					t.Fatalf("%d, %v, %+v", n, err, h.k.Status())
				}
				h.after(5 * time.Minute)
				g, err := h.store.Load(n)
				if err != nil || g.Verdict != tt.verdict || g.By != generations.ByRestore {
					t.Errorf("%+v, %v", g, err)
				}
				h.want(map[generations.Verdict]State{generations.Good: Good, generations.Bad: RolledBack}[tt.verdict], "right")
			})
		})
	}
}

// Nothing changes when the settings have faults, or when whoever restores could not write
// down that he does.
func TestRestoreThatIsRefused(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		called := false
		_, err := h.k.Restore(h.t.Context(), []byte("[sip1]\nregister_port = x\n"), func() error { called = true; return nil })
		if !errors.As(err, new(config.Faults)) || called || h.k.Status().Generation != 2 {
			t.Errorf("%v, called %v", err, called)
		}
		full := errors.New("the disk is full")
		if _, err := h.k.Restore(h.t.Context(), restored("x"), func() error { return full }); !errors.Is(err, full) || h.k.Status().Generation != 2 {
			t.Errorf("%v, %+v", err, h.k.Status())
		}
	})
}

// A cut of the power comes between the decision and the generation: the next start makes it,
// once, and it is on trial.
func TestRestoreIsFinishedAfterACut(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		if _, ok := Restored(h.store, restored("old"), 2); ok {
			t.Error("it is restored before it begins")
		}
		for _, name := range []string{"first start", "second start"} {
			if err := FinishRestore(h.store, restored("old"), 2, anything); err != nil {
				t.Fatal(err)
			}
			if g, _ := h.store.Current(); g.N != 3 || g.By != generations.ByRestore || g.Verdict != generations.Trial || len(g.Provisioned) != 1 {
				t.Errorf("%s: %+v", name, g)
			}
			if n, ok := Restored(h.store, restored("old"), 2); n != 3 || !ok {
				t.Errorf("%s: generation %d, %v", name, n, ok)
			}
		}
		h.stop()
		h.start()
		h.after(time.Minute)
		h.want(Good, "right")
		if got := h.Config().Line(1).DisplayName; got != "old" {
			t.Errorf("display name %q", got)
		}
	})
}

// What was restored and found bad since is not restored once more.
func TestFinishedRestoreStaysJudged(t *testing.T) {
	inHouse(t, func(h *house) {
		h.settled()
		if _, err := h.k.Restore(h.t.Context(), []byte("[sip1]\nauth_password = wrong\n"), func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		h.after(5 * time.Minute)
		h.want(RolledBack, "right")
		if err := FinishRestore(h.store, []byte("[sip1]\nauth_password = wrong\n"), 2, anything); err != nil {
			t.Fatal(err)
		}
		if g, _ := h.store.Current(); g.N != 2 {
			t.Errorf("%+v", g)
		}
	})
}

// A device without any generation gets one to go back to.
func TestFinishRestoreOnANewDevice(t *testing.T) {
	inHouse(t, func(h *house) {
		bad := errors.New("faults")
		if err := FinishRestore(h.store, restored("old"), 0, func(generations.Content) error { return bad }); !errors.Is(err, bad) {
			t.Errorf("with faults: %v", err)
		}
		if _, found := h.store.Current(); found {
			t.Error("with faults: something is in force")
		}
		if err := FinishRestore(h.store, restored("old"), 0, anything); err != nil {
			t.Fatal(err)
		}
		list := h.store.List()
		if g, _ := h.store.Current(); g.N != 2 || len(list) != 2 || list[0].Verdict != generations.Good {
			t.Errorf("%+v, %+v", g, list)
		}
	})
}
