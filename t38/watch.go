package t38

import (
	"math/bits"

	"tipring/t38/t30"
)

// A Watch reads along what two machines say to each other, and keeps a Record of it: who
// they are, what they can do, and what became of each page. It takes no part in the
// procedure. A Gateway feeds its own. That of a terminal is fed by t30.Config.OnFrame; of
// its pages the terminal itself tells more, by OnPage.
//
// The zero value is ready. Octets have the bit that is first on the line as their least
// significant, as everywhere outside the packets.
type Watch struct {
	// Onlooker sees the pages of a gateway pass, by the numbers of their record; nil: nobody does.
	// Pages whose coding is none of this stack's are not shown.
	Onlooker t30.Onlooker

	record Record

	open     bool // a page is under way, and not listed
	page     PassedPage
	asked    bool // its post-message command was said, and not answered
	partial  bool // the command was for a part of the page (PPS-NULL, EOR-NULL)
	last     bool // the command was for the last page (EOP)
	givenUp  bool // the command was EOR
	block    int  // frames of the part, by PPS
	counter  int  // of the page, by PPS; -1: none was said
	part     part // that the last PPS was about
	repaired bool // PPR was counted, and no signal of the page has come behind it

	shown  bool // the page is, to the Onlooker
	image  bool // a signal of the page came behind the last command
	images bool // Image is told: without one, a command is a repetition
	ready  bool // CFR was said behind the last DCS
}

// A part of a page is a block of ECM, by the numbers of its PPS.
type part struct {
	known       bool
	page, block byte
}

// pagesListed is how many pages a Record lists.
const pagesListed = 1000

// Record returns what is known by now. It is a copy.
func (w *Watch) Record() Record {
	r := w.record
	r.Pages = append(make([]PassedPage, 0, len(r.Pages)+1), r.Pages...)
	if w.open && len(r.Pages) < pagesListed {
		r.Pages = append(r.Pages, w.page)
	}
	return r
}

// Image tells that a signal of a page begins, or has begun: no training check. Where it is never
// told, a post-message command without ECM that is repeated counts as another page.
func (w *Watch) Image(fromLocal bool) {
	w.images = true
	if w.record.FromLocal != fromLocal && w.record.Agreed {
		return
	}
	if w.asked && !w.page.ECM { // the answer was not heard
		w.breakOff()
	}
	w.begin()
	w.image, w.repaired = true, false
}

// ImageOctets shows octets of a page without ECM, behind Image.
func (w *Watch) ImageOctets(fromLocal bool, octets []byte) {
	if w.shown && w.page.FromLocal == fromLocal && !w.page.ECM && len(octets) > 0 {
		w.Onlooker.Octets(octets)
	}
}

// ImageData shows a frame of ECM whose FCS was right, behind ImageFrame.
func (w *Watch) ImageData(fromLocal bool, frame []byte) {
	if !w.shown || w.page.FromLocal != fromLocal || !w.page.ECM {
		return
	}
	if n, data, ok := t30.FrameData(frame); ok {
		w.Onlooker.Frame(n, data)
	}
}

// ImageFrame tells of a frame of ECM, and whether its FCS was right.
func (w *Watch) ImageFrame(fromLocal, good bool) {
	w.Image(fromLocal)
	if s := w.side(fromLocal); good {
		s.ImageFrames++
	} else {
		s.BadImageFrames++
	}
}

// Frame takes a frame of V.21 without its FCS, and whether that was right.
func (w *Watch) Frame(fromLocal bool, octets []byte, good bool) {
	side := w.side(fromLocal)
	if !good {
		side.BadFrames++
		return
	}
	f, ok := t30.ParseFrame(octets)
	if !ok {
		return
	}
	side.Frames++
	if !side.identity(f) {
		w.procedure(f, fromLocal)
	}
}

func (w *Watch) side(local bool) *Side {
	if local {
		return &w.record.Local
	}
	return &w.record.Remote
}

func (w *Watch) procedure(f t30.Frame, fromLocal bool) {
	sends := w.record.FromLocal == fromLocal || !w.record.Agreed
	switch f.FCF {
	case t30.DCS:
		w.command(f.Info, fromLocal)
	case t30.CTC:
		w.slower(f.Info)
	case t30.MPS, t30.EOM, t30.EOP, t30.PRIMPS, t30.PRIEOM, t30.PRIEOP, t30.PPS, t30.EOR:
		if sends {
			w.postMessage(f)
		}
	case t30.DCN:
		w.side(fromLocal).Left = true
		w.breakOff()
	default:
		if !sends || !w.record.Agreed {
			w.response(f)
		}
	}
}

// command takes a DCS: a training follows, and then a page.
func (w *Watch) command(info []byte, fromLocal bool) {
	c, err := t30.ParseCommand(info)
	if c.Modulation == 0 {
		return
	}
	w.breakOff()
	r := &w.record
	r.Agreed, r.Command, r.FromLocal, w.part, w.ready = true, c, fromLocal, part{}, false
	r.Form = formOf(t30.Bits(info), c, err)
	r.Trainings++
}

// formOf is the coding as a word; that of a command with an error is none of this stack's.
func formOf(b t30.Bits, c t30.Command, err error) string {
	switch {
	case b.Has(t30.BitJPEG):
		return "JPEG"
	case b.Has(t30.BitJBIG) || b.Has(t30.BitJBIGL0):
		return "JBIG"
	case err != nil:
		return "other"
	}
	return c.Coding.String()
}

// slower takes a CTC: the page goes on at another rate.
func (w *Watch) slower(info []byte) {
	if m, err := t30.ParseRate(info); err == nil {
		w.record.Command.Modulation = m
		w.page.BitRate = m.BitRate()
	}
}

func (w *Watch) begin() {
	if w.open {
		return
	}
	c := &w.record.Command
	w.open, w.counter = true, -1
	w.page = PassedPage{Number: w.record.Passed + 1, FromLocal: w.record.FromLocal, ECM: c.ECM,
		BitRate: c.Modulation.BitRate(), Coding: w.record.Form, Resolution: c.Form.Resolution, Width: c.Form.Width}
	if w.shown = w.Onlooker != nil && w.record.Agreed && w.record.Form == c.Coding.String(); w.shown {
		w.Onlooker.Begin(t30.Passing{Number: w.record.Passed, Format: c.Format(), FrameOctets: c.FrameOctets()})
	}
}

// postMessage takes what a sender says behind a page or a part of it.
func (w *Watch) postMessage(f t30.Frame) {
	again := w.images && !w.image // the answer was lost, if a page was open at all
	counted := f.FCF == t30.PPS && len(f.Info) > 3
	if counted && w.open && w.counter >= 0 && w.counter != int(f.Info[1]) {
		w.breakOff() // another page: the answer to the last was not heard
	}
	about := part{}
	if counted {
		about = part{true, f.Info[1], f.Info[2]}
	}
	if !w.open && (again || counted && about == w.part) {
		return
	}
	w.begin()
	second := f.FCF
	if f.FCF == t30.PPS || f.FCF == t30.EOR {
		second = t30.NULL
		if len(f.Info) > 0 {
			second = t30.FCF(f.Info[0]) &^ 1
		}
	}
	if counted {
		w.counter, w.block, w.part = int(f.Info[1]), int(f.Info[3])+1, about
	}
	w.asked, w.image, w.givenUp = true, false, f.FCF == t30.EOR
	w.partial, w.last = second == t30.NULL, second == t30.EOP || second == t30.PRIEOP
}

// response takes what a receiver answers.
func (w *Watch) response(f t30.Frame) {
	r := &w.record
	switch f.FCF {
	case t30.CFR:
		r.Confirmed, w.ready = true, true
	case t30.FTT:
		r.Failures++
	case t30.PPR:
		w.repair(f.Info)
	case t30.RNR:
		w.page.Held = true
	case t30.MCF:
		w.answered(PageConfirmed)
	case t30.RTP:
		w.answered(PageRetrain)
	case t30.PIP:
		r.Operator = true
		w.answered(PageConfirmed)
	case t30.PIN:
		r.Operator = true
		w.answered(PageRejected)
	case t30.RTN:
		w.answered(PageRejected)
	case t30.ERR:
		w.answered(PageGivenUp)
	}
}

// repair takes a PPR: a bit for each frame of the part, 1 for those that are wanted again.
func (w *Watch) repair(info []byte) {
	if !w.open || !w.asked || w.images && w.repaired {
		return
	}
	w.repaired, w.asked = true, false
	w.page.Repairs++
	for i, octet := range info {
		if left := w.block - 8*i; left <= 0 {
			break
		} else if left < 8 {
			octet &= 1<<left - 1
		}
		w.page.FramesAgain += bits.OnesCount8(octet)
	}
}

// answered ends a page, unless it was a part of one that was asked about.
func (w *Watch) answered(result PageResult) {
	if !w.open || !w.asked {
		return
	}
	w.asked = false
	if result == PageGivenUp || w.givenUp {
		w.page.GivenUp = true
		result = PageGivenUp
	}
	if w.partial {
		if w.shown {
			w.Onlooker.Block(w.block)
		}
		return
	}
	if w.page.GivenUp {
		result = PageGivenUp
	}
	w.record.Finished = w.last
	w.end(result)
}

// breakOff ends a page to which nothing more belongs.
func (w *Watch) breakOff() {
	switch {
	case !w.open:
	case w.asked:
		w.end(PageUnanswered)
	default:
		w.end(PageBrokenOff)
	}
}

func (w *Watch) end(result PageResult) {
	if w.shown {
		w.Onlooker.End()
		w.shown = false
	}
	w.page.Result = result
	w.record.count(w.page)
	w.open, w.asked, w.repaired, w.image = false, false, false, false
}
