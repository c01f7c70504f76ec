package aaa

import (
	"crypto/hmac"
	"crypto/md5" // RFC 2865 and RFC 3579 know no other
	"crypto/subtle"
	"encoding/binary"
	"slices"
	"time"

	"layeh.com/radius"
)

// A Refusal is why an answer was not believed.
type Refusal byte

// The refusals, in the order in which an answer is looked at.
const (
	BadLength        Refusal = iota + 1 // shorter than a header, or than its Length says
	BadIdentifier                       // not of the question
	BadCode                             // no answer to this kind of question
	BadAuthenticator                    // the Response Authenticator is wrong: another secret, forged, or of another question
	BadAttribute                        // an attribute's length that lies
	Unsigned                            // no Message-Authenticator
	BadSignature                        // a wrong Message-Authenticator, or several
	HasProxyState                       // none was sent (the shape of CVE-2024-3596)
	Duplicate                           // a single-valued standard attribute twice
	BadVendor                           // a Vendor-Specific attribute whose inner lengths lie
	Flood                               // not looked at: too many wrong ones in this second
	refusals         = iota + 1
)

var refusalNames = [refusals]string{
	BadLength: "length", BadIdentifier: "identifier", BadCode: "code", BadAuthenticator: "response_authenticator",
	BadAttribute: "attribute", Unsigned: "no_message_authenticator", BadSignature: "message_authenticator",
	HasProxyState: "proxy_state", Duplicate: "duplicate_attribute", BadVendor: "vendor_specific", Flood: "flood",
}

// String is the refusal's name in metrics and logs.
func (r Refusal) String() string { return refusalNames[r] }

// Refusals are all of them, for whoever lists counters.
func Refusals() []Refusal {
	var all []Refusal
	for r := BadLength; r < refusals; r++ {
		all = append(all, r)
	}
	return all
}

// answer judges a packet that came for a query: a Response, or why it is refused.
// What follows the packet's Length is padding (RFC 2865 section 3). Of the Response,
// Code, Attributes, Signed and At are set.
func (q *query) answer(b []byte, now time.Time) (Response, Refusal) {
	if len(b) < header {
		return Response{}, BadLength
	}
	length := int(binary.BigEndian.Uint16(b[2:]))
	if length < header || length > MaxPacket || length > len(b) {
		return Response{}, BadLength
	}
	b = b[:length:length]
	code := Code(b[0])
	switch {
	case b[1] != q.id:
		return Response{}, BadIdentifier
	case !q.answeredBy(code):
		return Response{}, BadCode
	case q.flooded(now):
		return Response{}, Flood
	case !q.authentic(b):
		q.forgeries++
		return Response{}, BadAuthenticator
	}
	p, err := radius.Parse(b, q.secret)
	if err != nil {
		return Response{}, BadAttribute
	}
	r := Response{Code: code, At: now}
	for _, a := range p.Attributes {
		r.Attributes = append(r.Attributes, Attribute{byte(a.Type), a.Attribute})
	}
	if why := q.signature(b, r.Attributes); why == 0 {
		r.Signed = true
	} else if why != Unsigned {
		return Response{}, why
	}
	if why := q.judge(r.Attributes); why != 0 {
		return Response{}, why
	}
	// Last, so that Unsigned means: right in all else, and there is a cure to tell.
	if !r.Signed && signed(q.code) && !q.legacy && !q.probe {
		return Response{}, Unsigned
	}
	r.Attributes = slices.DeleteFunc(r.Attributes, func(a Attribute) bool { return a.Type == MessageAuthenticator })
	return r, 0
}

// maxForgeries bounds the hashes computed in a second for one query. It is far
// beyond what a server sends, and less than half of what a 580 MHz MIPS can do.
const maxForgeries = 4096

func (q *query) flooded(now time.Time) bool {
	if now.Sub(q.window) >= time.Second {
		q.window, q.forgeries = now, 0
	}
	return q.forgeries >= maxForgeries
}

// answeredBy says whether a packet of that code may answer the query. An accounting
// server answers a Status-Server with an Accounting-Response (RFC 5997 section 3).
func (q *query) answeredBy(code Code) bool {
	switch q.code {
	case AccessRequest:
		return code == AccessAccept || code == AccessReject || code == AccessChallenge
	case AccountingRequest:
		return code == AccountingResponse
	}
	return code == AccessAccept || code == AccountingResponse
}

// authentic checks the Response Authenticator (RFC 2865 section 3).
func (q *query) authentic(b []byte) bool {
	h := md5.New()
	h.Write(b[:4])
	h.Write(q.auth[:])
	h.Write(b[header:])
	h.Write(q.secret)
	return subtle.ConstantTimeCompare(h.Sum(nil), b[4:header]) == 1
}

// signature checks the Message-Authenticator: the HMAC over the packet with the
// request's authenticator, its own value zero (RFC 3579 section 3.2).
func (q *query) signature(b []byte, attributes Attributes) Refusal {
	value, there := attributes.Lookup(MessageAuthenticator)
	switch {
	case !there:
		return Unsigned
	case len(value) != md5.Size || attributes.count(MessageAuthenticator) != 1:
		return BadSignature
	}
	at := header
	for b[at] != MessageAuthenticator {
		at += int(b[at+1])
	}
	var zero [md5.Size]byte
	mac := hmac.New(md5.New, q.secret)
	mac.Write(b[:4])
	mac.Write(q.auth[:])
	mac.Write(b[header : at+2])
	mac.Write(zero[:])
	mac.Write(b[at+2+md5.Size:])
	if !hmac.Equal(mac.Sum(nil), value) {
		return BadSignature
	}
	return 0
}

func (q *query) judge(attributes Attributes) Refusal {
	var seen [256]bool
	for _, a := range attributes {
		if a.Type == ProxyState {
			return HasProxyState
		}
		if seen[a.Type] && singleValued[a.Type] && !slices.Contains(q.repeats, a.Type) {
			return Duplicate
		}
		seen[a.Type] = true
	}
	for _, vendor := range q.vendors {
		if _, err := Walk(attributes, vendor); err != nil {
			return BadVendor
		}
	}
	return 0
}

// singleValued are the attributes with 0-1 for an Access-Accept, -Reject or
// -Challenge in the tables of RFC 2865 section 5.44 and RFC 2869 section 5.19.
var singleValued = [256]bool{
	UserName: true,
	6:        true, // Service-Type
	7:        true, // Framed-Protocol
	8:        true, // Framed-IP-Address
	9:        true, // Framed-IP-Netmask
	10:       true, // Framed-Routing
	12:       true, // Framed-MTU
	15:       true, // Login-Service
	16:       true, // Login-TCP-Port
	19:       true, // Callback-Number
	20:       true, // Callback-Id
	23:       true, // Framed-IPX-Network
	24:       true, // State
	27:       true, // Session-Timeout
	28:       true, // Idle-Timeout
	29:       true, // Termination-Action
	34:       true, // Login-LAT-Service
	35:       true, // Login-LAT-Node
	36:       true, // Login-LAT-Group
	37:       true, // Framed-AppleTalk-Link
	39:       true, // Framed-AppleTalk-Zone
	62:       true, // Port-Limit
	63:       true, // Login-LAT-Port
	70:       true, // ARAP-Password
	71:       true, // ARAP-Features
	72:       true, // ARAP-Zone-Access
	75:       true, // Password-Retry
	76:       true, // Prompt
	84:       true, // ARAP-Challenge-Response
	85:       true, // Acct-Interim-Interval
	88:       true, // Framed-Pool
}
