package media

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"tipring/internal/dsp/talker"
)

// voice is a sound of a period with harmonics, at 8000 Hz.
func voice(n int, period float64) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		for h := 1.0; h <= 8; h++ {
			pcm[i] += int16(3000 / h * math.Sin(2*math.Pi*h*float64(i)/period+h*h))
		}
	}
	return pcm
}

// energy is the mean square.
func energy(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return sum / float64(max(len(pcm), 1))
}

func TestPitchIsFound(t *testing.T) {
	for period := pitchLeast; period <= pitchMost; period += 3 {
		var c concealer
		c.played(voice(1000, float64(period)))
		got, voiced := pitch(&c.history)
		// Twice the period is as good for repeating.
		if !voiced || got != period && got != 2*period {
			t.Errorf("period of %d samples: found %d, voiced %v", period, got, voiced)
		}
	}
	var c concealer
	noise := make([]int16, 1000)
	random := rand.New(rand.NewPCG(5, 5))
	for i := range noise {
		noise[i] = int16(random.IntN(8000) - 4000)
	}
	c.played(noise)
	if _, voiced := pitch(&c.history); voiced {
		t.Error("noise has a pitch")
	}
	var silence concealer
	if _, voiced := pitch(&silence.history); voiced {
		t.Error("silence has a pitch")
	}
}

// A steady vowel goes on as it would have for 10 ms, then fades by a fifth every 10 ms and is
// over after 60 ms; whatever the frames that it is asked for in.
func TestGapInAVowel(t *testing.T) {
	for _, frame := range []int{1, 7, 80, 160, 240, 320, 480, 1600} {
		sound := voice(2000, 57)
		var c concealer
		c.noise.floor, c.noise.heard = 0, true
		c.played(sound[:1000])
		gap := make([]int16, 0, 1600)
		for len(gap) < 800 {
			part := make([]int16, frame)
			c.fill(part)
			gap = append(gap, part...)
		}
		if c.noise.loud > 4000 {
			t.Fatalf("noise of %d", c.noise.loud>>noiseBits)
		}
		for step, want := range []float64{1, 0.9, 0.7, 0.5, 0.3, 0.1, 0} {
			at := step * concealStep
			ratio := math.Sqrt(energy(gap[at:at+concealStep]) / energy(sound[1000+at:1000+at+concealStep]))
			if math.Abs(ratio-want) > 0.09 {
				t.Errorf("frames of %d: %d ms into the gap %.2f of the sound, want %.2f", frame, 10*step, ratio, want)
			}
		}
		for i, s := range gap[:concealStep] {
			if d := math.Abs(float64(s) - float64(sound[1000+i])); d > 600 {
				t.Errorf("frames of %d: sample %d is %.0f off", frame, i, d)
				break
			}
		}
	}
}

// Neither the beginning nor the end of a gap clicks: no step is bigger than those within the sound.
func TestEdgesOfGapsAreSmooth(t *testing.T) {
	steepest := func(pcm []int16) (most float64) {
		for i := 1; i < len(pcm); i++ {
			most = max(most, math.Abs(float64(pcm[i])-float64(pcm[i-1])))
		}
		return most
	}
	for _, length := range []int{80, 160, 320, 640} {
		for _, period := range []float64{41.3, 57, 77.7, 118} {
			sound := voice(4000, period)
			var c concealer
			c.played(sound[:2000])
			gap := make([]int16, length)
			c.fill(gap)
			back := slices.Clone(sound[2000+length:])
			c.played(back)
			all := slices.Concat(sound[:2000], gap, back)
			if got, limit := steepest(all), 1.35*steepest(sound); got > limit {
				t.Errorf("gap of %d samples in a period of %.1f: a step of %.0f, want %.0f at most", length, period, got, limit)
			}
			if !slices.Equal(back[longestMerge:], sound[2000+length+longestMerge:]) {
				t.Errorf("10 ms behind a gap of %d samples the sound is not itself", length)
			}
		}
	}
}

// What follows silence that was meant is not touched.
func TestWordsAreNotClipped(t *testing.T) {
	var c concealer
	c.forget()
	c.fill(make([]int16, 1000))
	want := voice(500, 60)
	got := slices.Clone(want)
	c.played(got)
	if !slices.Equal(got, want) {
		t.Error("the beginning of a word is changed")
	}
}

// losses says which of n packets are lost: the given part, in runs of that mean length (Gilbert).
func losses(seed uint64, n int, part, run float64) []bool {
	random := rand.New(rand.NewPCG(seed, 3389))
	lost := make([]bool, n)
	for i := 1; i < n; i++ {
		if lost[i-1] {
			lost[i] = random.Float64() < 1-1/run
		} else {
			lost[i] = random.Float64() < part/(run*(1-part))
		}
	}
	return lost
}

// conceal plays pcm in packets of size samples of which some are lost.
func conceal(codec string, pcm []int16, size int, lost []bool, fill func(c *concealer, out []int16)) []int16 {
	coder, _ := NewCodec(codec)
	decoder, _ := NewCodec(codec)
	var c concealer
	out := make([]int16, len(pcm))
	payload := make([]byte, size)
	for i := 0; i+size <= len(pcm); i += size {
		n := coder.Encode(payload, pcm[i:i+size])
		if lost != nil && lost[i/size] {
			fill(&c, out[i:i+size])
			continue
		}
		decoder.Decode(out[i:i+size], payload[:n])
		if fill != nil {
			c.played(out[i : i+size])
		}
	}
	return out
}

func silenceFill(c *concealer, out []int16) {
	clear(out)
	c.gone = 0
}

// A minute of speech with packets of 20 ms lost: what is heard is nearer to what was said by
// 30 % at least than where silence is played instead. G.722 needs some time after a gap to be
// itself again, whatever was made up.
func TestConcealedSpeechIsNearerToWhatWasSaid(t *testing.T) {
	const size = 160
	speech := [][]int16{talker.Speech(1, talker.Config{}, 30), talker.Speech(2, talker.Config{PitchHz: 190}, 30)}
	for _, tt := range []struct {
		codec     string
		part, run float64 // lost, and in runs of how many
		most      float64 // of the distance of silence
	}{
		{"PCMU", 0.01, 1, 0.7}, {"PCMU", 0.03, 1, 0.7}, {"PCMU", 0.05, 1, 0.7},
		{"PCMU", 0.01, 2.5, 0.7}, {"PCMU", 0.03, 2.5, 0.7}, {"PCMU", 0.05, 2.5, 0.7},
		{"PCMA", 0.03, 1, 0.7}, {"G722", 0.03, 1, 0.75},
	} {
		var ours, silence float64
		for i, pcm := range speech {
			lost := losses(uint64(i+7), len(pcm)/size, tt.part, tt.run)
			want := conceal(tt.codec, pcm, size, nil, nil)
			ours += talker.Distance(want, conceal(tt.codec, pcm, size, lost, (*concealer).fill)) / 2
			silence += talker.Distance(want, conceal(tt.codec, pcm, size, lost, silenceFill)) / 2
		}
		t.Logf("%s, %.0f %% lost in runs of %.1f: %.3f dB, silence %.3f dB: %.0f %% less", tt.codec, 100*tt.part, tt.run, ours, silence, 100*(1-ours/silence))
		if ours > tt.most*silence {
			t.Errorf("%s, %.0f %% lost in runs of %.1f: %.3f dB of what was said, silence %.3f dB", tt.codec, 100*tt.part, tt.run, ours, silence)
		}
	}
}

func BenchmarkConceal(b *testing.B) {
	pcm := talker.Speech(1, talker.Config{}, 2)
	var c concealer
	gap, sound := make([]int16, 160), make([]int16, 160)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		copy(sound, pcm[i%99*160:])
		c.played(sound)
		c.fill(gap)
	}
}
