package udptl

// Limits are the sizes that a peer takes, in octets.
type Limits struct {
	Datagram int // of a whole datagram
	IFP      int // of one IFP packet
}

const (
	// defaultDatagram is for a peer that does not say: it holds the primary and five
	// secondaries of 14400 bit/s every 30 ms.
	defaultDatagram = 400
	// leastDatagram is the least figure that is believed: below it no image could be sent.
	leastDatagram = 32
	// smallDatagram is the figure below which it is taken as the size of an IFP packet.
	// Many implementations offer 72: one packet of 14400 bit/s, not a datagram.
	smallDatagram = 150
	// overhead is what a datagram holds besides a primary below 128 octets: sequence
	// number, length, kind of recovery, count.
	overhead = 5
)

// LimitsOf reads a peer's T38FaxMaxDatagram. A figure below 150 is taken as the size of
// an IFP packet; 0, absent, negative or absurd ones as not said; none raises a
// limit over MaxDatagram.
func LimitsOf(maxDatagram int) Limits {
	if maxDatagram < leastDatagram || maxDatagram >= smallDatagram {
		return LiteralLimits(maxDatagram)
	}
	return Limits{
		Datagram: min(overhead+maxDatagram+MaxSecondaries*(maxDatagram+2), MaxDatagram),
		IFP:      maxDatagram,
	}
}

// LiteralLimits reads a peer's T38FaxMaxDatagram as what the name says, however small.
func LiteralLimits(maxDatagram int) Limits {
	if maxDatagram < leastDatagram {
		maxDatagram = defaultDatagram
	}
	l := Limits{Datagram: min(maxDatagram, MaxDatagram)}
	l.IFP = l.Datagram - overhead
	if l.IFP > 127 {
		l.IFP-- // its length takes two octets
	}
	return l
}
