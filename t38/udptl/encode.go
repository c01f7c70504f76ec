package udptl

// A Protection says how the loss of a datagram is to be made good.
type Protection struct {
	Secondaries   int // copies of the packets before: 0 to MaxSecondaries
	Span, Entries int // instead of them, Entries parity messages over Span packets each; 0: none
}

// An Encoder makes the datagrams of one direction of a call.
type Encoder struct {
	limits Limits
	seq    uint16                // of the next new packet
	sent   int                   // packets in past
	past   [MaxParity + 1][]byte // packets sent, by their numbers
	parity [maxRecovery][]byte   // messages of the datagram being made
}

// NewEncoder returns an encoder whose first packet has the number first.
func NewEncoder(l Limits, first uint16) *Encoder {
	return &Encoder{limits: l, seq: first}
}

// Limits returns the peer's limits.
func (e *Encoder) Limits() Limits { return e.limits }

// SetLimits follows a peer that changed its mind: a later offer or answer.
func (e *Encoder) SetLimits(l Limits) { e.limits = l }

// Next returns the sequence number that the next Append uses.
func (e *Encoder) Next() uint16 { return e.seq }

// Append adds a datagram with a new packet under the next sequence number to dst and
// returns it. As much of the protection is left out as does not fit the peer's limit or
// was not sent before. The only error is ErrTooLong, for an IFP packet that is empty or
// over the peer's limit; no number is used then.
func (e *Encoder) Append(dst, ifp []byte, p Protection) ([]byte, error) {
	if len(ifp) == 0 || len(ifp) > e.limits.IFP {
		return dst, ErrTooLong
	}
	at := &e.past[e.seq%(MaxParity+1)]
	*at = append((*at)[:0], ifp...)
	e.sent = min(e.sent+1, len(e.past))
	e.seq++
	return e.datagram(dst, p), nil
}

// Repeat adds a datagram with the newest packet again, under the number it has: to the
// peer a duplicate of the last datagram. Before the first packet it adds nothing.
func (e *Encoder) Repeat(dst []byte, p Protection) []byte {
	if e.sent == 0 {
		return dst
	}
	return e.datagram(dst, p)
}

// back returns the packet sent n before the newest.
func (e *Encoder) back(n int) []byte {
	return e.past[(e.seq-1-uint16(n))%(MaxParity+1)]
}

func (e *Encoder) datagram(dst []byte, p Protection) []byte {
	begin := len(dst)
	seq := e.seq - 1
	dst = append(dst, byte(seq>>8), byte(seq))
	dst = appendOctets(dst, e.back(0))
	room := e.limits.Datagram - (len(dst) - begin) - 2 // kind of recovery, count
	if p.Span > 0 && p.Entries > 0 {
		span := min(p.Span, MaxParity)
		if n := e.drafts(span, p.Entries, room-2); n > 0 { // fec-npackets takes two
			return e.appendParity(dst, span, n)
		}
		p.Secondaries = p.Entries // too few packets yet, or no room
	}
	return e.appendSecondaries(dst, p.Secondaries, room)
}

// appendSecondaries adds as many packets before the newest as are asked for, were sent
// and fit the room.
func (e *Encoder) appendSecondaries(dst []byte, want, room int) []byte {
	want = min(want, MaxSecondaries, e.sent-1)
	n := 0
	for ; n < want; n++ {
		if room -= octetsSize(len(e.back(n + 1))); room < 0 {
			break
		}
	}
	dst = append(dst, secondaries, byte(n))
	for i := 1; i <= n; i++ {
		dst = appendOctets(dst, e.back(i))
	}
	return dst
}

// The CHOICE of error-recovery, in the highest bit of an octet.
const (
	secondaries byte = 0x00
	fecInfo     byte = 0x80
)

// appendOctets adds an open type or OCTET STRING with its length determinant
// (X.691 clause 11.9). Nothing here is longer than MaxDatagram.
func appendOctets(dst, b []byte) []byte {
	if len(b) > 127 {
		dst = append(dst, 0x80|byte(len(b)>>8))
	}
	return append(append(dst, byte(len(b))), b...)
}

// octetsSize returns how much appendOctets adds.
func octetsSize(n int) int {
	if n > 127 {
		return n + 2
	}
	return n + 1
}
