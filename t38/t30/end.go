package t30

// disconnect sends DCN and ends the call with that code (phase E, clause 5.3.6.1.8).
func (t *Terminal) disconnect(c Code) {
	if t.state == Leaving { // DCN is not getting out
		t.end(t.result.Code)
		return
	}
	t.result.Code = c
	t.setState(Leaving)
	held := t.timers[timerCall]
	t.timers = timers{}
	t.turn()
	t.timers.set(timerCall, max(held, t.now+leaveLimit))
	t.out.addFrames([][]byte{Frame{FCF: DCN, X: t.gotDIS, Final: true}.Append(nil)})
}

// leaveLimit is how long DCN may take to get out.
const leaveLimit = 10 * SampleRate

// leave ends the call without DCN, once what was said has been sent.
func (t *Terminal) leave(c Code) {
	t.result.Code = c
	t.setState(Leaving)
}

// end ends the call at once.
func (t *Terminal) end(c Code) {
	t.abandonPage()
	t.view.end()
	t.result.Code = c
	t.setState(Ended)
	t.timers, t.listen = timers{}, Listening{}
	t.out.clear()
	t.sender.block, t.receiver.block = txBlock{}, rxBlock{}
}

// endReceived ends a call whose last page has been acknowledged, or was rejected.
func (t *Terminal) endReceived() {
	if t.receiver.bad() {
		t.end(BadPages)
		return
	}
	t.end(OK)
}

// peerLeft acts on DCN.
func (t *Terminal) peerLeft() {
	switch t.state {
	case AwaitDCN, AwaitTurn:
		t.endReceived()
	case Offering, Training, Polling:
		switch {
		case t.receiver.bad(), t.receiver.pages > 0 && t.receiver.last != MPS:
			t.endReceived()
		case t.state == Training:
			t.end(PeerLeftTrain)
		default:
			t.end(PeerLeftEarly)
		}
	case AwaitPage:
		t.end(PeerLeftPage)
	case Calling, AwaitDIS:
		t.end(PeerLeftEarly)
	case Commanding:
		t.end(PeerLeftTrain)
	case Leaving:
		t.end(t.result.Code)
	default:
		t.end(PeerLeftResult)
	}
}

// unidentified ends phase B: T0 or T1 has expired.
func (t *Terminal) unidentified() {
	switch {
	case t.heard.v21 && t.timers.running(timerFlags): // it may be coming now
		t.timers.set(timerT1, t.timers[timerFlags]+1)
	case t.heard.anything:
		t.disconnect(NoIdentification)
	default:
		t.end(NoAnswer)
	}
}

// noCommand acts on the loss of a command: T2, or T3 after a procedure interrupt.
func (t *Terminal) noCommand() {
	switch t.state {
	case AwaitTurn:
		t.phaseBAgain()
	case AwaitDCN:
		t.endReceived()
	case Training:
		if t.receiver.bad() {
			t.disconnect(BadPages)
			return
		}
		t.disconnect(NoRetrain)
	case AwaitPage:
		if t.receiver.signal {
			t.disconnect(NoPostMessage)
			return
		}
		t.disconnect(NoCarrier)
	}
}

// noResponse repeats a command, or gives up after the third time.
func (t *Terminal) noResponse() {
	if t.state == Offering { // until T1
		t.transmit()
		return
	}
	if t.said.tries >= maxTries {
		t.disconnect(t.silenceCode())
		return
	}
	t.said.tries++
	t.result.Repeats++
	if t.state == Commanding && t.said.tries == maxTries {
		t.lowerLastTry()
	}
	t.transmit()
}

func (t *Terminal) silenceCode() Code {
	switch {
	case t.state == Commanding:
		return NoResponseToDCS
	case t.state == Polling:
		return NoCommand
	case t.said.wrong:
		return WrongResponse
	case t.state == AwaitCTR:
		return NoResponseToCTC
	case t.state == AwaitERR:
		return NoResponseToEOR
	case t.state == AwaitReady:
		return NoResponseToRR
	default:
		return NoResponse
	}
}
