package main

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"tipring/t38/ifp"
	"tipring/t38/udptl"
	"tipring/tools/internal/pcap"
)

// maxOctets bounds the payload that is kept of a capture: a hundred hours of fax.
const maxOctets = 1 << 30

// A call is what two ends sent each other.
type call struct {
	ends      [2]netip.AddrPort // the first one sent first
	datagrams []sent
	coding    ifp.Coding
}

// A sent datagram came from ends[from].
type sent struct {
	at      time.Time
	from    int
	payload []byte
}

// read returns the calls of a capture as they began, with the error that ended it unless
// that is its end. Port 0 takes what looks like T.38.
func read(in io.Reader, port uint16) ([]*call, error) {
	capture, err := pcap.NewReader(in)
	if err != nil {
		return nil, err
	}
	var flows flows
	for err == nil {
		var f pcap.Frame
		if f, err = capture.Next(); err == nil {
			err = flows.add(f, port)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return slices.DeleteFunc(flows.calls, func(c *call) bool { return !c.isT38() && port == 0 }), err
}

// Flows sorts datagrams by the ends they pass between.
type flows struct {
	calls  []*call
	byEnds map[[2]netip.AddrPort]*call
	octets int
}

func (fs *flows) add(f pcap.Frame, port uint16) error {
	d, ok := f.UDP()
	if !ok || d.Cut || port != 0 && d.From.Port() != port && d.To.Port() != port {
		return nil
	}
	if fs.octets += len(d.Payload); fs.octets > maxOctets {
		return fmt.Errorf("more than %d octets of UDP", maxOctets)
	}
	ends, from := [2]netip.AddrPort{d.From, d.To}, 0
	c := fs.byEnds[ends]
	if c == nil {
		if c = fs.byEnds[[2]netip.AddrPort{d.To, d.From}]; c != nil {
			from = 1
		}
	}
	if c == nil {
		c = &call{ends: ends}
		if fs.byEnds == nil {
			fs.byEnds = map[[2]netip.AddrPort]*call{}
		}
		fs.byEnds[ends] = c
		fs.calls = append(fs.calls, c)
	}
	c.datagrams = append(c.datagrams, sent{d.Time, from, slices.Clone(d.Payload)})
	return nil
}

// isT38 tells whether the datagrams are T.38, and finds out which coding they have: the
// one that makes sense of more packets. Four in five must be right to the last octet.
func (c *call) isT38() bool {
	readings := [2]reading{{coding: ifp.Original}, {coding: ifp.Corrected}}
	var decoders [2]*udptl.Decoder
	for from := range decoders {
		decoders[from] = udptl.NewDecoder(func(u udptl.Packet) {
			for i := range readings {
				readings[i].take(from, u.IFP)
			}
		})
	}
	wrong := 0
	for _, d := range c.datagrams {
		if decoders[d.from].Decode(d.payload) != nil {
			wrong++
		}
	}
	delivered := 0
	for _, d := range decoders {
		d.Release()
		delivered += int(d.Counters().Received + d.Counters().Recovered - d.Counters().Duplicate)
	}
	best := readings[0]
	if readings[1].sense > best.sense {
		best = readings[1]
	}
	c.coding = best.coding
	return best.whole > 0 && best.whole*5 >= delivered*4 && len(c.datagrams)*4 >= wrong*20
}
