package t30

import "bytes"

// The times of the line, in samples.
const (
	pauseTurn  = SampleRate * 75 / 1000 // 75 ms ± 20 ms between signals of two modulations
	holdLimit  = SampleRate / 2         // for a carrier that does not seem to end
	flagsLimit = 5 * SampleRate         // of flags without a frame
	frameLimit = 2 * SampleRate         // behind a frame whose flags were not reported
	resumeT4   = SampleRate             // after a carrier that brought nothing

	shortestCarrier = SampleRate * 6 / 10 // of V.21 with a frame: 0.85 s of preamble, less what detection takes
)

// The bounds of what the other side can repeat.
const (
	maxTries     = 3  // of a command, as T.30 has it throughout
	maxAnswers   = 12 // of the same response to a repeated command
	maxUnbroken  = 30 // frames in one V.21 carrier that renew flagsLimit
	maxTrainings = 24 // received without a page between
	maxRejects   = 8  // pages rejected one after the other, received
)

// heard is what came in since the line last turned round.
type heard struct {
	anything bool // since Start: something that is facsimile
	v21      bool // carrier
	implied  bool // it was not reported, but frames came
	fast     bool // carrier
	damaged  bool // a frame in this V.21 carrier
	frames   int  // in this V.21 carrier

	quietAt int64 // when this end fell silent, or the last V.21 carrier ended
	quiet   int64 // how long it was from there to this V.21 carrier
	upAt    int64 // when this carrier began

	held timer // that stopped while the V.21 carrier is up; 0: none
	due  int64 // when it would have expired
}

// said is what this end sent last on V.21, for its repetition and to know its echo.
type said struct {
	frames [][]byte
	tcf    bool // followed by a training check
	tries  int
	again  int  // times a response was sent again
	wrong  bool // an answer came that does not belong to it
	asked  bool // and CRP behind it

	listen Listening // what follows
	timer  timer
}

// say sends frames on V.21 once the line is free, then listens with a timer running.
func (t *Terminal) say(next State, listen Listening, timer timer, frames ...Frame) {
	t.compose(next, listen, timer, frames...)
	t.transmit()
}

// compose makes ready what transmit sends.
func (t *Terminal) compose(next State, listen Listening, timer timer, frames ...Frame) {
	t.setState(next)
	t.said = said{tries: 1, listen: listen, timer: timer}
	for i, f := range frames {
		f.X, f.Final = t.gotDIS, i == len(frames)-1
		t.said.frames = append(t.said.frames, f.Append(nil))
	}
}

// transmit sends what was said, also again.
func (t *Terminal) transmit() {
	t.turn()
	t.out.addFrames(t.said.frames)
	if t.said.tcf {
		m := t.cmd.Modulation
		t.out.add(Transmission{Kind: Silence, Samples: pauseTurn})
		t.out.addOctets(TCF, m, false, newZeros(m))
		t.result.Trainings++
	}
}

// turn makes this end the sending one: it waits for the other's signal to end, then 75 ms.
func (t *Terminal) turn() {
	t.out.clear()
	t.timers.stop(timerT2, timerT3, timerT4, timerTCF, timerPage, timerTone)
	t.heard.held = 0
	t.out.add(Transmission{Kind: Silence, Samples: pauseTurn})
	if t.heard.v21 || t.heard.fast {
		t.out.held = true // and still listening, for the end of it
		t.timers.set(timerTurn, t.now+holdLimit)
		return
	}
	t.release()
}

// release lets go what turn held.
func (t *Terminal) release() {
	t.timers.stop(timerTurn, timerFlags)
	t.out.held = false
	t.listen = Listening{}
	t.heard.v21, t.heard.fast = false, false
}

// allSent follows when all that was queued has ended on the line.
func (t *Terminal) allSent() {
	switch t.state {
	case Calling:
		t.timers.set(timerTone, t.now+pauseCNG)
	case Answering:
		t.offer()
	case SendPage:
		t.signalSent()
	case Leaving:
		t.end(t.result.Code)
	default:
		t.listenFor(t.said.listen, t.said.timer)
	}
}

// listenFor makes this end the listening one.
func (t *Terminal) listenFor(l Listening, id timer) {
	t.listen = l
	t.heard.v21, t.heard.fast, t.heard.damaged, t.heard.held = false, false, false, 0
	t.heard.quietAt = t.now
	t.start(id)
}

func (t *Terminal) setState(s State) {
	if t.state == s {
		return
	}
	t.state = s
	if t.cfg.OnState != nil {
		t.cfg.OnState(t.now, s)
	}
}

func (t *Terminal) carrier(ch Channel, e CarrierEvent) {
	switch {
	case ch == ChannelV21:
		t.carrierV21(e)
	case ch == ChannelFast && t.out.held && e == CarrierDown:
		t.heard.fast = false
		t.releaseIfFree()
	case ch == ChannelFast && t.listen.Fast != Nothing && !t.out.held:
		t.carrierFast(e)
	}
}

func (t *Terminal) carrierV21(e CarrierEvent) {
	switch {
	case e == CarrierUp && t.listen.V21 && !t.heard.v21:
		t.v21Up()
	case e == CarrierDown && t.heard.v21:
		t.heard.v21 = false
		t.timers.stop(timerFlags)
		if t.out.held {
			t.releaseIfFree()
			return
		}
		t.v21Down()
	}
}

func (t *Terminal) releaseIfFree() {
	if !t.heard.v21 && !t.heard.fast {
		t.release()
	}
}

// v21Up stops the timers that wait for what now begins (clause 5.4.3: T2 and T4 end with the
// detection of flags).
func (t *Terminal) v21Up() {
	t.heard.v21, t.heard.anything, t.heard.implied, t.heard.damaged, t.heard.frames = true, true, false, false, 0
	t.heard.upAt, t.heard.quiet = t.now, t.now-t.heard.quietAt
	t.timers.set(timerFlags, t.now+flagsLimit)
	for _, id := range [...]timer{timerT2, timerT3, timerT4, timerTCF} {
		if t.timers.running(id) {
			t.heard.held, t.heard.due = id, t.timers[id]
			t.timers.stop(id)
		}
	}
	if t.state == Calling { // no more CNG
		t.out.clear()
		t.timers.stop(timerTone)
		t.heardFirst()
	}
}

// v21Down lets the timer go on that the carrier stopped, when nothing useful came with it.
func (t *Terminal) v21Down() {
	t.heard.quietAt = t.now
	switch id := t.heard.held; {
	case t.state == Calling:
		t.timers.set(timerTone, t.now+pauseCNG)
	case id == 0:
	case t.heard.damaged && t.cfg.CRP && t.said.tries < maxTries && id != timerTCF && !t.heard.wasCut():
		t.heard.held = 0
		t.askAgain()
	case id == timerT2 || id == timerT3:
		t.heard.held = 0
		t.start(id)
		t.timers.set(id, t.timers[id]+t.checkBehind())
	case id == timerT4 && t.checkBehind() > 0:
		t.heard.held = 0
		t.timers.set(id, max(t.heard.due, t.now+t.checkBehind()+resumeT4))
	default:
		t.heard.held = 0
		t.timers.set(id, max(t.heard.due, t.now+resumeT4))
	}
}

// checkBehind is how long the training check lasts that may follow a carrier: a damaged frame in
// it may have been a DCS. The next command comes behind the check, and an answer to this one would
// fall upon it.
func (t *Terminal) checkBehind() int64 {
	switch t.state {
	case Offering, Polling, Training, AwaitPage:
		if t.heard.damaged {
			return pauseTurn + trainingV + lengthTCF
		}
	}
	return 0
}

// wasCut tells that a carrier was too short for a whole preamble: the tail of an echo, which
// nobody would answer CRP to.
func (h *heard) wasCut() bool { return h.quietAt-h.upAt < shortestCarrier }

// askAgain sends CRP (clause 5.3.6.1.8). What was said before stays said.
func (t *Terminal) askAgain() {
	t.said.tries++
	t.said.asked = true
	t.turn()
	t.out.addFrames([][]byte{Frame{FCF: CRP, X: t.gotDIS, Final: true}.Append(nil)})
}

func (t *Terminal) frame(ch Channel, octets []byte, good bool) {
	switch {
	case ch == ChannelFast && t.listen.Fast == ECM && !t.out.held:
		t.data()
		t.timers.set(timerT2, t.now+dataLimit)
		t.receiver.block.put(octets, good, t.cmd.FrameOctets())
		t.viewFrame(octets, good)
	case ch == ChannelV21 && t.listen.V21:
		t.frameV21(octets, good)
	}
}

func (t *Terminal) frameV21(octets []byte, good bool) {
	if !t.heard.v21 {
		t.v21Up()
		t.heard.implied = true
	}
	limit := int64(flagsLimit)
	if t.heard.implied {
		limit = frameLimit
	}
	if t.heard.frames++; t.heard.frames < maxUnbroken {
		t.timers.set(timerFlags, t.now+limit)
	}
	f, ok := ParseFrame(octets)
	switch {
	case !good || !ok:
		t.heard.damaged = true
	case t.isEcho(octets):
	case f.FCF == DCN:
		t.peerLeft()
	case t.out.held: // an answer is under way already
	case f.FCF == CRP:
		t.repeat()
	case t.peer.take(f):
	default:
		t.procedure(f)
	}
}

// isEcho tells whether a frame is what this end said last, come back from the line. Of all
// that can be answered to a frame only DCN and CRP may look like it; but CRP is no answer to
// CRP.
func (t *Terminal) isEcho(octets []byte) bool {
	switch FCF(octets[2]) &^ 1 {
	case DCN:
		return false
	case CRP:
		return t.said.asked
	}
	for _, f := range t.said.frames {
		if bytes.Equal(f, octets) {
			return true
		}
	}
	return false
}

// procedure hands a frame to the state that awaits it. A frame that no state awaits is as
// good as none.
func (t *Terminal) procedure(f Frame) {
	switch t.state {
	case Calling, AwaitDIS, Commanding, Polling, Offering:
		t.phaseB(f)
	case Training, AwaitPage, AwaitTurn, AwaitDCN:
		t.commanded(f)
	case AwaitReply, AwaitCTR, AwaitERR, AwaitReady:
		t.replied(f)
	}
}

// octets takes the data of TCF and of pages without ECM.
func (t *Terminal) octets(p []byte) {
	switch {
	case t.out.held:
	case t.listen.Fast == TCF:
		t.data()
		t.training.check.put(p)
	case t.listen.Fast == Image:
		t.data()
		t.pageOctets(p)
	}
}

// data makes up for a carrier that was not reported: its indicator was lost.
func (t *Terminal) data() {
	if !t.heard.fast {
		t.carrierFast(CarrierUp)
		t.carrierFast(CarrierTrained)
	}
}

// repeat says again what was said last: the other side asked for it, or seems not to have
// heard it.
func (t *Terminal) repeat() {
	switch {
	case len(t.said.frames) == 0:
	case t.state == AwaitPage && t.receiver.signal: // that answer has been heard: a page followed
	case t.isAsking():
		t.noResponse()
	case t.said.again >= maxAnswers:
		t.disconnect(WrongCommand)
	default:
		t.said.again++
		t.transmit()
	}
}

// isAsking tells whether what was said last was a command, which is sent three times.
func (t *Terminal) isAsking() bool {
	switch t.state {
	case Commanding, Polling, AwaitReply, AwaitCTR, AwaitERR, AwaitReady:
		return true
	default:
		return false
	}
}
