package lines

import (
	"fmt"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/digest"
)

// sync sends a NOTIFY for an event to the line, with an Authorization when there is one,
// and waits for the answer.
func (s *fakeServer) sync(event, authorization string) *sipmsg.Message {
	s.w.t.Helper()
	s.w.after(time.Second)
	contact := s.last(sipmsg.REGISTER).Contact[0].URI
	me := sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", Host: "10.0.0.2"}}
	var answer *sipmsg.Message
	s.post(func(now time.Time) {
		m := &sipmsg.Message{
			Method: sipmsg.NOTIFY, RequestURI: contact.Clone(), CallID: ua.NewTag(),
			From: me.WithTag(ua.NewTag()), To: sipmsg.Addr{URI: contact.Clone()}, CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.NOTIFY},
		}
		m.Header.Add("Max-Forwards", "70")
		m.Header.Add("Event", event)
		m.Header.Add("Subscription-State", "active")
		if authorization != "" {
			m.Header.Add("Authorization", authorization)
		}
		s.routed(m)
		s.e.Send(now, &ua.Request{Msg: m, Target: s.wayTo(contact), On: func(_ time.Time, a ua.Answer) { answer = a.Response }})
	})
	s.w.after(time.Second)
	if answer == nil {
		s.w.t.Fatalf("NOTIFY with event %s: no answer", event)
	}
	return answer
}

// proved is sync by somebody who answers the challenge.
func (s *fakeServer) proved(event string, c digest.Credentials) *sipmsg.Message {
	s.w.t.Helper()
	return s.provedFor(event, c, s.last(sipmsg.REGISTER).Contact[0].URI.String())
}

// provedFor is proved by somebody who sent the request to another address, in whose place
// a proxy has put the Contact.
func (s *fakeServer) provedFor(event string, c digest.Credentials, uri string) *sipmsg.Message {
	s.w.t.Helper()
	challenge := s.sync(event, "")
	if challenge.StatusCode != 401 {
		s.w.t.Fatalf("NOTIFY without credentials: %d", challenge.StatusCode)
	}
	if challenge.To.Tag() == "" {
		s.w.t.Error("a challenge without a To tag (RFC 3261 section 8.2.6.2)")
	}
	authorization, _, err := digest.Answer(challenge.Header.Values("WWW-Authenticate"), c, sipmsg.NOTIFY, uri)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return s.sync(event, authorization)
}

func (p *fakePhone) syncs() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

var known = digest.Credentials{Username: "1001", Password: "secret"}

// A server that knows the line's password may have the device look for settings; nobody
// is believed without it.
func TestCheckSync(t *testing.T) {
	for _, event := range []string{"check-sync", "check-sync;reboot=true", "check-sync;reboot=false", "resync"} {
		inWorld(t, nil, func(w *world) {
			if got := w.primary.proved(event, known); got.StatusCode != 200 || w.phone.syncs() != 1 {
				t.Errorf("%s: %d, asked %d times", event, got.StatusCode, w.phone.syncs())
			}
		})
	}
}

// So may one behind a proxy, which sends what is for the line's address to its Contact.
func TestCheckSyncByProxy(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		if got := w.primary.provedFor("check-sync", known, "sip:1001@pbx.example"); got.StatusCode != 200 || w.phone.syncs() != 1 {
			t.Errorf("%d, asked %d times", got.StatusCode, w.phone.syncs())
		}
	})
}

func TestCheckSyncIsNotBelieved(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		if got := w.primary.proved("check-sync", digest.Credentials{Username: "1001", Password: "guess"}); got.StatusCode != 401 {
			t.Errorf("a wrong password: %d", got.StatusCode)
		}
		if got := w.primary.proved("check-sync", digest.Credentials{Username: "1002", Password: "secret"}); got.StatusCode != 401 {
			t.Errorf("another user: %d", got.StatusCode)
		}
		const old = `Digest username="1001", realm="10.0.0.2", nonce="bm9uY2U", uri="sip:x", response="00000000000000000000000000000000", algorithm=MD5`
		if got := w.primary.sync("check-sync", old); got.StatusCode != 400 {
			t.Errorf("credentials for another request: %d", got.StatusCode)
		}
		if got := w.primary.sync("check-sync", "Digest nothing"); got.StatusCode != 400 && got.StatusCode != 401 {
			t.Errorf("no credentials at all: %d", got.StatusCode)
		}
		if n := w.phone.syncs(); n != 0 {
			t.Errorf("believed %d times", n)
		}
	})
	inWorld(t, []string{"auth_password ="}, func(w *world) {
		if got := w.primary.sync("check-sync", ""); got.StatusCode != 403 || w.phone.syncs() != 0 {
			t.Errorf("a line without a password: %d", got.StatusCode)
		}
	})
}

// A server that asks all the time is told when to ask again.
func TestCheckSyncAtMostEveryHalfMinute(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var got []string
		for range 3 {
			answer := w.primary.proved("check-sync", known)
			got = append(got, fmt.Sprint(answer.StatusCode, answer.Header.Get("Retry-After")))
		}
		if want := "[200 50326 50322]"; fmt.Sprint(got) != want {
			t.Errorf("answers %v, want %v", got, want)
		}
		w.after(30 * time.Second)
		if a := w.primary.proved("check-sync", known); a.StatusCode != 200 || w.phone.syncs() != 2 {
			t.Errorf("half a minute later: %d, asked %d times", a.StatusCode, w.phone.syncs())
		}
	})
}
