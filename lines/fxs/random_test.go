package fxs

import (
	"flag"
	"math/rand/v2"
	"testing"

	"tipring/internal/dsp"
	"tipring/lines/fxs/callerid"
)

var (
	randomSeed   = flag.Uint64("seed", 20261122, "of the first of the random lives")
	randomEvents = flag.Int("events", lifeEvents, "of all random lives together")
)

// A hundred thousand things that a telephone, its owner and time can do, in any order, on ports
// of every kind. Nothing is ever stuck: no tone, no ring, no reversal, no dead loop, no muted call.
func TestRandomLives(t *testing.T) {
	const life = 1000 // events
	for i := range *randomEvents / life {
		seed := *randomSeed + uint64(i)
		l := newLife(t, seed)
		for range life {
			l.event()
			if t.Failed() {
				t.Fatalf("seed %d, events before: %q", seed, l.told[max(0, len(l.told)-40):])
			}
		}
		l.end()
		if t.Failed() {
			t.Fatalf("seed %d, at its end", seed)
		}
	}
	t.Logf("seeds from %d, %d events", *randomSeed, *randomEvents)
}

// life is one port with a telephone, and what both may be at the moment.
type life struct {
	t    *testing.T
	rand *rand.Rand
	port *Port
	keys *dsp.DTMFGenerator
	told []string

	loop    Loop // pending
	pcm     []int16
	closed  bool  // the loop
	since   int64 // when it changed
	ring    bool  // as commanded, as are these
	reverse bool
	dead    bool
	deadAt  int64
	muted   int64 // samples that the call is muted
	off     bool  // by the events
	called  bool  // somebody rings
}

func newLife(t *testing.T, seed uint64) *life {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	cfg := Config{
		Country: mustCountry(t, pick("us", "gb", "de", "se", "dk", "it", "br", "jp")),
		Plan:    mustPlan(t, pick("", "", "(6xx|7x.|900!|xxS0|E:112)")),
		Hotline: pick("", "", "", "100"), HotlineMS: r.IntN(2) * 2000,
		Settings: Settings{
			CallerID: pick(append(callerid.Names(), "", "off", "country")...), Reversal: r.IntN(2) == 0, DisconnectMS: r.IntN(3)*300 - 300,
			NoWaitingID: r.IntN(4) == 0, NoStutter: r.IntN(4) == 0, NoLamp: r.IntN(4) == 0, NoData: r.IntN(4) == 0, Splash: r.IntN(4) == 0,
			NoDigitS: r.IntN(2) * 5, InterdigitS: r.IntN(2) * 2,
		},
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.SetCodes([]string{"*72", "*7", "***", "#21#"})
	frame := []int{80, 160, 240, 1600}[r.IntN(4)]
	return &life{t: t, rand: r, port: p, keys: dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0), pcm: make([]int16, frame)}
}

// event is one thing that happens, and the time until the next.
func (l *life) event() {
	p, n := l.port, l.rand.IntN
	do := []struct {
		what string
		f    func()
	}{
		{"open", func() { l.change(LoopOpen) }}, {"open", func() { l.change(LoopOpen) }}, {"close", func() { l.change(LoopClosed) }}, {"close", func() { l.change(LoopClosed) }},
		{"bounce", func() { l.change(LoopOpen); l.change(LoopClosed); l.change(LoopOpen) }},
		{"chip flash", func() { l.change(LoopFlash) }}, {"chip digit", func() { l.change(LoopPulses(byte(n(10)))) }},
		{"flash", func() { l.change(LoopOpen); l.run(p.country.FlashMax * 3 / 4); l.change(LoopClosed) }},
		{"pulses", func() {
			for range 1 + n(11) {
				l.change(LoopOpen)
				l.run(240 + n(300))
				l.change(LoopClosed)
				l.run(160 + n(300))
			}
		}},
		{"key", func() { l.keys.Press("0167*#729D"[n(10)], 400, 400); l.run(900) }}, {"key", func() { l.keys.Press("0167*#729D"[n(10)], 400, 400); l.run(900) }},
		{"code", func() {
			for _, k := range []byte("*72") {
				l.keys.Press(k, 400, 400)
			}
			l.run(2500)
		}},
		{"number", func() {
			for _, k := range []byte("601#") {
				l.keys.Press(k, 400, 400)
			}
			l.run(3300)
		}},
		{"ready", func() { l.keys.Press('D', 480, 0) }},
		{"ring", func() { l.called = p.Ring(nil) || l.called }},
		{"ring for", func() {
			in := Incoming{Caller: Caller{Number: "+15551234567", Name: "Anna", Private: n(4) == 0}, Alert: []string{"", "bellcore-dr4", "bellcore-dr5", "none"}[n(4)]}
			l.called = p.RingFor(in) || l.called
		}},
		{"stop ring", p.StopRing},
		{"talk", p.Talk}, {"talk", p.Talk}, {"ringback", func() { p.Play(Ringback) }}, {"silence", p.Silence},
		{"wait", func() { p.Wait(Caller{Number: "555"}) }}, {"wait", func() { p.Wait(Caller{}) }}, {"stop waiting", p.StopWaiting},
		{"park", func() { p.Park(Busy) }}, {"disconnect", func() { p.Disconnect(Reorder) }}, {"connected", p.Connected},
		{"recall", p.Recall}, {"dial", p.Dial}, {"confirm", p.Confirm},
		{"messages", func() { p.MessageWaiting(true) }}, {"no messages", func() { p.MessageWaiting(false) }},
		{"unplug", func() {
			if n(8) == 0 {
				l.events(p.Unplug())
				l.closed, l.since, l.ring, l.reverse, l.dead, l.called = false, p.Now(), false, false, false, false
				l.keys.Stop()
			}
		}},
	}
	e := do[n(len(do))]
	l.told = append(l.told, e.what)
	e.f()
	switch n(40) {
	case 0:
		l.run(2*second + n(20*second)) // long enough for timers
	case 1, 2, 3, 4:
		l.run(n(second))
	default:
		l.run(n(600))
	}
}

// change lets the card say so before the next samples.
func (l *life) change(to Loop) {
	l.loop = to
	l.turn()
	if closed := to == LoopClosed; (closed || to == LoopOpen) && closed != l.closed {
		l.closed, l.since = closed, l.port.Now()
	}
}

func (l *life) run(samples int) {
	for ; samples > 0 && !l.t.Failed(); samples -= len(l.pcm) {
		l.turn()
	}
}

func (l *life) turn() {
	clear(l.pcm)
	l.keys.Read(l.pcm)
	events, err := l.port.Turn(l, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.events(events)
	l.check()
}

func (l *life) events(events []Event) {
	for _, e := range events {
		switch e.Kind {
		case OffHook, Answered:
			if l.off || e.Kind == Answered && !l.called {
				l.t.Errorf("%v, off-hook %v, called %v", e, l.off, l.called)
			}
			l.off, l.called = true, false
		case OnHook:
			if !l.off {
				l.t.Errorf("%v on-hook", e)
			}
			l.off = false
		case Dialled, Coded:
			if !l.off || e.Number == "" {
				l.t.Errorf("%v, off-hook %v", e, l.off)
			}
		default:
			if !l.off {
				l.t.Errorf("%v on-hook", e)
			}
		}
	}
}

// check holds the port against the little that must be so at every moment.
func (l *life) check() {
	p, frame := l.port, int64(len(l.pcm))
	l.called = l.called && p.state == Ringing
	switch idle := p.state == Idle || p.state == Ringing; {
	case l.off == idle || l.off != p.hook.off:
		l.t.Errorf("off-hook %v by the events, %v by the port, state %v", l.off, p.hook.off, p.state)
	case l.called != (p.state == Ringing):
		l.t.Errorf("called %v, state %v", l.called, p.state)
	case p.wanted.ring && l.off:
		l.t.Error("rings off-hook")
	case p.wanted.ring && !l.called && p.state != Ringing && !p.procedure.running():
		l.t.Error("rings nobody")
	case !p.hook.off && p.tone.Signal() != nil:
		l.t.Error("a tone on-hook")
	case p.wanted.reverse && !l.called && !p.connected && !p.procedure.running():
		l.t.Error("reversed for nothing")
	case p.connected && !l.off:
		l.t.Error("reversed for nobody")
	case l.dead && p.Now()-l.deadAt > second+frame && !p.locked:
		l.t.Error("dead for more than a second")
	case p.Mutes() && l.muted > 4*second+4*frame:
		l.t.Error("muted for too long")
	}
	if l.muted += frame; !p.Mutes() {
		l.muted = 0
	}
	// What the loop says is believed in the end.
	if open := p.Now() - l.since; !l.closed && open > int64(p.country.FlashMax)+4*frame+2*second && l.off {
		l.t.Errorf("off-hook, with the loop open for %d", open)
	} else if l.closed && open > 3*frame+2*second && !l.off {
		l.t.Errorf("on-hook, with the loop closed for %d", open)
	}
}

// end is that of a life: a handset left as it is comes to silence, and one on its hook to rest.
func (l *life) end() {
	p := l.port
	l.keys.Stop()
	p.StopRing()
	p.StopWaiting()
	p.Silence()
	l.pcm = make([]int16, 1600)
	if p.state == Dialling && p.coded {
		l.run(5 * second)
	}
	if p.state != Talking && p.state != Calling {
		l.run(180 * second)
		if p.tone.Signal() != nil {
			l.t.Errorf("a tone after three minutes in state %v", p.state)
		}
	}
	l.change(LoopOpen)
	l.run(8 * second)
	if p.state != Idle || l.off || l.ring || l.reverse || l.dead || p.Mutes() || p.procedure.running() || len(p.keys)+len(p.ahead) > 0 || p.owesData {
		l.t.Errorf("at rest: state %v, off %v, rings %v, reversed %v, dead %v, keys %q, data owed %v", p.state, l.off, l.ring, l.reverse, l.dead, p.keys, p.owesData)
	}
}

// life is the card, too.

func (l *life) Read() ([]int16, Loop, error) {
	if to := l.loop; to != LoopSame {
		l.loop = LoopSame
		return nil, to, nil
	}
	return l.pcm, LoopSame, nil
}

func (l *life) Write(pcm []int16) error {
	for _, s := range pcm {
		if s != 0 && l.ring {
			l.t.Error("sound in the ring")
			break
		}
	}
	return nil
}

func (l *life) Ring(on bool) error    { l.ring = on; return nil }
func (l *life) Reverse(on bool) error { l.reverse = on; return nil }
func (l *life) Lamp(bool) error       { return nil }
func (l *life) Power(on bool) error {
	l.dead, l.deadAt = !on, l.port.Now()
	return nil
}
func (l *life) Wake()        {}
func (l *life) Close() error { return nil }
