package fxs

import "tipring/lines/fxs/callerid"

// vmwiRest is how long a port is on-hook before data about messages are sent.
const vmwiRest = 1000 * samplesPerMS

// messages is what is known about them. Until something is, a telephone is told nothing; but
// that none wait is news to it then, for it may have been told otherwise before.
type messages uint8

const (
	unknown messages = iota
	none
	waiting
)

// MessageWaiting tells the telephone that messages wait, or no more: by its lamp, by the data
// that light the lamp of others, and by a dial tone that stutters; each unless the settings
// say otherwise.
func (p *Port) MessageWaiting(on bool) {
	m := none
	if on {
		m = waiting
	}
	if m == p.messages {
		return
	}
	p.messages = m
	if !p.settings.NoLamp {
		p.wanted.lamp = m
	}
	p.owesData = p.tellsByData()
	p.restUntil = max(p.restUntil, p.now)
}

func (p *Port) tellsByData() bool {
	return p.standard != nil && p.standard.Modem != callerid.DTMF && !p.settings.NoData
}

// remind sends the data that are owed, once the telephone has been left alone for a while.
func (p *Port) remind() {
	q := &p.procedure
	if !p.owesData || p.state != Idle || p.hook.closed || q.running() || p.now < p.restUntil {
		return
	}
	q.begin(false)
	q.sender.Start(p.standard, p.standard.Waiting(p.messages == waiting), false)
	switch std := p.standard; {
	case p.settings.Splash && p.messages == waiting:
		q.add(ringing, p.splash())
		q.add(silent, afterBell)
	case std.Alert == callerid.NoAlert && std.Modem == callerid.Bell202:
		q.add(current, openInterval)
		q.add(silent, afterOpen)
	case std.Alert == callerid.NoAlert: // EN 300 659-1 6.2: what has no ring has an alert
		q.add(ringing, pulseTime)
		q.add(silent, afterPulse)
	default:
		p.alert()
	}
	q.add(send, 0)
	q.add(silent, beforeBell)
	q.add(normal, 0)
	q.add(told, 0)
	p.enter()
}
