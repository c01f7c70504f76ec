package udptl

// Parity (T.38 annex C): a datagram numbered s brings entries parity messages. Message i,
// counted from 0, is the exclusive or of the packets numbered
//
//	s+i-entries, s+i-2*entries, ... s+i-span*entries
//
// so that as many datagrams in a row may be lost as there are entries.

// drafts makes the parity messages of the newest datagram and returns how many: entries,
// less those that do not fit the room or MaxParity; none while fewer packets were sent
// than they would cover.
func (e *Encoder) drafts(span, entries, room int) int {
	entries = min(entries, maxRecovery, MaxParity/span)
	if span*entries > e.sent-1 {
		return 0
	}
	for ; entries > 0; entries-- {
		size := 0
		for i := range entries {
			size += octetsSize(e.draft(i, span, entries))
		}
		if size <= room {
			break
		}
	}
	return entries
}

// draft makes message i and returns its length.
func (e *Encoder) draft(i, span, entries int) int {
	d := e.parity[i][:0]
	for k := 1; k <= span; k++ {
		d = mix(d, e.back(k*entries-i))
	}
	e.parity[i] = d
	return len(d)
}

// mix returns the exclusive or of d and b, as long as the longer; it changes d.
func mix(d, b []byte) []byte {
	for len(d) < len(b) {
		d = append(d, 0)
	}
	for i, o := range b {
		d[i] ^= o
	}
	return d
}

func (e *Encoder) appendParity(dst []byte, span, entries int) []byte {
	dst = append(dst, fecInfo, 1, byte(span), byte(entries))
	for _, d := range e.parity[:entries] {
		dst = appendOctets(dst, d)
	}
	return dst
}

// A parityMessage covers span packets: base less every, less twice every, and so on.
type parityMessage struct {
	base        uint16
	every, span int
	octets      []byte
}

// covers returns the number of packet k of the message, from 0 to span-1.
func (m *parityMessage) covers(k int) uint16 {
	return m.base - uint16((k+1)*m.every)
}
