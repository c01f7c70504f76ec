package lab

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var users = map[string]string{"201": "secret-1", "202": "secret-2"}

// ann and bob are telephones, far is on a fixed route, mal is nobody.
var (
	ann = way{addr: netip.MustParseAddrPort("192.0.2.1:5060")}
	bob = way{addr: netip.MustParseAddrPort("192.0.2.2:5062")}
	far = way{addr: netip.MustParseAddrPort("192.0.2.3:5060")}
	mal = way{addr: netip.MustParseAddrPort("203.0.113.9:5060")}
)

const (
	domain     = "198.51.100.1"
	peerDomain = "198.51.100.2"
)

// A rig is a core with its time and what it has sent.
type rig struct {
	t      *testing.T
	c      *core
	now    time.Time
	out    []sent
	events []string
}

type sent struct {
	to  way
	msg *sipmsg.Message
}

func newRig(t *testing.T) *rig { return newNamedRig(t, "primary", domain, Config{Users: users}) }

func newNamedRig(t *testing.T, name, addr string, cfg Config) *rig {
	r := &rig{t: t, now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	cfg.Hook = func(e Event) { r.events = append(r.events, e.String()) }
	r.c = newCore(name, cfg, func(w way, wire []byte) {
		m, err := sipmsg.Parse(wire)
		if err != nil {
			t.Fatalf("sent what does not parse: %v\n%s", err, wire)
		}
		r.out = append(r.out, sent{w, m})
	})
	r.c.listens(transport.UDP, netip.MustParseAddrPort(addr+":5060"))
	r.c.listens(transport.TCP, netip.MustParseAddrPort(addr+":5060"))
	r.c.routes[FarUser] = far.addr
	return r
}

// pair is two servers, joined.
func pair(t *testing.T) (a, b *rig) {
	a = newNamedRig(t, "primary", domain, Config{Users: users})
	b = newNamedRig(t, "backup", peerDomain, Config{Users: users})
	a.c.join(b.c, b.c.local)
	b.c.join(a.c, a.c.local)
	return a, b
}

// parse reads a message written with bare newlines.
func parse(t *testing.T, text string) *sipmsg.Message {
	t.Helper()
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "\r\n") + "\r\n"
	if !strings.Contains(text, "\r\n\r\n") {
		text += "\r\n"
	}
	m, err := sipmsg.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

// hears gives the core a message and returns what it sent for it.
func (r *rig) hears(from way, m *sipmsg.Message) []sent {
	r.t.Helper()
	before := len(r.out)
	r.c.receive(r.now, from, m.Clone(), nil)
	return r.out[before:]
}

// waits lets time pass and returns what was sent meanwhile.
func (r *rig) waits(d time.Duration) []sent {
	before := len(r.out)
	for end := r.now.Add(d); ; {
		if r.c.next.IsZero() || r.c.next.After(end) {
			r.now = end
			return r.out[before:]
		}
		r.now = r.c.next
		r.c.expire(r.now)
	}
}

// answer returns the one thing sent, a response with that code.
func (r *rig) answer(what []sent, to way, code int) *sipmsg.Message {
	r.t.Helper()
	if len(what) != 1 || what[0].msg.StatusCode != code || what[0].to != to {
		r.t.Fatalf("sent %s, want %d to %v", list(what), code, to.addr)
	}
	return what[0].msg
}

// request returns the one request among what was sent.
func (r *rig) request(what []sent, to way, method string) *sipmsg.Message {
	r.t.Helper()
	for _, s := range what {
		if s.msg.Method == method && s.to == to {
			return s.msg
		}
	}
	r.t.Fatalf("sent %s, want %s to %v", list(what), method, to.addr)
	return nil
}

func list(what []sent) string {
	if len(what) == 0 {
		return "nothing"
	}
	var all []string
	for _, s := range what {
		all = append(all, s.msg.String()+" to "+s.to.addr.String())
	}
	return strings.Join(all, ", ")
}

// authorized repeats a request with the credentials that a challenge asks for.
func authorized(t *testing.T, req, challenge *sipmsg.Message, user, password string) *sipmsg.Message {
	t.Helper()
	x := digest.NewClient(digest.Credentials{Username: user, Password: password}, digest.Credentials{}).Exchange("lab", true)
	if err := x.Challenged(req, challenge); err != nil {
		t.Fatal(err)
	}
	m := req.Clone()
	m.CSeq.Seq++
	m.Via[0].Params.Set("branch", m.Branch()+"x")
	x.Authorize(m)
	return m
}

// asks sends a request, answers its challenge, and returns what follows.
func (r *rig) asks(from way, m *sipmsg.Message, challenge int) []sent {
	r.t.Helper()
	user := m.From.URI.User
	c := r.answer(r.hears(from, m), from, challenge)
	return r.hears(from, authorized(r.t, m, c, user, users[user]))
}

func registerMessage(t *testing.T, user string, at way, extra string) *sipmsg.Message {
	t.Helper()
	return parse(t, `REGISTER sip:`+domain+` SIP/2.0
Via: SIP/2.0/UDP `+at.addr.String()+`;branch=z9hG4bK-register`+user+`;rport
Max-Forwards: 70
From: <sip:`+user+`@`+domain+`>;tag=`+user+`
To: <sip:`+user+`@`+domain+`>
Call-ID: register-`+user+`
CSeq: 1 REGISTER
`+extra)
}

// binds registers a user in full.
func (r *rig) binds(user string, at way) {
	r.t.Helper()
	m := registerMessage(r.t, user, at, "Contact: <sip:token"+user+"@"+at.addr.String()+">\nExpires: 300")
	r.answer(r.asks(at, m, 401), at, 200)
}

func mustAddr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
