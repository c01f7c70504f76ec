package call

import (
	"tipring/agent/fax"
	"tipring/t38"
	"tipring/t38/t30"
)

// machinePages lists the pages of a machine's fax, and counts what befell them.
type machinePages struct {
	list     []fax.Page
	then     func(fax.Page) // with each, on the machine's goroutine; nil: nobody asks
	damaged  int            // frames of V.21 that came with a bad FCS
	retrains int            // RTP
}

// frame reads a frame of V.21 along.
func (l *machinePages) frame(_ bool, octets []byte, good bool) {
	if !good {
		l.damaged++
		return
	}
	if f, ok := t30.ParseFrame(octets); ok && f.FCF == t30.RTP {
		l.retrains++
	}
}

// add takes a page that is over. One that is sent or received once more takes its own place.
func (l *machinePages) add(p t30.Page) {
	page := fax.Page{
		N: p.Number + 1, Result: "lost", Rows: p.Copy.Rows, BadRows: p.Copy.BadRows,
		Rate: p.Modulation.BitRate(), Resolution: resolutionName(p.Format.Resolution), Repairs: p.Frames,
	}
	switch {
	case p.Confirmed:
		page.Result = "confirmed"
	case !p.Damaged:
		page.Result = "rejected"
	}
	if n := len(l.list); n > 0 && l.list[n-1].N == page.N {
		l.list = l.list[:n-1]
	}
	l.list = append(l.list, page)
	if l.then != nil {
		l.then(page)
	}
}

func resolutionName(r t30.Resolution) string {
	if r == t30.Ultrafine {
		return "400"
	}
	return r.String()
}

// outcome is how a fax with the machine of a port went. A page that could not be stored was
// not confirmed, whatever its rows were worth.
func (m *machine) outcome(l *machinePages) fax.Outcome {
	r, pages := m.fax.T30.Result(), l.list
	if n := len(pages); n > 0 && m.lost {
		pages[n-1].Result = "lost"
	}
	o := fax.Outcome{
		Answered: true, Begun: r.Trainings > 0 || r.Peer.Capabilities.Modulations != 0, OK: r.Code == t30.OK,
		Transport: "audio", RemoteID: r.Peer.Ident, Rate: r.BitRate, ECM: r.ECM, T30: r.Code,
		Pages: pages, ECMErrors: r.Frames, V21Errors: l.damaged, RTN: r.Rejected, RTP: l.retrains,
	}
	if c := r.Peer.Capabilities; c.Modulations != 0 {
		o.Capabilities = capabilities(&t38.Side{Offered: true, Offer: c})
	}
	if !o.OK {
		o.Reason = r.Code.String()
	}
	return o
}
