package modem

import (
	"math"
	"math/rand/v2"
	"testing"

	"tipring/internal/dsp"
	"tipring/internal/dsp/line"
)

// strangeSounds are what a receiver hears that is no burst of its modem, each for some
// seconds. All begin with half a second of silence.
func strangeSounds(t *testing.T) map[string][]int16 {
	const seconds = 10
	random := rand.New(rand.NewPCG(7, 7))
	sounds := map[string][]int16{}
	add := func(name string, pcm []int16) {
		sounds[name] = append(make([]int16, SampleRate/2), pcm...)
	}
	for _, dBm0 := range []float64{-48, -30, -10} {
		noise := line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: dBm0}, Seed: 3})
		sounds["noise"] = append(sounds["noise"], noise.Run(make([]int16, seconds*SampleRate))...)
	}
	add("V.21", v21Sound(v21Random(300*seconds, 5), -12))
	for _, text := range []string{"2100@-12", "1100@-12", "697@-10+1209@-10", "1800@-12", "!1800@-12/600,0", "440@-13+480@-13/2000,0/4000"} {
		signal, err := dsp.ParseSignal(text)
		if err != nil {
			t.Fatal(err)
		}
		pcm := make([]int16, seconds*SampleRate)
		var tone dsp.Tone
		tone.Start(signal)
		tone.Read(pcm)
		add(text, pcm)
	}
	add("voice", voice(random, seconds*SampleRate))
	return sounds
}

// voice has the harmonics of a pitch that wanders, in syllables.
func voice(random *rand.Rand, samples int) []int16 {
	out := make([]int16, samples)
	pitch, phase := 120.0, 0.0
	var weights [24]float64
	for i := range out {
		if i%1600 == 0 {
			pitch = 90 + 120*random.Float64()
			for k := range weights {
				weights[k] = random.ExpFloat64() / float64(k+2)
			}
		}
		phase += 2 * math.Pi * pitch / SampleRate
		v := 0.0
		for k, w := range weights {
			v += w * math.Sin(phase*float64(k+1))
		}
		out[i] = int16(3000 * v * math.Abs(math.Sin(math.Pi*float64(i)/1600)))
	}
	return out
}

func TestNothingElseStartsAReceiver(t *testing.T) {
	for name, pcm := range strangeSounds(t) {
		for _, m := range qamModes() {
			var l burstListener
			l.start(m, false)
			l.hear(pcm)
			if len(l.statuses) != 0 || len(l.bits) != 0 {
				t.Errorf("%v heard %s: %v and %d bits, want nothing", m, name, l.statuses, len(l.bits))
			}
		}
	}
}

// The bursts of one modem are not understood as those of another: they fail, or nothing
// is told of them.
func TestOtherModemsAreNotUnderstood(t *testing.T) {
	for _, sent := range qamModes() {
		pcm := burst(sent, false, false, -14, v21Random(4000, 9))
		for _, m := range qamModes() {
			if m == sent {
				continue
			}
			var l burstListener
			l.start(m, false)
			l.hear(pcm)
			for _, s := range l.statuses {
				if s == TrainingSucceeded && schemes[m].baud+schemes[m].carrierHz != schemes[sent].baud+schemes[sent].carrierHz {
					t.Errorf("%v understood %v: %v", m, sent, l.statuses)
				}
			}
		}
	}
}
