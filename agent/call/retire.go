package call

// Retire closes the port to calls if its telephone is on-hook and no call is on its way,
// and reports that it did: Close then takes nobody's dial tone or call away. Otherwise the
// port goes on, and Device.Rested is called when it might be asked again. A port that has
// been closed has retired.
func (p *Port) Retire() bool {
	answer := make(chan bool, 1)
	if !p.post(func() { p.retiring = append(p.retiring, answer) }) {
		return true
	}
	return <-answer
}

// retire answers those who asked whether the port may be closed. It is called when all
// that was known to the port's goroutine has been done.
func (p *Port) retire() {
	p.mu.Lock()
	idle := !p.busy.Load() && !p.offered && len(p.mail) == 0
	p.closed = p.closed || idle
	p.mu.Unlock()
	p.disturbed = !idle
	for _, answer := range p.retiring {
		answer <- idle
	}
	p.retiring = nil
}

// tellRest tells the device that the port has nothing to do any more.
func (p *Port) tellRest(wasBusy bool) {
	if !p.busy.Load() && (wasBusy || p.disturbed) {
		p.disturbed = false
		if p.dev.Rested != nil {
			p.dev.Rested()
		}
	}
}
