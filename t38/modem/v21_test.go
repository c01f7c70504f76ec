package modem

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tipring/internal/dsp/line"
)

// v21Bits is a BitSource.
type v21Bits []byte

func (b *v21Bits) NextBit() int {
	if len(*b) == 0 {
		return End
	}
	bit := (*b)[0]
	*b = (*b)[1:]
	return int(bit)
}

func v21Random(bits int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 21))
	out := make([]byte, bits)
	for i := range out {
		out[i] = byte(random.Uint32() >> 31)
	}
	return out
}

// v21Sound is a burst with silence of 0.2 s before and after.
func v21Sound(bits []byte, dBm0 float64) []int16 {
	var t v21Transmitter
	source := v21Bits(bits)
	t.start(dBm0, &source)
	out := make([]int16, 1600)
	block := make([]int16, 160)
	for {
		n := t.read(block)
		out = append(out, block[:n]...)
		if n < len(block) {
			return append(out, make([]int16, 1600)...)
		}
	}
}

// v21Heard is what a receiver told, a slice of bits for each burst.
type v21Heard struct {
	bursts   [][]byte
	statuses []Status
}

func (h *v21Heard) PutBit(bit int) {
	last := &h.bursts[len(h.bursts)-1]
	*last = append(*last, byte(bit))
}

func (h *v21Heard) Status(s Status) {
	h.statuses = append(h.statuses, s)
	if s == CarrierUp {
		h.bursts = append(h.bursts, nil)
	}
}

func v21Hear(pcm []int16) (*v21Heard, *v21Receiver) {
	h, r := &v21Heard{}, &v21Receiver{}
	r.start(h)
	for len(pcm) > 0 {
		n := min(160, len(pcm))
		r.feed(pcm[:n])
		pcm = pcm[n:]
	}
	return h, r
}

// v21Errors counts wrong and missing bits of a burst, wherever it begins in what was heard.
func v21Errors(sent []byte, bursts [][]byte) int {
	least := len(sent)
	for _, got := range bursts {
		for shift := -16; shift <= 16; shift++ {
			errors := 0
			for i, b := range sent {
				if k := i + shift; k < 0 || k >= len(got) || got[k] != b {
					errors++
				}
			}
			least = min(least, errors)
		}
	}
	return least
}

// What a receiver must bear, each burst without an error: the bits heard are the bits sent,
// from the first to the last, in one burst.
func TestV21IsExact(t *testing.T) {
	for _, tt := range []struct {
		name  string
		dBm0  float64
		model line.Model
	}{
		{"nothing", -14, line.Model{}},
		{"+3 dBm0", 3, line.Model{}},
		{"-45 dBm0", 0, line.Model{GainDB: -45}},
		{"-43 dBm0, µ-law", 0, line.Model{GainDB: -43, Law: line.ULaw}},
		{"-43 dBm0, A-law", 0, line.Model{GainDB: -43, Law: line.ALaw}},
		{"6 dB SNR", -14, line.Model{Noise: line.SNR(6, -14)}},
		{"7 dB SNR at -40 dBm0, noise always", 0, line.Model{GainDB: -40, Noise: line.Noise{When: line.Always, DBm0: -47}}},
		{"+30 Hz, 30 dB SNR", -14, line.Model{OffsetHz: 30, Noise: line.SNR(30, -14)}},
		{"-30 Hz, 30 dB SNR", -14, line.Model{OffsetHz: -30, Noise: line.SNR(30, -14)}},
		{"+30 Hz, 10 dB SNR", -14, line.Model{OffsetHz: 30, Noise: line.SNR(10, -14)}},
		{"+1500 ppm, 10 dB SNR", -14, line.Model{SkewPPM: 1500, Noise: line.SNR(10, -14)}},
		{"-1500 ppm, 10 dB SNR", -14, line.Model{SkewPPM: -1500, Noise: line.SNR(10, -14)}},
		{"slope -30 dB, 34 dB SNR", -14, line.Model{SlopeDB: -30, Noise: line.SNR(34, -14)}},
		{"slope +30 dB, 34 dB SNR", -14, line.Model{SlopeDB: 30, Noise: line.SNR(34, -14)}},
		{"echo of -10 dB after 1 ms", -14, line.Model{EchoMS: 1, EchoDB: -10, Noise: line.SNR(30, -14)}},
		{"echo of -10 dB after 3 ms", -14, line.Model{EchoMS: 3, EchoDB: -10, Noise: line.SNR(30, -14)}},
		{"phase jitter of 30 degrees", -14, line.Model{JitterHz: 60, JitterDeg: 30, Noise: line.SNR(30, -14)}},
		{"all, 6 dB SNR", -14, line.Model{SkewPPM: 200, OffsetHz: 7, Band: true, Law: line.ULaw, Noise: line.SNR(6, -14)}},
	} {
		for seed := range uint64(3) {
			sent := v21Random(1000, seed)
			tt.model.Seed = seed
			h, _ := v21Hear(line.New(tt.model).Run(v21Sound(sent, tt.dBm0)))
			if len(h.bursts) != 1 || !slices.Equal(h.bursts[0], sent) {
				t.Errorf("%s: %d bits wrong in %d bursts", tt.name, v21Errors(sent, h.bursts), len(h.bursts))
			}
			if want := []Status{CarrierUp, TrainingSucceeded, CarrierDown}; !slices.Equal(h.statuses, want) {
				t.Errorf("%s: statuses %v, want %v", tt.name, h.statuses, want)
			}
		}
	}
}

// Bit errors against SNR over 0 to 4 kHz. What is to be matched, of a good receiver with
// a pair of filters: 1e-4 from 2.8 dB on clean, 2.4 dB on an impaired line.
func TestV21BitErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model line.Model
		snr   float64
		most  float64
	}{
		{"clean", line.Model{}, -1, 1e-4},
		{"µ-law", line.Model{Law: line.ULaw}, -1, 1e-4},
		{"200 ppm, 7 Hz, band, µ-law", line.Model{SkewPPM: 200, OffsetHz: 7, Band: true, Law: line.ULaw}, 0, 1e-4},
		{"-200 ppm, -7 Hz, band, A-law", line.Model{SkewPPM: -200, OffsetHz: -7, Band: true, Law: line.ALaw}, 0, 1e-4},
		{"30 Hz", line.Model{OffsetHz: 30}, 2, 1e-4},
		{"1500 ppm", line.Model{SkewPPM: 1500}, 0, 1e-4},
		{"0.3 Hz", line.Model{OffsetHz: 0.3}, 6, 0},
	} {
		errors, bits := 0, 0
		for seed := range uint64(10) {
			sent := v21Random(4000, seed)
			tt.model.Seed, tt.model.Noise = seed, line.SNR(tt.snr, -14)
			h, _ := v21Hear(line.New(tt.model).Run(v21Sound(sent, -14)))
			errors += v21Errors(sent, h.bursts)
			bits += len(sent)
		}
		if rate := float64(errors) / float64(bits); rate > tt.most {
			t.Errorf("%s, %v dB: %.2g of the bits wrong, want at most %v", tt.name, tt.snr, rate, tt.most)
		}
	}
}

// Every burst is heard from -2 dB on.
func TestV21HearsBurstsInNoise(t *testing.T) {
	for seed := range uint64(40) {
		sent := v21Random(600, seed)
		m := line.Model{Noise: line.SNR(-2, -14), Seed: seed}
		h, _ := v21Hear(line.New(m).Run(v21Sound(sent, -14)))
		if e := v21Errors(sent, h.bursts); e > 30 {
			t.Errorf("burst %d: %d of 600 bits wrong or missing", seed, e)
		}
	}
}

func TestV21IsNotStartedByNoise(t *testing.T) {
	for _, dBm0 := range []float64{-10, -40, -48} {
		l := line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: dBm0}, Seed: 1})
		h, r := &v21Heard{}, &v21Receiver{}
		r.start(h)
		silence, noise := make([]int16, 8000), []int16(nil)
		for range 4 * 60 {
			noise = l.Append(noise[:0], silence)
			r.feed(noise)
		}
		if len(h.bursts) > 0 {
			t.Errorf("%d bursts in 4 minutes of noise at %v dBm0", len(h.bursts), dBm0)
		}
	}
}

func TestV21IsNotStartedByOtherSounds(t *testing.T) {
	for _, tt := range []struct {
		name string
		hz   []float64
	}{
		{"CNG", []float64{1100}},
		{"CED", []float64{2100}},
		{"V.21 channel 1", []float64{980}},
		{"ringback", []float64{440, 480}},
		{"DTMF 9", []float64{852, 1477}},
	} {
		pcm := make([]int16, 16000)
		for i := range pcm[4000:12000] {
			for _, hz := range tt.hz {
				pcm[4000+i] += int16(6000 * math.Sin(2*math.Pi*hz*float64(i)/SampleRate))
			}
		}
		if h, _ := v21Hear(pcm); len(h.bursts) > 0 {
			t.Errorf("%s started the receiver", tt.name)
		}
	}
}

// Two packets lost in the middle of a burst cost the bits in them and no more.
func TestV21KeepsItsPlaceInAHole(t *testing.T) {
	sent := v21Random(600, 3)
	pcm := v21Sound(sent, -14)
	for _, lost := range [][]int{{50}, {50, 51}, {40, 60, 80}} {
		h, _ := v21Hear(line.New(line.Model{Lost: lost}).Run(pcm))
		if len(h.bursts) != 1 || len(h.bursts[0]) != len(sent) {
			t.Errorf("frames %v lost: %d bursts", lost, len(h.bursts))
			continue
		}
		if e := v21Errors(sent, h.bursts); e > 7*len(lost) {
			t.Errorf("frames %v lost: %d bits wrong", lost, e)
		}
	}
}

// The end is told within 60 ms, and the next burst is heard as the first.
func TestV21HearsOneBurstAfterAnother(t *testing.T) {
	first, second := v21Sound(v21Random(300, 1), -20), v21Sound(v21Random(300, 2), -14)
	end := len(first) - 1600
	h, r := &v21Heard{}, &v21Receiver{}
	r.start(h)
	r.feed(first[:end+480])
	if n := len(h.statuses); n != 3 || h.statuses[2] != CarrierDown {
		t.Errorf("60 ms after the burst: %v", h.statuses)
	}
	if got := r.levelDBm0(); math.Abs(got+20) > 0.3 {
		t.Errorf("level %.2f dBm0, want -20", got)
	}
	r.feed(first[end+480:])
	r.feed(second)
	if len(h.bursts) != 2 || !slices.Equal(h.bursts[0], v21Random(300, 1)) || !slices.Equal(h.bursts[1], v21Random(300, 2)) {
		t.Errorf("%d bursts, or not as sent", len(h.bursts))
	}
	if got := r.levelDBm0(); math.Abs(got+14) > 0.3 {
		t.Errorf("level %.2f dBm0, want -14", got)
	}
}

func TestV21QualityIsTheSNR(t *testing.T) {
	_, fresh := v21Hear(nil)
	if fresh.quality() != 0 || !math.IsInf(fresh.levelDBm0(), -1) {
		t.Errorf("before any burst: quality %v, level %v", fresh.quality(), fresh.levelDBm0())
	}
	for _, snr := range []float64{5, 10, 20} {
		pcm := line.New(line.Model{Noise: line.SNR(snr, -14)}).Run(v21Sound(v21Random(600, 1), -14))
		_, r := v21Hear(pcm[:len(pcm)-2000])
		if got := r.quality(); math.Abs(got+snr) > 2 {
			t.Errorf("%v dB SNR: quality %.1f dB", snr, got)
		}
	}
}

// The frames that open a call, as they are on the line: a second of flags and DIS.
func TestV21CarriesFrames(t *testing.T) {
	dis := []byte{0xff, 0x13, 0x80, 0x00, 0xce, 0xf8, 0x80, 0x80, 0x01}
	csi := append([]byte{0xff, 0x03, 0x40}, "                0987654321"...)
	var tx HDLCTransmitter
	tx.Start(300)
	tx.Queue(csi)
	tx.Queue(dis)
	tx.Finish()
	var bits []byte
	for b := tx.NextBit(); b != End; b = tx.NextBit() {
		bits = append(bits, byte(b))
	}
	m := line.Model{OffsetHz: -12, SkewPPM: 300, Band: true, Law: line.ALaw, GainDB: -20, Noise: line.Noise{When: line.Always, DBm0: -40}}
	pcm := line.New(m).Run(v21Sound(bits, -14))
	var h heardFrames
	var frames HDLCReceiver
	frames.Start(&h)
	var r v21Receiver
	r.start(&frames)
	r.feed(pcm)
	want := []string{"carrier up", "training succeeded", "flags",
		"good ff03402020202020202020202020202020202030393837363534333231", "good ff138000cef8808001", "flags lost", "carrier down"}
	if !slices.Equal(h.lines, want) {
		t.Errorf("heard %q\nwant %q", h.lines, want)
	}
}

// A burst has exactly 8000/300 samples a bit, however it is read, and its level.
func TestV21Transmitter(t *testing.T) {
	bits := v21Random(900, 4)
	want := v21Sound(bits, -14)[1600:]
	want = want[:len(want)-1600]
	if len(want) != 24000 {
		t.Errorf("900 bits are %d samples, want 24000", len(want))
	}
	if got := line.LevelDBm0(want); math.Abs(got+14) > 0.05 {
		t.Errorf("%.2f dBm0, want -14", got)
	}
	for _, size := range []int{1, 13, 80} {
		var tx v21Transmitter
		source := v21Bits(bits)
		tx.start(-14, &source)
		var got []int16
		for block := make([]int16, size); ; {
			n := tx.read(block)
			got = append(got, block[:n]...)
			if n < size {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("reads of %d samples give another sound", size)
		}
		if n := tx.read(make([]int16, 5)); n != 0 {
			t.Errorf("%d samples after the end", n)
		}
	}
}

// The same samples and the same bits on every processor.
func TestV21IsBitExact(t *testing.T) {
	pcm := v21Sound(v21Random(2000, 5), -30)
	if got, want := v21Hash(pcm), uint64(v21SoundHash); got != want {
		t.Errorf("samples sent: %#x, want %#x", got, want)
	}
	lcg := uint32(1)
	for i := range pcm { // 2 dB SNR of noise by integers
		sum := int32(0)
		for range 4 {
			lcg = lcg*1664525 + 1013904223
			sum += int32(lcg) >> 21
		}
		pcm[i] += int16(sum / 3)
	}
	h, r := &v21Heard{}, &v21Receiver{}
	r.start(h)
	var trace []int16
	for at := 0; at+160 <= len(pcm); at += 160 {
		r.feed(pcm[at : at+160])
		trace = append(trace, int16(r.clockStep), int16(r.clockStep>>16), int16(r.turnStep), int16(r.level), int16(r.level>>16))
	}
	for _, b := range h.bursts {
		for _, bit := range b {
			trace = append(trace, int16(bit))
		}
	}
	if got, want := v21Hash(trace), uint64(v21HeardHash); got != want {
		t.Errorf("what was heard: %#x, want %#x", got, want)
	}
}

const (
	v21SoundHash = 0x4c4518ae76eb01bc
	v21HeardHash = 0xbd85f9c85a66eae
)

// v21Hash is FNV-1a of 64 bits over samples, the lower octet first.
func v21Hash(pcm []int16) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range pcm {
		h = (h ^ uint64(byte(s))) * 1099511628211
		h = (h ^ uint64(byte(s>>8))) * 1099511628211
	}
	return h
}

func TestV21AllocatesNothing(t *testing.T) {
	var tx v21Transmitter
	var r v21Receiver
	tx.start(-14, v21Flags{})
	r.start(v21Nobody{})
	block := make([]int16, 160)
	if n := testing.AllocsPerRun(200, func() { tx.read(block); r.feed(block) }); n != 0 {
		t.Errorf("%v allocations a block", n)
	}
}

// v21Flags never ends.
type v21Flags struct{}

func (v21Flags) NextBit() int { return 1 }

func BenchmarkV21Transmit(b *testing.B) {
	var tx v21Transmitter
	tx.start(-14, v21Flags{})
	block := make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		tx.read(block)
	}
}

func BenchmarkV21Receive(b *testing.B) {
	pcm := v21Sound(v21Random(300, 1), -14)[1600:]
	r := &v21Receiver{}
	r.start(&v21Heard{})
	r.sink = v21Nobody{}
	b.ReportAllocs()
	at := 0
	for b.Loop() {
		if at+160 > 8000 {
			at = 0
		}
		r.feed(pcm[at : at+160])
		at += 160
	}
}

type v21Nobody struct{}

func (v21Nobody) PutBit(int)    {}
func (v21Nobody) Status(Status) {}
