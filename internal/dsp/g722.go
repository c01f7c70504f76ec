package dsp

// G.722 cuts 16 kHz speech into two bands of 4 kHz and codes each by adaptive
// differential PCM: six bits of an octet for the lower band, two for the upper (ITU-T
// G.722, 64 kbit/s, mode 1). The names that the standard gives its blocks stand beside
// the code that does their work.
//
// The lower band is itself speech at 8 kHz. A telephone port has nothing above 4 kHz,
// so Encode and Decode use that band directly: they need no resampling, add no delay
// and do half of the work. EncodeWide and DecodeWide are the codec at 16 kHz.

// G722Encoder turns speech into G.722 octets. The zero value is ready.
type G722Encoder struct {
	lower, upper band
	split        qmf
}

// Encode codes speech at 8 kHz, one octet a sample. It returns how many it coded: as
// many as both slices have.
func (e *G722Encoder) Encode(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm))
	for i, s := range pcm[:n] {
		dst[i] = e.encode(int32(s)>>1, 0)
	}
	return n
}

// EncodeWide codes speech at 16 kHz, one octet for two samples, and returns the number of octets.
func (e *G722Encoder) EncodeWide(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm)/2)
	for i := range dst[:n] {
		b, a := e.split.shift(int32(pcm[2*i]), int32(pcm[2*i+1]))
		dst[i] = e.encode((a+b)>>14, (a-b)>>14) // LOWT, HIGHT
	}
	return n
}

func (e *G722Encoder) encode(low, high int32) byte {
	lowCode := e.lower.quantiseLower(low)
	e.lower.adaptLower(lowCode >> 2)
	highCode := e.upper.quantiseUpper(high)
	e.upper.adaptUpper(highCode)
	return byte(highCode<<6 | lowCode)
}

// G722Decoder turns G.722 octets into speech. The zero value is ready.
type G722Decoder struct {
	lower, upper band
	join         qmf
}

// Decode decodes to 8 kHz, one sample an octet: what lies above 4 kHz is left out. It
// returns how many it decoded: as many as both slices have.
func (d *G722Decoder) Decode(pcm []int16, src []byte) int {
	n := min(len(pcm), len(src))
	for i, code := range src[:n] {
		pcm[i] = int16(d.decodeLower(code) << 1)
	}
	return n
}

// DecodeWide decodes to 16 kHz, two samples an octet, and returns the number of
// samples. One decoder does either Decode or DecodeWide, not both in turn.
func (d *G722Decoder) DecodeWide(pcm []int16, src []byte) int {
	n := min(len(pcm)/2, len(src))
	for i, code := range src[:n] {
		low := d.decodeLower(code)
		two := int32(code >> 6)
		high := limit15(d.upper.s + d.upper.upperDifference(two)) // RECONS, LIMIT
		d.upper.adaptUpper(two)
		second, first := d.join.shift(low+high, low-high)
		pcm[2*i], pcm[2*i+1] = saturate(first>>11), saturate(second>>11)
	}
	return 2 * n
}

// decodeLower hears all six bits. The predictor, which has to run alike in every mode
// on both sides, goes by the first four.
func (d *G722Decoder) decodeLower(code byte) int32 {
	six := code & 63
	low := limit15(d.lower.s + d.lower.step(lowerShift)*level6[six]>>15) // INVQBL, RECONS, LIMIT
	d.lower.adaptLower(int32(six >> 2))
	return low
}

func limit15(v int32) int32 { return max(-16384, min(v, 16383)) }

// qmf is the quadrature mirror filter of 24 taps, the same for splitting and joining
// (ITU-T G.722 table 11): the last 24 values in order of arrival.
type qmf [24]int32

var qmfEven = [12]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// shift takes two values in and returns the sums over the first and over the second of each pair.
func (q *qmf) shift(first, second int32) (sumFirst, sumSecond int32) {
	copy(q[:], q[2:])
	q[22], q[23] = first, second
	for i, h := range qmfEven {
		sumFirst += q[2*i] * h
		sumSecond += q[23-2*i] * h
	}
	return sumFirst, sumSecond
}
