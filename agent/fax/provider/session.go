package provider

import (
	"cmp"
	"fmt"
	"sync/atomic"
	"time"

	"tipring/agent/fax"
	"tipring/internal/aaa"
	"tipring/internal/faxback"
	"tipring/t38/t30"
)

// A session is the provider's account of one fax.
type session struct {
	clerk   *Clerk
	attempt fax.Attempt
	id      string
	account string // empty: there is no account to keep
	started time.Time
	save    bool // the provider wants accounting

	cdrInfo, customer, source string

	// Of the account that is kept; nil: none is.
	journal    Journal
	dictionary *faxback.Dictionary
	end        func(aaa.Attributes)

	alive, over atomic.Bool
}

// ID implements fax.Session.
func (s *session) ID() string {
	if s.end == nil {
		return ""
	}
	return s.id
}

// start tells that the fax is authorised, if an account is kept. Where it is kept is settled
// here: what has a Start has a Stop.
func (s *session) start() {
	if s.account == "" || !s.save {
		return
	}
	if s.journal, s.dictionary = s.clerk.cfg.Journal(); s.journal == nil {
		return
	}
	unended, ok := s.record(s.stop(fax.Outcome{Reason: "the device was restarted", Answered: true, T30: t30.LineLost}))
	if !ok {
		return
	}
	s.end = s.journal.Begin(unended)
	s.offer(faxback.AcctStart)
}

// Alive implements fax.Session. It is told once (manual: at most once).
func (s *session) Alive() {
	if s.end != nil && !s.over.Load() && !s.alive.Swap(true) {
		s.offer(faxback.AcctAlive)
	}
}

func (s *session) offer(status faxback.AcctStatus) {
	if record, ok := s.record(s.common(status)); ok {
		s.journal.Offer(record)
	}
}

// Stop implements fax.Session.
func (s *session) Stop(o fax.Outcome) {
	if s.end == nil || s.over.Swap(true) {
		return
	}
	if record, ok := s.record(s.stop(o)); ok {
		s.end(record)
	}
}

// record writes what is to be told.
func (s *session) record(a faxback.Accounting) (aaa.Attributes, bool) {
	record, missing, err := s.dictionary.Accounting(a)
	if err != nil {
		s.clerk.cfg.Log.Error("accounting record not made", "status", a.Status, "session", s.id, "err", err)
		return nil, false
	}
	s.clerk.cfg.Log.Debug("accounting", "status", a.Status, "session", s.id, "not_numbered", missing)
	return record, true
}

func (s *session) common(status faxback.AcctStatus) faxback.Accounting {
	return faxback.Accounting{
		Status: status, Account: s.account, SessionID: s.id, Send: s.attempt.Send, Number: s.attempt.Number, Start: s.started,
	}
}

// stop is the whole account.
func (s *session) stop(o fax.Outcome) faxback.Accounting {
	o = judged(o)
	a := s.common(faxback.AcctStop)
	a.ClientAccount, a.CDRInfo, a.PerFaxCDRInfo = s.account, s.cdrInfo, s.attempt.Info
	a.Customer, a.Source = s.customer, s.source
	a.CallerID = s.attempt.CallerID
	a.LocalCSID, a.RemoteCSID = cmp.Or(o.LocalID, s.attempt.CSID), o.RemoteID
	a.Total = max(0, s.clerk.cfg.Now().Sub(s.started))
	a.Pages = o.Confirmed()
	a.PortServer, a.ConnectionServer = s.clerk.cfg.Device(), o.Server
	a.PortUsed = s.port()
	a.SIPCallID = o.SIPCallID
	a.CalledResult = called(o.CalledResult)
	a.Capabilities = uint32(o.Capabilities)
	a.ConnectBPS, a.ECMErrors, a.V21Errors, a.RTN, a.RTP = o.Rate, o.ECMErrors, o.V21Errors, o.RTN, o.RTP
	a.ErrorCode, a.ExtendedError = uint32(o.ErrorCode), uint32(o.T30)
	a.MsgType = map[fax.Notice]uint32{fax.DeliveryNotice: faxback.MsgSuccessNotice, fax.FailureNotice: faxback.MsgFailureNotice}[s.attempt.Notice]
	a.CDRType = s.stage(&o)
	a.Description, a.RelatedID = o.Reason, s.attempt.Related
	return a
}

// judged is an outcome with an error code where something went wrong. Owners judge what their calls
// came to; what went wrong around a call has a reason alone.
func judged(o fax.Outcome) fax.Outcome {
	if o.OK || o.ErrorCode != 0 {
		return o
	}
	if o.T30 == t30.OK {
		if o.T30 = t30.Stopped; o.Answered { // and whole: it could not be kept
			o.T30 = t30.SinkError
		}
	}
	result := o.CalledResult
	o.Judge(false)
	o.CalledResult = result
	return o
}

// port names what handled the fax.
func (s *session) port() string {
	if s.attempt.Port == 0 {
		return fmt.Sprintf("line%d", s.attempt.Line)
	}
	return fmt.Sprintf("port%d", s.attempt.Port)
}

// stage is which record of a fax's life this is. A stored fax has two: its way from the machine,
// or to it, and the one over the line; the later one points to the earlier (FB-Related-Id). One
// that was to be stored, and tells of a fax machine at the number, went there in real time: the call
// ahead became the fax call.
func (s *session) stage(o *fax.Outcome) faxback.CDRType {
	switch bridged := o.CalledResult == fax.Success || o.CalledResult == fax.FaxError; {
	case s.attempt.Stage == fax.FromMachine && !bridged:
		return faxback.CDRSendFromClient
	case s.attempt.Stage == fax.ToMachine:
		return faxback.CDRReceiveToClient
	}
	return faxback.CDRRealTime
}

// called is FB-Called-Number-Result of what a call has learnt.
func called(r fax.CalledNumberResult) int {
	switch r {
	case fax.Success:
		return 0
	case fax.FaxError:
		return 1
	case fax.VoiceError:
		return 2
	}
	return faxback.CalledNumberUnknown
}
