package call

import (
	"context"
	"errors"

	"tipring/agent/fax"
	"tipring/lines/fxs"
	"tipring/t38/t30"
)

// open finds a place for the pages, and a machine of our own to take them from the port's.
func (u *upload) open() {
	u.stage, u.until = opening, u.keyed+receiveBy
	u.m = newMachine()
	u.p.aside(u.work)
}

// work stores the fax, as far as the machine sends it. It runs aside.
func (u *upload) work() {
	p := u.p
	intake, err := p.dev.Desk.Receive(u.attempt, u.permit.Permit)
	if err != nil {
		u.permit.stop(u.of(fax.Outcome{Reason: err.Error()}))
		p.post(func() { u.refused(err) })
		return
	}
	var pages machinePages
	follower, follows := intake.(PageFollower)
	pages.then = func(page fax.Page) {
		u.passed.Store(int32(page.N))
		if follows {
			follower.Page(page)
		}
	}
	var onlooker t30.Onlooker
	if s, ok := intake.(Shown); ok {
		onlooker = s.Onlooker()
	}
	err = u.m.load(u.port.Settings.Terminal(t30.Config{
		Sink: intake.Sink(), Ident: u.attempt.CSID, OnPage: pages.add, OnFrame: pages.frame, Onlooker: onlooker,
	}, nil))
	if err != nil { // which the settings should not allow
		intake.Abandon(u.of(fax.Outcome{Reason: err.Error()}))
		u.permit.stop(u.of(fax.Outcome{Reason: err.Error()}))
		p.post(func() { u.refused(err) })
		return
	}
	p.post(u.opened)
	defer context.AfterFunc(intake.Until(), func() { p.post(u.abort) })()
	u.permit.alive()
	u.m.work()
	o := u.of(u.m.outcome(&pages))
	o.Judge(false)
	u.finish(intake, o)
}

// opened is the beginning of the facsimile with the machine.
func (u *upload) opened() {
	if u.stage == opening {
		u.stage = receiving
		u.p.fx.Talk()
	}
}

// abort ends the facsimile for who had it cancelled.
func (u *upload) abort() {
	if u.stage == receiving {
		u.aborted = true
	}
}

// refused sends the machine away before it has sent anything.
func (u *upload) refused(cause error) {
	if u.stage != opening {
		return
	}
	p := u.p
	p.log.Error("fax not taken", "to", u.attempt.Number, "cause", cause)
	u.stage, u.c.fax, p.now = uploaded, nil, nil
	p.hungUp(fxs.Busy)
}

// received is the end of the facsimile.
func (u *upload) received() {
	u.stage = uploaded
	u.m.leave()
	u.p.dismiss()
}

var errNotWhole = errors.New("the machine did not send all of the fax")

// finish hands the fax over, or tells that there is none.
func (u *upload) finish(intake Intake, o fax.Outcome) {
	switch {
	case !o.OK:
		u.p.log.Warn("fax not taken", "to", u.attempt.Number, "cause", errNotWhole, "reason", o.Reason, "pages", len(o.Pages))
		intake.Abandon(o)
	default:
		if err := intake.Commit(o); err != nil {
			u.p.log.Error("fax not stored", "to", u.attempt.Number, "cause", err)
			o.OK, o.Reason = false, err.Error()
			break
		}
		u.p.log.Info("fax taken", "to", u.attempt.Number, "pages", len(o.Pages), "rate", o.Rate, "ecm", o.ECM)
	}
	u.permit.stop(o)
}
