package fxs

import (
	"slices"
	"testing"

	"tipring/internal/dsp"
	"tipring/lines/fxs/callerid"
)

// speaks is a far end that is always heard, and hears what the telephone says.
type speaks struct{ heard int }

func (s *speaks) Exchange(in, out []int16) {
	for i := range out {
		out[i] = 1000
	}
	if slices.ContainsFunc(in, func(v int16) bool { return v != 0 }) {
		s.heard++
	}
}

// waitingCall is a call in which another waits, through a card, frame by frame.
func waitingCall(t *testing.T, country string, keys *dsp.DTMFGenerator, c *collector) *Port {
	t.Helper()
	d := newTelephoneWith(t, Config{Country: mustCountry(t, country), Plan: mustPlan(t, "(6xx)")})
	d.lift()
	d.dial("600")
	d.port.Talk()
	d.port.Wait(Caller{Number: "5551234567", Name: "ANNA"})
	c.keys = keys
	return d.port
}

// collector is a card whose telephone says keys, and which keeps what it hears.
type collector struct {
	endlessCard
	keys  *dsp.DTMFGenerator
	heard []int16
}

func (c *collector) Read() ([]int16, Loop, error) {
	c.pcm = make([]int16, 160)
	c.keys.Read(c.pcm)
	return c.pcm, LoopSame, nil
}
func (c *collector) Write(pcm []int16) error { c.heard = append(c.heard, pcm...); return nil }

func (c *collector) run(t *testing.T, p *Port, far Audio, samples int) (events []Event) {
	t.Helper()
	for ; samples > 0; samples -= 160 {
		e, err := p.Turn(c, far)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e...)
	}
	return events
}

// A telephone without a display does not answer the alert: the call is muted for as long as
// that may take and no longer, nothing is sent, and the tone comes again.
func TestNobodyAcknowledges(t *testing.T) {
	var c collector
	p := waitingCall(t, "us", dsp.NewDTMFGenerator(-9, -7), &c)
	far := new(speaks)
	c.run(t, p, far, 11*second)
	muted := 0
	for _, s := range c.heard[300*samplesPerMS : 2*second] {
		if s != 1000 {
			muted++
		}
	}
	if want := 80*samplesPerMS + readyTime + 320; muted < want-320 || muted > want+320 {
		t.Errorf("muted for %d ms", muted/samplesPerMS)
	}
	var r callerid.Receiver
	r.Feed(c.heard, func(m []byte) { t.Errorf("sent %q", m) })
	if s := c.heard[10*second+muted+800]; s == 1000 {
		t.Error("the tone does not come again")
	}
}

// One with a display does: it gets the data, its key goes nowhere else, and meanwhile neither
// end hears the other.
func TestWaitingCallerIsShown(t *testing.T) {
	keys := dsp.NewDTMFGenerator(-9, -7)
	var c collector
	p := waitingCall(t, "gb", keys, &c)
	far := new(speaks)
	c.run(t, p, far, 180*samplesPerMS+160)
	if !p.Mutes() {
		t.Error("the call is heard at the end of the alert")
	}
	keys.Press('D', 480, 0)
	events := c.run(t, p, far, 2*second)
	if len(events) > 0 || far.heard > 0 {
		t.Errorf("%v, the far end heard %d frames of it", events, far.heard)
	}
	var got []callerid.Shown
	var r callerid.Receiver
	r.Feed(c.heard, func(m []byte) {
		s, _ := callerid.Read(m)
		got = append(got, s)
	})
	if len(got) != 1 || got[0].Number != "5551234567" || got[0].Name != "ANNA" {
		t.Errorf("%+v", got)
	}
	if p.Mutes() || c.heard[len(c.heard)-1] != 1000 {
		t.Error("the call does not go on")
	}
}

// cancels is a far end that takes echoes out, and counts those that it cannot know.
type cancels struct {
	speaks
	port          *Port
	frames, muted int
}

func (c *cancels) Cancel([]int16) {
	c.frames++
	if c.port.Mutes() {
		c.muted++
	}
}

// What is played while the far end is muted is none of its sound: nobody is to learn from it what
// of that comes back.
func TestNothingIsCancelledWhileMuted(t *testing.T) {
	var c collector
	p := waitingCall(t, "us", dsp.NewDTMFGenerator(-9, -7), &c)
	far := &cancels{port: p}
	c.run(t, p, far, 2*second)
	if all := 2 * second / 160; far.muted > 0 || far.frames < all/2 || far.frames == all {
		t.Errorf("%d frames cancelled, %d of them muted, of %d", far.frames, far.muted, all)
	}
}

// A flash in the middle of the data takes the waiting call: at once, and in silence.
func TestStopWaitingEndsTheData(t *testing.T) {
	keys := dsp.NewDTMFGenerator(-9, -7)
	var c collector
	p := waitingCall(t, "gb", keys, &c)
	keys.Press('D', 4800, 0)
	c.run(t, p, nil, second)
	p.StopWaiting()
	if p.Mutes() {
		t.Error("mutes")
	}
	c.heard = c.heard[:0]
	c.run(t, p, nil, 10*second)
	if slices.ContainsFunc(c.heard, func(s int16) bool { return s != 0 }) {
		t.Error("goes on")
	}
}

// Messages are told on-hook when the telephone has rested a while, once each, and after a call
// or a card that came between.
func TestMessagesAreToldWhenTheTelephoneRests(t *testing.T) {
	d := newTelephoneWith(t, Config{Country: mustCountry(t, "us")})
	var got []byte
	var r callerid.Receiver
	run := func(samples int) {
		d.run(samples)
		r.Feed(d.ear, func(m []byte) {
			s, _ := callerid.Read(m)
			got = append(got, s.Lamp)
		})
	}
	told := func(want ...byte) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
		got = nil
	}
	run(2 * second)
	told() // nobody knows
	d.port.MessageWaiting(false)
	run(2 * second)
	told(2) // the lamp may be lit from before
	d.port.MessageWaiting(false)
	run(2 * second)
	told()
	d.port.MessageWaiting(true)
	run(2 * second)
	told(1)
	d.lift()
	d.port.MessageWaiting(false)
	run(5 * second)
	told()
	d.hangUp()
	run(3 * second)
	told(2)
	d.port.MessageWaiting(true)
	run(800)
	d.port.RingFor(Incoming{}) // comes first
	run(3 * second)
	d.port.StopRing()
	got = nil
	run(3 * second)
	told(1)
	d.port.Unplug()
	run(3 * second)
	told(1) // another telephone, perhaps
	run(20 * second)
	told()
}
