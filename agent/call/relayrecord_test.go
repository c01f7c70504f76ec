package call

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/lines/fxs"
	"tipring/t38"
	"tipring/t38/t30"
)

func TestLimiter(t *testing.T) {
	good, lossy := pageLoss{packets: 1000}, pageLoss{packets: 1000, lost: 10}
	for _, tt := range []struct {
		name  string
		most  int
		pages []pageLoss
		rates []int
	}{
		{"nothing is lost", 14400, []pageLoss{good, good, good, good}, []int{14400, 14400, 14400, 14400}},
		{"less than a hundredth", 14400, []pageLoss{{packets: 1000, lost: 9}}, []int{14400}},
		{"a step a page", 14400, []pageLoss{lossy, lossy, lossy, lossy}, []int{9600, 7200, 4800, 4800}},
		{"from where the device allows", 9600, []pageLoss{lossy, lossy}, []int{7200, 4800}},
		{"three good pages", 14400, []pageLoss{lossy, good, good, good, good, good, good}, []int{9600, 9600, 9600, 14400, 14400, 14400, 14400}},
		{"in a row", 14400, []pageLoss{lossy, good, good, lossy, good, good, good}, []int{9600, 9600, 9600, 7200, 7200, 7200, 9600}},
		{"not above what the device allows", 12000, []pageLoss{lossy, good, good, good}, []int{9600, 9600, 9600, 12000}},
		{"a fifth of the frames again", 14400, []pageLoss{{frames: 100, again: 19}, {frames: 100, again: 20}}, []int{14400, 9600}},
		{"rejected for the machine's own reasons", 14400, []pageLoss{{packets: 1000, rejected: true}}, []int{14400}},
		{"rejected, and something was lost", 14400, []pageLoss{{packets: 1000, lost: 1, rejected: true}}, []int{9600}},
	} {
		l := newLimiter(tt.most)
		for i, p := range tt.pages {
			before := l.rate
			if why := l.page(p); l.rate != tt.rates[i] || (why != "") != (l.rate != before) {
				t.Errorf("%s: after page %d %d bit/s (%q), want %d", tt.name, i+1, l.rate, why, tt.rates[i])
			}
		}
	}
	if l := newLimiter(0); l.rate != 14400 || l.within(9600) != 9600 {
		t.Errorf("%+v", l)
	}
}

// What is lost of the packets shows in the record, and in what is allowed.
func TestRelayFollowsLoss(t *testing.T) {
	for _, tt := range []struct {
		pct     int
		link    int // copies that the far end sends
		healed  bool
		limited bool
	}{{5, 3, true, false}, {30, 0, false, true}} {
		relayTest(t, faxCall{receives: true, pages: 2, rows: 300}, func(f *faxRig) {
			was := f.rig.far.onCall
			random := rand.New(rand.NewPCG(3, 4))
			f.rig.far.onCall = func(c *farCall) {
				was(c)
				c.fax.link.Image = tt.link
				c.fax.loses = func() bool { return f.now() > 16*time.Second && random.IntN(100) < tt.pct }
			}
			f.begin()
			f.pass(10 * time.Minute)
			o := f.outcome()
			what := ""
			for _, p := range o.Pages {
				what += p.What
			}
			if (o.PacketsHealed > 0) != tt.healed && tt.healed || o.PacketsLost < o.PacketsHealed || (o.PacketsLost > 0) != (tt.pct > 0) {
				t.Errorf("%d %%: %d lost, %d healed", tt.pct, o.PacketsLost, o.PacketsHealed)
			}
			if strings.Contains(what, "limited to") != tt.limited {
				t.Errorf("%d %%: %q", tt.pct, what)
			}
			if !tt.limited && !o.OK {
				t.Errorf("%+v", o)
			}
		})
	}
}

// A fax is shown while it goes on.
func TestRelayShowsTheFax(t *testing.T) {
	relayTest(t, faxCall{receives: true, pages: 2}, func(f *faxRig) {
		if s := f.phone().port.Fax(); s.Call != "" {
			t.Errorf("before the call %+v", s)
		}
		f.begin()
		f.pass(3 * time.Minute)
		f.well()
		var seen []string
		for _, s := range f.statuses {
			if s.Call == "" {
				continue
			}
			if s.Port != 1 || s.Line != 1 || !s.Incoming || s.Peer != "600" || s.State != "receiving" || s.Started.IsZero() {
				t.Errorf("%+v", s)
			}
			line := s.Transport
			for _, p := range s.Pages {
				line += fmt.Sprintf(" %d:%s", p.N, p.Result)
			}
			if n := len(seen); n == 0 || seen[n-1] != line {
				seen = append(seen, line)
			}
		}
		want := "audio, t38, t38 1:, t38 1:confirmed, t38 1:confirmed 2:, t38 1:confirmed 2:confirmed"
		if got := strings.Join(seen, ", "); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		last := f.statuses[len(f.statuses)-1]
		if last.Call == "" {
			last = f.statuses[len(f.statuses)-2]
		}
		if last.RemoteID != "111" || last.Rate != 14400 || !last.ECM {
			t.Errorf("%+v", last)
		}
	})
}

// The provider is asked before anything is dialled or rung, its number is presented, and it
// is told that the fax begins and how it went.
func TestRelayAsksTheClerk(t *testing.T) {
	for _, receives := range []bool{false, true} {
		relayTest(t, faxCall{receives: receives, server: !receives}, func(f *faxRig) {
			f.clerk.permit.ANI, f.clerk.permit.CSID = "5551000", "+1 555 2000"
			f.begin()
			f.pass(3 * time.Minute)
			o := f.well()
			if o.LocalID != "+1 555 2000" {
				t.Errorf("the machine is presented as %q", o.LocalID)
			}
			s := f.clerk.sessions[0]
			if len(f.clerk.sessions) != 1 || s.alive != 1 || s.stops != 1 || !s.outcome.OK {
				t.Errorf("%d sessions, %+v", len(f.clerk.sessions), s)
			}
			a := f.clerk.attempts[0]
			if a.Port != 1 || a.Line != 1 || a.Send == receives || a.CSID != "555" || a.Queue {
				t.Errorf("%+v", a)
			}
			if receives {
				if a.CallerID != "600" {
					t.Errorf("%+v", a)
				}
				return
			}
			if user := f.rig.far.last().invite.From.URI.User; a.Number != "600" || user != "5551000" {
				t.Errorf("%+v, shown as %s", a, user)
			}
			if o.CalledResult != fax.Success {
				t.Errorf("%+v", o)
			}
		})
	}
}

// What is not permitted is neither dialled nor rung.
func TestRelayIsRefused(t *testing.T) {
	for _, receives := range []bool{false, true} {
		relayTest(t, faxCall{receives: receives}, func(f *faxRig) {
			f.clerk.permit.Refused = "the account is disabled"
			if receives {
				c := f.rig.far.call()
				f.run(2 * time.Second)
				if f.phone().card.ringing || c.status() != 480 {
					t.Errorf("rings %v, the caller was told %d", f.phone().card.ringing, c.status())
				}
				return
			}
			f.phone().dial("600")
			f.run(time.Second)
			f.phone().want(fxs.Parked, reorderTone)
			if len(f.rig.far.calls) != 0 {
				t.Error("it was dialled")
			}
			if o := f.outcome(); o.Reason != "the account is disabled" || !o.Permanent {
				t.Errorf("%+v", o)
			}
		})
	}
}

// Whatever happens while the provider is asked, each permit is given back.
func TestRelayPermitsAreGivenBack(t *testing.T) {
	for _, event := range []string{"on-hook", "unplugged", "lifted", "cancelled", "closed"} {
		for _, receives := range []bool{false, true} {
			relayTest(t, faxCall{receives: receives}, func(f *faxRig) {
				f.clerk.takes = 2 * time.Second
				if receives {
					f.rig.far.call()
				} else {
					f.phone().dial("600")
				}
				f.run(500 * time.Millisecond)
				switch event {
				case "on-hook":
					f.phone().putDown()
				case "unplugged":
					f.phone().unplug()
					f.phone().plug()
				case "lifted":
					f.phone().lift()
				case "cancelled":
					f.rig.far.hangUpAll()
				case "closed":
					if err := f.phone().port.Close(); err != nil {
						t.Error(err)
					}
				}
				f.run(4 * time.Second)
				f.rig.far.hangUpAll()
				if len(f.clerk.sessions) != 1 {
					t.Errorf("%s: %d sessions", event, len(f.clerk.sessions))
				}
			})
		}
	}
}

// A number's end is for the record, not for dialling.
func TestRelayDelimiter(t *testing.T) {
	relayTest(t, faxCall{server: true, delimiter: "*"}, func(f *faxRig) {
		f.number = "600*77"
		f.begin()
		f.pass(time.Minute)
		f.well()
		if a := f.attempts[0]; a.Number != "600" || a.Info != "77" || f.rig.far.last().invite.RequestURI.User != "600" {
			t.Errorf("%+v", a)
		}
	})
}

// Calls that are no fax, or do not come so far.
func TestRelayOtherCalls(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(f *faxRig)
		want func(o fax.Outcome) bool
	}{
		{"busy", func(f *faxRig) {
			f.rig.far.onInvite = func(c *farCall) { c.refuse(486) }
			f.phone().dial("600")
			f.run(time.Second)
		}, func(o fax.Outcome) bool { return o.Busy && !o.Answered && o.Code == 486 && o.Transport == "" }},
		{"nobody", func(f *faxRig) {
			f.rig.far.onInvite = func(c *farCall) { c.refuse(480) }
			f.phone().dial("600")
			f.run(time.Second)
		}, func(o fax.Outcome) bool { return o.Busy && !o.Answered && o.Code == 480 && o.ErrorCode == 28496 }},
		{"a person", func(f *faxRig) {
			f.rig.far.onCall = nil
			f.phone().dial("600")
			f.rig.far.last().speak(farVoice)
			f.run(20 * time.Second)
		}, func(o fax.Outcome) bool {
			return o.Answered && o.Voice && !o.Begun && o.CalledResult == fax.VoiceError && o.Transport == ""
		}},
		{"a short call", func(f *faxRig) {
			f.rig.far.onCall = nil
			f.phone().dial("600")
			f.run(5 * time.Second)
		}, func(o fax.Outcome) bool { return o.Answered && !o.Voice && o.CalledResult == fax.Unknown }},
	} {
		relayTest(t, faxCall{}, func(f *faxRig) {
			f.phone().fax = nil
			tt.do(f)
			f.phone().hangUp()
			if o := f.outcome(); !tt.want(o) {
				t.Errorf("%s: %+v", tt.name, o)
			}
		})
	}
}

// A person at a fax port has a telephone: speech passes both ways, keys go as events.
func TestRelayIsATelephoneUntilThereIsAFax(t *testing.T) {
	relayTest(t, faxCall{}, func(f *faxRig) {
		f.rig.far.onCall, f.phone().fax = nil, nil
		f.phone().dial("600")
		f.run(time.Second)
		c := f.rig.far.last()
		c.speak(farVoice)
		f.phone().speak()
		f.run(2 * time.Second)
		if f.phone().hears() != farVoice || c.hears() != nearVoice {
			t.Errorf("the telephone hears %d Hz, the far end %d", f.phone().hears(), c.hears())
		}
		f.phone().says = nil
		f.phone().press("42")
		f.run(time.Second)
		if c.events != "42" {
			t.Errorf("keys %q", c.events)
		}
	})
}

func TestCapabilitiesOfAMachine(t *testing.T) {
	s := t38.Side{Offered: true, Offer: t30.Capabilities{
		ECM: true, Codings: t30.Codings(t30.MH, t30.MMR), Resolutions: t30.Resolutions(t30.Fine, t30.R300),
	}}
	if got := capabilities(&s); got != 1|4|64 {
		t.Errorf("%d", got)
	}
	if got := capabilities(&t38.Side{}); got != 0 {
		t.Errorf("%d of nobody", got)
	}
}

// What is kept of the machine's sound begins with its preamble, however it is cut into frames.
func TestPastSound(t *testing.T) {
	for _, frame := range []int{80, 160, 333, 1600} {
		var p pastSound
		said := int16(0)
		say := func(n int) {
			for n > 0 {
				in := make([]int16, min(frame, n))
				for i := range in {
					said++
					in[i] = said
				}
				p.keep(in)
				n -= len(in)
			}
		}
		say(30000)
		p.preamble(1000)
		say(5000)
		p.fromPreamble()
		if p.n != 6000 {
			t.Fatalf("%d samples of 6000", p.n)
		}
		out := make([]int16, 6000)
		p.take(out)
		for i, s := range out {
			if s != int16(29001+i) {
				t.Fatalf("sample %d is %d", i, s)
			}
		}
		p.forget()
		say(1000)
		p.preamble(100)
		say(heardBefore)
		if p.fromPreamble(); p.n != 0 {
			t.Errorf("%d samples of a preamble that is too long ago", p.n)
		}
	}
}
