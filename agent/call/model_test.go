package call

import (
	"context"
	"fmt"
	"net/netip"
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
	events := 500
	if testing.Short() {
		events = 50
	}
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func() {
			m := newModel(rt)
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
	return int(n/256) % len(happenings)
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
}

// Helper, Fatalf and Errorf make a model the rig's tester: what happened stands before
// what went wrong.
func (m *model) Helper() { m.t.Helper() }

func (m *model) Fatalf(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("after %s:\n"+format, append([]any{strings.Join(m.log[max(0, len(m.log)-40):], ", ")}, args...)...)
}

func (m *model) Errorf(format string, args ...any) { m.Fatalf(format, args...) }

func newModel(t *rapid.T) *model {
	m := &model{t: t}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	kind := rapid.SampledFrom([]string{"auto", "info", "inband"}).Draw(t, "dtmf_type")
	s := stunned(&m.server, settings{ports: 2, rtpPairs: 3, line: []string{"dtmf_type = " + kind}})
	change := s.config
	s.config = func(c *Config) {
		change(c)
		c.DTMFType = kind
	}
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
	{"press", plugged(func(ph *telephone) { ph.keys.Press('5', 640, 640) })},
	{"dial", plugged(func(ph *telephone) { ph.dial("600") })},
	{"dial on", plugged(func(ph *telephone) { ph.press("7#") })},
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
		if m.r.far.running() < 4 {
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
	{"far end moves", far(mayOffer, func(_ *model, c *farCall) { c.move() })},
	{"INFO", far(isUp, func(_ *model, c *farCall) { c.info('5') })},
	{"event", far(isUp, func(_ *model, c *farCall) { c.media.SendEvent(5, 100) })},
	{"REFER", far(isUp, func(_ *model, c *farCall) { c.refer("700") })},
	{"replaced", far(isUp, func(m *model, c *farCall) {
		if m.r.far.running() < 4 {
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
}

// check looks at what must be so at any moment, once everything that came in is done.
func (m *model) check() {
	m.r.frame()
	for _, ph := range m.r.phones {
		ph.frame() // what came in is done with this one
	}
	sockets := 0
	for i, ph := range m.r.phones {
		p := ph.port
		s := p.Snapshot()
		n := 0
		for c := p.now; c != nil; c = c.before {
			if c.gone {
				m.Fatalf("port %d: a conversation that is over, in state %v", i+1, s.State)
			}
			if c.session != nil {
				n++
			}
		}
		sockets += n
		rings := p.now != nil && p.now.stage == ringing
		talks := p.now != nil && !rings
		if (s.State == fxs.Ringing) != rings || (s.State == fxs.Calling || s.State == fxs.Talking) != talks {
			m.Fatalf("port %d is %v with conversation %+v", i+1, s.State, p.now)
		}
		if talks != (n > 0) || s.OffHook == (s.State == fxs.Idle || s.State == fxs.Ringing) {
			m.Fatalf("port %d: %+v with %d sockets", i+1, s, n)
		}
		if p.busy.Load() != (p.now != nil || s.OffHook) || ph.offered() {
			m.Fatalf("port %d is busy: %v, offered: %v; %+v", i+1, p.busy.Load(), ph.offered(), s)
		}
		if p.virtual && (!s.OffHook || p.now == nil || ph.off) {
			m.Fatalf("port %d was lifted by program: %+v, handset off: %v", i+1, s, ph.off)
		}
		if ph.card == nil {
			if s.Card || s.State != fxs.Idle {
				m.Fatalf("port %d without a card: %+v", i+1, s)
			}
		} else if ph.card.ringing && !rings {
			m.Fatalf("telephone %d rings, the port is %v", i+1, s.State)
		}
	}
	reserved := map[*group]bool{}
	for _, ph := range m.r.phones {
		if c := ph.port.now; c != nil && c.stage == ringing {
			reserved[c.group] = true
		}
	}
	if n := m.r.rtp.InUse(); n != sockets+len(reserved) {
		m.Fatalf("%d pairs of RTP ports are in use, %d in conversations, %d reserved for ringing ones", n, sockets, len(reserved))
	}
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
