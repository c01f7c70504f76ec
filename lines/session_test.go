package lines

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
)

// bothWays runs a test with a call that the line made, and with one that it was given.
func bothWays(t *testing.T, settings []string, test func(w *world, far *farCall, c *Call)) {
	t.Helper()
	t.Run("outgoing", func(t *testing.T) {
		inWorld(t, settings, func(w *world) {
			w.t = t
			w.talking()
			test(w, w.primary.call(), w.phone.call())
		})
	})
	t.Run("incoming", func(t *testing.T) {
		inWorld(t, settings, func(w *world) {
			w.t = t
			far := w.primary.callLine(with("Supported", "timer"))
			w.after(time.Second)
			w.phone.call().Answer(media, 1)
			w.after(time.Second)
			w.phone.news()
			far.news()
			test(w, far, w.phone.call())
		})
	})
}

// wantFar checks what the far end noted since it was last asked.
func (w *world) wantFar(far *farCall, want string) {
	w.t.Helper()
	if got := far.news(); got != want {
		w.t.Fatalf("far end heard %q, want %q (telephone: %s)", got, want, w.phone.heard())
	}
}

// refusesOnce has the far end refuse the next re-INVITE.
func (c *farCall) refusesOnce(code int) {
	c.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
		c.does(sipmsg.INVITE, nil)
		in.Respond(now, code, "")
	})
}

// direction is what the last re-INVITE or UPDATE that the far end got offers.
func direction(m *sipmsg.Message) string {
	d := sdpOf(m)
	if d == nil {
		return "nothing"
	}
	return d.Direction(0).String()
}

// Hold and resume, from here and from there.
func TestHold(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		for range 2 {
			c.Hold(true)
			w.after(time.Second)
			w.wantFar(far, "<INVITE")
			w.wantNews("pcmu:sendonly")
			if d := direction(far.got()); d != "sendonly" || c.Info().State != Held {
				w.t.Errorf("offered %s, call %s", d, c.Info().State)
			}
			c.Hold(false)
			w.after(time.Second)
			w.wantFar(far, "<INVITE")
			w.wantNews("pcmu:sendrecv")
			if d := direction(far.got()); d != "sendrecv" || c.Info().State != Connected {
				w.t.Errorf("offered %s, call %s", d, c.Info().State)
			}
		}
		far.send(sipmsg.INVITE, far.offering(offer.SendOnly))
		w.after(time.Second)
		w.wantFar(far, "INVITE:200")
		w.wantNews("pcmu:recvonly")
		if c.Info().State != Held {
			w.t.Errorf("held from there: call %s", c.Info().State)
		}
		c.Hold(true) // held from both sides
		w.after(time.Second)
		w.wantNews("pcmu:inactive")
		c.Hold(false)
		w.after(time.Second)
		w.phone.news()
		far.news()
		far.send(sipmsg.UPDATE, far.offering(offer.SendRecv))
		w.after(time.Second)
		w.wantFar(far, "UPDATE:200")
		w.wantNews("pcmu:sendrecv")
		c.Hangup()
		w.after(time.Second)
		w.wantFar(far, "<BYE")
		w.wantIdle()
	})
}

// What is refused leaves the call as it was, in both directions.
func TestRefusedOffers(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		for _, body := range []string{"hello\r\n", "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n"} {
			for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE} {
				far.send(method, func(m *sipmsg.Message) { m.SetBody("application/sdp", []byte(body)) })
				w.after(time.Second)
				if got := far.news(); got != method+":400" && got != method+":488" {
					w.t.Errorf("answered %q", got)
				}
			}
		}
		far.send(sipmsg.INVITE, func(m *sipmsg.Message) { m.SetBody("text/plain", []byte("hi")) })
		w.after(time.Second)
		w.wantFar(far, "INVITE:415")
		w.wantNews("")
		far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { in.Respond(now, 488, "") })
		c.Hold(true)
		w.after(time.Second)
		w.wantFar(far, "<INVITE")
		w.wantNews("pcmu:sendrecv")
		far.does(sipmsg.INVITE, nil)
		c.Hold(false)
		w.after(time.Second)
		w.wantNews("pcmu:sendrecv")
		c.Hangup()
		w.after(time.Minute)
		w.wantIdle()
	})
}

// Glare: both sides re-INVITE at once. Each refuses the other with 491 and tries again,
// the owner of the Call-ID after 2.1 to 4 s, the other before 2 s (RFC 3261 section 14.1).
func TestGlare(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		for range 3 {
			w.net.Path(w.agent, w.primary.host).Delay(50 * time.Millisecond)
			w.net.Path(w.primary.host, w.agent).Delay(50 * time.Millisecond)
			far.refusesOnce(491)
			began := time.Now()
			c.Hold(true)
			far.send(sipmsg.INVITE, far.offering(offer.SendRecv))
			w.after(100 * time.Millisecond)
			if got := far.news(); got != "<INVITE INVITE:491" && got != "INVITE:491 <INVITE" {
				w.t.Fatalf("far end heard %q", got)
			}
			far.s.post(func(time.Time) { far.offer.Revert() })
			c.Hold(true) // asked for again meanwhile: it keeps its time
			w.after(5 * time.Second)
			at := w.primary.times(sipmsg.INVITE, began)
			if len(at) != 2 {
				w.t.Fatalf("INVITEs at %v", at)
			}
			least, most := 2100*time.Millisecond, 4*time.Second
			if c.Info().Incoming {
				least, most = 0, 2*time.Second
			}
			if wait := at[1] - at[0] - 100*time.Millisecond; wait < least || wait > most {
				w.t.Errorf("tried again after %v, want %v to %v", wait, least, most)
			}
			w.wantFar(far, "<INVITE")
			if c.Info().State != Held {
				w.t.Errorf("call %s", c.Info().State)
			}
			c.Hold(false)
			w.after(time.Second)
			far.news()
		}
	})
}

// A hold that is asked for twice is one re-INVITE, also where the second comes while the first
// is under way; asked for and taken back meanwhile, it is two.
func TestHoldAskedForTwice(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		w.net.Path(w.agent, w.primary.host).Delay(50 * time.Millisecond)
		c.Hold(true)
		w.after(10 * time.Millisecond)
		c.Hold(true)
		w.after(time.Second)
		w.wantFar(far, "<INVITE")
		if c.Info().State != Held {
			w.t.Errorf("call %s", c.Info().State)
		}
		c.Hold(false)
		w.after(10 * time.Millisecond)
		c.Hold(true)
		c.Hold(false)
		w.after(time.Second)
		w.wantFar(far, "<INVITE <INVITE")
		if c.Info().State != Connected {
			w.t.Errorf("call %s", c.Info().State)
		}
	})
}

// An offer of theirs that comes while ours waits for its time is taken; ours follows.
func TestTheirOfferDuringOurGlareWait(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		far.refusesOnce(491)
		c.Hold(true)
		w.after(0)
		far.send(sipmsg.INVITE, far.offering(offer.SendRecv))
		w.after(5 * time.Second)
		got := far.news()
		if strings.Count(got, "<INVITE") != 2 || strings.Count(got, "INVITE:200") != 1 {
			w.t.Errorf("far end heard %q", got)
		}
		if c.Info().State != Held {
			w.t.Errorf("call %s", c.Info().State)
		}
	})
}

// 500 with Retry-After, and 503: tried again after that time, or five seconds.
func TestOfferAgainAfterRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		code  int
		after string
		again []time.Duration
	}{
		{500, "7", []time.Duration{0, 7 * time.Second}},
		{503, "7", []time.Duration{0, 7 * time.Second}},
		{503, "", []time.Duration{0, 5 * time.Second}},
		{500, "", []time.Duration{0}},
	} {
		bothWays(t, nil, func(w *world, far *farCall, c *Call) {
			far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				res := in.Response(tt.code, "")
				if tt.after != "" {
					res.Header.Add("Retry-After", tt.after)
				}
				in.RespondWith(now, res)
			})
			began := time.Now()
			c.Hold(true)
			w.after(time.Second)
			far.does(sipmsg.INVITE, nil)
			w.after(10 * time.Second)
			if at := w.primary.times(sipmsg.INVITE, began); !slices.Equal(at, tt.again) {
				w.t.Errorf("%d, Retry-After %q: INVITEs at %v, want %v", tt.code, tt.after, at, tt.again)
			}
		})
	}
}

// Re-INVITEs without an offer: ours is in the 2xx, theirs in the ACK.
func TestOfferlessReinvite(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		far.send(sipmsg.INVITE)
		w.after(time.Second)
		w.wantFar(far, "INVITE:200")
		w.wantNews("pcmu:sendrecv")
		if d := sdpOf(far.got()); d == nil || len(d.Media[0].Formats) < 3 {
			w.t.Errorf("offered %s, want everything", far.got().Body)
		}
		c.Hangup()
		w.after(time.Second)
		w.wantIdle()
	})
}

// A repeated 2xx to our re-INVITE is acknowledged again and again, each INVITE with its
// own ACK, and the call ends like any other.
func TestRepeated200ToAReinvite(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			res := in.Response(200, "")
			w.primary.routed(res)
			theirs, _ := offer.Parse(in.Req.Body)
			res.SetBody("application/sdp", far.answer(theirs))
			wire := in.RespondWith(now, res)
			for i := range 3 {
				time.AfterFunc(time.Duration(i+1)*time.Second, func() { in.Resend(wire) })
			}
		})
		began := time.Now()
		c.Hold(true)
		w.after(100 * time.Millisecond)
		c.Hold(false)
		w.after(10 * time.Second)
		if n := len(w.sent(w.primary, sipmsg.ACK, began)); n != 8 {
			w.t.Errorf("%d ACKs, want 4 for each INVITE", n)
		}
		acks := map[uint32]int{}
		for _, m := range w.primary.all("ACK") {
			acks[m.CSeq.Seq]++
		}
		if len(w.primary.all(sipmsg.INVITE)) < 2 || c.Info().State != Connected {
			w.t.Errorf("ACKs %v, call %s", acks, c.Info().State)
		}
		c.Hangup()
		w.after(time.Second)
		w.wantIdle()
	})
}

// A far end that has lost the call ends it (RFC 3261 section 12.2.1.2).
func TestFarEndHasLostTheCall(t *testing.T) {
	for _, code := range []int{481, 408} {
		bothWays(t, nil, func(w *world, far *farCall, c *Call) {
			far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { in.Respond(now, code, "") })
			c.Hold(true)
			w.after(time.Second)
			w.wantNews("ended")
			w.wantFar(far, "<INVITE <BYE")
			if r := w.phone.reason(); r.Code != 481 || r.Local {
				w.t.Errorf("reason %+v", r)
			}
			w.wantIdle()
		})
	}
}

// A re-INVITE that gets a 1xx and then nothing is given up after three minutes, and does
// not hold the call back when it ends.
func TestReinviteWithoutAnEnd(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			in.OnCancel = func(now time.Time) { in.Respond(now, 487, "") }
			in.Respond(now, 100, "")
		})
		c.Hold(true)
		w.after(ringLimit + time.Second)
		far.does(sipmsg.INVITE, nil)
		c.Hold(true)
		w.after(time.Second)
		if s := c.Info().State; s != Held {
			w.t.Errorf("call %s: %s", s, w.phone.heard())
		}
		far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { in.Respond(now, 100, "") })
		c.Hold(false)
		w.after(time.Second)
		c.Hangup()
		w.after(lastSpan + time.Second)
		w.wantIdle()
	})
}

// The server dies in mid-call: sound and call go on, a re-INVITE that nobody answers
// changes nothing, and a hang-up is one.
func TestServerDiesInACall(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		w.primary.host.Fail(memnet.Silent)
		c.Hold(true)
		w.after(lastSpan + time.Second)
		if s := c.Info().State; s == Ended {
			w.t.Fatalf("call %s", s)
		}
		w.primary.host.Fail(memnet.Alive)
		c.Hold(true)
		w.after(time.Second)
		if s := c.Info().State; s != Held {
			w.t.Errorf("call %s", s)
		}
		w.primary.host.Fail(memnet.Silent)
		c.Hangup()
		w.after(2 * time.Minute)
		w.wantIdle()
	})
}

// Session timers. Who refreshes does so at half the interval with the media as they are,
// by UPDATE where the far end takes it; who is not refreshed hangs up before the end.
func TestSessionTimerRefreshedHere(t *testing.T) {
	for _, update := range []bool{true, false} {
		inWorld(t, []string{"session_expires_s = 600"}, func(w *world) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				w.primary.takeWith(now, in, func(res *sipmsg.Message) {
					res.Header.Add("Session-Expires", "600;refresher=uac")
					res.Header.Add("Require", "timer")
					if !update {
						res.Header.Set("Allow", "INVITE, ACK, BYE")
					}
				})
			})
			w.dial("600")
			w.after(time.Second)
			far, began := w.primary.call(), time.Now()
			refresh := func(now time.Time, in *ua.Incoming) {
				res := in.Response(200, "")
				w.primary.routed(res)
				res.Header.Add("Session-Expires", "600;refresher=uac")
				if theirs, err := offer.Parse(in.Req.Body); err == nil {
					res.SetBody("application/sdp", far.answer(theirs))
				}
				in.RespondWith(now, res)
			}
			far.does(sipmsg.UPDATE, refresh)
			far.does(sipmsg.INVITE, refresh)
			w.primary.on(sipmsg.INVITE, nil)
			w.after(40 * time.Minute)
			method := sipmsg.INVITE
			if update {
				method = sipmsg.UPDATE
			}
			at := w.primary.times(method, began)
			if len(at) != 7 && len(at) != 8 {
				t.Fatalf("%s at %v, want every five minutes", method, at)
			}
			m := w.primary.last(method)
			if v := m.Header.Get("Session-Expires"); v != "600;refresher=uac" {
				t.Errorf("Session-Expires: %s", v)
			}
			if !update {
				var versions []string
				for _, m := range w.primary.all(sipmsg.INVITE) {
					versions = append(versions, sdpOf(m).Origin.Version)
				}
				for _, v := range versions {
					if v != versions[0] {
						t.Errorf("descriptions of versions %v: a refresh changes nothing", versions)
						break
					}
				}
			}
			if w.phone.call().Info().State != Connected {
				t.Errorf("call %s: %s", w.phone.call().Info().State, w.phone.heard())
			}
			// The far end is gone: the next refresh says so.
			far.does(sipmsg.UPDATE, func(now time.Time, in *ua.Incoming) { in.Respond(now, 481, "") })
			far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { in.Respond(now, 481, "") })
			w.after(6 * time.Minute)
			if w.phone.call().Info().State != Ended {
				t.Error("the call outlives its far end")
			}
			w.after(time.Minute)
			w.wantIdle()
		})
	}
}

func TestSessionTimerRefreshedThere(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		far := w.primary.callLine(with("Supported", "timer"), with("Session-Expires", "300"))
		w.after(time.Second)
		w.phone.call().Answer(media, 1)
		w.after(time.Second)
		res := far.got()
		if res.Header.Get("Session-Expires") != "300;refresher=uac" || !res.OptionTag("Require", "timer") {
			t.Errorf("200 with Session-Expires %q", res.Header.Get("Session-Expires"))
		}
		w.phone.news()
		far.news()
		for range 4 {
			w.after(150 * time.Second)
			far.send(sipmsg.UPDATE, with("Supported", "timer"), with("Session-Expires", "300;refresher=uac"))
			w.after(time.Second)
			w.wantFar(far, "UPDATE:200")
		}
		w.wantNews("") // the media stay what they are
		far.send(sipmsg.INVITE, with("Supported", "timer"), with("Session-Expires", "300;refresher=uac"), func(m *sipmsg.Message) {
			m.SetBody("application/sdp", far.offer.Local().Bytes())
		})
		w.after(time.Second)
		w.wantFar(far, "INVITE:200")
		if got := sdpOf(far.got()).Origin.Version; got != "1" {
			t.Errorf("the answer to a refresh is a new description, version %s", got)
		}
		w.wantNews("pcmu:sendrecv")
		began := time.Now()
		w.after(10 * time.Minute) // no refresh any more
		// 32 s before the end, says RFC 4028 section 10.
		if at := w.primary.times(sipmsg.BYE, began); len(at) != 1 || at[0] < 266*time.Second || at[0] > 268*time.Second {
			t.Errorf("BYE after %v, want 32 s before the 300 s", at)
		}
		w.wantNews("ended")
		if r := w.phone.reason(); !strings.Contains(r.Text, "session expired") {
			t.Errorf("reason %+v", r)
		}
		w.wantIdle()
	})
}

// A far end that does not know session timers: we refresh, if we want one.
func TestSessionTimerForAnOldFarEnd(t *testing.T) {
	inWorld(t, []string{"session_expires_s = 600"}, func(w *world) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.phone.call().Answer(media, 1)
		w.after(time.Second)
		if v := far.got().Header.Get("Session-Expires"); v != "600;refresher=uas" {
			t.Errorf("200 with Session-Expires %q", v)
		}
		far.news()
		w.after(6 * time.Minute)
		if got := far.news(); got != "<UPDATE" {
			t.Errorf("far end heard %q", got)
		}
	})
}

// In mid-call an interval that is too small is refused, and the call goes on.
func TestSessionIntervalTooSmallInACall(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		far.send(sipmsg.UPDATE, with("Supported", "timer"), with("Session-Expires", "30"))
		w.after(time.Second)
		w.wantFar(far, "UPDATE:422")
		if v := far.got().Header.Get("Min-SE"); v != "90" {
			w.t.Errorf("Min-SE %q", v)
		}
		far.send(sipmsg.UPDATE)
		w.after(time.Second)
		w.wantFar(far, "UPDATE:200")
	})
}

// UPDATE is taken for known where the far end says so, until it says otherwise.
func TestRefreshWithoutUpdateAfterAll(t *testing.T) {
	inWorld(t, []string{"session_expires_s = 600"}, func(w *world) {
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			w.primary.takeWith(now, in, with("Session-Expires", "600;refresher=uac"))
		})
		w.dial("600")
		w.after(time.Second)
		far := w.primary.call()
		w.primary.on(sipmsg.INVITE, nil)
		far.does(sipmsg.UPDATE, func(now time.Time, in *ua.Incoming) { in.Respond(now, 405, "") })
		w.after(6 * time.Minute)
		w.wantFar(far, "<UPDATE <INVITE")
	})
}

// Requests of a call that is over, or never was.
func TestRequestsAfterTheEnd(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		w.primary.host.Fail(memnet.Silent) // our BYE does not arrive
		c.Hangup()
		w.after(time.Second)
		w.primary.host.Fail(memnet.Alive)
		w.primary.on(sipmsg.BYE, func(time.Time, *ua.Incoming) {})
		for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE, sipmsg.INFO, sipmsg.REFER} {
			far.send(method)
		}
		far.send(sipmsg.BYE)
		w.after(time.Second)
		w.wantFar(far, "INVITE:481 UPDATE:481 INFO:481 REFER:481 BYE:200")
		w.after(2 * time.Minute)
		w.wantIdle()
	})
}

// Other requests in a call, and one out of order.
func TestOtherRequestsInACall(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		far.send(sipmsg.OPTIONS)
		far.send(sipmsg.MESSAGE)
		far.send(sipmsg.PRACK, with("RAck", "1 1 INVITE"))
		far.send(sipmsg.SUBSCRIBE, with("Event", "refer"))
		far.send(sipmsg.NOTIFY, with("Event", "refer"), with("Subscription-State", "active"))
		far.send(sipmsg.UPDATE, with("Require", "foo"))
		w.after(time.Second)
		w.wantFar(far, "OPTIONS:200 MESSAGE:200 PRACK:481 SUBSCRIBE:481 NOTIFY:481 UPDATE:420")
		far.send(sipmsg.INFO, func(m *sipmsg.Message) { m.CSeq.Seq = 1 })
		w.after(time.Second)
		w.wantFar(far, "INFO:500")
	})
}

// INFO digits, in both spellings and both directions.
func TestInfoDigits(t *testing.T) {
	for mode, want := range map[string]string{"10/11": "1 10 11 A 16", "*/#": "1 * # A 16"} {
		bothWays(t, []string{"dtmf_type = info", "dtmf_sip_info_mode = " + mode}, func(w *world, far *farCall, c *Call) {
			for _, d := range "1*#AF" {
				c.SendDigit(byte(d))
			}
			w.after(time.Second)
			var got []string
			for _, m := range w.primary.all(sipmsg.INFO) {
				var signal string
				for line := range strings.Lines(string(m.Body)) {
					if v, ok := strings.CutPrefix(strings.TrimSpace(line), "Signal="); ok {
						signal = v
					}
				}
				if ct, _ := m.ContentType(); ct != "application/dtmf-relay" || !strings.Contains(string(m.Body), "Duration=160") {
					w.t.Errorf("INFO of %s: %s", ct, m.Body)
				}
				got = append(got, signal)
			}
			if s := strings.Join(got, " "); s != want {
				w.t.Errorf("sent %q, want %q", s, want)
			}
			w.phone.news()
			for _, body := range []string{"Signal=5\r\nDuration=100\r\n", "Signal= *", "signal=10\n", "Signal=11", "Signal=16", "Signal=hf", "Signal=d"} {
				far.send(sipmsg.INFO, func(m *sipmsg.Message) { m.SetBody("application/dtmf-relay", []byte(body)) })
			}
			far.send(sipmsg.INFO, func(m *sipmsg.Message) { m.SetBody("application/dtmf", []byte("7")) })
			w.after(time.Second)
			w.wantNews("digit:5 digit:* digit:* digit:# digit:F digit:F digit:D digit:7")
			far.news()
			far.send(sipmsg.INFO, func(m *sipmsg.Message) { m.SetBody("application/dtmf-relay", []byte("Signal=99")) })
			far.send(sipmsg.INFO, func(m *sipmsg.Message) { m.SetBody("application/media_control+xml", []byte("<x/>")) })
			far.send(sipmsg.INFO)
			w.after(time.Second)
			w.wantFar(far, "INFO:400 INFO:415 INFO:200")
			w.wantNews("")
		})
	}
}
