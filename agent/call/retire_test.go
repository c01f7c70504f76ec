package call

import (
	"testing"
	"time"
)

// retires asks the port whether it may be closed, and lets time pass until it says.
func (r *rig) retires() bool {
	r.t.Helper()
	answer := make(chan bool, 1)
	r.goWork(func() { answer <- r.phone().port.Retire() })
	var yes, told bool
	r.until("an answer of the port", func() bool {
		select {
		case yes = <-answer:
			told = true
		default:
		}
		return told
	})
	return yes
}

func TestOnlyAPortAtRestRetires(t *testing.T) {
	for _, tt := range []struct {
		name string
		busy func(r *rig) (rest func())
	}{
		{"dial tone", func(r *rig) func() { r.phone().lift(); return r.phone().hangUp }},
		{"ringing", func(r *rig) func() {
			far := r.far.call()
			r.run(200 * time.Millisecond)
			return func() { far.hangUp(); r.run(200 * time.Millisecond) }
		}},
		{"offered a call", func(r *rig) func() {
			far := r.far.call()
			r.still(40 * time.Millisecond)
			if !r.phone().offered() {
				t.Fatal("not offered")
			}
			return func() { r.run(200 * time.Millisecond); far.hangUp(); r.run(200 * time.Millisecond) }
		}},
		{"a number on its way", func(r *rig) func() {
			r.phone().port.post(func() { r.phone().port.lift("601", func(string, error) {}) })
			return func() { r.run(200 * time.Millisecond); r.far.hangUpAll(); r.run(200 * time.Millisecond) }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inRig(t, settings{}, func(r *rig) {
				rest := tt.busy(r)
				if r.retires() {
					t.Fatal("the port retired while it was in use")
				}
				before := r.rested.Load()
				rest()
				if r.rested.Load() == before {
					t.Error("nobody was told that the port rests again")
				}
				if !r.retires() {
					t.Error("the port at rest did not retire")
				}
				far := r.far.call()
				r.run(200 * time.Millisecond)
				if got := far.status(); got != 480 {
					t.Errorf("a call to a retired port: %v, want 480", far.statuses)
				}
				if err := r.phone().Close(); err != nil {
					t.Error(err)
				}
				r.run(100 * time.Millisecond)
				if !r.retires() {
					t.Error("a closed port has not retired")
				}
			})
		})
	}
}
