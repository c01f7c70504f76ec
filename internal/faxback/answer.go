package faxback

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An AccountType is FB-Account-Type.
type AccountType uint32

// The types. A private account has one client at a time; a shared one has many, and
// sends only. A group's faxes go to one of its members.
const (
	Private          AccountType = 0
	Shared           AccountType = 1
	QueuePrivate     AccountType = 4 // a fax ATA's
	QueueShared      AccountType = 5
	GroupAlternating AccountType = 8
	GroupMostFree    AccountType = 9
	GroupRandom      AccountType = 10
)

// Group reports whether the account stands for several others.
func (t AccountType) Group() bool { return t >= GroupAlternating && t <= GroupRandom }

// Login is the Accept of Account-Login.
type Login struct {
	Reply
	Type         AccountType // left out: Private
	Group        ServerGroup // of connection servers; left out: the default one
	CallAhead    uint32      // 0 never, 1 by number (when left out), 2 always
	UploadLogs   LogMode
	UUID         *UUID // nil when it is left out
	FailoverUUID *UUID
}

// A LogMode is FB-Upload-Logs.
type LogMode int

// The modes. What a server that leaves it out assumes is not known.
const (
	LogsUnsaid      LogMode = Unsaid
	LogsNever       LogMode = 0
	LogsAfterErrors LogMode = 1
	LogsAlways      LogMode = 2
)

// Validation is the Accept of Account-Validate.
type Validation struct {
	Reply
	Type       AccountType
	UploadLogs LogMode
}

// SendPermit is the Accept of Get-Account/Pre-Send-Session.
type SendPermit struct {
	Reply
	OnBehalfOf  bool   // may dial account;number, which bills the account
	CallAhead   bool   // left out: true; any value but 0 is a yes
	Enabled     bool   // left out: true
	TimeExpired bool   // out of sending time, which the sender is told
	CDRInfo     string // at most 64 characters, copied into accounting
	Customer    string // the same
	Source      string // the same
	SaveCDR     bool   // false: no accounting packets for this session
	ANI         string // at most 32 ASCII characters; empty: the client's
	TSID        string // at most 20 ASCII characters; empty: the client's
	RuleGroup   ServerGroup
	UploadLogs  LogMode
}

// ReceivePermit is the Accept of Get-Account/Pre-Receive-Session.
type ReceivePermit struct {
	Reply
	Enabled      bool   // left out: true
	TimeExpired  bool   // out of receiving time, which the receiver is not told
	CDRInfo      string // at most 64 characters, copied into accounting
	Customer     string // the same
	Source       string // the same
	SaveCDR      bool   // false: no accounting packets for this session
	CSID         string // for the T.30 session, at most 20 ASCII characters
	Failover     string // account that receives instead; empty: that of the DID *
	FailoverUUID *UUID
	FailoverMode uint32    // 0 as needed, 1 always, 2 probably a member of a group
	Modified     time.Time // of a group: when its members last changed
	UploadLogs   LogMode
}

// ExternalAccount is the Accept of Get-Account/For-External-Module.
type ExternalAccount struct {
	Reply
	Type       AccountType
	Modified   time.Time // of a group: when its members last changed
	Email      string    // where received faxes are sent
	Format     int       // of them: 0 TIFF (when left out), 1 PDF
	UploadLogs LogMode
}

// DIDAccount is the Accept of Get-Account-From-DID.
type DIDAccount struct {
	Reply
	Account string
	Email   string // where received faxes are sent; asked for by For-External-Module only
	Enabled bool   // left out: true
}

// Account is the Accept of the lookups by MAC address and serial number.
type Account struct {
	Reply
	Name     string
	Argument string // FB-Provisioning-Arg as it came, at most 300 octets: see ParseArgument
	Profile  QueueProfile
}

// Profiled reports whether the answer holds a queue profile at all.
func (r *Reply) Profiled() bool { return find(r.Values, "FB-Queue-Profile") != nil }

// CallAhead is the answer of Get-Call-Ahead-Mode. Without an answer, the zero value
// holds: the number is called.
type CallAhead struct {
	Reply
	Said bool   // the answer holds FB-Call-Ahead-Mode
	Mode uint32 // its value: 0 no, any other yes
}

// Wanted reports whether the number is to be called before the fax is taken. Only an
// explicit 0 says no.
func (c CallAhead) Wanted() bool { return !c.Said || c.Mode != 0 }

// Sender is the Accept of Get-Account-From-Sender-Email-Address.
type Sender struct {
	Reply
	Account string
	Enabled bool // left out: true
}

// DID is the Accept of Get-DID: what a number, or a line that presents it, is.
type DID struct {
	Reply
	Number  string // as it was asked for
	Account string // empty when it is left out
	Profile QueueProfile
	ANI     string // the number to present, at most 32 ASCII characters; empty: the client's
	Line    int    // physical line of the device, from 1; Unsaid when it is left out
	Label   string // of the number or the line, at most 64 ASCII octets
}

// Found reports whether the answer says anything at all: a number that is not known has
// an Accept without attributes.
func (d DID) Found() bool {
	return slices.ContainsFunc(d.Values, func(v Value) bool { return d.Account != "" || pairDID.has(v.Name) && len(v.Octets) > 0 })
}

// A ServerGroup is FB-Account-Login-Group or FB-Rule-Group: which servers, or which
// rules, are used. Empty and * are the default group, NAME is one group alone, *NAME
// both.
type ServerGroup struct {
	Name    string // upper case; empty: no group of its own
	Default bool   // the default group is used too
}

// ParseServerGroup reads a group; its name holds none of * : ; and comma.
func ParseServerGroup(s string) (ServerGroup, error) {
	name, star := strings.CutPrefix(s, "*")
	if strings.ContainsAny(name, "*:;,") {
		return ServerGroup{}, &BoundError{"group", "NAME, *NAME or *, without * : ; and comma in the name", fmt.Sprintf("%.70q", s)}
	}
	return ServerGroup{strings.ToUpper(name), star || s == ""}, nil
}

// A reading takes a Reply's values and keeps what is wrong with them.
type reading struct {
	reply *Reply
	errs  []error
}

// err is everything that is wrong, in one sentence.
func (r *reading) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	all := r.errs[0]
	for _, err := range r.errs[1:] {
		all = fmt.Errorf("%w; %w", all, err)
	}
	return fmt.Errorf("%v at %s: %w", r.reply.pair, r.reply.Server, all)
}

// flag is the value of a flag, or what stands for it when it is left out or not known.
func (r *reading) flag(name string) uint32 {
	a := attributeNamed(name)
	n, ok := r.reply.number(name)
	switch {
	case !ok:
		return a.preset
	case !slices.Contains(a.known, n):
		r.errs = append(r.errs, &FlagError{name, n, a.known})
		return a.preset
	}
	return n
}

// enabled is a flag whose explicit 0 means that what was asked for is switched off.
func (r *reading) enabled(name string) bool {
	on := r.flag(name) != 0
	if !on {
		r.errs = append(r.errs, fmt.Errorf("%w: %s is 0", ErrDisabled, name))
	}
	return on
}

func (r *reading) logs() LogMode {
	if _, ok := r.reply.number("FB-Upload-Logs"); !ok {
		return LogsUnsaid
	}
	earlier := len(r.errs)
	n := r.flag("FB-Upload-Logs")
	if len(r.errs) > earlier {
		return LogsUnsaid
	}
	return LogMode(n)
}

func (r *reading) time(name string) time.Time {
	n, ok := r.reply.number(name)
	if !ok {
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}

func (r *reading) uuid(name string) *UUID {
	v := find(r.reply.Values, name)
	if v == nil || len(v.Octets) == 0 {
		return nil
	}
	u, err := ParseUUID(v.Octets)
	if err != nil {
		return nil // told by decode
	}
	return &u
}

func (r *reading) group(name string) ServerGroup {
	g, err := ParseServerGroup(r.reply.text(name))
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%w: %s: %w", ErrMalformed, name, err))
	}
	return g
}

// account is the account that User-Name names, where the pair requires one.
func (r *reading) account() string {
	name := r.reply.text(userName.name)
	if name == "" {
		r.errs = append(r.errs, fmt.Errorf("%w: without User-Name", ErrEmpty))
	}
	return name
}
