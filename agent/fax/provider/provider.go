// Package provider asks a provider's RADIUS servers whether a fax may go, what it presents and
// whether its number is called ahead, and keeps the provider's account of it: Start, Alive and
// Stop. The device speaks in the role of FaxBack's port server ("Port Server RADIUS Support"
// 1.0, sections on sending, receiving and accounting).
//
// A provider that does not answer forbids nothing, and accounting never touches a call: the
// journal takes what is to be told without a wait, and gets it to a server some day. Each Start
// has its Stop, for the journal has one from the beginning that tells of a device that did not
// see the end of the fax.
package provider

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"tipring/agent/fax"
	"tipring/internal/aaa"
	"tipring/internal/faxback"
)

// A Journal gets accounting to the servers: *journal.Journal.
type Journal interface {
	// Begin keeps a Stop in case the device does not live to give end, once, a better one.
	Begin(unended aaa.Attributes) (end func(aaa.Attributes))
	Offer(aaa.Attributes) // sent once
}

// Config is what a Clerk works with. Each function is asked anew for every fax, so that a
// change of the configuration needs no other Clerk.
type Config struct {
	// Directory is what is asked; nil when there are no servers.
	Directory func() *faxback.Directory
	// Account is who is billed; empty: nobody is asked.
	Account func() string
	// Called is the number of a line, for faxes to a port that presents none of its own.
	Called func(line int) string
	// Profile is the account's queue profile; ok is false when the provider gave none.
	Profile func() (p faxback.QueueProfile, ok bool)
	// Journal is nil when there are no accounting servers.
	Journal func() (Journal, *faxback.Dictionary)

	// Ahead is the account's own FB-Call-Ahead-Mode where it decides for the port: 0 never, 2
	// always; nil: each number is asked for.
	Ahead func(port int) *uint32

	Budget func() time.Duration // of all lookups for one fax
	Device func() string        // the name that accounting gives this device
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
}

// A Clerk is a fax.Clerk.
type Clerk struct{ cfg Config }

// New makes a clerk.
func New(cfg Config) *Clerk {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Clerk{cfg}
}

// Begin implements fax.Clerk. It takes no longer than the budget.
func (c *Clerk) Begin(ctx context.Context, a fax.Attempt) fax.Permit {
	if !a.Send {
		a.Number = cmp.Or(a.Number, a.ANI, c.cfg.Called(a.Line))
	}
	s := &session{clerk: c, attempt: a, id: newSession(), started: c.cfg.Now(), save: true}
	p := fax.Permit{ANI: a.ANI, CSID: a.CSID, Session: s, TellFailure: true}
	account := c.cfg.Account()
	if account == "" {
		return p
	}
	s.account = account
	if profile, ok := c.cfg.Profile(); ok {
		p.TellFailure, p.TellDelivery = profile.Undelivered, profile.Delivered
	}
	if d := c.cfg.Directory(); d != nil {
		budget := c.cfg.Budget()
		ctx, cancel := context.WithTimeout(ctx, budget)
		defer cancel()
		asked := *d
		asked.Budget = budget
		q := inquiry{session: s, directory: &asked, permit: &p}
		if a.Send {
			q.send(ctx)
		} else {
			q.receive(ctx)
		}
	}
	if p.Refused == "" {
		s.start()
	}
	return p
}

// Account implements fax.Clerk. Where there is no account of the earlier way (Attempt.Related),
// since the provider wants none, there is none of this either.
func (c *Clerk) Account(a fax.Attempt) fax.Session {
	s := &session{clerk: c, attempt: a, id: newSession(), account: c.cfg.Account(), started: c.cfg.Now(), save: a.Related != ""}
	s.start()
	return s
}

// newSession is an Acct-Session-Id: 32 hex digits, as FaxBack's own.
func newSession() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// An inquiry is the lookups for one fax.
type inquiry struct {
	*session
	directory *faxback.Directory
	permit    *fax.Permit
}

// send asks what the manual's send decision asks, in its order: the account, the line by the
// number that it presents, and, for a stored fax, whether its number is called ahead.
func (q *inquiry) send(ctx context.Context) {
	a := q.attempt
	got, err := q.directory.Send(ctx, faxback.SendRequest{Account: q.account, SessionID: q.id, DialNumber: a.Number, Transfer: transfer(a)})
	if !q.answered("may it send?", err) {
		return
	}
	q.cdrInfo, q.customer, q.source, q.save = got.CDRInfo, got.Customer, got.Source, got.SaveCDR
	if q.refused("send", err, got.TimeExpired) {
		return
	}
	q.permit.ANI, q.permit.CSID = cmp.Or(got.ANI, a.ANI), cmp.Or(got.TSID, a.CSID)
	if q.line(ctx, got.ANI != ""); q.permit.Refused == "" && a.Queue {
		q.callAhead(ctx, got)
	}
}

// line asks by the number that the port presents. A Reject ends the fax; that nothing is known
// of the line does not.
func (q *inquiry) line(ctx context.Context, overridden bool) {
	if q.attempt.ANI == "" {
		return
	}
	did, err := q.directory.Line(ctx, q.attempt.ANI, q.id)
	if !q.answered("what does its line send with?", err) {
		return
	}
	if errors.Is(err, faxback.ErrRejected) {
		q.permit.Refused = "the provider does not let this line send"
		return
	}
	if did.ANI != "" && !overridden {
		q.permit.ANI = did.ANI
	}
	if did.Profile.Override {
		q.permit.TellFailure, q.permit.TellDelivery = did.Profile.Undelivered, did.Profile.Delivered
	}
}

// callAhead asks for the number, unless the first answer has said it already. Whoever answers
// without saying it, or with a Reject, has the number called.
func (q *inquiry) callAhead(ctx context.Context, got faxback.SendPermit) {
	if mode := q.clerk.cfg.Ahead(q.attempt.Port); mode != nil {
		ahead := *mode != 0
		q.permit.CallAhead = &ahead
		return
	}
	ahead := got.CallAhead
	if !said(got.Reply) {
		answer, err := q.directory.CallAhead(ctx, q.attempt.Number, q.id)
		ahead = answer.Wanted()
		if !q.answered("is its number called ahead?", err) {
			return
		}
	}
	q.permit.CallAhead = &ahead
}

// said tells whether an answer holds a call-ahead mode.
func said(r faxback.Reply) bool {
	for _, v := range r.Values {
		if v.Name == "FB-Call-Ahead-Mode" {
			return true
		}
	}
	return false
}

// receive asks whether the account takes the fax.
func (q *inquiry) receive(ctx context.Context) {
	a := q.attempt
	got, err := q.directory.Receive(ctx, faxback.ReceiveRequest{Account: q.account, SessionID: q.id, DID: a.Number, Transfer: transfer(a)})
	if !q.answered("may it receive?", err) {
		return
	}
	q.cdrInfo, q.customer, q.source, q.save = got.CDRInfo, got.Customer, got.Source, got.SaveCDR
	if !q.refused("receive", err, got.TimeExpired) {
		q.permit.CSID = cmp.Or(got.CSID, a.CSID)
	}
}

// refused reports that the answer about sending or receiving is no, and keeps why.
func (q *inquiry) refused(what string, err error, expired bool) bool {
	gerund := strings.TrimSuffix(what, "e") + "ing"
	switch {
	case errors.Is(err, faxback.ErrRejected):
		q.permit.Refused = "the provider does not let this account " + what
	case errors.Is(err, faxback.ErrDisabled):
		q.permit.Refused = "the provider has switched off " + gerund + " for this account"
	case expired:
		q.permit.Refused = "the account's " + gerund + " time has expired"
	}
	return q.permit.Refused != ""
}

// answered reports that a server has said something that counts; what else became of a
// question is logged.
func (q *inquiry) answered(question string, err error) bool {
	switch {
	case err == nil, errors.Is(err, faxback.ErrRejected), errors.Is(err, faxback.ErrDisabled):
		return true
	case errors.Is(err, faxback.ErrUnknownFlag):
		q.clerk.cfg.Log.Warn("the provider says something unknown of a fax", "asked", question, "number", q.attempt.Number, "err", err)
		return true
	}
	q.clerk.cfg.Log.Warn("the provider does not answer, the fax goes on", "asked", question, "number", q.attempt.Number, "err", err)
	return false
}

func transfer(a fax.Attempt) faxback.Transfer {
	if a.Queue {
		return faxback.Queue
	}
	return faxback.RealTime
}
