package t30

import "math/bits"

// The times of a training check, in samples. The signal is 1.5 s ± 10 % of zeros behind its
// training, of which the longest is that of V.17 with 1.4 s.
const (
	lengthTCF  = SampleRate * 3 / 2
	shortestTC = SampleRate * 135 / 100
	longestTC  = SampleRate * 17 / 10
	trainingV  = SampleRate * 3 / 2
	graceTCF   = SampleRate
)

// zeros hands out the zeros of a TCF.
type zeros int

func newZeros(m Modulation) *zeros {
	z := zeros(m.BitRate() * 3 / 2 / 8)
	return &z
}

func (z *zeros) readOctets(p []byte) int {
	n := min(len(p), int(*z))
	clear(p[:n])
	*z -= zeros(n)
	return n
}

// check judges a received TCF: it passes when one second of it in a row has few enough bits
// that are not zero. The beginning and the end are left out so, where equalisers settle and
// carriers go.
type check struct {
	window  []uint8 // ones in each octet of the last second, a ring
	next    int
	ones    int // in the window
	octets  int // in all
	fewest  int // ones in any second so far
	allowed int

	trained, failed bool
	due             int64 // when its signal should be over
}

// reset makes the check ready for a TCF at m. With error correction a bit in 2000 may be
// wrong: that damages one ECM frame of 256 octets, and repairing it is faster than a lower
// rate.
func (c *check) reset(m Modulation, ecm bool) {
	second := m.BitRate() / 8
	if cap(c.window) < second {
		c.window = make([]uint8, second)
	}
	*c = check{window: c.window[:second]}
	clear(c.window)
	if ecm {
		c.allowed = m.BitRate() / 2000
	}
}

func (c *check) put(p []byte) {
	for _, octet := range p {
		ones := bits.OnesCount8(octet)
		c.ones += ones - int(c.window[c.next])
		c.window[c.next] = uint8(ones)
		if c.next++; c.next == len(c.window) {
			c.next = 0
		}
		c.octets++
		if c.octets == len(c.window) || c.octets > len(c.window) && c.ones < c.fewest {
			c.fewest = c.ones
		}
	}
}

func (c *check) passed() bool {
	return c.trained && len(c.window) > 0 && c.octets >= len(c.window) && c.fewest <= c.allowed
}

// expectTraining listens for the TCF that follows a DCS.
func (t *Terminal) expectTraining() {
	t.setState(Training)
	if t.cmd.Modulation != 0 {
		t.training.check.reset(t.cmd.Modulation, t.cmd.ECM)
	}
	t.training.long = true
	t.timers.stop(timerT1, timerT2, timerT3, timerT4)
	t.heard.held, t.heard.fast = 0, false
	if t.listen = listenV21; t.cmd.Modulation != 0 {
		t.listen = Listening{V21: true, Fast: TCF, Modulation: t.cmd.Modulation}
	}
	t.timers.set(timerTCF, t.now+pauseTurn+trainingV+lengthTCF+graceTCF)
}

// carrierFast acts on the signal of TCF or a page.
func (t *Terminal) carrierFast(e CarrierEvent) {
	switch e {
	case CarrierUp:
		t.heard.fast = true
	case CarrierDown:
		t.heard.fast = false
	}
	if t.listen.Fast == TCF {
		t.carrierTCF(e)
		return
	}
	t.carrierPage(e)
}

func (t *Terminal) carrierTCF(e CarrierEvent) {
	c := &t.training.check
	switch e {
	case CarrierUp:
		if !c.trained && !c.failed {
			t.timers.set(timerTCF, t.now+trainingV+lengthTCF+graceTCF)
		}
	case CarrierTrained, CarrierFailed:
		if !c.trained && !c.failed { // not again behind a hole
			c.due = t.now + shortestTC
		}
		c.trained, c.failed = c.trained || e == CarrierTrained, c.failed || e == CarrierFailed
		t.timers.set(timerTCF, t.now+longestTC)
	case CarrierDown:
		switch {
		case !c.trained && !c.failed: // not the signal that was awaited
		case t.now < c.due: // a hole in it: an answer now would meet the rest
			t.timers.set(timerTCF, c.due+pauseTurn)
		default:
			t.judgeTraining()
		}
	}
}

// judgeTraining answers a TCF, or one that was not heard at all, with CFR or FTT. T.30 figure
// 5-2 has no other way: a failed training is answered too.
func (t *Terminal) judgeTraining() {
	if t.training.refusal != OK {
		t.disconnect(t.training.refusal)
		return
	}
	t.result.Trainings++
	if t.training.fresh++; t.training.fresh > maxTrainings {
		t.disconnect(TrainingFailed)
		return
	}
	if t.training.refuse || !t.training.check.passed() {
		t.result.Failures++
		t.say(Training, listenV21, timerT2, Frame{FCF: FTT})
		return
	}
	t.training.long = false
	t.result.BitRate, t.result.ECM = t.cmd.Modulation.BitRate(), t.cmd.ECM
	t.receiver.signal = false
	t.say(AwaitPage, t.listenPage(), timerT2, Frame{FCF: CFR})
}
