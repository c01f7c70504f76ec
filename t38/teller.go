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
	// Nor does an answer that does not come: a machine that hears V.21 for five seconds without
	// a frame ends the call, where it would ask again after silence.
	spoofLimit = t30.SampleRate * 9 / 2

	// A frame is begun before all of it has come, but so much later than its first octets:
	// then a packet of it may be late, or come with the one behind it only, which is due 190 to
	// 240 ms after it (7 octets of V.21).
	headStart = t30.SampleRate * 350 / 1000
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
	age         int // samples since the beginning of the frame that is still coming
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
	open   bool // more of it is to come
	good   bool
	given  int // octets that the modem has
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

// spoof sends flags, until the network says something or spoofLimit.
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
	t.endFrame(false)
	switch {
	case s.tone == ifp.CNG:
	case s.tone != ifp.NoSignal:
		s.left = 0
	case !s.hdlc:
		t.rows.end()
	}
}

// part queues what there is of a frame of the last signal: all of its octets so far. It
// returns them to be changed; nil when there is no room. endFrame ends the frame.
func (t *teller) part(octets []byte) []byte {
	s := t.last()
	if s == nil || len(octets) == 0 || len(octets) > modem.MaxFrame {
		t.dropped++
		return nil
	}
	f := t.growing()
	if f == nil {
		if t.held == tellerFrames {
			t.dropped++
			return nil
		}
		f = &t.frames[(t.first+t.held)%tellerFrames]
		f.open, f.given, t.age = true, 0, 0
		t.held++
		s.frames++
	}
	f.length, s.starved = copy(f.octets[:], octets), 0
	return f.octets[:f.length]
}

// growing is the frame that is still coming; nil: none is.
func (t *teller) growing() *heldFrame {
	if t.held == 0 {
		return nil
	}
	if f := &t.frames[(t.first+t.held-1)%tellerFrames]; f.open {
		return f
	}
	return nil
}

// endFrame ends the frame that is still coming, if one is.
func (t *teller) endFrame(good bool) {
	if f := t.growing(); f != nil {
		f.open, f.good = false, good
	}
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
	t.age = min(t.age+len(out), headStart)
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
		if s.starved += len(out); s.starved > starvedLimit || s.spoof && s.starved > spoofLimit {
			t.close()
		}
	}
	if s.hdlc {
		t.queueFrames(s)
	}
	return t.tx.Read(out)
}

func (t *teller) queueFrames(s *signal) {
	for s.frames > 0 && t.giveFrame(&t.frames[t.first]) {
		t.first = (t.first + 1) % tellerFrames
		t.held--
		s.frames--
	}
	if s.closed && s.frames == 0 {
		t.hdlc.Finish()
	}
}

// giveFrame gives the modem what there is of a frame, and reports whether that was all.
func (t *teller) giveFrame(f *heldFrame) bool {
	switch {
	case f.given > 0:
		t.hdlc.Grow(f.octets[f.given:f.length])
	case t.hdlc.Room() == 0 || f.open && (t.age < headStart || f.length < editable):
		return false
	default:
		t.hdlc.QueuePart(f.octets[:f.length])
	}
	f.given = f.length
	switch {
	case f.open:
		return false
	case f.good:
		t.hdlc.Close()
	default:
		t.hdlc.CloseDamaged()
	}
	return true
}

// done ends the first signal.
func (t *teller) done() {
	t.begun, t.quiet = false, 0
	t.count--
	copy(t.signals[:t.count], t.signals[1:])
}
