package call

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tipring/agent/fax"
	"tipring/lines/fxs"
	"tipring/t38/t30"
)

// deliver has a fax delivered, and returns where its outcome comes.
func (r *spoolRig) deliver(ctx context.Context, doc leaflet, progress func(fax.Page)) <-chan fax.Outcome {
	result := make(chan fax.Outcome, 1)
	go func() { result <- r.port.DeliverFax(ctx, doc, "+1 555 7", progress, nil) }()
	synctest.Wait()
	return result
}

// outcome waits for one.
func (r *spoolRig) outcome(result <-chan fax.Outcome) (o fax.Outcome) {
	r.rig.t.Helper()
	r.within(3*time.Minute, "the fax is over", func() bool {
		select {
		case o = <-result:
			return true
		default:
			return false
		}
	})
	return o
}

func TestFaxIsDelivered(t *testing.T) {
	inSpoolRig(t, FaxPort{}, func(r *spoolRig) {
		doc, got := leaflet{2}, &tray{}
		r.answer = t30.Config{Sink: got, ECM: true, Ident: "+1 555 1"}
		var pages []int
		result := r.deliver(context.Background(), doc, func(p fax.Page) { pages = append(pages, p.N) })
		r.tick()
		if s := r.port.Snapshot(); s.State != fxs.Ringing || s.Fax != (FaxActivity{State: "delivering"}) {
			t.Errorf("the port: %+v", s)
		}
		r.await("the machine answers", func() bool { return r.off })
		o := r.outcome(result)
		r.await("the machine has hung up", func() bool { return !r.off })
		if diff := got.holds(doc); diff != "" {
			t.Error(diff)
		}
		if !o.OK || !o.Answered || !o.Begun || o.Confirmed() != 2 || o.RemoteID != "+1 555 1" || o.LocalID != "+1 555 7" || o.Reason != "" || o.Transport != "audio" {
			t.Errorf("outcome: %+v", o)
		}
		if !slices.Equal(pages, []int{1, 2}) {
			t.Errorf("progress: %v", pages)
		}
	})
}

func TestFaxIsNotDelivered(t *testing.T) {
	full := &tray{refuses: errDiskFull}
	for _, tt := range []struct {
		why    string
		begin  func(r *spoolRig)
		middle func(r *spoolRig, cancel func())
		want   fax.Outcome
	}{
		{"the machine is off-hook", func(r *spoolRig) { r.lift(); r.tick() }, nil,
			fax.Outcome{Busy: true, Reason: "the port is in use"}},
		{"the machine sends", func(r *spoolRig) { r.send("600#", leaflet{1}); r.await("CED", func() bool { return r.cedAt > 0 }) }, nil,
			fax.Outcome{Busy: true, Reason: "the port is in use"}},
		{"a call is about to ring it", func(r *spoolRig) { r.port.offer(roomToRing) }, func(r *spoolRig, _ func()) { r.tick(); r.port.lookAtOffer() },
			fax.Outcome{Busy: true, Reason: "the port is in use"}},
		{"there is no card", func(r *spoolRig) { r.ph.unplug() }, nil,
			fax.Outcome{Reason: "no line card is connected"}},
		{"the device drains", func(r *spoolRig) { r.drains.Store(true) }, nil,
			fax.Outcome{Reason: "the device takes no new calls: it drains"}},
		{"nobody answers", func(*spoolRig) {}, nil,
			fax.Outcome{NoAnswer: true, Reason: "the machine does not answer"}},
		{"the card leaves while it rings", func(*spoolRig) {}, func(r *spoolRig, _ func()) { r.pass(time.Second); r.ph.unplug() },
			fax.Outcome{Reason: "no line card is connected"}},
		{"it is cancelled while it rings", func(*spoolRig) {}, func(r *spoolRig, cancel func()) { r.pass(time.Second); cancel() },
			fax.Outcome{Reason: "stopped by the application", T30: t30.Stopped}},
		{"somebody with a handset answers", func(*spoolRig) {}, func(r *spoolRig, _ func()) { r.pass(time.Second); r.lift() },
			fax.Outcome{Answered: true, Reason: "no facsimile machine heard", T30: t30.NoAnswer}},
		{"the machine hangs up", (*spoolRig).answers, func(r *spoolRig, _ func()) { r.awaitPage(); r.stays = true; r.putDown() },
			fax.Outcome{Answered: true, Begun: true, Reason: "the line was lost", T30: t30.LineLost}},
		{"it is cancelled", (*spoolRig).answers, func(r *spoolRig, cancel func()) { r.awaitPage(); cancel() },
			fax.Outcome{Answered: true, Begun: true, Reason: "stopped by the application", T30: t30.Stopped}},
		{"the machine has no paper", func(r *spoolRig) { r.answer = t30.Config{Sink: full, ECM: true} }, nil,
			fax.Outcome{Answered: true, Begun: true, Reason: t30.PeerLeftResult.String(), T30: t30.PeerLeftResult}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			inSpoolRig(t, FaxPort{Rings: 3}, func(r *spoolRig) {
				tt.begin(r)
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				result := r.deliver(ctx, leaflet{1}, nil)
				if tt.middle != nil {
					tt.middle(r, cancel)
				}
				o := r.outcome(result)
				if o.OK || o.Busy != tt.want.Busy || o.NoAnswer != tt.want.NoAnswer || o.Reason != tt.want.Reason ||
					o.Answered != tt.want.Answered || o.Begun != tt.want.Begun || o.T30 != tt.want.T30 || len(o.Pages) > 0 && o.Pages[0].Result == "confirmed" {
					t.Errorf("outcome: %+v", o)
				}
				r.within(2*time.Minute, "the port rests", func() bool {
					return !r.off || r.port.Snapshot().State == fxs.Parked || r.fax == nil || r.port.Snapshot().Fax.State == "receiving"
				})
			})
		})
	}
}

// A machine is rung as often as is configured.
func TestRings(t *testing.T) {
	inSpoolRig(t, FaxPort{Rings: 3}, func(r *spoolRig) {
		result := r.deliver(context.Background(), leaflet{1}, nil)
		from := r.at
		r.outcome(result)
		if s := float64(r.at-from) / 8000; s < 5.9 || s > 6.1 { // 1 s on, 1 s off
			t.Errorf("rung for %.1f s", s)
		}
		if r.ph.card.ringing {
			t.Error("the bell rings on")
		}
	})
}

// The machine is lifted in the very moment in which it has been rung long enough: nobody answered.
func TestMachineIsLiftedForTooLate(t *testing.T) {
	inSpoolRig(t, FaxPort{Rings: 3}, func(r *spoolRig) {
		result := r.deliver(context.Background(), leaflet{1}, nil)
		r.pass(time.Second)
		r.port.now.fax.(*delivery).until = r.port.fx.Now() + 160
		r.lift()
		if o := r.outcome(result); !o.NoAnswer || o.Answered {
			t.Errorf("outcome: %+v", o)
		}
		r.pass(100 * time.Millisecond)
		if s := r.port.Snapshot(); s.State != fxs.Parked || s.Fax.State != "" {
			t.Errorf("the port: %+v", s)
		}
	})
}

// answers has a machine that answers.
func (r *spoolRig) answers() { r.answer = t30.Config{Sink: &tray{}, ECM: true} }

// awaitPage waits until the machine takes a page.
func (r *spoolRig) awaitPage() {
	r.await("a page is sent", func() bool { return r.off && r.fax != nil && r.fax.T30.State() == t30.AwaitPage })
	r.pass(500 * time.Millisecond)
}

// A port may have become a telephone's since its fax was stored.
func TestDeliveryToATelephone(t *testing.T) {
	inSpoolRig(t, FaxPort{}, func(r *spoolRig) {
		r.port.mode = ""
		result := r.deliver(context.Background(), leaflet{1}, nil)
		r.pass(time.Second)
		if o := <-result; o.OK || o.Reason != "the port has a telephone, and no fax machine" || r.ph.card.ringing {
			t.Errorf("rings %v, outcome: %+v", r.ph.card.ringing, o)
		}
	})
}

func TestDeliveryAtAClosedPort(t *testing.T) {
	inSpoolRig(t, FaxPort{}, func(r *spoolRig) {
		result := r.deliver(context.Background(), leaflet{1}, nil)
		r.pass(time.Second)
		if err := r.port.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if o := <-result; o.OK || o.Reason != "no line card is connected" {
			t.Errorf("outcome while it rang: %+v", o)
		}
		if o := <-r.deliver(context.Background(), leaflet{1}, nil); o.Reason != "the port is closed" {
			t.Errorf("outcome: %+v", o)
		}
	})
}
