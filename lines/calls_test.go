package lines

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
)

// What the INVITE says, and who calls by caller_id.
func TestInviteRequest(t *testing.T) {
	tests := []struct {
		callerID, ani string
		from          string
		header, value string
	}{
		{"from", "", "sip:1001@10.0.0.2", "", ""},
		{"from", "5551234", "sip:5551234@10.0.0.2", "", ""},
		{"ppi", "5551234", "sip:1001@10.0.0.2", "P-Preferred-Identity", `"Front Desk" <sip:5551234@10.0.0.2>`},
		{"pai", "", "sip:1001@10.0.0.2", "P-Asserted-Identity", `"Front Desk" <sip:1001@10.0.0.2>`},
		{"rpid", "5551234", "sip:1001@10.0.0.2", "Remote-Party-ID", `"Front Desk" <sip:5551234@10.0.0.2>;party=calling;screen=no;privacy=off`},
	}
	for _, tt := range tests {
		t.Run(tt.callerID+tt.ani, func(t *testing.T) {
			inWorld(t, []string{"display_name = Front Desk", "caller_id = " + tt.callerID}, func(w *world) {
				w.line.Dial(Dial{To: "600", ANI: tt.ani, Port: 1, Media: media, Handler: w.phone})
				w.after(time.Second)
				m := w.primary.last(sipmsg.INVITE)
				if got := m.From.URI.String(); got != tt.from || m.From.Display != "Front Desk" {
					t.Errorf("From %v, want %s", m.From, tt.from)
				}
				if got := m.Header.Get(tt.header); tt.header != "" && got != tt.value {
					t.Errorf("%s: %s, want %s", tt.header, got, tt.value)
				}
				for _, tag := range []string{"100rel", "replaces", "timer", "norefersub"} {
					if !m.OptionTag("Supported", tag) {
						t.Errorf("Supported lacks %s", tag)
					}
				}
				if m.Contact[0].URI.User != w.line.ep.ContactUser() || m.CSeq.Seq != 1 || m.Header.Get("Max-Forwards") != "70" {
					t.Errorf("Contact %v, CSeq %v", m.Contact, m.CSeq)
				}
				d, err := offer.Parse(m.Body)
				if err != nil || d.Media[0].Port != 16384 || d.Connection.Host != "10.0.0.1" {
					t.Errorf("offer %s: %v", m.Body, err)
				}
			})
		})
	}
}

// What may be dialled: a number, user@host, a URI.
func TestDialledURIs(t *testing.T) {
	for to, want := range map[string]string{
		"600": "sip:600@10.0.0.2", "*67#": "sip:*67%23@10.0.0.2", "+49 30": "sip:+49%2030@10.0.0.2",
		"bob@other.example": "sip:bob@other.example", "sip:bob@other.example:5070": "sip:bob@other.example:5070",
	} {
		inWorld(t, nil, func(w *world) {
			w.dial(to)
			w.after(time.Second)
			if m := w.primary.last(sipmsg.INVITE); m == nil || m.RequestURI.String() != want {
				t.Errorf("%s: INVITE %v, want %s", to, m, want)
			}
		})
	}
}

// A refusal is the call's end, with its code and words; no server is left for it.
func TestRefusals(t *testing.T) {
	for _, code := range []int{400, 403, 404, 408, 415, 420, 480, 486, 488, 491, 502, 504, 600, 603} {
		inWorld(t, nil, func(w *world) {
			w.primary.refuses(sipmsg.INVITE, code)
			w.dial("600")
			w.after(time.Minute)
			w.wantPhone("started ended")
			if r := w.phone.reason(); r.Code != code || !strings.HasPrefix(r.Text, fmt.Sprint(code)) || r.Local {
				t.Errorf("reason %+v", r)
			}
			w.wantServer("backup", w.backup, 0, "")
			w.wantIdle()
		})
	}
}

// Redirection is followed, five times at most; the call's owner hears one call.
func TestRedirects(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		n := 0
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			if n++; n < 3 {
				res := in.Response(302, "")
				u := sipmsg.URI{Scheme: "sip", User: fmt.Sprint("70", n), Host: "10.0.0.2", Headers: "X-Evil=1"}
				res.Contact = []sipmsg.Addr{{URI: u}}
				in.RespondWith(now, res)
				return
			}
			w.primary.usual(now, in)
		})
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started ringing pcmu:sendrecv answered")
		if m := w.primary.last(sipmsg.INVITE); m.RequestURI.String() != "sip:702@10.0.0.2" || m.To.URI.User != "702" {
			t.Errorf("INVITE %s", m.RequestURI)
		}
	})
	for _, tt := range []struct {
		name    string
		users   int // the n-th INVITE is sent to user n modulo this
		invites int
	}{
		{"ever further", 100, 1 + maxRedirects},
		{"to where it was asked", 1, 2}, // 600, then user 0, which names itself
		{"in a circle", 3, 4},
	} {
		inWorld(t, nil, func(w *world) {
			n := 0
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				res := in.Response(302, "")
				res.Contact = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", User: fmt.Sprint(n % tt.users), Host: "10.0.0.2", Headers: "x=1"}}}
				n++
				in.RespondWith(now, res)
			})
			w.dial("600")
			w.after(time.Minute)
			w.wantPhone("started ended")
			if got := len(w.primary.all(sipmsg.INVITE)); got != tt.invites {
				t.Errorf("%s: %d INVITEs, want %d", tt.name, got, tt.invites)
			}
			if r := w.phone.reason(); r.Code != 302 {
				t.Errorf("%s: reason %+v", tt.name, r)
			}
		})
	}
}

// 422: the session interval is asked for again with what the far end wants.
func TestSessionIntervalTooSmall(t *testing.T) {
	inWorld(t, []string{"session_expires_s = 90"}, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			if strings.HasPrefix(in.Req.Header.Get("Session-Expires"), "90") {
				res := in.Response(422, "")
				res.Header.Add("Min-SE", "600")
				in.RespondWith(now, res)
				return
			}
			w.primary.usual(now, in)
		})
		w.talking()
		if m := w.primary.last(sipmsg.INVITE); m.Header.Get("Session-Expires") != "600" || m.Header.Get("Min-SE") != "600" {
			t.Errorf("Session-Expires %s, Min-SE %s", m.Header.Get("Session-Expires"), m.Header.Get("Min-SE"))
		}
	})
}

// The answer is given by several telephones of the called party: the first has the call,
// every other one is acknowledged and hung up.
func TestForkedAnswers(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			for _, tag := range []string{"one", "two"} {
				in.Tag = tag
				w.primary.takeWith(now, in)
			}
		})
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started pcmu:sendrecv answered")
		w.wantServer("primary", w.primary, 1, "INVITE ACK ACK BYE")
		if bye := w.primary.last(sipmsg.BYE); bye.To.Tag() != "two" {
			t.Errorf("BYE to fork %s", bye.To.Tag())
		}
		w.phone.call().Hangup()
		w.after(time.Second)
		if bye := w.primary.last(sipmsg.BYE); bye.To.Tag() != "one" {
			t.Errorf("BYE to fork %s", bye.To.Tag())
		}
		w.wantIdle()
	})
}

// More forks than there is room for: the log says so once and how many at the end, and whoever
// answers of them is acknowledged and hung up.
func TestTooManyForks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book bytes.Buffer
		w := makeWorld(t)
		w.book = &book
		w.start()
		w.after(time.Second)
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			for i := range 30 {
				in.Tag = fmt.Sprint("fork", i)
				w.primary.progress(now, in, 183)
			}
			for _, tag := range []string{"fork0", "fork16", "fork29"} {
				in.Tag = tag
				w.primary.takeWith(now, in)
			}
		})
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started pcmu:sendrecv answered")
		w.wantServer("primary", w.primary, 1, "INVITE ACK ACK BYE ACK BYE")
		w.phone.call().Hangup()
		w.after(time.Minute)
		w.wantIdle()
		w.close()
		if n := strings.Count(book.String(), "makes no dialog"); n != 1 || !strings.Contains(book.String(), "responses_without_dialog=14") {
			t.Errorf("said %d times:\n%s", n, book.String())
		}
	})
}

// Several early dialogs: each has its own media, and the one that answers has the call.
func TestEarlyForks(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			for _, tag := range []string{"one", "two"} {
				in.Tag = tag
				w.primary.progress(now, in, 183, func(res *sipmsg.Message) {
					res.SetBody("application/sdp", w.primary.describe(in.Req))
				})
			}
			in.Tag = "one"
			w.primary.takeWith(now, in)
		})
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started pcmu:sendrecv pcmu:sendrecv pcmu:sendrecv answered")
		w.phone.call().Hangup()
		w.after(time.Second)
		if bye := w.primary.last(sipmsg.BYE); bye.To.Tag() != "one" {
			t.Errorf("BYE to fork %s", bye.To.Tag())
		}
	})
}

// An answer without media, or with media that cannot be read, ends the call it makes.
func TestUselessAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"none": "", "not SDP": "hello", "other codec": "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
					w.primary.takeWith(now, in, func(res *sipmsg.Message) { res.SetBody("application/sdp", []byte(body)) })
				})
				w.dial("600")
				w.after(time.Second)
				w.wantPhone("started ended")
				w.wantServer("primary", w.primary, 1, "INVITE ACK BYE")
				if r := w.phone.reason(); r.Code != 488 {
					t.Errorf("reason %+v", r)
				}
				w.wantIdle()
			})
		})
	}
}

// The 2xx may repeat what a 1xx said, or leave it out.
func TestAnswerInTheProvisionalResponse(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			w.primary.progress(now, in, 183, func(res *sipmsg.Message) {
				res.SetBody("application/sdp", w.primary.describe(in.Req))
			})
			w.primary.takeWith(now, in, func(res *sipmsg.Message) { res.SetBody("", nil) })
		})
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started pcmu:sendrecv pcmu:sendrecv answered")
	})
}

// A repeated 2xx is acknowledged again, with the same ACK, and told once.
func TestRepeated200(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		path := w.net.Path(w.agent, w.primary.host)
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			res := in.Response(200, "")
			w.primary.routed(res)
			res.SetBody("application/sdp", w.primary.describe(in.Req))
			wire := in.RespondWith(now, res)
			for i := range 3 {
				time.AfterFunc(time.Duration(i+1)*time.Second, func() { in.Resend(wire) })
			}
		})
		path.Drop(func(p memnet.Packet) bool { return strings.HasPrefix(string(p.Wire), "ACK") })
		w.dial("600")
		w.after(2500 * time.Millisecond)
		path.Drop(nil)
		w.after(time.Minute)
		w.wantPhone("started pcmu:sendrecv answered")
		w.wantServer("primary", w.primary, 1, "INVITE ACK")
		if n := len(w.sent(w.primary, sipmsg.ACK, time.Time{})); n != 4 {
			t.Errorf("%d ACKs, want one for each 2xx", n)
		}
	})
}

// The caller hangs up at every stage.
func TestHangupBeforeTheAnswer(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w *world, now time.Time, in *ua.Incoming) // to the INVITE
		after  time.Duration
		heard  string // by the primary, a minute later
		told   string
	}{
		{"while it rings", func(w *world, now time.Time, in *ua.Incoming) { w.primary.ring(now, in) }, time.Second,
			"INVITE cancelled", "started ringing ended"},
		{"after 100", func(w *world, now time.Time, in *ua.Incoming) { in.Respond(now, 100, "") }, time.Second,
			"INVITE cancelled", "started ended"},
		{"before anything", func(w *world, now time.Time, in *ua.Incoming) {
			time.AfterFunc(150*time.Millisecond, func() { w.primary.post(func(now time.Time) { w.primary.ring(now, in) }) })
		}, 50 * time.Millisecond, "INVITE cancelled", "started ended"},
		// The 200 and the CANCEL cross: the answer is acknowledged and hung up.
		{"as it is answered", func(w *world, now time.Time, in *ua.Incoming) {
			w.primary.ring(now, in)
			time.AfterFunc(time.Second, func() { w.primary.post(func(now time.Time) { w.primary.take(now, in) }) })
		}, time.Second + 5*time.Millisecond, "INVITE ACK BYE", "started ringing ended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.net.Path(w.agent, w.primary.host).Delay(10 * time.Millisecond)
				w.net.Path(w.primary.host, w.agent).Delay(10 * time.Millisecond)
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
					in.OnCancel = func(now time.Time) {
						w.primary.note("cancelled", in.Req)
						in.Respond(now, 487, "")
					}
					tt.answer(w, now, in)
				})
				w.dial("600")
				w.after(tt.after)
				w.phone.call().Hangup()
				w.after(time.Minute)
				w.wantServer("primary", w.primary, 1, tt.heard)
				w.wantPhone(tt.told)
				w.wantServer("backup", w.backup, 0, "")
				if r := w.phone.reason(); !r.Local {
					t.Errorf("reason %+v", r)
				}
				w.wantIdle()
			})
		})
	}
}

// Hung up while the INVITE is unanswered, or while the line looks for a server, the call
// is over at once and nothing is left of it.
func TestHangupIntoAnOutage(t *testing.T) {
	for _, after := range []time.Duration{time.Second, span + time.Second} {
		inWorld(t, nil, func(w *world) {
			w.primary.host.Fail(memnet.Silent)
			w.backup.host.Fail(memnet.Silent)
			w.dial("600")
			w.after(after)
			w.phone.call().Hangup()
			w.after(0)
			w.wantPhone("started ended")
			// The line goes on looking for a server, at times of its own, until it has one.
			w.after(5 * time.Minute)
			w.primary.host.Fail(memnet.Alive)
			w.backup.host.Fail(memnet.Alive)
			w.after(time.Hour)
			w.wantIdle()
		})
	}
}

// Nobody answers: the call ends after three minutes without news, and not before.
func TestNobodyAnswers(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			in.OnCancel = func(now time.Time) { in.Respond(now, 487, "") }
			w.primary.ring(now, in)
			for i := range 3 {
				time.AfterFunc(time.Duration(i+1)*time.Minute, func() {
					w.primary.post(func(now time.Time) { w.primary.ring(now, in) })
				})
			}
		})
		w.dial("600")
		w.after(6*time.Minute - time.Second)
		w.wantPhone("started ringing ringing ringing ringing")
		w.after(2 * time.Second)
		w.wantPhone("started ringing ringing ringing ringing ended")
		w.wantIdle()
	})
}

// 100rel: reliable provisional responses are acknowledged in order, repeated ones not
// told again, one out of order not at all (RFC 3262 section 4).
func TestReliableProvisionalResponses(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		reliable := func(rseq string) func(res *sipmsg.Message) {
			return func(res *sipmsg.Message) {
				res.Header.Add("Require", "100rel")
				res.Header.Add("RSeq", rseq)
			}
		}
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			for _, rseq := range []string{"10", "10", "12", "11", "12"} {
				w.primary.progress(now, in, 180, reliable(rseq))
			}
			time.AfterFunc(time.Second, func() { w.primary.post(func(now time.Time) { w.primary.take(now, in) }) })
		})
		w.dial("600")
		w.after(2 * time.Second)
		w.wantPhone("started ringing ringing ringing pcmu:sendrecv answered")
		var racks []string
		for _, m := range w.primary.all(sipmsg.PRACK) {
			racks = append(racks, m.Header.Get("RAck"))
		}
		if got := strings.Join(racks, ", "); got != "10 1 INVITE, 11 1 INVITE, 12 1 INVITE" {
			t.Errorf("PRACKs of %s", got)
		}
		if m := w.primary.last(sipmsg.PRACK); routes(m) != "<sip:10.0.0.2;lr>" || m.CSeq.Seq != 4 {
			t.Errorf("PRACK by %s, CSeq %d", routes(m), m.CSeq.Seq)
		}
		w.phone.call().Hangup()
		w.after(time.Second)
		if bye := w.primary.last(sipmsg.BYE); bye.CSeq.Seq != 5 {
			t.Errorf("BYE has CSeq %d after the PRACKs", bye.CSeq.Seq)
		}
		w.wantIdle()
	})
}

// UPDATE in an early dialog changes the early media (RFC 3311).
func TestUpdateBeforeTheAnswer(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var c *farCall
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			w.primary.progress(now, in, 183, func(res *sipmsg.Message) {
				c = w.primary.early(in, res)
			})
		})
		w.dial("600")
		w.after(time.Second)
		w.wantNews("started pcmu:sendrecv")
		c.send(sipmsg.UPDATE, c.offering(offer.SendOnly))
		w.after(time.Second)
		w.wantNews("pcmu:recvonly")
		c.send(sipmsg.UPDATE)
		c.send(sipmsg.INFO)
		c.send(sipmsg.BYE)
		c.send(sipmsg.UPDATE, func(m *sipmsg.Message) { m.SetBody("text/plain", []byte("hi")) })
		w.after(time.Second)
		if got := c.news(); got != "UPDATE:200 UPDATE:200 INFO:200 BYE:481 UPDATE:415" {
			t.Errorf("far end heard %q", got)
		}
	})
}

// A wrong credential is a refusal of the call with words that say so.
func TestCallWithAWrongPassword(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.asks("pbx", "other")
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started ended")
		if r := w.phone.reason(); r.Code != 407 || !strings.Contains(r.Text, "wrong user name or password") {
			t.Errorf("reason %+v", r)
		}
		if n := len(w.primary.all(sipmsg.INVITE)); n > 3 {
			t.Errorf("%d INVITEs", n)
		}
		w.wantServer("backup", w.backup, 0, "")
	})
}

// Challenges within a call: the ACK has the INVITE's credentials, and a re-INVITE that is
// repeated gets the ACK of the repetition.
func TestChallengesInACall(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.asks("pbx", "secret")
		w.dial("600")
		w.after(time.Second)
		c := w.phone.call()
		if c.Info().State != Connected {
			t.Fatalf("%s", w.phone.heard())
		}
		invite, ack := w.primary.last(sipmsg.INVITE), w.primary.last("ACK")
		if ack.CSeq.Seq != invite.CSeq.Seq || ack.Header.Get("Proxy-Authorization") != invite.Header.Get("Proxy-Authorization") {
			t.Errorf("ACK %v has not the credentials of INVITE %v", ack.CSeq, invite.CSeq)
		}
		w.primary.asks("pbx", "secret") // new nonces
		c.Hold(true)
		w.after(time.Second)
		invite, ack = w.primary.last(sipmsg.INVITE), w.primary.last("ACK")
		if ack.CSeq.Seq != invite.CSeq.Seq || ack.CSeq.Seq < 4 || ack.Header.Get("Proxy-Authorization") != invite.Header.Get("Proxy-Authorization") {
			t.Errorf("ACK %v of re-INVITE %v", ack.CSeq, invite.CSeq)
		}
		w.primary.asks("pbx", "secret")
		c.Hangup()
		w.after(time.Second)
		if bye := w.primary.last(sipmsg.BYE); bye.Header.Get("Proxy-Authorization") == "" || bye.CSeq.Seq <= invite.CSeq.Seq {
			t.Errorf("BYE %v", bye.CSeq)
		}
		w.wantIdle()
	})
}

// srtp = required: there is none, so no call is made in the clear, in either direction.
func TestNoCallInTheClearWhereSRTPIsRequired(t *testing.T) {
	inWorld(t, []string{"srtp = required"}, func(w *world) {
		w.dial("600")
		w.after(time.Second)
		w.wantPhone("started ended")
		if r := w.phone.reason(); r.Code != 488 || !strings.Contains(r.Text, "SRTP") {
			t.Errorf("reason %+v", r)
		}
		c := w.primary.callLine()
		w.after(time.Second)
		if got := c.news(); got != "488" {
			t.Errorf("caller hears %q", got)
		}
		w.wantServer("primary", w.primary, 1, "")
	})
}

// The packet time is that of the line, in offers and where the far end asks for none.
func TestPacketTimeOfTheLine(t *testing.T) {
	for _, setting := range []string{"", "ptime_ms = 40"} {
		want := "a=ptime:20\r\n"
		if setting != "" {
			want = "a=ptime:40\r\n"
		}
		inWorld(t, []string{setting}, func(w *world) {
			w.dial("600")
			w.after(time.Second)
			if body := string(w.primary.last(sipmsg.INVITE).Body); !strings.Contains(body, want) {
				t.Errorf("%q: %s", setting, body)
			}
			w.phone.call().Hangup()
			w.after(time.Second)
		})
	}
}
