package media

import (
	mrand "math/rand/v2"
	"time"

	"tipring/internal/capture"
)

const (
	reportInterval = 5 * sampleRate // RFC 3550 section 6.2
	rtcpPoll       = sampleRate / 10
)

// A reporter sends RTCP and reads the peer's.
type reporter struct {
	cname      string
	nextReport int64     // the session's clock
	nextRTCP   int64     // when to look for the peer's
	reported   [2]uint32 // packets sent at the last two reports

	lastControl int64 // the session's clock at the peer's last

	lastSR   uint32 // middle of the NTP time of the peer's last sender report
	lastSRAt time.Time

	roundTrip    uint32 // 1/65536 s
	hasRoundTrip bool
	theirs       reportBlock // what the peer tells of our stream
	told         bool        // theirs is valid
}

// schedule sets the time of the next report: 0.5 to 1.5 times the interval, the first half of
// that (RFC 3550 section 6.3.1, with its compensation for reconsidered timers).
func (s *Session) schedule(first bool) {
	t := reportInterval * (0.5 + mrand.Float64()) / 1.21828
	if first {
		t /= 2
	}
	s.nextReport = s.clock + int64(t)
}

// report sends a compound packet: what we sent and heard, and at the end BYE.
func (s *Session) report(bye bool) {
	if s.pair == nil || !s.remote.known() || !s.remote.rtcp.IsValid() {
		return
	}
	t := time.Now()
	var info *senderInfo
	// RFC 3550 section 6.4: SR from who has sent since the report before the last.
	if s.packets != s.reported[1] {
		info = &senderInfo{ntp: ntp(t), ts: s.ts + uint32(s.passed), packets: s.packets, octets: s.octets}
	}
	s.reported[1], s.reported[0] = s.reported[0], s.packets
	var block *reportBlock
	if s.source.begun {
		block = &reportBlock{
			ssrc: s.source.ssrc, fraction: s.source.fraction(), lost: int32(min(s.source.lost(), 0x7fffff)),
			highest: s.source.highest(), jitter: s.source.jitter >> 4,
		}
		if !s.lastSRAt.IsZero() {
			block.lastSR, block.delay = s.lastSR, fraction(t.Sub(s.lastSRAt))
		}
	}
	b := appendReport(s.buf[:0], s.ssrc, info, block)
	b = appendCNAME(b, s.ssrc, s.cname)
	if bye {
		b = appendBYE(b, s.ssrc)
	}
	b, err := s.protectedControl(b)
	if err != nil || s.pair.RTCP.Write(b, s.remote.rtcp) != nil {
		s.failed++
		return
	}
	show(s.tap, s.pair.RTCP, capture.RTCP, true, t, s.remote.rtcp, b)
}

// control takes an RTCP packet that came in at c.
func (s *Session) control(b []byte, d Datagram, c Conn) {
	if !s.remote.mayControl(d.From) {
		s.foreign++
		return
	}
	wire := b
	b, mark, ok := s.opened(b, true)
	if !ok {
		return
	}
	s.remote.acceptRTCP(d.From)
	s.accepted(mark)
	show(s.tap, c, capture.RTCP, false, d.At, d.From, wire)
	r, ok := parseRTCP(b, s.ssrc)
	if !ok {
		s.malformed++
		return
	}
	s.lastControl = s.clock
	at := d.At
	if at.IsZero() {
		at = time.Now()
	}
	if r.isSR && (!s.source.begun || r.ssrc == s.source.ssrc) {
		s.lastSR, s.lastSRAt = middle(r.info.ntp), at
	}
	if r.has {
		s.theirs, s.told = r.block, true
		// RFC 3550 section 6.4.1: A - LSR - DLSR, and negative by the grain of the clocks at most.
		if trip := middle(ntp(at)) - r.block.lastSR - r.block.delay; r.block.lastSR != 0 && trip < 1<<20 {
			s.roundTrip, s.hasRoundTrip = trip, true
		}
	}
	if r.bye && r.ssrc == s.source.ssrc {
		s.left = true
	}
}

// fraction is d in 1/65536 s.
func fraction(d time.Duration) uint32 {
	return uint32(min(max(d, 0), time.Hour) * 65536 / time.Second)
}
