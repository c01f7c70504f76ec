// Package fax is what the fax calls of a device have in common, wherever the pages come
// from and go to: settings, what a provider says of a fax and is told about it, the memory
// of destinations; and the calls that this device makes and answers itself, for documents.
//
// A fax machine on a port is joined with its call by package call.
package fax

import (
	"context"
	"time"

	"tipring/t38/pages"
	"tipring/t38/t30"
)

// Settings are those of [fax], and what a port adds.
type Settings struct {
	T38         bool
	MaxRate     int // bit/s
	ECM         bool
	Control     int    // secondaries of control packets
	Image       int    // secondaries of image data; -1: adaptive
	EC          string // redundancy fec none
	MaxDatagram int    // octets that this side takes
	Reinvite    string // callee caller detector never
	First       bool   // T.38 beside sound in the first INVITE

	CNG, CED, Preamble bool // which signals tell that a call is a fax
}

// An Attempt is a fax that is about to be sent or received.
type Attempt struct {
	Port, Line int
	Send       bool
	Queue      bool   // store and forward (FB-Transfer-Type 2)
	Number     string // dialled, without what follows the CDR delimiter; of a received fax the number called here
	Info       string // what followed the delimiter (FB-Per-Fax-CDR-Info)
	CallerID   string // of a received fax
	ANI        string // that the port presents
	CSID       string // T.30 identification of the port
	Stage      Stage
	Notice     Notice
	Related    string // session of an earlier stage of the same fax (FB-Related-Id); empty: none
}

// A Stage is which part of a fax's way an Attempt is.
type Stage uint8

// Stages. A stored fax has two.
const (
	RealTime    Stage = iota // a machine's, or a mailbox's, in real time
	FromMachine              // from the machine on a port into the spool
	Delivery                 // from the spool over a line
	ToMachine                // from the spool to the machine on a port
)

// A Notice is whether a fax is a page that this device has made about another fax.
type Notice uint8

// Notices.
const (
	NoNotice Notice = iota
	DeliveryNotice
	FailureNotice
)

// A Permit is what a provider says of an Attempt.
type Permit struct {
	Refused   string // why not, for people; empty: it may go on
	ANI       string // to present
	CSID      string // T.30 identification to use
	CallAhead *bool  // nil: the provider does not say
	Session   Session

	TellFailure  bool // by a page to the machine, when the fax is given up
	TellDelivery bool // the same, when it is delivered
}

// A Session keeps a provider's account of a fax. Its methods never wait, and may be called
// from any goroutine.
type Session interface {
	ID() string   // empty: the provider wants no account
	Alive()       // the far end is there, T.30 is about to begin
	Stop(Outcome) // once
}

// A Clerk asks the provider. Begin takes no longer than the budget of a lookup inside a
// call; a provider that does not answer permits.
type Clerk interface {
	Begin(ctx context.Context, a Attempt) Permit
	// Account begins the account of a later way of a fax (Attempt.Related), which nobody has to
	// permit any more. It never waits.
	Account(a Attempt) Session
}

// A CalledNumberResult tells whether a fax machine is at a number (FB-Called-Number-Result).
type CalledNumberResult int8

// Results. Unknown is neither sent nor remembered.
const (
	Unknown CalledNumberResult = iota
	Success
	FaxError   // a failure after the fax procedure had begun
	VoiceError // something else answered
)

func (r CalledNumberResult) String() string {
	return [...]string{"", "success", "fax_error", "voice_error"}[r]
}

// An Outcome is how a fax call went.
type Outcome struct {
	SIPCallID string
	Peer      string
	Server    string // of the line, as /calls names it
	Code      int    // of the final SIP response that ended the call; 0: none
	Reason    string // for people; empty: it went well
	Cause     int    // of ITU-T Q.850, where the far end told one; 0: none
	Busy      bool   // the called number was busy
	NoAnswer  bool

	Answered  bool  // the call was up
	Begun     bool  // T.30 had begun: the far end sent or took a frame
	Voice     bool  // something answered that is no fax machine
	Heard     Sound // by ear, before T.30 began
	OK        bool  // all pages are confirmed
	Permanent bool  // trying again is of no use

	Transport string // t38 audio; empty: it never came so far
	RemoteID  string // CSID of the far end, as printable ASCII
	LocalID   string
	Rate      int // bit/s, the highest seen
	ECM       bool
	T30       t30.Code
	Pages     []Page

	Capabilities  int // of the remote, FB-Fax-Capabilities
	ECMErrors     int // frames that had to be sent again
	V21Errors     int // frames of V.21 that came damaged
	RTN, RTP      int
	ErrorCode     int // FB-Fax-Error-Code; 0: success
	CalledResult  CalledNumberResult
	Started       time.Time // of the call
	Ended         time.Time
	PacketsLost   int // of UDPTL, before recovery
	PacketsHealed int // of these, recovered

	Seen *pages.Monitor // the pages of a fax in real time, as far as they are kept; nil: none are
}

// Confirmed is how many pages, counted from the first one sent, the far end has confirmed.
func (o *Outcome) Confirmed() int {
	n := 0
	for _, p := range o.Pages {
		if p.Result != "confirmed" {
			break
		}
		n++
	}
	return n
}

// A Page is how one page went.
type Page struct {
	N          int    // of the document, from 1
	Result     string // confirmed rejected lost
	Rows       int    // 0: not known
	BadRows    int
	Rate       int    // bit/s
	Resolution string // standard fine superfine 300 400
	Repairs    int    // PPR of ECM
	What       string // what was done about this page and why, for people; empty: nothing
}
