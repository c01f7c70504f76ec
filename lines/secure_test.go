package lines

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/internal/media/srtp"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transport/memnet"
)

// byTLS are the settings of a line whose servers are reached by TLS.
func byTLS(settings ...string) []string {
	return append(settings, "transport = tls", "backup_transport = tls", "register_port = 5060", "backup_port = 5060")
}

// keysOf are the a=crypto lines of a message.
func keysOf(m *sipmsg.Message) (keys []string) {
	for line := range strings.Lines(string(m.Body)) {
		if key, ok := strings.CutPrefix(strings.TrimSpace(line), "a=crypto:"); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// shared checks that the far end of a call has the keys that this side has.
func shared(t testing.TB, far *farCall, c *Call) *srtp.Keys {
	t.Helper()
	var ours *srtp.Keys
	done := make(chan struct{})
	c.post(func(time.Time) {
		defer close(done)
		if a := c.s.offer.Audio(); a != nil {
			ours = a.SRTP
		}
	})
	<-done
	theirs := far.offer.Audio().SRTP
	switch {
	case (ours == nil) != (theirs == nil):
		t.Errorf("one side encrypts: %v, %v", ours, theirs)
	case ours != nil && (ours.Local != theirs.Remote || ours.Remote != theirs.Local):
		t.Error("the keys do not fit")
	}
	if c.Info().SRTP != (ours != nil) {
		t.Errorf("shown: %v", c.Info().SRTP)
	}
	return ours
}

// Calls both ways, by TLS, of every setting with every far end.
func TestSecureCalls(t *testing.T) {
	for _, tt := range []struct {
		setting string
		far     offer.Security
		out, in string
	}{
		{"off", offer.Plain, "plain", "plain"}, {"off", offer.Opportunistic, "plain", "plain"}, {"off", offer.Encrypted, "488", "488"},
		{"optional", offer.Plain, "plain", "plain"}, {"optional", offer.Opportunistic, "encrypted", "encrypted"}, {"optional", offer.Encrypted, "encrypted", "encrypted"},
		{"required", offer.Plain, "488", "488"}, {"required", offer.Opportunistic, "encrypted", "encrypted"}, {"required", offer.Encrypted, "encrypted", "encrypted"},
	} {
		t.Run(fmt.Sprint(tt.setting, " ", tt.far), func(t *testing.T) {
			inWorld(t, byTLS("srtp = "+tt.setting), func(w *world) {
				w.primary.security = tt.far
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
					if _, err := offerOf(tt.far).Answer(sdpOf(in.Req)); err != nil {
						in.Respond(now, 488, "")
						return
					}
					w.primary.take(now, in)
				})
				outcome := func(far *farCall) string {
					c := w.phone.call()
					if c == nil || c.Info().State != Connected {
						if r := w.phone.reason(); c != nil {
							return fmt.Sprint(r.Code)
						}
						return far.news()
					}
					secret := shared(w.t, far, c) != nil
					c.Hangup()
					w.after(time.Second)
					if secret {
						return "encrypted"
					}
					return "plain"
				}
				w.dial("600")
				w.after(time.Second)
				invite := w.primary.last(sipmsg.INVITE)
				if profile := sdpOf(invite).Media[0].Proto; (profile == "RTP/SAVP") != (tt.setting == "required") || (len(keysOf(invite)) > 0) != (tt.setting != "off") {
					t.Errorf("offered\n%s", invite.Body)
				}
				var far *farCall
				if tt.out != "488" {
					far = w.primary.call()
				}
				if got := outcome(far); got != tt.out {
					t.Errorf("out: %s, want %s (%+v)", got, tt.out, w.phone.reason())
				}

				w.primary.on(sipmsg.INVITE, nil)
				w.phone.calls = nil
				w.phone.incoming = func(c *Call) (Handler, int) {
					w.phone.calls = append(w.phone.calls, c)
					c.Answer(media, 1)
					return w.phone, 0
				}
				far = w.primary.callLine()
				w.after(time.Second)
				if got := outcome(far); got != tt.in {
					t.Errorf("in: %s, want %s", got, tt.in)
				}
				w.wantIdle()
			})
		})
	}
}

func offerOf(s offer.Security) *offer.Session {
	o := newOffer()
	o.SetCapabilities(farSecurity(s))
	return o
}

// Who has to encrypt may refuse keys beside plain sound, and is offered encrypted sound alone.
func TestFarEndThatTakesSAVPAlone(t *testing.T) {
	for _, answers := range []bool{true, false} {
		inWorld(t, byTLS("srtp = optional"), func(w *world) {
			w.primary.security = offer.Encrypted
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				if sdpOf(in.Req).Media[0].Proto == "RTP/AVP" || !answers {
					in.Respond(now, 488, "")
					return
				}
				w.primary.take(now, in)
			})
			w.dial("600")
			w.after(time.Second)
			if n := len(w.primary.all(sipmsg.INVITE)); n != 2 {
				t.Errorf("%d INVITEs", n)
			}
			if !answers {
				w.wantNews("started ended")
				return
			}
			w.wantNews("started pcmu:sendrecv answered")
			if shared(t, w.primary.call(), w.phone.call()) == nil {
				t.Error("not encrypted")
			}
		})
	}
}

// Where everybody on the way could read them, no keys go, unless they are to.
func TestKeysNeedTLS(t *testing.T) {
	for _, tt := range []struct {
		settings []string
		out      string // of a far end that could encrypt
		in       string // of one that insists
	}{
		{[]string{"srtp = optional"}, "plain", "488"},
		{[]string{"srtp = required"}, "488", "488"},
		{[]string{"srtp = optional", "transport = tcp", "backup_transport = tcp"}, "plain", "488"},
		{[]string{"srtp = optional", "srtp_over_clear = 1"}, "encrypted", "200"},
		{[]string{"srtp = required", "srtp_over_clear = 1"}, "encrypted", "200"},
	} {
		t.Run(strings.Join(tt.settings, ","), func(t *testing.T) {
			inWorld(t, tt.settings, func(w *world) {
				w.primary.security = offer.Opportunistic
				w.dial("600")
				w.after(time.Second)
				got := ""
				if c := w.phone.call(); c.Info().State == Connected {
					if got = "plain"; shared(t, w.primary.call(), c) != nil {
						got = "encrypted"
					}
					c.Hangup()
				} else if r := w.phone.reason(); strings.Contains(r.Text, "srtp_over_clear") {
					got = fmt.Sprint(r.Code)
				}
				w.after(time.Second)
				if got != tt.out {
					t.Errorf("out: %q, want %q: %+v", got, tt.out, w.phone.reason())
				}
				if tt.out != "encrypted" {
					for _, m := range w.primary.all(sipmsg.INVITE) {
						if len(keysOf(m)) > 0 {
							t.Errorf("keys in\n%s", m.Body)
						}
					}
				}
				w.primary.security = offer.Encrypted
				w.phone.incoming = func(c *Call) (Handler, int) { c.Answer(media, 1); return w.phone, 0 }
				far := w.primary.callLine()
				w.after(time.Second)
				if got := far.news(); got != tt.in {
					t.Errorf("in: %q, want %q", got, tt.in)
				}
				if why := far.got().Header.Get("Warning"); tt.in == "488" && (!strings.HasPrefix(why, "302 ") || !strings.Contains(why, "srtp_over_clear")) {
					t.Errorf("Warning: %s", why)
				}
			})
		})
	}
}

// Who calls for help is put through, encrypted or not.
func TestEmergencyCallWithoutSRTP(t *testing.T) {
	for _, settings := range [][]string{{"srtp = required"}, byTLS("srtp = required")} {
		inWorld(t, settings, func(w *world) {
			w.dialEmergency("112")
			w.after(time.Second)
			w.wantNews("started ringing pcmu:sendrecv answered")
		})
	}
}

// An answer that takes away what was required ends the call: there is no response to refuse it by.
func TestDowngradedAnswer(t *testing.T) {
	for name, change := range map[string]func(body string) string{
		"RTP/AVP": func(body string) string { return strings.Replace(body, "RTP/SAVP", "RTP/AVP", 1) },
		"no key":  func(body string) string { return strings.Replace(body, "a=crypto", "a=crypta", 1) },
		"no key, RTP/AVP": func(body string) string {
			return strings.NewReplacer("a=crypto", "a=x", "RTP/SAVP", "RTP/AVP").Replace(body)
		},
		"another tag":      func(body string) string { return strings.Replace(body, "a=crypto:1 ", "a=crypto:77 ", 1) },
		"two lines in one": func(body string) string { return strings.Replace(body, " inline:", " inline:AAAA;inline:", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, byTLS("srtp = required"), func(w *world) {
				w.primary.security = offer.Encrypted
				w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
					w.primary.takeWith(now, in, func(res *sipmsg.Message) { res.SetBody(sdpType, []byte(change(string(res.Body)))) })
				})
				w.dial("600")
				w.after(time.Second)
				w.wantNews("started ended")
				if r := w.phone.reason(); r.Code != 488 || r.By != FarEnd {
					t.Errorf("%+v", r)
				}
				if n := len(w.primary.all(sipmsg.BYE)); n != 1 {
					t.Errorf("%d BYEs", n)
				}
				w.wantIdle()
			})
		})
	}
}

// What happens in a call and changes no key, what changes them, and what is refused.
func TestKeysInACall(t *testing.T) {
	inWorld(t, byTLS("srtp = required"), func(w *world) {
		w.primary.security = offer.Encrypted
		c := w.talking()
		far := w.primary.call()
		first := *shared(t, far, c)
		for _, step := range []func(){
			func() { c.Hold(true) },
			func() { c.Hold(false) },
			func() { far.send(sipmsg.INVITE, far.offering(offer.SendOnly)) },
			func() { far.send(sipmsg.UPDATE, far.offering(offer.SendRecv)) },
			func() { far.send(sipmsg.UPDATE) },
		} {
			step()
			w.after(time.Second)
			if now := shared(t, far, c); now == nil || *now != first {
				t.Errorf("other keys: %v", now)
			}
		}
		// Without an offer the far end may be another: all is new.
		far.send(sipmsg.INVITE)
		w.after(time.Second)
		second := shared(t, far, c)
		if second == nil || second.Local == first.Local {
			t.Error("no new key for a far end that may be another")
		}
		// A plain offer is refused, and the call goes on as it was.
		far.news()
		w.phone.news()
		far.send(sipmsg.INVITE, func(m *sipmsg.Message) {
			body := strings.ReplaceAll(string(far.propose(offer.SendRecv)), "RTP/SAVP", "RTP/AVP")
			m.SetBody(sdpType, []byte(strings.ReplaceAll(body, "a=crypto", "a=x")))
		})
		w.after(time.Second)
		if got := far.news(); got != "INVITE:488" {
			t.Errorf("a plain offer: %q", got)
		}
		far.offer.Revert()
		if now := shared(t, far, c); c.Info().State != Connected || *now != *second {
			t.Errorf("after a refused offer: %+v", c.Info())
		}
		// A new key of the far end's is followed.
		far.offer = offerOf(offer.Encrypted)
		far.send(sipmsg.INVITE, far.offering(offer.SendRecv))
		w.after(time.Second)
		if now := shared(t, far, c); now.Remote == second.Remote || now.Local == second.Local {
			t.Error("the keys are the old ones")
		}
		c.Hangup()
		w.after(time.Second)
		w.wantIdle()
	})
}

// A fax by T.38 stands in the clear in the place of encrypted sound, which comes back with new keys.
func TestSecureSoundAndFax(t *testing.T) {
	inWorld(t, byTLS("srtp = required"), func(w *world) {
		w.primary.security = offer.Encrypted
		w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
		w.after(time.Second)
		c, far := w.phone.call(), w.primary.call()
		first := *shared(t, far, c)
		c.Switch(offer.Fax)
		w.after(time.Second)
		if i := c.Info(); i.Codec != "t38" || i.SRTP {
			t.Errorf("%+v", i)
		}
		c.Switch(offer.Sound)
		w.after(time.Second)
		if now := shared(t, far, c); now == nil || now.Local == first.Local || now.Remote == first.Remote {
			t.Errorf("after the fax: %v", now)
		}
	})
}

// Each INVITE of a call has keys of its own, so that a server that did not take it cannot listen.
func TestFailoverHasNewKeys(t *testing.T) {
	inWorld(t, byTLS("srtp = required"), func(w *world) {
		w.primary.security, w.backup.security = offer.Encrypted, offer.Encrypted
		w.primary.refuses(sipmsg.INVITE, 503)
		w.dial("600")
		w.after(10 * time.Second)
		a, b := keysOf(w.primary.last(sipmsg.INVITE)), keysOf(w.backup.last(sipmsg.INVITE))
		if len(a) != 4 || len(b) != 4 || a[0] == b[0] {
			t.Errorf("%v\n%v", a, b)
		}
		shared(t, w.backup.call(), w.phone.call())
	})
}

// Each fork has its own keys, and what is in force is that of the one that answers.
func TestForksHaveTheirKeys(t *testing.T) {
	inWorld(t, byTLS("srtp = optional"), func(w *world) {
		w.primary.security = offer.Opportunistic
		w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
			for _, tag := range []string{"one", "two"} {
				w.primary.progress(now, in, 183, func(res *sipmsg.Message) {
					res.To = in.Req.To.WithTag(tag)
					w.primary.early(in, res)
				})
			}
			w.primary.takeWith(now, in)
		})
		w.dial("600")
		w.after(time.Second)
		w.wantNews("started pcmu:sendrecv pcmu:sendrecv pcmu:sendrecv answered")
		shared(t, w.primary.call(), w.phone.call())
		seen := map[srtp.Key]bool{}
		for _, far := range w.primary.calls {
			seen[far.offer.Audio().SRTP.Local] = true
		}
		if len(seen) != 3 {
			t.Errorf("%d keys of three forks", len(seen))
		}
	})
}

// The primary, reached by TLS, dies in a call; the backup is reached by UDP. What goes on by it
// carries no keys.
func TestKeysStayWhereNobodyReadsThem(t *testing.T) {
	inWorld(t, []string{"srtp = optional", "transport = tls", "register_port = 5060"}, func(w *world) {
		w.primary.security, w.backup.security = offer.Opportunistic, offer.Opportunistic
		c := w.talking()
		if shared(t, w.primary.call(), c) == nil {
			t.Fatal("not encrypted")
		}
		w.primary.host.Fail(memnet.Silent)
		c.Hold(true)
		w.after(2 * time.Minute)
		c.Hold(false)
		w.after(2 * time.Minute)
		for _, m := range w.backup.all(sipmsg.INVITE) {
			if len(keysOf(m)) > 0 {
				t.Errorf("keys over UDP:\n%s", m.Body)
			}
		}
		if i := c.Info(); i.State == Ended || !i.SRTP {
			t.Errorf("the call: %+v, %+v", i, w.phone.reason())
		}
		c.Hangup()
		w.after(time.Minute)
		w.wantIdle()
		// A new call by the backup is plain.
		w.dial("601")
		w.after(10 * time.Second)
		if c := w.phone.call(); c.Info().State != Connected || c.Info().SRTP {
			t.Errorf("by UDP: %+v", c.Info())
		}
	})
}

// No key stands in the log, on the ladder or in a capture.
func TestKeysAreNotWrittenDown(t *testing.T) {
	var book bytes.Buffer
	inWorld(t, nil, func(w *world) {
		w.line.Stop(w.ctx)
		w.book = &book
		trace := w.traced()
		w.start("srtp = required", "srtp_over_clear = 1")
		w.after(time.Second)
		w.primary.security = offer.Encrypted
		c := w.talking()
		c.Hold(true)
		w.after(time.Second)
		c.Hangup()
		w.after(time.Second)
		ladder, _ := trace.Ladder(c.Info().ID)
		var shown strings.Builder
		for _, s := range ladder.Steps {
			fmt.Fprintf(&shown, "%+v", s)
		}
		pcap, _ := trace.Pcap(c.Info().ID)
		if !strings.Contains(shown.String(), "inline:xxxxxxxxxx") || !bytes.Contains(pcap, []byte("inline:xxxxxxxxxx")) {
			t.Errorf("the ladder shows no keys to be hidden: %.300s", shown.String())
		}
		for _, m := range append(w.primary.all(sipmsg.INVITE), w.phone.callMessages(w.primary)...) {
			for _, key := range keysOf(m) {
				_, secret, _ := strings.Cut(key, "inline:")
				if secret == "" || strings.Contains(shown.String(), secret) || bytes.Contains(pcap, []byte(secret)) || strings.Contains(book.String(), secret) {
					t.Errorf("%q is written down", key)
				}
			}
		}
	})
}

// callMessages are what the far ends of a server said in their calls.
func (p *fakePhone) callMessages(s *fakeServer) (all []*sipmsg.Message) {
	for _, far := range s.calls {
		m := &sipmsg.Message{}
		m.SetBody(sdpType, far.offer.Local().Bytes())
		all = append(all, m)
	}
	return all
}
