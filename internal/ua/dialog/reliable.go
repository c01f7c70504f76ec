package dialog

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
)

// rseq is the RSeq of a provisional response to an INVITE that wants a PRACK (RFC 3262
// section 4); false for every other response.
func rseq(res *sipmsg.Message) (uint32, bool) {
	if res.StatusCode <= 100 || res.StatusCode >= 200 || res.CSeq.Method != sipmsg.INVITE || !res.OptionTag("Require", "100rel") {
		return 0, false
	}
	n, err := strconv.ParseUint(res.Header.Get("RSeq"), 10, 32)
	return uint32(n), err == nil && n > 0
}

// Provisionals keeps the order of the reliable provisional responses that one INVITE of
// ours gets in one dialog (RFC 3262 section 4).
type Provisionals struct {
	last uint32 // RSeq of the latest in order; 0: none yet
}

// A Provisional is what to do with a provisional response.
type Provisional uint8

// What a provisional response is.
const (
	Unreliable Provisional = iota // an ordinary 1xx
	Next                          // to be acted upon, and acknowledged with PRACK
	Repeated                      // acknowledged before; drop it
	Gap                           // one before it is missing: drop it, it will come again
)

func (p Provisional) String() string {
	return [...]string{"unreliable", "next", "repeated", "gap"}[p]
}

// Receive judges a 1xx. For Next, rack is the RAck of the PRACK to send in its dialog.
func (p *Provisionals) Receive(res *sipmsg.Message) (what Provisional, rack string) {
	n, ok := rseq(res)
	switch {
	case !ok:
		return Unreliable, ""
	case p.last != 0 && n <= p.last:
		return Repeated, ""
	case p.last != 0 && n != p.last+1:
		return Gap, ""
	}
	p.last = n
	return Next, strconv.FormatUint(uint64(n), 10) + " " + res.CSeq.String()
}

// Prack builds the PRACK of a response that was Next in this dialog.
func (d *Dialog) Prack(rack string) *sipmsg.Message {
	m := d.Request(sipmsg.PRACK)
	m.Header.Add("RAck", rack)
	return m
}

// maxQueued bounds the provisional responses that wait for a PRACK of the one before.
const maxQueued = 4

// ErrQueueFull reports a fifth provisional response before the PRACK of the first.
var ErrQueueFull = errors.New("provisional responses wait for a PRACK")

// A Progress sends the reliable provisional responses to one INVITE received, one at a
// time, each until its PRACK comes (RFC 3262 section 3).
type Progress struct {
	timers transaction.Timers
	cseq   sipmsg.CSeq // of the INVITE
	rseq   uint32      // of the latest
	resend *transaction.Resend
	sdp    bool // the unacknowledged one carries a session description
	queue  []*sipmsg.Message
}

// NewProgress begins with an INVITE whose sender supports 100rel. RSeq starts at random.
func NewProgress(invite *sipmsg.Message, t transaction.Timers) *Progress {
	return &Progress{timers: t, cseq: invite.CSeq, rseq: rand.Uint32N(1<<31 - 1<<16)}
}

// Prepare makes a provisional response, 101 to 199, reliable and returns it, to be passed
// to the server transaction and to Sent. nil means that it waits its turn: RFC 3262
// section 3: a second one is not sent before the first is acknowledged.
func (p *Progress) Prepare(res *sipmsg.Message) (*sipmsg.Message, error) {
	if p.waiting() {
		if len(p.queue) == maxQueued {
			return nil, ErrQueueFull
		}
		p.queue = append(p.queue, res)
		return nil, nil
	}
	p.rseq++
	requires(res, "100rel")
	res.Header.Set("RSeq", strconv.FormatUint(uint64(p.rseq), 10))
	return res, nil
}

// Sent begins the repetition of a response that Prepare or Acknowledge returned, in the
// form in which the server transaction sent it.
func (p *Progress) Sent(now time.Time, res *sipmsg.Message, wire []byte) {
	p.resend = transaction.NewResend(now, res, wire, p.timers)
	p.sdp = len(res.Body) > 0
}

func (p *Progress) waiting() bool { return p.resend != nil && !p.resend.Done() }

// MayAccept reports whether a 2xx may be sent now: RFC 3262 section 3: not while a
// response with a session description is unacknowledged.
func (p *Progress) MayAccept() bool { return !p.waiting() || !p.sdp }

// Acknowledge takes a PRACK. code answers it: 200; 481 if it is for no response that
// waits; 400 if its RAck cannot be read. next, if any, is the response whose turn it is.
func (p *Progress) Acknowledge(prack *sipmsg.Message) (code int, next *sipmsg.Message) {
	fields := strings.Fields(prack.Header.Get("RAck"))
	if len(fields) != 3 {
		return 400, nil
	}
	n, err := strconv.ParseUint(fields[0], 10, 32)
	seq, err2 := strconv.ParseUint(fields[1], 10, 32)
	switch {
	case err != nil || err2 != nil:
		return 400, nil
	case !p.waiting() || uint32(n) != p.rseq || uint32(seq) != p.cseq.Seq || fields[2] != p.cseq.Method:
		return 481, nil
	}
	p.resend.Stop()
	if len(p.queue) > 0 {
		next, p.queue = p.queue[0], p.queue[1:]
		next, _ = p.Prepare(next) // nothing waits now
	}
	return 200, next
}

// Stop ends it all: a final response was sent.
func (p *Progress) Stop() {
	if p.resend != nil {
		p.resend.Stop()
	}
	p.queue = nil
}

// Deadline is when Expire is to be called next; zero for not at all.
func (p *Progress) Deadline() time.Time {
	if p.resend == nil {
		return time.Time{}
	}
	return p.resend.Deadline()
}

// Expire repeats the response that waits. Err, a *transaction.TimeoutError, wants the
// INVITE refused with a 5xx.
func (p *Progress) Expire(now time.Time) transaction.Step {
	if p.resend == nil {
		return transaction.Step{}
	}
	return p.resend.Expire(now)
}
