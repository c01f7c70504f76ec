package media

import (
	"errors"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"tipring/internal/capture"
)

const (
	// learningTime is how long the peer may turn out to be elsewhere than it said: T.30's T1 is 35 s.
	learningTime = 30 * sampleRate
	// numbersAhead is how far a datagram's number may be from the last one's to count as the next.
	numbersAhead = 8
)

// errTooLate is what a Packets returns whose socket carries RTP again, or is closed.
var errTooLate = errors.New("the socket is not lent any more")

// Packets carries datagrams that are no RTP between this side and one peer: T.38's UDPTL
// (ITU-T T.38 clause 9.1). They go to where the peer said, and are taken from there.
//
// A peer behind a NAT comes from elsewhere. For half a minute, until something comes from
// where it said, one sender of another address may prove to be the peer, as far as the
// session's Learning allows: by datagrams whose first two octets, UDPTL's sequence number,
// count up. Then it is the peer. A datagram from where the peer said settles it within that time,
// or later when nothing else has. All other senders are foreign: their datagrams are dropped and
// counted.
//
// Its methods are the owning goroutine's but for Stats.
type Packets struct {
	conn     Conn
	tap      Tap // nil: none
	learning Learning
	trusted  netip.Addr // where the peer's sound came from

	given   netip.AddrPort
	peer    netip.AddrPort // in use
	settled bool
	passed  int // samples since the peer said where
	watched [candidates]candidate
	next    int

	received, sent, foreign, malformed, failed atomic.Uint32
}

// PacketStats is how a Packets fares.
type PacketStats struct {
	Received, Sent uint32
	Foreign        uint32 // from who is not the peer
	Malformed      uint32 // too short or too long
	SendErrors     uint32
}

// NewPackets makes a Packets on a socket of its own.
func NewPackets(c Conn, remote netip.AddrPort, l Learning) *Packets {
	p := &Packets{conn: c, tap: tapOf(c), learning: l}
	p.SetRemote(remote)
	return p
}

// Packets carries datagrams on a pair that no session has.
func (p *Pair) Packets(remote netip.AddrPort) *Packets {
	return NewPackets(p.RTP, remote, p.learning)
}

// Packets lends the session's RTP socket for datagrams to and from remote, until Update
// brings sound back. Meanwhile the session neither sends nor reads, and Exchange only
// passes the time. Where RTP was learned to come from, for the same remote, holds for the
// datagrams too. A second call ends what the first has lent.
func (s *Session) Packets(remote netip.AddrPort) *Packets {
	s.takeBack()
	p := &Packets{learning: s.remote.learning}
	if s.pair != nil {
		p.conn, p.tap = s.pair.RTP, s.tap
	}
	if s.remote.settled {
		p.trusted = s.remote.rtp.Addr()
	}
	p.SetRemote(remote)
	if s.remote.settled && p.given == s.remote.given {
		p.peer = s.remote.rtp // not settled: the peer may have another socket for them
	}
	s.lent = p
	return p
}

// takeBack ends the lending of the socket. Sound begins anew.
func (s *Session) takeBack() {
	if s.lent == nil {
		return
	}
	s.lent.conn, s.lent = nil, nil
	s.player.restart()
	s.marker, s.lastCame = true, s.clock
	s.ts += uint32(s.passed)
	s.passed, s.encoded = 0, 0
}

// SetRemote tells where the peer receives. The same as before leaves what was learned.
// Without an address nothing is sent.
func (p *Packets) SetRemote(remote netip.AddrPort) {
	remote = unmap(remote)
	if remote == p.given {
		return
	}
	p.given, p.peer = remote, remote
	p.settled, p.passed = false, 0
	p.watched, p.next = [candidates]candidate{}, 0
}

// Remote is where datagrams go to.
func (p *Packets) Remote() netip.AddrPort { return p.peer }

// Pass tells that so many samples, 8000 a second, have passed: the time to learn runs out.
func (p *Packets) Pass(samples int) {
	if p.passed < learningTime {
		p.passed += samples
	}
}

// Read takes the peer's next datagram that has come and returns its length; ok is false
// when there is none. At most 64 of others are passed over at a time.
func (p *Packets) Read(b []byte) (n int, ok bool) {
	if p.conn == nil {
		return 0, false
	}
	for range drainLimit {
		d, ok := p.conn.Read(b)
		if !ok {
			break
		}
		switch {
		case d.N < 3: // a number and the length of the packet
			p.malformed.Add(1)
		case !p.accept(d.From, uint16(b[0])<<8|uint16(b[1])):
			p.foreign.Add(1)
		default:
			p.received.Add(1)
			show(p.tap, p.conn, capture.UDPTL, false, d.At, d.From, b[:d.N])
			return d.N, true
		}
	}
	return 0, false
}

// accept tells whether a datagram with that number is the peer's.
func (p *Packets) accept(from netip.AddrPort, number uint16) bool {
	from = unmap(from)
	switch {
	case p.settled && from == p.peer:
		return true
	case p.settled && (from != p.given || p.passed >= learningTime):
		return false
	case from == p.given || from == p.peer:
	case p.passed >= learningTime || !p.prove(from, number):
		return false
	}
	p.peer, p.settled = from, true
	return true
}

// prove counts a datagram for its sender and reports whether that is now known to be the
// peer. A number that stands still proves nothing: RTP and RTCP begin with the same octets
// all the time.
func (p *Packets) prove(from netip.AddrPort, number uint16) bool {
	need := otherHostRun
	switch {
	case p.learning == LearnNever || !p.given.IsValid():
		return false
	case from.Addr() == p.given.Addr() || from.Addr() == p.trusted:
		need = samePortRun
	case p.learning == LearnNAT && isPublic(p.given.Addr()):
		return false
	}
	for i := range p.watched {
		c := &p.watched[i]
		if c.from != from {
			continue
		}
		switch ahead := number - c.seq; {
		case ahead == 0:
		case ahead <= numbersAhead:
			c.run++
		default:
			c.run = 1
		}
		c.seq = number
		return c.run >= need
	}
	p.watched[p.next] = candidate{from: from, seq: number, run: 1}
	p.next = (p.next + 1) % candidates
	return false
}

// Write sends a datagram to the peer. It is dropped without an error while the peer takes none.
func (p *Packets) Write(b []byte) error {
	if p.conn == nil {
		return errTooLate
	}
	if !p.peer.IsValid() || p.peer.Port() == 0 || p.peer.Addr().IsUnspecified() {
		return nil
	}
	switch err := p.conn.Write(b, p.peer); {
	case errors.Is(err, os.ErrClosed):
		return errTooLate
	case err != nil:
		p.failed.Add(1)
		return err
	}
	p.sent.Add(1)
	show(p.tap, p.conn, capture.UDPTL, true, time.Time{}, p.peer, b)
	return nil
}

// Stats is how it goes. Any goroutine may ask.
func (p *Packets) Stats() PacketStats {
	return PacketStats{
		Received: p.received.Load(), Sent: p.sent.Load(), Foreign: p.foreign.Load(),
		Malformed: p.malformed.Load(), SendErrors: p.failed.Load(),
	}
}
