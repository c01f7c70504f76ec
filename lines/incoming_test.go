package lines

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

// A call that comes in rings, is answered, and ends from either side.
func TestIncomingCall(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.wantNews("started")
		c := w.phone.call()
		if i := c.Info(); !i.Incoming || i.Peer != "600" || i.Name != "Far End" || i.State != Proceeding || i.Server.String() != "primary" {
			t.Errorf("info %+v", i)
		}
		c.Ring()
		w.after(time.Second)
		c.Answer(media, 3)
		w.after(time.Second)
		w.wantNews("pcmu:sendrecv answered")
		if got := far.news(); got != "100 180 200" {
			t.Errorf("caller hears %q", got)
		}
		if i := c.Info(); i.State != Connected || i.Port != 3 || i.Codec != "pcmu" || i.Remote.String() != "10.0.0.9:40000" {
			t.Errorf("info %+v", i)
		}
		c.Hangup()
		w.after(time.Second)
		w.wantNews("ended")
		if got := far.news(); got != "<BYE" {
			t.Errorf("caller hears %q", got)
		}
		w.wantIdle()

		far = w.primary.callLine()
		w.after(time.Second)
		w.phone.call().Answer(media, 3)
		w.after(time.Second)
		far.send(sipmsg.BYE, with("Reason", `Q.850;cause=16`))
		w.after(time.Second)
		w.wantNews("started pcmu:sendrecv answered ended")
		if got := far.news(); got != "100 200 BYE:200" {
			t.Errorf("caller hears %q", got)
		}
		if r := w.phone.reason(); r.Local || !strings.Contains(r.Text, "cause=16") {
			t.Errorf("reason %+v", r)
		}
		w.wantIdle()
	})
}

// What is answered to calls that are not taken.
func TestIncomingCallsThatAreNotTaken(t *testing.T) {
	tests := []struct {
		name     string
		settings []string
		change   func(m *sipmsg.Message)
		owner    func(w *world) (Handler, int)
		want     string
		header   string // of the response: "Name: value"
	}{
		{"owner busy", nil, nil, func(*world) (Handler, int) { return nil, 486 }, "486", ""},
		{"owner without a word", nil, nil, func(*world) (Handler, int) { return nil, 0 }, "480", ""},
		{"DND", []string{"enable_dnd = 1"}, nil, nil, "486", ""},
		{"no Contact", nil, func(m *sipmsg.Message) { m.Contact = nil }, nil, "400", ""},
		{"Contact of a telephone", nil, contactOf(sipmsg.URI{Scheme: "tel", User: "600"}), nil, "400", ""},
		{"Contact of everybody", nil, contactOf(sipmsg.Wildcard), nil, "400", ""},
		{"unknown extension", nil, with("Require", "foo, 100rel, bar"), nil, "420", "Unsupported: foo, bar"},
		{"body of another type", nil, func(m *sipmsg.Message) { m.SetBody("application/isup", []byte("x")) }, nil, "415", acceptSDP},
		{"no codec in common", nil, func(m *sipmsg.Message) { m.Body = bytes.Replace(m.Body, []byte("RTP/AVP 0"), []byte("RTP/AVP 18"), 1) }, nil, "488", ""},
		{"SRTP only", nil, func(m *sipmsg.Message) { m.Body = bytes.Replace(m.Body, []byte("RTP/AVP"), []byte("RTP/SAVP"), 1) }, nil, "488", ""},
		{"broken SDP", nil, func(m *sipmsg.Message) { m.Body = []byte("hello\r\n") }, nil, "400", ""},
		{"session too short", nil, func(m *sipmsg.Message) {
			m.Header.Add("Supported", "timer")
			m.Header.Add("Session-Expires", "60")
		}, nil, "422", "Min-SE: 90"},
		{"takes the place of nothing", nil, with("Replaces", "none@x;to-tag=a;from-tag=b"), nil, "481", ""},
		{"two calls to replace", nil, func(m *sipmsg.Message) {
			m.Header.Add("Replaces", "none@x;to-tag=a;from-tag=b")
			m.Header.Add("Replaces", "none@x;to-tag=a;from-tag=b")
		}, nil, "400", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, tt.settings, func(w *world) {
				if tt.owner != nil {
					w.phone.incoming = func(*Call) (Handler, int) { return tt.owner(w) }
				}
				change := tt.change
				if change == nil {
					change = func(*sipmsg.Message) {}
				}
				far := w.primary.callLine(change)
				w.after(time.Second)
				if got := far.news(); got != tt.want {
					t.Errorf("caller hears %q, want %q", got, tt.want)
				}
				if name, value, _ := strings.Cut(tt.header, ": "); tt.header != "" && far.got().Header.Get(name) != value {
					t.Errorf("%s: %q, want %q", name, far.got().Header.Get(name), value)
				}
				w.wantNews("")
				w.wantIdle()
			})
		})
	}
}

// contactOf makes a message's Contact another one.
func contactOf(u sipmsg.URI) func(*sipmsg.Message) {
	return func(m *sipmsg.Message) { m.Contact = []sipmsg.Addr{{URI: u}} }
}

// The telephone refuses.
func TestRefuse(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.phone.call().Ring()
		w.phone.call().Refuse(486)
		w.phone.call().Answer(media, 1) // too late
		w.after(time.Second)
		if got := far.news(); got != "100 180 486" {
			t.Errorf("caller hears %q", got)
		}
		w.wantNews("started ended")
		w.wantIdle()
	})
}

// The caller gives up while it rings; after the answer a CANCEL changes nothing.
func TestCallerGivesUp(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.phone.call().Ring()
		w.after(time.Second)
		far.cancel()
		w.after(time.Second)
		if got := far.news(); got != "100 180 487" {
			t.Errorf("caller hears %q", got)
		}
		w.wantNews("started ended")
		if r := w.phone.reason(); r.Code != 487 || r.Local {
			t.Errorf("reason %+v", r)
		}
		w.wantIdle()
	})
	inWorld(t, nil, func(w *world) { // the CANCEL crosses the 200
		far := w.primary.callLine()
		w.after(time.Second)
		w.net.Path(w.primary.host, w.agent).Delay(100 * time.Millisecond)
		w.net.Path(w.agent, w.primary.host).Delay(100 * time.Millisecond)
		w.phone.call().Answer(media, 1)
		far.cancel()
		w.after(time.Second)
		if got := far.news(); got != "100 200" {
			t.Errorf("caller hears %q", got)
		}
		w.wantNews("started pcmu:sendrecv answered")
		far.send(sipmsg.BYE)
		w.after(time.Second)
		w.wantNews("ended")
		w.wantIdle()
	})
}

// A call may not ring here for ever, nor longer than the caller wants; and while it rings
// it says so every minute.
func TestRingingHasAnEnd(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.phone.call().Ring()
		w.after(ringHere)
		if got := far.news(); got != "100 180 180 180 180 180 480" {
			t.Errorf("caller hears %q", got)
		}
		w.wantNews("started ended")
		w.wantIdle()
	})
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine(with("Expires", "20"))
		w.after(19 * time.Second)
		w.wantNews("started")
		w.after(2 * time.Second)
		if got := far.news(); got != "100 480" {
			t.Errorf("caller hears %q", got)
		}
		w.wantNews("ended")
	})
}

// An INVITE without an offer: ours is in the 2xx, the answer in the ACK.
func TestOfferlessInvite(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine(func(m *sipmsg.Message) { m.SetBody("", nil) })
		w.after(time.Second)
		w.phone.call().Answer(media, 1)
		w.after(time.Second)
		w.wantNews("started silence answered pcmu:sendrecv")
		if d, _ := answerIn(far.got()); d == nil || len(d.Media) != 1 {
			t.Errorf("the 200 brings %s", far.got().Body)
		}
	})
	// An ACK without an answer is the end of it.
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine(func(m *sipmsg.Message) { m.SetBody("", nil) })
		far.noACK = true
		w.after(time.Second)
		w.phone.call().Answer(media, 1)
		w.after(100 * time.Millisecond)
		far.s.post(func(now time.Time) {
			ack := far.d.Ack(far.req.Msg)
			f, _ := far.s.e.Flow(far.s.wayTo(far.d.Target))
			_, _ = far.s.e.SendAck(f, ack)
		})
		w.after(time.Second)
		w.wantNews("started silence answered ended")
		if got := far.news(); got != "100 200 <BYE" {
			t.Errorf("caller hears %q", got)
		}
		if r := w.phone.reason(); r.Code != 488 {
			t.Errorf("reason %+v", r)
		}
		w.wantIdle()
	})
}

// Our 2xx is repeated until its ACK comes, and after 64*T1 the call is hung up (RFC 3261
// section 13.3.1.4).
func TestAnswerWithoutAck(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine()
		far.noACK = true
		w.after(time.Second)
		began := time.Now()
		w.phone.call().Answer(media, 1)
		w.after(time.Minute)
		at := w.sent(w.primary, "200", began)
		if got := fmt.Sprint(at); got != "[0s 500ms 1.5s 3.5s 7.5s 11.5s 15.5s 19.5s 23.5s 27.5s 31.5s]" {
			t.Errorf("200 sent at %v", got)
		}
		if at := w.primary.times(sipmsg.BYE, began); len(at) != 1 || at[0] != 32*time.Second {
			t.Errorf("BYE after %v", at)
		}
		w.wantNews("started pcmu:sendrecv answered ended")
		w.wantIdle()
	})
	// A hang-up waits for the ACK (section 15), and for its time-out.
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine()
		far.noACK = true
		w.after(time.Second)
		began := time.Now()
		w.phone.call().Answer(media, 1)
		w.phone.call().Hangup()
		w.after(time.Minute)
		w.wantNews("started pcmu:sendrecv answered ended")
		if at := w.primary.times(sipmsg.BYE, began); len(at) != 1 || at[0] != 32*time.Second {
			t.Errorf("BYE after %v", at)
		}
		w.wantIdle()
	})
	inWorld(t, nil, func(w *world) {
		w.primary.callLine()
		w.after(time.Second)
		w.net.Path(w.primary.host, w.agent).Delay(time.Second)
		began := time.Now()
		w.phone.call().Answer(media, 1)
		w.phone.call().Hangup()
		w.after(time.Minute)
		if at := w.primary.times(sipmsg.BYE, began); len(at) != 1 || at[0] != time.Second {
			t.Errorf("BYE after %v, want with the ACK", at)
		}
		w.wantIdle()
	})
}

// 100rel as the caller requires it: the 180 is numbered and repeated until its PRACK, the
// 2xx need not wait for it.
func TestReliable180(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine(with("Require", "100rel"))
		w.after(time.Second)
		w.phone.call().Ring()
		w.after(100 * time.Millisecond)
		res := far.got()
		if res.StatusCode != 180 || res.Header.Get("RSeq") == "" || !res.OptionTag("Require", "100rel") {
			t.Fatalf("%d %v", res.StatusCode, res.Header)
		}
		w.after(time.Second)
		if got := far.news(); got != "100 180 180" {
			t.Errorf("caller hears %q", got)
		}
		far.send(sipmsg.PRACK, with("RAck", res.Header.Get("RSeq")+" 1 INVITE"))
		far.send(sipmsg.PRACK, with("RAck", "1 1 INVITE"))
		w.after(30 * time.Second)
		if got := far.news(); got != "PRACK:200 PRACK:481" {
			t.Errorf("caller hears %q", got)
		}
		w.phone.call().Answer(media, 1)
		w.after(time.Second)
		w.wantNews("started pcmu:sendrecv answered")
		far.send(sipmsg.INFO)
		w.after(time.Second)
		if got := far.news(); got != "200 INFO:200" {
			t.Errorf("caller hears %q", got)
		}
	})
	inWorld(t, nil, func(w *world) { // no PRACK: RFC 3262 section 3
		far := w.primary.callLine(with("Require", "100rel"))
		w.after(time.Second)
		w.phone.call().Ring()
		w.after(time.Minute)
		if got := far.news(); !strings.HasSuffix(got, "180 504") {
			t.Errorf("caller hears %q", got)
		}
		w.wantNews("started ended")
		w.wantIdle()
	})
	inWorld(t, nil, func(w *world) { // no offer, so nothing to ring with
		far := w.primary.callLine(with("Require", "100rel"), func(m *sipmsg.Message) { m.SetBody("", nil) })
		w.after(time.Second)
		w.phone.call().Ring()
		w.after(time.Second)
		w.phone.call().Answer(media, 1)
		w.after(time.Second)
		if got := far.news(); got != "100 200" {
			t.Errorf("caller hears %q", got)
		}
	})
}

// Requests in the early dialog of a call that rings here.
func TestRequestsWhileItRings(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.phone.call().Ring()
		w.after(time.Second)
		far.send(sipmsg.UPDATE)
		far.send(sipmsg.UPDATE, func(m *sipmsg.Message) { m.SetBody("application/sdp", far.req.Msg.Body) })
		far.send(sipmsg.INVITE)
		far.send(sipmsg.INFO)
		far.send(sipmsg.PRACK, with("RAck", "1 1 INVITE"))
		far.send(sipmsg.MESSAGE)
		far.send(sipmsg.INFO, func(m *sipmsg.Message) { m.CSeq.Seq = 1 })
		w.after(time.Second)
		if got := far.news(); got != "100 180 UPDATE:200 UPDATE:500 INVITE:500 INFO:200 PRACK:481 MESSAGE:405 INFO:500" {
			t.Errorf("caller hears %q", got)
		}
		far.send(sipmsg.BYE) // in the place of a CANCEL
		w.after(time.Second)
		if got := far.news(); got != "BYE:200 487" && got != "487 BYE:200" {
			t.Errorf("caller hears %q", got)
		}
		w.wantNews("started ended")
		w.wantIdle()
	})
}

// Requests outside a call.
func TestRequestsOutsideACall(t *testing.T) {
	tests := []struct {
		method   string
		settings []string
		change   func(m *sipmsg.Message)
		want     string
		header   string
	}{
		{sipmsg.OPTIONS, nil, nil, "200", acceptSDP},
		{sipmsg.OPTIONS, []string{"enable_dnd = 1"}, nil, "486", "Allow: " + allowed},
		{sipmsg.BYE, nil, nil, "481", ""},
		{sipmsg.BYE, nil, func(m *sipmsg.Message) { m.To = m.To.WithTag("gone") }, "481", ""},
		{sipmsg.INFO, nil, nil, "481", ""},
		{sipmsg.UPDATE, nil, nil, "481", ""},
		{sipmsg.PRACK, nil, nil, "481", ""},
		{sipmsg.PRACK, nil, func(m *sipmsg.Message) { m.To = m.To.WithTag("gone") }, "481", ""},
		{sipmsg.INVITE, nil, func(m *sipmsg.Message) { m.To = m.To.WithTag("gone") }, "481", ""},
		{sipmsg.REFER, nil, with("Refer-To", "<sip:evil@x>"), "403", ""},
		{sipmsg.SUBSCRIBE, nil, nil, "405", "Allow: " + allowed},
		{sipmsg.REGISTER, nil, nil, "405", "Allow: " + allowed},
		{"FOO", nil, nil, "405", "Allow: " + allowed},
		{sipmsg.NOTIFY, nil, with("Event", "presence"), "489", ""},
		{sipmsg.NOTIFY, nil, nil, "489", ""},
		{sipmsg.OPTIONS, nil, with("Require", "privacy"), "420", "Unsupported: privacy"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.want, func(t *testing.T) {
			inWorld(t, tt.settings, func(w *world) {
				var got *sipmsg.Message
				uri := w.primary.contact()
				m := &sipmsg.Message{
					Method: tt.method, RequestURI: uri, CallID: ua.NewTag(),
					From: sipmsg.Addr{URI: uri}.WithTag("a"), To: sipmsg.Addr{URI: uri},
					CSeq: sipmsg.CSeq{Seq: 1, Method: tt.method},
				}
				m.Header.Add("Max-Forwards", "70")
				w.primary.routed(m)
				if tt.change != nil {
					tt.change(m)
				}
				w.primary.post(func(now time.Time) {
					w.primary.e.Send(now, &ua.Request{Msg: m, Target: w.primary.wayTo(uri), On: func(_ time.Time, a ua.Answer) { got = a.Response }})
				})
				w.after(time.Second)
				if got == nil || fmt.Sprint(got.StatusCode) != tt.want {
					t.Fatalf("answered %v, want %s", got, tt.want)
				}
				if name, value, _ := strings.Cut(tt.header, ": "); tt.header != "" && got.Header.Get(name) != value {
					t.Errorf("%s: %q, want %q", name, got.Header.Get(name), value)
				}
				if got.To.Tag() == "" {
					t.Error("no To tag")
				}
				w.wantNews("")
				w.wantIdle()
			})
		})
	}
}

// Whoever calls from elsewhere, or to another user, is not heard: no ring, no answer.
func TestScannersAreNotAnswered(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		scanner := w.newServer("10.0.0.66:5060")
		scanner.note(sipmsg.REGISTER, w.primary.last(sipmsg.REGISTER)) // it knows the contact
		uri := scanner.contact()
		heard := 0
		for i, user := range []string{"100", "1000", "1001", "", uri.User} {
			for j, method := range []string{sipmsg.INVITE, sipmsg.OPTIONS, sipmsg.REGISTER, sipmsg.REFER, sipmsg.MESSAGE, sipmsg.NOTIFY} {
				to := uri
				to.User = user
				m := &sipmsg.Message{
					Method: method, RequestURI: to, CallID: fmt.Sprintf("%d-%d", i, j),
					// From says that it is the registrar.
					From: sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", Host: "10.0.0.2"}}.WithTag("a"), To: sipmsg.Addr{URI: to},
					CSeq: sipmsg.CSeq{Seq: 1, Method: method},
				}
				m.Header.Add("Max-Forwards", "70")
				scanner.routed(m)
				scanner.post(func(now time.Time) {
					scanner.e.Send(now, &ua.Request{Msg: m, Target: scanner.wayTo(uri), On: func(_ time.Time, a ua.Answer) {
						if a.Response != nil {
							heard++
						}
					}})
				})
			}
		}
		w.after(time.Minute)
		if heard != 0 {
			t.Errorf("%d of 30 were answered", heard)
		}
		w.wantNews("")
		if n := w.stack.Counts.ForeignRequests.Load(); n != 30 {
			t.Errorf("%d counted, want 30", n)
		}
	})
}

// An answer outlives the connection that brought the call.
func TestAnswerOverALostConnection(t *testing.T) {
	inWorld(t, []string{"transport = tcp"}, func(w *world) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.primary.host.Cut()
		w.after(time.Second)
		w.phone.call().Answer(media, 1)
		w.after(time.Second)
		if got := far.news(); !strings.Contains(got, " 200") {
			t.Errorf("caller hears %q", got)
		}
	})
}

// Digests for strangers: a far end that calls us and challenges our BYE learns nothing
// (CVE-2021-41158). Where we called, our own server's challenge is answered.
func TestDigestLeak(t *testing.T) {
	for _, method := range []string{sipmsg.BYE, sipmsg.INVITE, sipmsg.INFO} {
		inWorld(t, []string{"dtmf_type = info"}, func(w *world) {
			far := w.primary.callLine()
			w.after(time.Second)
			w.phone.call().Answer(media, 1)
			w.after(time.Second)
			w.primary.asks("pbx", "secret")
			switch method {
			case sipmsg.INVITE:
				w.phone.call().Hold(true)
			case sipmsg.INFO:
				w.phone.call().SendDigit('5')
			}
			w.after(time.Second)
			w.phone.call().Hangup()
			w.after(time.Minute)
			for _, m := range w.primary.all(method) {
				if m.Header.Get("Proxy-Authorization") != "" || m.Header.Get("Authorization") != "" {
					t.Errorf("%s gives a digest away", method)
				}
			}
			_ = far
			w.wantIdle()
		})
	}
}

// A caller's name is taken from the header that caller_id names.
func TestCallerNames(t *testing.T) {
	for source, want := range map[string]string{"from": "600 Far End", "pai": "0301 Asserted", "rpid": "0302 Remote", "ppi": "600 Far End"} {
		inWorld(t, []string{"caller_id = " + source}, func(w *world) {
			far := w.primary.callLine(
				with("P-Asserted-Identity", `"Asserted" <sip:0301@pbx>, <tel:+49301>`),
				with("Remote-Party-ID", `"Remote" <sip:0302@pbx>;party=calling`),
				with("P-Preferred-Identity", "rubbish"))
			w.after(time.Second)
			if i := w.phone.call().Info(); i.Peer+" "+i.Name != want {
				t.Errorf("%s: %s %s, want %s", source, i.Peer, i.Name, want)
			}
			far.cancel()
			w.after(time.Second)
		})
	}
}
