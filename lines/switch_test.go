package lines

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
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
