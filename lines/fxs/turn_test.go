package fxs

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// A paperCard says what its script has, and notes what it is told.
type paperCard struct {
	script []said
	told   []string
	broken string // the command that fails
	heard  []int16
}

type said struct {
	pcm  []int16
	loop Loop
}

var errPulled = errors.New("card pulled")

func (c *paperCard) Read() ([]int16, Loop, error) {
	if len(c.script) == 0 {
		return nil, LoopSame, errPulled
	}
	s := c.script[0]
	c.script = c.script[1:]
	return s.pcm, s.loop, nil
}

func (c *paperCard) tell(what string) error {
	c.told = append(c.told, what)
	if what == c.broken {
		return errPulled
	}
	return nil
}

func (c *paperCard) Write(pcm []int16) error {
	c.heard = append(c.heard, pcm...)
	return c.tell(fmt.Sprintf("audio %d", len(pcm)))
}
func (c *paperCard) Ring(on bool) error    { return c.tell(fmt.Sprintf("ring %v", on)) }
func (c *paperCard) Reverse(on bool) error { return c.tell(fmt.Sprintf("reverse %v", on)) }
func (c *paperCard) Lamp(on bool) error    { return c.tell(fmt.Sprintf("lamp %v", on)) }
func (c *paperCard) Power(on bool) error   { return c.tell(fmt.Sprintf("power %v", on)) }
func (c *paperCard) Wake()                 {}
func (c *paperCard) Close() error          { return nil }

func audio(n int) said { return said{pcm: make([]int16, n)} }
func loop(l Loop) said { return said{loop: l} }

func turns(t *testing.T, p *Port, c *paperCard, a Audio, n int) {
	t.Helper()
	for range n {
		if _, err := p.Turn(c, a); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCardIsToldWhatChangesAndWhen(t *testing.T) {
	p := newTelephone(t, "us", "").port
	c := &paperCard{script: []said{
		audio(160), audio(160), audio(80), loop(LoopClosed), audio(160), {}, audio(160),
	}}
	p.MessageWaiting(true)
	p.Power(false)
	p.Ring(Cadence{320, 800})
	turns(t, p, c, nil, 1)
	p.Power(true)
	turns(t, p, c, nil, 6)
	want := []string{
		"power false", "lamp true", // no ringing before the card's first samples
		"audio 160",
		"ring true", "power true",
		"audio 160",
		"ring false", // 320 samples of the cadence are over
		"audio 80",
		"audio 160", "audio 160", // it was answered in the pause
	}
	if !slices.Equal(c.told, want) {
		t.Errorf("%q\nwant %q", c.told, want)
	}
}

func TestRingTripIsToldBeforeAnythingElse(t *testing.T) {
	p := newTelephone(t, "us", "").port
	c := &paperCard{script: []said{audio(160), audio(160), loop(LoopClosed), audio(80)}}
	p.Ring(nil)
	turns(t, p, c, nil, 3)
	if last := c.told[len(c.told)-1]; last != "ring false" {
		t.Errorf("%q", c.told)
	}
	events, err := p.Turn(c, nil)
	if err != nil || len(events) != 1 || events[0].Kind != Answered {
		t.Fatalf("%v, %v", events, err)
	}
}

func TestPulledCardHangsUp(t *testing.T) {
	for _, broken := range []string{"", "audio 160", "lamp true"} {
		p := newTelephone(t, "us", "").port
		c := &paperCard{script: []said{loop(LoopClosed), audio(80)}, broken: broken}
		turns(t, p, c, nil, 2)
		if broken != "" {
			c.script = []said{audio(160)}
			p.MessageWaiting(broken == "lamp true")
		}
		events, err := p.Turn(c, nil)
		if !errors.Is(err, errPulled) || len(events) != 1 || events[0].Kind != OnHook || p.State() != Idle {
			t.Errorf("broken %q: %v, %v, %v", broken, events, err, p.State())
		}
	}
}

// What the next card does not know, it is told.
func TestNextCardIsToldEverything(t *testing.T) {
	p := newTelephone(t, "us", "").port
	p.MessageWaiting(true)
	p.Reverse(true)
	turns(t, p, &paperCard{script: []said{audio(160)}}, nil, 1)
	p.Ring(nil)
	p.Unplug()
	c := &paperCard{script: []said{audio(160), audio(160)}}
	turns(t, p, c, nil, 2)
	if want := []string{"reverse true", "lamp true", "audio 160", "audio 160"}; !slices.Equal(c.told, want) {
		t.Errorf("%q\nwant %q", c.told, want)
	}
}

// That no messages wait is not what a lamp shows that was lit before this port was there: a card
// hears it once that is known, and not before; without loop current for a moment the data follow.
func TestNoMessagesAreNewsToACard(t *testing.T) {
	p := newTelephone(t, "us", "").port
	c := &paperCard{script: []said{audio(160), audio(160), audio(160)}}
	turns(t, p, c, nil, 1)
	p.MessageWaiting(false)
	turns(t, p, c, nil, 1)
	p.MessageWaiting(false)
	turns(t, p, c, nil, 1)
	if want := []string{"audio 160", "lamp false", "audio 160", "power false", "audio 160"}; !slices.Equal(c.told, want) {
		t.Errorf("%q\nwant %q", c.told, want)
	}
}

// echo gives back what it hears, louder by one.
type echo struct{ calls int }

func (e *echo) Exchange(in, out []int16) {
	e.calls++
	for i := range in {
		out[i] += in[i] + 1
	}
}

func TestAudioGoesThroughTheCallAndUnderTheTone(t *testing.T) {
	p := newTelephone(t, "us", "(6)").port
	c := &paperCard{script: []said{audio(160), loop(LoopClosed), audio(160)}}
	e := new(echo)
	turns(t, p, c, e, 3)
	if e.calls != 2 {
		t.Errorf("%d exchanges for 2 frames", e.calls)
	}
	if c.heard[0] != 1 || c.heard[159] != 1 {
		t.Error("the call is not heard without a tone")
	}
	if slices.Equal(c.heard[160:], c.heard[:160]) {
		t.Error("the call is heard in place of dial tone")
	}
}

func TestTurnAllocatesNothing(t *testing.T) {
	p := newTelephone(t, "us", "").port
	c := &endlessCard{pcm: make([]int16, 160)}
	p.Loop(LoopClosed)
	e := new(echo)
	if n := testing.AllocsPerRun(300, func() {
		if _, err := p.Turn(c, e); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

type endlessCard struct {
	paperCard
	pcm []int16
}

func (c *endlessCard) Read() ([]int16, Loop, error) { return c.pcm, LoopSame, nil }
func (c *endlessCard) Write([]int16) error          { return nil }
