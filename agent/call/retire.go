package call

// A question is one that only the port's goroutine can answer: whether the port rests.
type question struct {
	retire bool // it is to take no calls any more if it does
	answer chan<- bool
}

// Retire closes the port to calls if its telephone is on-hook and no call is on its way,
// and reports that it did: Close then takes nobody's dial tone or call away. Otherwise the
// port goes on, and Device.Rested is called when it might be asked again. A port that has
// been closed has retired.
func (p *Port) Retire() bool { return p.ask(true) }

// Rests reports that the telephone is on-hook and no call on its way. Unlike Snapshot it
// knows of what has begun in this moment. A port that has been closed rests.
func (p *Port) Rests() bool { return p.ask(false) }

func (p *Port) ask(retire bool) bool {
	answer := make(chan bool, 1)
	if !p.post(func() { p.asked = append(p.asked, question{retire, answer}) }) {
		return true
	}
	return <-answer
}

// tellRest answers those who asked whether the port rests, and tells the device when it
// does again. It is called when all that was known to the port's goroutine has been done.
func (p *Port) tellRest(wasBusy bool) {
	asked := p.asked != nil
	for _, q := range p.asked {
		rests := p.rests(q.retire)
		p.disturbed = p.disturbed || !rests
		q.answer <- rests
	}
	p.asked = nil
	if p.busy.Load() || !wasBusy && (asked || !p.disturbed) {
		return
	}
	p.disturbed = false
	if p.dev.Rested != nil {
		p.dev.Rested()
	}
}

// rests reports that nothing goes on at the port, nor waits for it; a port that is to
// retire then takes no more.
func (p *Port) rests(retire bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	rests := !p.busy.Load() && !p.offered && len(p.mail) == 0
	p.closed = p.closed || rests && retire
	return rests
}
