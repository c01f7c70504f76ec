package scripted

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(agent.Build, m.Run) }

const patience = 20 * time.Second

// device is an agent with one line at a scripted server.
func device(t *testing.T, register Answer, set ...func(agent.Ini)) (*Server, *agent.Agent) {
	t.Helper()
	return deviceAt(t, register, func(*Server) {}, set...)
}

// deviceAt is device at a server with handlers of the test's own.
func deviceAt(t *testing.T, register Answer, handle func(*Server), set ...func(agent.Ini)) (*Server, *agent.Agent) {
	t.Helper()
	lan := netlab.New(t)
	s := New(t, lan.Host("server", 1), register, handle)
	config := agent.Base(100).
		Set("sip1", "username", "1001").
		Set("sip1", "auth_password", "sesame").
		Set("sip1", "realm", "right").
		Set("sip1", "register_addr", "10.9.0.1").
		Set("sip1", "keepalive", "none").
		Set("sip1", "codecs", "pcmu").
		Set("port1", "line", 1).
		Set("port1", "driver", "unix:p1")
	for _, f := range set {
		f(config)
	}
	return s, agent.Start(t, lan.Host("agent", 10), config)
}

// Every kind of challenge that can be met is met, by the strongest algorithm.
func TestChallenges(t *testing.T) {
	for _, tt := range []struct {
		name       string
		challenges []string
		use        int // which of them must be answered
	}{
		{"MD5 without qop", []string{`Digest realm="right", nonce="n1"`}, 0},
		{"MD5", []string{`Digest realm="right", nonce="n1", qop="auth", algorithm=MD5, opaque="o"`}, 0},
		{"SHA-256", []string{`Digest realm="right", nonce="n1", qop="auth", algorithm=SHA-256`}, 0},
		{"several qops", []string{`Digest realm="right", nonce="n1", qop="auth-int,auth", algorithm=MD5`}, 0},
		{"strongest last", []string{`Digest realm="right", nonce="n1", qop="auth", algorithm=MD5`, `Digest realm="right", nonce="n2", qop="auth", algorithm=SHA-256`}, 1},
		{"strongest first", []string{`Digest realm="right", nonce="n2", qop="auth", algorithm=SHA-256`, `Digest realm="right", nonce="n1", qop="auth", algorithm=MD5`}, 0},
		{"unknown algorithm beside MD5", []string{`Digest realm="right", nonce="n3", qop="auth", algorithm=WHIRLPOOL`, `Digest realm="right", nonce="n1", qop="auth", algorithm=MD5`}, 1},
		{"foreign realm beside the right one", []string{`Digest realm="other", nonce="n3", qop="auth", algorithm=SHA-256`, `Digest realm="right", nonce="n1", qop="auth", algorithm=MD5`}, 1},
		{"odd spelling", []string{`DIGEST   Realm = "right" ,nonce= "n1",QOP=auth , Algorithm = md5`}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, a := device(t, func(n int, req *sip.Request) *sip.Response {
				if c := Credentials(req); c != nil && Right(c, tidy(tt.challenges[tt.use]), "REGISTER", "sesame") {
					return Bound(req, "3600")
				}
				res := Refuse(req, 401)
				for _, c := range tt.challenges {
					res.AppendHeader(sip.NewHeader("WWW-Authenticate", c))
				}
				return res
			})
			a.WaitRegistered(patience, 1, "primary")
		})
	}
}

// tidy writes the odd spelling in a way that the checker's parser takes.
func tidy(challenge string) string {
	if strings.HasPrefix(challenge, "DIGEST") {
		return `Digest realm="right", nonce="n1", qop="auth", algorithm=MD5`
	}
	return challenge
}

// What must not be answered is not, and what cannot be satisfied ends after
// three tries; nothing becomes a loop.
func TestNoCredentialsFor(t *testing.T) {
	var nonces atomic.Int64
	for _, tt := range []struct {
		name      string
		challenge func() string
		answered  int // REGISTERs with credentials, at most
	}{
		{"a foreign realm", func() string { return `Digest realm="evil", nonce="n", qop="auth"` }, 0},
		{"Basic", func() string { return `Basic realm="right"` }, 0},
		{"an unknown algorithm", func() string { return `Digest realm="right", nonce="n", algorithm=WHIRLPOOL` }, 0},
		{"endless stale nonces", func() string {
			return fmt.Sprintf(`Digest realm="right", nonce="n%d", qop="auth", stale=true`, nonces.Add(1))
		}, 3},
		{"endless new nonces", func() string { return fmt.Sprintf(`Digest realm="right", nonce="n%d", qop="auth"`, nonces.Add(1)) }, 3},
		{"the same nonce again", func() string { return `Digest realm="right", nonce="n", qop="auth"` }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, a := device(t, func(n int, req *sip.Request) *sip.Response {
				return Refuse(req, 401, "WWW-Authenticate", tt.challenge())
			})
			line := a.WaitLine(patience, 1, "failed", func(l agent.Line) bool { return l.State == "failed" && l.LastError != nil })
			with, without := 0, 0
			few := netlab.Holds(3*time.Second, func() bool {
				with, without = 0, 0
				for _, r := range s.Registers() {
					if Credentials(r.Request) != nil {
						with++
					} else {
						without++
					}
				}
				return with <= tt.answered && without <= 2
			})
			if !few || tt.answered > 0 && with == 0 {
				t.Errorf("%d REGISTERs with credentials and %d without in 3 s, want %d and 1; line %v", with, without, tt.answered, line)
			}
		})
	}
}

// A stale nonce is replaced and the registration goes on.
func TestStale(t *testing.T) {
	t.Parallel()
	current := atomic.Pointer[string]{}
	challenge := func(nonce string) string { return fmt.Sprintf(`Digest realm="right", nonce="%s", qop="auth"`, nonce) }
	first := "first"
	current.Store(&first)
	s, a := device(t, func(n int, req *sip.Request) *sip.Response {
		now := *current.Load()
		c := Credentials(req)
		if Right(c, challenge(now), "REGISTER", "sesame") {
			return Bound(req, "3600")
		}
		if c != nil {
			return Refuse(req, 401, "WWW-Authenticate", challenge(now)+", stale=true")
		}
		return Refuse(req, 401, "WWW-Authenticate", challenge(now))
	})
	a.WaitRegistered(patience, 1, "primary")
	before := len(s.Registers())
	if err := a.Post("/api/v1/lines/1/register", nil); err != nil {
		t.Fatal(err)
	}
	again := s.WaitRegisters(patience, before+1)[before]
	if c := Credentials(again.Request); c == nil || c.Nc != 2 {
		t.Errorf("the next REGISTER has credentials %v, want the nonce used again with nc 2", c)
	}
	second := "second"
	current.Store(&second)
	before = len(s.Registers())
	// Asked while the last one is still under way, one REGISTER is enough for both.
	if !netlab.Until(patience, func() bool {
		return a.Post("/api/v1/lines/1/register", nil) == nil && len(s.Registers()) >= before+2
	}) {
		t.Errorf("%d REGISTERs, want %d and more: one with the old nonce, one with the new", len(s.Registers()), before+2)
	}
	a.WaitRegistered(patience, 1, "primary")
	a.Stop() // removes the binding
	last := map[string]uint32{}
	for _, r := range s.Registers() {
		id, n := r.CallID().Value(), r.CSeq().SeqNo
		if n <= last[id] {
			t.Errorf("a REGISTER of Call-ID %s has CSeq %d after one with %d (RFC 3261 section 10.2)", id, n, last[id])
		}
		last[id] = n
	}
}

// 423 raises the binding's time to what the server wants.
func TestIntervalTooBrief(t *testing.T) {
	t.Parallel()
	s, a := device(t, func(n int, req *sip.Request) *sip.Response {
		if e := expires(req); e < 7200 {
			return Refuse(req, 423, "Min-Expires", "7200")
		}
		return Bound(req, "7200")
	})
	line := a.WaitRegistered(patience, 1, "primary")
	if n := len(s.Registers()); n != 2 || line.ExpiresS == nil || *line.ExpiresS < 7000 {
		t.Errorf("%d REGISTERs, line %v with %v s, want 2 and 7200 s", n, line, line.ExpiresS)
	}
}

func expires(req *sip.Request) int {
	if h := req.GetHeader("Expires"); h != nil {
		n, _ := strconv.Atoi(strings.TrimSpace(h.Value()))
		return n
	}
	if c := req.Contact(); c != nil {
		if v, ok := c.Params.Get("expires"); ok {
			n, _ := strconv.Atoi(v)
			return n
		}
	}
	return -1
}

// 503 with Retry-After from the only server: not asked again before.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s, a := device(t, func(n int, req *sip.Request) *sip.Response {
		if n == 1 {
			return Refuse(req, 503, "Retry-After", "4")
		}
		return Bound(req, "3600")
	})
	all := s.WaitRegisters(2*time.Minute, 2)
	if waited := all[1].At.Sub(all[0].At); waited < 4*time.Second {
		t.Errorf("asked again after %v, want 4 s at least", waited)
	}
	a.WaitRegistered(patience, 1, "primary")
}

// The server's word about the binding's time counts, and of several bindings our own.
func TestGrantedTime(t *testing.T) {
	t.Parallel()
	s, a := device(t, func(n int, req *sip.Request) *sip.Response {
		return Bound(req, "3", "<sip:somebody@192.0.2.1>;expires=9999")
	})
	a.WaitRegistered(patience, 1, "primary")
	all := s.WaitRegisters(patience, 3)
	for i := 1; i < 3; i++ {
		if gap := all[i].At.Sub(all[i-1].At); gap > 3*time.Second || gap < time.Second {
			t.Errorf("refresh %d came after %v of a binding of 3 s", i, gap)
		}
	}
}

const sdp = "v=0\r\no=- 1 1 IN IP4 10.9.0.1\r\ns=-\r\nc=IN IP4 10.9.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

// sipgo calls the contact that the line registered, the telephone answers, sipgo hangs up.
func TestCallFromSipgo(t *testing.T) {
	t.Parallel()
	contact := make(chan sip.Uri, 1)
	s, a := device(t, func(n int, req *sip.Request) *sip.Response {
		if c := req.Contact(); c != nil {
			select {
			case contact <- c.Address:
			default:
			}
		}
		return Bound(req, "3600")
	})
	a.WaitRegistered(patience, 1, "primary")
	p := a.Phone("p1")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		d, err := s.Call(ctx, <-contact, sdp)
		if err == nil {
			err = d.Bye(ctx)
		}
		done <- err
	}()
	p.WaitRing(patience)
	p.OffHook()
	if err := <-done; err != nil {
		t.Errorf("the call from sipgo: %v", err)
	}
	p.OnHook()
	a.WaitPort(patience, 1, "idle")
}

// The telephone calls sipgo, is challenged as by a proxy, and hangs up.
func TestCallToSipgo(t *testing.T) {
	t.Parallel()
	const challenge = `Digest realm="right", nonce="n1", qop="auth", algorithm=SHA-256`
	tries, ended := make(chan string, 10), make(chan struct{})
	var dialog atomic.Pointer[sipgo.DialogServerSession]
	bound := func(n int, req *sip.Request) *sip.Response { return Bound(req, "3600") }
	_, a := deviceAt(t, bound, func(s *Server) {
		s.Server.OnAck(func(req *sip.Request, tx sip.ServerTransaction) { _ = dialog.Load().ReadAck(req, tx) })
		s.Server.OnBye(func(req *sip.Request, tx sip.ServerTransaction) { _ = dialog.Load().ReadBye(req, tx); close(ended) })
		s.Server.OnInvite(func(req *sip.Request, tx sip.ServerTransaction) {
			h := req.GetHeader("Proxy-Authorization")
			if h == nil {
				tries <- "without"
				_ = tx.Respond(Refuse(req, 407, "Proxy-Authenticate", challenge))
				return
			}
			tries <- "with"
			d, err := s.Dialog.ReadInvite(req, tx)
			if err != nil {
				t.Errorf("sipgo: %v", err)
				return
			}
			dialog.Store(d)
			if err := d.RespondSDP([]byte(sdp)); err != nil {
				t.Errorf("sipgo: %v", err)
			}
			<-d.Context().Done()
		})
	})
	a.WaitRegistered(patience, 1, "primary")
	p := a.Phone("p1")
	p.OffHook()
	p.WaitTone(patience, 350, 440)
	p.Dial("600#")
	a.WaitPort(patience, 1, "talking")
	p.OnHook()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("sipgo gets no BYE")
	}
	if got := <-tries + " " + <-tries; got != "without with" {
		t.Errorf("INVITEs %s credentials", got)
	}
}
