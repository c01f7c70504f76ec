package call

import (
	"io"
	"math"
	"testing/synctest"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
	"tipring/t38"
)

// A telephone is the driver and the line card of a port, and what hangs on it.
type telephone struct {
	r      *rig
	port   *Port
	cards  chan fxs.Card
	closed chan struct{}
	card   *testCard // plugged in; nil: none

	off    bool
	keys   *dsp.DTMFGenerator
	source interface{ Read([]int16) } // said instead; nil: nothing
	says   *dsp.Tone                  // while no key sounds
	ear    []int16                    // all that was heard
	dtmf   dsp.DTMFDetector
	heard  string // keys
	echo   int    // the hybrid gives back what is heard, divided by it; 0: nothing
	late   int    // samples that the echo takes
	shift  int    // samples of a frame before a key begins

	fax *t38.Machine // instead of a telephone
}

// Cards implements fxs.Driver.
func (ph *telephone) Cards() <-chan fxs.Card { return ph.cards }

// Close implements fxs.Driver.
func (ph *telephone) Close() error {
	select {
	case <-ph.closed:
		return nil
	default:
	}
	close(ph.closed)
	if ph.card != nil {
		ph.card.pull()
		ph.card = nil
	}
	close(ph.cards)
	return nil
}

// plug connects a line card.
func (ph *telephone) plug() {
	ph.card = &testCard{mouth: make(chan said), gone: make(chan struct{})}
	ph.cards <- ph.card
	ph.off = false
	ph.says = nil
	ph.keys = dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0)
	synctest.Wait()
}

// unplug pulls the card.
func (ph *telephone) unplug() {
	ph.card.pull()
	ph.card = nil
	synctest.Wait()
}

// frame says and hears 20 ms.
func (ph *telephone) frame() {
	if ph.card == nil {
		return
	}
	pcm := make([]int16, 160)
	switch {
	case ph.keys.Busy():
		ph.keys.Read(pcm[ph.shift:])
		ph.shift = 0
	case ph.fax != nil && ph.off:
		ph.fax.Exchange(ph.last(), pcm)
	case ph.source != nil && ph.off:
		ph.source.Read(pcm)
	case ph.says != nil && ph.off:
		ph.says.Read(pcm)
	}
	if n := len(ph.ear) - ph.late; ph.echo > 0 && n >= 160 {
		for i := range pcm {
			pcm[i] += ph.ear[n-160+i] / int16(ph.echo)
		}
	}
	ph.card.send(said{pcm: pcm})
	synctest.Wait()
	ph.ear = append(ph.ear, ph.card.ear...)
	for _, e := range ph.dtmf.Feed(nil, ph.card.ear) {
		if e.Down {
			ph.heard += string(e.Key)
		}
	}
	ph.card.ear = nil
}

// last is the frame that was heard last.
func (ph *telephone) last() []int16 {
	if n := len(ph.ear); n >= 160 {
		return ph.ear[n-160:]
	}
	return make([]int16, 160)
}

func (ph *telephone) loop(l fxs.Loop) {
	ph.card.send(said{loop: l})
	synctest.Wait()
}

// lift lifts the handset.
func (ph *telephone) lift() {
	ph.off = true
	ph.loop(fxs.LoopClosed)
}

// hangUp puts the handset down and waits until that is no flash.
func (ph *telephone) hangUp() {
	ph.putDown()
	ph.r.run(500 * time.Millisecond)
}

// putDown puts the handset down.
func (ph *telephone) putDown() {
	ph.off, ph.says = false, nil
	ph.loop(fxs.LoopOpen)
}

// flash presses the hook for a moment.
func (ph *telephone) flash() {
	ph.loop(fxs.LoopOpen)
	ph.r.run(200 * time.Millisecond)
	ph.off = true
	ph.loop(fxs.LoopClosed)
	ph.r.run(100 * time.Millisecond)
}

// press presses keys, 80 ms each, and waits for them.
func (ph *telephone) press(keys string) {
	for _, k := range []byte(keys) {
		ph.keys.Press(k, 640, 640)
	}
	for ph.keys.Busy() {
		ph.r.frame()
	}
}

// dial lifts the handset and dials.
func (ph *telephone) dial(number string) {
	ph.lift()
	ph.r.run(100 * time.Millisecond)
	ph.press(number + "#")
}

// speak says a steady tone from now on.
func (ph *telephone) speak() { ph.says = voice(nearVoice) }

func voice(hz float64) *dsp.Tone {
	v := new(dsp.Tone)
	v.Start(dsp.Steady(dsp.Partial{Hz: hz, DBm0: -15}))
	return v
}

// hears is the frequency of what sounds in the ear, nothing for silence.
func (ph *telephone) hears() int { return loudest(ph.ear) }

// loudest is the known frequency that fills the last 40 ms of pcm.
func loudest(pcm []int16) int {
	pcm = pcm[max(0, len(pcm)-320):]
	energy := 0.0
	for _, s := range pcm {
		energy += float64(s) * float64(s)
	}
	if energy < 320*100*100 {
		return nothing
	}
	for _, hz := range []int{dialTone, ringbackTone, busyTone, reorderTone, farVoice, otherVoice, nearVoice, howler} {
		re, im := 0.0, 0.0
		for i, s := range pcm {
			phase := 2 * math.Pi * float64(hz) * float64(i) / dsp.SampleRate
			re += float64(s) * math.Cos(phase)
			im += float64(s) * math.Sin(phase)
		}
		if 2*(re*re+im*im)/float64(len(pcm)) > 0.8*energy {
			return hz
		}
	}
	return -1
}

// want checks what the port does, as the outside sees it, and what is heard.
func (ph *telephone) want(state fxs.State, hears int) {
	ph.r.t.Helper()
	if got := ph.port.Snapshot().State; got.String() != state.String() {
		ph.r.t.Fatalf("port is %v, want %v", got, state)
	}
	if got := ph.hears(); got != hears {
		ph.r.t.Fatalf("the telephone hears %d Hz, want %d", got, hears)
	}
}

// offered reports that the port has a call that it has not looked at yet.
func (ph *telephone) offered() bool {
	ph.port.mu.Lock()
	defer ph.port.mu.Unlock()
	return ph.port.offered
}

// call is the id of the port's call.
func (ph *telephone) call() string { return ph.port.Snapshot().Call }

// A testCard is one connection of a line card: it says what the test says.
type testCard struct {
	mouth     chan said
	gone      chan struct{}
	ear       []int16 // since the test last looked
	ringing   bool
	lamp      bool
	unpowered bool
}

type said struct {
	pcm  []int16
	loop fxs.Loop
}

func (c *testCard) send(s said) {
	select {
	case c.mouth <- s:
	case <-c.gone:
	}
}

func (c *testCard) pull() {
	select {
	case <-c.gone:
	default:
		close(c.gone)
	}
}

// Read implements fxs.Card.
func (c *testCard) Read() ([]int16, fxs.Loop, error) {
	select {
	case s := <-c.mouth:
		return s.pcm, s.loop, nil
	case <-c.gone:
		return nil, fxs.LoopSame, io.EOF
	}
}

// Write implements fxs.Card.
func (c *testCard) Write(pcm []int16) error {
	c.ear = append(c.ear, pcm...)
	return nil
}

// Ring implements fxs.Card.
func (c *testCard) Ring(on bool) error { c.ringing = on; return nil }

// Reverse implements fxs.Card.
func (c *testCard) Reverse(bool) error { return nil }

// Lamp implements fxs.Card.
func (c *testCard) Lamp(on bool) error { c.lamp = on; return nil }

// Power implements fxs.Card.
func (c *testCard) Power(on bool) error { c.unpowered = !on; return nil }

// Wake implements fxs.Card: frames come without pause.
func (c *testCard) Wake() {}

// Close implements fxs.Card.
func (c *testCard) Close() error { c.pull(); return nil }
