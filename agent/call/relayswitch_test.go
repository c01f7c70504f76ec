package call

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/internal/dsp"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
)

func TestWhoAsksForT38(t *testing.T) {
	const (
		calls, answers = true, false
		near, far      = true, false
	)
	for _, tt := range []struct {
		reinvite    string
		sends, near bool
		tone        dsp.FaxTone
		preamble    bool // is listened for
		want        asking
	}{
		{"callee", answers, near, dsp.Preamble, true, askLater},
		{"callee", answers, near, dsp.CED, true, notAsked},
		{"callee", answers, near, dsp.CED, false, askLater},
		{"callee", answers, near, dsp.ANSam, false, askLater},
		{"callee", answers, far, dsp.Preamble, true, notAsked},
		{"callee", answers, far, dsp.CNG, true, notAsked},
		{"callee", calls, near, dsp.CNG, true, notAsked},
		{"callee", calls, near, dsp.Preamble, true, notAsked},
		{"callee", calls, far, dsp.Preamble, true, notAsked},
		{"caller", calls, near, dsp.CNG, true, askNow},
		{"caller", calls, far, dsp.Preamble, true, notAsked},
		{"caller", answers, near, dsp.Preamble, true, askLater},
		{"caller", answers, far, dsp.CNG, true, notAsked},
		{"detector", calls, far, dsp.Preamble, true, askLater},
		{"detector", calls, near, dsp.CNG, true, notAsked},
		{"detector", answers, near, dsp.Preamble, true, askLater},
		{"detector", answers, far, dsp.Preamble, true, askLater},
		{"detector", calls, far, dsp.CED, true, notAsked},
		{"never", answers, near, dsp.Preamble, true, notAsked},
		{"never", calls, far, dsp.Preamble, true, notAsked},
		{"never", calls, near, dsp.CNG, true, notAsked},
	} {
		if got := asksFor(tt.reinvite, tt.sends, tt.near, tt.tone, tt.preamble); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// reinvites counts the re-INVITEs that the far end had.
func (c *farCall) reinvites() (n int) {
	for _, m := range c.got {
		if m == sipmsg.INVITE {
			n++
		}
	}
	return n
}

// Each setting of t38_reinvite with a gateway at the far end that asks for nothing.
func TestRelayReinvites(t *testing.T) {
	for _, tt := range []struct {
		reinvite string
		receives bool
		want     string
	}{
		{"callee", true, "t38"}, {"callee", false, "audio"},
		{"caller", true, "t38"}, {"caller", false, "t38"},
		{"detector", true, "t38"}, {"detector", false, "t38"},
		{"never", true, "audio"}, {"never", false, "audio"},
	} {
		x := faxCall{receives: tt.receives, settings: func(s *fax.Settings) { s.Reinvite = tt.reinvite }}
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			relayTest(t, x, func(f *faxRig) {
				f.begin()
				f.pass(3 * time.Minute)
				if o := f.well(); o.Transport != tt.want {
					t.Errorf("%s", o.Transport)
				}
				if n := f.rig.far.last().reinvites(); n != map[string]int{"t38": 1, "audio": 0}[tt.want] {
					t.Errorf("%d re-INVITEs", n)
				}
			})
		})
	}
}

// The DIS in which the call becomes T.38 is not lost: the machine says it once.
func TestRelayLosesNoDIS(t *testing.T) {
	for _, delay := range []time.Duration{0, 50, 150, 300} {
		for _, server := range []bool{false, true} {
			t.Run(fmt.Sprint(delay, server), func(t *testing.T) {
				relayTest(t, faxCall{receives: true, server: server}, func(f *faxRig) {
					f.slow(delay * time.Millisecond)
					f.begin()
					f.pass(3 * time.Minute)
					if o := f.well(); o.Transport != "t38" {
						t.Errorf("%+v", o)
					}
					if f.asked != 1 {
						t.Errorf("the machine said DIS %d times", f.asked)
					}
				})
			})
		}
	}
}

// T.38 that is not to be had leaves a fax in sound on the same call, which is remembered: the
// next call does not ask.
func TestRelayWithoutT38(t *testing.T) {
	for _, tt := range []struct {
		name  string
		make  func(c *farCall)
		calls int
		says  string
	}{
		{"488", func(c *farCall) { c.refusal = 488 }, 1, "sent in sound: the far end refused T.38 with 488"},
		{"415", func(c *farCall) { c.refusal = 415 }, 1, "sent in sound: the far end refused T.38 with 415"},
		{"606", func(c *farCall) { c.refusal = 606 }, 1, "sent in sound: the far end refused T.38 with 606"},
		{"501", func(c *farCall) { c.refusal = 501 }, 1, "sent in sound: the far end refused T.38 with 501"},
		{"port 0", func(c *farCall) { c.refusal = 200 }, 1, "sent in sound: the far end declined T.38"},
		{"no packet", func(c *farCall) { c.fax.silent = true }, 2, "back to sound: no packet of T.38 came within 10 s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			relayTest(t, faxCall{receives: true}, func(f *faxRig) {
				was := f.rig.far.onCall
				f.rig.far.onCall = func(c *farCall) {
					was(c)
					tt.make(c)
				}
				f.begin()
				f.pass(3 * time.Minute)
				o := f.well()
				if len(o.Pages) == 0 {
					t.Fatalf("%+v", o)
				}
				if what := o.Pages[0].What; what != tt.says {
					t.Errorf("%q, want %q", what, tt.says)
				}
				// Port 0 leaves no stream by the letter: another re-INVITE asks for sound.
				c := f.rig.far.last()
				if n := c.reinvites(); n < tt.calls || n > tt.calls+1 {
					t.Errorf("%d re-INVITEs", n)
				}
				if !f.memory.Refuses("600", time.Now()) {
					t.Error("not remembered")
				}
			})
		})
	}
}

// A destination that is known to refuse T.38 is not asked, but what it asks for it gets.
func TestRelayRemembers(t *testing.T) {
	for _, asks := range []time.Duration{0, 4 * time.Second} {
		relayTest(t, faxCall{receives: true}, func(f *faxRig) {
			f.memory.Refused("600", time.Now())
			f.rig.far.asks = asks
			f.begin()
			f.pass(3 * time.Minute)
			o := f.well()
			if want := map[bool]string{true: "t38", false: "audio"}[asks > 0]; o.Transport != want {
				t.Errorf("%s, want %s", o.Transport, want)
			}
			if n := f.rig.far.last().reinvites(); n != 0 {
				t.Errorf("%d re-INVITEs", n)
			}
			if got := f.memory.Refuses("600", time.Now()); got != (asks == 0) {
				t.Errorf("afterwards it is remembered: %v", got)
			}
		})
	}
}

// A far end that never answers the re-INVITE leaves the fax in sound, which waits for nothing.
func TestRelayUnanswered(t *testing.T) {
	relayTest(t, faxCall{receives: true, rows: 1000}, func(f *faxRig) {
		was := f.rig.far.onCall
		f.rig.far.onCall = func(c *farCall) {
			was(c)
			c.unanswer = true
		}
		f.begin()
		f.pass(5 * time.Minute)
		if o := f.well(); o.Transport != "audio" {
			t.Errorf("%+v", o)
		}
	})
}

// Both sides ask in the same moment: one of them has it, and the fax is one by T.38.
func TestRelayGlare(t *testing.T) {
	step := 100 * time.Millisecond
	if raceEnabled {
		step *= 4
	}
	for _, delay := range []time.Duration{10, 60} {
		for at := 3000 * time.Millisecond; at < 4400*time.Millisecond; at += step {
			relayTest(t, faxCall{receives: true}, func(f *faxRig) {
				f.slow(delay * time.Millisecond)
				f.rig.far.asks = at
				f.begin()
				f.pass(3 * time.Minute)
				if o := f.well(); o.Transport != "t38" {
					t.Errorf("asked after %v: %+v", at, o)
				}
			})
		}
	}
}

// A call that offers nothing but T.38 is one from its first packet on.
func TestRelayIsCalledByT38(t *testing.T) {
	for _, first := range []bool{false, true} {
		x := faxCall{receives: true, server: true, settings: func(s *fax.Settings) { s.First = first }}
		relayTest(t, x, func(f *faxRig) {
			was := f.rig.far.onCall
			f.rig.far.onCall = func(c *farCall) {
				was(c)
				c.o.SetMode(offer.Fax)
			}
			f.begin()
			f.pass(3 * time.Minute)
			if o := f.well(); o.Transport != "t38" || f.rig.far.last().reinvites() != 0 {
				t.Errorf("%+v", o)
			}
		})
	}
}

// Telephones do not ring for one.
func TestTelephonesRefuseT38(t *testing.T) {
	for _, off := range []bool{false, true} {
		x := faxCall{receives: true, server: true, settings: func(s *fax.Settings) { s.T38 = !off }}
		relayTest(t, x, func(f *faxRig) {
			if !off {
				f.phone().port.mode = ""
			}
			was := f.rig.far.onCall
			f.rig.far.onCall = func(c *farCall) {
				was(c)
				c.o.SetMode(offer.Fax)
			}
			c := f.rig.far.call()
			f.run(time.Second)
			if f.phone().card.ringing || c.status() != 488 {
				t.Errorf("rings %v, the caller was told %d", f.phone().card.ringing, c.status())
			}
		})
	}
}

// T.38 stands beside sound in the first INVITE, and needs no other.
func TestRelayBesideSound(t *testing.T) {
	for _, takes := range []offer.Mode{offer.Sound, offer.FaxPreferred} {
		for _, server := range []bool{false, true} {
			x := faxCall{server: server, settings: func(s *fax.Settings) { s.First = true }}
			t.Run(fmt.Sprint(takes, server), func(t *testing.T) {
				relayTest(t, x, func(f *faxRig) {
					was := f.rig.far.onCall
					f.rig.far.onCall = func(c *farCall) {
						was(c)
						c.o.SetMode(takes)
						if !server || takes == offer.FaxPreferred {
							c.fax.asked = true
						}
					}
					f.begin()
					f.pass(3 * time.Minute)
					o := f.well()
					c := f.rig.far.last()
					if want := map[bool]string{true: "t38", false: "audio"}[server || takes == offer.FaxPreferred]; o.Transport != want {
						t.Errorf("%s", o.Transport)
					}
					if !strings.Contains(string(c.invite.Body), "m=image") || c.reinvites() != 0 {
						t.Errorf("%d re-INVITEs after\n%s", c.reinvites(), c.invite.Body)
					}
				})
			})
		}
	}
}

// T.38 beside sound is offered where a STUN server sees its socket, and not at all where that is not
// known and sound's is.
func TestRelayBesideSoundBehindSTUN(t *testing.T) {
	for _, told := range []bool{true, false} {
		relayTest(t, faxCall{settings: func(s *fax.Settings) { s.First = true }}, func(f *faxRig) {
			pair, err := f.rig.far.rtp.Listen(localhost, "")
			if err != nil {
				t.Fatal(err)
			}
			first := map[uint16]bool{}
			server := &stunServer{pair: pair, silent: func(asked netip.AddrPort) bool {
				first[asked.Port()] = true
				return !told && len(first) > 2
			}}
			f.rig.far.stun = server
			f.phone().port.cfg.STUN = func() netip.AddrPort { return pair.RTP.Local() }
			f.phone().dial(f.number)
			f.until("the call comes", func() bool { return len(f.rig.far.calls) > 0 })
			d, err := offer.Parse(f.rig.far.last().invite.Body)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 2, false: 1}[told]; len(d.Media) != want {
				t.Fatalf("%d streams, want %d\n%s", len(d.Media), want, f.rig.far.last().invite.Body)
			}
			if told {
				r := f.phone().port.now.fax.(*relay)
				if got, want := d.Media[1].Port, int(r.second.RTP.Local().Port())+1000; got != want || d.Address(1).Host != "203.0.113.5" || d.Media[0].Port == got {
					t.Errorf("T.38 at %s:%d, want port %d of 203.0.113.5", d.Address(1).Host, got, want)
				}
			}
			f.phone().hangUp()
		})
	}
}

// Beside sound, too, a far end may turn out to be elsewhere than it said for half a minute, and no
// longer: then a stranger proves nothing.
func TestRelayBesideSoundLearnsForAWhile(t *testing.T) {
	for _, after := range []time.Duration{5 * time.Second, 40 * time.Second} {
		relayTest(t, faxCall{settings: func(s *fax.Settings) { s.First = true }}, func(f *faxRig) {
			stranger, err := f.rig.far.rtp.Listen(localhost, "")
			if err != nil {
				t.Fatal(err)
			}
			was := f.rig.far.onCall
			f.rig.far.onCall = func(c *farCall) {
				was(c)
				c.o.SetMode(offer.FaxPreferred)
				c.fax.asked, c.fax.silent = true, true
			}
			f.phone().dial(f.number)
			f.run(after)
			c := f.rig.far.last()
			for number := range 40 {
				if err := stranger.RTP.Write([]byte{0, byte(number), 1, 0x06, 0, 0}, c.o.Image().Remote); err != nil {
					t.Error(err)
				}
				f.frame()
			}
			r := f.phone().port.now.fax.(*relay)
			if got := r.net.ahead.Remote() == stranger.RTP.Local(); got != (after < 30*time.Second) {
				t.Errorf("after %v: the stranger is the far end: %v", after, got)
			}
			f.phone().hangUp()
		})
	}
}
