package scripted

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"tipring/tools/peers/netlab"
)

// notified are the statuses that NOTIFYs of a REFER told a party.
func (p *party) notified() string {
	var all []string
	for _, n := range p.Got(sip.NOTIFY) {
		all = append(all, strings.Fields(string(n.Body()) + " ? ?")[1])
	}
	return strings.Join(all, " ")
}

// begun is a call that the device made, or that it took.
func (x *exchange) begun(ctx context.Context, caller bool) *party {
	if caller {
		return x.called("600")
	}
	return x.rung(ctx)
}

// The device is told to take the place of A in A's call with B (RFC 5589 section 7): it
// calls B with Replaces, tells A how that goes, and leaves A only when B has answered.
func TestTransferee(t *testing.T) {
	for _, caller := range []bool{true, false} {
		t.Run(fmt.Sprintf("caller=%v", caller), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			x := newExchange(t)
			a := x.begun(ctx, caller)
			rings, answer := make(chan *party, 1), make(chan struct{})
			x.onCall(func(b *party) {
				if err := b.server.Respond(180, "Ringing", nil); err != nil {
					t.Errorf("sipgo: 180: %v", err)
				}
				rings <- b
				<-answer
				b.Media().Say(1400, -12)
				b.answer()
			})
			const replaced = "a-b@10.9.0.1;to-tag=b1;from-tag=a1" // the call that A has with B
			res := a.do(ctx, sip.REFER, "",
				sip.NewHeader("Refer-To", "<sip:700@10.9.0.1:5060?Replaces="+url.QueryEscape(replaced)+">"),
				sip.NewHeader("Referred-By", "<sip:600@10.9.0.1>"))
			if res.StatusCode != 202 {
				t.Fatalf("REFER was answered %d, want 202", res.StatusCode)
			}
			b := <-rings
			if b.Invite.Recipient.User != "700" || header(b.Invite, "Replaces") != replaced || !strings.Contains(header(b.Invite, "Referred-By"), "sip:600@10.9.0.1") {
				t.Errorf("the new call:\n%s", b.Invite)
			}
			x.until("NOTIFY of the ringing", func() bool { return a.notified() == "100 180" })
			for _, n := range a.Got(sip.NOTIFY) {
				if state := header(n.Request, "Subscription-State"); header(n.Request, "Event") != "refer" || !strings.HasPrefix(state, "active") ||
					!strings.HasPrefix(header(n.Request, "Content-Type"), "message/sipfrag") {
					t.Errorf("while B rings:\n%s", n)
				}
			}
			if !netlab.Holds(500*time.Millisecond, func() bool { return len(a.Got(sip.BYE)) == 0 }) {
				t.Errorf("A's call has ended while B rings")
			}
			answered := time.Now()
			close(answer)
			x.until("BYE to A and the last NOTIFY", func() bool { return len(a.Got(sip.BYE)) == 1 && len(a.Got(sip.NOTIFY)) == 3 })
			last := a.Got(sip.NOTIFY)[len(a.Got(sip.NOTIFY))-1]
			if a.notified() != "100 180 200" || !strings.HasPrefix(header(last.Request, "Subscription-State"), "terminated") {
				t.Errorf("A was told %s, at last:\n%s", a.notified(), last)
			}
			if bye := a.Got(sip.BYE)[0]; bye.At.Before(answered) || bye.CSeq().SeqNo <= last.CSeq().SeqNo {
				t.Errorf("BYE with %v at %v, B's answer at %v, the last NOTIFY with %v", bye.CSeq(), bye.At, answered, last.CSeq())
			}
			x.hears(b, 1400)
			if n := len(a.Got(sip.NOTIFY)); n != 3 {
				t.Errorf("%d NOTIFYs, want 3", n)
			}
			x.phone.OnHook()
			x.until("BYE to B", func() bool { return len(b.Got(sip.BYE)) == 1 })
			x.agent.WaitPort(patience, 1, "idle")
		})
	}
}

// A transfer that comes to nothing: A hears why, and has the telephone still.
func TestTransfereeOfNobody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	x := newExchange(t)
	a := x.called("600")
	x.onCall(func(b *party) { // the call that is to be replaced is over: RFC 3891 section 3
		if err := b.server.Respond(481, "Call Does Not Exist", nil); err != nil {
			t.Errorf("sipgo: 481: %v", err)
		}
	})
	if res := a.do(ctx, sip.REFER, "", sip.NewHeader("Refer-To", "<sip:700@10.9.0.1:5060?Replaces=gone%3Bto-tag%3Db%3Bfrom-tag%3Da>")); res.StatusCode != 202 {
		t.Fatalf("REFER was answered %d, want 202", res.StatusCode)
	}
	x.until("the last NOTIFY", func() bool { return a.notified() == "100 481" })
	x.talk(a)
	if n := len(a.Got(sip.BYE)); n != 0 {
		t.Errorf("A's call has ended")
	}
	x.phone.OnHook()
	x.until("BYE", func() bool { return len(a.Got(sip.BYE)) == 1 })
}

// The device is the one to whom A transfers B: B's call takes the place of A's at once,
// without ringing, and A's is ended by the device once B's is answered (RFC 3891 section 3).
func TestTransferTarget(t *testing.T) {
	for _, caller := range []bool{true, false} {
		t.Run(fmt.Sprintf("caller=%v", caller), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			x := newExchange(t)
			a := x.begun(ctx, caller)
			id, ours, theirs := a.tags()
			// A call that is not the one: refused, and nothing changes.
			_, err := x.calls(ctx, sip.NewHeader("Replaces", id+";to-tag="+theirs+";from-tag=another"))
			if err == nil || !strings.Contains(err.Error(), "481") {
				t.Errorf("Replaces of another call: %v, want 481", err)
			}
			x.talk(a)

			changes := len(x.phone.Changes())
			b, err := x.calls(ctx, sip.NewHeader("Replaces", id+";to-tag="+theirs+";from-tag="+ours), sip.NewHeader("Referred-By", "<sip:600@10.9.0.1>"))
			if err != nil {
				t.Fatalf("B's call: %v", err)
			}
			answered := time.Now()
			b.Media().Say(1400, -12)
			x.until("BYE to A", func() bool { return len(a.Got(sip.BYE)) == 1 })
			if early := answered.Sub(a.Got(sip.BYE)[0].At); early > 100*time.Millisecond {
				t.Errorf("A's call ended %v before B's was answered", early)
			}
			x.hears(b, 1400)
			for _, c := range x.phone.Changes()[changes:] {
				if c.Type == 3 && c.Value == 1 {
					t.Errorf("the telephone rang for B: %+v", c)
				}
			}
			if res := b.do(ctx, sip.BYE, ""); res.StatusCode != 200 {
				t.Errorf("B's BYE was answered %d", res.StatusCode)
			}
			x.phone.OnHook()
			x.agent.WaitPort(patience, 1, "idle")
		})
	}
}

// tags are the call's id, the party's tag and the device's.
func (p *party) tags() (id, ours, theirs string) {
	res, from, to := p.response(), "", ""
	from, _ = res.From().Params.Get("tag")
	to, _ = res.To().Params.Get("tag")
	if p.server != nil {
		from, to = to, from
	}
	return res.CallID().Value(), from, to
}

func (p *party) response() *sip.Response {
	if p.server != nil {
		return p.server.InviteResponse
	}
	return p.client.InviteResponse
}

func header(req *sip.Request, name string) string {
	if h := req.GetHeader(name); h != nil {
		return h.Value()
	}
	return ""
}
