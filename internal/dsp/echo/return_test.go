package echo

import (
	"math"
	"testing"

	"tipring/internal/dsp"
)

// The far end sends back what it hears, late (a conference, a number that echoes, another
// telephone without a canceller): that is the near party, though it looks like his echo
// before him. What goes out stays as it came.
func TestTheFarEndSendsBack(t *testing.T) {
	for _, sound := range []struct {
		name        string
		near        []float64
		least, most float64 // dB, of any second
	}{
		{"700 Hz", tone(10, -12, 700), -0.5, 0.5},
		{"DTMF 5", tone(10, -12, 770, 1336), -0.5, 0.5},
		{"speech", speech(10, -16, 3, 120), -0.5, 3},
	} {
		for _, loss := range []float64{0, 3, 10, 20} {
			for _, ms := range []int{60, 120, 203, 400} {
				lowest, highest := sentBack(toPCM(sound.near), loss, ms*rate)
				if lowest < sound.least || highest > sound.most {
					t.Errorf("%s, back %.0f dB weaker after %d ms: what goes out has %.1f to %.1f dB of what came", sound.name, loss, ms, lowest, highest)
				}
			}
		}
	}
}

// sentBack returns by how much what goes out is louder than what came, in each second.
func sentBack(near []int16, loss float64, late int) (lowest, highest float64) {
	c := New(32)
	gain := math.Pow(10, -loss/20)
	out := make([]int16, len(near))
	far := make([]int16, block)
	lowest, highest = 99, -99
	for at := 0; at+block <= len(near); at += block {
		for i := range far {
			far[i] = 0
			if back := at + i - late; back >= 0 {
				far[i] = int16(gain * float64(dsp.ULawDecode(dsp.ULawEncode(out[back]))))
			}
		}
		copy(out[at:], near[at:at+block])
		c.Process(far, out[at:at+block])
		if end := at + block; end%8000 == 0 && end > 8000 {
			came, went := 1.0, 1.0
			for i := end - 8000; i < end; i++ {
				came += float64(near[i]) * float64(near[i])
				went += float64(out[i]) * float64(out[i])
			}
			d := 10 * math.Log10(went/came)
			lowest, highest = min(lowest, d), max(highest, d)
		}
	}
	return lowest, highest
}
