package call

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"tipring/agent/fax"
	"tipring/internal/dsp"
	"tipring/lines/fxs"
	"tipring/t38/t30"
)

// A fax machine waits 35 s for an answer (T1, T.30 clause 5.4.3.1) and may begin to count
// with its last digit. These are the times of an upload, in samples from there: whatever
// happens, the machine hears CED by the last of them, or busy tone, or a person's call goes on.
const (
	cedBy     = 28 * dsp.SampleRate
	receiveBy = cedBy - machinePause - dsp.SampleRate/2 // of the machine's own procedure
	probeBy   = receiveBy - dsp.SampleRate              // so much to find a place for the pages

	machinePause = 2 * dsp.SampleRate // between a machine's start and its CED

	// decisionLimit is the time for permission and decision, all lookups together: 3 s, and
	// what their end takes to get here.
	decisionLimit = dsp.SampleRate * 35 / 10
	decisionTime  = 3 * time.Second
	probeTimeout  = 20 // s, where none is configured
)

// An uploadStage is how far an upload has come.
type uploadStage uint8

const (
	deciding  uploadStage = iota // permission and decision are asked for
	probing                      // the number is called ahead
	opening                      // a place for the pages is made
	receiving                    // from the machine
	uploaded                     // over for the port
)

// An upload is a fax that the machine of a port sends, and that is stored to be delivered:
// the decision whether the number is called ahead, that call, and the reception from the
// machine. It is the side of the port's conversation while it lasts.
type upload struct {
	loneSide
	p       *Port
	c       *conversation
	port    *FaxPort // as it was when the machine dialled
	attempt fax.Attempt
	permit  permit
	began   time.Time

	stage  uploadStage
	cancel context.CancelFunc // of the decision
	keyed  int64              // when the last digit was dialled; this and until by the port's clock
	until  int64              // end of the stage's time

	ear    answerEar
	isUp   bool // the probe is answered
	m      *machine
	passed atomic.Int32 // pages

	aborted bool // the machine is to be told that it is over
}

var (
	errLateDecision = errors.New("permission or decision did not come in time")
	errSlowDisk     = errors.New("no place for the pages was found in time")
)

// upload begins with a number that the machine has dialled.
func (p *Port) upload(e fxs.Event) {
	f := p.cfg.Fax()
	number, info := SplitNumber(e.Number, f.Delimiter)
	u := &upload{p: p, port: f, began: time.Now(), keyed: p.spool.keyed, until: p.fx.Now() + decisionLimit}
	if e.Keys == "" { // of the hotline
		u.keyed = p.fx.Now()
	}
	u.attempt = fax.Attempt{
		Port: p.cfg.Number, Line: p.cfg.Line, Send: true, Queue: true, Stage: fax.FromMachine,
		Number: number, Info: info, ANI: p.ani(), CSID: f.CSID,
	}
	u.occupy()
	var ctx context.Context
	ctx, u.cancel = context.WithTimeout(context.Background(), decisionTime)
	a := u.attempt
	p.aside(func() { u.decide(ctx, a) })
}

// occupy gives the port a conversation that has no call.
func (u *upload) occupy() {
	u.c = u.p.converse(up)
	u.c.fax = u
	u.p.now = u.c
}

// A permit is a fax.Permit, whose session may be nobody's.
type permit struct{ fax.Permit }

func (p permit) stop(o fax.Outcome) {
	if p.Session != nil {
		o.Ended = time.Now()
		p.Session.Stop(o)
	}
}

func (p permit) alive() {
	if p.Session != nil {
		p.Session.Alive()
	}
}

// decide asks for permission, and then whether the number is to be called ahead. It runs aside.
func (u *upload) decide(ctx context.Context, a fax.Attempt) {
	var p permit
	if clerk := u.p.dev.Clerk; clerk != nil {
		p.Permit = clerk.Begin(ctx, a)
	}
	if !u.p.post(func() { u.permitted(p) }) {
		p.stop(fax.Outcome{Reason: ErrClosed.Error()})
	}
	if p.Refused == "" {
		ahead, why := u.callAhead(ctx, a, p)
		u.p.post(func() { u.decided(ahead, why) })
	}
}

func (u *upload) callAhead(ctx context.Context, a fax.Attempt, said permit) (ahead bool, why string) {
	switch mode := u.port.CallAhead; {
	case mode == "never", mode == "always":
		return mode == "always", "the port's call_ahead is " + mode
	case said.CallAhead != nil:
		return *said.CallAhead, "the provider said so with its permission"
	}
	return u.p.dev.Desk.CallAhead(ctx, a)
}

// permitted takes what the provider says. It may come when the number is called already.
func (u *upload) permitted(p permit) {
	if u.stage > probing {
		p.stop(fax.Outcome{Reason: errLateDecision.Error()})
		return
	}
	u.permit = p
	if p.ANI != "" {
		u.attempt.ANI = p.ANI
	}
	if p.CSID != "" {
		u.attempt.CSID = p.CSID
	}
	if p.Refused != "" {
		u.fail(fxs.Reorder, fax.Outcome{Reason: p.Refused})
	}
}

// decided goes on as was decided.
func (u *upload) decided(ahead bool, why string) {
	u.cancel()
	if u.stage != deciding {
		return
	}
	u.p.log.Info("fax dialled", "to", u.attempt.Number, "call_ahead", ahead, "why", why)
	if ahead {
		u.probe()
		return
	}
	u.open()
}

// Exchange implements sound.
func (u *upload) Exchange(in, out []int16) {
	switch u.stage {
	case probing:
		u.listen(in, out)
	case receiving:
		if u.aborted {
			u.aborted = !u.m.stop()
		}
		u.m.Exchange(in, out)
		if u.m.over() {
			u.received()
		}
		return // the machines have their own times
	}
	if u.p.fx.Now() >= u.until {
		u.expire()
	}
}

// expire is the end of the time that a stage has.
func (u *upload) expire() {
	switch u.stage {
	case deciding:
		u.decided(u.port.CallAhead != "never", errLateDecision.Error())
	case probing:
		if u.isUp {
			u.connect(fax.Nothing)
			return
		}
		u.fail(fxs.Reorder, fax.Outcome{Reason: "nobody answered the call ahead", NoAnswer: true})
	case opening:
		u.m.leave()
		u.refused(errSlowDisk)
	}
}

// fail ends an upload before the machine could send, with a tone that says so.
func (u *upload) fail(tone fxs.Tone, o fax.Outcome) {
	u.p.log.Warn("fax not taken", "to", u.attempt.Number, "cause", o.Reason)
	u.settle(o)
	c := u.c
	u.p.now = nil
	c.leave()
	u.p.hungUp(tone)
}

// settle ends the provider's account of an upload that the machine has sent nothing in. What
// the conversation tells later is no longer heard.
func (u *upload) settle(o fax.Outcome) fax.Outcome {
	u.stage = uploaded
	u.c.fax = nil
	o = u.of(o)
	o.Judge(true)
	u.permit.stop(o)
	return o
}

// of adds to an outcome what the upload knows.
func (u *upload) of(o fax.Outcome) fax.Outcome {
	o.Peer, o.LocalID, o.Started = u.attempt.Number, u.attempt.CSID, u.began
	if u.c.call != nil {
		i := u.c.call.Info()
		o.SIPCallID, o.Server = i.SIPCallID, i.Server.String()
	}
	return o
}

// left implements faxSide: the machine has hung up.
func (u *upload) left() {
	u.cancel()
	switch u.stage {
	case deciding, probing:
		u.settle(fax.Outcome{Reason: errHungUp.Error(), Answered: u.isUp, T30: t30.Stopped})
	case opening, receiving:
		u.m.leave()
	}
	u.stage = uploaded
}

// activity is what the outside is shown of it.
func (u *upload) activity() FaxActivity {
	a := FaxActivity{Number: u.attempt.Number, Pages: int(u.passed.Load())}
	switch u.stage {
	case deciding, probing:
		a.State = "probing"
	case opening, receiving:
		a.State = "receiving"
	}
	return a
}
