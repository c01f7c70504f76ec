package fax

import (
	"tipring/internal/offer"
	"tipring/t38"
	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/t38/udptl"
)

const (
	// maxBuffer is T38FaxMaxBuffer: a call here takes what comes in a burst without losing
	// any, and peers that pace themselves by the figure are not to be slowed down.
	maxBuffer = 2000
	// paritySpan is how many packets a parity message covers. A few of them cover one
	// another's gaps (ITU-T T.38 annex C).
	paritySpan = 3
	// parityEntries is how many parity messages a datagram has where their number is left to
	// the device: each costs as much as a copy, and four packets lost in a row are healed.
	parityEntries = 2
	// leastRate is that of V.27ter, which every machine has (T.30 clause 5.3.6.2.1, bits 11 to 14).
	leastRate = 2400
)

// Offer is what this device says of itself in its m=image line; nil: T.38 is switched off.
func (s Settings) Offer() *offer.T38 {
	if !s.T38 {
		return nil
	}
	return &offer.T38{
		MaxBitRate: s.maxRate(), MaxBuffer: maxBuffer, MaxDatagram: s.MaxDatagram, EC: corrections[s.EC],
	}
}

var corrections = map[string]offer.ErrorCorrection{"redundancy": offer.Redundancy, "fec": offer.FEC, "none": offer.NoCorrection}

func (s Settings) maxRate() int {
	if s.MaxRate == 0 {
		return 14400
	}
	return max(s.MaxRate, leastRate)
}

// rate is the highest of a call: i is nil where it is one of sound.
func (s Settings) rate(i *offer.Image) int {
	if i == nil || i.MaxBitRate == 0 {
		return s.maxRate()
	}
	return max(min(s.maxRate(), i.MaxBitRate), leastRate)
}

// Link is how packets go to the peer with whom i is agreed. Both sides of T38FaxUdpEC speak
// for themselves: a peer that says none is sent none, and parity goes only to one that asks
// for it.
func (s Settings) Link(i *offer.Image) convey.LinkConfig {
	c := convey.LinkConfig{Version: i.Version, Limits: udptl.LimitsOf(i.Theirs.MaxDatagram), Alive: convey.KeepAlive}
	switch {
	case i.Theirs.EC == offer.NoCorrection || i.Ours.EC == offer.NoCorrection:
	case i.Theirs.EC == offer.FEC && i.Ours.EC == offer.FEC:
		c.Span, c.Entries = paritySpan, parityEntries
		if s.Image > 0 {
			c.Entries = s.Image
		}
		c.Control, c.Image = s.Control, s.Image
	default:
		c.Control, c.Image = s.Control, s.Image
	}
	return c
}

// Policy is what a gateway lets two machines agree on where i is agreed with the peer.
func (s Settings) Policy(i *offer.Image) t38.Policy {
	return t38.Policy{MaxBitRate: s.rate(i), NoECM: !s.ECM}
}

// Terminal adds to what a machine is to do the limits under which it does that: those of
// [fax], and those of the peer with whom i is agreed; nil: the fax goes in sound.
func (s Settings) Terminal(c t30.Config, i *offer.Image) t30.Config {
	c.MaxBitRate, c.ECM = s.rate(i), s.ECM
	return c
}
