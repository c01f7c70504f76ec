package main

import (
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sys/unix"

	"tipring/t38/modem"
	"tipring/tools/peers/spandsp"
)

func printSpeed(b *bench) error {
	head := []string{"modem"}
	for _, m := range b.makers {
		head = append(head, m.name+" tx", m.name+" rx")
	}
	printHead(head...)
	for _, name := range b.modems {
		row := []string{name}
		for _, m := range b.makers {
			s, err := m.speed(name)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", m.name, name, err)
			}
			row = append(row, fmt.Sprintf("%.1f", s.TxNS), fmt.Sprintf("%.1f", s.RxNS))
		}
		printRow(row...)
	}
	return nil
}

// cpuNS is the processor time of this thread so far.
func cpuNS() float64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return float64(t.Nano())
}

// random is an endless modem.BitSource that ends after left bits.
type random struct {
	seed uint32
	left int
}

// NextBit implements modem.BitSource.
func (r *random) NextBit() int {
	if r.left--; r.left < 0 {
		return modem.End
	}
	r.seed = r.seed*1664525 + 1013904223
	return int(r.seed >> 31)
}

// deaf is a modem.BitSink.
type deaf struct{}

func (deaf) PutBit(int)          {}
func (deaf) Status(modem.Status) {}

// speedTipring is sp-modem bench for our modems: 20 s of a burst, the best of five.
func speedTipring(name string) (spandsp.Speed, error) {
	mode, err := modem.ParseMode(name)
	if err != nil {
		return spandsp.Speed{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := spandsp.Speed{TxNS: math.Inf(1), RxNS: math.Inf(1)}
	samples := make([]int16, 0, 25*8000)
	for range 5 {
		t := modem.NewTransmitter(level)
		t.Start(mode, false, &random{left: 20 * mode.BitRate()})
		samples = samples[:0]
		start := cpuNS()
		for n := 160; n == 160; {
			n = t.Read(samples[len(samples) : len(samples)+160])
			samples = samples[:len(samples)+n]
		}
		best.TxNS = min(best.TxNS, (cpuNS()-start)/float64(len(samples)))

		r := modem.NewReceiver()
		r.Start(mode, false, deaf{})
		begun := cpuNS()
		for at := 0; at+160 <= len(samples); at += 160 {
			r.Feed(samples[at : at+160])
		}
		best.RxNS = min(best.RxNS, (cpuNS()-begun)/float64(len(samples)))
	}
	return best, nil
}
