package fxs

// Wait tells the telephone that another call waits: by a tone, again and again, and by who it is.
func (p *Port) Wait(Caller) { p.Play(CallWaiting) }

// StopWaiting ends what Wait began.
func (p *Port) StopWaiting() {
	if p.playing == CallWaiting {
		p.Silence()
	}
}

// Mutes tells whether the far end may not be heard just now, nor hear.
func (p *Port) Mutes() bool { return false }
