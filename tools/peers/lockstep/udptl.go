package lockstep

import (
	"bytes"

	"tipring/t38/udptl"
)

// patience is how many ticks without a datagram pass before a gap is given up.
const patience = 5

// OverUDPTL makes an end that exchanges bare IFP packets one that exchanges UDPTL
// datagrams, made and read by our own code. protection says how a packet is to be
// protected; nil: by as many secondaries as its Depth. Octets that are no datagram are
// dropped; Counters tells.
func OverUDPTL(e IFPEnd, protection func(Packet) udptl.Protection) *UDPTLEnd {
	if protection == nil {
		protection = func(p Packet) udptl.Protection {
			return udptl.Protection{Secondaries: min(p.Depth, udptl.MaxSecondaries)}
		}
	}
	u := &UDPTLEnd{end: e, protection: protection}
	u.decoder = udptl.NewDecoder(u.deliver)
	return u
}

// A UDPTLEnd is an IFPEnd whose packets are UDPTL datagrams.
type UDPTLEnd struct {
	end        IFPEnd
	protection func(Packet) udptl.Protection
	encoder    *udptl.Encoder // nil before the first packet, which says its number
	decoder    *udptl.Decoder
	quiet      int // ticks without a datagram
	in         []Packet
}

// Counters are what the decoder of what the end hears met.
func (u *UDPTLEnd) Counters() udptl.Counters { return u.decoder.Counters() }

// Exchange implements IFPEnd.
func (u *UDPTLEnd) Exchange(in []Packet) ([]Packet, error) {
	u.in = u.in[:0]
	u.quiet++
	for _, p := range in {
		u.quiet = 0
		_ = u.decoder.Decode(p.Octets) // counted
	}
	if u.quiet > patience {
		u.decoder.Release()
	}
	out, err := u.end.Exchange(u.in)
	for i := range out {
		if err := u.wrap(&out[i]); err != nil {
			return nil, err
		}
	}
	return out, err
}

func (u *UDPTLEnd) deliver(p udptl.Packet) {
	u.in = append(u.in, Packet{Seq: p.Seq, Copies: 1, Octets: bytes.Clone(p.IFP)})
}

func (u *UDPTLEnd) wrap(p *Packet) (err error) {
	if u.encoder == nil {
		u.encoder = udptl.NewEncoder(udptl.LimitsOf(udptl.MaxDatagram), p.Seq)
	}
	p.Octets, err = u.encoder.Append(nil, p.Octets, u.protection(*p))
	return err
}
