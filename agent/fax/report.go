package fax

import (
	"fmt"
	"strings"

	"tipring/t38/t30"
	"tipring/t38/udptl"
)

// A report is what a call tells of itself: it reads along what the terminals of a call do, one
// after the other.
type report struct {
	first int // page that the call begins with, from 0
	pages int // of the document; 0: not known
	out   Outcome

	then     func(Page) // is told of each page that is over; nil: nobody listens
	begun    bool       // the far end has said something by T.30
	noAnswer bool
	rows     int // of confirmed pages

	// Of the terminal in use.
	base    int // pages before its first one
	sending bool
	source  t30.Source
	format  t30.Format
	said    t30.FCF
	asked   bool       // a page was begun, and is not over
	copies  func() int // secondaries of image data by T.38; nil: in sound
	tally
}

// A tally is what befell the page under way.
type tally struct {
	failures, rejects, repairs, slower int
	retrained, givenUp                 bool
	changed                            string // transport, in the course of it
	rate, copied                       int    // at its beginning
}

// next is the page that comes next, from 1.
func (r *report) next() int { return r.first + r.out.Confirmed() + 1 }

// begin is the beginning of a terminal.
func (r *report) begin(base int, sending bool, s t30.Source) {
	r.base, r.sending, r.source, r.asked, r.copies = base, sending, s, false, nil
	r.out.Pages = r.out.Pages[:r.out.Confirmed()] // the others come once more
}

// transport notes the way of what follows. That a call goes on by T.38 before its fax has begun
// is how it is meant to be.
func (r *report) transport(name string) {
	if old := r.out.Transport; old != "" && old != name && (r.begun || name == "audio") {
		r.changed = name
	}
	r.out.Transport = name
}

// state follows the procedure.
func (r *report) state(_ int64, s t30.State) {
	if s != t30.SendPage || r.asked {
		return
	}
	if r.asked = true; r.copies != nil {
		r.copied = r.copies()
	}
}

// frame reads a frame of V.21 along.
func (r *report) frame(sent bool, octets []byte, good bool) {
	if !sent && !good {
		r.out.V21Errors++
		return
	}
	f, ok := t30.ParseFrame(octets)
	if !ok {
		return
	}
	if sent {
		r.said = f.FCF
	} else if !r.isOwn(f.FCF) {
		r.begun = true
	}
	switch f.FCF {
	case t30.DCS:
		r.command(f.Info)
	case t30.CTC:
		if m, err := t30.ParseRate(f.Info); err == nil {
			r.slowTo(m.BitRate())
		}
	case t30.FTT:
		r.failures++
	case t30.RTN:
		r.out.RTN++
		r.rejects++
	case t30.RTP:
		r.out.RTP++
		r.retrained = true
	case t30.PPR:
		r.repairs++
	case t30.EOR:
		r.givenUp = true
	}
}

// isOwn tells whether a frame is one that this side says: it has come back as an echo.
func (r *report) isOwn(f t30.FCF) bool {
	switch f {
	case t30.DIS, t30.CSI, t30.NSF:
		return !r.sending
	case t30.DCS, t30.TSI, t30.NSS:
		return r.sending
	}
	return f == r.said
}

func (r *report) command(info []byte) {
	c, err := t30.ParseCommand(info)
	if err != nil {
		return
	}
	r.format = c.Format()
	r.out.ECM = c.ECM
	r.slowTo(c.Modulation.BitRate())
	if !r.sending {
		r.out.Capabilities = capabilitiesOf(c)
	}
}

func (r *report) slowTo(rate int) {
	if r.rate != 0 && rate < r.rate {
		r.slower++
	}
	r.rate = rate
}

// page takes a page that is over.
func (r *report) page(p t30.Page) {
	e := Page{
		N: r.base + p.Number + 1, Result: "rejected", Rate: p.Modulation.BitRate(), Resolution: resolutionNames[p.Format.Resolution],
		Rows: p.Copy.Rows, BadRows: p.Copy.BadRows, Repairs: r.repairs,
	}
	switch {
	case p.Confirmed:
		e.Result = "confirmed"
	case p.Damaged:
		e.Result = "lost"
	}
	if r.sending {
		e.Rows = rowsOf(r.source)
	}
	r.add(e)
}

// add lists a page. One that came before under that number has come once more.
func (r *report) add(e Page) {
	if last := len(r.out.Pages) - 1; last >= 0 && r.out.Pages[last].N == e.N {
		r.out.Pages = r.out.Pages[:last]
	}
	e.What = r.what(e)
	r.out.Pages = append(r.out.Pages, e)
	r.out.Rate = max(r.out.Rate, e.Rate)
	if e.Result == "confirmed" {
		r.rows += e.Rows
		r.tally = tally{rate: r.rate}
	}
	r.asked = false
	if r.then != nil {
		r.then(e)
	}
}

// what says what was done about a page, and why.
func (r *report) what(p Page) string {
	var done []string
	say := func(format string, args ...any) { done = append(done, fmt.Sprintf(format, args...)) }
	if r.changed != "" {
		say("begun anew by %s", map[string]string{"t38": "T.38", "audio": "G.711"}[r.changed])
	}
	if r.failures > 0 {
		say("%s failed", times(r.failures, "training"))
	}
	if r.rejects > 0 {
		say("%s with RTN", times(r.rejects, "rejection"))
	}
	if r.repairs > 0 {
		say("%s by ECM", times(r.repairs, "repair"))
	}
	if r.slower > 0 {
		say("slowed down to %d bit/s", p.Rate)
	}
	if r.copies != nil && r.asked && r.copies() > r.copied {
		say("each packet of T.38 goes %d times", r.copies()+1)
	}
	if r.retrained {
		say("the line is trained anew (RTP)")
	}
	if r.givenUp {
		say("frames were given up (EOR)")
	}
	return strings.Join(done, ", ")
}

func times(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// take takes the result of a terminal that has ended.
func (r *report) take(t t30.Result) {
	o := &r.out
	o.T30 = t.Code
	if t.Peer.Ident != "" {
		o.RemoteID = t.Peer.Ident
	}
	if c := t.Peer.Capabilities; r.sending && c.Modulations != 0 {
		o.Capabilities = capabilities(c)
	}
	o.Rate = max(o.Rate, t.BitRate)
	o.ECMErrors += t.Frames
	if r.sending && r.asked && t.Code != t30.OK { // the terminal tells only of those that came to an end
		result := "lost"
		if r.rejects > 0 {
			result = "rejected"
		}
		r.add(Page{
			N: r.next(), Result: result, Rows: rowsOf(r.source), Rate: t.BitRate,
			Resolution: resolutionNames[r.format.Resolution], Repairs: r.repairs,
		})
	}
}

func (r *report) counters(c udptl.Counters) {
	r.out.PacketsLost += int(c.Lost + c.Recovered)
	r.out.PacketsHealed += int(c.Recovered)
}

var resolutionNames = map[t30.Resolution]string{
	t30.Standard: "standard", t30.Fine: "fine", t30.Superfine: "superfine", t30.R300: "300", t30.Ultrafine: "400",
}

// capabilities is what a machine says that it can take, as FB-Fax-Capabilities.
func capabilities(c t30.Capabilities) int {
	return mask([]bool{
		c.ECM, c.Codings.Has(t30.MR), c.Codings.Has(t30.MMR), c.JBIG, c.JPEG,
		c.Resolutions.Has(t30.Superfine), c.Resolutions.Has(t30.R300), c.Resolutions.Has(t30.Ultrafine),
	})
}

// capabilitiesOf is what a machine shows by what it commands: one that calls says no more.
func capabilitiesOf(c t30.Command) int {
	f := c.Form.Resolution
	return mask([]bool{c.ECM, c.Coding == t30.MR, c.Coding == t30.MMR, false, false, f == t30.Superfine, f == t30.R300, f == t30.Ultrafine})
}

// mask has the bits of FB-Fax-Capabilities: 1 ECM, 2 MR, 4 MMR, 8 JBIG, 16 JPEG, 32 200x400,
// 64 300x300, 128 400x400.
func mask(bits []bool) (m int) {
	for i, set := range bits {
		if set {
			m |= 1 << i
		}
	}
	return m
}
