package main

import (
	"fmt"
	"strings"

	"tipring/internal/dsp/line"
)

// A mark is what a receiver is asked to survive besides noise alone, on a µ-law line, in
// every trial of the full length.
type mark struct {
	name   string
	modems []string // beginnings of their names
	train  string
	trains bool // it is enough to train: the data is not for so much noise
	model  line.Model
}

var everyModem = []string{"v"}

var marks = append(levelMarks(), []mark{
	{"trained on, noise of 20 dB from before the burst", []string{"v29", "v17"}, "long", true, line.Model{Noise: line.Noise{When: line.Always, DBm0: level - 20}}},
	{"echo of -14 dB at 3 ms", []string{"v29-9600", "v17-9600"}, "long", false, line.Model{EchoMS: 3, EchoDB: -14, Noise: quiet}},
	{"echo of -20 dB at 3 ms", []string{"v17-14400"}, "long", false, line.Model{EchoMS: 3, EchoDB: -20, Noise: quiet}},
	{"phase jitter of 10 degrees at 60 Hz", []string{"v29-9600", "v17-9600"}, "long", false, line.Model{JitterHz: 60, JitterDeg: 10, Noise: quiet}},
	{"phase jitter of 5 degrees at 60 Hz", []string{"v17-14400"}, "long", false, line.Model{JitterHz: 60, JitterDeg: 5, Noise: quiet}},
}...)

// levelMarks are the ends of what is to be heard, and levels between.
func levelMarks() (list []mark) {
	for _, dBm0 := range []float64{-43, -36, -28, -20, -3} {
		m := line.Model{GainDB: dBm0 - level}
		list = append(list, mark{fmt.Sprintf("%g dBm0", dBm0), everyModem, "long", false, m},
			mark{fmt.Sprintf("%g dBm0, short training", dBm0), []string{"v17"}, "long,short", false, m})
	}
	return list
}

func (m mark) wants(modem string) bool {
	for _, begins := range m.modems {
		if strings.HasPrefix(modem, begins) {
			return true
		}
	}
	return false
}

// measure counts the trials that pass, by maker.
func (m mark) measure(b *bench, modem string) ([]string, error) {
	texts := make([]string, len(b.makers))
	if !m.wants(modem) {
		return texts, nil
	}
	s, err := b.open(modem, m.train, b.bitsOf(modem), b.trials)
	if err != nil {
		return nil, err
	}
	defer s.close()
	outcomes, err := s.try(func(trial int) line.Model {
		l := m.model
		l.Law, l.Seed = line.ULaw, uint64(trial)
		return l
	})
	if err != nil {
		return nil, err
	}
	for i, of := range outcomes {
		n := 0
		for _, o := range of {
			if o.clean() || m.trains && o.trained {
				n++
			}
		}
		texts[i] = fmt.Sprint(n)
	}
	return texts, nil
}

func printMarks(b *bench) error {
	printHead(append([]string{fmt.Sprintf("trials of %d without an error", b.trials), "receiver"}, b.modems...)...)
	for _, m := range marks {
		rows := make([][]string, len(b.makers))
		for _, modem := range b.modems {
			texts, err := m.measure(b, modem)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", m.name, modem, err)
			}
			for i, text := range texts {
				rows[i] = append(rows[i], text)
			}
		}
		for i, maker := range b.makers {
			printRow(append([]string{m.name, maker.name}, rows[i]...)...)
		}
	}
	return nil
}
