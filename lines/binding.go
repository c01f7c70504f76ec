package lines

import (
	"errors"
	"fmt"
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
	c := &l.cfg
	s := func(n int) time.Duration { return time.Duration(n) * time.Second }
	return registrar.Config{
		Register: c.RegisterAddr != "", HasBackup: l.servers[registrar.Backup] != nil,
		PrimaryTTL: s(c.RegisterTTL), BackupTTL: s(c.BackupTTL),
		Failback: c.EnableFailback, FailbackInterval: s(c.FailbackInterval), SignalFailback: c.SignalFailback,
		GoodProbes: c.FailbackGoodProbes, Hold: s(c.FailbackHoldS), JitterPct: c.FailbackJitterPct,
		FailbackBusy: c.FailbackInCall, WarmBackup: c.WarmBackup,
	}
}

// newCredits answers challenges with the line's password, and a proxy's with the
// proxy's own when it has one.
func newCredits(c config.Line) *digest.Client {
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
	settled := false
	for _, a := range actions {
		switch a.Kind {
		case registrar.Register:
			l.register(now, a)
		case registrar.Abandon:
			if t := l.tries[a.Attempt]; t != nil {
				t.dropped = true
				delete(l.tries, a.Attempt)
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
	if len(actions) > 0 {
		l.stopWhenQuiet()
	}
}

// switched notes the new current server and moves what depends on it.
func (l *Line) switched(now time.Time, a registrar.Action) {
	l.watch()
	if a.Server == registrar.None {
		l.current.Store(nil)
		l.log.Warn("no server", "was", a.From, "cause", errText(a.Cause))
		return
	}
	t := l.servers[a.Server].target().Normal()
	l.current.Store(&t)
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

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// aor is the line's address of record at server s.
func (l *Line) aor(s *server) sipmsg.URI {
	return sipmsg.URI{Scheme: "sip", User: l.cfg.Username, Host: s.domain.Host}
}

// register sends the REGISTER, or for a line that makes no binding the OPTIONS, that
// the registrar asks for.
func (l *Line) register(now time.Time, a registrar.Action) {
	s := l.servers[a.Server]
	t := &tour{l: l, s: s, last: a.Last}
	t.build = func(transport.Target) *sipmsg.Message {
		if !l.registers() {
			return l.optionsRequest(s)
		}
		return l.registerRequest(s, a)
	}
	t.done = func(now time.Time, target transport.Target, answer ua.Answer) {
		delete(l.tries, a.Attempt)
		r := l.result(s, a, target, answer)
		l.logResult(s, a, target, r)
		l.do(now, l.reg.Result(now, a.Attempt, r))
		l.stopWhenQuiet()
	}
	l.tries[a.Attempt] = t
	t.start(now)
}

func (l *Line) registers() bool { return l.cfg.RegisterAddr != "" }

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
const allowed = "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY"

func (l *Line) optionsRequest(s *server) *sipmsg.Message {
	s.seq++
	m := &sipmsg.Message{
		Method: sipmsg.OPTIONS, RequestURI: s.domain,
		From: sipmsg.Addr{URI: l.aor(s)}.WithTag(ua.NewTag()), To: sipmsg.Addr{URI: s.domain},
		CallID: s.probeID, CSeq: sipmsg.CSeq{Seq: s.seq, Method: sipmsg.OPTIONS},
		Route: s.route,
	}
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Accept", "application/sdp")
	return m
}

// result reads what became of a REGISTER.
func (l *Line) result(s *server, a registrar.Action, target transport.Target, answer ua.Answer) registrar.Result {
	res := answer.Response
	r := registrar.Result{Outcome: registrar.Unavailable, Cause: answer.Unavailable()}
	if res == nil {
		return r
	}
	r.Code = res.StatusCode
	r.RetryAfter = retryAfter(res)
	if r.Cause != nil {
		r.Cause = l.answerError(a, target, res)
		return r
	}
	switch {
	case res.IsSuccess(), !l.registers():
		r.Outcome = registrar.OK
		s.prefer(target)
		if a.Purpose != registrar.Verify {
			s.flow, s.contact = answer.Flow, l.ep.Address(answer.Flow)
		}
		if a.Purpose == registrar.Probe {
			s.callID, s.probeID = s.probeID, s.callID
		}
		r.Expires = l.granted(res)
		return r
	case answer.Err != nil:
		r.Cause = errors.Join(l.answerError(a, target, res), answer.Err)
	default:
		r.Cause = l.answerError(a, target, res)
	}
	r.Outcome = registrar.Refused
	if n, ok := res.MinExpires(); ok {
		r.MinExpires = time.Duration(n) * time.Second
	}
	switch res.StatusCode {
	case 401, 403, 404, 407:
		r.Lasting = true
	}
	return r
}

// granted finds the lifetime of our own binding among those the registrar lists.
func (l *Line) granted(res *sipmsg.Message) time.Duration {
	user := l.ep.ContactUser()
	for _, c := range res.Contact {
		if c.URI.User != user {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.Atoi(v); err == nil && n > 0 {
				return time.Duration(n) * time.Second
			}
		}
	}
	if n, ok := res.Expires(); ok {
		return time.Duration(n) * time.Second
	}
	return 0
}

func retryAfter(res *sipmsg.Message) time.Duration {
	n, ok := res.RetryAfter()
	if !ok {
		return 0
	}
	return time.Duration(n) * time.Second
}

// answerError names an attempt and its answer.
func (l *Line) answerError(a registrar.Action, target transport.Target, res *sipmsg.Message) error {
	method := sipmsg.REGISTER
	if !l.registers() {
		method = sipmsg.OPTIONS
	}
	return fmt.Errorf("%s %s at %s: %d %s", method, l.aor(l.servers[a.Server]), target, res.StatusCode, res.Reason)
}

// logResult writes the shift book: what an operator would want to know of a REGISTER.
func (l *Line) logResult(s *server, a registrar.Action, target transport.Target, r registrar.Result) {
	attrs := []any{"server", a.Server, "address", target, "purpose", a.Purpose}
	switch {
	case r.Outcome != registrar.OK:
		l.log.Warn("not registered", append(attrs, "cause", errText(r.Cause))...)
	case a.Purpose == registrar.Unbind:
		l.log.Info("unregistered", attrs...)
	case a.Purpose == registrar.Verify:
		l.log.Info("primary is well", attrs...)
	default:
		l.log.Info("registered", append(attrs, "aor", l.aor(s), "expires_s", int(r.Expires/time.Second))...)
	}
}
