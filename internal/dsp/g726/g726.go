// Package g726 codes speech by the adaptive differential PCM of ITU-T Recommendation G.726 at
// 24 kbit/s: three bits a sample, 8000 samples a second. It is how the device keeps what it
// says itself.
//
// Encoder and decoder hold the same predictor, whose next guess depends on nothing but the
// codes so far. What the encoder sends is the difference between a sample and the guess, in
// steps whose size follows the loudness. All is integer arithmetic, with the word lengths
// that the Recommendation gives (its block names stand beside the functions), so that both
// ends stay in step to the bit.
package g726

import "math/bits"

// The zero Encoder and Decoder are not usable: New... sets what clause 2 gives as initial
// values.

// An Encoder turns samples into codes. It is one stream's.
type Encoder struct{ s state }

// A Decoder turns codes into samples. It is one stream's.
type Decoder struct{ s state }

// NewEncoder returns an encoder at the beginning of a stream.
func NewEncoder() *Encoder { return &Encoder{initial()} }

// NewDecoder returns a decoder at the beginning of a stream.
func NewDecoder() *Decoder { return &Decoder{initial()} }

// Encode turns a 16-bit sample into a code of three bits.
func (e *Encoder) Encode(sample int16) byte {
	g := e.s.guess()
	code := quantize(int(sample>>2)-g.signal, g.step)
	e.s.take(code, g)
	return code
}

// Decode turns the lowest three bits of code into a 16-bit sample.
func (d *Decoder) Decode(code byte) int16 {
	code &= 7
	g := d.s.guess()
	return int16(max(-1<<15, min(d.s.take(code, g)<<2, 1<<15-1)))
}

// What a code of the positive half stands for at 24 kbit/s (tables 8, 10 and 12 of the
// Recommendation). The codes 7 to 4 mirror 0 to 3: their complement has the same magnitude.
var (
	levels  = [...]int{8, 218, 331}                        // decision levels of the normalised logarithm
	outputs = [4]int{-2048, 135, 273, 373}                 // its quantized values; the first is no difference at all
	weights = [4]int{-4 << 5, 30 << 5, 137 << 5, 582 << 5} // W(I), the pull on the step
	speeds  = [4]int{0, 1 << 9, 2 << 9, 7 << 9}            // F(I): how unsteady the signal is
)

// half is the index of a code in the tables.
func half(code byte) int {
	if code >= 4 {
		code ^= 7
	}
	return int(code)
}

// quantize is the code of a difference (LOG, SUBTB, QUAN).
func quantize(difference, step int) byte {
	magnitude := max(difference, -difference)
	exponent := bits.Len(uint(magnitude >> 1))
	logarithm := exponent<<7 + (magnitude<<7)>>exponent&0x7f - step>>2
	code := byte(0)
	for int(code) < len(levels) && logarithm >= levels[code] {
		code++
	}
	// Nothing is left for "no difference": code 0 is not sent.
	if difference < 0 || code == 0 {
		code ^= 7
	}
	return code
}

// restore is the quantized difference that a code stands for (ADDA, ANTILOG).
func restore(code byte, step int) int {
	logarithm := outputs[half(code)] + step>>2
	magnitude := 0
	if logarithm >= 0 {
		magnitude = (logarithm&0x7f + 0x80) << 7 >> (14 - logarithm>>7&15)
	}
	if code >= 4 {
		return -magnitude
	}
	return magnitude
}
