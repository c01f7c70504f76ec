package lab

import (
	"strings"
	"testing"
	"time"
)

func TestRegister(t *testing.T) {
	r := newRig(t)
	m := registerMessage(t, "201", ann, "Contact: <sip:token@192.0.2.1:5060>\nExpires: 300")

	challenge := r.answer(r.hears(ann, m), ann, 401)
	www, _ := challenge.Challenges()
	if len(www) != 2 || !strings.Contains(www[0], "SHA-256") || !strings.Contains(www[1], "MD5") {
		t.Errorf("challenges %q, want SHA-256, then MD5", www)
	}
	if challenge.To.Tag() == "" {
		t.Error("a 401 without a To tag")
	}

	res := r.answer(r.hears(ann, authorized(t, m, challenge, "201", "secret-1")), ann, 200)
	if len(res.Contact) != 1 || res.Contact[0].URI.User != "token" {
		t.Fatalf("contacts %v, want our own", res.Contact)
	}
	if n, _ := res.Contact[0].Expires(); n != 300 {
		t.Errorf("bound for %d s, want 300", n)
	}
	if got, want := r.events, "primary: 201 registered at sip:token@192.0.2.1:5060 for 300 s"; len(got) != 1 || got[0] != want {
		t.Errorf("events %q, want %q", got, want)
	}

	r.waits(299 * time.Second)
	if got := len(r.c.location.of("201", r.now)); got != 1 {
		t.Errorf("%d bindings after 299 s, want 1", got)
	}
	r.waits(time.Second)
	if got := len(r.c.location.of("201", r.now)); got != 0 {
		t.Errorf("%d bindings after 300 s, want 0", got)
	}
	if got, want := r.events[1:], "primary: 201 expired, was at sip:token@192.0.2.1:5060"; len(got) != 1 || got[0] != want {
		t.Errorf("events %q, want %q", got, want)
	}
}

func TestRegisterAgain(t *testing.T) {
	at := func(r *rig, body string, seq uint32, callID string) []sent {
		m := registerMessage(t, "201", ann, body)
		m.CSeq.Seq, m.CallID = seq, callID
		m.Via[0].Params.Set("branch", m.Branch()+callID+strings.Repeat("i", int(seq)))
		return r.asks(ann, m, 401)
	}
	const token = "Contact: <sip:token@192.0.2.1:5060>"
	tests := []struct {
		name     string
		body     string
		seq      uint32
		callID   string
		code     int
		contacts int
	}{
		{"query", "", 5, "first", 200, 1},
		{"refresh", token + "\nExpires: 60", 5, "first", 200, 1},
		{"a second contact", "Contact: <sip:other@192.0.2.1>;expires=60", 5, "first", 200, 2},
		{"removal", token + ";expires=0", 5, "first", 200, 0},
		{"removal by header", token + "\nExpires: 0", 5, "first", 200, 0},
		{"removal of what is not bound", "Contact: <sip:other@192.0.2.1>;expires=0", 5, "first", 200, 1},
		{"removal of all", "Contact: *\nExpires: 0", 5, "first", 200, 0},
		{"removal of all but for a while", "Contact: *\nExpires: 60", 5, "first", 400, 1},
		{"older CSeq of the same Call-ID", token + "\nExpires: 60", 1, "first", 400, 1},
		{"older CSeq, removal of all", "Contact: *\nExpires: 0", 1, "first", 400, 1},
		{"another Call-ID begins anew", token + "\nExpires: 0", 1, "second", 200, 0},
		{"too brief", "Contact: <sip:other@192.0.2.1>;expires=9", 5, "first", 423, 1},
		{"too brief beside a good one: nothing changes", token + ";expires=0, <sip:other@192.0.2.1>;expires=9", 5, "first", 423, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newNamedRig(t, "primary", domain, Config{Users: users, MinExpiresS: 10})
			r.answer(at(r, token+"\nExpires: 300", 2, "first"), ann, 200)
			res := r.answer(at(r, tt.body, tt.seq, tt.callID), ann, tt.code)
			if got := len(r.c.location.of("201", r.now)); got != tt.contacts {
				t.Errorf("%d bindings, want %d", got, tt.contacts)
			}
			if tt.code == 200 && len(res.Contact) != tt.contacts {
				t.Errorf("the 200 lists %d contacts, want %d", len(res.Contact), tt.contacts)
			}
			if n, ok := res.MinExpires(); ok != (tt.code == 423) || ok && n != 10 {
				t.Errorf("Min-Expires %d %v with a %d", n, ok, tt.code)
			}
		})
	}
}

func TestRegisterLongest(t *testing.T) {
	r := newNamedRig(t, "primary", domain, Config{Users: users, MaxExpiresS: 120})
	res := r.answer(r.asks(ann, registerMessage(t, "201", ann, "Contact: <sip:token@192.0.2.1>;expires=7200"), 401), ann, 200)
	if n, _ := res.Contact[0].Expires(); n != 120 {
		t.Errorf("bound for %d s, want 120", n)
	}
	res = r.answer(r.asks(ann, registerMessage(t, "202", ann, "Contact: <sip:token@192.0.2.1>"), 401), ann, 200)
	if n, _ := res.Contact[0].Expires(); n != 120 {
		t.Errorf("bound for %d s without a wish, want 120", n)
	}
}

func TestRegisterRefused(t *testing.T) {
	const contact = "Contact: <sip:token@192.0.2.1>"
	tests := []struct {
		name           string
		user, password string
		change         func(text string) string
		code           int
	}{
		{"wrong password", "201", "guess", nil, 401},
		{"unknown user", "999", "secret-1", nil, 401},
		{"another's line", "201", "secret-1", func(s string) string { return strings.Replace(s, "To: <sip:201", "To: <sip:202", 1) }, 403},
		{"another domain", "201", "secret-1", func(s string) string {
			return strings.Replace(s, "To: <sip:201@"+domain, "To: <sip:201@example.net", 1)
		}, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			m := registerMessage(t, tt.user, ann, contact)
			if tt.change != nil {
				wire, err := m.Append(nil)
				if err != nil {
					t.Fatal(err)
				}
				m = parse(t, tt.change(strings.ReplaceAll(string(wire), "\r\n", "\n")))
			}
			challenge := r.answer(r.hears(ann, m), ann, 401)
			r.answer(r.hears(ann, authorized(t, m, challenge, tt.user, tt.password)), ann, tt.code)
			if got := len(r.c.location.of("201", r.now)); got != 0 {
				t.Errorf("%d bindings, want none", got)
			}
		})
	}
}

func TestRegisterBadExtension(t *testing.T) {
	r := newRig(t)
	res := r.answer(r.hears(ann, registerMessage(t, "201", ann, "Require: gruu")), ann, 420)
	if got := res.Header.Get("Unsupported"); got != "gruu" {
		t.Errorf("Unsupported: %q, want gruu", got)
	}
}

// A nonce is not good at the other server, which says so by stale: nobody is told that
// the password is wrong.
func TestNonceOfTheOtherServer(t *testing.T) {
	a, b := pair(t)
	m := registerMessage(t, "201", ann, "Contact: <sip:token@192.0.2.1>")
	challenge := a.answer(a.hears(ann, m), ann, 401)
	res := b.answer(b.hears(ann, authorized(t, m, challenge, "201", "secret-1")), ann, 401)
	if www, _ := res.Challenges(); !strings.Contains(www[0], "stale=true") {
		t.Errorf("challenge %q, want stale", www[0])
	}
}
