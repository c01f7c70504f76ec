package media

import "net/netip"

// Learning says how far the peer's address may differ from the one it gave.
type Learning uint8

const (
	// LearnNAT follows a peer behind a NAT: to another port of the address it gave, or to
	// another address when the one it gave is no public one.
	LearnNAT Learning = iota
	// LearnNever takes packets from the given address alone.
	LearnNever
	// LearnAny follows a peer to any address.
	LearnAny
)

const (
	samePortRun  = 2 // packets in a row that prove another port of the given address
	otherHostRun = 5 // and another address
	candidates   = 4 // senders watched at a time

	yieldTime = 5 * sampleRate // for which the given address settles it at any time
)

// A remote is where the peer's media is sent to and may come from. That is the address the
// peer gave. While nothing came from there, one sender elsewhere may prove by packets in
// sequence that it is the peer behind a NAT; then it is the peer until the next negotiation
// names another address. A packet from the given address still settles it for some seconds, for
// what proved itself may be the end of the stream before on the same host, and later when the
// other has gone quiet: while it speaks, nobody deafens a call who writes that address on a
// datagram. All other senders are foreign: what they send is never played and moves nothing.
type remote struct {
	learning Learning
	given    netip.AddrPort // by the peer's description
	control  netip.AddrPort // given for RTCP
	rtp      netip.AddrPort // in use
	rtcp     netip.AddrPort // in use; invalid: none is sent
	settled  bool
	nowhere  bool // the peer wants nothing sent
	passed   int  // samples since the address was given, up to yieldTime
	quiet    int  // since the last packet of the peer, up to longPause

	watched [candidates]candidate
	next    int // the candidate to be replaced
}

// A candidate is a sender that may prove to be the peer.
type candidate struct {
	from netip.AddrPort
	ssrc uint32
	seq  uint16 // of its last packet
	run  int
}

// set takes the addresses of a negotiation. The same as before leave what was learned. No
// address, which is a hold, sends nothing but still hears the peer.
func (r *remote) set(given, rtcp netip.AddrPort) {
	given, rtcp = unmap(given), unmap(rtcp)
	r.nowhere = !given.Addr().IsValid() || given.Addr().IsUnspecified() || given.Port() == 0
	if r.nowhere || given == r.given {
		return
	}
	*r = remote{learning: r.learning, given: given, control: rtcp, rtp: given, rtcp: rtcp}
}

// known reports whether there is an address to send to.
func (r *remote) known() bool { return !r.nowhere && r.rtp.IsValid() }

// accept tells whether an RTP packet is the peer's.
func (r *remote) accept(from netip.AddrPort, ssrc uint32, seq uint16) bool {
	switch {
	case from == r.rtp && r.settled:
		r.quiet = 0
		return true
	case !r.rtp.IsValid(), r.settled && !r.yields(from):
		return false
	case from == r.given:
		r.rtp, r.rtcp, r.settled, r.quiet = from, r.control, true, 0
		return true
	case !r.prove(from, ssrc, seq):
		return false
	}
	r.rtp, r.rtcp, r.settled, r.quiet = from, netip.AddrPort{}, true, 0
	if from.Port() < 65535 {
		r.rtcp = netip.AddrPortFrom(from.Addr(), from.Port()+1)
	}
	return true
}

// pass lets n samples pass.
func (r *remote) pass(n int) {
	r.passed, r.quiet = min(r.passed+n, yieldTime), min(r.quiet+n, longPause)
}

// yields reports that a settled stream moves with a packet from there.
func (r *remote) yields(from netip.AddrPort) bool {
	return from == r.given && (r.passed < yieldTime || r.quiet >= longPause)
}

// prove counts a packet for its sender and reports whether that is now known to be the peer.
func (r *remote) prove(from netip.AddrPort, ssrc uint32, seq uint16) bool {
	need := otherHostRun
	switch {
	case r.learning == LearnNever:
		return false
	case from.Addr() == r.given.Addr():
		need = samePortRun
	case r.learning == LearnNAT && isPublic(r.given.Addr()):
		return false
	}
	for i := range r.watched {
		c := &r.watched[i]
		if c.from != from {
			continue
		}
		if c.ssrc == ssrc && seq == c.seq+1 {
			c.run++
		} else {
			c.run = 1
		}
		c.ssrc, c.seq = ssrc, seq
		return c.run >= need
	}
	r.watched[r.next] = candidate{from, ssrc, seq, 1}
	r.next = (r.next + 1) % candidates
	return need <= 1
}

// acceptRTCP tells whether an RTCP packet is the peer's: it comes from the host that the
// media comes from, or from where it was said to come. The first sets where ours go, for a
// NAT maps that port by itself.
func (r *remote) acceptRTCP(from netip.AddrPort) bool {
	if !r.mayControl(from) {
		return false
	}
	if r.settled && r.rtp != r.given && from.Addr() == r.rtp.Addr() {
		r.rtcp = from
	}
	return true
}

// mayControl reports a sender whose RTCP acceptRTCP takes.
func (r *remote) mayControl(from netip.AddrPort) bool {
	return r.rtp.IsValid() && (from == r.rtcp || from.Addr() == r.rtp.Addr())
}

// possible reports a sender that accept may take for the peer, or learn from.
func (r *remote) possible(from netip.AddrPort) bool {
	return r.rtp.IsValid() && (!r.settled || from == r.rtp || r.yields(from))
}

// isPublic reports an address that is the same on both sides of a NAT.
func isPublic(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !sharedSpace.Contains(a)
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // carrier NAT, RFC 6598

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
