package dsp

import "math"

// Meter measures the level of the samples it is given.
type Meter struct {
	sum     uint64 // of squares
	samples int
}

// Add takes samples into the measurement.
func (m *Meter) Add(in []int16) {
	sum := m.sum
	for _, s := range in {
		v := int32(s)
		sum += uint64(v * v)
	}
	m.sum = sum
	m.samples += len(in)
}

// MeanSquare returns the power, in squares of a sample; 0 before any sample.
func (m *Meter) MeanSquare() uint64 {
	if m.samples == 0 {
		return 0
	}
	return m.sum / uint64(m.samples)
}

// DBm0 returns the level, -Inf for silence.
func (m *Meter) DBm0() float64 { return powerDBm0(float64(m.sum) / float64(max(m.samples, 1))) }

// Reset begins a new measurement.
func (m *Meter) Reset() { *m = Meter{} }

// powerDBm0 returns the level of a mean square: a full-scale sine has half its peak's square.
func powerDBm0(meanSquare float64) float64 {
	return 10*math.Log10(meanSquare/(maxSample*maxSample/2)) + fullScaleDBm0
}

// MeanSquare returns the power of a sine of that level, to compare with Meter's and
// Goertzel's.
func MeanSquare(dBm0 float64) uint64 {
	return uint64(math.Round(maxSample * maxSample / 2 * math.Pow(10, (dBm0-fullScaleDBm0)/10)))
}
