package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"tipring/internal/dsp"
	"tipring/internal/dsp/line"
	"tipring/tools/peers/spandsp"
)

// tipringDetector is faxmodem detect.
type tipringDetector struct{}

func detectTipring(context.Context) (ears, error) { return tipringDetector{}, nil }

func (tipringDetector) Close() error { return nil }

// Hear implements ears.
func (tipringDetector) Hear(samples []int16) ([]string, error) {
	var d dsp.FaxDetector
	var lines []string
	for _, e := range d.Feed(nil, samples) {
		if !e.Ended && e.Tone != dsp.Reversal {
			lines = append(lines, fmt.Sprintf("%.3f %v", float64(e.At)/dsp.SampleRate, e.Tone))
		}
	}
	return lines, nil
}

// lead is the silence before a tone, seconds.
const lead = 0.5

// A sound is a tone that detectors are to tell, as it leaves its maker at the usual level.
type sound struct {
	name    string  // as detectors call it
	seconds float64 // that it lasts
	make    func() ([]int16, error)
}

var sounds = []sound{
	{"cng", 0.5, func() ([]int16, error) { return sine(1100, 0.5, false), nil }},
	{"ced", 3, func() ([]int16, error) { return sine(2100, 3, false), nil }},
	{"ansam", 3.3, func() ([]int16, error) { return sine(2100, 3.3, true), nil }},
	{"preamble", 1, func() ([]int16, error) {
		s, err := spandsp.Transmit("v21", "long", level, strings.Repeat("01111110", 37))
		return append(make([]int16, 2000), s...), err // with the quarter second that is there
	}},
}

// sine is a tone with silence around; modem makes it the ANSam of ITU-T V.8: 20 %
// of amplitude modulation at 15 Hz, and a reversal each 450 ms.
func sine(hz, seconds float64, modem bool) []int16 {
	peak := 32767 * math.Pow(10, (level-3.17)/20)
	s := make([]int16, int(8000*(lead+seconds+1)))
	for i := range int(8000 * seconds) {
		t := float64(i) / 8000
		a := peak
		if modem {
			a *= (1 + 0.2*math.Sin(2*math.Pi*15*t)) * (1 - 2*float64(int(t/0.45)%2))
		}
		s[int(8000*lead)+i] = int16(math.Round(a * math.Sin(2*math.Pi*hz*t)))
	}
	return s
}

// hit returns how long after its beginning a tone was told, or false.
func (s sound) hit(lines []string) (delay float64, ok bool) {
	for _, l := range lines {
		at, name, _ := strings.Cut(l, " ")
		seconds, err := strconv.ParseFloat(at, 64)
		if err == nil && name == s.name && seconds >= lead && seconds <= lead+s.seconds+0.3 {
			return seconds - lead, true
		}
	}
	return 0, false
}

// A listening is a sound with one detector, and what a line does to it.
type listening struct {
	sound
	samples []int16
	ears    ears
}

// delays are how fast each of several trials was told; a line's seed is the trial.
// A trial without a hit ends the list, and all is false.
func (l *listening) delays(trials int, m line.Model) (list []float64, all bool, err error) {
	for trial := range trials {
		m.Seed = uint64(trial)
		lines, err := l.ears.Hear(line.New(m).Run(l.samples))
		if err != nil {
			return nil, false, err
		}
		delay, ok := l.hit(lines)
		if !ok {
			return list, false, nil
		}
		list = append(list, delay)
	}
	return list, true, nil
}

// furthest goes from one step to the next for as long as every trial is told, and
// returns the last one that was.
func (l *listening) furthest(trials int, steps []float64, model func(step float64) line.Model) (string, error) {
	last := "none"
	for _, step := range steps {
		_, all, err := l.delays(trials, model(step))
		if err != nil || !all {
			return last, err
		}
		last = strconv.FormatFloat(step, 'g', -1, 64)
	}
	return last, nil
}

func noisy(dB float64) line.Model {
	return line.Model{Noise: line.Noise{When: line.Always, DBm0: level - dB}}
}

func (l *listening) row(trials int) ([]string, error) {
	shift := func(hz float64) line.Model { return line.Model{OffsetHz: hz} }
	low, err := l.furthest(1, slices.Collect(down(0, -120, 2)), shift)
	if err != nil {
		return nil, err
	}
	high, err := l.furthest(1, between(0, 120, 2), shift)
	if err != nil {
		return nil, err
	}
	least, err := l.furthest(1, slices.Collect(down(-14, -60, 1)), func(dBm0 float64) line.Model {
		return line.Model{GainDB: dBm0 - level}
	})
	if err != nil {
		return nil, err
	}
	snr, err := l.furthest(trials, slices.Collect(down(40, -6, 1)), noisy)
	if err != nil {
		return nil, err
	}
	delays, all, err := l.delays(trials, noisy(30))
	if err != nil {
		return nil, err
	}
	delay := "not all told"
	if all {
		slices.Sort(delays)
		delay = fmt.Sprintf("%.0f, %.0f ms", 1000*delays[len(delays)/2], 1000*delays[len(delays)-1])
	}
	return []string{low + " to +" + high + " Hz", least, snr, delay}, nil
}

func down(from, to, step float64) func(func(float64) bool) {
	return func(yield func(float64) bool) {
		for v := from; v >= to && yield(v); v -= step {
		}
	}
}

func printTones(b *bench) error {
	printHead("tone", "detector", "accepts", "down to dBm0", "every trial from SNR dB", "told after, median and slowest")
	for _, s := range sounds {
		samples, err := s.make()
		if err != nil {
			return err
		}
		for _, m := range b.makers {
			if m.detect == nil {
				continue
			}
			e, err := m.detect(b.ctx)
			if err != nil {
				return err
			}
			cells, err := (&listening{s, samples, e}).row(b.trials)
			_ = e.Close()
			if err != nil {
				return fmt.Errorf("%s, %s: %w", m.name, s.name, err)
			}
			printRow(append([]string{s.name, m.name}, cells...)...)
		}
	}
	return printFalseTones(b)
}

// printFalseTones listens to an hour each of what is no tone.
func printFalseTones(b *bench) error {
	fmt.Println()
	printHead("an hour of", "detector", "false hits")
	for _, hour := range []struct {
		name   string
		minute func(seed uint64) []int16
	}{
		{"noise of -20 dBm0", func(seed uint64) []int16 {
			m := line.Model{Noise: line.Noise{When: line.Always, DBm0: -20}, Seed: seed}
			return line.New(m).Run(make([]int16, 60*8000))
		}},
		{"sounds like voice", voice},
	} {
		for _, m := range b.makers {
			if m.detect == nil {
				continue
			}
			hits, err := falseTones(b.ctx, m, hour.minute)
			if err != nil {
				return err
			}
			printRow(hour.name, m.name, hits)
		}
	}
	return nil
}

func falseTones(ctx context.Context, m maker, minute func(seed uint64) []int16) (string, error) {
	e, err := m.detect(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = e.Close() }()
	var names []string
	for seed := range uint64(60) {
		lines, err := e.Hear(minute(seed))
		if err != nil {
			return "", err
		}
		for _, l := range lines {
			_, name, _ := strings.Cut(l, " ")
			names = append(names, name)
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", len(names), strings.Join(names, " "))), nil
}

// voice is a minute of syllables: harmonics of a pitch that glides, under two formants
// that change with each syllable, and pauses.
func voice(seed uint64) []int16 {
	r := rand.New(rand.NewPCG(seed, 7))
	s := make([]int16, 60*8000)
	for at := 0; at < len(s); {
		n := min(800+r.IntN(2400), len(s)-at)
		if r.IntN(4) > 0 {
			syllable(r, s[at:at+n])
		}
		at += n
	}
	return s
}

func syllable(r *rand.Rand, s []int16) {
	pitch, glide := 80+220*r.Float64(), (r.Float64()-0.5)*0.4
	first, second := 300+600*r.Float64(), 900+1800*r.Float64()
	phase := 0.0
	for i := range s {
		part := float64(i) / float64(len(s))
		hz := pitch * (1 + glide*part)
		phase += 2 * math.Pi * hz / 8000
		sum := 0.0
		for k := 1.0; k*hz < 3600; k++ {
			a := 1/(1+math.Pow((k*hz-first)/120, 2)) + 0.5/(1+math.Pow((k*hz-second)/160, 2))
			sum += a * math.Sin(k*phase)
		}
		s[i] = int16(max(-32000, min(32000, 5000*sum*math.Sin(math.Pi*part))))
	}
}
