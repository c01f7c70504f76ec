package call

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"tipring/internal/offer"
	"tipring/internal/ua/dialog"
	"tipring/lines/fxs"
)

// Whatever telephones, far ends, programs and the device do, in any order and however it
// crosses on the way: a port that shows a call has one, no bell rings for nobody, every
// RTP port belongs to a call, and when all have hung up nothing is left of it.
func TestNothingIsEverLeftBehind(t *testing.T) {
	rigs, events := 4, 250 // of each of the hundred lives of a rig: 100,000
	if testing.Short() || raceEnabled {
		rigs, events = 1, 50
	}
	for place := range rigs {
		t.Run(fmt.Sprint(place), func(t *testing.T) {
			t.Parallel()
			lives(t, place, events)
		})
	}
}

// lives has rapid try many lives in one place.
func lives(t *testing.T, place, events int) {
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func() {
			m := newModel(rt, place)
			defer m.end()
			for range events {
				what := m.draw()
				m.log = append(m.log, fmt.Sprintf("%s %d %d", happenings[what].name, m.which, m.how))
				happenings[what].do(m)
				m.check()
			}
			if m.draw(); m.how < 12 {
				m.rest()
			} // else the device ends in the midst of it all
		})
	})
}

// draw draws an event: always with as many draws, so that rapid can make a try smaller,
// and from numbers so large that it does not prefer the small ones.
func (m *model) draw() (what int) {
	n := rapid.Uint32().Draw(m.t, "event")
	m.which, m.how = int(n/16%16), int(n%16)
	return min(int(n/256)%(len(happenings)+purpose), len(happenings)-1)
}

// purpose is how often, besides once among all that can happen, a telephone goes on as a person
// would: without that, calls of three would be rare.
const purpose = 20

// goOn is the next thing that somebody does at a telephone who wants more than one call.
func goOn(m *model) {
	ph := m.phone()
	if ph.card == nil {
		ph.plug()
		return
	}
	p := ph.port
	s := p.Snapshot()
	answer := far(waits, func(_ *model, c *farCall) { c.answer(); c.speak(farVoice) })
	switch {
	case len(p.transfers) > 0 && m.how < 8:
		far(func(c *farCall) bool { return isUp(c) && c.referred != nil && !c.referred.Done() },
			func(m *model, c *farCall) { c.tell([]int{100, 180, 200, 486}[m.how%4]) })(m)
	case s.State == fxs.Idle && m.how < 4 && m.r.far.running() < 5:
		m.r.far.call()
	case s.State == fxs.Idle:
		ph.dial("600")
	case s.State == fxs.Ringing:
		ph.lift()
	case s.State == fxs.Calling && m.how < 14:
		answer(m)
	case s.State == fxs.Dialling:
		ph.press([]string{"601#", "*98602#", "*23601#", "601#"}[m.how%4])
	case s.State == fxs.Talking && p.cfg.FlashStyle == ETSI && (s.Held != "" || s.Waiting != ""):
		ph.flash()
		ph.press(string("01234"[m.how%5]))
	case s.State == fxs.Talking && s.Held == "" && m.how < 6 && m.r.far.running() < 5:
		m.r.far.call()
	case s.State == fxs.Parked && m.how < 8, m.how == 15:
		ph.hangUp()
	default:
		ph.flash()
	}
}

// inBubble runs f in a bubble of its own and passes on its panic, which is how rapid
// ends a try.
func inBubble(t *testing.T, f func()) {
	var panicked any
	synctest.Test(t, func(*testing.T) {
		defer func() { panicked = recover() }()
		f()
	})
	switch fmt.Sprintf("%T", panicked) {
	case "<nil>":
	case "rapid.invalidData":
		panic(panicked) // rapid tells failures apart by their lines, and this is none
	default:
		panic(panicked)
	}
}

type model struct {
	t      *rapid.T
	r      *rig
	server *stunServer
	cancel context.CancelFunc
	ctx    context.Context // of programs that call

	which, how int // of the event that happens: which one of several, and in what way
	log        []string
	tones      [3]int // checks in a row in which a tone was heard in a call, by port
}

// Helper, Fatalf and Errorf make a model the rig's tester: what happened stands before
// what went wrong.
func (m *model) Helper() { m.t.Helper() }

func (m *model) Fatalf(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("after %s:\n"+format, append([]any{strings.Join(m.log[max(0, len(m.log)-40):], ", ")}, args...)...)
}

func (m *model) Errorf(format string, args ...any) { m.Fatalf(format, args...) }

func newModel(t *rapid.T, place int) *model {
	m := &model{t: t}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	kind := rapid.SampledFrom([]string{"auto", "info", "inband"}).Draw(t, "dtmf_type")
	style := rapid.SampledFrom([]string{Bellcore, ETSI, Bellcore, ETSI, ByEvent, ByInfo}).Draw(t, "flash_style")
	seconds := rapid.SampledFrom([]int{0, 5}).Draw(t, "hunt_s, rtp_timeout_s")
	hangup := rapid.Bool().Draw(t, "transfer")
	s := stunned(&m.server, settings{ports: 2, rtpPairs: 5, place: place, line: []string{"dtmf_type = " + kind}})
	change := s.config
	s.config = func(c *Config) {
		change(c)
		c.DTMFType = kind
		c.Features = &codes{}
		c.FlashStyle, c.CallWaiting, c.TransferOnHangup, c.ConferenceTransfers = style, true, hangup, hangup
		c.HuntS, c.RTPTimeoutS = seconds, seconds
		c.EchoCanceller, c.DataMode = hangup, "auto"
	}
	s.device = func(d *Device) { d.Menu = func(int) Service { return &chatter{left: 4000} } }
	m.r = newRig(m, s)
	m.r.far.onInvite = func(*farCall) {} // what becomes of it is for the model to say
	pair, err := m.r.far.rtp.Listen(netip.MustParseAddr("127.0.0.1"), "")
	if err != nil {
		m.Fatalf("%v", err)
	}
	m.r.far.stun = &stunServer{pair: pair}
	return m
}

// phone is one of the telephones.
func (m *model) phone() *telephone {
	return m.r.phones[m.which%len(m.r.phones)]
}

// plugged does something with a telephone that has a card.
func plugged(do func(*telephone)) func(*model) {
	return func(m *model) {
		if ph := m.phone(); ph.card != nil {
			do(ph)
		}
	}
}

// far does something with a call that the far end has, of those that may.
func far(may func(*farCall) bool, do func(*model, *farCall)) func(*model) {
	return func(m *model) {
		var some []*farCall
		for _, c := range m.r.far.calls {
			if !c.over && may(c) {
				some = append(some, c)
			}
		}
		if len(some) > 0 {
			do(m, some[m.which%len(some)])
		}
	}
}

func waits(c *farCall) bool  { return c.in != nil && !c.in.Answered() }
func begins(c *farCall) bool { return c.req != nil && c.d == nil }
func isUp(c *farCall) bool   { return c.d != nil && c.d.State() == dialog.Confirmed }
func mayOffer(c *farCall) bool {
	return isUp(c) && !c.o.Pending() && c.o.Audio() != nil
}

// happenings are what can happen, the dullest first, for that is what rapid reduces the
// others to.
var happenings = []struct {
	name string
	do   func(m *model)
}{
	{"a frame", func(m *model) { m.r.frame() }},
	{"some time", func(m *model) {
		m.r.run(time.Duration(2+2*m.how) * 20 * time.Millisecond)
	}},
	{"network alone", func(m *model) {
		m.r.still(time.Duration(1+m.how/2) * 20 * time.Millisecond)
	}},

	{"lift", plugged((*telephone).lift)},
	{"put down", plugged((*telephone).putDown)},
	{"hang up", plugged((*telephone).hangUp)},
	{"flash", plugged((*telephone).flash)},
	{"chip's flash", plugged(func(ph *telephone) {
		if ph.off {
			ph.loop(fxs.LoopFlash)
		}
	})},
	{"pulses", plugged(func(ph *telephone) {
		for range 3 {
			ph.loop(fxs.LoopOpen)
			ph.r.run(60 * time.Millisecond)
			ph.loop(fxs.LoopClosed)
			ph.r.run(40 * time.Millisecond)
		}
		ph.off = true
	})},
	{"lift at the end of the bell", plugged(func(ph *telephone) {
		if p := ph.port; p.now != nil && p.now.stage == recalled {
			p.recallBy = p.fx.Now() + 160
			ph.lift()
		}
	})},
	{"press", plugged(func(ph *telephone) { ph.keys.Press('5', 640, 640) })},
	{"dial", plugged(func(ph *telephone) { ph.dial("600") })},
	{"dial on", plugged(func(ph *telephone) { ph.press("7#") })},
	{"dial emergency", plugged(func(ph *telephone) { ph.dial("112") })},
	{"flash and dial", plugged(func(ph *telephone) {
		if ph.off {
			ph.flash()
			ph.press("601#")
		}
	})},
	{"flash and a digit", func(m *model) {
		if ph := m.phone(); ph.card != nil && ph.off {
			ph.flash()
			ph.press(string("01234567"[m.how%8]))
		}
	}},
	{"code", func(m *model) {
		if ph := m.phone(); ph.card != nil && ph.off {
			ph.press([]string{"*98", "*23", "*72", "*67", "*69", "***", "*00", "*70"}[m.how%8])
		}
	}},
	{"number", plugged(func(ph *telephone) { ph.press("602#") })},
	{"NOTIFY", far(isUp, func(m *model, c *farCall) {
		c.tell([]int{100, 180, 200, 486}[m.how%4])
	})},
	{"modem", far(isUp, func(_ *model, c *farCall) { c.modem() })},
	{"pull the card", plugged((*telephone).unplug)},
	{"plug in", func(m *model) {
		if ph := m.phone(); ph.card == nil {
			ph.plug()
		}
	}},
	{"program calls", func(m *model) { m.phone().ask(m.ctx, "800") }},
	{"program calls in a hurry", func(m *model) {
		ctx, cancel := context.WithTimeout(m.ctx, 30*time.Millisecond)
		m.phone().ask(ctx, "800")
		m.r.goWork(func() { <-ctx.Done(); cancel() })
	}},

	{"far end calls", func(m *model) {
		if m.r.far.running() < 5 {
			m.r.far.call()
		}
	}},
	{"caller gives up", far(begins, func(_ *model, c *farCall) { c.giveUp() })},
	{"180", far(waits, func(_ *model, c *farCall) { c.ring() })},
	{"183 with sound", far(waits, func(_ *model, c *farCall) { c.earlyMedia() })},
	{"answer", far(waits, func(_ *model, c *farCall) { c.answer(); c.speak(farVoice) })},
	{"refuse", far(waits, func(m *model, c *farCall) {
		c.refuse([]int{404, 486, 500, 503}[m.how%4])
	})},
	{"far end hangs up", far(isUp, func(_ *model, c *farCall) { c.hangUp() })},
	{"far end holds or comes back", far(mayOffer, func(m *model, c *farCall) {
		c.reinvite([]offer.Direction{offer.SendRecv, offer.SendOnly, offer.Inactive}[m.how%3])
	})},
	{"far end is gone", far(isUp, func(_ *model, c *farCall) { c.dead = true })},
	{"far end moves", far(mayOffer, func(_ *model, c *farCall) { c.move() })},
	{"INFO", far(isUp, func(_ *model, c *farCall) { c.info('5') })},
	{"event", far(isUp, func(_ *model, c *farCall) { c.media.SendEvent(5, 100) })},
	{"REFER", far(isUp, func(_ *model, c *farCall) { c.refer("700") })},
	{"replaced", far(isUp, func(m *model, c *farCall) {
		if m.r.far.running() < 5 {
			replaceBy(m.r, c)
		}
	})},

	{"drain or resume", func(m *model) { m.r.drains.Store(m.how%2 == 1) }},
	{"line goes or comes", func(m *model) { m.r.noLine.Store(m.how%2 == 1) }},
	{"slow network or fast", func(m *model) {
		m.r.slow(time.Duration([]int{0, 0, 30, 200}[m.how%4]) * time.Millisecond)
	}},
	{"STUN server", func(m *model) {
		silent := m.how%2 == 1
		m.server = nil
		if m.which%2 == 1 {
			m.server = m.r.far.stun
		}
		m.r.far.stun.silent = func(netip.AddrPort) bool { return silent }
	}},
	{"message waiting", func(m *model) { m.phone().port.MessageWaiting(m.how%2 == 1) }},
	{"goes on", goOn}, // the last one: see purpose
}

// check looks at what must be so at any moment, once everything that came in is done.
func (m *model) check() {
	m.r.frame()
	for _, ph := range m.r.phones {
		ph.frame() // what came in is done with this one
		ph.ear = ph.ear[max(0, len(ph.ear)-320):]
	}
	sockets, reserved := 0, map[*group]bool{}
	for i, ph := range m.r.phones {
		sockets += m.checkPort(i+1, ph, reserved)
	}
	if n := m.r.rtp.InUse(); n != sockets+len(reserved) {
		m.Fatalf("%d pairs of RTP ports are in use, %d in conversations, %d reserved for ringing ones", n, sockets, len(reserved))
	}
}

// checkPort looks at one port, and counts its sockets. Those of calls that ring are reserved.
func (m *model) checkPort(n int, ph *telephone, reserved map[*group]bool) (sockets int) {
	p := ph.port
	s := p.Snapshot()
	rings := p.now != nil && (p.now.stage == ringing || p.now.stage == recalled)
	talks := p.now != nil && !rings
	var all []*conversation
	for c := p.now; c != nil; c = c.before {
		all = append(all, c)
	}
	all = append(all, p.held, p.waiting)
	for _, t := range p.transfers {
		all = append(all, t.from)
		if t.to != nil && !t.to.gone {
			all = append(all, t.to)
		}
	}
	for _, c := range all {
		if c == nil {
			continue
		}
		if c.gone {
			m.Fatalf("port %d: a conversation that is over: %+v", n, s)
		}
		if c.session != nil {
			sockets++
		}
		if c.stage == ringing {
			reserved[c.group] = true
		}
	}
	_, device := sideOf(p.now).(*menu)
	wrong := ""
	switch {
	case (s.State == fxs.Ringing) != rings, (s.State == fxs.Calling || s.State == fxs.Talking) != (talks || p.follows != nil):
		wrong = "what it does is not what its calls do"
	case talks && p.now.session == nil && !device:
		wrong = "a call without sound"
	case s.OffHook == (s.State == fxs.Idle || s.State == fxs.Ringing):
		wrong = "hook"
	case p.busy.Load() != (p.now != nil || p.held != nil || p.waiting != nil || s.OffHook || len(p.transfers) > 0), ph.offered():
		wrong = "busy"
	case p.held != nil && (!s.OffHook || p.held.stage != up || p.held.held == p.joined):
		wrong = "a held call"
	case p.waiting != nil && (!s.OffHook || p.held != nil || p.waiting.stage != ringing):
		wrong = "a waiting call"
	case p.joined && (p.now == nil || p.held == nil || p.now.stage != up):
		wrong = "a conference"
	case p.now != nil && p.mode == "" && p.now.held != (p.now.stage == recalled):
		wrong = "the call of the handset"
	case p.commands && (!talks || p.held == nil && p.waiting == nil):
		wrong = "a command"
	case p.virtual && (!s.OffHook || p.now == nil || ph.off):
		wrong = "lifted by program"
	case ph.card == nil && (s.Card || s.State != fxs.Idle):
		wrong = "no card"
	case ph.card != nil && ph.card.ringing && !rings:
		wrong = "the bell"
	case m.stuck(n, s.State == fxs.Talking && !p.commands && p.waiting == nil && p.follows == nil, ph.hears()):
		wrong = fmt.Sprintf("a tone of %d Hz", ph.hears())
	}
	if wrong != "" {
		m.Fatalf("port %d: %s: %+v, now %+v, held %v, waiting %v, joined %v, commands %v, %d transfers", n, wrong, s, p.now, p.held, p.waiting, p.joined, p.commands, len(p.transfers))
	}
	return sockets
}

// stuck reports a tone that goes on for a fifth of a second of a call.
func (m *model) stuck(port int, talks bool, hears int) bool {
	if talks && slices.Contains([]int{dialTone, ringbackTone, busyTone, reorderTone}, hears) {
		m.tones[port]++
	} else {
		m.tones[port] = 0
	}
	return m.tones[port] > 5
}

func sideOf(c *conversation) faxSide {
	if c == nil {
		return nil
	}
	return c.fax
}

func (m *model) end() {
	m.cancel()
	m.r.close()
}

// rest hangs everything up and looks at what is left.
func (m *model) rest() {
	m.cancel() // who waits for a call does so no longer
	m.r.slow(0)
	m.r.far.stun.silent = nil
	m.server = nil
	m.r.run(time.Second)
	for _, ph := range m.r.phones {
		if ph.card == nil {
			ph.plug()
		}
	}
	m.r.settle()
	m.r.still(40 * time.Second) // every transaction is over
	if n := m.r.line.Snapshot().Calls; n != 0 {
		m.Fatalf("the line has %d calls", n)
	}
}
