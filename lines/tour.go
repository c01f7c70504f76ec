package lines

import (
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport"
)

// A tour sends one request to the targets of a server in turn, until one answers (RFC
// 3263 section 4.3). What makes a target unavailable is ua.Answer.Unavailable.
type tour struct {
	l       *Line
	s       *server
	last    bool // nobody is left to ask after this server
	build   func() *sipmsg.Message
	prepare func(m *sipmsg.Message, f transport.Flow)
	done    func(now time.Time, t transport.Target, a ua.Answer)

	targets []transport.Target // not asked yet
	dropped bool
}

// start begins the tour. An unknown host counts as an unavailable server.
func (t *tour) start(now time.Time) {
	t.l.resolve(now, t.s, func(now time.Time, err error) {
		switch {
		case t.dropped:
		case err != nil:
			t.done(now, transport.Target{}, ua.Answer{Err: err})
		default:
			t.targets = t.l.registerOrder(now, t.s)
			t.next(now)
		}
	})
}

func (t *tour) next(now time.Time) {
	target := t.targets[0]
	t.targets = t.targets[1:]
	t.send(now, target, true)
}

// send asks one target. again: once more, where the connection turns out to be a stale
// one, which says nothing about its server.
func (t *tour) send(now time.Time, target transport.Target, again bool) {
	final := len(t.targets) == 0
	m := t.build()
	t.l.dev.Trace.RegistrarName(t.l.cfg.N, target.Addr, t.s.id.String())
	t.l.ep.Send(now, &ua.Request{
		Msg: m, Target: target, Contact: len(m.Contact) > 0, Own: true, Server: t.s.id.String(),
		Retransmissions: t.l.retransmissions(t.last && final),
		Prepare:         t.prepare,
		Again:           t.s.again,
		On: func(now time.Time, a ua.Answer) {
			switch {
			case t.dropped, a.Response != nil && a.Response.IsProvisional():
			case a.Cut && again:
				t.traceTour(now, target, a, "; once more")
				t.send(now, target, false)
			case a.Unavailable() != nil && !final:
				t.traceTour(now, target, a, "; its next address is asked")
				t.next(now)
			default:
				t.traceTour(now, target, a, "")
				t.done(now, target, a)
			}
		},
	})
}

// again makes the repetition of a REGISTER after a challenge. RFC 3261 section 10.2: the
// CSeq of all with one Call-ID grows.
func (s *server) again(req *sipmsg.Message) *sipmsg.Message {
	next := req.Clone()
	s.seq++
	next.CSeq.Seq = s.seq
	return next
}
