package srtp

import "encoding/binary"

// A Sender protects what this side sends.
type Sender struct {
	key          Key
	mki          [maxMKI]byte
	rtp, control transform

	ssrc  uint32
	index uint64 // of the last packet of ssrc
	begun bool
	next  uint32 // number of the next RTCP packet
}

// NewSender makes a Sender. No key must ever be given to two of them.
func NewSender(k Key) (*Sender, error) {
	s := &Sender{key: k, mki: k.mki()}
	return s, derive(&k, &s.rtp, &s.control)
}

// Key is what the Sender was made with.
func (s *Sender) Key() Key { return s.key }

// Rolled reports that the sequence numbers have wrapped, which a receiver that has not heard
// all of it cannot know.
func (s *Sender) Rolled() bool { return s.index >= 1<<16 }

// RTP protects a packet in place, for which it needs room for Overhead octets more. Sequence
// numbers have to grow.
func (s *Sender) RTP(b []byte) ([]byte, error) {
	head := headerSize(b)
	if head == 0 {
		return nil, ErrShort
	}
	seq, ssrc := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[8:])
	index := uint64(seq)
	if s.begun && ssrc == s.ssrc {
		ahead := seq - uint16(s.index)
		if ahead == 0 || ahead >= 1<<15 {
			return nil, ErrReused
		}
		index = s.index + uint64(ahead)
	}
	if index >= 1<<48 { // RFC 3711 section 9.2
		return nil, ErrExpired
	}
	s.ssrc, s.index, s.begun = ssrc, index, true
	t := &s.rtp
	t.vector(ssrc, index)
	if t.aead != nil {
		b = t.aead.Seal(b[:head], t.iv[:12], b[head:], b[:head])
		return s.identify(b), nil
	}
	t.counter(b[head:], b[head:])
	t.authenticate(b, uint32(index>>16))
	return append(s.identify(b), t.sum[:t.tag]...), nil
}

// RTCP protects a compound packet in place, for which it needs room for Overhead octets more.
func (s *Sender) RTCP(b []byte) ([]byte, error) {
	if len(b) < controlHeader {
		return nil, ErrShort
	}
	if s.next >= encrypted {
		return nil, ErrExpired
	}
	word := s.next | encrypted
	t := &s.control
	t.vector(binary.BigEndian.Uint32(b[4:]), uint64(s.next))
	s.next++
	if t.aead != nil {
		t.associate(b, word)
		b = t.aead.Seal(b[:controlHeader], t.iv[:12], b[controlHeader:], t.aad[:])
		return s.identify(binary.BigEndian.AppendUint32(b, word)), nil
	}
	t.counter(b[controlHeader:], b[controlHeader:])
	t.authenticate(b, word)
	b = s.identify(binary.BigEndian.AppendUint32(b, word))
	return append(b, t.sum[:t.tag]...), nil
}

// associate sets aad to what of an RTCP packet is authentic and readable (RFC 7714 section 9.2).
func (t *transform) associate(b []byte, word uint32) {
	copy(t.aad[:controlHeader], b)
	binary.BigEndian.PutUint32(t.aad[controlHeader:], word)
}

func (s *Sender) identify(b []byte) []byte { return append(b, s.mki[:s.key.MKISize]...) }
