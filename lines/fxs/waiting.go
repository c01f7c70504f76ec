package fxs

import (
	"tipring/internal/dsp"
	"tipring/lines/fxs/callerid"
)

// Times of data in a call (GR-30, EN 300 659-2).
const (
	callAlertTime  = 80 * samplesPerMS  // CAS: 75 to 85
	readyTime      = 250 * samplesPerMS // for the telephone's DTMF, which lasts 60 and comes within 100
	beforeCallData = 80 * samplesPerMS  // 50 to 500
	afterCallData  = 30 * samplesPerMS
)

// Wait tells the telephone that another call waits: by a tone, again and again, and by who it is.
func (p *Port) Wait(c Caller) {
	if p.state != Talking && p.state != Calling {
		return
	}
	p.play(CallWaiting)
	if p.standard == nil || p.standard.Modem == callerid.DTMF || p.settings.NoWaitingID || p.state != Talking {
		return
	}
	c.Number = p.dialable(c.Number)
	q := &p.procedure
	q.begin(true)
	q.sender.Start(p.standard, p.standard.Call(c), true)
	q.add(pass, firstSound(p.country.Tones[CallWaiting]))
	q.add(alert, callAlertTime)
	q.add(awaitReady, readyTime+2*p.frame)
	q.add(silent, beforeCallData)
	q.add(send, 0)
	q.add(silent, afterCallData)
	p.enter()
}

// firstSound is how long a tone lasts until its longest pause.
func firstSound(s *dsp.Signal) (until int) {
	segments, _ := s.Segments()
	at, longest := 0, 0
	for _, seg := range segments {
		if len(seg.Partials) == 0 && seg.Samples > longest {
			until, longest = at, seg.Samples
		}
		at += seg.Samples
	}
	return until
}

// StopWaiting ends what Wait began.
func (p *Port) StopWaiting() {
	if p.procedure.offHook {
		p.procedure.stop()
	}
	if p.playing == CallWaiting {
		p.Silence()
	}
}

// Mutes tells whether the far end may not be heard just now, nor hear.
func (p *Port) Mutes() bool { return p.procedure.offHook && p.procedure.mutes }
