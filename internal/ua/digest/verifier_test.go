package digest

import (
	"errors"
	"strings"
	"testing"
	"time"

	reference "github.com/icholy/digest"

	"tipring/internal/sipmsg"
)

func lookup(user string) (string, bool) {
	if user == "bob" || user == `b"ob` {
		return "zanzibar", true
	}
	return "", false
}

// ask lets a verifier challenge req and a client of cred answer.
func ask(t *testing.T, v *Verifier, cred Credentials, now time.Time, role Role) *sipmsg.Message {
	t.Helper()
	req := newRequest(sipmsg.REGISTER, "sip:biloxi.com;transport=tcp")
	x := NewClient(cred, Credentials{}).Exchange("s", true)
	if err := x.Challenged(req, v.Challenge(now, req, role, false)); err != nil {
		t.Fatal(err)
	}
	x.Authorize(req)
	return req
}

func TestVerifierLetsItsUsersIn(t *testing.T) {
	for _, algorithms := range [][]Algorithm{nil, {MD5}, {SHA256}, {SHA512256, MD5}} {
		for _, role := range []Role{UserAgent, Proxy} {
			for _, user := range []string{"bob", `b"ob`} {
				v := NewVerifier(`bil"oxi`, lookup)
				v.Algorithms = algorithms
				req := ask(t, v, Credentials{Username: user, Password: "zanzibar"}, now0, role)
				if got, err := v.Check(now0, req, role); err != nil || got != user {
					t.Errorf("%v %v: %q, %v", algorithms, role, got, err)
				}
			}
		}
	}
}

func TestVerifierChallenge(t *testing.T) {
	v := NewVerifier("biloxi.com", lookup)
	req := optionsRequest()
	res := v.Challenge(now0, req, Proxy, true)
	lines := res.Header.Values("Proxy-Authenticate")
	if res.StatusCode != 407 || len(lines) != 2 || !strings.Contains(lines[0], "SHA-256") || !strings.Contains(lines[1], "MD5") ||
		!strings.Contains(lines[0], "stale=true") {
		t.Errorf("%v with %q", res, lines)
	}
	if res = v.Challenge(now0, req, UserAgent, false); res.StatusCode != 401 || strings.Contains(res.Header.Get("WWW-Authenticate"), "stale") {
		t.Errorf("%v with %q", res, res.Header)
	}
}

func TestVerifierRefuses(t *testing.T) {
	change := func(old, new string) func(*sipmsg.Message) {
		return func(m *sipmsg.Message) {
			v := m.Header.Get("Authorization")
			if !strings.Contains(v, old) {
				panic(old + " not in " + v)
			}
			m.Header.Set("Authorization", strings.Replace(v, old, new, 1))
		}
	}
	other := NewVerifier("biloxi.com", lookup)
	for _, tt := range []struct {
		name   string
		cred   Credentials
		after  time.Duration
		change func(*sipmsg.Message)
		want   error
	}{
		{"right", bob, 0, nil, nil},
		{"wrong password", Credentials{Username: "bob", Password: "x"}, 0, nil, ErrWrongPassword},
		{"unknown user", Credentials{Username: "eve", Password: ""}, 0, nil, ErrWrongPassword},
		{"another method", bob, 0, func(m *sipmsg.Message) { m.Method = sipmsg.INVITE }, ErrWrongPassword},
		{"another Request-URI", bob, 0, func(m *sipmsg.Message) { m.RequestURI.Host = "evil.example" }, ErrMalformed},
		{"no credentials", bob, 0, func(m *sipmsg.Message) { m.Header.Del("Authorization") }, ErrNoCredentials},
		{"of another realm", bob, 0, change(`realm="biloxi.com"`, `realm="x"`), ErrNoCredentials},
		{"Basic", bob, 0, func(m *sipmsg.Message) { m.Header.Set("Authorization", "Basic Ym9iOnphbnppYmFy") }, ErrNoCredentials},
		{"malformed", bob, 0, change(`realm="biloxi.com"`, `realm="bil`), ErrMalformed},
		{"nonce too old", bob, 5*time.Minute + 1, nil, ErrStale},
		{"nonce from the future", bob, -6 * time.Minute, nil, ErrStale},
		{"an algorithm not offered", bob, 0, change("SHA-256", "SHA-512-256"), ErrUnsupported},
		{"without qop", bob, 0, change("qop=auth", "qop="), ErrUnsupported},
		{"no nc", bob, 0, change("nc=00000001", "nc="), ErrMalformed},
		{"nc that is no number", bob, 0, change("nc=00000001", "nc=0000000g"), ErrMalformed},
		{"another nc than signed", bob, 0, change("nc=00000001", "nc=00000002"), ErrWrongPassword},
		{"another verifier's nonce", bob, 0, func(m *sipmsg.Message) {
			*m = *ask(t, other, bob, now0, UserAgent)
		}, ErrStale},
	} {
		v := NewVerifier("biloxi.com", lookup)
		req := ask(t, v, tt.cred, now0, UserAgent)
		if tt.change != nil {
			tt.change(req)
		}
		user, err := v.Check(now0.Add(tt.after), req, UserAgent)
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || err != nil && user != "" {
			t.Errorf("%s: %q, %v; want %v", tt.name, user, err, tt.want)
		}
	}
}

func TestReplayIsStale(t *testing.T) {
	v := NewVerifier("biloxi.com", lookup)
	req := ask(t, v, bob, now0, UserAgent)
	if _, err := v.Check(now0, req, UserAgent); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Check(now0, req, UserAgent); !errors.Is(err, ErrStale) {
		t.Errorf("the same answer again: %v", err)
	}
}

// A client goes on with one nonce, and gets over its end without asking its user.
func TestClientAndVerifierOverADay(t *testing.T) {
	v := NewVerifier("biloxi.com", lookup)
	c := NewClient(bob, Credentials{})
	challenges := 0
	for now := now0; now.Before(now0.Add(24 * time.Hour)); now = now.Add(time.Minute) {
		x, req := c.Exchange("s", true), newRequest(sipmsg.REGISTER, "sip:biloxi.com")
		for {
			x.Authorize(req)
			_, err := v.Check(now, req, UserAgent)
			if err == nil {
				break
			}
			challenges++
			if err := x.Challenged(req, v.Challenge(now, req, UserAgent, errors.Is(err, ErrStale))); err != nil {
				t.Fatalf("%v: %v", now, err)
			}
		}
	}
	if challenges != 240 { // 1440 requests, six a nonce
		t.Errorf("%d challenges", challenges)
	}
}

func TestVerifierMemoryIsBounded(t *testing.T) {
	v := NewVerifier("biloxi.com", lookup)
	v.MaxNonces = 4
	v.Algorithms = []Algorithm{MD5}
	first := ask(t, v, bob, now0, UserAgent)
	if _, err := v.Check(now0, first, UserAgent); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		now := now0.Add(time.Duration(i+1) * time.Millisecond)
		if _, err := v.Check(now, ask(t, v, bob, now, UserAgent), UserAgent); err != nil {
			t.Fatal(err)
		}
	}
	if len(v.used) > 4 || len(v.order) > 4 {
		t.Errorf("%d nonces remembered", len(v.used))
	}
	if _, err := v.Check(now0.Add(time.Second), first, UserAgent); !errors.Is(err, ErrStale) {
		t.Errorf("a used nonce that was forgotten: %v", err)
	}
	// The clock is set back by an hour: users still get in.
	back := now0.Add(-time.Hour)
	if _, err := v.Check(back, ask(t, v, bob, back, UserAgent), UserAgent); err != nil {
		t.Errorf("after the clock was set back: %v", err)
	}
}

// An independent client's answers are believed.
func TestVerifierAgainstReference(t *testing.T) {
	for _, a := range []Algorithm{MD5, SHA256, SHA512256} {
		v := NewVerifier("biloxi.com", lookup)
		v.Algorithms = []Algorithm{a}
		req := newRequest(sipmsg.REGISTER, "sip:biloxi.com")
		ch, err := reference.ParseChallenge(v.Challenge(now0, req, UserAgent, false).Header.Get("WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		cred, err := reference.Digest(ch, reference.Options{Method: "REGISTER", URI: "sip:biloxi.com", Username: "bob", Password: "zanzibar"})
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Add("Authorization", cred.String())
		if user, err := v.Check(now0, req, UserAgent); err != nil || user != "bob" {
			t.Errorf("%v: %q, %v", a, user, err)
		}
	}
}
