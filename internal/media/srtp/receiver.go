package srtp

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
)

// sources is how many synchronisation sources of the peer's are remembered. A call has one, and
// another after a transfer.
const sources = 8

// A Receiver takes the protection off what the peer sends.
type Receiver struct {
	key          Key
	mki          [maxMKI]byte
	rtp, control transform

	streams [sources]stream
	turn    uint32 // counts what streams are used by
}

// A stream is one source of the peer's.
type stream struct {
	ssrc         uint32
	used         uint32 // turn of the last packet; 0: the place is free
	rtp, control window
	before       uint64 // the index under the key before; 0: none
}

// NewReceiver makes a Receiver.
func NewReceiver(k Key) (*Receiver, error) {
	r := &Receiver{key: k, mki: k.mki()}
	return r, derive(&k, &r.rtp, &r.control)
}

// Key is what the Receiver was made with.
func (r *Receiver) Key() Key { return r.key }

// Succeed makes r the follower of another that has had the peer's key before. RFC 3711 section
// 3.3.1 lets the rollover counter go on under a new key, RFC 4568 section 7.1.4 begins it
// anew, and peers do the one or the other: what is authentic tells.
func (r *Receiver) Succeed(old *Receiver) {
	for i, s := range old.streams {
		next := stream{ssrc: s.ssrc, before: s.before, used: min(s.used, 1)}
		if s.rtp.begun {
			next.before = s.rtp.top
		}
		r.streams[i] = next
	}
	r.turn = 1
}

// A Mark is the number of an authentic packet.
type Mark struct {
	ssrc    uint32
	index   uint64
	control bool
}

// RTP checks a packet and puts it into dst as it was before its protection. dst needs the
// packet's length and shares nothing with it. The packet counts as come, and another of its
// number as replayed, once Accept is called.
func (r *Receiver) RTP(dst, packet []byte) (plain []byte, m Mark, err error) {
	head := headerSize(packet)
	if head == 0 {
		return nil, m, ErrShort
	}
	m.ssrc = binary.BigEndian.Uint32(packet[8:])
	seq := binary.BigEndian.Uint16(packet[2:])
	s := r.find(m.ssrc)
	if m.index, err = s.rtp.estimate(seq); err != nil {
		return nil, m, err
	}
	plain, err = r.openRTP(dst, packet, head, m)
	if err == ErrForged && !s.rtp.begun {
		m.index = s.rolled(seq)
		plain, err = r.openRTP(dst, packet, head, m)
	}
	return plain, m, err
}

// rolled is the other index that the first packet heard of a source may have: the rollover counter
// went on from the key before, or the numbers have wrapped before this side knew the key.
func (s *stream) rolled(seq uint16) uint64 {
	if s.before >= 1<<16 {
		return s.before + uint64(int64(int16(seq-uint16(s.before))))
	}
	return 1<<16 | uint64(seq)
}

func (r *Receiver) openRTP(dst, packet []byte, head int, m Mark) ([]byte, error) {
	t := &r.rtp
	body := len(packet) - t.tag - int(r.key.MKISize)
	if body < head {
		return nil, ErrShort
	}
	t.vector(m.ssrc, m.index)
	if t.aead != nil {
		body += t.tag
		if !r.identified(packet[body:]) {
			return nil, ErrForged
		}
		return t.unseal(append(dst[:0], packet[:head]...), packet[head:body], packet[:head])
	}
	t.authenticate(packet[:body], uint32(m.index>>16))
	if !r.identified(packet[body:]) || !t.matches(packet[len(packet)-t.tag:]) {
		return nil, ErrForged
	}
	dst = dst[:body]
	copy(dst, packet[:head])
	t.counter(dst[head:], packet[head:body])
	return dst, nil
}

// RTCP is RTP for a compound packet of RTCP.
func (r *Receiver) RTCP(dst, packet []byte) (plain []byte, m Mark, err error) {
	t := &r.control
	// In front: header, what is encrypted, with AES-GCM its tag, the number; behind: MKI, tag.
	end := len(packet) - int(r.key.MKISize)
	if t.aead == nil {
		end -= t.tag
	}
	body := end - 4
	if body < controlHeader || t.aead != nil && body < controlHeader+t.tag {
		return nil, m, ErrShort
	}
	word := binary.BigEndian.Uint32(packet[body:])
	m = Mark{ssrc: binary.BigEndian.Uint32(packet[4:]), index: uint64(word &^ encrypted), control: true}
	if r.find(m.ssrc).control.has(m.index) {
		return nil, m, ErrReplayed
	}
	if word&encrypted == 0 || !r.identified(packet[end:]) { // clear RTCP was not agreed
		return nil, m, ErrForged
	}
	t.vector(m.ssrc, m.index)
	if t.aead != nil {
		t.associate(packet, word)
		plain, err = t.unseal(append(dst[:0], packet[:controlHeader]...), packet[controlHeader:body], t.aad[:])
		return plain, m, err
	}
	t.authenticate(packet[:body], word)
	if !t.matches(packet[end+int(r.key.MKISize):]) {
		return nil, m, ErrForged
	}
	dst = dst[:body]
	copy(dst, packet[:controlHeader])
	t.counter(dst[controlHeader:], packet[controlHeader:body])
	return dst, m, nil
}

func (t *transform) unseal(dst, sealed, aad []byte) ([]byte, error) {
	plain, err := t.aead.Open(dst, t.iv[:12], sealed, aad)
	if err != nil {
		return nil, ErrForged
	}
	return plain, nil
}

// matches compares a tag in a time that tells nothing of where it differs.
func (t *transform) matches(tag []byte) bool {
	return subtle.ConstantTimeCompare(t.sum[:t.tag], tag) == 1
}

// identified reports that b begins with the identifier of the key.
func (r *Receiver) identified(b []byte) bool {
	n := int(r.key.MKISize)
	return len(b) >= n && bytes.Equal(b[:n], r.mki[:n])
}

// Accept counts a packet as come.
func (r *Receiver) Accept(m Mark) {
	s := r.find(m.ssrc)
	if s == &unknown {
		s = r.place()
		*s = stream{ssrc: m.ssrc}
	}
	r.turn++
	s.used = r.turn
	if m.control {
		s.control.add(m.index)
	} else {
		s.rtp.add(m.index)
	}
}

// unknown is a source that nothing has come from. It is never changed.
var unknown stream

func (r *Receiver) find(ssrc uint32) *stream {
	for i := range r.streams {
		if s := &r.streams[i]; s.used > 0 && s.ssrc == ssrc {
			return s
		}
	}
	return &unknown
}

// place is that of the source that was not heard of for longest.
func (r *Receiver) place() *stream {
	oldest := &r.streams[0]
	for i := range r.streams {
		if s := &r.streams[i]; s.used < oldest.used {
			oldest = s
		}
	}
	return oldest
}
