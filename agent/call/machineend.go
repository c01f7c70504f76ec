package call

import (
	"tipring/internal/dsp"
	"tipring/lines/fxs"
)

// How a machine is sent away that has not hung up behind its fax: after a while the loop
// current is taken away, as exchanges do.
const (
	dismissPause = 2 * dsp.SampleRate
	dismissBreak = dsp.SampleRate * 8 / 10
)

// A dismissal waits for the machine to hang up, now that its fax is over.
type dismissal struct {
	loneSide
	p    *Port
	at   int64 // by the port's clock: of the next step
	dead bool  // there is no loop current
}

// dismiss ends what a port has with its machine.
func (p *Port) dismiss() {
	c := p.converse(up)
	c.fax = &dismissal{p: p, at: p.fx.Now() + dismissPause}
	p.now = c
}

// Exchange implements sound: there is none.
func (d *dismissal) Exchange([]int16, []int16) {
	switch p := d.p; {
	case p.fx.Now() < d.at:
	case !d.dead:
		d.dead, d.at = true, d.at+dismissBreak
		p.fx.Power(false)
	default:
		p.fx.Power(true)
		p.now = nil
		p.hungUp(fxs.Reorder)
	}
}

// left implements faxSide.
func (d *dismissal) left() { d.p.fx.Power(true) }
