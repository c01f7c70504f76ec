package lines

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"tipring/internal/config"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

// registrarConfig is what the registrar is told of the configuration.
func (l *Line) registrarConfig() registrar.Config {
	c := l.cfg
	s := func(n int) time.Duration { return time.Duration(n) * time.Second }
	return registrar.Config{
		Register: l.registers(), HasBackup: l.servers[registrar.Backup] != nil,
		PrimaryTTL: s(c.RegisterTTL), BackupTTL: s(c.BackupTTL),
		Failback: c.EnableFailback, FailbackInterval: s(c.FailbackInterval), SignalFailback: c.SignalFailback,
		GoodProbes: c.FailbackGoodProbes, Hold: s(c.FailbackHoldS), JitterPct: c.FailbackJitterPct,
		FailbackBusy: c.FailbackInCall, WarmBackup: c.WarmBackup,
	}
}

func (l *Line) registers() bool { return l.cfg.RegisterAddr != "" }

// newCredits answers challenges with the line's password, and a proxy's with the
// proxy's own when it has one.
func newCredits(c *config.Line) *digest.Client {
	user := c.AuthUser
	if user == "" {
		user = c.Username
	}
	return digest.NewClient(
		digest.Credentials{Username: user, Password: c.AuthPassword, Realm: c.Realm},
		digest.Credentials{Username: c.ProxyUser, Password: c.ProxyPassword},
	)
}

// do carries out what the registrar asks for.
func (l *Line) do(now time.Time, actions []registrar.Action) {
	if l.ended || len(actions) == 0 {
		return
	}
	settled := false
	for _, a := range actions {
		switch a.Kind {
		case registrar.Register:
			l.register(now, a)
		case registrar.Abandon:
			if t := l.tours[a.Attempt]; t != nil {
				t.dropped = true
				delete(l.tours, a.Attempt)
			}
		case registrar.Switched:
			l.switched(now, a)
		case registrar.Settled:
			settled = true
		}
	}
	if settled {
		for c := range l.calls {
			c.settled(now)
		}
	}
	l.stopWhenQuiet()
}

// switched notes the new current server and moves what depends on it.
func (l *Line) switched(now time.Time, a registrar.Action) {
	l.noteCurrent()
	l.watch()
	if a.Server == registrar.None {
		l.log.Warn("no server", "was", a.From, "cause", errText(a.Cause))
		return
	}
	s := l.servers[a.Server]
	if len(s.targets) == 0 { // a line that does not register has not asked for them yet
		l.resolve(now, s, func(time.Time, error) {})
	}
	t := s.target()
	if a.Cause != nil {
		l.log.Warn("server changed", "server", a.Server, "address", t, "was", a.From, "cause", errText(a.Cause))
	} else {
		l.log.Info("server chosen", "server", a.Server, "address", t, "was", a.From)
	}
	if l.mailbox != nil {
		l.mailbox.moved(now)
	} else if l.cfg.SubscribeForVoiceMessage {
		l.mailbox = newMailbox(now, l)
	}
}

// noteCurrent lets the health hook know which target the line depends on.
func (l *Line) noteCurrent() {
	t := l.servers[l.reg.Current()].target().Normal()
	switch cur := l.current.Load(); {
	case !t.Addr.IsValid():
		l.current.Store(nil)
	case cur == nil || *cur != t:
		l.current.Store(&t)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// aor is the line's address of record at server s.
func (l *Line) aor(s *server) sipmsg.URI {
	u := s.domain.Clone()
	u.User = l.cfg.Username
	return u
}

// register sends the REGISTER, or for a line that makes no binding the OPTIONS, that
// the registrar asks for.
func (l *Line) register(now time.Time, a registrar.Action) {
	s := l.servers[a.Server]
	t := &tour{l: l, s: s, last: a.Last}
	t.build = func() *sipmsg.Message {
		if !l.registers() {
			return l.optionsRequest(s)
		}
		return l.registerRequest(s, a)
	}
	t.prepare = func(m *sipmsg.Message, f transport.Flow) { l.contacts(s, a.Purpose, m, f) }
	t.done = func(now time.Time, target transport.Target, answer ua.Answer) {
		delete(l.tours, a.Attempt)
		s.suspect = false
		r := l.result(a, target, answer)
		l.logResult(a, target, r)
		l.do(now, l.reg.Result(now, a.Attempt, r))
		l.noteCurrent()
		l.checkContacts(now)
		l.stopWhenQuiet()
	}
	if l.tours == nil {
		l.tours = map[uint64]*tour{}
	}
	l.tours[a.Attempt] = t
	t.start(now)
}

// registerRequest is RFC 3261 section 10.2. Failback's probes have a Call-ID of their own.
func (l *Line) registerRequest(s *server, a registrar.Action) *sipmsg.Message {
	callID := s.callID
	if a.Purpose == registrar.Probe || a.Purpose == registrar.Verify {
		callID = s.probeID
	}
	s.seq++
	aor := sipmsg.Addr{Display: l.cfg.DisplayName, URI: l.aor(s)}
	m := &sipmsg.Message{
		Method: sipmsg.REGISTER, RequestURI: s.domain,
		From: aor.WithTag(ua.NewTag()), To: aor,
		CallID: callID, CSeq: sipmsg.CSeq{Seq: s.seq, Method: sipmsg.REGISTER},
		Route: s.route,
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Supported", "path")
	if a.Purpose == registrar.Verify {
		return m
	}
	seconds := strconv.Itoa(int(a.Expires / time.Second))
	m.Contact = []sipmsg.Addr{{}}
	m.Contact[0].Params.Set("expires", seconds)
	m.Header.Add("Expires", seconds)
	m.Header.Add("Allow", allowed)
	return m
}

// allowed lists the methods of the line (RFC 3261 section 20.5).
const allowed = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE"

func (l *Line) optionsRequest(s *server) *sipmsg.Message {
	s.seq++
	m := &sipmsg.Message{
		Method: sipmsg.OPTIONS, RequestURI: s.domain,
		From: sipmsg.Addr{URI: l.aor(s)}.WithTag(ua.NewTag()), To: sipmsg.Addr{URI: s.domain},
		CallID: s.probeID, CSeq: sipmsg.CSeq{Seq: s.seq, Method: sipmsg.OPTIONS},
		Route: s.route,
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Accept", acceptOf(sdpType))
	return m
}

// result reads what became of a REGISTER.
func (l *Line) result(a registrar.Action, target transport.Target, answer ua.Answer) registrar.Result {
	s, req, res := l.servers[a.Server], answer.Request, answer.Response
	if res == nil {
		return registrar.Result{Outcome: registrar.Unavailable, Cause: answer.Err}
	}
	l.rewritten = rewritten(req, res)
	r := registrar.Result{Outcome: registrar.Refused, Code: res.StatusCode}
	r.RetryAfter, _ = res.RetryAfter()
	r.Cause = fmt.Errorf("%s %s at %s: %s", req.Method, l.aor(s), target, sipmsg.Told(res.StatusCode, res.Reason))
	if answer.Err != nil {
		r.Cause = fmt.Errorf("%w: %w", r.Cause, answer.Err)
	}
	if n, ok := res.MinExpires(); ok {
		r.MinExpires = time.Duration(n) * time.Second
	}
	switch {
	case answer.Unavailable() != nil:
		r.Outcome = registrar.Unavailable
	case res.IsSuccess() && l.registers() && binds(a.Purpose):
		granted, err := l.granted(req, res)
		if err != nil {
			r.Cause, r.Unbound = fmt.Errorf("%w, but %w", r.Cause, err), true
			break
		}
		r.Outcome, r.Cause, r.Expires = registrar.OK, nil, granted
		l.accepted(s, a, target, answer)
	case res.IsSuccess(), !l.registers():
		r.Outcome, r.Cause = registrar.OK, nil
		l.accepted(s, a, target, answer)
	case res.StatusCode == 401, res.StatusCode == 403, res.StatusCode == 404, res.StatusCode == 407:
		r.Lasting = true
	}
	return r
}

// accepted notes where and how a server has taken a REGISTER.
func (l *Line) accepted(s *server, a registrar.Action, target transport.Target, answer ua.Answer) {
	switch a.Purpose {
	case registrar.Unbind:
		s.unbound()
		return
	case registrar.Verify:
	default:
		s.bound(answer.Flow, answer.Request)
	}
	s.preferred = target
	if a.Purpose == registrar.Probe {
		s.callID, s.probeID = s.probeID, s.callID
	}
}

// logResult writes the shift book: what an operator would want to know of a REGISTER.
func (l *Line) logResult(a registrar.Action, target transport.Target, r registrar.Result) {
	attrs := []any{"server", a.Server, "address", target, "purpose", a.Purpose}
	switch {
	case r.Outcome != registrar.OK:
		l.log.Warn("not registered", append(attrs, "cause", errText(r.Cause))...)
	case a.Purpose == registrar.Unbind:
		l.log.Info("unregistered", attrs...)
	case a.Purpose == registrar.Verify:
		l.log.Info("primary is well", attrs...)
	default:
		l.log.Info("registered", append(attrs, "aor", l.aor(l.servers[a.Server]), "expires_s", int(r.Expires/time.Second))...)
	}
}

// isLiteral reports a host that is an address.
func isLiteral(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
