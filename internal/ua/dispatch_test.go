package ua

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// A request is taken only at the unguessable contact and only from a source that the
// endpoint accepts; anything else is dropped without an answer, and counted.
func TestWhoMaySendRequests(t *testing.T) {
	tests := []struct {
		name    string
		user    string // empty: the endpoint's contact
		foreign bool   // from 10.0.0.66, which no line accepts
		want    string // what the sender hears
		counted int64
	}{
		{"server to the contact", "", false, "200 +0s", 0},
		{"server to the account's name", "1001", false, "", 1},
		{"server to no user", "-", false, "", 1},
		{"stranger to the contact", "", true, "", 1},
		{"stranger to the account's name", "1001", true, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.handle = func(now time.Time, in *Incoming) { in.Respond(now, 200, "") }
				from := w.peer
				if tt.foreign {
					from = w.newPeer("10.0.0.66:5060")
				}
				user := tt.user
				switch user {
				case "":
					user = w.e.ContactUser()
				case "-":
					user = ""
				}
				from.calls(from.request(sipmsg.OPTIONS, user, "1"))
				w.after(time.Minute)
				w.want("sender heard", from.heard(), tt.want)
				if n := w.stack.Counts.ForeignRequests.Load(); n != tt.counted {
					t.Errorf("%d foreign requests counted, want %d", n, tt.counted)
				}
			})
		})
	}
}

// The user part of the Contact is 64 random bits, and each endpoint has its own.
func TestContactsAreNotGuessable(t *testing.T) {
	s := NewStack(nil)
	seen := map[string]bool{}
	for range 1000 {
		e := s.NewEndpoint(EndpointConfig{})
		if u := e.ContactUser(); len(u) != 16 || seen[u] {
			t.Fatalf("contact user %q", u)
		}
		seen[e.ContactUser()] = true
	}
}

// An owner may bring a contact that it had before. No two endpoints share one.
func TestContactOfTheOwners(t *testing.T) {
	s := NewStack(nil)
	first := s.NewEndpoint(EndpointConfig{Contact: "0123456789abcdef"})
	second := s.NewEndpoint(EndpointConfig{Contact: "0123456789abcdef"})
	if first.ContactUser() != "0123456789abcdef" || second.ContactUser() == first.ContactUser() {
		t.Errorf("contacts %s and %s", first.ContactUser(), second.ContactUser())
	}
	first.Close()
	if third := s.NewEndpoint(EndpointConfig{Contact: "0123456789abcdef"}); third.ContactUser() != "0123456789abcdef" {
		t.Errorf("contact %s, want the one that is free again", third.ContactUser())
	}
}

// What cannot be read is answered only where it would have been heard, and never an ACK.
func TestMalformedRequests(t *testing.T) {
	tests := []struct {
		name    string
		foreign bool
		user    string // empty: the contact
		method  string
		want    string
	}{
		{"from the server", false, "", sipmsg.INVITE, "400 +0s"},
		{"an ACK", false, "", sipmsg.ACK, ""},
		{"to no contact", false, "1001", sipmsg.INVITE, ""},
		{"from a stranger", true, "", sipmsg.INVITE, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				from := w.peer
				if tt.foreign {
					from = w.newPeer("10.0.0.66:5060")
				}
				user := tt.user
				if user == "" {
					user = w.e.ContactUser()
				}
				wire, err := from.request(tt.method, user, "1").Append(nil)
				if err != nil {
					t.Fatal(err)
				}
				f, err := from.host.Flow(w.host.Target(transport.UDP))
				if err != nil {
					t.Fatal(err)
				}
				if err := f.Send(bytes.Replace(wire, []byte("CSeq: 1 "), []byte("CSeq: 1 X"), 1)); err != nil {
					t.Fatal(err)
				}
				w.after(time.Minute)
				w.want("sender heard", from.heard(), tt.want)
				w.want("endpoint heard", w.heard(), "")
				if n := w.stack.Counts.Malformed.Load(); n != 1 {
					t.Errorf("%d malformed counted, want 1", n)
				}
			})
		})
	}
}

// A response reaches the transaction that its branch names, and nothing else.
func TestStrayResponses(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.send(w.request(sipmsg.OPTIONS, transport.UDP))
		w.after(0)
		m, f := w.peer.last(sipmsg.OPTIONS)
		for _, branch := range []string{"z9hG4bKother", "z9hG4bKother.999", m.Branch() + "0", "z9hG4bKother.1"} {
			w.peer.reply(f, m, 200, func(res *sipmsg.Message) { res.Via[0].Params.Set("branch", branch) })
		}
		w.after(0)
		if n := w.stack.Counts.StrayResponses.Load(); n != 4 {
			t.Errorf("%d stray responses counted, want 4", n)
		}
		w.want("endpoint heard", w.heard(), "")
		w.peer.reply(f, m, 200)
		w.after(0)
		w.want("endpoint heard", w.heard(), "200 +0s")
	})
}

// A tap sees every message, what it asks for itself too: retransmissions and the ACK of
// a refusal.
func TestTapSeesEverything(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var mu sync.Mutex
		var seen []string
		w.stack.SetTap(func(s Sight) {
			mu.Lock()
			defer mu.Unlock()
			dir := "<"
			if s.Out {
				dir = ">"
			}
			if text, err := sipmsg.Parse(s.Text()); err != nil || text.String() != s.Message().String() {
				t.Errorf("shown %v with the text %q", s.Message(), s.Text())
			}
			seen = append(seen, dir+s.Message().String())
		})
		w.peer.answers(486)
		w.send(w.request(sipmsg.INVITE, transport.UDP))
		w.after(0)
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(seen) // what was sent may be told of after its answer
		want := []string{"<486 Busy Here (INVITE)", ">ACK sip:600@10.0.0.2", ">INVITE sip:600@10.0.0.2"}
		if len(seen) != len(want) {
			t.Fatalf("tapped %q, want %q", seen, want)
		}
		for i := range want {
			w.want("tapped", seen[i], want[i])
		}
	})
}

// A closed endpoint sends nothing, takes nothing, and leaves nobody waiting.
func TestClosedEndpoint(t *testing.T) {
	s := NewStack(nil)
	e := s.NewEndpoint(EndpointConfig{})
	ran := 0
	e.Post(func(time.Time) { ran++ })
	e.post(event{kind: flowUp})
	e.Close()
	if ran != 1 {
		t.Errorf("what was posted before ran %d times, want once", ran)
	}
	if e.Post(func(time.Time) { ran++ }) || ran != 1 {
		t.Error("a closed endpoint took a message")
	}
	m := &sipmsg.Message{Method: sipmsg.OPTIONS}
	e.Send(time.Now(), &Request{Msg: m, On: func(time.Time, Answer) { t.Error("told by a closed endpoint") }})
	e.Cancel(time.Now(), &Request{Msg: m}, 0, nil)
	if s.endpointFor(e.ContactUser()) != nil || s.endpointOf("z9hG4bK.1") != nil {
		t.Error("the stack remembers a closed endpoint")
	}
}

// Before the network is there a request fails, and says so.
func TestNoNetworkYet(t *testing.T) {
	e := NewStack(nil).NewEndpoint(EndpointConfig{})
	var got error
	e.Send(time.Now(), &Request{Msg: &sipmsg.Message{Method: sipmsg.OPTIONS}, On: func(_ time.Time, a Answer) { got = a.Err }})
	e.Work(time.Now())
	if got != errNoNetwork {
		t.Errorf("told %v, want %v", got, errNoNetwork)
	}
}
