package sim

import (
	"slices"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
)

// A handset is a telephone as a machine in sample time: what it is told to do waits in a
// queue and happens at the samples it falls on.
type handset struct {
	off    bool // lifted
	steps  []step
	keys   dsp.DTMFGenerator
	play   dsp.Tone // sounds while nothing else does
	answer Answer
	now    int64 // samples said

	bell, reversed, lamp, unpowered bool
	cadence                         fxs.Cadence // of a call's bell; nil: not known
	bursts                          int         // of the bell, in this call
	began, rang                     int64       // when the bell last began to ring, and when it last rang
	engaged                         int64       // since when a tone asks to hang up; never if none does

	tones  *recogniser
	dtmf   dsp.DTMFDetector
	events []dsp.DTMFEvent
	heard  []byte  // keys
	tail   []int16 // the last of what was heard
	record []int16 // since startRecord
	taping bool
	active int64 // when something last happened

	display display
}

// step is one thing that a handset does, after those before it.
type step struct {
	loop  fxs.Loop // LoopSame: it does not move its hook
	key   byte     // 0: none
	pcm   []int16
	pause int // samples
}

// Answer is what a telephone does about an incoming call without being told.
type Answer struct {
	Bursts int         // lift at this burst of the bell; 0: never
	Play   *dsp.Signal // say this from then on; nil: nothing
	HangUp bool        // when busy, reorder or howler tone has been heard for a second
}

const (
	never        = int64(-1)
	tailSamples  = 1600 // 200 ms
	maxRecord    = 60 * dsp.SampleRate
	unknownPause = 12 * dsp.SampleRate         // longer than that of any country
	ringSlack    = 300 * dsp.SampleRate / 1000 // by which a burst or a pause of the bell may differ from the cadence
	engagedTime  = dsp.SampleRate
	keyTime      = 80 * dsp.SampleRate / 1000 // each of sound and pause
	pulseOpen    = 60 * dsp.SampleRate / 1000
	pulseClosed  = 40 * dsp.SampleRate / 1000
	digitPause   = 700 * dsp.SampleRate / 1000
	defaultFlash = 300 * dsp.SampleRate / 1000
)

func newHandset(c *fxs.Country) *handset {
	h := &handset{
		keys:    *dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0),
		tones:   newRecogniser(c),
		tail:    make([]int16, 0, tailSamples),
		engaged: never,
		display: newDisplay(),
	}
	if c != nil {
		h.cadence = c.Ring
	}
	return h
}

// loop returns what happens to the loop before the next frame, one thing a call.
func (h *handset) loop() fxs.Loop {
	h.decide()
	if len(h.steps) == 0 {
		return fxs.LoopSame
	}
	l := h.steps[0].loop
	switch l {
	case fxs.LoopSame:
		return l
	case fxs.LoopClosed:
		h.off, h.bursts = true, 0
	case fxs.LoopOpen:
		h.off = false
	}
	h.done()
	return l
}

// say fills a frame with what the telephone says.
func (h *handset) say(frame []int16) {
	h.now += int64(len(frame))
	if len(h.steps) > 0 || h.off || h.bell {
		h.active = h.now
	}
	for len(frame) > 0 {
		if len(h.steps) == 0 {
			clear(frame[h.play.Read(frame):])
			return
		}
		if h.steps[0].loop != fxs.LoopSame { // the hook moves between frames
			clear(frame)
			return
		}
		frame = frame[h.do(&h.steps[0], frame):]
	}
}

// do fills the beginning of a frame with the first step, and returns how much.
func (h *handset) do(s *step, frame []int16) (n int) {
	switch {
	case s.key != 0:
		h.keys.Press(s.key, keyTime, keyTime)
		s.key, s.pause = 0, 2*keyTime
		fallthrough
	case h.keys.Busy():
		n = h.keys.Read(frame[:min(len(frame), s.pause)])
		s.pause -= n
	case len(s.pcm) > 0:
		n = copy(frame, s.pcm)
		s.pcm = s.pcm[n:]
	default:
		n = min(len(frame), s.pause)
		clear(frame[h.play.Read(frame[:n]):n])
		s.pause -= n
	}
	if len(s.pcm) == 0 && s.pause == 0 {
		h.done()
	}
	return n
}

// done takes the first step off the queue.
func (h *handset) done() { h.steps = append(h.steps[:0], h.steps[1:]...) }

// decide does what the answer rule wants, unless a script is at work.
func (h *handset) decide() {
	if len(h.steps) > 0 && (!h.steps[0].waits() || h.keys.Busy()) {
		return
	}
	switch {
	case !h.off && h.bell && h.answer.Bursts > 0 && h.bursts >= h.answer.Bursts:
		h.steps = slices.Insert(h.steps, 0, step{loop: fxs.LoopClosed})
		h.play.Start(h.answer.Play)
	case h.off && h.answer.HangUp && h.engaged != never && h.now-h.engaged >= engagedTime:
		h.steps = slices.Insert(h.steps, 0, step{loop: fxs.LoopOpen})
		h.play.Stop()
	}
}

// waits tells whether a step only lets time pass.
func (s *step) waits() bool { return s.loop == fxs.LoopSame && s.key == 0 && len(s.pcm) == 0 }

// hear takes what comes to the ear.
func (h *handset) hear(ear []int16) {
	if h.taping {
		h.record = append(h.record, ear[:min(len(ear), maxRecord-len(h.record))]...)
	}
	h.tail = append(h.tail, ear...)
	if over := len(h.tail) - tailSamples; over > 0 {
		h.tail = h.tail[:copy(h.tail, h.tail[over:])]
	}
	h.tones.hear(ear)
	h.show(ear)
	h.events = h.dtmf.Feed(h.events[:0], ear)
	for _, e := range h.events {
		if e.Down {
			h.heard = append(h.heard, e.Key)
		}
	}
	for _, s := range ear {
		if s != 0 {
			h.active = h.now
			break
		}
	}
	tone, ok := h.tones.tone()
	switch asks := ok && (tone == fxs.Busy || tone == fxs.Reorder || tone == fxs.Howler); {
	case !asks || !h.off:
		h.engaged = never
	case h.engaged == never:
		h.engaged = h.now
	}
}

func (h *handset) ring(on bool) {
	h.active = h.now
	if on && !h.bell {
		if !h.sameCall() {
			h.bursts = 0
		}
		h.bursts++
		h.began = h.now
	}
	if on || h.bell {
		h.rang = h.now
	}
	h.bell = on
}

// sameCall tells whether a burst of the bell that begins now belongs to the call of the one
// before: that was not cut short, and the pause since is one of the cadence. A caller who gives
// up in a pause, and another who rings in time for the next burst, cannot be told apart.
func (h *handset) sameCall() bool {
	burst, pause := h.rang-h.began, h.now-h.rang
	if h.cadence == nil {
		return pause <= h.longestPause()
	}
	for i := 0; i+1 < len(h.cadence); i += 2 {
		if near(burst, h.cadence[i]) && near(pause, h.cadence[i+1]) {
			return true
		}
	}
	return false
}

func near(got int64, want int) bool { return max(got-int64(want), int64(want)-got) <= ringSlack }

// longestPause is how long the bell is silent at most while a call rings.
func (h *handset) longestPause() int64 {
	if h.cadence == nil {
		return unknownPause
	}
	longest := 0
	for i := 1; i < len(h.cadence); i += 2 {
		longest = max(longest, h.cadence[i])
	}
	return int64(longest + ringSlack)
}

// unplugged is what a line that is gone leaves of its state.
func (h *handset) unplugged() {
	h.ring(false)
	h.reversed, h.lamp, h.unpowered = false, false, false
}

// rings tells whether a call is ringing, in the pauses of the bell too.
func (h *handset) rings() bool {
	return h.bell || !h.off && h.bursts > 0 && h.now-h.rang <= h.longestPause()
}

// level returns that of the last 200 ms heard.
func (h *handset) level() float64 {
	var m dsp.Meter
	m.Add(h.tail)
	return m.DBm0()
}

// Things to do.

func hookSteps(l fxs.Loop) []step { return []step{{loop: l}} }

func flashSteps(samples int) []step {
	return []step{{loop: fxs.LoopOpen}, {pause: samples}, {loop: fxs.LoopClosed}}
}

func keySteps(keys string) (steps []step) {
	for i := range len(keys) {
		steps = append(steps, step{key: keys[i]})
	}
	return steps
}

// pulseSteps dials digits as a rotary dial does: as many openings as the digit, ten for 0.
func pulseSteps(digits string) (steps []step) {
	for i := range len(digits) {
		n := int(digits[i] - '0')
		if n == 0 {
			n = 10
		}
		for range n {
			steps = append(steps, step{loop: fxs.LoopOpen}, step{pause: pulseOpen}, step{loop: fxs.LoopClosed}, step{pause: pulseClosed})
		}
		steps = append(steps, step{pause: digitPause})
	}
	return steps
}
