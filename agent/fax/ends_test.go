package fax

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport/memnet"
	"tipring/lines"
	"tipring/t38/t30"
)

// A person is at the far end: it answers, says something, and may hang up.
type person struct {
	r      *rig
	says   []int16       // then silence
	hangUp time.Duration // after that; 0: never
	echoes bool          // what it hears

	call    *lines.Call
	session *media.Session
	done    chan struct{}
}

// answers makes the far end one.
func (p *person) answers(r *rig) {
	p.r = r
	r.far.answer = func(c *lines.Call) (lines.Handler, int) {
		p.call, p.done = c, make(chan struct{})
		pair, err := r.far.lent.Listen(r.far.ip, "")
		if err != nil {
			r.t.Error(err)
			return nil, 500
		}
		p.open(pair)
		c.Answer(lines.Media{RTPPort: pair.RTP.Local().Port(), RTCPPort: pair.RTCP.Local().Port()}, 1)
		return p, 0
	}
}

func (p *person) open(pair *media.Pair) { p.session = media.New(pair, media.Config{}) }

func (p *person) Started(c *lines.Call) { p.call = c }
func (p *person) Ringing(*lines.Call)   {}
func (p *person) Media(_ *lines.Call, a *offer.Audio) {
	if a != nil {
		_ = p.session.Update(soundParams(a))
	}
}
func (p *person) Answered(*lines.Call)                  { go p.speak() }
func (p *person) Digit(*lines.Call, byte)               {}
func (p *person) Referred(*lines.Call, lines.Dial) bool { return false }
func (p *person) Ended(*lines.Call, lines.Reason)       { close(p.done) }

func (p *person) speak() {
	defer p.session.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var out [160]int16
	for begun := time.Now(); ; {
		select {
		case <-p.done:
			return
		case <-tick.C:
		}
		in := make([]int16, 160)
		if p.echoes {
			copy(in, out[:])
		}
		p.says = p.says[copy(in, p.says):]
		p.session.Exchange(in, out[:])
		if p.hangUp > 0 && time.Since(begun) >= p.hangUp {
			p.call.Hangup()
		}
	}
}

// What answers and is no fax machine is told apart, and the call ends in good time.
func TestNoFaxMachine(t *testing.T) {
	for _, tt := range []struct {
		name   string
		says   []int16
		hangUp time.Duration
		echoes bool
		code   int
		result CalledNumberResult
		heard  Sound
		within time.Duration
	}{
		{"a voice that goes on", talk(40, 1), 0, false, 28025, VoiceError, Speech, 21 * time.Second},
		{"a voice that hangs up", join(make([]int16, 8000), talk(1, 1)), 6 * time.Second, false, 28025, VoiceError, Nothing, 7 * time.Second},
		{"a machine that takes messages, and then silence", talk(10, 2), 0, false, 28025, VoiceError, Speech, 21 * time.Second},
		{"silence", nil, 0, false, 27979, VoiceError, Nothing, 40 * time.Second},
		{"an echo", nil, 0, true, 28025, VoiceError, Nothing, 40 * time.Second},
		{"an echo, hung up", nil, 5 * time.Second, true, 27983, Unknown, Nothing, 6 * time.Second},
		{"an echo, and somebody who speaks", talk(10, 6), 0, true, 28025, VoiceError, Speech, 21 * time.Second},
		{"silence, hung up", nil, 5 * time.Second, false, 27983, Unknown, Nothing, 6 * time.Second},
		{"busy tone", play(t, "425/480,0/480", 60), 0, false, 28024, Unknown, BusyTone, 8 * time.Second},
		{"fast busy", play(t, "480+620/250,0/250", 60), 0, false, 28027, Unknown, FastBusy, 8 * time.Second},
		{"ringback", play(t, "440+480/2000,0/4000", 60), 0, false, 28026, Unknown, Ringback, 40 * time.Second},
		{"an answer tone, and nothing more", join(talk(12, 5), play(t, "!2100@-12/3000", 3)), 0, false, 27986, Unknown, FaxTone, 40 * time.Second},
		{"special information tone", join(play(t, "!950/330,!1400/330,!1800/330", 1), talk(20, 1)), 0, false, 28023, Unknown, SpecialTone, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, usual(), func(t *testing.T, r *rig) {
				p := &person{says: tt.says, hangUp: tt.hangUp, echoes: tt.echoes}
				p.answers(r)
				begun := time.Now()
				out := r.send(letter(t, 1), nil).wait()
				if out.OK || out.ErrorCode != tt.code || out.CalledResult != tt.result || out.Heard != tt.heard || out.Begun || !out.Answered || out.Reason == "" {
					t.Errorf("%+v", out)
				}
				if took := time.Since(begun); took > tt.within {
					t.Errorf("it took %v", took)
				}
				if out.Voice != (tt.code == 28025) || out.Permanent != out.Voice {
					t.Errorf("voice %v, permanent %v", out.Voice, out.Permanent)
				}
			})
		})
	}
}

// Somebody who speaks has no T.38. That says nothing about the faxes of the number.
func TestVoiceIsNotRemembered(t *testing.T) {
	inBubble(t, with(func(s *Settings) { s.Reinvite = "caller" }), func(t *testing.T, r *rig) {
		asked := false
		r.far.instead = func(m *sipmsg.Message) (int, string) {
			if !switches(m) {
				return 0, ""
			}
			asked = true
			return 488, ""
		}
		(&person{says: talk(40, 1)}).answers(r)
		if out := r.send(letter(t, 1), nil).wait(); !out.Voice || !asked || r.near.memory.Refuses("far", time.Now()) {
			t.Errorf("asked %v, remembered %v, %+v", asked, r.near.memory.Refuses("far", time.Now()), out)
		}
	})
}

// What refuses the call, or does not answer it.
func TestNotAnswered(t *testing.T) {
	for _, tt := range []struct {
		code      int // of the far end; 0: it only rings
		want      int
		busy      bool
		noAnswer  bool
		permanent bool
		within    time.Duration
	}{
		{486, 28502, true, false, false, time.Second},
		{600, 28928, true, false, false, time.Second},
		{404, 28420, false, false, true, time.Second},
		{480, 28496, true, false, false, time.Second},
		{488, 28504, false, false, true, time.Second},
		{603, 28931, false, false, true, time.Second},
		{0, 27977, false, true, false, 46 * time.Second},
	} {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			inBubble(t, usual(), func(t *testing.T, r *rig) {
				r.far.answer = func(c *lines.Call) (lines.Handler, int) {
					if tt.code != 0 {
						return nil, tt.code
					}
					c.Ring()
					return &person{done: make(chan struct{})}, 0
				}
				begun := time.Now()
				out := r.send(letter(t, 1), nil).wait()
				if out.OK || out.ErrorCode != tt.want || out.Busy != tt.busy || out.NoAnswer != tt.noAnswer || out.Permanent != tt.permanent || out.Answered || out.CalledResult != Unknown || out.Reason == "" {
					t.Errorf("%+v", out)
				}
				if took := time.Since(begun); took > tt.within {
					t.Errorf("it took %v", took)
				}
				if len(r.near.lent.pairs) == 0 {
					t.Error("no sockets")
				}
			})
		})
	}
}

// No server, no port, and a line that is closed: a call that was not made says why.
func TestCallsNotMade(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.net.Path(r.near.host, r.far.host).Drop(memnet.All)
		out := r.send(letter(t, 1), nil).wait()
		if out.OK || out.Answered || out.Reason == "" || out.ErrorCode == 0 || out.Permanent {
			t.Errorf("no server: %+v", out)
		}
	})
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.near.lent.fails, r.far.lent.fails = true, true
		if out := r.send(letter(t, 1), nil).wait(); out.OK || out.Reason != media.ErrNoPort.Error() || out.Permanent {
			t.Errorf("no port: %+v", out)
		}
		r.near.lent.fails = false
		if out := r.send(letter(t, 1), func(o *Outgoing) { o.Line = nil }).wait(); out.OK || out.Reason != "there is no line" {
			t.Errorf("no line: %+v", out)
		}
		if out := r.send(letter(t, 1), nil).wait(); out.OK || out.Answered || out.Code != 503 {
			t.Errorf("no port at the far end: %+v", out)
		}
		r.near.engine.Close()
		if out := r.send(letter(t, 1), nil).wait(); out.OK || out.T30 != t30.Stopped {
			t.Errorf("an engine that is closed: %+v", out)
		}
	})
}

// A cancel at any moment ends the call at both ends, by DCN where T.30 runs.
func TestCancel(t *testing.T) {
	for name, s := range map[string]Settings{"t38": usual(), "audio": sounding()} {
		for _, after := range []time.Duration{0, time.Millisecond, 200 * time.Millisecond, 2 * time.Second, 4 * time.Second, 7 * time.Second, 9 * time.Second, 11 * time.Second, 14 * time.Second, 17 * time.Second} {
			t.Run(fmt.Sprintf("%s after %v", name, after), func(t *testing.T) {
				inBubble(t, s, func(t *testing.T, r *rig) {
					r.far.sink = newMailbox(t)
					s := r.send(letter(t, 3), nil)
					time.Sleep(after)
					s.cancel()
					begun := time.Now()
					out := s.wait()
					if took := time.Since(begun); took > 12*time.Second {
						t.Errorf("it took %v", took)
					}
					if out.OK || out.T30 != t30.Stopped || out.ErrorCode != 28503 || out.Reason != "cancelled" || !out.Permanent {
						t.Errorf("%+v", out)
					}
					if c := r.far.current(); c != nil {
						time.Sleep(3 * time.Second)
						if i := c.Info(); i.State != lines.Ended {
							t.Errorf("the far end's call is %v", i.State)
						}
					}
				})
			})
		}
	}
}

// A call that rings is cancelled at once.
func TestCancelWhileItRings(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		p := &person{done: make(chan struct{})}
		r.far.answer = func(c *lines.Call) (lines.Handler, int) {
			c.Ring()
			return p, 0
		}
		s := r.send(letter(t, 1), nil)
		time.Sleep(5 * time.Second)
		begun := time.Now()
		s.cancel()
		out := s.wait()
		<-p.done
		if took := time.Since(begun); took > time.Second || out.Reason != "cancelled" || out.Answered {
			t.Errorf("after %v: %+v", took, out)
		}
	})
}

// The end of the device ends all calls in good order.
func TestClose(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.far.sink = newMailbox(t)
		s := r.send(letter(t, 3), nil)
		time.Sleep(10 * time.Second)
		begun := time.Now()
		r.far.engine.Close()
		if took := time.Since(begun); took > 12*time.Second {
			t.Errorf("it took %v", took)
		}
		out, in := s.wait(), r.took()
		if out.OK || in.OK || in.T30 != t30.Stopped {
			t.Errorf("%+v, %+v", out, in)
		}
		if out := r.send(letter(t, 1), nil).wait(); out.Code != 503 || out.Answered {
			t.Errorf("a call after the end: %+v", out)
		}
	})
}

// A far end that hangs up, or dies, in the middle of a page.
func TestFarEndLeaves(t *testing.T) {
	for name, s := range map[string]Settings{"t38": usual(), "t38 without ECM": with(func(s *Settings) { s.ECM = false }), "audio": sounding()} {
		for _, how := range []string{"BYE", "dead"} {
			t.Run(name+", "+how, func(t *testing.T) {
				inBubble(t, s, func(t *testing.T, r *rig) {
					r.far.sink = newMailbox(t)
					s := r.send(letter(t, 3), func(o *Outgoing) { o.Pages = 3 })
					r.until("the second page", func() bool { return r.near.reached(func(p Progress) bool { return p.Page == 2 }) })
					time.Sleep(2 * time.Second)
					begun, within := time.Now(), 5*time.Second
					if how == "BYE" {
						r.far.current().Hangup()
					} else {
						within = time.Minute
						r.filter(func(from, to netip.AddrPort, _ []byte) bool { return from.Addr() == r.near.ip })
						r.net.Path(r.near.host, r.far.host).Drop(memnet.All)
						r.net.Path(r.far.host, r.near.host).Drop(memnet.All)
					}
					out := s.wait()
					if took := time.Since(begun); took > within {
						t.Errorf("it took %v", took)
					}
					if out.OK || !out.Begun || out.Confirmed() != 1 || out.CalledResult != FaxError || out.Permanent || out.Reason == "" || len(out.Pages) != 2 || out.Pages[1].Result != "lost" {
						t.Errorf("%+v", out)
					}
					if how == "BYE" && out.ErrorCode != 27983 {
						t.Errorf("code %d", out.ErrorCode)
					}
				})
			})
		}
	}
}

// A caller that dies leaves no call behind.
func TestCallerDies(t *testing.T) {
	for name, s := range map[string]Settings{"t38": usual(), "audio": sounding()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, s, func(t *testing.T, r *rig) {
				r.far.sink = newMailbox(t)
				s := r.send(letter(t, 3), nil)
				time.Sleep(12 * time.Second)
				begun := time.Now()
				r.filter(func(from, to netip.AddrPort, _ []byte) bool { return false })
				r.net.Path(r.near.host, r.far.host).Drop(memnet.All)
				in := r.took()
				if took := time.Since(begun); took > time.Minute || in.OK || in.CalledResult != Unknown {
					t.Errorf("after %v: %+v", took, in)
				}
				s.cancel()
				s.wait()
			})
		})
	}
}

// The far end's DCN, and then nothing: the call ends 2 s later.
func TestNoGoodbye(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.far.sink = newMailbox(t)
		r.far.instead = func(m *sipmsg.Message) (int, string) {
			if m.Method == sipmsg.BYE {
				return 200, "" // and the line learns nothing of it
			}
			return 0, ""
		}
		out := r.send(letter(t, 1), nil).wait()
		over := time.Now()
		in := r.took()
		if took := time.Since(over); !out.OK || !in.OK || took > 2*time.Second {
			t.Errorf("after %v: %+v, %+v", took, out, in)
		}
	})
}
