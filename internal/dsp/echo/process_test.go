package echo

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// Data mode passes every sample as it is, and forgets nothing (G.168 clause 7).
func TestDataMode(t *testing.T) {
	x := quantized(css(2, -16, 1))
	c := New(32)
	before := resume(c, x, echoPaths[0].of(x)).loss(1, 2)
	if got := c.ERLE(); got < 20 {
		t.Errorf("ERLE %.1f dB", got)
	}
	c.SetData(true)
	data := toPCM(whiteNoise(2, -10, 4))
	out := slices.Clone(data)
	for i := 0; i < len(out); i += frame {
		c.Process(data[i:i+frame], out[i:i+frame])
	}
	if !slices.Equal(out, data) {
		t.Error("data changed")
	}
	c.SetData(false)
	c.SetNLP(false)
	if got := resume(c, x, echoPaths[0].of(x)).loss(0.1, 0.35); got < min(before, 30) {
		t.Errorf("%.1f dB after data, %.1f before", got, before)
	}
	c.Reset()
	if got := c.ERLE(); got != 0 {
		t.Errorf("ERLE %.1f dB after Reset", got)
	}
	again, fresh := resume(c, x, echoPaths[0].of(x)), hold(x, echoPaths[0].of(x), false)
	if !slices.Equal(again.out, fresh.out) {
		t.Error("a canceller that was reset differs from a new one")
	}
}

// How the signal is cut into frames changes nothing, as long as strips stay whole.
func TestFramesOfAnyLength(t *testing.T) {
	far := toPCM(speech(3, -16, 1, 110))
	near := toPCM(add(echoPaths[1].of(toFloat(far)), whiteNoise(3, -50, 2)))
	cut := func(length func() int) []int16 {
		c := New(32)
		out := slices.Clone(near)
		for at := 0; at < len(out); {
			end := min(at+length(), len(out))
			c.Process(far[at:end], out[at:end])
			at = end
		}
		return out
	}
	want := cut(func() int { return 160 })
	for _, n := range []int{80, 240, 800, 1600} {
		if !slices.Equal(cut(func() int { return n }), want) {
			t.Errorf("frames of %d samples differ from frames of 160", n)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	odd := cut(func() int { return 80 + rnd.IntN(1521) })
	if got := dBm0(toFloat(odd[16000:])); got > -45 {
		t.Errorf("%.1f dBm0 left with odd frames, background is -50", got)
	}
}

func TestProcessDoesNotAllocate(t *testing.T) {
	c := New(64)
	far, near := toPCM(whiteNoise(0.02, -10, 1)), toPCM(whiteNoise(0.02, -20, 2))
	if n := testing.AllocsPerRun(200, func() { c.Process(far, near) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// The kernels against what they stand for, with the largest values that come up.
func TestKernels(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	const n = 64
	for range 200 {
		x := make([]int32, n+strip)
		amplitude := int32(1) << (1 + rnd.IntN(17))
		for i := range x {
			x[i] = rnd.Int32N(2*amplitude) - amplitude
		}
		lanes := make([]lane, len(x))
		for i, v := range x[:len(x)-1] {
			lanes[i] = pack(v, x[i+1])
		}
		taps, errs := make([]int16, n), [strip]int32{}
		for i := range taps {
			taps[i] = int16(rnd.IntN(1<<tapBits/4) - 1<<tapBits/8)
		}
		for i := range errs {
			errs[i] = rnd.Int32N(1<<(errorBits+1)) - 1<<errorBits
		}
		var out [strip]int32
		convolve(&out, taps, lanes)
		for i := range out {
			var want int64
			for k, tap := range taps {
				want += int64(tap) * int64(x[i+k])
			}
			if int64(out[i]) != want && want == int64(int32(want)) {
				t.Fatalf("output %d is %d, want %d", i, out[i], want)
			}
		}
		fine := make([]int32, n)
		s := step{coarse: 14, shift: 6, mantissa: 9000}
		correlate(fine, taps, lanes, &errs, s)
		for k, got := range fine {
			var sum int32
			for i, e := range errs {
				sum += e * x[i+k]
			}
			if want := s.of(sum); got != want || taps[k] != int16(want>>16) {
				t.Fatalf("tap %d moved by %d, want %d", k, got, want)
			}
		}
	}
}

// FuzzProcess gives samples and frame lengths of any kind: the canceller never fails, and
// whatever it has been through, it is of use again after some seconds of ordinary sound.
func FuzzProcess(f *testing.F) {
	loud := make([]byte, 4000)
	for i := range loud {
		loud[i] = byte(i / 64 * 127)
	}
	x := quantized(css(5, -16, 1))
	comesBack := echoPaths[1].of(x)
	f.Add(uint64(1), uint8(32), []byte{0, 128, 255, 127, 1, 0})
	f.Add(uint64(7), uint8(8), loud)
	f.Add(uint64(9), uint8(64), []byte{255, 127, 0, 128})
	f.Add(uint64(0), uint8(32), []byte("000\x010")) // constants
	f.Fuzz(func(t *testing.T, seed uint64, tail uint8, raw []byte) {
		if len(raw) < 4 || len(raw) > 1<<14 {
			return
		}
		rnd := rand.New(rand.NewPCG(seed, 3))
		c := New(int(tail))
		far, near := make([]int16, 1600), make([]int16, 1600)
		at := 0
		next := func() int16 {
			at = (at + 2) % (len(raw) - 1)
			return int16(binary.LittleEndian.Uint16(raw[at:]))
		}
		for range 40 {
			n := rnd.IntN(1601)
			for i := range n {
				far[i], near[i] = next(), next()
			}
			c.SetNLP(rnd.IntN(8) > 0)
			c.Process(far[:n], near[:n])
		}
		c.SetNLP(false)
		if h := resume(c, x, comesBack); h.loss(4, 5) < 15 {
			t.Errorf("%.1f dB after all that", h.loss(4, 5))
		}
	})
}
