package faxback

import (
	"fmt"
	"unicode/utf8"
)

// A kind is how an attribute's value is to be read.
type kind uint8

const (
	text    kind = iota // UTF-8
	ascii               // text of ASCII characters
	number              // four octets, unsigned
	date                // four octets, seconds since 1970 UTC
	uuid                // an account's id: see UUIDForm
	unnamed             // not in the dictionary: shown in hex
)

// isNumber holds for what is four octets on the wire.
func (k kind) isNumber() bool { return k == number || k == date }

// An attribute is what is known of one name besides its number. max counts octets, or
// characters where chars is set; 0: the manual names no bound.
type attribute struct {
	name   string
	kind   kind
	max    int
	chars  bool
	min    int
	known  []uint32 // the values of a flag; nil: any
	preset uint32   // what the server assumes of a flag that is left out
}

// Standard attributes that are asked for by name, and their bounds in this use.
var (
	userName     = attribute{name: "User-Name", kind: text, min: 1, max: 64, chars: true}
	userPassword = attribute{name: "User-Password", kind: text, max: 64, chars: true}
	sessionID    = attribute{name: "Acct-Session-Id", kind: ascii, max: 32, chars: true}
	replyMessage = attribute{name: "Reply-Message", kind: text, max: 253}
)

var yesNo = []uint32{0, 1}

// attributes are FaxBack's, by the manual's pages 37 to 54. Those that only accounting
// carries stand behind.
var attributes = []attribute{
	{name: "FB-Command", kind: number},
	{name: "FB-Context", kind: number},
	{name: "FB-Account-Type", kind: number, known: []uint32{0, 1, 4, 5, 8, 9, 10}},
	{name: "FB-CDR-Info", kind: text, max: 64, chars: true},
	{name: "FB-Rcv-Email", kind: text},
	{name: "FB-Snd-ANI", kind: ascii, max: 32, chars: true},
	{name: "FB-Dial-Number", kind: text, max: 64, chars: true},
	{name: "FB-Client-Info", kind: text, max: 128, chars: true},
	{name: "FB-Snd-On-Behalf-Of", kind: number, known: yesNo},
	{name: "FB-Queue-Profile", kind: text},
	{name: "FB-Transfer-Type", kind: number, known: []uint32{1, 2}},
	{name: "FB-Account-UUID", kind: uuid},
	{name: "FB-Rcv-Failover-Account-UUID", kind: uuid},
	{name: "FB-Call-Ahead-Mode", kind: number, known: []uint32{0, 1, 2}, preset: 1},
	{name: "FB-Serial-Number", kind: text},
	{name: "FB-MAC-Address", kind: text},
	{name: "FB-Fax-ATA-Type", kind: number},
	{name: "FB-Provisioning-Arg", kind: text, max: 300},
	{name: "FB-Upload-Logs", kind: number, known: []uint32{0, 1, 2}},
	{name: "FB-Line-Num", kind: number},
	{name: "FB-Line-Id", kind: ascii, max: 64},
	{name: "FB-DID", kind: text, max: 64},
	{name: "FB-Account-Login-Group", kind: ascii, max: 64, chars: true},
	{name: "FB-Rule-Group", kind: ascii, max: 64, chars: true},
	{name: "FB-Customer", kind: text, max: 64, chars: true},
	{name: "FB-Source", kind: text, max: 64, chars: true},
	{name: "FB-Save-CDR", kind: number, known: yesNo, preset: 1},
	{name: "FB-Snd-From-Account", kind: number, known: yesNo, preset: 1},
	{name: "FB-Snd-Time-Expired", kind: number, known: yesNo},
	{name: "FB-Snd-TSID", kind: ascii, max: 20, chars: true},
	{name: "FB-Snd-Email", kind: text, max: 128, chars: true},
	{name: "FB-Rcv-To-Account", kind: number, known: yesNo, preset: 1},
	{name: "FB-Rcv-Time-Expired", kind: number, known: yesNo},
	{name: "FB-Rcv-CSID", kind: ascii, max: 20, chars: true},
	{name: "FB-Rcv-Format", kind: number, known: yesNo},
	{name: "FB-Rcv-Failover-Account-Id", kind: text, max: 64, chars: true},
	{name: "FB-Rcv-Failover-Mode", kind: number, known: []uint32{0, 1, 2}},
	{name: "FB-DID-Enabled", kind: number, known: yesNo, preset: 1},
	{name: "FB-Last-Modified-Time", kind: date},

	{name: "FB-Client-Account-Id", kind: text, max: 16, chars: true},
	{name: "FB-Per-Fax-CDR-Info", kind: text, max: 64, chars: true},
	{name: "FB-Is-Send", kind: number, known: yesNo},
	{name: "FB-Start-Time", kind: date},
	{name: "FB-Caller-Id", kind: text, max: 32, chars: true},
	{name: "FB-Local-CSID", kind: text, max: 32, chars: true},
	{name: "FB-Remote-CSID", kind: ascii, max: 32, chars: true},
	{name: "FB-Total-Seconds", kind: number},
	{name: "FB-Page-Count", kind: number},
	{name: "FB-Port-Server", kind: text, max: 64, chars: true},
	{name: "FB-Connection-Server", kind: text, max: 64, chars: true},
	{name: "FB-Dial-Prefix-Used", kind: text, max: 60, chars: true},
	{name: "FB-SIP-Call-Id", kind: ascii, max: 96, chars: true},
	{name: "FB-RTP-Count", kind: number},
	{name: "FB-Called-Number-Result", kind: number, known: []uint32{0, 1, 2}},
	{name: "FB-Fax-Capabilities", kind: number},
	{name: "FB-Msg-Type", kind: number, known: []uint32{0, 1, 2}},
	{name: "FB-CDR-Type", kind: number, known: []uint32{0, 1, 2, 3, 4, 5, 6}},
	{name: "FB-Description", kind: text, max: 64, chars: true},
	{name: "FB-Related-Id", kind: ascii, max: 32, chars: true},
	{name: "FB-Connect-BPS", kind: number},
	{name: "FB-Fax-Error-Code", kind: number},
	{name: "FB-Extended-Error-Code", kind: number},
	{name: "FB-ECM-Frame-Error-Count", kind: number},
	{name: "FB-V21-Frame-Error-Count", kind: number},
	{name: "FB-RTN-Count", kind: number},
	{name: "FB-Port-Used", kind: text, max: 64, chars: true},
	{name: "FB-Rcv-Account-Id", kind: text, max: 64, chars: true},
}

// attributeNamed finds what is known of a name of FaxBack's, or nil.
func attributeNamed(name string) *attribute {
	for i := range attributes {
		if attributes[i].name == name {
			return &attributes[i]
		}
	}
	return nil
}

// A BoundError says that a value does not fit its attribute.
type BoundError struct {
	Attribute string
	Bound     string // what was wanted: "at most 64 characters"
	Got       string // what was given instead: "70"
}

// Error names the attribute and its bound.
func (e *BoundError) Error() string {
	return fmt.Sprintf("%s: %s; wanted %s", e.Attribute, e.Got, e.Bound)
}

// A FlagError says that a flag has a value outside its known set. It is an
// ErrUnknownFlag.
type FlagError struct {
	Attribute string
	Value     uint32
	Known     []uint32
}

// Error names the flag and its value.
func (e *FlagError) Error() string {
	return fmt.Sprintf("%s is %d: %v; known are %v", e.Attribute, e.Value, ErrUnknownFlag, e.Known)
}

// Unwrap is ErrUnknownFlag.
func (e *FlagError) Unwrap() error { return ErrUnknownFlag }

// check holds a text to its attribute's bound.
func (a *attribute) check(s string) error {
	length, unit := len(s), "octets"
	if a.chars {
		length, unit = utf8.RuneCountInString(s), "characters"
	}
	if a.kind == ascii {
		unit = "ASCII " + unit
	}
	bound := "at most " + fmt.Sprint(a.max) + " " + unit
	if a.min > 0 {
		bound = fmt.Sprintf("%d to %d %s", a.min, a.max, unit)
	}
	if a.max == 0 {
		bound = "text"
	}
	switch {
	case length < a.min || a.max > 0 && length > a.max:
		return &BoundError{a.name, bound, fmt.Sprintf("%d %s", length, plainUnit(a.chars))}
	case !utf8.ValidString(s):
		return &BoundError{a.name, bound, "text that is not UTF-8"}
	}
	for _, r := range s {
		if r < ' ' || r >= 0x7F && r <= 0x9F {
			return &BoundError{a.name, bound, "a control character"}
		}
		if a.kind == ascii && r > '~' {
			return &BoundError{a.name, bound, "a character outside ASCII"}
		}
	}
	return nil
}

func plainUnit(chars bool) string {
	if chars {
		return "characters"
	}
	return "octets"
}
