package t30

import "io"

// maxResent is how often one page is sent again after RTN.
const maxResent = 2

// sender is what this end sends.
type sender struct {
	page   int // being sent, from 0
	form   Form
	resent int // times of this page
	again  int // frames of this page, ECM
	done   bool

	pages  pageReader
	block  txBlock
	next   FCF // the post-message command without PRI: NULL, MPS, EOM or EOP
	urgent bool
}

// pageReader reads one page of the Source.
type pageReader struct {
	r      io.Reader
	view   *view // without ECM
	octets int
	err    error // other than the end
	ended  bool
}

// readOctets fills p, but for the end of the page.
func (r *pageReader) readOctets(p []byte) (n int) {
	for idle := 0; n < len(p) && !r.ended; {
		k, err := r.r.Read(p[n:])
		if idle++; k > 0 {
			idle = 0
		}
		n += max(0, min(k, len(p)-n))
		switch {
		case err == io.EOF:
			r.ended = true
		case err == nil && idle > 100:
			r.ended, r.err = true, io.ErrNoProgress
		case err != nil:
			r.ended, r.err = true, err
		}
	}
	r.octets += n
	if r.view != nil {
		r.view.octets(p[:n])
	}
	return n
}

// sendPage begins phase C: the page is sent from its beginning.
func (t *Terminal) sendPage() {
	r, err := t.cfg.Source.Open(t.sender.page, t.cmd.Format())
	if err != nil || r == nil {
		t.disconnect(SourceError)
		return
	}
	t.result.Format = t.cmd.Format()
	t.sender.pages, t.sender.again = pageReader{r: r}, 0
	t.viewSent()
	if t.cmd.ECM {
		t.sender.block.begin(t.sender.page, t.cmd.FrameOctets(), &t.view)
		t.sendBlock()
		return
	}
	t.sender.pages.view = &t.view
	t.setState(SendPage)
	t.turn()
	m := t.cmd.Modulation
	t.out.addOctets(Image, m, m.IsV17() && !t.training.long, &t.sender.pages)
}

// signalSent follows a page or block with its post-message command.
func (t *Terminal) signalSent() {
	if t.sender.pages.err != nil {
		t.disconnect(SourceError)
		return
	}
	t.training.long = false
	if t.cmd.ECM {
		t.blockSent()
		return
	}
	t.sender.next = t.afterPage()
	t.postMessage()
}

// afterPage is what follows the page: another in the same mode, a return to phase B, or the
// end.
func (t *Terminal) afterPage() FCF {
	form, more := t.cfg.Source.Page(t.sender.page + 1)
	switch {
	case more && t.cfg.choose(form, t.peer.Capabilities, t.cmd.Modulation) == t.cmd:
		return MPS
	case more, t.wantsToPoll():
		return EOM
	default:
		return EOP
	}
}

func (t *Terminal) wantsToPoll() bool {
	return t.cfg.Calling && t.cfg.Sink != nil && t.peer.Capabilities.HasDocument
}

// interruptBit makes PRI-MPS of MPS, and so on.
const interruptBit = 0x10

// postMessage sends MPS, EOM or EOP, or the partial page signal with it, as PRI-Q when the
// operator wants the line.
func (t *Terminal) postMessage() {
	fcf := t.sender.next
	if t.sender.urgent = t.interrupt && fcf != NULL; t.sender.urgent {
		fcf |= interruptBit
	}
	f := Frame{FCF: fcf}
	if t.cmd.ECM {
		f = Frame{FCF: PPS, Info: t.sender.block.count(t.withX(fcf))}
	}
	t.say(AwaitReply, listenV21, timerT4, f)
}

// withX puts the X bit into a second FCF.
func (t *Terminal) withX(f FCF) FCF {
	if f != NULL && t.gotDIS {
		return f | 1
	}
	return f
}

// replied acts on the response to a post-message command.
func (t *Terminal) replied(f Frame) {
	asked := t.state
	if asked == AwaitReady {
		asked = t.sender.block.asked
	}
	switch {
	case f.FCF == RNR && t.cmd.ECM:
		t.notReady(asked)
	case asked == AwaitCTR && f.FCF == CTR:
		t.corrected()
	case asked == AwaitERR && f.FCF == ERR:
		t.disconnect(TooManyRepairs)
	case asked == AwaitReply:
		t.answered(f)
	default:
		t.said.wrong = true
	}
}

func (t *Terminal) answered(f Frame) {
	switch {
	case f.FCF == MCF:
		t.confirmed(false)
	case f.FCF == RTP:
		t.confirmed(true)
	case f.FCF == RTN:
		t.rejected()
	case f.FCF == PIP || f.FCF == PIN:
		t.operatorWanted(f.FCF)
	case f.FCF == PPR && t.cmd.ECM:
		t.repair(f.Info)
	case f.FCF == DIS && t.sender.next == EOM && t.cfg.Calling,
		f.FCF == DTC && t.sender.next == EOM && !t.cfg.Calling:
		t.rejected() // back in phase B already: whether it has the page was not said
	default:
		t.said.wrong = true
	}
}

// confirmed goes on to what follows a page that the other side has.
func (t *Terminal) confirmed(retrain bool) {
	t.timers.stop(timerT5)
	if t.sender.next == NULL {
		t.nextBlock()
		return
	}
	t.result.Sent++
	t.report(true)
	t.sender.page++
	t.sender.resent = 0
	switch form, more := t.cfg.Source.Page(t.sender.page); {
	case t.sender.next == EOP || !more && !t.wantsToPoll():
		t.sender.done = true
		t.disconnect(OK)
	case t.sender.next == EOM:
		t.sender.done = !more
		t.awaitDIS()
	case retrain:
		t.sender.form = form
		t.train()
	default:
		t.sender.form = form
		t.sendPage()
	}
}

// awaitDIS returns to phase B, as the side that sends. The other waits for T2 before it sends
// DIS or DTC; T1 counts from here.
func (t *Terminal) awaitDIS() {
	t.setState(AwaitDIS)
	t.admitted = false
	t.listenFor(listenV21, timerT1)
}

// rejected sends the page again, at a lower rate (clause 5.3.6.1.7, RTN).
func (t *Terminal) rejected() {
	t.timers.stop(timerT5)
	if t.sender.resent >= maxResent {
		t.report(false)
		t.disconnect(PageRejected)
		return
	}
	t.view.end()
	t.sender.resent++
	t.training.lower()
	t.train()
}

// operatorWanted acts on PIP and PIN. Without an operator here the fax goes on after a new
// training: with the next page, or with the same one.
func (t *Terminal) operatorWanted(f FCF) {
	switch {
	case t.sender.urgent:
		t.takeOver(f == PIP)
	case t.interrupt, t.cfg.Operator != nil && t.cfg.Operator():
		t.interrupt = true
		t.postMessage()
	case f == PIP:
		t.confirmed(true)
	default:
		t.rejected()
	}
}

func (t *Terminal) takeOver(confirmed bool) {
	if confirmed && t.sender.next != NULL {
		t.result.Sent++
		t.report(true)
	}
	t.end(TakenOver)
}

// report tells the application of a page that was sent.
func (t *Terminal) report(confirmed bool) {
	pages := &t.sender.pages
	t.view.end()
	if pages.r == nil {
		return
	}
	if t.cfg.OnPage != nil {
		t.cfg.OnPage(Page{
			Number: t.sender.page, Sent: true, Format: t.cmd.Format(), Modulation: t.cmd.Modulation,
			Octets: pages.octets, Frames: t.sender.again, Confirmed: confirmed, Damaged: !pages.ended,
		})
	}
	*pages = pageReader{}
}
