package lines

import (
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/registrar"
)

// messageSummary is the event package of waiting messages (RFC 3842).
const messageSummary = "message-summary"

// A mailbox is the line's subscription to its waiting messages. It follows the line from
// server to server.
type mailbox struct {
	l    *Line
	sub  dialog.Subscription
	at   registrar.Server // where it is subscribed
	sent int              // SUBSCRIBEs so far: only the latest one's answer counts
}

func newMailbox(now time.Time, l *Line) *mailbox {
	m := &mailbox{l: l, at: l.reg.Current()}
	m.sub = dialog.Subscription{
		Event: messageSummary, Timers: l.dev.Timers,
		Want: time.Duration(l.cfg.VoiceMessageSubscribePeriod) * time.Second,
	}
	m.act(now, m.sub.Start(now))
	return m
}

// moved begins anew at the server that is current now.
func (m *mailbox) moved(now time.Time) {
	m.at = m.l.reg.Current()
	m.act(now, m.sub.Move(now))
}

func (m *mailbox) stop(now time.Time) { m.act(now, m.sub.Stop(now)) }

func (m *mailbox) deadline() time.Time { return m.sub.Deadline() }

func (m *mailbox) expire(now time.Time) { m.act(now, m.sub.Expire(now)) }

// act does what the subscription wants.
func (m *mailbox) act(now time.Time, a dialog.SubscriptionAction) {
	s := m.l.servers[m.at]
	switch a {
	case dialog.Subscribe:
		m.send(now, s, m.l.subscribeRequest(s), nil)
	case dialog.Resubscribe:
		d := m.sub.Dialog()
		m.send(now, s, d.Request(sipmsg.SUBSCRIBE), d.Again)
	case dialog.GaveUp:
		m.l.log.Warn("no message waiting information: the server refuses the subscription", "server", m.at)
	}
}

// subscribeRequest is RFC 6665 section 4.1.2.1. The subscription is to the line itself.
func (l *Line) subscribeRequest(s *server) *sipmsg.Message {
	me := sipmsg.Addr{URI: l.aor(s)}
	m := &sipmsg.Message{
		Method: sipmsg.SUBSCRIBE, RequestURI: l.aor(s),
		From: me.WithTag(ua.NewTag()), To: me,
		CallID: ua.NewTag(), CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.SUBSCRIBE},
		Route: s.route, Contact: []sipmsg.Addr{{}},
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Accept", "application/simple-message-summary")
	return m
}

// send sends a SUBSCRIBE. One outside a dialog that is repeated with credentials becomes
// the one that the dialog is made of: its CSeq counts.
func (m *mailbox) send(now time.Time, s *server, msg *sipmsg.Message, again func(*sipmsg.Message) *sipmsg.Message) {
	m.sub.Request(msg)
	m.sent++
	number := m.sent
	if again == nil {
		again = func(req *sipmsg.Message) *sipmsg.Message {
			next := req.Clone()
			next.CSeq.Seq++
			if m.sent == number {
				m.sub.Request(next)
			}
			return next
		}
	}
	m.l.ep.Send(now, &ua.Request{
		Msg: msg, Target: s.target(), Contact: len(msg.Contact) > 0, Own: true, Server: s.id.String(),
		Retransmissions: m.l.cfg.SignalRetryCounts, Again: again,
		On: func(now time.Time, a ua.Answer) {
			switch {
			case m.sent != number:
			case a.Response == nil:
				m.act(now, m.sub.Failed(now))
			default:
				m.act(now, m.sub.Response(now, a.Response))
			}
		},
	})
}

// notified takes a NOTIFY of waiting messages, and reports whether it was one: in the
// subscription, or sent unasked, as many servers do although RFC 6665 section 4.1.2.4
// allows none without its subscription.
func (l *Line) notified(now time.Time, in *ua.Incoming) bool {
	if pkg, _, _ := in.Req.Event(); pkg != messageSummary {
		if in.Req.To.Tag() == "" {
			in.Respond(now, 489, "")
			return true
		}
		return false
	}
	code, action := 481, dialog.NoAction
	if l.mailbox != nil {
		code, action = l.mailbox.sub.Notify(now, in.Req)
	}
	if code == 481 && in.Req.To.Tag() == "" {
		code = 200
	}
	in.Respond(now, code, "")
	if code != 200 {
		return true
	}
	if len(in.Req.Body) > 0 {
		l.dev.Owner.Messages(l.cfg.N, readSummary(string(in.Req.Body)))
	}
	if l.mailbox != nil {
		l.mailbox.act(now, action)
	}
	return true
}
