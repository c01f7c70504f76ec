package fxs

// Place goes on as if a number had been dialled: for a call that the owner makes on behalf
// of the telephone. It reports false on-hook.
func (p *Port) Place() bool {
	p.hook.lift(p.now)
	if !p.hook.off {
		return false
	}
	p.state, p.deadline, p.warming = Calling, never, false
	p.keys, p.ahead, p.coded = p.keys[:0], p.ahead[:0], false
	p.unpowered, p.locked = false, false
	p.silence()
	p.stopRinging()
	p.settle()
	return true
}

// Emergency tells whether the port's dial plan takes a number for one of an emergency.
func (p *Port) Emergency(number string) bool { return p.plan.Emergency(number) }

// PutDown ends what Loop and Place began on behalf of a telephone that was never lifted:
// the port is on-hook at once, without an event. The card stays as it is.
func (p *Port) PutDown() {
	p.hook.putDown()
	p.rest()
	p.settle()
}
