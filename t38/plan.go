package t38

import (
	"errors"

	"tipring/t38/modem"
	"tipring/t38/t30"
)

// A plan is what a gateway knows of the procedure from the frames that pass: who sends
// pages, by which modem, and what that modem's next signal will be.
type plan struct {
	fromLine bool       // the machine on the line sends the pages; else the network
	mode     modem.Mode // of the pages; 0: none was agreed yet
	ecm      bool
	check    bool // the next signal is a training check
	long     bool // the next signal of V.17 has a long training

	asked   bool  // the machine on the line has asked, and nothing has come
	askedAt int64 // when its signal ended; 0: it has not, or does not wait
	last    t30.FCF
}

// fromMachine takes a good frame of the machine on the line.
func (p *plan) fromMachine(octets []byte) { p.take(octets, true) }

// fromNet takes a good frame of the network.
func (p *plan) fromNet(octets []byte) { p.take(octets, false) }

func (p *plan) take(octets []byte, fromLine bool) {
	f, ok := t30.ParseFrame(octets)
	if !ok {
		return
	}
	if fromLine {
		p.last = f.FCF
	}
	switch f.FCF {
	case t30.DCS:
		// A page of any coding passes.
		if c, err := t30.ParseCommand(f.Info); err == nil || errors.Is(err, t30.ErrMode) {
			p.fromLine, p.mode, p.ecm = fromLine, modes[c.Modulation], c.ECM
			p.check, p.long = true, true
		}
	case t30.CTC:
		if m, err := t30.ParseRate(f.Info); err == nil {
			p.mode = modes[m]
		}
		p.long = true
	case t30.CFR:
		p.check, p.long = false, false
	case t30.CTR:
		p.long = true
	case t30.PPR, t30.MCF, t30.RR, t30.ERR:
		p.check, p.long = false, p.long && f.FCF == t30.RR
	}
}

// netTraining tells that octets from the network are those of a training check.
func (p *plan) netTraining() bool { return p.check && !p.fromLine }

// signalEnded notes that the machine on the line has ended a signal: now it waits, if what
// it said asks for an answer.
func (p *plan) signalEnded(now int64, fast bool) {
	if fast {
		// A training check is a question. Behind a page comes one.
		p.asked = p.check
	} else {
		p.asked = asks(p.last) && !(p.last == t30.DCS)
	}
	p.askedAt = 0
	if p.asked {
		p.askedAt = now
	}
}

// asks tells whether a frame wants an answer within T4.
func asks(f t30.FCF) bool {
	switch f {
	case t30.DIS, t30.DTC, t30.MPS, t30.EOP, t30.EOM, t30.PRIMPS, t30.PRIEOP, t30.PRIEOM,
		t30.PPS, t30.EOR, t30.RR, t30.CTC, t30.DCS:
		return true
	}
	return false
}
