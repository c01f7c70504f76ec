package call

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/lines/fxs"
	"tipring/t38/t30"
)

// Whatever happens at a spool port, in whatever order: each session is stopped once, each
// fax is committed or abandoned, each delivery has an outcome, and nothing is left.
func TestAnythingMayHappenToAFax(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		port := FaxPort{
			CallAhead: []string{"never", "always", "dynamic"}[rnd.IntN(3)],
			Bridge:    rnd.IntN(4) == 0, TimeoutS: 1 + rnd.IntN(20), Rings: 2,
		}
		var results []<-chan fax.Outcome
		inSpoolRig(t, port, func(r *spoolRig) {
			w := &walk{spoolRig: r, rnd: rnd}
			r.desk.ahead, r.desk.takes = rnd.IntN(2) == 0, w.some(4)
			r.desk.opens, r.clerk.takes = w.some(3), w.some(3)
			r.desk.tray.takes = w.some(2)
			if rnd.IntN(6) == 0 {
				r.desk.refuses = errDiskFull
			}
			r.far.onInvite = w.invited
			for range 12 {
				if result := w.step(); result != nil {
					results = append(results, result)
				}
				r.pass(w.some(12))
			}
			if rnd.IntN(3) == 0 {
				if err := r.port.Close(); err != nil {
					t.Error(err)
				}
				r.off = false
				time.Sleep(5 * time.Second) // what the disk still does
			}
			r.hangUp()
			r.within(time.Minute, "the port rests", func() bool { return r.port.Snapshot().Fax.State == "" })
			r.pass(10 * time.Second)
			for _, cancel := range w.cancels {
				cancel()
			}
			for _, result := range results {
				select {
				case <-result:
				default:
					t.Errorf("seed %d: a delivery has no outcome", seed)
				}
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A walk is what happens at random.
type walk struct {
	*spoolRig
	rnd     *rand.Rand
	cancels []context.CancelFunc
}

// some is a time of up to s seconds, most often a short one.
func (w *walk) some(s float64) time.Duration {
	x := w.rnd.Float64()
	return time.Duration(x * x * s * float64(time.Second))
}

func (w *walk) invited(c *farCall) {
	if w.rnd.IntN(3) > 0 {
		c.ring()
	}
	at := w.some(20).Seconds()
	switch w.rnd.IntN(6) {
	case 0:
		w.after(c, at, func() { c.refuse([]int{404, 486, 503, 480}[w.rnd.IntN(4)]) })
		return
	case 1:
		return // nobody answers
	}
	w.after(c, at, c.answer)
	then := []func(){c.ced, c.flags, c.wantT38, func() { c.speak(farVoice) }, c.hangUp, func() {}}[w.rnd.IntN(6)]
	w.after(c, at+w.some(6).Seconds(), then)
}

func (w *walk) step() <-chan fax.Outcome {
	switch w.rnd.IntN(9) {
	case 0, 1, 2:
		if !w.off && w.ph.card != nil {
			w.send([]string{"600#", "600", "112", "*600*7#"}[w.rnd.IntN(4)], leaflet{1 + w.rnd.IntN(2)})
			w.stays = w.rnd.IntN(4) == 0
		}
	case 3:
		if w.off {
			w.hangUp()
		}
	case 4:
		w.answer = t30.Config{Sink: &tray{}, ECM: true}
		if w.rnd.IntN(3) == 0 {
			w.answer = t30.Config{}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second+w.some(60))
		w.cancels = append(w.cancels, cancel)
		return w.deliver(ctx, leaflet{1}, nil)
	case 5:
		w.drains.Store(w.rnd.IntN(3) == 0)
	case 6:
		if w.rnd.IntN(2) == 0 && w.ph.card != nil {
			w.off = false
			w.watchPower()
		}
	case 7:
		if w.off {
			w.ph.loop(fxs.LoopFlash)
		}
	case 8: // what is being handed in is cancelled, and what follows at once
		if w.rnd.IntN(2) == 0 {
			w.desk.cancel()
		}
	}
	return nil
}
