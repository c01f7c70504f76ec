package media

import (
	"crypto/rand"
	"encoding/binary"
	"errors"

	"tipring/internal/media/srtp"
)

// nearWrap is a sequence number so high that a peer, which may not have heard the first packets
// under a new key, could take the ones after it for a lap behind.
const nearWrap = 0xf000

// A protection is the SRTP of a session.
type protection struct {
	secure *security // in force; nil: plain RTP
	before *security // the last that was: plain sound, or T.38, may stand in between

	unauthentic uint32 // packets that are not the peer's, or not under its key
}

// A security is the keys of both directions at work.
type security struct {
	out   *srtp.Sender
	in    *srtp.Receiver
	plain [maxDatagram]byte // a packet of the peer's without its protection
}

// secured makes the security of new parameters: the same where no key has changed.
func (s *Session) secured(keys *srtp.Keys) (next *security, err error) {
	old := s.before
	switch {
	case keys == nil:
		return nil, nil
	case old == nil:
		old = &security{}
	case old.out.Key() == keys.Local && old.in.Key() == keys.Remote:
		return old, nil
	}
	next = &security{out: old.out, in: old.in}
	if next.out == nil || next.out.Key() != keys.Local {
		if next.out, err = srtp.NewSender(keys.Local); err != nil {
			return nil, err
		}
	}
	if next.in == nil || next.in.Key() != keys.Remote {
		if next.in, err = srtp.NewReceiver(keys.Remote); err != nil {
			return nil, err
		}
		if old.in != nil {
			next.in.Succeed(old.in)
		}
	}
	return next, nil
}

// secureBy puts a security into force. With a key of either side that is new, the far end may be
// one that does not know how often our numbers have wrapped, and peers differ in whether they
// count on (RFC 3711 section 3.3.1) or begin anew (RFC 4568 section 7.1.4): another source has
// no past.
func (s *Session) secureBy(next *security) {
	if s.secure = next; next == nil || next == s.before {
		return
	}
	if s.before != nil && s.before.out.Rolled() || s.seq >= nearWrap {
		s.renumber()
	}
	s.before = next
}

// renumber makes the session another source. RFC 3711 section 3.3.1: its numbers begin in the
// lower half, so that the loss of the first packets hides no wrap.
func (s *Session) renumber() {
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	s.ssrc = binary.BigEndian.Uint32(random[:])
	s.seq = binary.BigEndian.Uint16(random[4:]) >> 1
	s.marker = true
}

// protected is a packet as it goes out.
func (s *Session) protected(b []byte) ([]byte, error) {
	if s.secure == nil {
		return b, nil
	}
	return s.secure.out.RTP(b)
}

// protectedControl is protected for RTCP.
func (s *Session) protectedControl(b []byte) ([]byte, error) {
	if s.secure == nil {
		return b, nil
	}
	return s.secure.out.RTCP(b)
}

// opened is a packet without its protection. It counts as come with accepted.
func (s *Session) opened(b []byte, control bool) (plain []byte, m srtp.Mark, ok bool) {
	if s.secure == nil {
		return b, m, true
	}
	var err error
	if control {
		plain, m, err = s.secure.in.RTCP(s.secure.plain[:], b)
	} else {
		plain, m, err = s.secure.in.RTP(s.secure.plain[:], b)
	}
	switch {
	case err == nil:
		return plain, m, true
	case errors.Is(err, srtp.ErrReplayed) && !control:
		s.duplicates++
	default:
		s.unauthentic++
	}
	return nil, m, false
}

// accepted has a packet count as come: from then on it is a replay.
func (s *Session) accepted(m srtp.Mark) {
	if s.secure != nil {
		s.secure.in.Accept(m)
	}
}
