package lines

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
	"tipring/registrar"
)

const summary = "Messages-Waiting: yes\r\nMessage-Account: sip:1001@10.0.0.2\r\nVoice-Message: 2/8 (0/2)\r\n"

// notifier has a server keep subscriptions.
func (s *fakeServer) notifier() {
	s.on(sipmsg.SUBSCRIBE, func(now time.Time, in *ua.Incoming) {
		res := in.Response(200, "")
		s.routed(res)
		res.Header.Add("Expires", in.Req.Header.Get("Expires"))
		in.RespondWith(now, res)
		state := "active;expires=" + in.Req.Header.Get("Expires")
		if in.Req.Header.Get("Expires") == "0" {
			state = "terminated;reason=timeout"
		}
		s.notify(now, in.Req, res.To, state, summary)
	})
}

// notify sends the NOTIFY of a SUBSCRIBE.
func (s *fakeServer) notify(now time.Time, subscribe *sipmsg.Message, from sipmsg.Addr, state, body string) {
	m := &sipmsg.Message{
		Method: sipmsg.NOTIFY, RequestURI: subscribe.Contact[0].URI.Clone(), CallID: subscribe.CallID,
		From: from, To: subscribe.From, CSeq: sipmsg.CSeq{Seq: 100 + subscribe.CSeq.Seq, Method: sipmsg.NOTIFY},
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Event", "message-summary")
	m.Header.Add("Subscription-State", state)
	m.SetBody("application/simple-message-summary", []byte(body))
	s.routed(m)
	u := subscribe.Contact[0].URI
	s.e.Send(now, &ua.Request{Msg: m, Target: s.wayTo(u), On: func(_ time.Time, a ua.Answer) {
		if a.Response != nil {
			s.note("answered "+a.Response.Reason, a.Response)
		}
	}})
}

func (p *fakePhone) mail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.messages, ", ")
	p.messages = nil
	return s
}

var withMail = []string{"subscribe_for_voice_message = 1", "voice_message_subscribe_period = 600"}

// The line subscribes to its messages where it is registered, refreshes that in time, and
// tells what it hears (RFC 3842).
func TestMessageWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.notifier()
		w.start(withMail...)
		w.after(time.Second)
		m := w.primary.last(sipmsg.SUBSCRIBE)
		if m == nil || m.Header.Get("Event") != "message-summary" || m.Header.Get("Expires") != "600" || m.RequestURI.String() != "sip:1001@10.0.0.2" || len(m.Contact) != 1 {
			t.Fatalf("SUBSCRIBE %v", m)
		}
		if got := w.phone.mail(); got != "true 2 new voice messages" {
			t.Errorf("told %q", got)
		}
		began := time.Now()
		w.after(time.Hour)
		at := w.primary.times(sipmsg.SUBSCRIBE, began)
		if len(at) < 11 || len(at) > 13 {
			t.Errorf("%d refreshes of 600 s in an hour", len(at))
		}
		latest := uint32(0)
		for _, m := range w.primary.all(sipmsg.SUBSCRIBE) {
			if m.CSeq.Seq <= latest || m.CallID != w.primary.all(sipmsg.SUBSCRIBE)[0].CallID {
				t.Fatalf("refresh %s with CSeq %d after %d", m.CallID, m.CSeq.Seq, latest)
			}
			latest = m.CSeq.Seq
		}
		w.line.Stop(w.ctx)
		w.after(time.Second)
		if m := w.primary.last(sipmsg.SUBSCRIBE); m.Header.Get("Expires") != "0" {
			t.Error("the subscription is left behind")
		}
	})
}

// A subscription whose SUBSCRIBE was challenged goes on from the CSeq that was accepted.
func TestMessageWaitingWithCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.notifier()
		notifier := w.primary.answer[sipmsg.SUBSCRIBE]
		w.primary.asks("pbx", "secret")
		asks := w.primary.answer[sipmsg.SUBSCRIBE]
		w.primary.on(sipmsg.SUBSCRIBE, func(now time.Time, in *ua.Incoming) {
			if in.Req.Header.Get("Proxy-Authorization") == "" {
				asks(now, in)
				return
			}
			notifier(now, in)
		})
		w.start(withMail...)
		w.after(30 * time.Minute)
		latest := map[string]uint32{}
		for _, m := range w.primary.all(sipmsg.SUBSCRIBE) {
			if m.CSeq.Seq <= latest[m.CallID] {
				t.Errorf("CSeq %d after %d", m.CSeq.Seq, latest[m.CallID])
			}
			latest[m.CallID] = m.CSeq.Seq
		}
		if len(latest) != 1 {
			t.Errorf("%d subscriptions: each refresh lost the one before", len(latest))
		}
	})
}

// The subscription follows the line to the backup and home.
func TestMessageWaitingFollowsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		w.primary.notifier()
		w.backup.notifier()
		w.start(append(withMail, "failback_interval = 60")...)
		w.after(time.Second)
		w.phone.mail()
		w.primary.host.Fail(memnet.Silent)
		w.line.Register()
		w.after(span + time.Second)
		if w.line.Snapshot().Server != registrar.Backup || w.backup.last(sipmsg.SUBSCRIBE) == nil {
			t.Fatalf("no subscription at the backup: %s", w.why())
		}
		if got := w.phone.mail(); got != "true 2 new voice messages" {
			t.Errorf("told %q", got)
		}
		n := len(w.primary.all(sipmsg.SUBSCRIBE))
		w.primary.host.Fail(memnet.Alive)
		w.after(2 * time.Minute)
		if len(w.primary.all(sipmsg.SUBSCRIBE)) != n+1 {
			t.Errorf("%d subscriptions at the primary after the way home, want one more than %d", len(w.primary.all(sipmsg.SUBSCRIBE)), n)
		}
		// What a dead server would have answered does not disturb its successor.
		w.after(time.Hour)
		if got := len(w.primary.all(sipmsg.SUBSCRIBE)) - n; got < 10 || got > 14 {
			t.Errorf("%d SUBSCRIBEs in an hour", got)
		}
	})
}

// News that nobody subscribed to are welcome from the line's own server; a NOTIFY in a
// subscription that is not ours is not.
func TestUnaskedMessageWaiting(t *testing.T) {
	for _, settings := range [][]string{nil, withMail} {
		synctest.Test(t, func(t *testing.T) {
			w := makeWorld(t)
			w.primary.notifier()
			w.start(settings...)
			w.after(time.Second)
			w.phone.mail()
			register := w.primary.last(sipmsg.REGISTER)
			unasked := register.Clone()
			unasked.CallID, unasked.From = "unasked", sipmsg.Addr{URI: register.To.URI}
			from := sipmsg.Addr{URI: register.To.URI}.WithTag("theirs")
			w.primary.post(func(now time.Time) {
				w.primary.notify(now, unasked, from, "active", "Messages-Waiting: no\r\n")
				stray := unasked.Clone()
				stray.CallID, stray.From = "stray", stray.From.WithTag("ours")
				w.primary.notify(now, stray, from, "active", summary)
			})
			w.after(time.Second)
			if got := w.phone.mail(); got != "false " {
				t.Errorf("told %q", got)
			}
			if got := w.primary.heard(0); !strings.HasSuffix(got, "answered OK answered Call/Transaction Does Not Exist") &&
				!strings.HasSuffix(got, "answered Call/Transaction Does Not Exist answered OK") {
				t.Errorf("server heard %q", got)
			}
		})
	}
}

// A server that will not have the subscription is not asked again and again, until the
// line moves.
func TestMessageWaitingRefused(t *testing.T) {
	for _, tt := range []struct {
		code    int
		atMost  int // SUBSCRIBEs in a day
		atLeast int
	}{{489, 1, 1}, {405, 1, 1}, {403, 100, 10}, {503, 100, 10}} {
		synctest.Test(t, func(t *testing.T) {
			w := makeWorld(t)
			w.primary.refuses(sipmsg.SUBSCRIBE, tt.code)
			w.backup.notifier()
			w.start(append(withMail, "enable_failback = 0")...)
			w.after(24 * time.Hour)
			if n := len(w.primary.all(sipmsg.SUBSCRIBE)); n > tt.atMost || n < tt.atLeast {
				t.Errorf("%d: %d SUBSCRIBEs in a day", tt.code, n)
			}
			if s := w.line.Snapshot(); s.State != registrar.Registered || s.Server != registrar.Primary {
				t.Errorf("%d: %s", tt.code, w.why())
			}
			w.primary.host.Fail(memnet.Refusing)
			w.line.Register()
			w.after(time.Second)
			if w.backup.last(sipmsg.SUBSCRIBE) == nil {
				t.Errorf("%d: not tried at the backup", tt.code)
			}
		})
	}
}
