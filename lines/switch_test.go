package lines

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transport/memnet"
	"tipring/registrar"
)

// A faxMachine handles calls like fakePhone, and takes T.38.
type faxMachine struct{ *fakePhone }

func (f faxMachine) Image(_ *Call, i *offer.Image) {
	if i == nil {
		f.note("no-fax")
		return
	}
	f.note("fax:%v", i.Remote)
}
func (f faxMachine) SwitchRefused(_ *Call, code int) { f.note("refused:%d", code) }

// relay is what a fax machine's port does by T.38.
var relay = &offer.T38{Version: 0, MaxBitRate: 14400, MaxDatagram: 400, EC: offer.Redundancy}

// faxMedia is what a fax machine's port opened for a call.
func faxMedia() Media {
	m := media
	m.T38 = relay
	return m
}

// faxing runs a test with a call of a fax machine's that the line made, and with one that it was
// given.
func faxing(t *testing.T, settings []string, test func(w *world, far *farCall, c *Call)) {
	t.Helper()
	t.Run("outgoing", func(t *testing.T) {
		inWorld(t, settings, func(w *world) {
			w.t = t
			w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
			w.after(time.Second)
			w.phone.news()
			far := w.primary.call()
			test(w, far, w.phone.call())
		})
	})
	t.Run("incoming", func(t *testing.T) {
		inWorld(t, settings, func(w *world) {
			w.t = t
			w.phone.incoming = func(*Call) (Handler, int) { return faxMachine{w.phone}, 0 }
			far := w.primary.callLine(with("Supported", "timer"))
			w.after(time.Second)
			w.phone.call().Answer(faxMedia(), 1)
			w.after(time.Second)
			w.phone.news()
			far.news()
			test(w, far, w.phone.call())
		})
	})
}

// offeringMode gives a request the far end's offer of sound or T.38.
func (c *farCall) offeringMode(mode offer.Mode) func(m *sipmsg.Message) {
	return func(m *sipmsg.Message) {
		if c.offer.Pending() {
			c.offer.Revert()
		}
		c.offer.SetMode(mode)
		m.SetBody("application/sdp", c.propose(offer.SendRecv))
	}
}

// To T.38 and back, from here and from there, by re-INVITE and UPDATE.
func TestSwitch(t *testing.T) {
	faxing(t, nil, func(w *world, far *farCall, c *Call) {
		fax := func() {
			w.t.Helper()
			w.wantNews("fax:10.0.0.9:40000 silence")
			if i := c.Info(); i.Codec != "t38" || i.State != Connected || i.Remote.String() != "10.0.0.9:40000" {
				w.t.Errorf("call %+v", i)
			}
		}
		sound := func() {
			w.t.Helper()
			w.wantNews("no-fax pcmu:sendrecv")
			if i := c.Info(); i.Codec != "pcmu" || i.State != Connected {
				w.t.Errorf("call %+v", i)
			}
		}
		for range 2 {
			c.Switch(offer.Fax)
			w.after(time.Second)
			w.wantFar(far, "<INVITE")
			fax()
			c.Switch(offer.Fax) // it is so
			w.after(time.Second)
			w.wantFar(far, "")
			c.Switch(offer.Sound)
			w.after(time.Second)
			w.wantFar(far, "<INVITE")
			sound()
		}
		for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE} {
			far.send(method, far.offeringMode(offer.Fax))
			w.after(time.Second)
			w.wantFar(far, method+":200")
			fax()
			far.send(method, far.offeringMode(offer.Sound))
			w.after(time.Second)
			w.wantFar(far, method+":200")
			sound()
		}
		c.Hangup()
		w.after(time.Second)
		w.wantIdle()
	})
}

// inFax is faxing, from when T.38 is agreed.
func inFax(t *testing.T, settings []string, test func(w *world, far *farCall, c *Call)) {
	t.Helper()
	faxing(t, settings, func(w *world, far *farCall, c *Call) {
		far.send(sipmsg.INVITE, far.offeringMode(offer.Fax))
		w.after(time.Second)
		w.wantNews("fax:10.0.0.9:40000 silence")
		w.wantFar(far, "INVITE:200")
		test(w, far, c)
	})
}

// sdpBody gives a message the far end's description with these media.
func sdpBody(media ...string) func(m *sipmsg.Message) {
	text := "v=0\r\no=- 7 9 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n"
	for _, line := range media {
		text += line + "\r\n"
	}
	return func(m *sipmsg.Message) { m.SetBody("application/sdp", []byte(text)) }
}

// answersOnce has the far end answer the next re-INVITE with 200 and these changes.
func (c *farCall) answersOnce(change ...func(m *sipmsg.Message)) {
	c.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
		c.does(sipmsg.INVITE, nil)
		res := in.Response(200, "")
		c.s.routed(res)
		for _, f := range change {
			f(res)
		}
		in.RespondWith(now, res)
	})
}

// A far end that will not have T.38, in every way to say so: the call goes on with sound, and is told
// why.
func TestSwitchRefused(t *testing.T) {
	const sound = "pcmu:sendrecv "
	for _, tt := range []struct {
		name  string
		far   func(w *world, far *farCall)
		after time.Duration
		news  string
		heard string // by the far end
	}{
		{"488", func(_ *world, far *farCall) { far.refusesOnce(488) }, time.Second, sound + "refused:488", "<INVITE"},
		{"415", func(_ *world, far *farCall) { far.refusesOnce(415) }, time.Second, sound + "refused:415", "<INVITE"},
		{"606", func(_ *world, far *farCall) { far.refusesOnce(606) }, time.Second, sound + "refused:606", "<INVITE"},
		{"501", func(_ *world, far *farCall) { far.refusesOnce(501) }, time.Second, sound + "refused:501", "<INVITE"},
		{"500", func(_ *world, far *farCall) { far.refusesOnce(500) }, time.Second, sound + "refused:500", "<INVITE"},
		{"403", func(_ *world, far *farCall) { far.refusesOnce(403) }, time.Second, sound + "refused:403", "<INVITE"},
		{"408 of a server", func(_ *world, far *farCall) { far.refusesOnce(408) }, time.Second, sound + "refused:408", "<INVITE"},
		{"no response", func(_ *world, far *farCall) {
			far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {})
		}, 70 * time.Second, "refused:408", "<INVITE"},
		{"100 and then nothing", func(_ *world, far *farCall) {
			far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				in.OnCancel = func(now time.Time) { in.Respond(now, 487, "") }
				in.Respond(now, 100, "")
			})
		}, lastSpan + time.Second, sound + "refused:408", "<INVITE"},
		{"491 for ever", func(_ *world, far *farCall) {
			far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) { in.Respond(now, 491, "") })
		}, time.Minute, sound + "refused:491", strings.TrimSuffix(strings.Repeat("<INVITE ", maxGlares+1), " ")},
		// By the letter the far end has no stream any more: it is offered sound.
		{"port 0", func(_ *world, far *farCall) { far.answersOnce(sdpBody("m=image 0 udptl t38")) },
			time.Second, "refused:200 pcmu:sendrecv", "<INVITE <INVITE"},
		{"port 0, and sound goes on", func(_ *world, far *farCall) {
			far.answersOnce(sdpBody("m=image 0 udptl t38", "m=audio 40000 RTP/AVP 0"))
		}, time.Second, "refused:200 pcmu:sendrecv", "<INVITE <INVITE"},
		{"sound in its place", func(_ *world, far *farCall) { far.answersOnce(sdpBody("m=audio 40000 RTP/AVP 0")) },
			time.Second, "refused:200 pcmu:sendrecv", "<INVITE <INVITE"},
		{"T.38 over TCP", func(_ *world, far *farCall) { far.answersOnce(sdpBody("m=image 40000 tcp t38")) },
			time.Second, "refused:200 pcmu:sendrecv", "<INVITE <INVITE"},
		{"200 without a description", func(_ *world, far *farCall) { far.answersOnce() },
			time.Second, sound + "refused:200", "<INVITE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			faxing(t, nil, func(w *world, far *farCall, c *Call) {
				tt.far(w, far)
				c.Switch(offer.Fax)
				w.after(tt.after)
				w.wantNews(tt.news)
				w.wantFar(far, tt.heard)
				if i := c.Info(); i.State != Connected || i.Codec != "pcmu" {
					w.t.Errorf("call %+v", i)
				}
				far.does(sipmsg.INVITE, nil)
				far.send(sipmsg.INVITE, far.offeringMode(offer.Sound)) // nothing hangs
				w.after(time.Second)
				w.wantFar(far, "INVITE:200")
				w.wantNews("pcmu:sendrecv")
				w.after(time.Minute)
				w.wantFar(far, "")
				c.Hangup()
				w.after(time.Minute)
				w.wantIdle()
			})
		})
	}
}

// The way back to sound may be refused as well: the fax stays.
func TestSwitchBackRefused(t *testing.T) {
	inFax(t, nil, func(w *world, far *farCall, c *Call) {
		far.refusesOnce(488)
		c.Switch(offer.Sound)
		w.after(time.Second)
		w.wantNews("refused:488")
		if i := c.Info(); i.Codec != "t38" || i.State != Connected {
			w.t.Errorf("call %+v", i)
		}
	})
}

// Switches that cannot be tried.
func TestSwitchWithoutT38(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.line.Dial(Dial{To: "600", Port: 1, Media: media, Handler: faxMachine{w.phone}})
		w.after(time.Second)
		w.phone.call().Switch(offer.Fax)
		w.after(time.Second)
		w.wantPhone("started ringing pcmu:sendrecv answered refused:488")
	})
	inWorld(t, nil, func(w *world) {
		w.primary.on(sipmsg.INVITE, w.primary.ring)
		w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
		w.after(time.Second)
		w.phone.call().Switch(offer.Fax)
		w.after(time.Second)
		w.wantPhone("started ringing refused:481")
	})
}

// A telephone's call takes no T.38, whatever its media say.
func TestNoT38ForATelephone(t *testing.T) {
	bothWays(t, nil, func(w *world, far *farCall, c *Call) {
		for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE} {
			far.send(method, far.offeringMode(offer.Fax))
			w.after(time.Second)
			w.wantFar(far, method+":488")
			w.wantNews("")
		}
		c.Switch(offer.Fax)
		w.after(time.Second)
		w.wantFar(far, "")
	})
}

// The line's credentials go with a switch where the line made the call. A far end that called is
// told nothing (reliability: the digest leak): sound goes on.
func TestSwitchChallenged(t *testing.T) {
	faxing(t, nil, func(w *world, far *farCall, c *Call) {
		far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			if in.Req.Header.Get("Proxy-Authorization") != "" {
				far.does(sipmsg.INVITE, nil)
				far.request(now, in)
				return
			}
			res := in.Response(407, "")
			res.Header.Add("Proxy-Authenticate", `Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth"`)
			in.RespondWith(now, res)
		})
		c.Switch(offer.Fax)
		w.after(time.Second)
		if c.Info().Incoming {
			w.wantNews("pcmu:sendrecv refused:407")
			return
		}
		w.wantNews("fax:10.0.0.9:40000 silence")
	})
}

// Glare: both sides offer at once. Who owns the Call-ID waits 2.1 to 4 s, the other up to 2 s (RFC
// 3261 section 14.1); then T.38 is there, by whose offer it may be.
func TestSwitchGlare(t *testing.T) {
	for _, theirs := range []offer.Mode{offer.Sound, offer.Fax} {
		t.Run(fmt.Sprint("their mode ", theirs), func(t *testing.T) {
			faxing(t, nil, func(w *world, far *farCall, c *Call) {
				w.net.Path(w.agent, w.primary.host).Delay(50 * time.Millisecond)
				w.net.Path(w.primary.host, w.agent).Delay(50 * time.Millisecond)
				far.refusesOnce(491)
				began := time.Now()
				c.Switch(offer.Fax)
				far.send(sipmsg.INVITE, far.offeringMode(theirs))
				w.after(100 * time.Millisecond)
				if got := far.news(); got != "<INVITE INVITE:491" && got != "INVITE:491 <INVITE" {
					w.t.Fatalf("far end heard %q", got)
				}
				far.s.post(func(time.Time) { far.offer.Revert() })
				w.after(5 * time.Second)
				w.wantNews("fax:10.0.0.9:40000 silence")
				at := w.primary.times(sipmsg.INVITE, began)
				least, most := 2100*time.Millisecond, 4*time.Second
				if c.Info().Incoming {
					least, most = 0, 2*time.Second
				}
				if len(at) != 2 || at[1]-at[0]-100*time.Millisecond < least || at[1]-at[0]-100*time.Millisecond > most {
					w.t.Errorf("INVITEs at %v, want %v to %v between them", at, least, most)
				}
				c.Hangup()
				w.after(time.Minute)
				w.wantIdle()
			})
		})
	}
}

// glare has the far end refuse a switch with 491, so that it waits. A wait of no time at all is tried
// again.
func (w *world) glare(far *farCall, c *Call) {
	for {
		far.refusesOnce(491)
		c.Switch(offer.Fax)
		w.after(0)
		var waits bool
		w.onLine(func() { waits = !c.s.offers.Deadline().IsZero() })
		if waits {
			return
		}
		c.Switch(offer.Sound)
		w.after(time.Second)
		w.phone.news()
		far.news()
	}
}

// What comes in the wait after a glare is taken. An offer of T.38 is all that was wanted; after another
// one ours follows.
func TestTheirOfferInTheGlareWait(t *testing.T) {
	for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE} {
		faxing(t, nil, func(w *world, far *farCall, c *Call) {
			w.glare(far, c)
			far.send(method, far.offeringMode(offer.Fax))
			w.after(10 * time.Second)
			w.wantFar(far, "<INVITE "+method+":200")
			w.wantNews("fax:10.0.0.9:40000 silence")
			far.send(method, far.offeringMode(offer.Sound))
			w.after(time.Second)
			w.phone.news()
			far.news()

			w.glare(far, c)
			far.send(method, far.offeringMode(offer.Sound))
			w.after(10 * time.Second)
			w.wantFar(far, "<INVITE "+method+":200 <INVITE")
			w.wantNews("pcmu:sendrecv fax:10.0.0.9:40000 silence")
			c.Hangup()
			w.after(time.Second)
			w.wantIdle()
		})
	}
}

// Who changes his mind while the offer is under way gets what he asked for last.
func TestSwitchTakenBack(t *testing.T) {
	faxing(t, nil, func(w *world, far *farCall, c *Call) {
		w.net.Path(w.agent, w.primary.host).Delay(50 * time.Millisecond)
		c.Switch(offer.Fax)
		w.after(10 * time.Millisecond)
		c.Switch(offer.Sound)
		w.after(time.Second)
		w.wantFar(far, "<INVITE <INVITE")
		w.wantNews("fax:10.0.0.9:40000 silence no-fax pcmu:sendrecv")
		far.refusesOnce(488)
		c.Switch(offer.Fax)
		w.after(10 * time.Millisecond)
		c.Switch(offer.Sound)
		w.after(time.Second)
		if got := w.phone.news(); strings.Contains(got, "fax") || strings.Contains(got, "refused") {
			w.t.Errorf("telephone heard %q", got)
		}
	})
}

// In a fax nothing moves the media but what means to: refreshes of every kind, holds from there
// and from here. All are answered with, or made of, the fax.
func TestFaxGoesOn(t *testing.T) {
	inFax(t, nil, func(w *world, far *farCall, c *Call) {
		live := func(m *sipmsg.Message) {
			w.t.Helper()
			if d := sdpOf(m); d == nil || d.Mode() != offer.Fax {
				w.t.Errorf("described %s", m.Body)
			}
			w.wantNews("")
			if i := c.Info(); i.Codec != "t38" || i.State != Connected {
				w.t.Errorf("call %+v", i)
			}
		}
		same := func(m *sipmsg.Message) { m.SetBody("application/sdp", far.offer.Local().Bytes()) }
		held := func(hold string) func(m *sipmsg.Message) {
			return func(m *sipmsg.Message) {
				m.SetBody("application/sdp", append(far.offer.Local().Bytes(), hold+"\r\n"...))
			}
		}
		for _, method := range []string{sipmsg.INVITE, sipmsg.UPDATE} {
			for _, change := range []func(m *sipmsg.Message){same, far.offeringMode(offer.Fax), held("a=sendonly"), held("a=inactive"), held("c=IN IP4 0.0.0.0")} {
				far.send(method, change)
				w.after(time.Second)
				w.wantFar(far, method+":200")
				live(far.got())
			}
		}
		far.send(sipmsg.INVITE)
		w.after(time.Second)
		w.wantFar(far, "INVITE:200")
		live(far.got())
		far.send(sipmsg.UPDATE)
		w.after(time.Second)
		w.wantFar(far, "UPDATE:200")
		w.wantNews("")
		c.Hold(true)
		c.Hold(false)
		w.after(time.Second)
		w.wantFar(far, "")
		w.wantNews("")

		far.send(sipmsg.INVITE, sdpBody("m=image 41000 udptl t38"))
		w.after(time.Second)
		w.wantFar(far, "INVITE:200")
		w.wantNews("fax:10.0.0.9:41000 silence")
		c.Hangup()
		w.after(time.Second)
		w.wantIdle()
	})
}

// A re-INVITE that comes before our 2xx to the INVITE is acknowledged.
func TestT38BeforeTheACK(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.phone.incoming = func(*Call) (Handler, int) { return faxMachine{w.phone}, 0 }
		far := w.primary.callLine()
		far.noACK = true
		w.after(time.Second)
		c := w.phone.call()
		c.Answer(faxMedia(), 1)
		w.after(10 * time.Millisecond)
		far.s.post(func(time.Time) { far.noACK = false })
		far.send(sipmsg.INVITE, far.offeringMode(offer.Fax))
		w.after(100 * time.Millisecond)
		w.wantPhone("started pcmu:sendrecv answered fax:10.0.0.9:40000 silence")
		w.after(time.Minute)
		if c.Info().State != Connected {
			t.Errorf("call %s", c.Info().State)
		}
		far.send(sipmsg.BYE)
		w.after(time.Second)
		w.wantIdle()
	})
}

// As the called side: the switch that is asked for as soon as the call is answered goes when the ACK
// has come, and not before.
func TestSwitchAsSoonAsAcknowledged(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.phone.incoming = func(*Call) (Handler, int) { return faxMachine{w.phone}, 0 }
		w.primary.callLine()
		w.after(time.Second)
		w.net.Path(w.primary.host, w.agent).Delay(300 * time.Millisecond)
		began := time.Now()
		w.phone.call().Answer(faxMedia(), 1)
		w.phone.call().Switch(offer.Fax)
		w.after(time.Second)
		if at := w.primary.times(sipmsg.INVITE, began); len(at) != 1 || at[0] != 300*time.Millisecond {
			t.Errorf("INVITE at %v, want when the ACK is here", at)
		}
		w.wantPhone("started pcmu:sendrecv answered fax:10.0.0.9:40000 silence")
	})
}

// answersLate has the server answer the next INVITE after a while, or never, and gives the far
// end's call, which believes that it is up.
func (s *fakeServer) answersLate(ring bool, after time.Duration) {
	s.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
		s.on(sipmsg.INVITE, nil)
		if ring {
			s.ring(now, in)
		}
		c := s.newCall()
		res := in.Response(200, "")
		s.routed(res)
		theirs, err := offer.Parse(in.Req.Body)
		if err != nil {
			panic(err)
		}
		res.SetBody("application/sdp", c.answer(theirs))
		if c.d, err = dialog.FromRequest(in.Req, res); err != nil {
			panic(err)
		}
		c.up.Store(true)
		if after > 0 {
			time.AfterFunc(after, func() { s.post(func(now time.Time) { in.RespondWith(now, res) }) })
		}
	})
}

// As the caller: an offer of T.38 that overtakes the 2xx waits for it.
func TestT38BeforeThe200(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ring   bool
		after  time.Duration // of the 200; 0: never
		method string
		far    string
		phone  string
	}{
		{"nothing before", false, time.Second, sipmsg.INVITE, "INVITE:100 INVITE:200", "started pcmu:sendrecv answered fax:10.0.0.9:40000 silence"},
		{"after a 180", true, time.Second, sipmsg.INVITE, "INVITE:100 INVITE:200", "started ringing pcmu:sendrecv answered fax:10.0.0.9:40000 silence"},
		{"an UPDATE", false, time.Second, sipmsg.UPDATE, "UPDATE:200", "started pcmu:sendrecv answered fax:10.0.0.9:40000 silence"},
		{"too late", true, 7 * time.Second, sipmsg.INVITE, "INVITE:100 INVITE:500", "started ringing pcmu:sendrecv answered"},
		{"never", false, 0, sipmsg.INVITE, "INVITE:100 INVITE:500", "started"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, []string{"signal_retry_counts = 5"}, func(w *world) {
				w.primary.answersLate(tt.ring, tt.after)
				w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
				w.after(100 * time.Millisecond)
				far := w.primary.call()
				far.send(tt.method, far.offeringMode(offer.Fax))
				w.after(8 * time.Second)
				w.wantFar(far, tt.far)
				w.wantPhone(tt.phone)
				if got := far.got(); got.StatusCode == 500 && got.Header.Get("Retry-After") == "" {
					t.Error("500 without Retry-After")
				}
				w.phone.call().Hangup()
				w.after(2 * time.Minute)
				w.wantIdle()
			})
		})
	}
}

// One that waits is not kept when the call is over, and can be given up by its sender. No more than two
// wait.
func TestOvertakenRequestsEnd(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.answersLate(true, 0)
		w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
		w.after(100 * time.Millisecond)
		far := w.primary.call()
		var reqs []*ua.Request
		for range maxOvertaken + 1 {
			far.s.post(func(now time.Time) {
				m := far.d.Request(sipmsg.INVITE)
				r := &ua.Request{Msg: m, Target: far.s.wayTo(far.d.Target), Retransmissions: -1,
					On: func(_ time.Time, a ua.Answer) { far.requestAnswered(sipmsg.INVITE, a) }}
				reqs = append(reqs, r)
				far.s.e.Send(now, r)
			})
		}
		w.after(300 * time.Millisecond)
		w.wantFar(far, "INVITE:500 INVITE:100 INVITE:100")
		far.s.post(func(now time.Time) { far.s.e.Cancel(now, reqs[0], -1, nil) })
		w.after(100 * time.Millisecond)
		w.wantFar(far, "INVITE:487")
		w.phone.call().Hangup()
		w.after(5 * time.Second)
		w.wantFar(far, "INVITE:500")
		w.after(2 * time.Minute)
		w.wantIdle()
	})
}

// An INVITE of T.38 alone, and one with sound beside it.
func TestT38InTheFirstInvite(t *testing.T) {
	const both, sound, fax = "m=audio 40000 RTP/AVP 0|m=image 40002 udptl t38", "pcmu:sendrecv", "fax:10.0.0.9:40002 silence"
	alone := strings.Split(both, "|")[1]
	for _, tt := range []struct {
		name   string
		device bool
		offer  string
		mode   offer.Mode // as it is offered to the owner
		media  func() Media
		want   offer.Mode
		far    string
		phone  string
	}{
		{"alone", true, alone, offer.Fax, faxMedia, offer.Sound, "100 200", "started " + fax + " answered"},
		{"alone, at a device without T.38", false, alone, 0, faxMedia, offer.Sound, "488", ""},
		{"alone, at a telephone", true, alone, offer.Fax, func() Media { return media }, offer.Sound, "100 488", "started ended"},
		{"beside sound, sound preferred", true, both, offer.SoundAndFax, faxMedia, offer.Sound, "100 200", "started " + sound + " answered"},
		{"beside sound, T.38 preferred", true, both, offer.SoundAndFax, faxMedia, offer.FaxPreferred, "100 200", "started " + fax + " answered"},
		{"beside sound, at a device without T.38", false, both, offer.SoundAndFax, func() Media { return media }, offer.FaxPreferred, "100 200", "started " + sound + " answered"},
		{"over TCP", true, "m=image 40000 tcp t38", 0, faxMedia, offer.Fax, "488", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := makeWorld(t)
				w.start()
				if tt.device {
					w.onLine(func() { w.line.dev.T38 = func() *offer.T38 { return relay } })
				}
				w.after(time.Second)
				var offered offer.Mode
				w.phone.incoming = func(c *Call) (Handler, int) {
					offered = c.Offered()
					return faxMachine{w.phone}, 0
				}
				far := w.primary.callLine(sdpBody(strings.Split(tt.offer, "|")...))
				w.after(time.Second)
				if c := w.phone.call(); c != nil {
					m := tt.media()
					m.Want = tt.want
					c.Answer(m, 1)
					w.after(time.Second)
				}
				w.wantFar(far, tt.far)
				w.wantPhone(tt.phone)
				if offered != tt.mode {
					t.Errorf("offered to the owner as %d, want %d", offered, tt.mode)
				}
				if c := w.phone.call(); c != nil {
					c.Hangup()
				}
				w.after(time.Minute)
				w.wantIdle()
			})
		})
	}
}

// Our own first INVITE: sound, T.38, or both, of which the far end takes what it likes.
func TestT38InOurFirstInvite(t *testing.T) {
	for _, tt := range []struct {
		want   offer.Mode
		port   uint16 // of the second socket
		answer string
		offer  offer.Mode
		phone  string
	}{
		{offer.Sound, 16386, "m=audio 40000 RTP/AVP 0", offer.Sound, "pcmu:sendrecv answered"},
		{offer.Fax, 0, "m=image 40002 udptl t38", offer.Fax, "fax:10.0.0.9:40002 silence answered"},
		{offer.Fax, 0, "m=image 0 udptl t38", offer.Fax, "ended"},
		{offer.SoundAndFax, 0, "m=audio 40000 RTP/AVP 0", offer.Sound, "pcmu:sendrecv answered"},
		{offer.SoundAndFax, 16386, "m=audio 40000 RTP/AVP 0|m=image 40002 udptl t38", offer.SoundAndFax, "fax:10.0.0.9:40002 pcmu:sendrecv answered"},
		{offer.SoundAndFax, 16386, "m=audio 40000 RTP/AVP 0|m=image 0 udptl t38", offer.SoundAndFax, "pcmu:sendrecv answered"},
		{offer.SoundAndFax, 16386, "m=audio 0 RTP/AVP 0|m=image 40002 udptl t38", offer.SoundAndFax, "fax:10.0.0.9:40002 silence answered"},
	} {
		t.Run(fmt.Sprint(tt.want, tt.answer), func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
					w.primary.takeWith(now, in, sdpBody(strings.Split(tt.answer, "|")...))
				})
				if tt.want == offer.Fax {
					w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
						res := in.Response(200, "")
						w.primary.routed(res)
						sdpBody(tt.answer)(res)
						in.RespondWith(now, res)
					})
				}
				m := faxMedia()
				m.Want, m.UDPTLPort = tt.want, tt.port
				w.line.Dial(Dial{To: "600", Port: 1, Media: m, Handler: faxMachine{w.phone}})
				w.after(time.Second)
				w.wantPhone("started " + tt.phone)
				d := sdpOf(w.primary.last(sipmsg.INVITE))
				if d.Mode() != tt.offer {
					t.Errorf("offered %d, want %d:\n%s", d.Mode(), tt.offer, d.Bytes())
				}
				if tt.offer == offer.SoundAndFax && d.Media[1].Port != int(tt.port) {
					t.Errorf("T.38 at %d", d.Media[1].Port)
				}
			})
		})
	}
}

// A fax of half an hour with a session of 90 s: whoever refreshes it, and however, no refresh
// touches the fax.
func TestSessionTimerInAFax(t *testing.T) {
	settings := []string{"session_expires_s = 90"}
	for _, update := range []bool{true, false} {
		t.Run(fmt.Sprint("refreshed here, UPDATE ", update), func(t *testing.T) {
			inWorld(t, settings, func(w *world) {
				expires := with("Session-Expires", "90;refresher=uac")
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
					w.primary.takeWith(now, in, expires, func(res *sipmsg.Message) {
						if !update {
							res.Header.Set("Allow", "INVITE, ACK, BYE")
						}
					})
				})
				w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
				w.after(time.Second)
				w.primary.on(sipmsg.INVITE, nil)
				far, c := w.primary.call(), w.phone.call()
				refresh := func(now time.Time, in *ua.Incoming) {
					res := in.Response(200, "")
					w.primary.routed(res)
					expires(res)
					if theirs, err := offer.Parse(in.Req.Body); err == nil {
						res.SetBody("application/sdp", far.answer(theirs))
					}
					in.RespondWith(now, res)
				}
				far.does(sipmsg.INVITE, refresh)
				far.does(sipmsg.UPDATE, refresh)
				w.phone.news()
				c.Switch(offer.Fax)
				w.after(time.Second)
				w.wantNews("fax:10.0.0.9:40000 silence")
				far.news()
				version := sdpOf(w.primary.last(sipmsg.INVITE)).Origin.Version
				began, method := time.Now(), sipmsg.UPDATE
				if !update {
					method = sipmsg.INVITE
				}
				w.after(30 * time.Minute)
				if n := len(w.primary.times(method, began)); n < 39 || n > 41 {
					t.Errorf("%d refreshes", n)
				}
				if d := sdpOf(w.primary.last(sipmsg.INVITE)); d.Mode() != offer.Fax || d.Origin.Version != version {
					t.Errorf("refreshed with\n%s", d.Bytes())
				}
				w.wantNews("")
				if c.Info().Codec != "t38" {
					t.Errorf("call %+v", c.Info())
				}
			})
		})
	}
	for _, how := range []string{"UPDATE", "UPDATE with T.38", "INVITE with T.38", "INVITE"} {
		t.Run("refreshed there by "+how, func(t *testing.T) {
			faxing(t, settings, func(w *world, far *farCall, c *Call) {
				expires := with("Session-Expires", "90;refresher=uac")
				far.send(sipmsg.INVITE, far.offeringMode(offer.Fax), with("Supported", "timer"), expires)
				w.after(time.Second)
				w.wantNews("fax:10.0.0.9:40000 silence")
				far.news()
				method, _, sdp := strings.Cut(how, " ")
				for range 40 {
					w.after(44 * time.Second)
					far.send(method, with("Supported", "timer"), expires, func(m *sipmsg.Message) {
						if sdp {
							m.SetBody("application/sdp", far.offer.Local().Bytes())
						}
					})
					w.after(time.Second)
					w.wantFar(far, method+":200")
					if d := sdpOf(far.got()); d != nil && (d.Mode() != offer.Fax || d.Origin.Version != "2") {
						w.t.Fatalf("described\n%s", d.Bytes())
					}
				}
				w.wantNews("")
				w.after(2 * time.Minute) // and no refresh any more
				if r := w.phone.reason(); !strings.Contains(r.Text, "session expired") {
					w.t.Errorf("reason %+v", r)
				}
				w.wantIdle()
			})
		})
	}
}

// The primary dies in mid-fax. The session is refreshed by way of the backup, before it
// expires, and the fax goes on; so does what is asked for meanwhile.
func TestServerDiesInAFax(t *testing.T) {
	for _, f := range []struct {
		name   string
		strike memnet.Fault
	}{{"silent", memnet.Silent}, {"refusing", memnet.Refusing}} {
		for _, update := range []bool{true, false} {
			t.Run(fmt.Sprint(f.name, " UPDATE ", update), func(t *testing.T) {
				inWorld(t, []string{"session_expires_s = 90"}, func(w *world) {
					expires := with("Session-Expires", "90;refresher=uac")
					w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
						w.primary.takeWith(now, in, expires, func(res *sipmsg.Message) {
							if !update {
								res.Header.Set("Allow", "INVITE, ACK, BYE")
							}
						})
					})
					w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
					w.after(time.Second)
					w.primary.on(sipmsg.INVITE, nil)
					far, c := w.primary.call(), w.phone.call()
					refresh := func(now time.Time, in *ua.Incoming) {
						res := in.Response(200, "")
						w.primary.routed(res)
						expires(res)
						if theirs, err := offer.Parse(in.Req.Body); err == nil {
							res.SetBody("application/sdp", far.answer(theirs))
						}
						in.RespondWith(now, res)
					}
					for _, s := range []*fakeServer{w.primary, w.backup} {
						s.on(sipmsg.INVITE, refresh)
						s.on(sipmsg.UPDATE, refresh)
					}
					c.Switch(offer.Fax)
					w.after(10 * time.Second)
					w.phone.news()
					w.primary.host.Fail(f.strike)
					w.after(20 * time.Minute)
					w.wantNews("")
					if i := c.Info(); i.State != Connected || i.Codec != "t38" || i.Server != registrar.Backup {
						t.Fatalf("call %+v: %s", i, w.phone.reason().Text)
					}
					c.Switch(offer.Sound)
					w.after(time.Second)
					w.wantNews("no-fax pcmu:sendrecv")
					c.Hangup()
					w.after(time.Second)
					if n := len(w.backup.all(sipmsg.BYE)); n != 1 {
						t.Errorf("%d BYEs by the backup", n)
					}
					w.after(time.Minute)
					w.wantIdle()
				})
			})
		}
	}
}

// A switch that the dead server swallows goes by the other one.
func TestServerDiesBeforeTheSwitch(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
		w.after(time.Second)
		far := w.primary.call()
		w.backup.on(sipmsg.INVITE, far.request)
		w.phone.news()
		w.primary.host.Fail(memnet.Silent)
		c := w.phone.call()
		c.Switch(offer.Fax)
		w.after(span + time.Second)
		w.wantNews("fax:10.0.0.9:40000 silence")
		// What the primary answers late, if it comes back, is acknowledged and no more.
		w.primary.host.Fail(memnet.Alive)
		w.after(time.Minute)
		if i := c.Info(); i.Codec != "t38" || i.State != Connected {
			t.Errorf("call %+v", i)
		}
		c.Hangup()
		w.after(time.Minute)
		w.wantIdle()
	})
}

// A 2xx to a re-INVITE that was given up: the far end has the fax in force, this side has sound, and
// says so.
func TestLate200ToASwitch(t *testing.T) {
	faxing(t, nil, func(w *world, far *farCall, c *Call) {
		far.does(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			far.does(sipmsg.INVITE, nil)
			time.AfterFunc(70*time.Second, func() {
				far.s.post(func(now time.Time) { far.request(now, in) })
			})
		})
		c.Switch(offer.Fax)
		w.after(69 * time.Second)
		w.wantNews("refused:408")
		w.after(5 * time.Second)
		if i := c.Info(); i.State != Connected || i.Codec != "pcmu" {
			w.t.Errorf("call %+v: %s", i, w.phone.heard())
		}
		if m := far.offer.Mode(); m != offer.Sound {
			w.t.Errorf("the far end is at %d", m)
		}
		c.Hangup()
		w.after(time.Minute)
		w.wantIdle()
	})
}

// The end of a call at any point of a switch, from either side: told once, nothing left.
func TestEndInASwitch(t *testing.T) {
	for _, after := range []time.Duration{0, 10, 60, 110, 160, 500} {
		for _, here := range []bool{true, false} {
			faxing(t, nil, func(w *world, far *farCall, c *Call) {
				w.net.Path(w.agent, w.primary.host).Delay(50 * time.Millisecond)
				w.net.Path(w.primary.host, w.agent).Delay(50 * time.Millisecond)
				c.Switch(offer.Fax)
				w.after(after * time.Millisecond)
				if here {
					c.Hangup()
				} else {
					far.send(sipmsg.BYE)
				}
				c.Switch(offer.Sound)
				w.after(2 * time.Minute)
				if got := w.phone.news(); strings.Count(got, "ended") != 1 || !strings.HasSuffix(got, "ended") || strings.Contains(got, "refused") {
					w.t.Errorf("%v, here %t: %q", after, here, got)
				}
				w.wantIdle()
			})
		}
	}
}

// A call behind a mapped address offers T.38 at it.
func TestT38AtAMappedAddress(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		m := faxMedia()
		m.Want, m.UDPTLPort = offer.SoundAndFax, 16386
		m.Mapped, m.MappedUDPTL = netip.MustParseAddrPort("198.51.100.1:3000"), netip.MustParseAddrPort("198.51.100.1:3002")
		w.line.Dial(Dial{To: "600", Port: 1, Media: m, Handler: faxMachine{w.phone}})
		w.after(time.Second)
		d := sdpOf(w.primary.last(sipmsg.INVITE))
		if d.Connection.Host != "198.51.100.1" || d.Media[0].Port != 3000 || d.Media[1].Port != 3002 {
			t.Errorf("offered\n%s", d.Bytes())
		}
	})
}
