package dsp

import "math/bits"

// ITU-T G.711 codes eight chords of sixteen equal steps for each sign. A decision
// value itself belongs to the interval above it, as in the reference code of ITU-T
// G.191; so for a negative sample the magnitude is that of its one's complement.
const (
	// The µ-law decision values are those of straight chords moved by 33 units of
	// 14-bit samples; ours have 16 bits.
	ulawBias = 33 << 2
	// The last step of the last chord takes everything beyond it.
	ulawMax = 1<<15 - 1 - ulawBias
	// A-law inverts the even bits of each code (G.711 table 1a, note 2).
	alawEvenBits = 0x55
)

// ULawEncode returns the µ-law code of a sample (ITU-T G.711 table 2).
func ULawEncode(s int16) byte {
	sign := byte(s>>15) & 0x80
	mag := uint32(s^s>>15) & 0x7fff
	if mag > ulawMax {
		mag = ulawMax
	}
	mag += ulawBias
	chord := bits.Len32(mag>>8) & 7 // the bias puts the lowest chord at 132 to 255
	return ^(sign | byte(chord<<4) | byte(mag>>(chord+3))&15)
}

// ULawDecode returns the sample of a µ-law code.
func ULawDecode(code byte) int16 { return ulawSamples[code] }

// ALawEncode returns the A-law code of a sample (ITU-T G.711 table 1).
func ALawEncode(s int16) byte {
	sign := byte(^s>>15) & 0x80 // in A-law a set sign bit is a positive sample
	mag := uint32(s^s>>15) & 0x7fff
	chord := bits.Len32(mag >> 8)
	step := mag >> 4 // chords 0 and 1 have steps of the same size
	if chord > 1 {
		step = mag >> (chord + 3)
	}
	return (sign | byte(chord<<4) | byte(step)&15) ^ alawEvenBits
}

// ALawDecode returns the sample of an A-law code.
func ALawDecode(code byte) int16 { return alawSamples[code] }

// The quantised values of G.711 tables 1 and 2, by code.
var (
	ulawSamples = table(func(code byte) int16 {
		c := ^code
		chord := c >> 4 & 7
		mag := (int16(c&15)<<3+ulawBias)<<chord - ulawBias
		if c&0x80 != 0 {
			return -mag
		}
		return mag
	})
	alawSamples = table(func(code byte) int16 {
		c := code ^ alawEvenBits
		mag := int16(c&15)<<4 + 8
		if chord := c >> 4 & 7; chord > 0 {
			mag = (mag + 256) << (chord - 1)
		}
		if c&0x80 == 0 {
			return -mag
		}
		return mag
	})
)

func table(value func(byte) int16) (t [256]int16) {
	for i := range t {
		t[i] = value(byte(i))
	}
	return t
}
