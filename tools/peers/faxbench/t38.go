package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// corrections are the ways to survive loss that are compared, as options of sp-t38.
var corrections = []struct{ name, options string }{
	{"redundancy 0", "--redundancy-image 0 --redundancy-control 0"},
	{"redundancy 1", "--redundancy-image 1 --redundancy-control 1"},
	{"redundancy 2", "--redundancy-image 2 --redundancy-control 2"},
	{"redundancy 3", "--redundancy-image 3 --redundancy-control 3"},
	{"redundancy 5", "--redundancy-image 5 --redundancy-control 5"},
	{"FEC 3x3", "--fec 3,3"},
	{"FEC 2x1", "--fec 2,1"},
}

// perPacket is what IPv4 and UDP add to a datagram, octets.
const perPacket = 28

// traffic is what one direction sends.
type traffic struct {
	sent []sending
}

type sending struct {
	at     time.Duration
	octets int
}

func (t *traffic) tap(at time.Duration, octets []byte) {
	t.sent = append(t.sent, sending{at, len(octets) + perPacket})
}

// rates returns the mean and the busiest second between two moments, kbit/s.
func (t *traffic) rates(from, to float64) (mean, peak float64) {
	seconds := map[int]int{}
	total := 0
	for _, s := range t.sent {
		if at := s.at.Seconds(); at >= from && at <= to {
			total += s.octets
			seconds[int(at)] += s.octets
		}
	}
	for _, octets := range seconds {
		peak = max(peak, float64(octets)*8/1000)
	}
	return float64(total) * 8 / 1000 / (to - from), peak
}

// t38Call sends a job between two of spandsp's terminals.
func (b *bench) t38Call(j *job, m mode, options string, n lockstep.Network, seed uint64) (spandsp.Result, *traffic, error) {
	var none spandsp.Result
	o := append(m.options("--wire", "udptl"), strings.Fields(options)...)
	from, err := spandsp.StartTerminal(b.ctx, append(o, "--send", j.sent())...)
	if err != nil {
		return none, nil, err
	}
	to, err := spandsp.StartTerminal(b.ctx, append(o, "--recv", j.received())...)
	if err != nil {
		return none, nil, err
	}
	var t traffic
	there, back := n, n
	there.Seed, back.Seed = 2*seed, 2*seed+1
	there.Tap = t.tap
	var c lockstep.Call
	c.Network(c.Terminal("sender", from), c.Terminal("receiver", to), there, back)
	// An end that waits for ever for what was lost is a call that went wrong.
	if err := c.Run(callLimit); err != nil && !errors.Is(err, lockstep.ErrLimit) {
		return none, nil, err
	}
	if _, err := to.Result(); err != nil {
		return none, nil, err
	}
	r, err := from.Result()
	return r, &t, err
}

// textPage is the page of these calls.
var textPage = spandsp.TextPage(2376, 196, 1)

func (b *bench) bandwidth(m mode, options string) (string, error) {
	j, err := newJob(textPage)
	if err != nil {
		return "", err
	}
	defer j.close()
	r, t, err := b.t38Call(j, m, options, lockstep.Network{}, 0)
	if err != nil {
		return "", err
	}
	if !r.OK || !j.exact() {
		return r.Text, nil
	}
	mean, peak := t.rates(r.DCS, r.PageEnds[0])
	return fmt.Sprintf("%.1f / %.0f", mean, peak), nil
}

// survival runs a call for each trial's seed and counts those that ended well and those
// whose page is exact.
func (b *bench) survival(m mode, options string, n lockstep.Network) (string, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	ok, exact := 0, 0
	var failed error
	seeds := make(chan int)
	for range b.workers {
		wg.Go(func() {
			for seed := range seeds {
				well, same, err := b.trial(m, options, n, uint64(seed))
				mu.Lock()
				if err != nil {
					failed = err
				}
				ok, exact = ok+well, exact+same
				mu.Unlock()
			}
		})
	}
	for seed := range b.trials {
		seeds <- seed
	}
	close(seeds)
	wg.Wait()
	if failed == nil {
		failed = b.ctx.Err()
	}
	return fmt.Sprintf("%d / %d", ok, exact), failed
}

func (b *bench) trial(m mode, options string, n lockstep.Network, seed uint64) (ok, exact int, err error) {
	j, err := newJob(textPage)
	if err != nil {
		return 0, 0, err
	}
	defer j.close()
	r, _, err := b.t38Call(j, m, options, n, seed)
	if err == nil && r.OK {
		ok = 1
		if j.exact() {
			exact = 1
		}
	}
	return ok, exact, err
}

func printT38(b *bench) error {
	losses := []float64{0.01, 0.03, 0.05, 0.1}
	head := []string{"page at 14400", "kbit/s with ECM, mean / peak second", "without"}
	for _, ecm := range []string{"ECM", "no ECM"} {
		for _, loss := range losses {
			head = append(head, fmt.Sprintf("%s, loss %g %%: ok / exact of %d", ecm, 100*loss, b.trials))
		}
	}
	printHead(head...)
	modes := []mode{{true, "mmr", 14400}, {false, "mr", 14400}}
	for _, c := range corrections {
		row := []string{c.name}
		for _, m := range modes {
			cell, err := b.bandwidth(m, c.options)
			if err != nil {
				return err
			}
			row = append(row, cell)
		}
		for _, m := range modes {
			for _, loss := range losses {
				cell, err := b.survival(m, c.options, lockstep.Network{Loss: loss})
				if err != nil {
					return err
				}
				row = append(row, cell)
			}
		}
		printRow(row...)
	}
	return b.printNetworks(modes)
}

// printNetworks is the table of networks that do other things than lose at random.
func (b *bench) printNetworks(modes []mode) error {
	fmt.Println()
	printHead("network, redundancy 3", "ECM: ok / exact of "+strconv.Itoa(b.trials), "no ECM")
	for _, n := range []struct {
		name string
		lockstep.Network
	}{
		{"bursts of 3 lost at 2 %", lockstep.Network{Loss: 0.02 / 3, Burst: 3}},
		{"5 % reordered by 45 ms, 5 % doubled", lockstep.Network{Reorder: 0.05, Duplicate: 0.05}},
		{"100 ms delay, 60 ms jitter", lockstep.Network{Delay: 100 * time.Millisecond, Jitter: 60 * time.Millisecond}},
		{"500 ms delay", lockstep.Network{Delay: 500 * time.Millisecond}},
	} {
		row := []string{n.name}
		for _, m := range modes {
			cell, err := b.survival(m, corrections[3].options, n.Network)
			if err != nil {
				return err
			}
			row = append(row, cell)
		}
		printRow(row...)
	}
	return nil
}
