package media

// A source counts the packets of one synchronisation source (RFC 3550 sections A.1, A.3, A.8).
type source struct {
	ssrc  uint32
	begun bool

	max      uint16 // highest sequence number seen
	cycles   uint32 // 65536 for each time it wrapped
	base     uint32 // extended number of the first packet
	bad      uint32 // the number that would confirm a jump; beyond 16 bits: none
	seen     uint64 // which of the last 64 numbers have come; bit 0 is max
	received uint32 // without duplicates
	gaps     uint32 // runs of numbers that did not come

	expectedPrior, receivedPrior uint32 // at the last report
	lostBefore                   uint32 // of the numbers before a jump
	gapsBefore                   uint32

	transit int64 // of the last packet, in clock units
	timed   bool  // transit is valid
	jitter  uint32
}

// An arrivalKind is what a sequence number says about a packet.
type arrivalKind uint8

const (
	inOrder   arrivalKind = iota
	reordered             // came after a later one
	duplicate             // came before
	strange               // far from the others and not confirmed by the next: not counted
	restarted             // confirms that the sender jumped: the numbers begin anew
)

const (
	maxDropout  = 3000 // RFC 3550 section A.1
	maxMisorder = 100
	noBad       = 1 << 16
	timeJump    = 4000 // clock units
)

func (s *source) begin(ssrc uint32, seq uint16) {
	*s = source{ssrc: ssrc, begun: true, max: seq, base: uint32(seq), bad: noBad, seen: 1, received: 1}
}

// sequence counts a packet.
func (s *source) sequence(seq uint16) arrivalKind {
	ahead := seq - s.max
	switch {
	case ahead == 0:
		return duplicate
	case ahead < maxDropout:
		if seq < s.max {
			s.cycles += 1 << 16
		}
		if ahead > 1 {
			s.gaps++
		}
		s.max = seq
		s.seen = s.seen<<ahead | 1
		s.bad = noBad
	case ahead <= 65535-maxMisorder:
		if uint32(seq) != s.bad {
			s.bad = uint32(seq + 1)
			return strange
		}
		lost, gaps, jitter := s.lost(), s.gapsBefore+s.gaps, s.jitter
		s.begin(s.ssrc, seq)
		s.lostBefore, s.gapsBefore, s.jitter = lost, gaps, jitter
		return restarted
	default:
		behind := -ahead
		if behind < 64 {
			if s.seen&(1<<behind) != 0 {
				return duplicate
			}
			s.fill(behind)
		}
		s.received++
		return reordered
	}
	s.received++
	return inOrder
}

// fill takes the number that lies so far behind max out of its gap: which is then no more,
// two, or shorter.
func (s *source) fill(behind uint16) {
	s.seen |= 1 << behind
	switch before, after := s.seen>>(behind+1)&1, s.seen>>(behind-1)&1; {
	case before+after == 2:
		s.gaps -= min(s.gaps, 1)
	case before+after == 0:
		s.gaps++
	}
}

// time takes a packet into the jitter: arrival and ts in units of 1/8000 s.
func (s *source) time(arrival int64, ts uint32) {
	transit := arrival - int64(ts)
	d := int64(int32(transit - s.transit)) // the timestamp wraps
	s.transit = transit
	if !s.timed {
		s.timed = true
		return
	}
	if d < 0 {
		d = -d
	}
	if d > timeJump {
		return // the sender's timestamp jumped, or it paused without counting
	}
	s.jitter = uint32(int64(s.jitter) + d - int64(s.jitter+8)>>4)
}

func (s *source) highest() uint32 { return s.cycles + uint32(s.max) }

func (s *source) expected() uint32 {
	if !s.begun {
		return 0
	}
	return s.highest() - s.base + 1
}

func (s *source) lost() uint32 {
	if e := s.expected(); e > s.received {
		return s.lostBefore + e - s.received
	}
	return s.lostBefore
}

// fraction is the part of 256 that was lost since it was asked for last (RFC 3550 section A.3).
func (s *source) fraction() uint8 {
	expected, received := s.expected(), s.received
	expectedNow, receivedNow := expected-s.expectedPrior, received-s.receivedPrior
	s.expectedPrior, s.receivedPrior = expected, received
	lost := int64(expectedNow) - int64(receivedNow)
	if expectedNow == 0 || lost <= 0 {
		return 0
	}
	return uint8(min(lost*256/int64(expectedNow), 255))
}
