// Package convey turns the signals of a fax call into IFP packets at the pace of the
// line they come from, and packets into signals again (ITU-T T.38 clauses 6 to 8).
//
// A Sender is told of signals: a tone, the beginning of a modem's burst, frames or octets
// in it, its end. It makes packets of them and says when each is to go: frames in
// parts as they would pass on a line, never before the preamble or training that the far
// end has to make first; indicators and ends three times if nothing else is to be
// said; silence behind each end. A Receiver is given packets and puts the signals together
// again: frames, with those that lost a part marked, and ends that were lost made
// up. Frames are told whole, and those of V.21 also while they come. A Link joins both to UDPTL. A Station is a T.38 terminal: it plays a
// t30.Terminal over a Link.
//
// Nothing here has a clock or a socket. Time is a count of samples, 8000 a second, that is
// passed in. Octets have the bit that is first on the line as their least significant one;
// in IFP packets it is the most significant (T.38 clause 7.1.1), and this package reverses them.
package convey

import (
	"math/bits"

	"tipring/t38/ifp"
)

// SampleRate is how many units of time a second has.
const SampleRate = 8000

// MaxFrame is the longest HDLC frame, without FCS, in octets. An ECM frame has 260.
const MaxFrame = 300

// reversed appends octets with the order of their bits reversed.
func reversed(dst, octets []byte) []byte {
	for _, o := range octets {
		dst = append(dst, bits.Reverse8(o))
	}
	return dst
}

// Leads are the samples between an indicator and the first data: what the preamble or
// training takes on a line (T.30 clause 5.3.1, V.27ter, V.29 and V.17), without a tone of
// talker echo protection, so that a gateway which makes none has not begun to starve: some
// put fill within rows then. One that makes the tone keeps 0.2 s of data back.
const (
	leadPreamble  = SampleRate
	leadV27At2400 = SampleRate * 943 / 1000
	leadV27At4800 = SampleRate * 708 / 1000
	leadV29       = SampleRate * 253 / 1000
	leadV17Short  = SampleRate * 142 / 1000
	leadV17Long   = SampleRate * 1393 / 1000
)

// lead returns the samples between an indicator and what may follow it.
func lead(i ifp.Indicator) int64 {
	switch data, short, _ := i.Training(); {
	case i == ifp.V21Preamble:
		return leadPreamble
	case i < ifp.V21Preamble:
		return 0
	case data == ifp.V27Data2400:
		return leadV27At2400
	case data == ifp.V27Data4800:
		return leadV27At4800
	case data == ifp.V29Data7200 || data == ifp.V29Data9600:
		return leadV29
	case short:
		return leadV17Short
	}
	return leadV17Long
}

// isImage tells whether a modem is one of those for images.
func isImage(d ifp.DataType) bool { return d >= ifp.V27Data2400 && d <= ifp.V17Data14400 }

// carried tells whether a modem is one whose signals are carried: those for images, and V.21.
func carried(d ifp.DataType) bool { return d == ifp.V21Data || isImage(d) }
