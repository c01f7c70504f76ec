package call

import (
	"tipring/lines"
	"tipring/lines/fxs"
)

// spoolDialled is a number that a machine has dialled whose faxes are stored.
func (p *Port) spoolDialled(e fxs.Event) { p.callDialled(e) }

// spoolIncoming offers a call to the first of ports that stores what comes; ok is false when
// none does.
func spoolIncoming(*lines.Call, []*Port) (h lines.Handler, code int, ok bool) {
	return nil, 0, false
}
