package offer

import "net/netip"

// A Mode is which media this side wants in a session.
type Mode uint8

// Modes.
const (
	Sound        Mode = iota // audio
	Fax                      // T.38 in the place of sound
	SoundAndFax              // both beside each other, in the first INVITE alone
	FaxPreferred             // of an answer: T.38 where the peer's offer has both, else sound
)

// An ErrorCorrection is how UDPTL makes up for lost packets (T38FaxUdpEC, ITU-T T.38 annex D).
type ErrorCorrection uint8

// Error corrections.
const (
	NoCorrection ErrorCorrection = iota
	Redundancy                   // t38UDPRedundancy
	FEC                          // t38UDPFEC
)

// T38 is what one side does by T.38: the attributes of its m=image line (ITU-T T.38 clause
// D.2.3), as it means them. What a peer leaves out has the value that the clause gives it.
type T38 struct {
	Version        int // T38FaxVersion: 0 to 3
	MaxBitRate     int // bit/s: 2400 to 33600; 14400 when not said
	FillBitRemoval bool
	MMR, JBIG      bool // transcoding
	LocalTCF       bool // T38FaxRateManagement:localTCF
	MaxBuffer      int  // octets; 0: not said
	MaxDatagram    int  // octets that this side takes in a datagram; 0: not said
	EC             ErrorCorrection
}

// An Image is what is agreed for T.38.
type Image struct {
	// Remote is where the peer receives UDPTL. Without an address nothing is sent, as in a hold.
	Remote netip.AddrPort
	Local  netip.AddrPort // as the peer was told

	Ours, Theirs T38

	Version    int // of both: the lower one
	MaxBitRate int // bit/s, of both: the lower one
}
