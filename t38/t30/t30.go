// Package t30 is the procedure of Group 3 facsimile: phases A to E of ITU-T T.30 with
// error correction (annex A), as sender and receiver, calling and called, polling too.
//
// A Terminal is a machine without clock, goroutine, lock or socket. Its time is a count of
// samples, 8000 a second. Its owner, a front end with modems or with T.38 packets, drives it:
//
//	t.Start()                      // the call is answered
//	for !t.Done() {
//		send what t.Sending() asks; when it has ended on the line: t.Sent(serial)
//		listen as t.Listening() asks; what came: t.Tone, t.Carrier, t.Frame, t.Octets
//		t.Advance(160)             // the time passes
//	}
//	t.Result()
//
// After each call into the Terminal both Sending and Listening may have changed. A changed
// Serial replaces what is being sent at once, be it finished or not. The owner makes what
// belongs to the signal: training, the HDLC preamble of one second, flags, bit stuffing,
// FCS, turn-off. The Terminal makes what belongs to the procedure: the order of things, the
// pauses between them, and their repetition.
//
// Octets everywhere in this package have the bit that is first on the line as their least
// significant: a frame begins 0xFF 0x03, a final one 0xFF 0x13, DIS is 0x80 and DCS 0x82 or
// 0x83. T.38 packets carry the same octets with their bits reversed; its front end reverses
// them. Frames are whole from address to information field, without FCS.
//
// Pages are the application's: it fills Source to send and Sink to receive, and codes and
// decodes rows there (T.4, T.6). Names follow T.30; clauses are those of its 2005 edition.
package t30

import "errors"

// SampleRate is how many units of time a second has.
const SampleRate = 8000

// Terminal is one end of a facsimile call. Its methods are called by one goroutine.
type Terminal struct {
	cfg   Config
	state State
	now   int64 // samples since Start

	timers timers
	out    outbox
	said   said // what was sent last on V.21
	listen Listening
	heard  heard
	result Result

	peer      Peer
	cmd       Command // of the DCS in force
	training  training
	sender    sender
	receiver  receiver
	gotDIS    bool // the X bit of what this end sends
	admitted  bool
	interrupt bool // the operator of this end wants the line
	view      view
}

// ErrConfig is returned by New for a Config that can neither send nor receive, or whose
// fields are out of range.
var ErrConfig = errors.New("t30: bad configuration")

// New makes a Terminal. It does nothing until Start.
func New(c Config) (*Terminal, error) {
	c.setDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	return &Terminal{cfg: c, view: view{to: c.Onlooker}}, nil
}

// Start begins phase A: the call is through. A called terminal answers with CED, a calling
// one sends CNG.
func (t *Terminal) Start() {
	if t.state != Idle {
		return
	}
	t.timers.set(timerCall, t.now+t.cfg.Timers.Call)
	t.beginPhaseA()
}

// Advance lets time pass: samples of it.
func (t *Terminal) Advance(samples int) {
	end := t.now + int64(max(samples, 0))
	for t.state != Ended {
		id, at := t.timers.next()
		if at > end {
			break
		}
		t.now = max(t.now, at)
		t.timers.stop(id)
		t.expired(id)
	}
	t.now = end
}

// Deadline tells in how many samples the Terminal will next act by itself, so that an owner
// without a sample stream can sleep. It is false when nothing is due.
func (t *Terminal) Deadline() (samples int64, ok bool) {
	_, at := t.timers.next()
	if at == never || t.state == Ended {
		return 0, false
	}
	return max(at-t.now, 0), true
}

// Now is the time in samples: the sum of what Advance was told.
func (t *Terminal) Now() int64 { return t.now }

// Sending is what is to be sent now. Its Kind is Nothing while the line should be silent.
func (t *Terminal) Sending() Transmission { return t.out.current() }

// NextFrame hands out the next frame of the Transmission in progress, which is of kind V21
// or ECM, and nil behind the last. The octets are valid until the next call.
func (t *Terminal) NextFrame() []byte {
	f := t.out.nextFrame()
	if f != nil && t.cfg.OnFrame != nil && t.out.current().Kind == V21 {
		t.cfg.OnFrame(true, f, true)
	}
	return f
}

// ReadOctets fills p with the next octets of the Transmission in progress, which is of kind
// TCF or Image. It returns fewer than len(p) at their end, and 0 behind it.
func (t *Terminal) ReadOctets(p []byte) int { return t.out.readOctets(p) }

// Sent tells that the Transmission with that serial has ended on the line. A serial that is
// no longer current is ignored.
func (t *Terminal) Sent(serial uint32) {
	if t.state == Ended || !t.out.ended(serial) {
		return
	}
	if !t.out.busy() {
		t.allSent()
	}
}

// Listening is what to listen for now.
func (t *Terminal) Listening() Listening { return t.listen }

// Tone reports that a tone began.
func (t *Terminal) Tone(tone Tone) {
	if t.state != Ended {
		t.tone(tone)
	}
}

// Carrier reports a change of a signal listened for.
func (t *Terminal) Carrier(ch Channel, e CarrierEvent) {
	if t.state != Ended {
		t.carrier(ch, e)
	}
}

// Frame reports an HDLC frame, without FCS, and whether its FCS was right. The octets may
// be reused after the call. Frames of any content and length are safe.
func (t *Terminal) Frame(ch Channel, octets []byte, good bool) {
	if t.state == Ended {
		return
	}
	if t.cfg.OnFrame != nil && ch == ChannelV21 && t.listen.V21 {
		t.cfg.OnFrame(false, octets, good)
	}
	t.frame(ch, octets, good)
}

// Octets reports demodulated data of a TCF or Image listened for.
func (t *Terminal) Octets(p []byte) {
	if t.state != Ended {
		t.octets(p)
	}
}

// Stop ends the call on the application's wish, with DCN where the procedure allows it now
// or soon. The result's code is Stopped unless the call had ended already.
func (t *Terminal) Stop() {
	switch {
	case t.state == Ended:
	case t.state == Idle:
		t.end(Stopped)
	case t.state != Leaving:
		t.disconnect(Stopped)
	}
}

// LineLost ends the call because the line is gone: the other side hung up. A receiver whose
// last page was acknowledged has succeeded all the same.
func (t *Terminal) LineLost() {
	switch t.state {
	case Ended:
	case AwaitDCN:
		t.endReceived()
	case Leaving:
		t.end(t.result.Code)
	default:
		t.end(LineLost)
	}
}

// Interrupt asks for the operator's turn (T.30 clause 5.3.6.1.6): the next post-message
// command is sent as PRI-Q, the next response as PIP or PIN. When the other side agrees the
// call ends for facsimile with code TakenOver, and the line is free for speech.
func (t *Terminal) Interrupt() { t.interrupt = true }

// State tells where in the procedure the Terminal is.
func (t *Terminal) State() State { return t.state }

// Done tells that the facsimile part of the call is over; the owner then hangs up, or goes
// back to speech.
func (t *Terminal) Done() bool { return t.state == Ended }

// Result tells how the call went. It is complete once Done.
func (t *Terminal) Result() Result {
	r := t.result
	r.Peer = t.peer
	return r
}
