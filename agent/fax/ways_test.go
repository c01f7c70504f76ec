package fax

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/lines"
	"tipring/t38/t30"
)

// Whoever is to switch to T.38 does, and nobody else.
func TestWhoSwitches(t *testing.T) {
	mode := func(reinvite string, change func(s *Settings)) Settings {
		return with(func(s *Settings) {
			s.Reinvite = reinvite
			if change != nil {
				change(s)
			}
		})
	}
	for _, tt := range []struct {
		name      string
		near, far Settings
		transport string
		by        string // whose re-INVITE it is
	}{
		{"the called side", mode("callee", nil), mode("callee", nil), "t38", "far"},
		{"nobody", mode("never", nil), mode("never", nil), "audio", ""},
		{"the calling side", mode("caller", nil), mode("never", nil), "t38", "near"},
		{"the calling side without CNG", mode("caller", func(s *Settings) { s.CNG = false }), mode("never", nil), "audio", ""},
		{"the called side is faster", mode("caller", nil), mode("caller", nil), "t38", "far"},
		{"who hears the preamble", mode("detector", nil), mode("never", nil), "t38", "near"},
		{"who does not listen for the preamble", mode("detector", func(s *Settings) { s.Preamble = false }), mode("never", nil), "audio", ""},
		{"the called side hears the preamble", mode("never", nil), mode("detector", nil), "t38", "far"},
		{"T.38 beside sound in the first INVITE", mode("never", func(s *Settings) { s.First = true }), mode("never", nil), "t38", ""},
		{"the same to a far end without T.38", mode("never", func(s *Settings) { s.First = true }), mode("never", func(s *Settings) { s.T38 = false }), "audio", ""},
		{"the near end has no T.38", mode("callee", func(s *Settings) { s.T38 = false }), mode("callee", nil), "audio", "far"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, tt.near, func(t *testing.T, r *rig) {
				r.far.settings = tt.far
				by := ""
				for e, name := range map[*end]string{r.near: "far", r.far: "near"} {
					e.instead = func(m *sipmsg.Message) (int, string) {
						if switches(m) {
							by = name
						}
						return 0, ""
					}
				}
				box := newMailbox(t)
				r.far.sink = box
				out := r.send(letter(t, 1), nil).wait()
				mustSend(t, out, r.took(), 1, tt.transport)
				box.mustHold(t, 0, 0)
				if by != tt.by {
					t.Errorf("the re-INVITE is that of %q, want %q", by, tt.by)
				}
			})
		})
	}
}

// T.38 that is refused leaves the call in sound, and the next one does not ask again.
func TestT38Refused(t *testing.T) {
	const portZero = "v=0\r\no=- 1 2 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=image 0 udptl t38\r\n"
	const soundToo = "v=0\r\no=- 1 2 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=image 0 udptl t38\r\n"
	for _, tt := range []struct {
		name string
		code int
		body string
	}{
		{"488", 488, ""}, {"415", 415, ""}, {"606", 606, ""}, {"501", 501, ""}, {"port 0", 200, portZero}, {"port 0, and more", 200, soundToo},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, with(func(s *Settings) { s.Reinvite = "caller" }), func(t *testing.T, r *rig) {
				r.far.settings.Reinvite = "never"
				asked := 0
				r.far.instead = func(m *sipmsg.Message) (int, string) {
					if !switches(m) {
						return 0, ""
					}
					asked++
					return tt.code, tt.body
				}
				for range 2 {
					box := newMailbox(t)
					r.far.sink = box
					out := r.send(letter(t, 1), nil).wait()
					mustSend(t, out, r.took(), 1, "audio")
					box.mustHold(t, 0, 0)
					time.Sleep(2 * time.Second)
				}
				if asked != 1 || !r.near.memory.Refuses("far", time.Now()) {
					t.Errorf("asked %d times, remembered: %v", asked, r.near.memory.Refuses("far", time.Now()))
				}
			})
		})
	}
}

// A re-INVITE that is never answered takes nothing from the fax, which goes on in sound.
func TestT38NotAnswered(t *testing.T) {
	inBubble(t, with(func(s *Settings) { s.Reinvite = "caller" }), func(t *testing.T, r *rig) {
		r.far.settings.Reinvite = "never"
		r.far.instead = func(m *sipmsg.Message) (int, string) {
			if m.Method == sipmsg.INVITE && m.To.Tag() != "" {
				return 100, ""
			}
			return 0, ""
		}
		box := newMailbox(t)
		r.far.sink = box
		out := r.send(letter(t, 3), nil).wait()
		mustSend(t, out, r.took(), 3, "audio")
		box.mustHold(t, 0, 2)
	})
}

// T.38 that is agreed, and no packet comes: back to sound on the same call, and remembered.
func TestMediaNeverComes(t *testing.T) {
	for _, who := range []string{"callee", "caller"} {
		t.Run(who, func(t *testing.T) {
			inBubble(t, with(func(s *Settings) { s.Reinvite = who }), func(t *testing.T, r *rig) {
				r.filter(dropUDPTL)
				box := newMailbox(t)
				r.far.sink = box
				out := r.send(letter(t, 1), nil).wait()
				in := r.took()
				mustSend(t, out, in, 1, "audio")
				box.mustHold(t, 0, 0)
				contains(t, out.Pages[0].What, "begun anew by G.711")
				if !r.near.memory.Refuses("far", time.Now()) && !r.far.memory.Refuses("555", time.Now()) {
					t.Error("nobody remembers it")
				}
			})
		})
	}
}

// T.38 in the middle of a fax in sound begins the procedures anew, and keeps the pages that
// are confirmed.
func TestSwitchInTheMiddle(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration
	}{
		{"in phase B", 5 * time.Second}, {"in the first page", 9 * time.Second}, {"in the second page", 16 * time.Second}, {"later", 25 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, with(func(s *Settings) { s.Reinvite = "never" }), func(t *testing.T, r *rig) {
				box := newMailbox(t)
				r.far.sink = box
				s := r.send(letter(t, 3), func(o *Outgoing) { o.Pages = 3 })
				time.Sleep(tt.after)
				r.far.current().Switch(offer.Fax)
				mustSend(t, s.wait(), r.took(), 3, "t38")
				box.mustHold(t, 0, 2)
			})
		})
	}
}

// Both ends switch in the same moment: one of the two re-INVITEs wins.
func TestGlare(t *testing.T) {
	inBubble(t, with(func(s *Settings) { s.Reinvite = "never" }), func(t *testing.T, r *rig) {
		r.net.Path(r.near.host, r.far.host).Delay(100 * time.Millisecond)
		r.net.Path(r.far.host, r.near.host).Delay(100 * time.Millisecond)
		box := newMailbox(t)
		r.far.sink = box
		pending := 0
		count := func(m *sipmsg.Message) (int, string) {
			if switches(m) {
				pending++
			}
			return 0, ""
		}
		r.near.instead, r.far.instead = count, count
		var near *lines.Call
		s := r.send(letter(t, 1), func(o *Outgoing) { o.Progress = nil })
		r.until("the call is up", func() bool { return r.far.current() != nil && r.far.current().Info().State == lines.Connected })
		time.Sleep(time.Second)
		near = r.near.dialled()
		near.Switch(offer.Fax)
		r.far.current().Switch(offer.Fax)
		mustSend(t, s.wait(), r.took(), 1, "t38")
		box.mustHold(t, 0, 0)
		if pending < 2 {
			t.Errorf("%d re-INVITEs, no glare", pending)
		}
	})
}

func TestIPv6(t *testing.T) {
	for _, transport := range []string{"t38", "audio"} {
		s := with(func(s *Settings) { s.T38 = transport == "t38" })
		inBubbleAt(t, s, "fd00::1", "fd00::2", func(t *testing.T, r *rig) {
			box := newMailbox(t)
			r.far.sink = box
			out := r.send(letter(t, 1), nil).wait()
			mustSend(t, out, r.took(), 1, transport)
			box.mustHold(t, 0, 0)
		})
	}
}

// All sockets of a call are bound to its line's network interface (use_vpn).
func TestInterface(t *testing.T) {
	inBubble(t, with(func(s *Settings) { s.First = true }), func(t *testing.T, r *rig) {
		e := r.far
		e.answer = func(c *lines.Call) (lines.Handler, int) {
			return e.engine.Receive(c, Incoming{Settings: e.settings, Sink: newMailbox(t), Device: "vpn1"})
		}
		if out := r.send(letter(t, 1), func(o *Outgoing) { o.Device = "vpn0" }).wait(); !out.OK {
			t.Errorf("%+v", out)
		}
		if got := [][]string{r.near.lent.devices, e.lent.devices}; !slices.Equal(got[0], []string{"vpn0", "vpn0"}) || !slices.Equal(got[1], []string{"vpn1"}) {
			t.Errorf("sockets on %q", got)
		}
	})
}

// A call goes on with the page that an earlier one left.
func TestResume(t *testing.T) {
	for _, s := range []Settings{usual(), sounding()} {
		inBubble(t, s, func(t *testing.T, r *rig) {
			box := newMailbox(t)
			r.far.sink = box
			out := r.send(letter(t, 3), func(o *Outgoing) { o.First, o.Pages = 1, 3 }).wait()
			if !out.OK || out.Confirmed() != 2 || out.Pages[0].N != 2 || out.Pages[1].N != 3 {
				t.Errorf("%+v", out)
			}
			r.took()
			box.mustHold(t, 1, 2)
			if !r.near.reached(func(p Progress) bool {
				return p.State == "sending" && p.Page == 3 && p.Pages == 3 && p.RemoteID == "222"
			}) {
				t.Errorf("progress: %+v", r.near.progress)
			}
		})
	}
}

// A document that cannot be read ends its call, as does a full disk, and the reason is told.
func TestBrokenDocuments(t *testing.T) {
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.far.sink = newMailbox(t)
		out := r.send(broken{letter(t, 2)}, nil).wait()
		if out.OK || out.T30 != t30.SourceError || !out.Permanent || out.ErrorCode != 27997 || out.CalledResult != FaxError {
			t.Errorf("%+v", out)
		}
	})
	inBubble(t, usual(), func(t *testing.T, r *rig) {
		r.far.sink = full{}
		out := r.send(letter(t, 1), nil).wait()
		in := r.took()
		if in.OK || in.T30 != t30.SinkError || out.OK || out.T30 == t30.OK || out.Permanent {
			t.Errorf("%+v, %+v", out, in)
		}
	})
}

type broken struct{ t30.Source }

// Open implements t30.Source.
func (broken) Open(int, t30.Format) (io.Reader, error) {
	return nil, errors.New("damaged")
}

type full struct{}

// Open implements t30.Sink.
func (full) Open(int, t30.Format) (t30.PageWriter, error) { return nil, errors.New("no space left") }

func TestHeader(t *testing.T) {
	when := time.Date(2030, 1, 2, 3, 4, 0, 0, time.UTC)
	h := Header(when, "Acme", "+1 555 0100")
	h.Page, h.Pages = 1, 3
	l := h.Line()
	all := strings.Join([]string{l.Left, l.Middle, l.Right}, "|")
	for _, part := range []string{"Acme", "+1 555 0100", "1", "3", "2030"} {
		contains(t, all, part)
	}
}
