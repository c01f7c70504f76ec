package t30

// receiver is what this end receives.
type receiver struct {
	writer PageWriter // of the page in progress
	page   Page
	pages  int   // begun
	err    error // of the Sink
	signal bool  // a page signal was heard since the last command

	last    FCF   // post-message command answered last, without PRI
	lastPRI bool  // the answer was PIP or PIN
	answer  reply // to it
	reject  bool  // the last page was rejected and none has followed
	again   bool  // the page opened last is awaited once more, by its number
	damaged bool  // a page was accepted with damage (EOR)
	rejects int   // one after the other
	keeps   bool  // the answer to the last block confirms a page (ECM)

	block rxBlock
}

// bad tells whether pages are missing.
func (r *receiver) bad() bool { return r.reject || r.damaged }

// commanded takes the frames that a receiver awaits.
func (t *Terminal) commanded(f Frame) {
	if f.FCF == DCS {
		t.dcs(f)
		return
	}
	if t.state == Polling {
		return
	}
	pri := f.FCF | interruptBit
	base := f.FCF &^ interruptBit
	switch {
	case base == MPS || base == EOM || base == EOP:
		t.postMessaged(base, f.FCF == pri)
	case f.FCF == PPS && t.cmd.ECM:
		t.partialPage(f)
	case f.FCF == EOR && t.cmd.ECM:
		t.endOfRetransmission(f)
	case f.FCF == CTC && t.cmd.ECM && t.state == AwaitPage:
		t.continueToCorrect(f)
	case f.FCF == RR && t.cmd.ECM:
		t.ready()
	}
}

// dcs acts on a DCS: the mode of the pages to come, and a training check behind it.
func (t *Terminal) dcs(f Frame) {
	cmd, err := ParseCommand(f.Info)
	t.abandonPage()
	t.view.end()
	t.cmd = cmd
	t.training.refuse = !t.cfg.Modulations.Has(cmd.Modulation) || cmd.Modulation.BitRate() > t.cfg.MaxBitRate
	t.training.refusal = t.objection(cmd, err)
	t.receiver.block.forget()
	t.receiver.last, t.receiver.answer = NULL, reply{}
	t.expectTraining()
}

// objection is why the call ends behind the training check, or OK. An answer before its end
// would not be heard.
func (t *Terminal) objection(cmd Command, err error) Code {
	own := t.cfg.capabilities()
	switch {
	case t.cfg.Sink == nil, err != nil, !own.allows(cmd):
		return BadDCS
	case t.cfg.NeedsSecret != "" && !t.cfg.Calling && t.peer.Password != t.cfg.NeedsSecret:
		return SecretRefused
	case !t.admit():
		return Refused
	default:
		return OK
	}
}

// dataLimit is how long a page's signal may last without data.
const dataLimit = 30 * SampleRate

// listenPage is what a page is awaited with.
func (t *Terminal) listenPage() Listening {
	m := t.cmd.Modulation
	l := Listening{V21: true, Fast: Image, Modulation: m, Short: m.IsV17() && !t.training.long}
	if t.cmd.ECM {
		l.Fast = ECM
	}
	return l
}

// carrierPage acts on the signal of a page. A hole in it does not end the page: the command
// behind it does.
func (t *Terminal) carrierPage(e CarrierEvent) {
	switch e {
	case CarrierUp:
		t.heard.held = 0
		t.timers.set(timerT2, t.now+dataLimit)
		t.start(timerPage)
	case CarrierTrained:
		t.receiver.signal = true
		t.training.long, t.training.fresh = false, 0
		if !t.cmd.ECM {
			t.openPage()
		}
	case CarrierFailed:
		t.receiver.signal, t.training.long = true, false
	case CarrierDown:
		t.timers.stop(timerPage)
		t.start(timerT2)
	}
}

// openPage begins a page, unless one is in progress.
func (t *Terminal) openPage() {
	r := &t.receiver
	if r.writer != nil || r.err != nil {
		return
	}
	if r.again {
		r.again = false
		r.pages--
	}
	format := t.cmd.Format()
	r.page = Page{Number: r.pages, Format: format, Modulation: t.cmd.Modulation}
	t.result.Format = format
	if r.writer, r.err = t.cfg.Sink.Open(r.pages, format); r.err != nil {
		r.writer = nil
		return
	}
	r.pages++
	t.viewReceived()
}

func (t *Terminal) pageOctets(p []byte) {
	t.receiver.signal = true
	t.timers.set(timerT2, t.now+dataLimit)
	t.openPage()
	t.write(p)
	t.view.octets(p)
}

// write stores octets of the page.
func (t *Terminal) write(p []byte) {
	r := &t.receiver
	if r.writer == nil || r.err != nil {
		return
	}
	_, r.err = r.writer.Write(p)
	r.page.Octets += len(p)
}

// closePage ends the page in progress and tells what its rows are worth.
func (t *Terminal) closePage(damaged bool) Copy {
	r := &t.receiver
	t.view.end()
	if r.writer == nil {
		return Copy{}
	}
	c, err := r.writer.Close(damaged)
	if r.err == nil {
		r.err = err
	}
	r.writer = nil
	r.page.Copy, r.page.Damaged = c, damaged
	t.result.Rows += c.Rows
	t.result.BadRows += c.BadRows
	return c
}

// keep has the Sink make the page safe that was closed last.
func (t *Terminal) keep() {
	r := &t.receiver
	if k, ok := t.cfg.Sink.(Keeper); ok && r.err == nil {
		r.err = k.Keep(r.last == EOP)
	}
}

// abandonPage ends a page whose command did not come.
func (t *Terminal) abandonPage() {
	if t.receiver.writer != nil {
		t.closePage(true)
		t.received(false)
	}
}

// received reports the page that was closed last.
func (t *Terminal) received(confirmed bool) {
	r := &t.receiver
	r.page.Confirmed, r.again = confirmed, !confirmed
	if r.reject = !confirmed; confirmed {
		r.rejects = 0
		t.result.Received++
	} else {
		r.rejects++
		t.result.Rejected++
	}
	if t.cfg.OnPage != nil {
		t.cfg.OnPage(r.page)
	}
}

// postMessaged answers MPS, EOM and EOP without error correction.
func (t *Terminal) postMessaged(q FCF, pri bool) {
	r := &t.receiver
	switch {
	case !r.signal && q == r.last && r.lastPRI && pri: // the operator's turn was agreed
		t.again()
		t.leave(TakenOver)
		return
	case !r.signal && q == r.last && !t.missedPage(): // the answer was not heard
		t.again()
		return
	case t.state != AwaitPage, t.cmd.ECM: // no page can have been before it
		return
	}
	verdict := Reject // nothing came that could be read
	if r.writer != nil {
		c := t.closePage(false)
		verdict = t.cfg.Judge(t.cmd.Format(), c)
		t.received(verdict != Reject)
	} else {
		r.reject = true
		r.rejects++
		t.result.Rejected++
	}
	t.conclude(q, pri, verdict)
}

// repetition is the longest a sender waits before it repeats a command: T4 of 4.5 s + 15 %, as
// T.30 has it for manual machines, and the delay of the line.
const repetition = SampleRate * 55 / 10

// missedPage tells a second MPS, of a page that was not heard at all, from a repetition of the
// first: a repetition comes soon.
func (t *Terminal) missedPage() bool {
	return t.state == AwaitPage && t.heard.quiet > repetition
}

// again answers a repeated command as before.
func (t *Terminal) again() {
	a := &t.receiver.answer
	if len(a.said.frames) == 0 {
		return
	}
	if a.said.again++; a.said.again > maxAnswers {
		t.disconnect(WrongCommand)
		return
	}
	t.sayRemembered()
}

// remember makes an answer ready, for sayRemembered to send as often as it is asked for.
func (t *Terminal) remember(next State, listen Listening, fcf FCF) {
	frame := Frame{FCF: fcf, X: t.gotDIS, Final: true}.Append(nil)
	t.receiver.answer = reply{next, said{tries: 1, frames: [][]byte{frame}, listen: listen, timer: timerT2}}
}

func (t *Terminal) sayRemembered() {
	a := &t.receiver.answer
	t.setState(a.state)
	t.said = a.said
	t.transmit()
}

// nextState is what follows the answer to a post-message command.
func nextState(q FCF, v Verdict) State {
	switch {
	case q == EOM:
		return AwaitTurn
	case v == Reject, v == Retrain && q == MPS:
		return Training
	case q == EOP:
		return AwaitDCN
	default:
		return AwaitPage
	}
}

// conclude answers a page's end.
func (t *Terminal) conclude(q FCF, pri bool, v Verdict) {
	r := &t.receiver
	r.signal, r.last, r.lastPRI = false, q, false
	if v != Reject {
		t.keep()
	}
	switch {
	case r.err != nil:
		t.disconnect(SinkError)
		return
	case r.rejects > maxRejects:
		t.disconnect(PageRejected)
		return
	case t.interrupt, pri && t.cfg.Operator != nil && t.cfg.Operator():
		t.inviteOperator(pri, v)
		return
	}
	t.conclusion(q, v)
}

// conclusion sends MCF, RTP or RTN. After EOM and EOP there is no page that RTP could be for.
func (t *Terminal) conclusion(q FCF, v Verdict) {
	next, listen, fcf := nextState(q, v), listenV21, MCF
	switch {
	case v == Reject:
		fcf = RTN
	case v == Retrain && q == MPS:
		fcf = RTP
	case next == AwaitPage:
		listen = t.listenPage()
	}
	t.remember(next, listen, fcf)
	t.sayRemembered()
}

// inviteOperator answers PIP or PIN. When the other side had asked with PRI-Q both agree.
func (t *Terminal) inviteOperator(pri bool, v Verdict) {
	fcf := PIP
	if v == Reject {
		fcf = PIN
	}
	t.receiver.lastPRI = true
	t.remember(nextState(t.receiver.last, v), listenV21, fcf)
	t.receiver.answer.said.timer = timerT3
	t.sayRemembered()
	if pri {
		t.leave(TakenOver)
	}
}
