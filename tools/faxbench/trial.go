package main

import (
	"math/rand/v2"

	"tipring/internal/dsp/line"
	"tipring/t38/modem"
)

// A trial is a burst over a line, or with short a long training first and the burst after
// it.
type trial struct {
	mode  modem.Mode
	dBm0  float64
	bits  int
	short bool
	seed  uint64
	model line.Model
}

// A result is what was heard of the burst.
type result struct {
	trained bool
	errors  int // bits that were wrong or missing
	quality float64
}

// source gives random bits.
type source struct {
	left   int
	random *rand.PCG
	word   uint64
	have   int
}

func (s *source) NextBit() int {
	if s.left == 0 {
		return modem.End
	}
	s.left--
	if s.have == 0 {
		s.word, s.have = s.random.Uint64(), 64
	}
	b := int(s.word & 1)
	s.word >>= 1
	s.have--
	return b
}

// sink compares what comes with what was sent.
type sink struct {
	expected *source
	seen     int
	wrong    int
	trained  bool
}

func (s *sink) PutBit(bit int) {
	if want := s.expected.NextBit(); want != modem.End {
		s.seen++
		if want != bit {
			s.wrong++
		}
	}
}

func (s *sink) Status(st modem.Status) {
	if st == modem.TrainingSucceeded {
		s.trained = true
	}
}

func newSource(bits int, seed uint64) *source {
	return &source{left: bits, random: rand.NewPCG(seed, 17)}
}

const silence = 2400 // samples around a burst

func (t trial) run() result {
	r := modem.NewReceiver()
	if t.short {
		m := t.model
		m.Seed = t.seed + 1000
		t.burst(r, false, m, 2000)
	}
	m := t.model
	m.Seed = t.seed
	return t.burst(r, t.short, m, t.bits)
}

func (t trial) burst(r *modem.Receiver, short bool, m line.Model, bits int) result {
	tx := modem.NewTransmitter(t.dBm0)
	tx.Start(t.mode, short, newSource(bits, t.seed))
	s := &sink{expected: newSource(bits, t.seed)}
	r.Start(t.mode, short, s)
	l := line.New(m)
	block := make([]int16, 160)
	feed := func(in []int16) { r.Feed(l.Run(in)) }
	clear(block)
	for range silence / 160 {
		feed(block)
	}
	for tx.Busy() {
		n := tx.Read(block)
		clear(block[n:])
		feed(block)
	}
	clear(block)
	for range silence / 160 {
		feed(block)
	}
	return result{s.trained, s.wrong + bits - s.seen, r.Quality()}
}
