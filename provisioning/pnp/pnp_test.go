package pnp

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/internal/sipmsg"
	"tipring/provisioning/lan/lantest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	device = Config{MAC: config.MAC{0, 0xa8, 0x59, 1, 2, 3}, Vendor: "tipring", Model: "ATA", Version: "1.0"}
	local  = netip.MustParseAddrPort("10.9.0.59:40000")
	server = netip.MustParseAddrPort("10.9.0.1:5060")
	third  = netip.MustParseAddrPort("10.9.0.66:5060")
	start  = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
)

const url = "https://prov.example/{mac}.cfg"

// A far is a server on the in-memory network, and what it got of the device.
type far struct {
	t    *testing.T
	conn *lantest.Conn
	got  []*sipmsg.Message // responses to its requests
}

func newFar(t *testing.T, subscribed func(f *far, subscribe *sipmsg.Message, n int)) *far {
	f := &far{t: t, conn: lantest.New()}
	f.conn.Answer = func(wire []byte, n int) {
		m, err := sipmsg.Parse(wire)
		if err != nil {
			t.Errorf("the device sent %q: %v", wire, err)
			return
		}
		if subscribed != nil {
			subscribed(f, m, n)
		}
	}
	f.conn.Reply = func(_ netip.AddrPort, wire []byte) {
		m, err := sipmsg.Parse(wire)
		if err != nil {
			t.Errorf("the device answered %q: %v", wire, err)
			return
		}
		f.got = append(f.got, m)
	}
	return f
}

func (f *far) send(after time.Duration, from netip.AddrPort, m *sipmsg.Message) {
	wire, err := m.Append(nil)
	if err != nil {
		f.t.Errorf("the test's own message: %v", err)
		return
	}
	f.conn.Deliver(after, from, wire)
}

// respond is a server's answer to the SUBSCRIBE.
func respond(subscribe *sipmsg.Message, code int, tag string) *sipmsg.Message {
	r := subscribe.Response(code, "")
	if tag != "" {
		r.To = r.To.WithTag(tag)
	}
	r.Header.Add("Expires", "0")
	return r
}

// notify is a server's NOTIFY in the dialog with that tag.
func notify(subscribe *sipmsg.Message, tag, body string) *sipmsg.Message {
	m := &sipmsg.Message{
		Method: sipmsg.NOTIFY, RequestURI: subscribe.Contact[0].URI.Clone(),
		Via:  []sipmsg.Via{{Transport: "UDP", Host: "10.9.0.1", Port: 5060}},
		From: subscribe.To.WithTag(tag), To: subscribe.From.Clone(),
		CallID: subscribe.CallID, CSeq: sipmsg.CSeq{Seq: 1, Method: sipmsg.NOTIFY},
		Contact: []sipmsg.Addr{{URI: uri("sip:10.9.0.1")}},
	}
	m.Via[0].Params.Set("branch", "z9hG4bKn"+tag)
	m.Header.Add("Max-Forwards", "70")
	m.Header.Add("Event", `ua-profile;profile-type="device"`)
	m.Header.Add("Subscription-State", "terminated;reason=timeout")
	m.SetBody(urlType, []byte(body))
	return m
}

func (f *far) ask() (Offer, error) {
	f.t.Helper()
	return ask(f.t.Context(), f.conn, device, local)
}

func TestSubscribe(t *testing.T) {
	q, err := newInquiry(device, local)
	if err != nil {
		t.Fatal(err)
	}
	sent := q.Expire(start)
	if len(sent) != 1 || sent[0].To != netip.MustParseAddrPort("224.0.1.75:5060") {
		t.Fatalf("sent %v", sent)
	}
	text := string(sent[0].Wire)
	for _, want := range []string{
		"SUBSCRIBE sip:MAC%3a00a859010203@224.0.1.75 SIP/2.0\r\n",
		"\r\nVia: SIP/2.0/UDP 10.9.0.59:40000;branch=z9hG4bK",
		"\r\nMax-Forwards: 70\r\n",
		"\r\nFrom: <sip:MAC%3a00a859010203@224.0.1.75>;tag=",
		"\r\nTo: <sip:MAC%3a00a859010203@224.0.1.75>\r\n",
		"\r\nCSeq: 1 SUBSCRIBE\r\n",
		"\r\nContact: <sip:MAC%3a00a859010203@10.9.0.59:40000>\r\n",
		"\r\nEvent: ua-profile;profile-type=\"device\";vendor=\"tipring\";model=\"ATA\";version=\"1.0\"\r\n",
		"\r\nExpires: 0\r\n",
		"\r\nAccept: application/url\r\n",
		"\r\nContent-Length: 0\r\n\r\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	other, err := newInquiry(device, local)
	if err != nil || other.request.CallID == q.request.CallID || other.request.Branch() == q.request.Branch() || other.request.From.Tag() == q.request.From.Tag() {
		t.Errorf("another SUBSCRIBE has the same names: %v", err)
	}
}

func TestEvent(t *testing.T) {
	if got, want := event(Config{Model: `A"T\A`}), `ua-profile;profile-type="device";model="A\"T\\A"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := newInquiry(Config{Model: "A\r\nX: y"}, local); err == nil {
		t.Error("a line's end in the model was written")
	}
}

// Silence: asked at 0, 0.5, 1.5 and 3.5 s with the same SUBSCRIBE, given up after 5.
func TestAskAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(t, nil)
		begun := time.Now()
		_, err := f.ask()
		if err == nil || err.Error() != "nobody answered" || time.Since(begun) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond}
		sent := f.conn.Sent()
		if len(sent) != len(want) {
			t.Fatalf("%d sent", len(sent))
		}
		for i, s := range sent {
			if s.At.Sub(begun) != want[i] || string(s.Wire) != string(sent[0].Wire) {
				t.Errorf("sent after %v: %s", s.At.Sub(begun), s.Wire)
			}
		}
	})
}

func TestAskGetsTheURL(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name       string
		subscribed func(f *far, s *sipmsg.Message, n int)
		after      time.Duration
	}{
		{"200, then NOTIFY", func(f *far, s *sipmsg.Message, n int) {
			f.send(10*ms, server, respond(s, 200, "a"))
			f.send(20*ms, server, notify(s, "a", url))
		}, 20 * ms},
		{"202, then NOTIFY", func(f *far, s *sipmsg.Message, n int) {
			f.send(10*ms, server, respond(s, 202, "a"))
			f.send(20*ms, server, notify(s, "a", url+"\r\n"))
		}, 20 * ms},
		{"100 first", func(f *far, s *sipmsg.Message, n int) {
			f.send(0, server, respond(s, 100, ""))
			f.send(10*ms, server, respond(s, 200, "a"))
			f.send(20*ms, server, notify(s, "a", url))
		}, 20 * ms},
		{"NOTIFY before 200", func(f *far, s *sipmsg.Message, n int) {
			f.send(10*ms, server, notify(s, "a", url))
			f.send(20*ms, server, respond(s, 200, "a"))
		}, 10 * ms},
		{"NOTIFY from another port", func(f *far, s *sipmsg.Message, n int) {
			f.send(10*ms, server, respond(s, 200, "a"))
			f.send(20*ms, netip.AddrPortFrom(server.Addr(), 33000), notify(s, "a", url))
		}, 20 * ms},
		{"the third SUBSCRIBE arrives", func(f *far, s *sipmsg.Message, n int) {
			if n == 3 {
				f.send(10*ms, server, respond(s, 200, "a"))
				f.send(20*ms, server, notify(s, "a", url))
			}
		}, 1520 * ms},
		{"a NOTIFY 4.9 s after the acceptance", func(f *far, s *sipmsg.Message, n int) {
			if n == 4 {
				f.send(1000*ms, server, respond(s, 200, "a"))
				f.send(5900*ms, server, notify(s, "a", url))
			}
		}, 9400 * ms},
		{"an empty NOTIFY before", func(f *far, s *sipmsg.Message, n int) {
			f.send(10*ms, server, respond(s, 200, "a"))
			f.send(20*ms, server, notify(s, "a", ""))
			f.send(30*ms, server, notify(s, "a", url))
		}, 30 * ms},
		{"a bad URL before", func(f *far, s *sipmsg.Message, n int) {
			f.send(10*ms, server, respond(s, 200, "a"))
			f.send(20*ms, server, notify(s, "a", "ftp://a/"))
			f.send(30*ms, server, notify(s, "a", url))
		}, 30 * ms},
		{"one that refuses, and one that serves", func(f *far, s *sipmsg.Message, n int) {
			f.send(10*ms, third, respond(s, 404, "x"))
			f.send(20*ms, server, respond(s, 200, "a"))
			f.send(30*ms, server, notify(s, "a", url))
		}, 30 * ms},
		{"one that accepts and is silent, and one that serves", func(f *far, s *sipmsg.Message, n int) {
			f.send(10*ms, third, respond(s, 200, "x"))
			f.send(20*ms, server, respond(s, 200, "a"))
			f.send(30*ms, server, notify(s, "a", url))
		}, 30 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFar(t, tt.subscribed)
				begun := time.Now()
				o, err := f.ask()
				if err != nil || o.URL != url || o.Server != "10.9.0.1" || o.Refused != 0 || time.Since(begun) != tt.after {
					t.Errorf("after %v: %+v, %v; want the URL after %v", time.Since(begun), o, err, tt.after)
				}
				if last := len(f.got) - 1; last < 0 || f.got[last].StatusCode != 200 || f.got[last].CSeq.Method != sipmsg.NOTIFY {
					t.Errorf("the NOTIFY was answered by %v", f.got)
				}
				time.Sleep(10 * time.Second) // what is still under way arrives nowhere
			})
		})
	}
}

// Once accepted, the SUBSCRIBE is not repeated.
func TestAcceptedIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(t, func(f *far, s *sipmsg.Message, n int) {
			f.send(100*time.Millisecond, server, respond(s, 200, "a"))
		})
		begun := time.Now()
		_, err := f.ask()
		if err == nil || err.Error() != "10.9.0.1 accepted the subscription and sent no URL" || time.Since(begun) != 5100*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		if n := len(f.conn.Sent()); n != 1 {
			t.Errorf("%d SUBSCRIBEs", n)
		}
	})
}

// A NOTIFY that is none of the subscription's is refused, and does not spoil the good one.
func TestAskTurnsOthersAway(t *testing.T) {
	change := func(m *sipmsg.Message, f func(m *sipmsg.Message)) *sipmsg.Message { f(m); return m }
	for _, tt := range []struct {
		name    string
		from    netip.AddrPort
		request func(s *sipmsg.Message) *sipmsg.Message
		code    int
		header  string // of the answer: name and value
		refused int
	}{
		{"from a third host", third, func(s *sipmsg.Message) *sipmsg.Message { return notify(s, "a", "http://evil.example/") }, 481, "", 1},
		{"with another tag of its own", server, func(s *sipmsg.Message) *sipmsg.Message { return notify(s, "b", "http://evil.example/") }, 481, "", 1},
		{"with another tag of ours", server, func(s *sipmsg.Message) *sipmsg.Message {
			return change(notify(s, "a", "http://evil.example/"), func(m *sipmsg.Message) { m.To = m.To.WithTag("x") })
		}, 481, "", 1},
		{"without a tag of ours", server, func(s *sipmsg.Message) *sipmsg.Message {
			return change(notify(s, "a", "http://evil.example/"), func(m *sipmsg.Message) { m.To.Params.Del("tag") })
		}, 481, "", 1},
		{"with another Call-ID", server, func(s *sipmsg.Message) *sipmsg.Message {
			return change(notify(s, "a", "http://evil.example/"), func(m *sipmsg.Message) { m.CallID = "x" })
		}, 481, "", 1},
		{"of another event", server, func(s *sipmsg.Message) *sipmsg.Message {
			return change(notify(s, "a", "http://evil.example/"), func(m *sipmsg.Message) { m.Header.Set("Event", "check-sync") })
		}, 489, "Allow-Events: ua-profile", 0},
		{"with another body", server, func(s *sipmsg.Message) *sipmsg.Message {
			return change(notify(s, "a", "http://evil.example/"), func(m *sipmsg.Message) { m.Header.Set("Content-Type", "text/html") })
		}, 415, "Accept: application/url", 0},
		{"with two URLs", server, func(s *sipmsg.Message) *sipmsg.Message { return notify(s, "a", "http://a/\r\nhttp://b/") }, 200, "", 0},
		{"with a user name", server, func(s *sipmsg.Message) *sipmsg.Message { return notify(s, "a", "http://u:secret@evil.example/") }, 200, "", 0},
		{"with a long body", server, func(s *sipmsg.Message) *sipmsg.Message {
			return notify(s, "a", "http://a/"+strings.Repeat("b", 2000))
		}, 200, "", 0},
		{"no NOTIFY", server, func(s *sipmsg.Message) *sipmsg.Message {
			return change(notify(s, "a", "http://evil.example/"), func(m *sipmsg.Message) { m.Method, m.CSeq.Method = sipmsg.MESSAGE, sipmsg.MESSAGE })
		}, 405, "Allow: NOTIFY", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, good := range []bool{true, false} {
				synctest.Test(t, func(t *testing.T) {
					f := newFar(t, func(f *far, s *sipmsg.Message, n int) {
						f.send(10*time.Millisecond, server, respond(s, 200, "a"))
						f.send(20*time.Millisecond, tt.from, tt.request(s))
						if good {
							f.send(30*time.Millisecond, server, notify(s, "a", url))
						}
					})
					o, err := f.ask()
					if good && (err != nil || o.URL != url) || !good && (err == nil || o.URL != "") || o.Refused != tt.refused {
						t.Errorf("got %+v, %v", o, err)
					}
					if err != nil && strings.Contains(err.Error(), "secret") {
						t.Errorf("the error tells a password: %v", err)
					}
					if len(f.got) == 0 || f.got[0].StatusCode != tt.code || f.got[0].To.Tag() == "" {
						t.Fatalf("answered %v, want %d", f.got, tt.code)
					}
					if name, value, ok := strings.Cut(tt.header, ": "); ok && f.got[0].Header.Get(name) != value {
						t.Errorf("the answer's %s is %q", name, f.got[0].Header.Get(name))
					}
				})
			}
		})
	}
}

// Who refused the subscription has none.
func TestRefusedThenNotified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar(t, func(f *far, s *sipmsg.Message, n int) {
			if n == 1 {
				f.send(10*time.Millisecond, server, respond(s, 403, "a"))
				f.send(20*time.Millisecond, server, notify(s, "a", url))
			}
		})
		o, err := f.ask()
		if want := `nobody accepted the subscription (10.9.0.1: 403 "Forbidden"; 10.9.0.1: a NOTIFY of no subscription)`; err == nil || err.Error() != want || o.Refused != 1 {
			t.Errorf("got %+v, %v; want %s", o, err, want)
		}
	})
}

// A response is the SUBSCRIBE's or it is nothing.
func TestAskMatchesResponses(t *testing.T) {
	for name, spoil := range map[string]func(m *sipmsg.Message){
		"branch":        func(m *sipmsg.Message) { m.Via[0].Params.Set("branch", "z9hG4bKx") },
		"two Vias":      func(m *sipmsg.Message) { m.Via = append(m.Via, m.Via[0]) },
		"Call-ID":       func(m *sipmsg.Message) { m.CallID = "x" },
		"CSeq":          func(m *sipmsg.Message) { m.CSeq.Seq = 2 },
		"CSeq's method": func(m *sipmsg.Message) { m.CSeq.Method = sipmsg.OPTIONS },
		"From tag":      func(m *sipmsg.Message) { m.From = m.From.WithTag("x") },
		"no To tag":     func(m *sipmsg.Message) { m.To.Params.Del("tag") },
	} {
		t.Run(name, func(t *testing.T) {
			q, err := newInquiry(device, local)
			if err != nil {
				t.Fatal(err)
			}
			q.Expire(start)
			r := respond(q.request, 200, "a")
			spoil(r)
			wire, err := r.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			if out := q.Receive(start, server, wire); out != nil || len(q.peers) != 0 || q.Done() {
				t.Errorf("taken: %v, %+v", out, q.peers)
			}
		})
	}
}

// Answers go where RFC 3261 section 18.2.2 and RFC 3581 say.
func TestAnswerGoesBack(t *testing.T) {
	from := netip.MustParseAddrPort("10.9.0.1:33000")
	for _, tt := range []struct{ via, to, want string }{
		{"10.9.0.1:5060", "10.9.0.1:5060", "SIP/2.0/UDP 10.9.0.1:5060;branch=z9hG4bK1"},
		{"10.9.0.1", "10.9.0.1:5060", "SIP/2.0/UDP 10.9.0.1;branch=z9hG4bK1"},
		{"pbx.example:5070", "10.9.0.1:5070", "SIP/2.0/UDP pbx.example:5070;branch=z9hG4bK1;received=10.9.0.1"},
		{"10.9.0.1:5060;rport", "10.9.0.1:33000", "SIP/2.0/UDP 10.9.0.1:5060;rport=33000;branch=z9hG4bK1;received=10.9.0.1"},
	} {
		m, err := sipmsg.Parse([]byte("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP " + tt.via + ";branch=z9hG4bK1\r\nMax-Forwards: 70\r\n" +
			"From: <sip:b>;tag=1\r\nTo: <sip:a>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		out := answer(from, m, m.Response(405, ""))
		if len(out) != 1 || out[0].To.String() != tt.to || !strings.Contains(string(out[0].Wire), "\r\nVia: "+tt.want+"\r\n") {
			t.Errorf("Via %s: answer to %v:\n%s", tt.via, out[0].To, out[0].Wire)
		}
	}
}

// A flood is answered up to a point, and the error stays short.
func TestFlood(t *testing.T) {
	q, err := newInquiry(device, local)
	if err != nil {
		t.Fatal(err)
	}
	q.Expire(start)
	wire, err := notify(&sipmsg.Message{To: q.request.To, From: q.request.From, CallID: "x", Contact: q.request.Contact}, "a", url).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	answers := 0
	for range 10 * maxAnswers {
		answers += len(q.Receive(start, third, wire))
		q.Receive(start, third, []byte("junk"))
	}
	if _, err := q.result(); answers != maxAnswers || len(err.Error()) > 1000 {
		t.Errorf("%d answers; %v", answers, err)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if _, err := ask(ctx, lantest.New(), device, local); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 700*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestAskNeedsAnInterface(t *testing.T) {
	c := device
	c.Interface, c.Log = "none-such0", slog.New(slog.DiscardHandler)
	if _, err := Ask(t.Context(), c); err == nil || !strings.Contains(err.Error(), "none-such0") {
		t.Errorf("got %v", err)
	}
	c.Interface, c.Address = "lo", netip.MustParseAddr("192.0.2.1")
	if _, err := Ask(t.Context(), c); err == nil || !strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("got %v", err)
	}
}

func FuzzReceive(f *testing.F) {
	q, err := newInquiry(device, local)
	if err != nil {
		f.Fatal(err)
	}
	// The same names in every process that fuzzes.
	q.request.CallID, q.request.From = "call", q.request.From.WithTag("us")
	q.request.Via[0].Params.Set("branch", "z9hG4bKs")
	for _, m := range []*sipmsg.Message{
		respond(q.request, 200, "a"), respond(q.request, 404, "a"), notify(q.request, "a", url), notify(q.request, "a", ""),
	} {
		wire, err := m.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add(q.wire)
	f.Fuzz(func(t *testing.T, data []byte) {
		mine := *q
		mine.Expire(start)
		for _, d := range mine.Receive(start, server, data) {
			if m, err := sipmsg.Parse(d.Wire); err != nil || m.IsRequest() || d.To.Addr() != server.Addr() {
				t.Fatalf("answered %q to %v: %v", d.Wire, d.To, err)
			}
		}
		if o, err := mine.result(); err == nil && (o.Server != "10.9.0.1" || !mine.Done()) {
			t.Fatalf("offer %+v", o)
		}
	})
}
