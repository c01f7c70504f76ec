package provider

import (
	"cmp"
	"fmt"
	"sync/atomic"
	"time"

	"tipring/agent/fax"
	"tipring/internal/faxback"
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

	alive, over atomic.Bool
}

// ID implements fax.Session.
func (s *session) ID() string { return s.id }

// start tells that the fax is authorised.
func (s *session) start() { s.offer(faxback.AcctStart) }

// Alive implements fax.Session. It is told once (manual: at most once).
func (s *session) Alive() {
	if !s.over.Load() && !s.alive.Swap(true) {
		s.offer(faxback.AcctAlive)
	}
}

// kept is where the account is kept; ok is false when none is.
func (s *session) kept() (j Journal, d *faxback.Dictionary, ok bool) {
	if s.account == "" || !s.save {
		return nil, nil, false
	}
	j, d = s.clerk.cfg.Journal()
	return j, d, j != nil
}

func (s *session) offer(status faxback.AcctStatus) {
	j, d, ok := s.kept()
	if !ok {
		return
	}
	record, _, err := d.Accounting(s.common(status))
	if err != nil {
		s.clerk.cfg.Log.Error("accounting record not made", "status", status, "session", s.id, "err", err)
		return
	}
	j.Offer(record)
}

// Stop implements fax.Session.
func (s *session) Stop(o fax.Outcome) {
	if s.over.Swap(true) {
		return
	}
	j, d, ok := s.kept()
	if !ok {
		return
	}
	record, missing, err := d.Accounting(s.stop(o))
	if err == nil {
		err = j.Append(record)
	}
	if err != nil {
		s.clerk.cfg.Log.Error("accounting Stop lost", "session", s.id, "number", s.attempt.Number, "pages", len(o.Pages), "err", err)
		return
	}
	s.clerk.cfg.Log.Debug("accounting Stop kept", "session", s.id, "not_numbered", missing)
}

func (s *session) common(status faxback.AcctStatus) faxback.Accounting {
	return faxback.Accounting{
		Status: status, Account: s.account, SessionID: s.id, Send: s.attempt.Send, Number: s.attempt.Number, Start: s.started,
	}
}

// stop is the whole account.
func (s *session) stop(o fax.Outcome) faxback.Accounting {
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
	a.CDRType = s.stage()
	a.Description, a.RelatedID = o.Reason, s.attempt.Related
	return a
}

// port names what handled the fax.
func (s *session) port() string {
	if s.attempt.Port == 0 {
		return fmt.Sprintf("line%d", s.attempt.Line)
	}
	return fmt.Sprintf("port%d", s.attempt.Port)
}

// stage is which record of a fax's life this is. A stored fax has two: its way from the machine,
// or to it, and the one over the line; the later one points to the earlier (FB-Related-Id).
func (s *session) stage() faxback.CDRType {
	switch s.attempt.Stage {
	case fax.FromMachine:
		return faxback.CDRSendFromClient
	case fax.ToMachine:
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
