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
)

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

// shortSession dials a fax in a session of 90 s that we refresh, by UPDATE where the far end takes
// it. refresh is how the far end answers that.
func shortSession(w *world, update bool) (far *farCall, c *Call, refresh func(time.Time, *ua.Incoming)) {
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
	far, c = w.primary.call(), w.phone.call()
	return far, c, func(now time.Time, in *ua.Incoming) {
		res := in.Response(200, "")
		w.primary.routed(res)
		expires(res)
		if theirs, err := offer.Parse(in.Req.Body); err == nil {
			res.SetBody("application/sdp", far.answer(theirs))
		}
		in.RespondWith(now, res)
	}
}

// A fax of half an hour with a session of 90 s: whoever refreshes it, and however, no refresh
// touches the fax.
func TestSessionTimerInAFax(t *testing.T) {
	settings := []string{"session_expires_s = 90"}
	for _, update := range []bool{true, false} {
		t.Run(fmt.Sprint("refreshed here, UPDATE ", update), func(t *testing.T) {
			inWorld(t, settings, func(w *world) {
				far, c, refresh := shortSession(w, update)
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

// An INVITE without an offer is answered with what the call's owner wants, and the ACK brings what
// comes of it.
func TestT38WithoutAnOffer(t *testing.T) {
	for _, tt := range []struct {
		want  offer.Mode
		offer offer.Mode
		phone string
	}{
		{offer.Sound, offer.Sound, "answered pcmu:sendrecv"},
		{offer.FaxPreferred, offer.Sound, "answered pcmu:sendrecv"},
		{offer.Fax, offer.Fax, "answered fax:10.0.0.9:40000 silence"},
		{offer.SoundAndFax, offer.SoundAndFax, "answered pcmu:sendrecv"},
	} {
		inWorld(t, nil, func(w *world) {
			w.phone.incoming = func(*Call) (Handler, int) { return faxMachine{w.phone}, 0 }
			far := w.primary.callLine(func(m *sipmsg.Message) { m.SetBody("", nil) })
			w.after(time.Second)
			m := faxMedia()
			m.Want, m.UDPTLPort = tt.want, 16386
			w.phone.call().Answer(m, 1)
			w.after(time.Second)
			if got := sdpOf(far.got()).Mode(); got != tt.offer {
				t.Errorf("wanted %d, offered %d", tt.want, got)
			}
			if got := strings.TrimPrefix(w.phone.news(), "started silence "); got != tt.phone {
				t.Errorf("wanted %d, telephone heard %q, want %q", tt.want, got, tt.phone)
			}
		})
	}
}

// A call for modems offers G.711 alone, where the line has nothing of it too.
func TestG711Alone(t *testing.T) {
	for codecs, want := range map[string]string{"g722,pcma,pcmu": "8 0 101", "g722": "0 8 101", "pcmu": "0 101"} {
		inWorld(t, []string{"codecs = " + codecs}, func(w *world) {
			m := faxMedia()
			m.G711 = true
			w.line.Dial(Dial{To: "600", Port: 1, Media: m, Handler: faxMachine{w.phone}})
			w.after(time.Second)
			if got := strings.Join(sdpOf(w.primary.last(sipmsg.INVITE)).Media[0].Formats, " "); got != want {
				t.Errorf("%s: offered %s, want %s", codecs, got, want)
			}
		})
	}
}
