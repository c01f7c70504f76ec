package talker

import (
	"math"
	"slices"
	"testing"
)

// level is the r.m.s. in dBm0 of the blocks of 20 ms of pcm that keep lets through.
func levels(pcm []int16) []float64 {
	var all []float64
	for b := range slices.Chunk(pcm, 160) {
		sum := 1.0
		for _, s := range b {
			sum += float64(s) * float64(s)
		}
		all = append(all, 20*math.Log10(math.Sqrt(sum/float64(len(b)))/amplitude(0)))
	}
	return all
}

// Speech as it is on a telephone: the level asked for while spoken, 50 to 80 % of the time
// spoken, the room's noise between.
func TestSpeechIsLikeSpeech(t *testing.T) {
	for _, c := range []Config{{}, {PitchHz: 210, LevelDBm0: -15, NoiseDBm0: -50}} {
		want, room := -20.0, -62.0
		if c.LevelDBm0 != 0 {
			want, room = c.LevelDBm0, c.NoiseDBm0
		}
		all := levels(Speech(1, c, 60))
		sum, n := 0.0, 0
		quiet := slices.Clone(all)
		slices.Sort(quiet)
		for _, l := range all {
			if l > want-20 {
				sum += math.Pow(10, l/10)
				n++
			}
		}
		spoken := 10 * math.Log10(sum/float64(n))
		part := float64(n) / float64(len(all))
		floor := quiet[len(quiet)/20]
		t.Logf("%+v: spoken at %.1f dBm0, %.0f %% of the time, floor %.1f", c, spoken, 100*part, floor)
		if math.Abs(spoken-want) > 3 || part < 0.5 || part > 0.85 || math.Abs(floor-room) > 4 {
			t.Errorf("%+v: spoken at %.1f dBm0, %.0f %% of the time, floor %.1f dBm0", c, spoken, 100*part, floor)
		}
	}
}

func TestTheSameSeedSaysTheSame(t *testing.T) {
	if a, b := Speech(5, Config{}, 2), Speech(5, Config{}, 2); !slices.Equal(a, b) {
		t.Error("two readings differ")
	}
	if a, b := Speech(5, Config{}, 2), Speech(6, Config{}, 2); slices.Equal(a, b) {
		t.Error("two seeds say the same")
	}
}

func TestDistance(t *testing.T) {
	a := Speech(1, Config{}, 5)
	if d := Distance(a, a); d != 0 {
		t.Errorf("%v dB of itself", d)
	}
	half := slices.Clone(a)
	for i := range half {
		half[i] /= 2
	}
	if d := Distance(a, half); math.Abs(d-6) > 0.5 {
		t.Errorf("half as loud is %.2f dB off, want 6", d)
	}
	if near, far := Distance(a, half), Distance(a, make([]int16, len(a))); far < 2*near {
		t.Errorf("silence is %.2f dB off, half as loud %.2f", far, near)
	}
}
