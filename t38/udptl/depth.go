package udptl

const (
	controlDepth       = 3 // secondaries of indicators and 300 bit/s frames: they are few and small
	controlDepthLossy  = 5
	imageDepthECM      = 1 // with error correction mode, what is lost is sent again
	imageDepthNoECM    = 3
	maxImageDepth      = 5
	cleanPagesToLower  = 2
	lossPercentLossy   = 2 // of the peer's packets
	lossPercentSevere  = 5
	packetsForLossRate = 50
)

// Depth decides how many secondaries to send when nobody fixed their number. Nothing
// in T.38 tells a sender what was lost of its packets, so it goes by what the other end
// asks to have repaired and by what is missing of the other end's own packets.
//
// Image data begins with one secondary if errors are corrected by sending again (ECM),
// else with three. Each repair that is asked for adds one, up to five; two clean pages
// in a row take one off again, down to what the loss seen of the peer's packets calls
// for. Control packets have three, and five once anything was repaired or loss was seen.
type Depth struct {
	ecm      bool
	raised   int // by repairs
	clean    int // pages in a row without a repair
	repaired bool
	lossy    int // how bad the peer's packets come in: 0, 1 or 2
}

// SetECM tells whether the page to be sent has error correction mode.
func (d *Depth) SetECM(on bool) { d.ecm = on }

// PageEnded tells that the other end judged a page, or a block of it: repairs is how
// often it asked to have frames sent again (PPR), 1 for a page it refused (RTN), 0 for a
// good one.
func (d *Depth) PageEnded(repairs int) {
	if repairs > 0 {
		d.Repair(repairs)
		return
	}
	if d.clean++; d.clean >= cleanPagesToLower && d.raised > 0 {
		d.raised--
		d.clean = 0
	}
}

// Repair tells of requests for repair while the page is not done.
func (d *Depth) Repair(requests int) {
	d.clean = 0
	d.repaired = true
	d.raised = min(d.raised+requests, maxImageDepth-d.base())
}

// LossSeen tells what came of the peer's packets since the call began.
func (d *Depth) LossSeen(c Counters) {
	missing := int64(c.Lost) + int64(c.Recovered)
	sent := int64(c.Received) + missing - int64(c.Duplicate)
	switch {
	case sent < packetsForLossRate:
	case missing*100 >= sent*lossPercentSevere:
		d.lossy = 2
	case missing*100 >= sent*lossPercentLossy:
		d.lossy = 1
	default:
		d.lossy = 0
	}
}

func (d *Depth) base() int {
	if d.ecm {
		return imageDepthECM
	}
	return imageDepthNoECM
}

// Image returns the number of secondaries for image data: 1 to 5.
func (d *Depth) Image() int {
	return min(max(d.base()+d.raised, d.base()+d.lossy), maxImageDepth)
}

// Control returns the number of secondaries for anything else: 3 or 5.
func (d *Depth) Control() int {
	if d.repaired || d.lossy > 0 {
		return controlDepthLossy
	}
	return controlDepth
}
