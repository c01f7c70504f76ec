package aaa

import (
	"errors"
	"fmt"
)

// A Code is a RADIUS packet's first octet (RFC 2865 section 3).
type Code byte

// The codes this package speaks.
const (
	AccessRequest      Code = 1
	AccessAccept       Code = 2
	AccessReject       Code = 3
	AccountingRequest  Code = 4 // RFC 2866
	AccountingResponse Code = 5
	AccessChallenge    Code = 11
	StatusServer       Code = 12 // RFC 5997
)

// String is the code's name in the RFCs.
func (c Code) String() string {
	switch c {
	case AccessRequest:
		return "Access-Request"
	case AccessAccept:
		return "Access-Accept"
	case AccessReject:
		return "Access-Reject"
	case AccountingRequest:
		return "Accounting-Request"
	case AccountingResponse:
		return "Accounting-Response"
	case AccessChallenge:
		return "Access-Challenge"
	case StatusServer:
		return "Status-Server"
	}
	return fmt.Sprintf("Code %d", byte(c))
}

// Types of standard attributes (RFC 2865 section 5, RFC 2866 section 5, RFC 3579
// section 3.2).
const (
	UserName             = 1
	UserPassword         = 2
	NASIPAddress         = 4
	ReplyMessage         = 18
	VendorSpecific       = 26
	NASIdentifier        = 32
	ProxyState           = 33
	AcctStatusType       = 40
	AcctDelayTime        = 41
	AcctSessionID        = 44
	MessageAuthenticator = 80
)

// Bounds of the wire format (RFC 2865 sections 3 and 5).
const (
	MaxPacket    = 4096 // octets of a packet, its header included
	MaxValue     = 253  // octets of an attribute's value
	MaxVendorSub = 247  // octets of the value of one sub-attribute alone in its VSA
)

// An Attribute is one attribute as it is on the wire (RFC 2865 section 5). A
// User-Password in a Request stands in clear.
type Attribute struct {
	Type  byte
	Value []byte // at most MaxValue octets; may be empty
}

// Attributes is a packet's attributes in wire order.
type Attributes []Attribute

// Lookup returns the value of the first attribute of type t.
func (a Attributes) Lookup(t byte) ([]byte, bool) {
	for _, x := range a {
		if x.Type == t {
			return x.Value, true
		}
	}
	return nil, false
}

func (a Attributes) count(t byte) int {
	n := 0
	for _, x := range a {
		if x.Type == t {
			n++
		}
	}
	return n
}

// A SubAttribute is one attribute of a vendor's, inside a Vendor-Specific
// attribute, in the layout RFC 2865 section 5.26 recommends.
type SubAttribute struct {
	Vendor uint32
	Type   byte
	Value  []byte // may be empty
}

var errVSA = errors.New("malformed Vendor-Specific attribute")

// Walk returns a vendor's sub-attributes in wire order. Several may be packed in
// one Vendor-Specific attribute, several may have one type, and a value may be
// empty (length 2). A length that lies is an error, with which come the
// sub-attributes before it. A Vendor-Specific attribute too short to name its
// vendor is an error too; those of other vendors, whose inner layout may be another,
// are passed over.
func Walk(a Attributes, vendor uint32) ([]SubAttribute, error) {
	var subs []SubAttribute
	for i, x := range a {
		if x.Type != VendorSpecific {
			continue
		}
		if len(x.Value) < 4 {
			return subs, fmt.Errorf("%w: attribute %d of the packet has %d octets, too few for a vendor", errVSA, i+1, len(x.Value))
		}
		v := x.Value
		if id := uint32(v[0])<<24 | uint32(v[1])<<16 | uint32(v[2])<<8 | uint32(v[3]); id != vendor {
			continue
		}
		for v = v[4:]; len(v) > 0; v = v[v[1]:] {
			if len(v) < 2 || v[1] < 2 || int(v[1]) > len(v) {
				return subs, fmt.Errorf("%w: attribute %d of the packet, vendor %d: a length that lies", errVSA, i+1, vendor)
			}
			subs = append(subs, SubAttribute{Vendor: vendor, Type: v[0], Value: v[2:v[1]:v[1]]})
		}
	}
	return subs, nil
}

// VSA packs sub-attributes into one Vendor-Specific attribute. Their own Vendor is
// not read. What does not fit (MaxValue octets in all) is told by Exchange, which
// sends no attribute that is too long.
func VSA(vendor uint32, subs ...SubAttribute) Attribute {
	v := []byte{byte(vendor >> 24), byte(vendor >> 16), byte(vendor >> 8), byte(vendor)}
	for _, s := range subs {
		v = append(v, s.Type, byte(min(2+len(s.Value), 255)))
		v = append(v, s.Value...)
	}
	return Attribute{Type: VendorSpecific, Value: v}
}
