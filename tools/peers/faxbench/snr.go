package main

import (
	"fmt"
	"math"

	"tipring/internal/dsp/line"
)

// A channel is a line without its noise.
type channel struct {
	name  string
	model func(trial int) line.Model
}

func always(m line.Model) func(int) line.Model { return func(int) line.Model { return m } }

// worst is what two legal machines and a PCM trunk between them may do: 100 ppm at each
// end and 7 Hz, here in all four combinations of signs.
func worst(trial int) line.Model {
	m := line.Model{Band: true, Law: line.ULaw, SkewPPM: 200, OffsetHz: 7}
	if trial&1 != 0 {
		m.SkewPPM = -200
	}
	if trial&2 != 0 {
		m.OffsetHz = -7
	}
	return m
}

var clean = channel{"clean", always(line.Model{})}

const (
	ulaw     = "1e-4 µ-law"
	combined = "1e-4 ±200 ppm ±7 Hz G.712 µ-law"
)

var impaired = []channel{
	{ulaw, always(line.Model{Law: line.ULaw})},
	{"1e-4 100 ppm", always(line.Model{SkewPPM: 100})},
	{"1e-4 7 Hz", always(line.Model{OffsetHz: 7})},
	{"1e-4 all", always(line.Model{Band: true, Law: line.ULaw, SkewPPM: 100, OffsetHz: 7})},
	{combined, worst},
}

// A point is what one maker's receiver did at one signal-to-noise ratio.
type point struct {
	trials, trained int
	bits, errors    int // of trials that trained
}

func (p point) trains() bool { return p.trained*100 >= p.trials*95 }
func (p point) free() bool   { return p.trained == p.trials && p.errors == 0 }

// rate is the bit error rate; infinite where too few trials trained for one.
func (p point) rate() float64 {
	if !p.trains() || p.bits == 0 {
		return math.Inf(1)
	}
	return float64(p.errors) / float64(p.bits)
}

// A curve is a channel's points, measured when they are asked for.
type curve struct {
	s      *session
	c      channel
	out    float64 // level at the line's end, dBm0
	points map[int][]point
	err    error
}

const lowest, highest = -6, 42 // dB

func newCurve(s *session, c channel) *curve {
	k := &curve{s: s, c: c, points: map[int][]point{}}
	k.out = line.LevelDBm0(line.New(c.model(0)).Run(s.recordings[0].samples))
	return k
}

// at returns a maker's point at so many dB. After an error it is empty.
func (k *curve) at(dB, maker int) point {
	points, known := k.points[dB]
	if !known && k.err == nil {
		var outcomes [][]outcome
		outcomes, k.err = k.s.try(func(trial int) line.Model {
			m := k.c.model(trial)
			m.Noise = line.SNR(float64(dB), k.out)
			m.Seed = uint64(1000*(dB-lowest) + trial)
			return m
		})
		for _, of := range outcomes {
			points = append(points, sum(of))
		}
		k.points[dB] = points
	}
	if k.err != nil {
		return point{}
	}
	return points[maker]
}

func sum(outcomes []outcome) point {
	p := point{trials: len(outcomes)}
	for _, o := range outcomes {
		if o.trained {
			p.trained++
			p.bits += o.bits
			p.errors += o.errors
		}
	}
	return p
}

// first returns the least whole dB from which on good holds, looking from guess, or
// false when it does not hold at the highest either.
func (k *curve) first(maker, guess int, good func(point) bool) (int, bool) {
	dB := guess
	if !good(k.at(dB, maker)) {
		if !good(k.at(highest, maker)) {
			return 0, false
		}
		for dB++; dB < highest && !good(k.at(dB, maker)) && k.err == nil; dB++ {
		}
		return dB, true
	}
	for dB > lowest && good(k.at(dB-1, maker)) && k.err == nil {
		dB--
	}
	return dB, true
}

// threshold returns the dB at which the error rate falls to rate, between whole dB by
// the logarithm of the rate; NaN where it never does.
func (k *curve) threshold(maker, guess int, rate float64) float64 {
	dB, found := k.first(maker, guess, func(p point) bool { return p.rate() <= rate })
	if !found {
		return math.NaN()
	}
	above, below := k.at(dB-1, maker).rate(), k.at(dB, maker)
	if dB == lowest || math.IsInf(above, 1) || k.err != nil {
		return float64(dB)
	}
	// No error in so many bits is taken as half a one.
	low := max(below.rate(), 0.5/float64(below.bits))
	return float64(dB) - (math.Log(rate)-math.Log(low))/(math.Log(above)-math.Log(low))
}

// guesses are where to look first for an error rate of 1e-4.
var guesses = map[string]int{
	"v21": 3, "v27ter-2400": 8, "v27ter-4800": 15, "v29-7200": 17, "v29-9600": 20,
	"v17-7200": 13, "v17-9600": 17, "v17-12000": 20, "v17-14400": 24,
}

// snrRow is a receiver's line of the table.
type snrRow struct {
	trains, free string
	e3, e4, e5   float64
	impaired     []float64
}

func (b *bench) bitsOf(modem string) int {
	if modem == "v21" {
		return min(b.bits, 4000)
	}
	return b.bits
}

func (b *bench) snrRows(modem string) ([]snrRow, error) {
	s, err := b.open(modem, b.train, b.bitsOf(modem), b.trials)
	if err != nil {
		return nil, err
	}
	defer s.close()
	rows := make([]snrRow, len(b.makers))
	k := newCurve(s, clean)
	for i := range rows {
		r := &rows[i]
		guess := guesses[modem]
		r.e4 = k.threshold(i, guess, 1e-4)
		r.e3 = k.threshold(i, guess-1, 1e-3)
		r.e5 = k.threshold(i, guess+1, 1e-5)
		r.trains = whole(k.first(i, guess, point.trains))
		r.free = whole(k.first(i, guess+2, point.free))
	}
	for _, c := range impaired {
		if k.err != nil {
			return nil, k.err
		}
		k = newCurve(s, c)
		for i := range rows {
			rows[i].impaired = append(rows[i].impaired, k.threshold(i, guesses[modem], 1e-4))
		}
	}
	return rows, k.err
}

func whole(dB int, found bool) string {
	if !found {
		return "never"
	}
	return fmt.Sprint(dB)
}

func tenths(dB float64) string {
	if math.IsNaN(dB) {
		return "never"
	}
	return fmt.Sprintf("%.1f", dB)
}

func printSNR(b *bench) error {
	head := []string{"modem", "receiver", "trains >= 95 % from", "1e-3 clean", "1e-4", "1e-5", "free of errors from"}
	for _, c := range impaired {
		head = append(head, c.name)
	}
	printHead(head...)
	for _, modem := range b.modems {
		rows, err := b.snrRows(modem)
		if err != nil {
			return fmt.Errorf("%s: %w", modem, err)
		}
		for i, r := range rows {
			cells := []string{modem, b.makers[i].name, r.trains, tenths(r.e3), tenths(r.e4), tenths(r.e5), r.free}
			for _, dB := range r.impaired {
				cells = append(cells, tenths(dB))
			}
			printRow(cells...)
		}
		if b.makers[0].name == "spandsp" {
			printRow(rows[0].marks(modem)...)
		}
	}
	return nil
}

// marks are what ours is held to, from spandsp's row of the same run: half a dB more
// than its clean line on a µ-law one, 1.5 dB more on the worst, and no error from the
// ratio on where it makes none.
func (r snrRow) marks(modem string) []string {
	cells := []string{modem, "mark", "", "", tenths(r.e4 + 0.5), "", r.free}
	for _, c := range impaired {
		switch c.name {
		case ulaw:
			cells = append(cells, tenths(r.e4+0.5))
		case combined:
			cells = append(cells, tenths(r.e4+1.5))
		default:
			cells = append(cells, "")
		}
	}
	return cells
}
