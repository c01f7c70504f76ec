package main

import (
	"fmt"
	"slices"
	"strings"

	"tipring/internal/dsp/line"
)

// An axis is one impairment in growing amounts. A step is passed when no trial has an
// error.
type axis struct {
	name   string
	train  string
	bits   int // of a burst, at most
	trials int
	steps  []float64
	model  func(step float64) line.Model
}

// quiet is the noise that most axes have besides: 30 dB below the signal.
var quiet = line.SNR(30, level)

var axes = []axis{
	{"level, long training, dBm0", "long", 2000, 2, between(-46, 3, 1), func(dBm0 float64) line.Model {
		return line.Model{GainDB: dBm0 - level}
	}},
	{"level, after short training, dBm0", "long,short", 2000, 2, between(-46, 3, 1), func(dBm0 float64) line.Model {
		return line.Model{GainDB: dBm0 - level}
	}},
	{"frequency offset, Hz", "long", 10000, 4, between(-30, 30, 2), func(hz float64) line.Model {
		return line.Model{OffsetHz: hz, Noise: quiet}
	}},
	{"clock skew, ppm", "long", 50000, 2, []float64{-1500, -1000, -750, -500, -250, -200, -100, -50, -30, 0, 30, 50, 100, 200, 250, 500, 750, 1000, 1500}, func(ppm float64) line.Model {
		return line.Model{SkewPPM: ppm, Noise: quiet}
	}},
	{"slope 300-3400 Hz, dB, noise at -34", "long", 10000, 3, between(-30, 30, 3), func(dB float64) line.Model {
		return line.Model{SlopeDB: dB, Noise: line.SNR(34, level)}
	}},
	{"echo 1 ms, dB", "long", 10000, 3, []float64{-30, -26, -23, -20, -17, -14, -12, -10, -8, -6}, func(dB float64) line.Model {
		return line.Model{EchoMS: 1, EchoDB: dB, Noise: quiet}
	}},
	{"echo 3 ms, dB", "long", 10000, 3, []float64{-30, -26, -23, -20, -17, -14, -12, -10, -8, -6}, func(dB float64) line.Model {
		return line.Model{EchoMS: 3, EchoDB: dB, Noise: quiet}
	}},
	{"phase jitter 60 Hz, degrees", "long", 10000, 3, []float64{2, 5, 10, 15, 20, 30}, func(deg float64) line.Model {
		return line.Model{JitterHz: 60, JitterDeg: deg, Noise: quiet}
	}},
	{"noise on the line all the time, SNR dB", "long", 2000, 6, between(10, 40, 1), func(dB float64) line.Model {
		return line.Model{Noise: line.Noise{When: line.Always, DBm0: level - dB}}
	}},
}

func between(low, high, step float64) []float64 {
	var s []float64
	for v := low; v <= high; v += step {
		s = append(s, v)
	}
	return s
}

// measure says, by maker, which steps are passed.
func (a axis) measure(b *bench, modem string) ([]string, error) {
	s, err := b.open(modem, a.train, min(a.bits, b.bitsOf(modem)), a.trials)
	if err != nil {
		return nil, err
	}
	defer s.close()
	passed := make([][]bool, len(b.makers))
	for _, step := range a.steps {
		outcomes, err := s.try(func(trial int) line.Model {
			m := a.model(step)
			m.Seed = uint64(trial)
			return m
		})
		if err != nil {
			return nil, err
		}
		for i, of := range outcomes {
			passed[i] = append(passed[i], !slices.ContainsFunc(of, func(o outcome) bool { return !o.clean() }))
		}
	}
	var texts []string
	for _, p := range passed {
		texts = append(texts, ranges(a.steps, p))
	}
	return texts, nil
}

// ranges writes the steps that were passed as stretches without a gap.
func ranges(steps []float64, passed []bool) string {
	var list []string
	for i := 0; i < len(steps); i++ {
		if !passed[i] {
			continue
		}
		from := i
		for i+1 < len(steps) && passed[i+1] {
			i++
		}
		if from == i {
			list = append(list, fmt.Sprintf("%g", steps[i]))
		} else {
			list = append(list, fmt.Sprintf("%g to %g", steps[from], steps[i]))
		}
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ", ")
}

// holes silences the line within the burst, at four places by turns, and counts the
// trials whose last bits are heard afterwards.
func holes(b *bench, modem string, ms int) ([]string, error) {
	const last = 200
	s, err := b.open(modem, "long", b.bitsOf(modem), 8) // long enough that no hole is in the training
	if err != nil {
		return nil, err
	}
	defer s.close()
	heard, err := s.hear(func(trial int, samples []int16) []int16 {
		samples = slices.Clone(samples)
		at := len(samples) * (10 + trial) / 25
		clear(samples[at : at+8*ms])
		return samples
	})
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, trials := range heard {
		n := 0
		for trial, lines := range trials {
			if tail(lines, s.recordings[trial].bits[0], last) {
				n++
			}
		}
		texts = append(texts, fmt.Sprintf("%d of %d", n, len(trials)))
	}
	return texts, nil
}

// falseBursts listens to ten seconds of noise alone.
func falseBursts(b *bench, modem string, dBm0 float64) ([]string, error) {
	s, err := b.open(modem, "long", 1, 6)
	if err != nil {
		return nil, err
	}
	defer s.close()
	heard, err := s.hear(func(trial int, samples []int16) []int16 {
		l := line.New(line.Model{Noise: line.Noise{When: line.Always, DBm0: dBm0}, Seed: uint64(trial)})
		return l.Run(make([]int16, 80000))
	})
	var texts []string
	for _, trials := range heard {
		n := 0
		for _, lines := range trials {
			n += len(lines)
		}
		texts = append(texts, fmt.Sprint(n))
	}
	return texts, err
}

func printAxes(b *bench) error {
	head := []string{"axis", "receiver"}
	printHead(append(head, b.modems...)...)
	type measurement struct {
		name string
		of   func(modem string) ([]string, error)
	}
	var all []measurement
	for _, a := range axes {
		all = append(all, measurement{a.name, func(modem string) ([]string, error) {
			if a.train != "long" && !strings.HasPrefix(modem, "v17") {
				return slices.Repeat([]string{"-"}, len(b.makers)), nil
			}
			return a.measure(b, modem)
		}})
	}
	for _, ms := range []int{40, 100} {
		all = append(all, measurement{fmt.Sprintf("hole of %d ms: the end is heard", ms), func(modem string) ([]string, error) {
			return holes(b, modem, ms)
		}})
	}
	for _, dBm0 := range []float64{-48, -30} {
		all = append(all, measurement{fmt.Sprintf("bursts in a minute of %g dBm0 noise", dBm0), func(modem string) ([]string, error) {
			return falseBursts(b, modem, dBm0)
		}})
	}
	for _, m := range all {
		rows := make([][]string, len(b.makers))
		for _, modem := range b.modems {
			texts, err := m.of(modem)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", m.name, modem, err)
			}
			for i, text := range texts {
				rows[i] = append(rows[i], text)
			}
		}
		for i, row := range rows {
			printRow(append([]string{m.name, b.makers[i].name}, row...)...)
		}
	}
	return nil
}
