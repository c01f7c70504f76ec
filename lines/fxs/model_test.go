package fxs

import (
	"testing"

	"pgregory.net/rapid"

	"tipring/internal/dsp"
)

// Whatever a telephone and a far end do, in any order: nothing sounds or rings on a
// telephone that is on-hook and not called, nothing rings one that is off-hook, every
// sound that no owner has to end ends by itself, and a hang-up ends everything.
func TestNoToneAndNoRingIsEverStuck(t *testing.T) {
	us, gb := mustCountry(t, "us"), mustCountry(t, "gb")
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, us, gb)
		t.Repeat(map[string]func(*rapid.T){
			"":            m.check,
			"open":        func(*rapid.T) { m.loop(LoopOpen) },
			"close":       func(*rapid.T) { m.loop(LoopClosed) },
			"chip flash":  func(*rapid.T) { m.loop(LoopFlash) },
			"chip pulses": func(t *rapid.T) { m.loop(LoopPulses(rapid.ByteRange(0, 9).Draw(t, "digit"))) },
			"key":         m.key,
			"time":        func(t *rapid.T) { m.run(rapid.IntRange(80, 3*second).Draw(t, "samples")) },
			"ring":        func(*rapid.T) { m.ring() },
			"stop ring":   func(*rapid.T) { m.port.StopRing() },
			"talk":        func(*rapid.T) { m.owner(m.port.Talk) },
			"ringback":    func(*rapid.T) { m.owner(func() { m.port.Play(Ringback) }) },
			"silence":     func(*rapid.T) { m.owner(m.port.Silence) },
			"busy":        func(*rapid.T) { m.owner(func() { m.port.Park(Busy) }) },
			"recall":      func(*rapid.T) { m.owner(m.port.Dial) },
			"unplug":      func(*rapid.T) { m.events(m.port.Unplug()) },
		})
		m.leave()
	})
}

type model struct {
	t      *rapid.T
	port   *Port
	frame  int
	off    bool // as the events tell it
	called bool
	heard  bool // sound in the last run
	rang   bool
}

func newModel(t *rapid.T, countries ...*Country) *model {
	cfg := Config{
		Country:   rapid.SampledFrom(countries).Draw(t, "country"),
		Hotline:   rapid.SampledFrom([]string{"", "", "100"}).Draw(t, "hotline"),
		HotlineMS: rapid.SampledFrom([]int{0, 2000}).Draw(t, "after"),
	}
	if text := rapid.SampledFrom([]string{"", "(6xx|7x.|900!|xx)"}).Draw(t, "plan"); text != "" {
		cfg.Plan, _ = ParsePlan(text)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &model{t: t, port: p, frame: rapid.SampledFrom([]int{80, 160, 240, 1600}).Draw(t, "frame")}
}

func (m *model) loop(l Loop) { m.events(m.port.Loop(l)) }

func (m *model) events(events []Event) {
	for _, e := range events {
		switch e.Kind {
		case OffHook, Answered:
			if m.off {
				m.t.Fatalf("%v twice", e)
			}
			if (e.Kind == Answered) != m.called {
				m.t.Fatalf("%v, called: %v", e, m.called)
			}
			m.off, m.called = true, false
		case OnHook:
			if !m.off {
				m.t.Fatalf("%v of a telephone that is on-hook", e)
			}
			m.off = false
		case Dialled:
			if e.Number == "" || !m.off {
				m.t.Fatalf("dialled %q, off-hook: %v", e.Number, m.off)
			}
		case Flash, NotDialled, KeyDown, KeyUp:
			if !m.off {
				m.t.Fatalf("%v of a telephone that is on-hook", e)
			}
		}
	}
}

func (m *model) run(samples int) {
	in, out := make([]int16, m.frame), make([]int16, m.frame)
	m.heard, m.rang = false, false
	for ; samples > 0; samples -= m.frame {
		m.play(in, out)
	}
}

func (m *model) play(in, out []int16) {
	clear(out)
	m.events(m.port.Hear(in))
	m.port.Speak(out)
	sound := false
	for _, s := range out {
		sound = sound || s != 0
	}
	m.heard = m.heard || sound
	m.rang = m.rang || m.port.wanted.ring
	if m.port.wanted.ring && (m.off || m.port.State() != Ringing) {
		m.t.Fatalf("rings in state %v, off-hook: %v", m.port.State(), m.off)
	}
	if !m.off && sound {
		m.t.Fatal("sounds on-hook")
	}
}

func (m *model) key(t *rapid.T) {
	g := dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0)
	g.Press(rapid.SampledFrom([]byte("0167#*A9")).Draw(t, "key"), 480, 480)
	in, out := make([]int16, m.frame), make([]int16, m.frame)
	for g.Busy() {
		clear(in[g.Read(in):])
		m.play(in, out)
	}
}

func (m *model) ring() {
	if m.port.Ring(nil) {
		m.called = true
	}
}

// owner does what an owner may do at any moment, also too late.
func (m *model) owner(do func()) { do() }

func (m *model) check(*rapid.T) {
	m.called = m.called && m.port.State() == Ringing
	if m.off != m.port.hook.off || (m.port.State() == Idle || m.port.State() == Ringing) == m.off {
		m.t.Fatalf("off-hook: %v by the events, %v by the port, state %d", m.off, m.port.hook.off, m.port.State())
	}
	if m.called != (m.port.State() == Ringing) {
		m.t.Fatalf("called: %v, state %v", m.called, m.port.State())
	}
}

// leave lets time pass: all that the port began by itself is over in three minutes.
// Then the handset goes down.
func (m *model) leave() {
	m.loop(LoopClosed) // no hang-up is pending
	m.port.Silence()
	m.frame = 1600
	m.run(180 * second)
	m.run(10 * second)
	if m.heard || m.rang {
		m.t.Fatalf("sounds (%v) or rings (%v) after three minutes in state %v", m.heard, m.rang, m.port.State())
	}
	m.loop(LoopOpen)
	m.run(3 * second)
	m.run(20 * second)
	if m.port.State() != Idle || m.heard || m.rang || len(m.port.keys) > 0 {
		m.t.Fatalf("state %v after a hang-up", m.port.State())
	}
}
