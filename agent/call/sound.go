package call

import "tipring/internal/dsp"

// Exchange implements fxs.Audio: the sound between the telephone and its calls.
func (p *Port) Exchange(in, out []int16) {
	p.tick()
	switch c := p.now; {
	case c == nil:
	case c.fax != nil:
		c.fax.Exchange(in, out)
	default:
		p.exchange(c, in, out)
	}
	if p.held != nil && !p.joined {
		p.held.idle(len(in))
	}
	if c := p.now; c != nil && c.before != nil && !p.spools() { // it may come back
		c.before.idle(len(in))
	}
	for _, t := range p.transfers {
		t.from.idle(len(in))
		t.to.idle(len(in))
	}
}

// Cancel implements fxs.Canceller.
func (p *Port) Cancel(in []int16) {
	if c := p.now; c != nil && c.fax == nil && c.session != nil && c.mapping == nil {
		p.cancelEcho(c, in)
	}
}

// exchange is the sound between the telephone and the media of its call, or of both.
func (p *Port) exchange(c *conversation, in, out []int16) {
	if c.session == nil || c.mapping != nil {
		return
	}
	if !c.data {
		dsp.Amplify(in, p.cfg.TxGainDB)
	}
	mute := c.held || p.commands || p.fx.Mutes()
	if mute || p.swallows {
		in = p.quiet(len(in))
	}
	if p.joined && p.held.session != nil {
		p.mix(p.spoken(c, in), p.spoken(p.held, in), out)
		p.hear(p.held)
	} else {
		c.session.Exchange(p.spoken(c, in), out)
	}
	c.hearsEarly()
	p.hearModems(c, in, out)
	if !c.data {
		dsp.Amplify(out, p.cfg.RxGainDB)
	}
	if mute {
		clear(out) // at once, before the far end has agreed to it
	}
	p.hear(c)
	if p.digits.Busy() {
		p.digits.Read(out)
	}
}

// spoken is what a far end hears of what the telephone says.
func (p *Port) spoken(c *conversation, in []int16) []int16 {
	if p.mutesKey(c) {
		return p.quiet(len(in))
	}
	return in
}

// idle keeps the media of a conversation going that nobody listens to.
func (c *conversation) idle(n int) {
	if c == nil || c.session == nil || c.mapping != nil {
		return
	}
	p := c.p
	p.unheard = ofLength(p.unheard, n)
	c.session.Exchange(p.quiet(n), p.unheard)
	for ok := true; ok; {
		_, ok = c.session.NextEvent()
	}
}

// quiet is n samples of silence.
func (p *Port) quiet(n int) []int16 {
	if len(p.silence) < n {
		p.silence = make([]int16, n)
	}
	return p.silence[:n]
}

// engaged reports that the port has a conversation.
func (p *Port) engaged() bool { return p.now != nil || p.held != nil || p.waiting != nil }

// conversations are all that the port has, in a list that lasts until the next call.
func (p *Port) conversations() []*conversation {
	p.list = p.list[:0]
	p.listed(p.now)
	p.listed(p.held)
	p.listed(p.waiting)
	for _, t := range p.transfers {
		p.listed(t.from)
		p.listed(t.to)
	}
	return p.list
}

func (p *Port) listed(c *conversation) {
	if c != nil {
		p.list = append(p.list, c)
	}
}
