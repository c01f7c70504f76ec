package agent

import (
	"cmp"
	"sync"
	"time"

	"tipring/agent/call"
	"tipring/agent/features"
	"tipring/internal/offer"
	"tipring/lines"
)

// A reaction is what becomes of a call by what the telephones of its line have set.
type reaction struct {
	ring     []*portUnit // may have it
	code     int         // of the refusal, where nobody is left to ring
	forward  string      // where it is sent on to then; empty: nowhere
	busy     string      // where it is sent on to when nobody who may have it is free
	noAnswer string      // where it is sent on to when nobody answers
	after    time.Duration
}

// receive asks the telephones of a line about a call. Who is left rings; where several have
// set something, the port with the lowest number has its way.
func (a *Agent) receive(c *lines.Call, units []*portUnit) (r reaction) {
	i := c.Info()
	from := features.Caller{Number: i.Peer, Anonymous: i.Anonymous}
	if i.Anonymous {
		from.Number = ""
	}
	for _, u := range units {
		if u.cfg.Kind == "fax" || c.Offered() == offer.Fax {
			r.ring = append(r.ring, u)
			continue
		}
		a.features.Called(u.cfg.N, from.Number)
		if i.Callback {
			r.ring = append(r.ring, u)
			continue
		}
		r.ask(u, a.features.Judge(u.cfg.N, from), a.features.Settings(u.cfg.N))
	}
	return r
}

// ask takes what one telephone has set.
func (r *reaction) ask(u *portUnit, v features.Verdict, s features.Settings) {
	r.forward = cmp.Or(r.forward, v.Forward)
	r.code = max(r.code, v.Code)
	if v != (features.Verdict{}) {
		return
	}
	r.busy = cmp.Or(r.busy, s.ForwardBusy)
	if r.noAnswer == "" && s.ForwardNoAnswer != "" {
		r.noAnswer, r.after = s.ForwardNoAnswer, time.Duration(s.AnswerTime())*time.Second
	}
	if s.NoWaiting && u.engaged() {
		r.code = 486
		return
	}
	r.ring = append(r.ring, u)
}

// engaged reports a port whose telephone is in use.
func (u *portUnit) engaged() bool {
	return u.port != nil && (u.port.Snapshot().OffHook || u.port.Snapshot().Call != "")
}

// incomingTo offers a call to the ports of its line: those that ring first; where none of them
// is free, or there is none, to one whose faxes are stored.
func (a *Agent) incomingTo(c *lines.Call, units []*portUnit) (h lines.Handler, code int) {
	r := a.receive(c, units)
	var ring []*call.Port
	store := 0
	for _, u := range r.ring {
		switch {
		case stores(u.cfg):
			if store == 0 {
				store = u.cfg.N
			}
		case u.port != nil && (u.cfg.Kind == "fax" || c.Offered() != offer.Fax): // a telephone cannot take T.38 alone
			ring = append(ring, u.port)
		}
	}
	if code = cmp.Or(r.code, 480); len(ring) > 0 {
		if h, code = call.Incoming(c, ring); h != nil {
			a.awaitAnswer(c, r)
			return h, 0
		}
	}
	if to, why := r.elsewhere(code); to != "" {
		c.Redirect(to, why)
		return sentOn{}, 0
	}
	if store != 0 {
		return a.receiveFax(c, store)
	}
	return nil, code
}

// elsewhere tells where a call goes that did not ring here, and why there.
func (r *reaction) elsewhere(code int) (to, why string) {
	switch {
	case r.forward != "":
		return r.forward, lines.DivertAlways
	case code == 486 && r.busy != "":
		return r.busy, lines.DivertBusy
	case code == 480 && r.code == 0: // no telephone is there
		return r.noAnswer, lines.DivertNoAnswer
	}
	return "", ""
}

// awaitAnswer sends a call on, or refuses it, that nobody has answered in time.
func (a *Agent) awaitAnswer(c *lines.Call, r reaction) {
	if l := a.config().Line(c.Line()); r.noAnswer == "" && l != nil && l.RingTimeS > 0 {
		a.answers.await(c.Info().ID, time.Duration(l.RingTimeS)*time.Second, func() { c.Refuse(480) })
	}
	if r.noAnswer != "" {
		a.answers.await(c.Info().ID, r.after, func() { c.Redirect(r.noAnswer, lines.DivertNoAnswer) })
	}
}

// sentOn is the handler of a call that is sent elsewhere: there is nothing to do about it.
type sentOn struct{}

func (sentOn) Started(*lines.Call)                   {}
func (sentOn) Ringing(*lines.Call)                   {}
func (sentOn) Media(*lines.Call, *offer.Audio)       {}
func (sentOn) Answered(*lines.Call)                  {}
func (sentOn) Digit(*lines.Call, byte)               {}
func (sentOn) Referred(*lines.Call, lines.Dial) bool { return false }
func (sentOn) Ended(*lines.Call, lines.Reason)       {}

// answers are the calls that are sent on unless they are answered in time.
type answers struct {
	mu     sync.Mutex
	timers map[string]*time.Timer // by the id of the call
}

func (x *answers) await(id string, d time.Duration, late func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.timers == nil {
		x.timers = map[string]*time.Timer{}
	}
	x.timers[id] = time.AfterFunc(d, late)
}

// changed gives the wait up for a call that is answered, or over.
func (x *answers) changed(i lines.Info) {
	if !i.Incoming || i.Answered.IsZero() && i.State != lines.Ended {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if t := x.timers[i.ID]; t != nil {
		t.Stop()
		delete(x.timers, i.ID)
	}
}

// missed takes a call into the log of missed calls that nobody answered.
func (a *Agent) missed(i lines.Info) {
	if l := a.config().Line(i.Line); !i.Missed || l == nil || !l.EnableMissedCallLog {
		return
	}
	m := features.Missed{Line: i.Line, Number: i.Peer, Name: i.Name, At: i.Started}
	if i.Anonymous {
		m.Number, m.Name = "", ""
	}
	a.features.Miss(m)
}
