package faxback

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"tipring/internal/aaa"
)

// An AcctStatus is Acct-Status-Type (RFC 2866 section 5.1).
type AcctStatus uint32

// The packets of a fax's life: Start when it is authorised, Alive once when the far end is
// there, Stop when it is over.
const (
	AcctStart AcctStatus = 1
	AcctStop  AcctStatus = 2
	AcctAlive AcctStatus = 3
)

// A CDRType is FB-CDR-Type: which stage of a fax a Stop is about.
type CDRType uint32

// The types.
const (
	CDRRealTime         CDRType = 0
	CDRStatus           CDRType = 1
	CDRSendFromClient   CDRType = 2 // a machine's fax was taken
	CDRReceiveToClient  CDRType = 3 // a fax was given to a machine
	CDRDeleted          CDRType = 4
	CDRCopied           CDRType = 5
	CDRStageCompleted   CDRType = 6
	MsgFax                      = 0 // FB-Msg-Type: a fax
	MsgSuccessNotice            = 1 // a notice of a delivery
	MsgFailureNotice            = 2 // a notice of a failure
	CalledNumberUnknown         = Unsaid
)

// Accounting is one Accounting-Request of a fax. Start and Alive carry the first six fields
// alone, which the manual's example shows.
type Accounting struct {
	Status    AcctStatus
	Account   string // that is billed
	SessionID string // at most 48 ASCII characters
	Number    string // dialled, or called here
	Send      bool
	Start     time.Time

	ClientAccount    string // that handled the fax
	CDRInfo          string // from the account
	PerFaxCDRInfo    string // from the dialled number
	Customer, Source string // from the account
	CallerID         string // of a received fax
	LocalCSID        string
	RemoteCSID       string
	Total            time.Duration // dialling and fax
	Pages            int
	PortServer       string // this device
	ConnectionServer string // the SIP server that carried the call
	PortUsed         string
	DialPrefix       string
	SIPCallID        string
	CalledResult     int // FB-Called-Number-Result; CalledNumberUnknown: it is not sent
	Capabilities     uint32
	ErrorCode        uint32
	ExtendedError    uint32
	ConnectBPS       int
	ECMErrors        int
	V21Errors        int
	RTN, RTP         int
	MsgType          uint32
	CDRType          CDRType
	Description      string
	RelatedID        string // of the stage before
	ReceiveAccount   string // set when another account took the fax
}

// Accounting writes a packet's attributes. A text that does not fit its attribute is cut, and
// what may not stand in it becomes a question mark: a record that is a little wrong is worth more
// than none. Attributes without a number are left out, and named.
func (d *Dictionary) Accounting(a Accounting) (all aaa.Attributes, notNumbered []string, err error) {
	account := aaa.Attribute{Type: aaa.UserName, Value: []byte(cut(&userName, a.Account))}
	if len(account.Value) > aaa.MaxValue {
		return nil, nil, fmt.Errorf("User-Name of %d octets: wanted at most %d", len(account.Value), aaa.MaxValue)
	}
	session := sessionID
	session.max = 48
	all = aaa.Attributes{{Type: aaa.AcctStatusType, Value: fourOctets(uint32(a.Status))}, account}
	for _, f := range a.fields() {
		if _, ok := d.Number(f.name); !ok {
			notNumbered = append(notNumbered, f.name)
			continue
		}
		if f.number == nil {
			f.text = cut(attributeNamed(f.name), f.text)
		}
		if all, err = f.encode(d, all); err != nil {
			return nil, nil, err
		}
	}
	return append(all, aaa.Attribute{Type: aaa.AcctSessionID, Value: []byte(cut(&session, a.SessionID))}), notNumbered, nil
}

// fields are FaxBack's attributes in the order of the manual's fragments.
func (a *Accounting) fields() []field {
	var q question
	start := uint32(max(0, min(a.Start.Unix(), math.MaxUint32)))
	if a.Status != AcctStop {
		q.text("FB-Dial-Number", a.Number)
		q.number("FB-Is-Send", bit(a.Send))
		q.number("FB-Start-Time", start)
		return q.fields
	}
	a.customerFields(&q)
	q.number("FB-Is-Send", bit(a.Send))
	q.text("FB-Dial-Number", a.Number)
	a.endFields(&q)
	q.number("FB-Start-Time", start)
	a.resultFields(&q)
	return q.fields
}

func (a *Accounting) customerFields(q *question) {
	q.text("FB-CDR-Info", a.CDRInfo)
	q.text("FB-Per-Fax-CDR-Info", a.PerFaxCDRInfo)
	q.text("FB-Customer", a.Customer)
	q.text("FB-Source", a.Source)
	q.text("FB-Connection-Server", a.ConnectionServer)
	q.text("FB-Client-Account-Id", a.ClientAccount)
}

func (a *Accounting) endFields(q *question) {
	q.text("FB-Local-CSID", a.LocalCSID)
	q.text("FB-Remote-CSID", a.RemoteCSID)
	if !a.Send {
		q.text("FB-Caller-Id", a.CallerID)
	}
}

func (a *Accounting) resultFields(q *question) {
	q.number("FB-Total-Seconds", count(int(a.Total/time.Second)))
	q.number("FB-Page-Count", count(a.Pages))
	q.text("FB-Port-Server", a.PortServer)
	q.text("FB-Port-Used", a.PortUsed)
	q.text("FB-Dial-Prefix-Used", a.DialPrefix)
	q.text("FB-SIP-Call-Id", a.SIPCallID)
	if a.Send && a.CalledResult != CalledNumberUnknown {
		q.number("FB-Called-Number-Result", uint32(a.CalledResult))
	}
	q.number("FB-Fax-Capabilities", a.Capabilities)
	q.number("FB-Connect-BPS", count(a.ConnectBPS))
	q.number("FB-ECM-Frame-Error-Count", count(a.ECMErrors))
	q.number("FB-V21-Frame-Error-Count", count(a.V21Errors))
	q.number("FB-RTN-Count", count(a.RTN))
	q.number("FB-RTP-Count", count(a.RTP))
	q.number("FB-Msg-Type", a.MsgType)
	q.number("FB-CDR-Type", uint32(a.CDRType))
	q.text("FB-Description", a.Description)
	if a.RelatedID != "" {
		q.text("FB-Related-Id", a.RelatedID)
	}
	if a.ReceiveAccount != "" {
		q.text("FB-Rcv-Account-Id", a.ReceiveAccount)
	}
	q.number("FB-Extended-Error-Code", a.ExtendedError)
	q.number("FB-Fax-Error-Code", a.ErrorCode)
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func count(n int) uint32 { return uint32(max(0, n)) }

// cut makes a text fit its attribute.
func cut(a *attribute, s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7F && r <= 0x9F, r == utf8.RuneError, a.kind == ascii && r > '~':
			return '?'
		}
		return r
	}, s)
	if a.max == 0 {
		return s
	}
	if a.chars {
		n := 0
		for i := range s {
			if n++; n > a.max {
				return s[:i]
			}
		}
		return s
	}
	if len(s) <= a.max {
		return s
	}
	end := a.max
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
