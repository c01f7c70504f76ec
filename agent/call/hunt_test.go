package call

import (
	"testing"
	"time"

	"tipring/lines/fxs"
)

// hunting is a line whose three telephones ring one after the other, 5 s each.
func hunting(t *testing.T, test func(r *rig, ring func(want ...bool))) {
	t.Helper()
	inRig(t, settings{ports: 3, config: func(c *Config) { c.HuntS = 5 }}, func(r *rig) {
		test(r, func(want ...bool) {
			t.Helper()
			for i, ph := range r.phones {
				if got := ph.card != nil && ph.port.Snapshot().State == fxs.Ringing; got != want[i] {
					t.Errorf("telephone %d rings: %v, want %v", i+1, got, want[i])
				}
			}
		})
	})
}

// One telephone rings after the other, the last one for as long as the caller waits.
func TestHunting(t *testing.T) {
	hunting(t, func(r *rig, ring func(...bool)) {
		c := r.far.call()
		r.run(4 * time.Second)
		ring(true, false, false)
		r.run(2 * time.Second)
		ring(false, true, false)
		r.run(5 * time.Second)
		ring(false, false, true)
		r.run(20 * time.Second)
		ring(false, false, true)
		if len(c.statuses) > 2 { // 100, 180
			t.Errorf("the caller has %v", c.statuses)
		}
		r.phones[2].lift()
		r.run(300 * time.Millisecond)
		if c.status() != 200 {
			t.Errorf("the caller has %v", c.statuses)
		}
	})
}

// Who is not free, or leaves, is passed over at once; and all are free for another caller meanwhile.
func TestHuntingPassesOver(t *testing.T) {
	hunting(t, func(r *rig, ring func(...bool)) {
		r.phones[0].dial("600")
		r.run(300 * time.Millisecond)
		r.far.call()
		r.run(300 * time.Millisecond)
		ring(false, true, false)
		r.far.call()
		r.run(300 * time.Millisecond)
		ring(false, true, true)
		r.phones[1].unplug()
		r.run(300 * time.Millisecond)
		ring(false, false, true)
	})
}

// The bell goes on to the next telephone in the moment in which this one is lifted: it has the call,
// and keeps it, and the next one does not ring.
func TestHuntingPassesOverWhoLifts(t *testing.T) {
	hunting(t, func(r *rig, ring func(...bool)) {
		c := r.far.call()
		r.until("the first rings", func() bool { return r.phone().port.Snapshot().State == fxs.Ringing })
		r.run(4 * time.Second)
		r.phone().lift()
		r.still(time.Second) // it is the next one's turn, and no port has looked yet
		r.run(6 * time.Second)
		ring(false, false, false)
		if s := r.phone().port.Snapshot(); c.status() != 200 || c.over || s.State != fxs.Talking || s.Call == "" {
			t.Errorf("the caller has %v, %+v", c.statuses, s)
		}
	})
}

// A card that goes while its telephone rings leaves the call to the next one.
func TestHuntingGoesOnWhenACardIsPulled(t *testing.T) {
	hunting(t, func(r *rig, ring func(...bool)) {
		c := r.far.call()
		r.run(300 * time.Millisecond)
		r.phones[0].unplug()
		r.run(300 * time.Millisecond)
		ring(false, true, false)
		r.phones[1].lift()
		r.run(6 * time.Second)
		ring(false, false, false)
		if c.status() != 200 {
			t.Errorf("the caller has %v", c.statuses)
		}
	})
}

// Nobody is left, or the caller gives up: nothing rings later.
func TestHuntingEnds(t *testing.T) {
	for _, gone := range []bool{false, true} {
		hunting(t, func(r *rig, ring func(...bool)) {
			c := r.far.call()
			r.run(300 * time.Millisecond)
			if gone {
				for _, ph := range r.phones {
					ph.unplug()
				}
			} else {
				c.giveUp()
			}
			r.run(6 * time.Second)
			ring(false, false, false)
			if gone && c.status() != 480 {
				t.Errorf("the caller has %v", c.statuses)
			}
		})
	}
}
