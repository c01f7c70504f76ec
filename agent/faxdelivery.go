package agent

import (
	"cmp"
	"context"
	"net/netip"
	"strings"

	"tipring/agent/fax"
	"tipring/registrar"
	"tipring/t38/pages"
	"tipring/t38/spool"
	"tipring/t38/t30"
	"tipring/t38/t4/header"
)

// deliver makes one try to get a stored fax to where it is to go.
func (a *Agent) deliver(ctx context.Context, j *spool.Job) spool.Result {
	if j.Record.Kind.ToPort() {
		return a.deliverToMachine(ctx, j)
	}
	return a.deliverOverLine(ctx, j)
}

// hindered tells why no try can be begun now.
func (a *Agent) hindered(r spool.Record) (why string) {
	if !r.Kind.ToPort() {
		if a.faxLine(r.Line) == nil {
			return "no line is registered"
		}
		return ""
	}
	switch u := a.port(r.Port); {
	case u == nil || u.port == nil || !u.port.Snapshot().Card:
		return "no machine is connected to the port"
	case u.cfg.Kind != "fax":
		return "the port has a telephone, and no fax machine"
	}
	return ""
}

// deliverOverLine calls the number and sends what is left of the fax.
func (a *Agent) deliverOverLine(ctx context.Context, j *spool.Job) spool.Result {
	r := j.Record
	line := a.faxLine(r.Line)
	if line == nil {
		return spool.Result{NotTried: true, Error: "no line is registered"}
	}
	at := fax.Attempt{
		Port: r.Port, Line: line.cfg.N, Send: true, Number: r.Peer, Info: r.CDRInfo, ANI: r.ANI, CSID: cmp.Or(r.CSID, sayable(r.Sender)),
		Stage: fax.Delivery, Related: r.Session,
	}
	a.setFaxes()
	permit := a.permitDelivery(ctx, at)
	if permit.Refused != "" {
		return spool.Result{Permanent: true, Error: permit.Refused}
	}
	first := r.Session // the fax's first account, to which those of its later ways point
	if first == "" {
		first = permit.Session.ID()
	}
	var above *header.Fields // a machine's pages have its own
	if r.Kind != spool.Machine {
		above = fax.Header(a.clock.Now().In(a.zone()), cmp.Or(permit.CSID, line.cfg.DisplayName), cmp.Or(permit.ANI, line.cfg.Username))
	}
	source, err := j.Source(ctx, above)
	if err != nil {
		permit.Session.Stop(fax.Outcome{Peer: r.Peer, Reason: err.Error()})
		return spool.Result{Permanent: true, Error: err.Error(), Session: first}
	}
	j.State(spool.Dialling)
	m := a.watch(r.ID, &pages.Monitor{First: r.FirstPage})
	defer a.unwatch(r.ID, m)
	o := a.fax.engine.Send(ctx, fax.Outgoing{
		Line: line.line, Port: r.Port, Monitor: m, To: r.Peer, ANI: permit.ANI, CSID: permit.CSID,
		Settings: faxSettings(a.config().Fax), Source: source, Pages: j.Pages(),
		STUN: a.stunOf(line.cfg.N), Device: line.cfg.UseVPN,
		Progress: func(p fax.Progress) {
			a.faxStands(r.ID, p)
			if p.State == "sending" {
				j.State(spool.Sending)
				permit.Session.Alive()
			}
		},
		Page: func(p fax.Page) { j.Page(pageOf(p, r.FirstPage)) },
	})
	if err := source.Close(); err != nil {
		a.log.Warn("fax not closed in good order", "fax", r.ID, "err", err)
	}
	permit.Session.Stop(o)
	a.called(r.Peer, o.CalledResult)
	result := resultOf(o, r.FirstPage)
	result.Session = first
	return result
}

// permitDelivery asks the provider about a delivery. The port is asked about by its own number; what
// the provider had it present when the fax was taken holds until it says something else.
func (a *Agent) permitDelivery(ctx context.Context, at fax.Attempt) fax.Permit {
	before := at.ANI
	if at.Port > 0 {
		at.ANI, _ = a.identity(at.Port)
	}
	permit := a.fax.clerk.Begin(ctx, at)
	if permit.ANI == at.ANI {
		permit.ANI = before
	}
	return permit
}

// faxLine is the line for a fax: its own, or while that has no server, another that has.
func (a *Agent) faxLine(own int) *lineUnit {
	var other *lineUnit
	for _, u := range *a.lineList.Load() {
		switch {
		case !u.running() || !u.cfg.Enabled || !takesCalls(u):
		case u.cfg.N == own:
			return u
		case other == nil:
			other = u
		}
	}
	return other
}

// sendWaiting tries the faxes at once that wait for a line, when one has a server again.
func (a *Agent) sendWaiting(line int) {
	q := a.fax.queue
	if q == nil || a.fax.store.Usage().Faxes == 0 {
		return
	}
	if u := a.unit(line); u != nil && u.running() && takesCalls(u) {
		q.LineReady()
	}
}

// deliverWaiting tries the faxes at once that wait for the machine of a port, when it is
// connected again. It is called on the port's goroutine.
func (a *Agent) deliverWaiting(port int) {
	if q := a.fax.queue; q != nil && a.fax.store.Usage().Faxes > 0 {
		a.goWork(func() { q.PortReady(port) })
	}
}

// takesCalls reports a line that can be called over now.
func takesCalls(u *lineUnit) bool {
	return u.line.Snapshot().State == registrar.Registered || u.cfg.RegisterAddr == "" || u.cfg.DialWithoutRegistered
}

// deliverToMachine rings the machine of a port and sends the fax to it.
func (a *Agent) deliverToMachine(ctx context.Context, j *spool.Job) spool.Result {
	r := j.Record
	u := a.port(r.Port)
	if why := a.hindered(r); why != "" || u == nil || u.port == nil { // it has gone since the queue asked
		return spool.Result{NotTried: true, Error: cmp.Or(why, "the port is gone")}
	}
	source, err := j.Source(ctx, nil)
	if err != nil {
		return spool.Result{Permanent: true, Error: err.Error()}
	}
	j.State(spool.Delivering)
	m := a.watch(r.ID, &pages.Monitor{First: r.FirstPage})
	defer a.unwatch(r.ID, m)
	session := a.fax.clerk.Account(fax.Attempt{
		Port: r.Port, Line: r.Line, Queue: true, Number: r.Peer, CallerID: r.CallerID, CSID: r.CSID,
		Stage: fax.ToMachine, Related: cmp.Or(r.Session, r.Related), Notice: a.noticeOf(r),
	})
	o := u.port.DeliverFax(ctx, source, cmp.Or(sayable(r.Sender), spool.Normalise(r.CallerID), r.CSID), func(p fax.Page) {
		session.Alive()
		j.Page(pageOf(p, r.FirstPage))
	}, m)
	if err := source.Close(); err != nil {
		a.log.Warn("fax not closed in good order", "fax", r.ID, "err", err)
	}
	o.LocalID = r.CSID
	session.Stop(o)
	return resultOf(o, r.FirstPage)
}

// sayable is an identification as T.30 can say it, if that leaves a digit.
func sayable(ident string) string {
	if ident = t30.ParseIdent(t30.IdentField(ident)); !strings.ContainsAny(ident, "0123456789") {
		return ""
	}
	return ident
}

// noticeOf is what a page that this device has made tells the machine.
func (a *Agent) noticeOf(r spool.Record) fax.Notice {
	if r.Kind != spool.Notice {
		return fax.NoNotice
	}
	if about, err := a.fax.store.Get(r.About); err == nil && about.State == spool.Sent {
		return fax.DeliveryNotice
	}
	return fax.FailureNotice
}

// stunOf asks for the outside addresses of a line's calls.
func (a *Agent) stunOf(line int) func() netip.AddrPort {
	return func() netip.AddrPort { return a.stunAddress(line) }
}

// useVPN is the interface that a line is bound to.
func (a *Agent) useVPN(line int) string {
	if l := a.config().Line(line); l != nil {
		return l.UseVPN
	}
	return ""
}
