package fxs

// Place goes on as if a number had been dialled: for a call that the owner makes on behalf
// of the telephone. It reports false on-hook.
func (p *Port) Place() bool {
	if !p.hook.off {
		return false
	}
	p.state, p.deadline, p.warming = Calling, never, false
	p.keys = p.keys[:0]
	p.silence()
	return true
}

// PutDown ends what Loop and Place began on behalf of a telephone that was never lifted:
// the port is on-hook at once, without an event. The card stays as it is.
func (p *Port) PutDown() {
	p.hook.off, p.hook.open, p.hook.pulses = false, false, 0
	p.rest()
}
