package t38

import (
	"tipring/internal/dsp"
	"tipring/t38/ifp"
	"tipring/t38/modem"
	"tipring/t38/t30"
)

const (
	tellerFrames  = 64 // that wait: nine seconds of ECM at 14400 bit/s
	tellerSignals = 4  // that wait, the one that sounds included
	cedSamples    = t30.SampleRate * 3
	cngOn         = t30.SampleRate / 2

	// An end that was lost does not keep a signal for ever.
	starvedLimit = t30.SampleRate * 5
)

// A teller says on the line what comes from the network: one signal after another, each
// behind its silence. A signal may begin before its data has come, and ends when its end
// has, or when another one begins; while data is missing it sends flags or fill.
type teller struct {
	dBm0 float64
	tx   *modem.Transmitter
	hdlc modem.HDLCTransmitter
	rows rowFill
	now  dsp.Tone

	signals [tellerSignals]signal
	count   int
	begun   bool // the first of them
	quiet   int  // samples of silence so far
	hold    bool // the machine speaks: nothing begins

	frames      [tellerFrames]heldFrame
	first, held int
	dropped     int // frames for which there was no room
}

// A signal is one burst or tone.
type signal struct {
	tone    ifp.Indicator // NoSignal: it is a burst
	data    ifp.DataType
	short   bool
	hdlc    bool // frames; else octets of an image or a training check
	closed  bool // nothing more belongs to it
	spoof   bool // flags of our own, until the network says something
	frames  int  // of it that wait
	starved int  // samples since the last of its data was sent
	left    int  // samples of a tone
}

type heldFrame struct {
	octets [modem.MaxFrame]byte
	length int
	good   bool
}

func (t *teller) init(dBm0 float64) {
	t.dBm0, t.tx, t.quiet = dBm0, modem.NewTransmitter(dBm0), turnaround
}

// silent reports that nothing sounds.
func (t *teller) silent() bool { return !t.begun }

// idle reports that nothing sounds or waits.
func (t *teller) idle() bool { return t.count == 0 }

// last is the signal that data belongs to; nil: there is none that is open.
func (t *teller) last() *signal {
	if t.count == 0 || t.signals[t.count-1].closed {
		return nil
	}
	return &t.signals[t.count-1]
}

// open begins a signal behind those that wait: of frames, or of octets, which are those of
// a training check if check is set.
func (t *teller) open(d ifp.DataType, short, hdlc, check bool) {
	if modeOf(d) == 0 {
		return
	}
	if s := t.last(); s != nil && s.spoof && hdlc && d == ifp.V21Data {
		s.spoof, s.starved = false, 0 // here is what was promised
		return
	}
	if !hdlc && !t.hasRows() {
		t.rows.start(check, d.BitRate())
	}
	t.add(signal{data: d, short: short, hdlc: hdlc})
}

// hasRows reports a signal of octets that has not been sent to its end.
func (t *teller) hasRows() bool {
	for i := range t.count {
		if s := &t.signals[i]; s.tone == ifp.NoSignal && !s.hdlc {
			return true
		}
	}
	return false
}

// takes reports that the last signal is one of such data.
func (t *teller) takes(d ifp.DataType, hdlc bool) bool {
	s := t.last()
	return s != nil && s.tone == ifp.NoSignal && s.data == d && s.hdlc == hdlc && !s.spoof
}

// begins makes a tone sound.
func (t *teller) begins(i ifp.Indicator) {
	if s := t.last(); s != nil && s.tone == i {
		return
	}
	s := signal{tone: i, left: cedSamples}
	if i == ifp.CNG {
		s.left = cngOn
	}
	t.add(s)
}

// spoof sends flags, until the network says something or the limit of all signals.
func (t *teller) spoof() { t.add(signal{data: ifp.V21Data, hdlc: true, spoof: true}) }

func (t *teller) add(s signal) {
	t.close()
	if t.count == tellerSignals {
		return
	}
	t.signals[t.count] = s
	t.count++
}

// close ends the last signal once its data has been sent.
func (t *teller) close() {
	s := t.last()
	if s == nil {
		return
	}
	s.closed = true
	switch {
	case s.tone == ifp.CNG:
	case s.tone != ifp.NoSignal:
		s.left = 0
	case !s.hdlc:
		t.rows.end()
	}
}

// frame queues a frame of the last signal, and returns it to be changed; nil when there is
// no room.
func (t *teller) frame(octets []byte, good bool) []byte {
	s := t.last()
	if s == nil || t.held == tellerFrames || len(octets) == 0 || len(octets) > modem.MaxFrame {
		t.dropped++
		return nil
	}
	f := &t.frames[(t.first+t.held)%tellerFrames]
	f.length, f.good = copy(f.octets[:], octets), good
	t.held++
	s.frames, s.starved = s.frames+1, 0
	return f.octets[:f.length]
}

// octets queues octets of the last signal.
func (t *teller) octets(octets []byte) {
	if s := t.last(); s != nil {
		s.starved = 0
		t.rows.put(octets)
	}
}

// say fills out.
func (t *teller) say(out []int16) {
	for len(out) > 0 {
		if t.count == 0 || !t.begun && !t.ready() {
			n := len(out)
			if t.count > 0 && !t.hold {
				n = min(n, max(turnaround-t.quiet, 1))
			}
			clear(out[:n])
			t.quiet += n
			out = out[n:]
			continue
		}
		if !t.begun {
			t.begin()
		}
		n := t.sound(out)
		if n < len(out) {
			t.done()
		}
		out = out[n:]
	}
}

// ready reports that the first signal may begin.
func (t *teller) ready() bool { return !t.hold && t.quiet >= turnaround }

func (t *teller) begin() {
	s := &t.signals[0]
	t.begun = true
	switch {
	case s.tone == ifp.CNG:
		t.now.Start(dsp.Steady(dsp.Partial{Hz: cngHz, DBm0: t.dBm0}))
	case s.tone != ifp.NoSignal:
		t.now.Start(dsp.Steady(dsp.Partial{Hz: cedHz, DBm0: t.dBm0}))
	case s.hdlc:
		mode := modeOf(s.data)
		bits := preambleBits
		if s.data != ifp.V21Data {
			bits = mode.BitRate() * ecmPreambleMS / millisecondsIn
		}
		t.hdlc.Start(bits)
		t.tx.Start(mode, s.short, &t.hdlc)
	default:
		t.tx.Start(modeOf(s.data), s.short, &t.rows)
	}
}

// sound writes the next samples of the first signal, and returns how many: less than
// len(out) at its end.
func (t *teller) sound(out []int16) int {
	s := &t.signals[0]
	if s.tone != ifp.NoSignal {
		n := min(s.left, len(out))
		s.left -= n
		return t.now.Read(out[:n])
	}
	if !s.closed {
		if s.starved += len(out); s.starved > starvedLimit {
			t.close()
		}
	}
	if s.hdlc {
		t.queueFrames(s)
	}
	return t.tx.Read(out)
}

func (t *teller) queueFrames(s *signal) {
	for s.frames > 0 && t.hdlc.Room() > 0 {
		f := &t.frames[t.first]
		if f.good {
			t.hdlc.Queue(f.octets[:f.length])
		} else {
			t.hdlc.QueueDamaged(f.octets[:f.length])
		}
		t.first = (t.first + 1) % tellerFrames
		t.held--
		s.frames--
	}
	if s.closed && s.frames == 0 {
		t.hdlc.Finish()
	}
}

// done ends the first signal.
func (t *teller) done() {
	t.begun, t.quiet = false, 0
	t.count--
	copy(t.signals[:t.count], t.signals[1:])
}
