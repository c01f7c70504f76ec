package modem

import "tipring/internal/dsp"

// v21Transmitter sends bits at 300 bit/s. It has no turn-off sequence: the tone of the
// last bit is the end.
type v21Transmitter struct {
	source BitSource // nil when the burst has ended
	peak   int32
	phase  uint32
	step   uint32 // of the present bit
	thirds int    // of a sample left of it: a bit has 80
}

const (
	v21BitThirds = 3 * SampleRate / v21Rate
	v21MarkStep  = v21MarkHz * (1 << 32) / SampleRate
	v21ZeroStep  = v21ZeroHz * (1 << 32) / SampleRate
)

// start begins a burst of that level.
func (t *v21Transmitter) start(dBm0 float64, source BitSource) {
	*t = v21Transmitter{source: source, peak: dsp.Peak(dBm0)}
}

func (t *v21Transmitter) read(out []int16) int {
	for i := range out {
		if t.thirds < 3 && !t.nextBit() {
			return i
		}
		out[i] = int16((dsp.Sine(t.phase)*t.peak + 1<<14) >> 15)
		t.phase += t.step
		t.thirds -= 3
	}
	return len(out)
}

// nextBit goes over to the next bit, which may begin within the present sample: the rest
// of the last bit's turning is done before.
func (t *v21Transmitter) nextBit() bool {
	if t.source == nil {
		return false
	}
	was, rest := t.step, t.thirds
	switch t.source.NextBit() {
	case 0:
		t.step = v21ZeroStep
	case 1:
		t.step = v21MarkStep
	default:
		t.source = nil
		return false
	}
	t.phase += uint32(int64(int32(was-t.step)) * int64(rest) / 3)
	t.thirds += v21BitThirds
	return true
}
