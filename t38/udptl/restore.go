package udptl

// keptParity is how many parity messages wait for a packet that makes them useful.
const keptParity = 32

// A parityStore keeps parity messages that miss more packets than they can make good:
// a packet that comes late or from another message may make them useful.
type parityStore struct {
	messages [keptParity]parityMessage // without octets: free
	oldest   int                       // the one to be replaced next
	lengths  bool                      // the peer's messages have the packets' lengths in them
	restored []byte
}

// lengthOctets is what a packet's length takes in a message of annex C's form.
const lengthOctets = 2

// add keeps a message that covers a packet still to come. One that misses none shows by
// its own length whether the peer's messages have lengths in them.
func (p *parityStore) add(d *Decoder, m parityMessage) {
	if len(m.octets) == 0 {
		return
	}
	missing, wanted := m.missing(d)
	if missing == 0 {
		p.lengths = len(m.octets) == m.longest(d)+lengthOctets
	}
	if !wanted {
		return
	}
	at := &p.messages[p.oldest]
	p.oldest = (p.oldest + 1) % keptParity
	m.octets = append(at.octets[:0], m.octets...)
	*at = m
}

// use makes good what can be. A packet made good may make another message useful.
func (p *parityStore) use(d *Decoder) {
	for again := true; again; {
		again = false
		for i := range p.messages {
			m := &p.messages[i]
			if len(m.octets) == 0 {
				continue
			}
			missing, wanted := m.missing(d)
			if missing == 1 && wanted {
				p.restore(d, m)
				again = true
			}
			if missing <= 1 || !wanted {
				m.octets = m.octets[:0]
			}
		}
	}
}

func (p *parityStore) forget() {
	for i := range p.messages {
		p.messages[i].octets = p.messages[i].octets[:0]
	}
}

// missing counts the packets that the message covers and the decoder has not, and tells
// whether one of them is still to be handed on.
func (m *parityMessage) missing(d *Decoder) (n int, wanted bool) {
	for k := range m.span {
		if seq := m.covers(k); !d.have(seq) {
			n++
			wanted = wanted || ahead(seq, d.next) >= 0
		}
	}
	return n, wanted
}

// longest returns the length of the longest packet that the message covers.
func (m *parityMessage) longest(d *Decoder) (n int) {
	for k := range m.span {
		n = max(n, len(d.packet(m.covers(k))))
	}
	return n
}

// restore works out the one packet that is missing and has the decoder keep it. Of the
// form without lengths, zeros may follow it.
func (p *parityStore) restore(d *Decoder, m *parityMessage) {
	if !p.lengths {
		p.mix(d, m, m.octets)
		d.keep(m.lost(d), p.restored, true)
		return
	}
	if len(m.octets) <= lengthOctets {
		return
	}
	n := int(m.octets[0])<<8 | int(m.octets[1])
	for k := range m.span {
		n ^= len(d.packet(m.covers(k)))
	}
	p.mix(d, m, m.octets[lengthOctets:])
	if n <= len(p.restored) {
		d.keep(m.lost(d), p.restored[:n], true)
	}
}

// lost returns the number of the packet that is missing.
func (m *parityMessage) lost(d *Decoder) (seq uint16) {
	for k := range m.span {
		if !d.have(m.covers(k)) {
			seq = m.covers(k)
		}
	}
	return seq
}

// mix adds up the octets of a message and the packets it covers.
func (p *parityStore) mix(d *Decoder, m *parityMessage, octets []byte) {
	p.restored = append(p.restored[:0], octets...)
	for k := range m.span {
		p.restored = mix(p.restored, d.packet(m.covers(k)))
	}
}
