package dsp

import (
	"math"
	"math/rand/v2"
	"testing"

	"tipring/internal/dsp/talker"
)

// A sounding is a kind of sound that holds no digits.
type sounding struct {
	name string
	make func(r *rand.Rand, samples int) []int16
}

// soundings are what a detector hears in an hour of calls: people of all voices, some loud,
// music, noise.
var soundings = []sounding{
	{"man", func(r *rand.Rand, n int) []int16 { return person(r, n, 80+60*r.Float64(), -14) }},
	{"woman", func(r *rand.Rand, n int) []int16 { return person(r, n, 160+80*r.Float64(), -16) }},
	{"child", func(r *rand.Rand, n int) []int16 { return person(r, n, 250+120*r.Float64(), -18) }},
	{"buzz", func(r *rand.Rand, n int) []int16 {
		pcm := make([]int16, n)
		newVoice(r.Int64()).read(pcm)
		return pcm
	}},
	{"music", music},
	{"noise", func(r *rand.Rand, n int) []int16 {
		pcm := make([]int16, n)
		sigma, smooth, y := math.Sqrt(float64(MeanSquare(-12-20*r.Float64()))), r.Float64()*0.9, 0.0
		for i := range pcm {
			y = smooth*y + (1-smooth)*r.NormFloat64()*sigma
			pcm[i] = saturate(int32(2 * y))
		}
		return pcm
	}},
}

func person(r *rand.Rand, n int, pitch, level float64) []int16 {
	pcm := make([]int16, n)
	talker.New(r.Uint64(), talker.Config{PitchHz: pitch, LevelDBm0: level + 6*r.Float64(), NoiseDBm0: -60 + 20*r.Float64()}).Read(pcm)
	return pcm
}

// music is a melody over chords of the tempered scale, tones with overtones that fade, some
// with a vibrato, and a drum.
func music(r *rand.Rand, n int) []int16 {
	mix := make([]float64, n)
	beat := SampleRate * 60 / (70 + r.IntN(90)) / 2
	root := 110 * math.Pow(2, 12*r.Float64()/12) // any tuning
	scale := []int{0, 2, 4, 5, 7, 9, 11}
	note := func(at, length int, hz, loud float64) {
		overtones, vibrato := 1+r.IntN(6), 0.006*r.Float64()*float64(r.IntN(2))
		fade := math.Pow(10, -r.Float64()*3/float64(length))
		phase, amplitude := 0.0, loud
		for i := at; i < min(at+length, n); i++ {
			phase += 2 * math.Pi * hz * (1 + vibrato*math.Sin(float64(i)*2*math.Pi*5.5/SampleRate)) / SampleRate
			amplitude *= fade
			for h := 1; h <= overtones && float64(h)*hz < 3600; h++ {
				mix[i] += amplitude / float64(h) * math.Sin(phase*float64(h))
			}
		}
	}
	degree := func(octave int) float64 {
		return root * math.Pow(2, float64(octave)+float64(scale[r.IntN(len(scale))])/12)
	}
	for at := 0; at < n; at += beat {
		if r.IntN(5) > 0 {
			note(at, beat*(1+r.IntN(3)), degree(1+r.IntN(3)), 3000)
		}
		if at/beat%4 == 0 {
			for range 3 {
				note(at, 4*beat, degree(r.IntN(3)), 1500)
			}
		}
		if r.IntN(2) == 0 {
			for i := at; i < min(at+800, n); i++ {
				mix[i] += 2000 * math.Exp(-float64(i-at)/200) * r.NormFloat64()
			}
		}
	}
	pcm := make([]int16, n)
	for i, v := range mix {
		pcm[i] = saturate(int32(v))
	}
	return pcm
}

// talkOff counts the digits that are heard in so many minutes of each kind of sound.
func talkOff(minutes int, seed uint64) map[string]int {
	heard := map[string]int{}
	for _, s := range soundings {
		r := rand.New(rand.NewPCG(seed, 24))
		var d DTMFDetector
		for range 6 * minutes {
			keys, _ := hear(&d, s.make(r, 10*SampleRate))
			heard[s.name] += len(keys)
		}
	}
	return heard
}

// ITU-T Q.24 asks for few digits in speech; here at most one in an hour. This is six minutes,
// in which there is none; BenchmarkTalkOff is hours.
func TestNoDigitInSpeechMusicAndNoise(t *testing.T) {
	for name, n := range talkOff(1, 1) {
		if n > 0 {
			t.Errorf("%d digits heard in a minute of %s", n, name)
		}
	}
}

// BenchmarkTalkOff hears an hour, ten minutes of each kind of sound, in each turn: run it with
// -benchtime 1x, or 10x for ten hours.
func BenchmarkTalkOff(b *testing.B) {
	total := map[string]int{}
	sum := 0
	for i := range b.N {
		for name, n := range talkOff(10, uint64(100+i)) {
			total[name] += n
			sum += n
		}
	}
	b.Log(b.N, "hours:", total)
	b.ReportMetric(float64(sum)/float64(b.N), "digits/hour")
}
