package modem

// HDLC framing as T.30 clause 5.3 puts it on every modem for frames: flags 01111110
// between frames, a 0 after five ones in a frame, and a frame check sequence of 16 bits
// at its end.
//
// An octet's least significant bit is the first on the line, throughout this stack: a
// frame begins 0xFF 0x03, or 0xFF 0x13 when it is the last one, a DIS goes on with 0x80,
// a DCS with 0x82 or 0x83. T.30 prints its octets the other way around, and T.38 carries
// them so: only what speaks T.38 turns them.

// MaxFrame is the length of the longest frame, in octets, without its check sequence. An
// ECM frame has 260 (T.4 annex A), and the longest of the others should be shorter.
const MaxFrame = 300

const (
	hdlcFlag   = 0x7e
	fcsOctets  = 2
	fcsStart   = 0xffff
	fcsGood    = 0xf0b8 // what is left after a frame and its check sequence
	fcsReverse = 0x8408 // x^16 + x^12 + x^5 + 1 (T.30 clause 5.3.7), the first bit least significant
)

var fcsTable = func() (t [256]uint16) {
	for i := range t {
		v := uint16(i)
		for range 8 {
			low := v & 1
			if v >>= 1; low != 0 {
				v ^= fcsReverse
			}
		}
		t[i] = v
	}
	return t
}()

func fcsAdd(fcs uint16, octet byte) uint16 { return fcs>>8 ^ fcsTable[byte(fcs)^octet] }

// fcsOf returns the check sequence of a frame, its first octet the less significant.
func fcsOf(frame []byte) uint16 {
	fcs := uint16(fcsStart)
	for _, o := range frame {
		fcs = fcsAdd(fcs, o)
	}
	return ^fcs
}
