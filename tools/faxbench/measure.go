package main

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"tipring/internal/dsp/line"
)

// A point is what bursts at one place of a sweep came to.
type point struct {
	trained, free float64 // shares of the bursts
	rate          float64 // of bit errors
}

func (t trial) point(trials int) point {
	var p point
	errors := 0
	for i := range trials {
		t.seed = uint64(i + 1)
		r := t.run()
		if r.trained {
			p.trained++
		}
		if r.errors == 0 {
			p.free++
		}
		errors += r.errors
	}
	p.trained /= float64(trials)
	p.free /= float64(trials)
	p.rate = float64(errors) / float64(trials) / float64(t.bits)
	return p
}

// measureSNR prints a row of the table. It goes down from a good ratio in steps of half a
// dB until nothing is understood.
func measureSNR(t trial, name string, trials int) {
	steps := map[float64]point{}
	start := 12 + float64(t.mode.BitRate())/700
	for snr := start; snr > -5; snr -= 0.5 {
		t.model.Noise = line.SNR(snr, t.dBm0)
		p := t.point(trials)
		steps[snr] = p
		if p.rate > 0.01 && p.trained < 0.9 {
			break
		}
	}
	fmt.Printf("%-12s %-8s trains %5s  1e-3 %5s  1e-4 %5s  1e-5 %5s  free %5s\n", t.mode, name,
		lowest(steps, func(p point) bool { return p.trained >= 0.95 }),
		crossing(steps, 1e-3), crossing(steps, 1e-4), crossing(steps, 1e-5),
		lowest(steps, func(p point) bool { return p.free == 1 }))
}

func ratios(steps map[float64]point) (all []float64) {
	for snr := range steps {
		all = append(all, snr)
	}
	sort.Sort(sort.Reverse(sort.Float64Slice(all)))
	return all
}

// lowest returns the lowest ratio from which on a condition holds.
func lowest(steps map[float64]point, holds func(point) bool) string {
	best := math.NaN()
	for _, snr := range ratios(steps) {
		if !holds(steps[snr]) {
			break
		}
		best = snr
	}
	return figure(best)
}

// crossing returns the ratio from which on the error rate is no higher, interpolated.
func crossing(steps map[float64]point, rate float64) string {
	all := ratios(steps)
	for i, snr := range all {
		high := steps[snr].rate
		if high <= rate {
			continue
		}
		if i == 0 {
			break
		}
		low := max(steps[all[i-1]].rate, rate/30)
		part := math.Log(high/rate) / math.Log(high/low)
		return figure(snr + 0.5*part)
	}
	return figure(math.NaN())
}

func figure(v float64) string {
	if math.IsNaN(v) {
		return "never"
	}
	return fmt.Sprintf("%.1f", v)
}

// axes are the impairments that can be swept.
var axes = []struct {
	name   string
	values []float64
	set    func(t *trial, v float64)
}{
	{"offset", []float64{-20, -16, -12, -10, -7, 7, 10, 12, 16, 20}, func(t *trial, v float64) { t.model.OffsetHz = v }},
	{"skew", []float64{-1000, -500, -250, -200, 200, 250, 500, 1000}, func(t *trial, v float64) { t.model.SkewPPM = v }},
	{"level", []float64{-48, -47, -46, -45, -43, -42, -40, -38, -36, -34, -32, -30, -28, -24, -20, -16, -12, -10, -8, -6, -5, -4, -3, -2, -1, 0},
		func(t *trial, v float64) { t.dBm0 = v }},
	{"slope", []float64{-24, -18, -12, -6, 6, 12, 18, 24}, func(t *trial, v float64) { t.model.SlopeDB = v }},
	{"echo1", []float64{-20, -14, -10, -6}, func(t *trial, v float64) { t.model.EchoMS, t.model.EchoDB = 1, v }},
	{"echo3", []float64{-24, -20, -17, -14, -10, -6}, func(t *trial, v float64) { t.model.EchoMS, t.model.EchoDB = 3, v }},
	{"jitter", []float64{2, 5, 10, 15, 20, 30}, func(t *trial, v float64) { t.model.JitterHz, t.model.JitterDeg = 60, v }},
	{"before", []float64{40, 30, 25, 20, 15, 10}, func(t *trial, v float64) { t.model.Noise = line.Noise{When: line.Always, DBm0: t.dBm0 - v} }},
}

func axisNames() string {
	var names []string
	for _, a := range axes {
		names = append(names, a.name)
	}
	return strings.Join(names, ", ")
}

func measureAxis(t trial, name string, snr float64, trials int) {
	for _, a := range axes {
		if a.name != name {
			continue
		}
		fmt.Printf("%-12s %-8s", t.mode, name)
		for _, v := range a.values {
			u := t
			u.model.Noise = line.SNR(snr, t.dBm0)
			if name == "level" {
				u.model.Noise = line.SNR(snr, v)
			}
			a.set(&u, v)
			p := u.point(trials)
			switch {
			case p.free == 1:
				fmt.Printf("  %g:ok", v)
			case p.trained < 1:
				fmt.Printf("  %g:trains%.0f%%", v, 100*p.trained)
			default:
				fmt.Printf("  %g:%.1e", v, p.rate)
			}
		}
		fmt.Println()
	}
}
