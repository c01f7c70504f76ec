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
