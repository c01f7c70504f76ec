package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"tipring/t38/modem"
	"tipring/tools/peers/spandsp"
)

// level is that of every burst as it is sent; a line may change it.
const level = -14.0 // dBm0

// A recording is bursts as they leave the transmitter, and what was said in them.
type recording struct {
	samples []int16
	bits    []string
}

// flags go before the bits of V.21, which has no training: T.30 sends a second of them.
var flags = strings.Repeat("01111110", 8)

// record makes one recording: a burst for each word of train, of n bits each.
func (b *bench) record(name, train string, n int, seed uint64) (recording, error) {
	var r recording
	var said []string
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	for range strings.Split(train, ",") {
		bits := randomBits(random, n)
		r.bits = append(r.bits, bits)
		if name == "v21" {
			bits = flags + bits
		}
		said = append(said, bits)
	}
	var err error
	if b.source == "tipring" {
		r.samples, err = transmit(name, train, said)
	} else {
		r.samples, err = spandsp.Transmit(name, train, level, said...)
	}
	return r, err
}

func randomBits(r *rand.Rand, n int) string {
	bits := make([]byte, n)
	for i := range bits {
		bits[i] = '0' + byte(r.Uint32()>>31)
	}
	return string(bits)
}

// text is a burst's bits as a modem.BitSource.
type text struct{ left string }

// NextBit implements modem.BitSource.
func (t *text) NextBit() int {
	if t.left == "" {
		return modem.End
	}
	bit := int(t.left[0] - '0')
	t.left = t.left[1:]
	return bit
}

// transmit is faxmodem tx.
func transmit(name, train string, bits []string) ([]int16, error) {
	mode, err := modem.ParseMode(name)
	if err != nil {
		return nil, fmt.Errorf("transmit: %w", err)
	}
	t := modem.NewTransmitter(level)
	samples := make([]int16, 2000)
	block := make([]int16, 160)
	for i, train := range strings.Split(train, ",") {
		if i > 0 {
			samples = append(samples, make([]int16, 8000)...)
		}
		t.Start(mode, train == "short", &text{bits[i]})
		for n := len(block); n == len(block); {
			n = t.Read(block)
			samples = append(samples, block[:n]...)
		}
	}
	return append(samples, make([]int16, 4000)...), nil
}
