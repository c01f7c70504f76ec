package t30

// The times of phase A (clauses 4.1 to 4.3) and of the turns of the line, in samples.
const (
	answerPause = 2 * SampleRate         // 1.8 s to 2.5 s before CED
	lengthCED   = 3 * SampleRate         // 2.6 s to 4 s
	lengthCNG   = SampleRate / 2         // 0.5 s ± 15 %
	pauseCNG    = 3 * SampleRate         // 3 s ± 15 %
	pauseTurn   = SampleRate * 75 / 1000 // 75 ms ± 20 ms
)

func (t *Terminal) beginPhaseA() {
	t.timers.set(timerT1, t.now+t.cfg.Timers.T1)
	if t.cfg.Calling {
		t.state = Calling
		t.listen = Listening{Tones: true, V21: true}
		t.out.add(Transmission{Kind: CNG, Samples: lengthCNG})
		return
	}
	t.state = Answering
	t.out.add(Transmission{Kind: Silence, Samples: answerPause})
	t.out.add(Transmission{Kind: CED, Samples: lengthCED})
	t.out.add(Transmission{Kind: Silence, Samples: pauseTurn})
}

// allSent follows when all that was queued has ended on the line.
func (t *Terminal) allSent() {
	switch t.state {
	case Calling:
		t.timers.set(timerTone, t.now+pauseCNG)
	case Leaving:
		t.end(t.result.Code)
	}
}

func (t *Terminal) expired(id timer) {
	switch id {
	case timerTone:
		t.out.add(Transmission{Kind: CNG, Samples: lengthCNG})
	case timerT1:
		t.end(NoAnswer)
	case timerCall:
		t.end(CallTooLong)
	}
}

func (t *Terminal) tone(Tone)                     {}
func (t *Terminal) carrier(Channel, CarrierEvent) {}
func (t *Terminal) frame(Channel, []byte, bool)   {}
func (t *Terminal) octets([]byte)                 {}

func (t *Terminal) lineLost() { t.end(LineLost) }

// disconnect sends DCN and ends the call.
func (t *Terminal) disconnect(c Code) {
	t.result.Code, t.state, t.listen = c, Leaving, Listening{}
	t.timers = timers{}
	t.out.clear()
	t.out.frames = append(t.out.frames, Frame{FCF: DCN, Final: true}.Append(nil))
	t.out.add(Transmission{Kind: V21})
}

func (t *Terminal) end(c Code) {
	t.result.Code, t.state, t.listen = c, Ended, Listening{}
	t.timers = timers{}
	t.out.clear()
}
