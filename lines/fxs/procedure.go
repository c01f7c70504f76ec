package fxs

import (
	"tipring/internal/dsp"
	"tipring/lines/fxs/callerid"
)

// A procedure is what a port does to the line step by step: ring, reverse, send data. Its clock
// is the samples that the telephone hears. What it commands of the card takes effect at the
// end of a frame; the rest of that frame is silent, and the next step begins after it.
type procedure struct {
	steps  []step
	at     int
	left   int // samples of the step
	sender callerid.Sender
	tone   dsp.Tone

	offHook bool // it is part of a call
	mutes   bool // nothing else is heard
	acked   bool // the telephone has acknowledged the alert

	ring, reverse, unpowered bool // commanded
}

type step struct {
	do      action
	samples int // that it lasts; of thenBell the step of the cadence
}

type action uint8

const (
	pass       action = iota // nothing; the call is heard
	silent                   // nothing is heard
	ringing                  // ringing voltage
	current                  // no loop current
	reverse                  // reversed from now on
	normal                   // and no more
	alert                    // DT-AS
	send                     // the data
	awaitReady               // the telephone acknowledges the alert, or the procedure is over
	thenBell                 // the bell goes on with its cadence
	told                     // the telephone knows now whether messages wait
)

func (q *procedure) running() bool { return q.at < len(q.steps) }

// stop ends everything at once.
func (q *procedure) stop() {
	q.steps, q.at, q.mutes = q.steps[:0], 0, false
	q.ring, q.reverse, q.unpowered = false, false, false
	q.sender.Stop()
}

// begin starts with no steps yet.
func (q *procedure) begin(offHook bool) {
	q.stop()
	q.offHook, q.acked = offHook, false
	q.mutes = !offHook
}

//go:noinline
func (q *procedure) add(do action, samples int) { q.steps = append(q.steps, step{do, samples}) }

// enter begins the present step, and tells whether it commands the card.
func (p *Port) enter() (commanded bool) {
	q := &p.procedure
	if !q.running() {
		q.stop()
		return false
	}
	s := q.steps[q.at]
	q.left = s.samples
	switch s.do {
	case ringing:
		q.ring = true
	case current:
		q.unpowered = true
	case reverse, normal:
		q.reverse = s.do == reverse
	case alert:
		q.mutes = true
		q.tone.Start(callerid.AlertTone(s.samples / samplesPerMS))
		return false
	case told:
		p.owesData = false
		return false
	case thenBell:
		p.ringer.resume(s.samples, p.now)
		q.stop()
	default:
		return false
	}
	return true
}

// leave ends the present step and begins the next one.
func (p *Port) leave() (commanded bool) {
	q := &p.procedure
	commanded = q.ring || q.unpowered
	q.ring, q.unpowered = false, false
	q.at++
	return p.enter() || commanded
}

// proceed makes what the telephone hears of a procedure, and returns what it leaves.
func (p *Port) proceed(out []int16) []int16 {
	q := &p.procedure
	for len(out) > 0 && q.running() {
		n, over := p.step(out)
		out = out[n:]
		if over && p.leave() && len(out) > 0 { // the card is told after this frame
			if q.mutes || !q.offHook {
				clear(out)
			}
			return nil
		}
	}
	return out
}

// step does as much of the present step as there is room for.
func (p *Port) step(out []int16) (n int, over bool) {
	q := &p.procedure
	switch q.steps[q.at].do {
	case send:
		n = q.sender.Read(out)
		return n, n < len(out)
	case awaitReady:
		if q.acked {
			return 0, true
		}
	}
	n = min(q.left, len(out))
	switch q.steps[q.at].do {
	case pass:
		p.overlay(out[:n])
	case alert:
		q.tone.Read(out[:n])
	default:
		clear(out[:n])
	}
	q.left -= n
	if q.left == 0 && q.steps[q.at].do == awaitReady {
		q.stop() // a telephone without a display
		return n, false
	}
	return n, q.left == 0
}

// acknowledged takes a key that a telephone answers the alert with.
func (q *procedure) acknowledged(key byte) bool {
	if !q.running() || q.steps[q.at].do != awaitReady || key != 'D' && key != 'A' {
		return false
	}
	q.acked = true
	return true
}
