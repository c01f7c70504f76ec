package t38

import (
	"encoding/hex"
	"fmt"

	"tipring/t38/t30"
)

// A Record is what a Watch has seen of a call between two machines.
type Record struct {
	Local, Remote Side

	Agreed    bool        // a DCS was said; the three below are of the last one
	FromLocal bool        // the local machine sends pages
	Command   t30.Command // with the rate of a CTC behind it
	Form      string      // coding: MH, MR, MMR, JBIG, JPEG or other

	Trainings int  // DCS
	Failures  int  // FTT
	Confirmed bool // CFR: a training was good
	Operator  bool // PIP or PIN: somebody wants to speak
	Finished  bool // the page that was announced as the last one was answered

	// Pages are the first thousand in their order, the one under way last. A page that is sent once
	// more, since it was rejected, is another one here.
	Pages []PassedPage

	Passed      int // pages that are over, whatever became of them
	Good        int // of these: confirmed
	Rejected    int // of these: answered with RTN or PIN
	Repairs     int // PPR in all pages that are over
	FramesAgain int // frames asked for again in them
}

// A Side is what one machine has said of itself, as far as that passed. Texts are
// safe to show, log and store. Passwords are not kept.
type Side struct {
	Ident      string // CSI, TSI or CIG
	Subaddress string // SUB
	Selective  string // SEP
	NSF        string // NSF, NSC or NSS in hexadecimal; a Gateway masks them

	Offered bool // it said DIS or DTC
	Offer   t30.Capabilities
	Left    bool // it said DCN

	Frames, BadFrames           int // of V.21, with a right and a wrong FCS, or with parts lost
	ImageFrames, BadImageFrames int // the same of ECM
}

// identity keeps what a frame says of the machine. It is false for frames of the procedure.
func (s *Side) identity(f t30.Frame) bool {
	switch f.FCF {
	case t30.CSI, t30.TSI, t30.CIG:
		s.Ident = t30.ParseIdent(f.Info)
	case t30.SUB:
		s.Subaddress = t30.ParseIdent(f.Info)
	case t30.SEP:
		s.Selective = t30.ParseIdent(f.Info)
	case t30.NSF, t30.NSC, t30.NSS:
		s.NSF = hex.EncodeToString(f.Info[:min(len(f.Info), nsfOctets)])
	case t30.DIS, t30.DTC:
		if c, ok := t30.ParseCapabilities(f.Info); ok {
			s.Offered, s.Offer = true, c
		}
	default:
		return false
	}
	return true
}

// nsfOctets is how much of a non-standard field is kept.
const nsfOctets = 100

// A PassedPage is what became of a page.
type PassedPage struct {
	Number      int // from 1, in the order of passing
	FromLocal   bool
	Result      PageResult
	BitRate     int // bit/s, at its end
	ECM         bool
	Coding      string // MH, MR, MMR, JBIG, JPEG or other; empty where no DCS was heard
	Resolution  t30.Resolution
	Width       t30.Width
	Repairs     int  // PPR
	FramesAgain int  // asked for by them
	GivenUp     bool // EOR: the sender left frames unrepaired
	Held        bool // RNR: the receiver was not ready for a while
}

// PageResult is how a page ended.
type PageResult uint8

// The ends of a page.
const (
	PageUnderWay   PageResult = iota
	PageConfirmed             // MCF, or PIP
	PageRetrain               // RTP: taken, but the line needs a new training
	PageRejected              // RTN, or PIN
	PageGivenUp               // EOR: frames of it are missing
	PageUnanswered            // its end was told, and no answer heard
	PageBrokenOff             // its end was never told
)

var pageResults = [...]string{
	PageUnderWay: "under way", PageConfirmed: "confirmed", PageRetrain: "confirmed, with a new training",
	PageRejected: "rejected", PageGivenUp: "sent with frames missing", PageUnanswered: "not answered",
	PageBrokenOff: "broken off",
}

func (r PageResult) String() string {
	if int(r) < len(pageResults) {
		return pageResults[r]
	}
	return fmt.Sprintf("result %d", uint8(r))
}

// Good tells whether the receiver took the page.
func (r PageResult) Good() bool { return r == PageConfirmed || r == PageRetrain }

// String is the page in a line, for the record of a call.
func (p PassedPage) String() string {
	s := fmt.Sprintf("page %d: %v", p.Number, p.Result)
	if p.BitRate == 0 {
		return s
	}
	s += fmt.Sprintf(", %d bit/s, %s %v", p.BitRate, p.Coding, p.Resolution)
	if !p.ECM {
		return s
	}
	if p.Repairs == 0 {
		return s + ", ECM"
	}
	return s + fmt.Sprintf(", ECM with %d repairs of %d frames", p.Repairs, p.FramesAgain)
}

// count adds a page that is over.
func (r *Record) count(p PassedPage) {
	r.Passed++
	r.Repairs += p.Repairs
	r.FramesAgain += p.FramesAgain
	switch {
	case p.Result.Good():
		r.Good++
	case p.Result == PageRejected:
		r.Rejected++
	}
	if len(r.Pages) < pagesListed {
		r.Pages = append(r.Pages, p)
	}
}

// Over tells whether a machine has said DCN: the facsimile is at its end.
func (r *Record) Over() bool { return r.Local.Left || r.Remote.Left }

// OK tells whether all pages passed, the last one included. One that was rejected and not
// sent again is not told from one that was.
func (r *Record) OK() bool {
	return r.Finished && r.Good > 0 && len(r.Pages) > 0 && r.Pages[len(r.Pages)-1].Result.Good()
}

// String says in a sentence how far the call came.
func (r *Record) String() string {
	switch {
	case r.OK() && r.Good == r.Passed:
		return "all pages confirmed"
	case r.Passed > 0:
		return fmt.Sprintf("%d of %d pages confirmed", r.Good, r.Passed)
	case len(r.Pages) > 0:
		return "the first page is under way"
	case r.Confirmed:
		return "training was confirmed, but no page followed"
	case r.Failures > 0:
		return fmt.Sprintf("training failed %d times", r.Failures)
	case r.Agreed:
		return "no answer to the training"
	case r.Local.Offered && r.Remote.Offered:
		return "no command followed the identifications"
	case r.Local.Offered || r.Remote.Offered:
		return "no command followed the identification"
	case r.Local.Frames+r.Remote.Frames > 0:
		return "no identification was heard"
	case r.Local.BadFrames+r.Remote.BadFrames > 0:
		return "nothing was heard without error"
	}
	return "nothing of a fax was heard"
}
