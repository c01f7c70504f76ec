package dsp

import (
	"math"
	"slices"
	"testing"
)

func TestAmplify(t *testing.T) {
	for db := -MaxGainDB; db <= MaxGainDB; db++ {
		factor := math.Pow(10, float64(db)/20)
		in := []int16{0, 1, -1, 100, -100, 3000, -3000, 20000, -20000, 32767, -32768}
		got := slices.Clone(in)
		Amplify(got, db)
		for i, s := range in {
			want := min(max(float64(s)*factor, -32768), 32767)
			if math.Abs(float64(got[i])-want) > 0.5+math.Abs(want)/2000 {
				t.Errorf("%d by %d dB: %d, want %.1f", s, db, got[i], want)
			}
		}
	}
}

func BenchmarkAmplify(b *testing.B) {
	pcm := make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		Amplify(pcm, 6)
	}
}
