package fxs

import (
	"strings"

	"tipring/internal/dsp"
	"tipring/lines/fxs/callerid"
)

// Caller is who calls, as a telephone is to show it.
type Caller = callerid.Caller

// Incoming is a call that is to ring a telephone.
type Incoming struct {
	Caller Caller
	Alert  string // the ringing pattern that the server named, by its key in the country's table: bellcore-dr2; else the usual one
}

// Times around the data, within the limits of GR-30, EN 300 659-1 and SIN 227.
const (
	afterBell     = 600 * samplesPerMS // from the end of the first ring: 500 to 1500
	afterReversal = 200 * samplesPerMS // 100 at least before DT-AS
	beforeKeys    = 300 * samplesPerMS // from the reversal to DTMF without DT-AS: 200 at least
	alertTime     = 100 * samplesPerMS // DT-AS on-hook: 90 to 110
	afterAlert    = 80 * samplesPerMS  // 45 to 500
	pulseTime     = 250 * samplesPerMS // RP-AS: 200 to 300
	afterPulse    = 650 * samplesPerMS // 500 to 800
	beforeBell    = 250 * samplesPerMS // 200 to 500
	openInterval  = 200 * samplesPerMS // of loop current, before messages of GR-30 without a ring: 150 to 300
	afterOpen     = 400 * samplesPerMS
)

// RingFor rings the bell for a call, in the pattern it asks for, with its caller shown as the
// country does it. It reports false if the handset is off-hook.
func (p *Port) RingFor(in Incoming) bool {
	c := p.country.Rings[in.Alert]
	if len(c) == 0 {
		c = p.country.Ring
	}
	if p.standard == nil {
		return p.Ring(c)
	}
	if p.OffHook() {
		return false
	}
	p.rest()
	p.state = Ringing
	p.ringer.cadence = c
	in.Caller.Number = p.dialable(in.Caller.Number)
	q := &p.procedure
	q.begin(false)
	q.sender.Start(p.standard, p.standard.Call(in.Caller), false)
	if p.standard.AfterRing {
		gap := c.gap()
		for i, n := range c[:gap] {
			q.add([]action{ringing, silent}[i%2], n)
		}
		q.add(silent, afterBell)
		q.add(send, 0)
		q.add(silent, max(beforeBell, c[gap]-afterBell-q.sender.Length()))
		q.add(thenBell, gap+1)
	} else {
		p.alert()
		q.add(send, 0)
		q.add(silent, beforeBell)
		q.add(normal, 0)
		q.add(thenBell, 0)
	}
	p.enter()
	p.settle()
	return true
}

// alert adds what wakes a telephone up for data without a ring before.
func (p *Port) alert() {
	q, std := &p.procedure, p.standard
	switch {
	case std.Reversal && std.Alert == callerid.DualTone:
		q.add(reverse, 0)
		q.add(silent, afterReversal)
	case std.Reversal:
		q.add(reverse, 0)
		q.add(silent, beforeKeys)
	}
	switch std.Alert {
	case callerid.DualTone:
		q.add(alert, alertTime)
		q.add(silent, afterAlert)
	case callerid.RingPulse:
		q.add(ringing, pulseTime)
		q.add(silent, afterPulse)
	}
}

// dialable is a number as it is dialled in the country.
func (p *Port) dialable(number string) string {
	if n, ok := strings.CutPrefix(number, "+"); ok {
		return p.country.International + n
	}
	return number
}

// splash is how long a short ring is that reminds of messages, in samples.
func (p *Port) splash() int {
	if c := p.country.Rings["splash"]; len(c) > 0 {
		return c[0]
	}
	return dsp.SampleRate / 2
}
