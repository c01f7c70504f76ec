package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"tipring/agent/call"
	"tipring/agent/fax"
	"tipring/internal/config"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/t38/pages"
	"tipring/t38/spool"
	"tipring/t38/t30"
)

// faxPort is what makes a port one for a fax machine, by the present configuration of a port
// that was made of made. Its mode stays.
func (a *Agent) faxPort(made config.Port) *call.FaxPort {
	c := a.config()
	p := c.Port(made.N)
	if p == nil || p.Kind != "fax" { // as soon as it is at rest, the port is another one
		p = &made
	}
	return &call.FaxPort{
		Mode: made.FaxMode, Settings: faxSettings(c.Fax), CSID: p.CSID,
		CallAhead: p.CallAhead, Bridge: p.CallAheadBridge, TimeoutS: p.CallAheadS, Delimiter: c.Fax.CDRDelimiter,
	}
}

// faxOffer is what the device does by T.38; nil without a port for it.
func (a *Agent) faxOffer() *offer.T38 {
	c := a.config()
	if !slices.ContainsFunc(c.Ports, func(p config.Port) bool { return p.Kind == "fax" }) {
		return nil
	}
	return faxSettings(c.Fax).Offer()
}

// stores reports a port whose faxes are stored: one without a machine, or one for a machine
// that sends and receives by way of the store.
func stores(p config.Port) bool {
	return p.Kind == "fax" && (p.Driver.Name == "none" || p.FaxMode == "spool")
}

// identity is what a port, or with 0 a line alone, presents: its number and its T.30 identification.
func (a *Agent) identity(port int) (ani, csid string) {
	if p := a.config().Port(port); p != nil {
		return p.ANI, p.CSID
	}
	return "", ""
}

// A desk is where ports have their faxes stored.
type desk struct{ a *Agent }

var errNoStore = errors.New("no faxes are stored: the state directory takes nothing")

// CallAhead implements call.Desk: of a number that the provider says nothing about.
func (d desk) CallAhead(_ context.Context, at fax.Attempt) (ahead bool, why string) {
	return spool.Decide(spool.Question{
		Mode: "dynamic", Number: at.Number, Memory: d.a.fax.numbers,
		Ask: func() spool.Answer {
			if d.a.account() == "" || len(d.a.config().Radius.Servers) == 0 {
				return spool.Answer{Kind: spool.NotAsked}
			}
			return spool.Answer{Kind: spool.NoAnswer}
		},
	})
}

// Called implements call.Desk.
func (d desk) Called(number string, r fax.CalledNumberResult) { d.a.called(number, r) }

// Receive implements call.Desk.
func (d desk) Receive(at fax.Attempt, p fax.Permit) (call.Intake, error) {
	in, err := d.a.intake(spool.Meta{
		Kind: spool.Machine, Port: at.Port, Line: at.Line, Peer: at.Number, CDRInfo: at.Info, ANI: at.ANI, CSID: at.CSID,
		NotifyDn: p.TellDelivery, NotifyNdn: p.TellFailure,
	}, p.Session, new(pages.Monitor))
	if err != nil {
		return nil, err
	}
	u := &uploading{intake: in}
	u.until, u.cancel = context.WithCancel(context.Background())
	d.a.fax.receptions.Store(in.ID(), u.cancel)
	return u, nil
}

// intake begins to store a fax, whose pages shown is to show.
func (a *Agent) intake(m spool.Meta, s fax.Session, shown *pages.Monitor) (*intake, error) {
	if a.fax.store == nil {
		return nil, errNoStore
	}
	if s != nil {
		m.Session = s.ID()
	}
	in, err := a.fax.store.Begin(m)
	if err != nil {
		return nil, err
	}
	return &intake{in, a, a.watch(in.ID(), shown)}, nil
}

// An intake is a fax that is being stored.
type intake struct {
	*spool.Intake
	a       *Agent
	monitor *pages.Monitor
}

// Sink implements call.Intake.
func (i *intake) Sink() t30.Sink { return i.Intake }

// Page implements call.PageFollower.
func (i *intake) Page(p fax.Page) { i.Intake.Page(pageOf(p, 0)) }

func (i *intake) commit(r spool.Result) error {
	defer i.a.unwatch(i.ID(), i.monitor)
	_, err := i.Intake.Commit(r)
	return err
}

func (i *intake) abandon(r spool.Result) {
	defer i.a.unwatch(i.ID(), i.monitor)
	_, _ = i.Intake.Abandon(r) // a fault is logged there
}

// An uploading is a fax that the machine of a port hands in.
type uploading struct {
	*intake
	until  context.Context
	cancel context.CancelFunc
}

// Until implements call.Intake.
func (u *uploading) Until() context.Context { return u.until }

// Commit implements call.Intake.
func (u *uploading) Commit(o fax.Outcome) error { return u.commit(u.ended(o)) }

// Abandon implements call.Intake.
func (u *uploading) Abandon(o fax.Outcome) { u.abandon(u.ended(o)) }

// ended is the end of what can be cancelled. What has been, is not sent, though the machine may
// have been told just before that all was well.
func (u *uploading) ended(o fax.Outcome) spool.Result {
	u.a.fax.receptions.Delete(u.ID())
	r := resultOf(o, 0)
	if r.Cancelled = u.until.Err() != nil; r.Cancelled {
		r.Error = "cancelled"
	}
	u.cancel()
	return r
}

// resultOf is a call's outcome as the store keeps it; skipped pages of the document were sent
// before.
func resultOf(o fax.Outcome, skipped int) spool.Result {
	r := spool.Result{
		OK: o.OK, Busy: o.Busy, Permanent: o.Permanent, Error: o.Reason,
		Rate: o.Rate, ECM: o.ECM, Transport: o.Transport, RemoteID: o.RemoteID, CalledNumberResult: o.CalledResult.String(),
		SIPCallID: o.SIPCallID,
	}
	for _, p := range o.Pages {
		r.Pages = append(r.Pages, pageOf(p, skipped))
	}
	return r
}

func pageOf(p fax.Page, skipped int) spool.Page {
	return spool.Page{
		N: p.N + skipped, Result: p.Result, Rows: p.Rows, BadRows: p.BadRows, Rate: p.Rate,
		Resolution: p.Resolution, Repairs: p.Repairs, What: p.What,
	}
}

// receiveFax answers a call for a port whose faxes are stored. It is called on the line's
// goroutine, and asks and stores on another.
func (a *Agent) receiveFax(c *lines.Call, port int) (lines.Handler, int) {
	p := a.config().Port(port)
	switch {
	case p == nil || a.draining.Load():
		return nil, 480
	case a.fax.store == nil:
		return nil, 503
	}
	r := &reception{a: a, port: *p, call: c}
	r.until, r.cancel = context.WithCancel(context.Background())
	return a.fax.engine.Receive(c, fax.Incoming{
		Port: p.N, Settings: faxSettings(a.config().Fax), Open: r.open, Page: r.page, Progress: r.progress, Ended: r.ended,
		STUN: a.stunOf(p.Line), Device: a.useVPN(p.Line), Until: r.until,
		AnyPaper: p.Driver.Name == "none", Monitor: &r.monitor,
	})
}

// A reception is a fax that comes in over a line and is stored.
type reception struct {
	a       *Agent
	port    config.Port
	call    *lines.Call
	in      *intake
	monitor pages.Monitor
	session fax.Session
	until   context.Context
	cancel  context.CancelFunc
}

// open asks the provider, and makes a place for the pages. Who is refused is refused before the
// call is answered.
func (r *reception) open(ctx context.Context) (csid string, sink t30.Sink, code int) {
	i := r.call.Info()
	at := fax.Attempt{
		Port: r.port.N, Line: r.port.Line, Queue: true, Number: r.port.ANI, CallerID: i.Peer, ANI: r.port.ANI, CSID: r.port.CSID,
	}
	if at.Number == "" {
		if l := r.a.config().Line(r.port.Line); l != nil {
			at.Number = l.Username
		}
	}
	permit := r.a.fax.clerk.Begin(ctx, at)
	if permit.Refused != "" {
		r.a.log.Warn("fax refused", "port", r.port.N, "from", i.Peer, "cause", permit.Refused)
		return "", nil, 480
	}
	kind := spool.Mailbox
	if r.port.Driver.Name != "none" {
		kind = spool.ToMachine
	}
	r.session = permit.Session
	in, err := r.a.intake(spool.Meta{
		Kind: kind, Port: r.port.N, Line: r.port.Line, Peer: at.Number, CallerID: i.Peer, ANI: at.ANI, CSID: permit.CSID,
	}, permit.Session, &r.monitor)
	if err != nil {
		r.a.log.Error("fax not taken", "port", r.port.N, "from", i.Peer, "cause", err)
		r.session.Stop(fax.Outcome{Reason: err.Error(), Ended: time.Now()})
		return "", nil, 486
	}
	r.in = in
	r.a.fax.receptions.Store(in.ID(), r.cancel)
	return permit.CSID, in.Intake, 0
}

func (r *reception) page(p fax.Page) { r.in.Page(p) }

func (r *reception) progress(p fax.Progress) {
	if r.in != nil {
		r.a.faxStands(r.in.ID(), p)
	}
	if p.State == "receiving" && r.session != nil {
		r.session.Alive()
	}
}

// ended hands the fax over, or keeps what came of it.
func (r *reception) ended(o fax.Outcome) {
	cancelled := r.until.Err() != nil
	r.cancel()
	if r.in == nil {
		return
	}
	r.a.fax.receptions.Delete(r.in.ID())
	if o.OK {
		if err := r.in.commit(resultOf(o, 0)); err != nil {
			r.a.log.Error("fax not stored", "port", r.port.N, "cause", err)
			o.OK, o.Reason = false, err.Error()
		}
	} else {
		result := resultOf(o, 0)
		result.Cancelled = cancelled
		r.in.abandon(result)
	}
	r.session.Stop(o)
}
