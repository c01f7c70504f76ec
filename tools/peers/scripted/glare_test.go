package scripted

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
)

// Two re-INVITEs cross: the telephone's hook flash holds the call while sipgo moves its sound
// to another port. Each side refuses the other's, or only the device does; each tries again
// after its time (RFC 3261 section 14.1), and in the end both have what they wanted.
func TestGlare(t *testing.T) {
	for _, tt := range []struct {
		name     string
		owner    bool // the device made the call, and so its Call-ID
		refuses  bool // sipgo refuses, too
		min, max time.Duration
	}{
		{"call of the device, both refuse", true, true, 2100 * time.Millisecond, 4000 * time.Millisecond},
		{"call of the device, one refuses", true, false, 0, 0},
		{"call of sipgo, both refuse", false, true, 0, 2000 * time.Millisecond},
		{"call of sipgo, one refuses", false, false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			x := newExchange(t)
			var p *party
			if tt.owner {
				p = x.called("600")
			} else {
				p = x.rung(ctx)
			}
			var refused atomic.Pointer[time.Time]
			moved := farend.NewMedia(t, x.host)
			crossed := make(chan *sip.Response, 1)
			p.onOffer(func(req *sip.Request) *sip.Response {
				if refused.Load() != nil {
					return nil
				}
				// Theirs waits for its answer: ours crosses it.
				crossed <- p.do(ctx, sip.INVITE, moved.Offer())
				now := time.Now()
				refused.Store(&now)
				if tt.refuses {
					return sip.NewResponseFromRequest(req, 491, "Request Pending", nil)
				}
				return nil
			})
			x.phone.Flash()
			if res := <-crossed; res.StatusCode != 491 {
				t.Fatalf("the crossing re-INVITE was answered %d, want 491", res.StatusCode)
			}
			// Ours again, in the middle of our time.
			wait := 3 * time.Second
			if tt.owner {
				wait = time.Second
			}
			<-time.After(wait) // RFC 3261 section 14.1 counts this time, and nothing else tells it
			res := p.do(ctx, sip.INVITE, moved.Offer())
			if res.StatusCode != 200 {
				t.Fatalf("the re-INVITE %v after the glare was answered %d", wait, res.StatusCode)
			}
			p.move(moved, res.Body())

			offers := 1
			if tt.refuses {
				offers = 2
				x.until("the hold, again", func() bool { return len(p.Got(sip.INVITE)) == 2 })
				again := p.Got(sip.INVITE)[1]
				if took := again.At.Sub(*refused.Load()); took < tt.min || took > tt.max+200*time.Millisecond {
					t.Errorf("the hold came again %v after the 491, want %v to %v", took, tt.min, tt.max)
				}
			}
			hold := p.Got(sip.INVITE)[offers-1]
			if !strings.Contains(string(hold.Body()), "a=sendonly") {
				t.Errorf("the re-INVITE does not hold:\n%s", hold.Body())
			}
			x.until("ACK of the hold", func() bool {
				acks := p.Got(sip.ACK)
				return len(acks) > 0 && acks[len(acks)-1].CSeq().SeqNo == hold.CSeq().SeqNo
			})
			if !netlab.Until(patience, func() bool { c := x.agent.Calls(); return len(c) == 1 && c[0].State == "held" }) {
				t.Errorf("calls after the hold: %+v", x.agent.Calls())
			}

			x.phone.Flash()
			x.until("the resume", func() bool { return len(p.Got(sip.INVITE)) == offers+1 })
			x.talk(p) // with the sound where sipgo has moved it
			if c := x.agent.Calls(); len(c) != 1 || c[0].State != "connected" {
				t.Errorf("calls after the resume: %+v", c)
			}
			x.phone.OnHook()
			x.until("BYE", func() bool { return len(p.Got(sip.BYE)) == 1 })
		})
	}
}
