// Package udptl carries T.38 IFP packets in UDP datagrams (ITU-T T.38 clause 9.1, coded
// as annex A says). A datagram holds one new packet, the primary, under a sequence
// number, and something to make good the loss of earlier datagrams: either copies of the
// packets before it, the secondaries, or parity over several of them (annex C).
//
// An Encoder makes datagrams, never larger than the peer takes. A Decoder reads
// them, however the network lost, doubled, delayed and mixed them, with secondaries and
// parity in any mixture, and hands on each packet once, in order, with a note of how many
// are missing before it. Depth decides how many secondaries to send. None of them
// opens a socket, keeps a timer or knows what is in an IFP packet, and none allocates
// once its buffers have grown to the size of what passes through them.
//
// Parity comes in two forms. Annex C puts each packet's length before its octets; the
// programs that send parity in practice add up the octets alone, so that a packet
// restored from it may have zeros after its end. The Decoder takes both and tells them
// apart by the length of messages that cover no lost packet; the Encoder sends the form
// in use. A reader of IFP packets ignores octets after the packet.
package udptl

import "errors"

// Bounds on what is sent and taken. A datagram beyond them is dropped whole.
const (
	MaxDatagram    = 1400 // octets of a datagram
	MaxSecondaries = 7    // secondaries sent; up to maxRecovery are taken
	MaxParity      = 31   // packets that the parity of a datagram sent covers: span times entries

	maxRecovery = 16 // secondaries or parity messages taken from a datagram
	maxSpan     = 64 // packets that one parity message taken covers
)

// ErrMalformed is what Decode returns for octets that are no UDPTL packet.
var ErrMalformed = errors.New("malformed UDPTL packet")

// ErrTooLong is what Append returns for an IFP packet that the peer could not take, or
// that is empty.
var ErrTooLong = errors.New("IFP packet does not fit a datagram of the peer")

// Counters tell what a Decoder met.
type Counters struct {
	Received  uint32 // datagrams that were well formed
	Malformed uint32 // datagrams that were not, and were dropped
	Recovered uint32 // packets made good from secondaries or parity
	Lost      uint32 // packets given up
	Duplicate uint32 // datagrams whose packet was there already
	Late      uint32 // datagrams whose packet had been given up
	Stray     uint32 // datagrams whose number or packet fitted nothing else that came, and were dropped
	Resynced  uint32 // times the peer's numbers jumped so that a count of the missing means nothing
}
