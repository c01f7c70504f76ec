package spandsp

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"tipring/internal/dsp/g726"
)

// TestG726 holds our coder against spandsp's, bit by bit: on tones of every loudness, noise,
// silence, a modem's carrier that breaks off and what clips.
func TestG726(t *testing.T) {
	pcm := g726Signal(8000 * 20)
	raw := make([]byte, 0, 2*len(pcm))
	for _, s := range pcm {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(s))
	}
	want, err := G726("encode", raw)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(pcm))
	e := g726.NewEncoder()
	for i, s := range pcm {
		got[i] = e.Encode(s)
	}
	if at := firstDifference(got, want); at >= 0 {
		t.Fatalf("code %d of %d (of %d) differs", at, len(got), len(want))
	}
	sound, err := G726("decode", want)
	if err != nil {
		t.Fatal(err)
	}
	d := g726.NewDecoder()
	for i, code := range want {
		ours, theirs := d.Decode(code), int16(binary.LittleEndian.Uint16(sound[2*i:]))
		// Where the decoder is louder than 16 bits, spandsp's sample wraps.
		if ours != theirs && ours != math.MaxInt16 && ours != math.MinInt16 {
			t.Fatalf("sample %d is %d, not %d", i, ours, theirs)
		}
	}
}

func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func g726Signal(n int) []int16 {
	chance := rand.New(rand.NewPCG(7, 26))
	pcm := make([]int16, n)
	for i := range pcm {
		second, at := i/8000, float64(i)/8000
		loud := math.Pow(10, float64(second%9)/2) * 3.2
		v := 0.0
		switch second % 5 {
		case 0:
			v = loud * math.Sin(2*math.Pi*float64(300+170*second)*at)
		case 1:
			v = loud * chance.NormFloat64()
		case 2: // a phase jumps 2400 times a second
			v = loud * math.Sin(2*math.Pi*1700*at+math.Pi/2*float64(chance.IntN(2)*(i/1000%2)))
		case 3:
			v = 40000 * math.Sin(2*math.Pi*2100*at)
		}
		pcm[i] = int16(max(-32768, min(v, 32767)))
	}
	return pcm
}
