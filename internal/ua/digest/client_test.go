package digest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/sipmsg"
)

var now0 = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

func newRequest(method, uri string) *sipmsg.Message {
	target, err := sipmsg.ParseURI(uri)
	if err != nil {
		panic(err)
	}
	via := sipmsg.Via{Transport: "UDP", Host: "192.0.2.20", Port: 5060}
	via.Params.Set("branch", "z9hG4bKnashds7")
	bob := sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "bob", Host: "biloxi.com"}}
	return &sipmsg.Message{
		Method: method, RequestURI: target, Via: []sipmsg.Via{via},
		From: bob.WithTag("456248"), To: bob, CallID: "843817637684230@998sdasdh09",
		CSeq:   sipmsg.CSeq{Seq: 1826, Method: method},
		Header: sipmsg.Header{{Name: "Max-Forwards", Value: "70"}},
	}
}

func optionsRequest() *sipmsg.Message { return newRequest(sipmsg.OPTIONS, "sip:bob@biloxi.com") }

// challenged is a response that asks as the given header lines do.
func challenged(req *sipmsg.Message, lines ...string) *sipmsg.Message {
	res := req.Response(401, "")
	for _, l := range lines {
		name := "WWW-Authenticate"
		if rest, ok := strings.CutPrefix(l, "proxy "); ok {
			name, l, res.StatusCode = "Proxy-Authenticate", rest, 407
		}
		res.Header.Add(name, l)
	}
	return res
}

// sent reads the credentials in a request.
func sent(t *testing.T, req *sipmsg.Message, role Role) []statement {
	t.Helper()
	var all []statement
	for _, v := range req.Header.Values(role.answer()) {
		s, err := parseStatements(v)
		if err != nil || len(s) != 1 {
			t.Fatalf("%q: %v", v, err)
		}
		all = append(all, s[0])
	}
	return all
}

func only(t *testing.T, req *sipmsg.Message, role Role) *statement {
	t.Helper()
	all := sent(t, req, role)
	if len(all) != 1 {
		t.Fatalf("%d %s fields, want 1", len(all), role.answer())
	}
	return &all[0]
}

var bob = Credentials{Username: "bob", Password: "zanzibar"}

const (
	md5A    = `Digest realm="biloxi.com", nonce="n1", qop="auth", algorithm=MD5`
	sha256A = `Digest realm="biloxi.com", nonce="n2", qop="auth", algorithm=SHA-256`
)

// The answer holds what the challenge and the request say, the uri in full.
func TestAnswer(t *testing.T) {
	c := NewClient(bob, Credentials{})
	x := c.Exchange("ss2", true)
	req := newRequest(sipmsg.INVITE, "sip:alice@atlanta.com:5070;transport=tcp;user=phone")
	req.Body = []byte("v=0\r\n")
	x.Authorize(req)
	if len(sent(t, req, UserAgent)) != 0 {
		t.Fatal("credentials before any challenge")
	}
	err := x.Challenged(req, challenged(req, `digest REALM="Biloxi \"PBX\"",`+"\r\n\t"+`Nonce = ab+/=, qop="auth-int, auth", opaque="o\\p", algorithm=sha-256,`))
	if err != nil {
		t.Fatal(err)
	}
	x.Authorize(req)
	s := only(t, req, UserAgent)
	uri := req.RequestURI.String()
	if !strings.Contains(uri, ";user=phone") || !strings.Contains(uri, ";transport=tcp") || !strings.Contains(uri, ":5070") {
		t.Fatalf("Request-URI %s", uri)
	}
	for name, want := range map[string]string{
		"username": "bob", "realm": `Biloxi \"PBX\"`, "nonce": "ab+/=", "opaque": `o\\p`, "uri": uri,
		"qop": auth, "nc": "00000001", "algorithm": "sha-256",
		"response": proof{
			algorithm: SHA256, username: "bob", realm: `Biloxi "PBX"`, password: "zanzibar",
			nonce: "ab+/=", cnonce: s.raw("cnonce"), nc: "00000001", qop: auth, method: "INVITE", uri: uri,
		}.response(),
	} {
		if got := s.raw(name); got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
	if len(s.raw("cnonce")) != 16 {
		t.Errorf("cnonce %q", s.raw("cnonce"))
	}
}

func TestOldKindsOfChallenge(t *testing.T) {
	for _, tt := range []struct{ name, challenge, qop, response string }{
		{"RFC 2069: no qop", `Digest realm="biloxi.com", nonce="n1"`, noQOP,
			proof{username: "bob", realm: "biloxi.com", password: "zanzibar", nonce: "n1", method: "OPTIONS", uri: "sip:bob@biloxi.com"}.response()},
		{"empty qop", `Digest realm="biloxi.com", nonce="n1", qop=""`, noQOP,
			proof{username: "bob", realm: "biloxi.com", password: "zanzibar", nonce: "n1", method: "OPTIONS", uri: "sip:bob@biloxi.com"}.response()},
		{"auth-int alone", `Digest realm="biloxi.com", nonce="n1", qop="auth-int"`, authInt, ""},
		{"session kind", `Digest realm="biloxi.com", nonce="n1", qop=auth, algorithm=MD5-sess`, auth, ""},
	} {
		x, req := NewClient(bob, Credentials{}).Exchange("s", true), optionsRequest()
		req.Body = []byte("hello")
		if err := x.Challenged(req, challenged(req, tt.challenge)); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		x.Authorize(req)
		s := only(t, req, UserAgent)
		want := tt.response
		if want == "" {
			want = proof{
				sess: strings.Contains(tt.challenge, "-sess"), username: "bob", realm: "biloxi.com", password: "zanzibar", nonce: "n1",
				cnonce: s.raw("cnonce"), nc: "00000001", qop: tt.qop, method: "OPTIONS", uri: "sip:bob@biloxi.com", body: req.Body,
			}.response()
		}
		if s.raw("qop") != tt.qop || s.raw("response") != want {
			t.Errorf("%s: qop=%s response=%s, want %s %s", tt.name, s.raw("qop"), s.raw("response"), tt.qop, want)
		}
		if tt.qop == noQOP && (s.raw("nc") != "" || s.raw("cnonce") != "") {
			t.Errorf("%s: nc and cnonce belong to a qop", tt.name)
		}
	}
}

// TestChoice: which of several challenges is answered, or why none.
func TestChoice(t *testing.T) {
	const sha512 = `Digest realm="biloxi.com", nonce="n3", qop="auth", algorithm=SHA-512-256`
	for _, tt := range []struct {
		name  string
		cred  Credentials
		lines []string
		nonce string // answered with; empty: not at all
		err   error
	}{
		{"strongest of three", bob, []string{md5A, sha512, sha256A}, "n3", nil},
		{"strongest last", bob, []string{md5A, sha256A}, "n2", nil},
		{"unknown skipped", bob, []string{`Digest realm="biloxi.com", nonce="n9", qop=auth, algorithm=SHA-1024`, md5A}, "n1", nil},
		{"first of equals", bob, []string{md5A, `Digest realm="biloxi.com", nonce="n9", qop=auth`}, "n1", nil},
		{"qop before none", bob, []string{`Digest realm="biloxi.com", nonce="n9"`, md5A}, "n1", nil},
		{"Digest beside Basic", bob, []string{`Basic realm="biloxi.com"`, md5A}, "n1", nil},
		{"malformed beside good", bob, []string{`Digest realm="bil`, md5A}, "n1", nil},
		{"the configured realm", Credentials{"bob", "zanzibar", "biloxi.com"}, []string{`Digest realm="evil", nonce="n9", algorithm=SHA-512-256`, md5A}, "n1", nil},

		{"Basic is refused", bob, []string{`Basic realm="biloxi.com"`}, "", ErrUnsupported},
		{"unknown algorithm", bob, []string{`Digest realm="biloxi.com", nonce="n", algorithm=AKAv1-MD5`}, "", ErrUnsupported},
		{"unknown qop", bob, []string{`Digest realm="biloxi.com", nonce="n", qop="auth-conf"`}, "", ErrUnsupported},
		{"session kind without qop", bob, []string{`Digest realm="biloxi.com", nonce="n", algorithm=MD5-sess`}, "", ErrUnsupported},
		{"no nonce", bob, []string{`Digest realm="biloxi.com"`}, "", ErrMalformed},
		{"malformed", bob, []string{`Digest realm="bil`}, "", ErrMalformed},
		{"401 without a challenge", bob, nil, "", ErrUnsupported},
		{"foreign realm", Credentials{"bob", "zanzibar", "atlanta.com"}, []string{md5A}, "", ErrForeignRealm},
		{"realm in other letters is another", Credentials{"bob", "zanzibar", "Biloxi.com"}, []string{md5A}, "", ErrForeignRealm},
		{"no user configured", Credentials{}, []string{md5A}, "", ErrNoCredentials},
	} {
		x, req := NewClient(tt.cred, Credentials{}).Exchange("s", true), optionsRequest()
		err := x.Challenged(req, challenged(req, tt.lines...))
		if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.err)
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Server != "s") {
			t.Errorf("%s: error %v does not name the server", tt.name, err)
		}
		x.Authorize(req)
		var got string
		if all := sent(t, req, UserAgent); len(all) > 0 {
			got = all[0].raw("nonce")
		}
		if got != tt.nonce {
			t.Errorf("%s: answered with nonce %q, want %q", tt.name, got, tt.nonce)
		}
	}
}

func TestForeignServerGetsNothing(t *testing.T) {
	c := NewClient(bob, Credentials{})
	own := c.Exchange("pbx", true)
	req := optionsRequest()
	if err := own.Challenged(req, challenged(req, md5A)); err != nil {
		t.Fatal(err)
	}
	for _, server := range []string{"pbx", "evil"} { // a foreign dialog may even come by way of the own server
		x, bye := c.Exchange(server, false), newRequest(sipmsg.BYE, "sip:x@evil.example")
		x.Authorize(bye)
		if err := x.Challenged(bye, challenged(bye, "proxy "+md5A)); !errors.Is(err, ErrForeignServer) {
			t.Errorf("error %v", err)
		}
		x.Authorize(bye)
		if len(sent(t, bye, UserAgent))+len(sent(t, bye, Proxy)) != 0 {
			t.Error("credentials sent to a foreign server")
		}
	}
	x, other := c.Exchange("backup", true), optionsRequest()
	x.Authorize(other)
	if len(sent(t, other, UserAgent)) != 0 {
		t.Error("a server's nonce used at another server")
	}
}

// A nonce is used for the next requests with a growing nc, so that they need no challenge.
func TestNonceIsReused(t *testing.T) {
	c := NewClient(bob, Credentials{})
	x, req := c.Exchange("pbx", true), newRequest(sipmsg.REGISTER, "sip:biloxi.com")
	if err := x.Challenged(req, challenged(req, md5A)); err != nil {
		t.Fatal(err)
	}
	var cnonce string
	for i := 1; i <= 3; i++ {
		x.Authorize(req)
		s := only(t, req, UserAgent)
		if want := fmt.Sprintf("%08x", i); s.raw("nc") != want || s.raw("nonce") != "n1" {
			t.Errorf("request %d: nc=%s nonce=%s", i, s.raw("nc"), s.raw("nonce"))
		}
		if cnonce != "" && s.raw("cnonce") != cnonce {
			t.Error("another cnonce with the same nonce")
		}
		cnonce = s.raw("cnonce")
		x = c.Exchange("pbx", true)
	}
	c.Forget("pbx")
	x.Authorize(req)
	if len(sent(t, req, UserAgent)) != 0 {
		t.Error("a forgotten nonce was used")
	}
}

// A REGISTER's Authorization is for the registrar; an INVITE carries none before it was
// asked for, since a proxy would pass it on to the callee. What a realm asks of INVITEs at
// one server, it is given at the other, with the nonce of the REGISTER there.
func TestCredentialsGoWhereTheyWereAskedFor(t *testing.T) {
	c := NewClient(bob, Credentials{})
	register := func(server, nonce string) {
		x, req := c.Exchange(server, true), newRequest(sipmsg.REGISTER, "sip:biloxi.com")
		if err := x.Challenged(req, challenged(req, strings.Replace(md5A, "n1", nonce, 1))); err != nil {
			t.Fatal(err)
		}
		x.Authorize(req)
	}
	invite := func(server string) (*Exchange, *sipmsg.Message) {
		x, req := c.Exchange(server, true), newRequest(sipmsg.INVITE, "sip:alice@biloxi.com")
		x.Authorize(req)
		return x, req
	}
	register("primary", "p1")
	register("backup", "b1")
	x, req := invite("primary")
	if len(sent(t, req, UserAgent))+len(sent(t, req, Proxy)) != 0 {
		t.Fatal("an INVITE with credentials nobody asked for")
	}
	if err := x.Challenged(req, challenged(req, `proxy Digest realm="biloxi.com", nonce="p2", qop="auth"`)); err != nil {
		t.Fatal(err)
	}
	x.Authorize(req)
	if s := only(t, req, Proxy); s.raw("nonce") != "p2" || len(sent(t, req, UserAgent)) != 0 {
		t.Errorf("INVITE at the primary: %+v", s)
	}
	// The primary dies: the INVITE goes to the backup, spared one round trip.
	_, req = invite("backup")
	if s := only(t, req, Proxy); s.raw("nonce") != "b1" || s.raw("nc") != "00000002" || len(sent(t, req, UserAgent)) != 0 {
		t.Errorf("INVITE at the backup: %+v", s)
	}
	// At the primary each role keeps its own nonce.
	y, again := c.Exchange("primary", true), newRequest(sipmsg.REGISTER, "sip:biloxi.com")
	y.Authorize(again)
	if s := only(t, again, UserAgent); s.raw("nonce") != "p1" || len(sent(t, again, Proxy)) != 0 {
		t.Errorf("REGISTER at the primary: %+v", s)
	}
}

// RFC 3665 section 3.3: two proxies on the way, one after the other, and both at once.
func TestTwoRealms(t *testing.T) {
	const atlanta, biloxi = `proxy Digest realm="atlanta.com", nonce="wf84f1ceczx41ae6cbe5aea9c8e88d359", qop="auth", algorithm=MD5`,
		`proxy Digest realm="biloxi.com", nonce="c1e22c41ae6cbe5ae983a9c8e88d359", qop="auth", algorithm=MD5`
	c := NewClient(bob, Credentials{})
	x, req := c.Exchange("ss1", true), newRequest(sipmsg.INVITE, "sip:alice@biloxi.com")
	for i, line := range []string{atlanta, biloxi} {
		if err := x.Challenged(req, challenged(req, line)); err != nil {
			t.Fatal(err)
		}
		x.Authorize(req)
		all := sent(t, req, Proxy)
		if len(all) != i+1 {
			t.Fatalf("after %d challenges: %d credentials", i+1, len(all))
		}
	}
	x, req = NewClient(bob, Credentials{}).Exchange("ss1", true), newRequest(sipmsg.INVITE, "sip:alice@biloxi.com")
	if err := x.Challenged(req, challenged(req, md5A, atlanta)); err != nil {
		t.Fatal(err)
	}
	x.Authorize(req)
	if only(t, req, UserAgent).raw("realm") != "biloxi.com" || only(t, req, Proxy).raw("realm") != "atlanta.com" {
		t.Error("a user agent's and a proxy's challenge in one response")
	}
}

// The first proxy takes each nonce once and does not say stale: its second challenge, after
// the second proxy's, says nothing against the password.
func TestNonceForOneUse(t *testing.T) {
	c := NewClient(bob, Credentials{})
	x, req := c.Exchange("ss1", true), newRequest(sipmsg.INVITE, "sip:alice@biloxi.com")
	for i, line := range []string{
		`proxy Digest realm="atlanta.com", nonce="a1", qop="auth"`,
		`proxy Digest realm="biloxi.com", nonce="b1", qop="auth"`,
		`proxy Digest realm="atlanta.com", nonce="a2", qop="auth"`,
	} {
		if err := x.Challenged(req, challenged(req, line)); err != nil {
			t.Fatalf("challenge %d: %v", i, err)
		}
		x.Authorize(req)
	}
	if all := sent(t, req, Proxy); len(all) != 2 || all[0].raw("nonce") != "a2" || all[1].raw("nonce") != "b1" {
		t.Errorf("answered with %+v", all)
	}
}

func TestProxyHasCredentialsOfItsOwn(t *testing.T) {
	c := NewClient(bob, Credentials{Username: "bob-proxy", Password: "x"})
	x, req := c.Exchange("s", true), optionsRequest()
	if err := x.Challenged(req, challenged(req, md5A, "proxy "+md5A)); err != nil {
		t.Fatal(err)
	}
	x.Authorize(req)
	if u, p := only(t, req, UserAgent).raw("username"), only(t, req, Proxy).raw("username"); u != "bob" || p != "bob-proxy" {
		t.Errorf("401 answered as %s, 407 as %s", u, p)
	}
}

// TestRefusals: what a second challenge means.
func TestRefusals(t *testing.T) {
	fresh := func(n int, stale bool) string {
		return fmt.Sprintf(`Digest realm="biloxi.com", nonce="f%d", qop="auth", stale=%v`, n, stale)
	}
	for _, tt := range []struct {
		name   string
		primed bool   // a nonce of an earlier request is used first
		stale  []bool // each challenge's stale
		want   error  // of the last; none before
		sends  int    // with credentials
	}{
		{"challenge, answer", false, []bool{false}, nil, 1},
		{"answered and challenged again: wrong password", false, []bool{false, false}, ErrWrongPassword, 1},
		{"stale", false, []bool{false, true}, nil, 2},
		{"stale on the first", false, []bool{true}, nil, 1},
		{"stale, then wrong", false, []bool{true, false}, ErrWrongPassword, 1},
		{"old nonce, stale", true, []bool{true}, nil, 2},
		{"old nonce, a server that does not say stale", true, []bool{false}, nil, 2},
		{"old nonce, then wrong", true, []bool{false, false}, ErrWrongPassword, 2},
		{"stale for ever", false, []bool{true, true, true, true}, ErrTooManyTries, 3},
		{"old nonce, stale for ever", true, []bool{true, true, true}, ErrTooManyTries, 3},
	} {
		c := NewClient(bob, Credentials{})
		if tt.primed {
			x, req := c.Exchange("s", true), optionsRequest()
			if err := x.Challenged(req, challenged(req, fresh(0, false))); err != nil {
				t.Fatal(err)
			}
			x.Authorize(req)
		}
		x, req, sends := c.Exchange("s", true), optionsRequest(), 0
		authorize := func() {
			x.Authorize(req)
			sends += len(sent(t, req, UserAgent))
		}
		authorize()
		var err error
		for i, stale := range tt.stale {
			if err != nil {
				t.Fatalf("%s: %v before challenge %d", tt.name, err, i)
			}
			if err = x.Challenged(req, challenged(req, fresh(i+1, stale))); err == nil {
				authorize()
			}
		}
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || sends != tt.sends {
			t.Errorf("%s: %v after %d sends, want %v after %d", tt.name, err, sends, tt.want, tt.sends)
		}
		if errors.Is(tt.want, ErrWrongPassword) {
			x, req := c.Exchange("s", true), optionsRequest()
			x.Authorize(req)
			if len(sent(t, req, UserAgent)) != 0 {
				t.Errorf("%s: the refused nonce is used for the next request", tt.name)
			}
		}
	}
}

func TestDowngrade(t *testing.T) {
	const noQop = `Digest realm="biloxi.com", nonce="n4", algorithm=SHA-256`
	for _, tt := range []struct {
		name          string
		first, second string
		server        string
		allow         bool
		want          error
	}{
		{"MD5 after SHA-256", sha256A, md5A, "s", false, ErrDowngrade},
		{"at the realm's other server, which may be another maker's", sha256A, md5A, "backup", false, nil},
		{"allowed", sha256A, md5A, "s", true, nil},
		{"qop gone", sha256A, noQop, "s", false, ErrDowngrade},
		{"qop gone, allowed", sha256A, noQop, "s", true, nil},
		{"stronger", md5A, sha256A, "s", false, nil},
		{"another realm", sha256A, `Digest realm="other", nonce="n5", qop="auth"`, "s", false, nil},
		{"stale does not excuse it", sha256A, md5A + ", stale=true", "s", false, ErrDowngrade},
	} {
		c := NewClient(bob, Credentials{})
		c.AllowDowngrade = tt.allow
		x, req := c.Exchange("s", true), optionsRequest()
		if err := x.Challenged(req, challenged(req, tt.first)); err != nil {
			t.Fatal(err)
		}
		x = c.Exchange(tt.server, true)
		if err := x.Challenged(req, challenged(req, tt.second)); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestNextNonce(t *testing.T) {
	c := NewClient(bob, Credentials{})
	x, req := c.Exchange("s", true), optionsRequest()
	if err := x.Challenged(req, challenged(req, md5A)); err != nil {
		t.Fatal(err)
	}
	x.Authorize(req)
	ok := req.Response(200, "")
	ok.Header.Add("Authentication-Info", `qop=auth, rspauth="0", cnonce="x", nc=00000001, nextnonce="n7"`)
	x.Accepted(ok)
	x = c.Exchange("s", true)
	x.Authorize(req)
	if s := only(t, req, UserAgent); s.raw("nonce") != "n7" || s.raw("nc") != "00000001" {
		t.Errorf("after nextnonce: nonce=%s nc=%s", s.raw("nonce"), s.raw("nc"))
	}
	ok.Header.Set("Authentication-Info", `nextnonce="open`)
	x.Accepted(ok)
	x.Authorize(req)
	if s := only(t, req, UserAgent); s.raw("nonce") != "n7" {
		t.Errorf("after a malformed nextnonce: nonce=%s", s.raw("nonce"))
	}
}

func TestAckTakesTheCredentialsOfItsInvite(t *testing.T) {
	c := NewClient(bob, Credentials{})
	x, invite := c.Exchange("s", true), newRequest(sipmsg.INVITE, "sip:alice@biloxi.com")
	if err := x.Challenged(invite, challenged(invite, "proxy "+md5A)); err != nil {
		t.Fatal(err)
	}
	x.Authorize(invite)
	ack, cancel := newRequest(sipmsg.ACK, "sip:alice@192.0.2.9"), newRequest(sipmsg.CANCEL, "sip:alice@biloxi.com")
	x.Authorize(ack)
	x.Authorize(cancel)
	if len(sent(t, ack, Proxy))+len(sent(t, cancel, Proxy)) != 0 {
		t.Error("ACK and CANCEL cannot be challenged and get no answer of their own")
	}
	CopyCredentials(ack, invite)
	if got, want := ack.Header.Get("Proxy-Authorization"), invite.Header.Get("Proxy-Authorization"); got != want || got == "" {
		t.Errorf("ACK: %q, INVITE: %q", got, want)
	}
}

// What a server can make a line remember is bounded.
func TestMemoryIsBounded(t *testing.T) {
	c := NewClient(bob, Credentials{})
	for i := range 1000 {
		x, req := c.Exchange(fmt.Sprint("s", i%37), true), optionsRequest()
		if err := x.Challenged(req, challenged(req, fmt.Sprintf(`Digest realm="r%d", nonce="n", qop=auth`, i))); err != nil {
			t.Fatal(err)
		}
		x.Authorize(req)
	}
	if len(c.nonces) > maxNonces || len(c.realms) > maxRealms {
		t.Errorf("%d nonces and %d realms remembered", len(c.nonces), len(c.realms))
	}
}

// TestExchangeModel: whatever a server answers, a request goes out with credentials
// three times at most, and only in the line's realm.
func TestExchangeModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := NewClient(Credentials{"bob", "zanzibar", "biloxi.com"}, Credentials{})
		for range rapid.IntRange(1, 4).Draw(rt, "requests") {
			x, req, sends := c.Exchange("s", true), newRequest(rapid.SampledFrom([]string{"REGISTER", "INVITE"}).Draw(rt, "method"), "sip:biloxi.com"), 0
			for turns := 0; ; turns++ {
				if turns > 4 {
					rt.Fatal("no end")
				}
				x.Authorize(req)
				all := append(sent(t, req, UserAgent), sent(t, req, Proxy)...)
				if len(all) > 0 {
					sends++
				}
				for _, s := range all {
					if s.value("realm") != "biloxi.com" {
						rt.Fatalf("credentials for %s", s.value("realm"))
					}
				}
				if sends > 3 {
					rt.Fatal("a fourth try")
				}
				var lines []string
				for range rapid.IntRange(0, 3).Draw(rt, "challenges") {
					lines = append(lines, rapid.SampledFrom([]string{"", "proxy "}).Draw(rt, "role")+
						rapid.SampledFrom([]string{md5A, md5A + ", stale=true", sha256A, sha256A + ", stale=true",
							`Basic realm="biloxi.com"`, `Digest realm="evil", nonce="e"`, `Digest realm="biloxi.com", nonce="old"`, `x`}).Draw(rt, "line"))
				}
				if err := x.Challenged(req, challenged(req, lines...)); err != nil {
					break
				}
			}
		}
	})
}
