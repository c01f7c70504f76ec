// Package ifp writes and reads the packets of the Internet facsimile protocol
// (ITU-T T.38 clause 7 and annex A): what one fax gateway tells the other about the
// signals on its line, coded in ASN.1 packed encoding rules, aligned (ITU-T X.691).
//
// A packet is an indicator (a tone, the preamble, a modem's training, silence) or data
// that a modem carried: a list of fields, each of them octets of an HDLC frame or of
// image data, or the note that a frame or the whole signal ended.
//
// There are two codings of a field's type. The first edition forgot the mark that makes
// the list of types extensible; correcting it added a bit, so that the two cannot be
// told apart by looking at a single packet. Versions 0 and 1 of T.38 use the original
// one, version 2 and later the corrected one (CodingOf).
//
// HDLC and image octets stand in a packet with the bit that is sent first on the line
// as the most significant one (T.38 clause 7.1.1): a T.30 frame begins FF 03 or FF 13 in
// the order that the rest of this program uses, and FF C0 or FF C8 here. This package
// passes field data through as it is; who makes and uses the fields reverses them.
//
// Nothing here allocates, except Decode while a Packet's Fields grow.
package ifp

import "errors"

// Coding is one of the two ways to code the type of a field.
type Coding uint8

const (
	Original  Coding = iota // T.38 (06/1998): eight types in three bits, not extensible
	Corrected               // T.38 (03/2002): extensible, a bit more, and the V.8 and V.34 types
)

// CodingOf returns the coding that a T38FaxVersion uses: the Original one up to 1.
func CodingOf(version int) Coding {
	if version >= 2 {
		return Corrected
	}
	return Original
}

// Bounds on what is written and taken.
const (
	MaxFields    = 255   // fields in a packet
	MaxFieldData = 65535 // octets in a field: OCTET STRING (SIZE (1..65535))
)

// ErrMalformed is what Decode returns for octets that are no IFP packet.
var ErrMalformed = errors.New("malformed IFP packet")

// ErrUnsupported is what Append returns for a packet that the coding cannot express.
var ErrUnsupported = errors.New("IFP packet has no such coding")

// A Field is one element of a data packet.
type Field struct {
	Type FieldType
	Data []byte // empty: the field has no data
}

// A Packet is one IFP packet: an indicator, or data with its fields.
type Packet struct {
	IsData    bool
	Indicator Indicator // what is indicated, unless IsData
	Data      DataType  // which modem carried the data, if IsData
	Fields    []Field
}
