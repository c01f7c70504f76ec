package main

import (
	"cmp"
	"fmt"
	"strconv"
	"sync"
	"time"

	"tipring/t38/convey"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// A correction is a way to survive loss: secondaries, or parity with span and entries
// and, until there is enough for it, secondaries. Their number may be convey.Adaptive, which
// spandsp does not know.
type correction struct {
	name                       string
	secondaries, span, entries int
}

var corrections = []correction{
	{"adaptive", convey.Adaptive, 0, 0},
	{"redundancy 0", 0, 0, 0},
	{"redundancy 1", 1, 0, 0},
	{"redundancy 2", 2, 0, 0},
	redundancy3,
	{"redundancy 5", 5, 0, 0},
	{"FEC 3x3", 3, 3, 3},
	{"FEC 2x1", 3, 2, 1},
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

// A t38Case is a kind of T.38 call.
type t38Case struct {
	who     pair
	mode    mode
	guard   correction
	network lockstep.Network
}

// call sends a job and returns what the sender says of it and what it sent.
func (t t38Case) call(b *bench, j *job, seed uint64) (spandsp.Result, *traffic, error) {
	var none spandsp.Result
	from, err := t.who.from.terminal(b.ctx, order{mode: t.mode, sends: true, file: j.sent(), guard: t.guard})
	if err != nil {
		return none, nil, err
	}
	to, err := t.who.to.terminal(b.ctx, order{mode: t.mode, file: j.received(), guard: t.guard})
	if err != nil {
		return none, nil, err
	}
	var sent traffic
	there, back := t.network, t.network
	there.Seed, back.Seed = 2*seed, 2*seed+1
	there.Tap = sent.tap
	var c lockstep.Call
	c.Network(c.Terminal("sender", from), c.Terminal("receiver", to), there, back)
	r, err := ended(&c, from, to)
	return r, &sent, err
}

// textPage is the page of these calls.
var textPage = spandsp.TextPage(2376, 196, 1)

func (t t38Case) bandwidth(b *bench) (string, error) {
	j, err := newJob(textPage)
	if err != nil {
		return "", err
	}
	defer j.close()
	r, sent, err := t.call(b, j, 0)
	if err != nil {
		return "", err
	}
	if !r.OK || !j.exact() {
		return r.Text, nil
	}
	mean, peak := sent.rates(r.DCS, r.PageEnds[0])
	return fmt.Sprintf("%.1f / %.0f", mean, peak), nil
}

// survival makes a call for each trial's seed and counts those that ended well and those
// whose page is exact.
func (t t38Case) survival(b *bench) (string, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	ok, exact := 0, 0
	var failed error
	seeds := make(chan int)
	for range b.workers {
		wg.Go(func() {
			for seed := range seeds {
				well, same, err := t.trial(b, uint64(seed))
				mu.Lock()
				failed = cmp.Or(failed, err)
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
	return fmt.Sprintf("%d / %d", ok, exact), cmp.Or(failed, b.ctx.Err())
}

func (t t38Case) trial(b *bench, seed uint64) (ok, exact int, err error) {
	j, err := newJob(textPage)
	if err != nil {
		return 0, 0, err
	}
	defer j.close()
	r, _, err := t.call(b, j, seed)
	if err == nil && r.OK {
		ok = 1
		if j.exact() {
			exact = 1
		}
	}
	return ok, exact, err
}

// redundancy3 is the correction of calls over other networks than lossy ones.
var redundancy3 = correction{"redundancy 3", 3, 0, 0}

var losses = []float64{0.01, 0.03, 0.05, 0.1}

var t38Modes = []mode{{true, "mmr", 14400}, {false, "mr", 14400}}

func printT38(b *bench) error {
	head := []string{"page at 14400", "terminals", "kbit/s with ECM, mean / peak second", "without"}
	for _, ecm := range []string{"ECM", "no ECM"} {
		for _, loss := range losses {
			head = append(head, fmt.Sprintf("%s, loss %g %%: ok / exact of %d", ecm, 100*loss, b.trials))
		}
	}
	printHead(head...)
	both := b.pairs(func(m maker) bool { return m.terminal != nil })
	for _, guard := range corrections {
		for _, who := range both {
			if guard.secondaries == convey.Adaptive && !who.adaptive() {
				continue
			}
			row, err := b.t38Row(who, guard)
			if err != nil {
				return fmt.Errorf("%s, %v: %w", guard.name, who, err)
			}
			printRow(row...)
		}
	}
	return b.printNetworks(both)
}

// adaptive tells whether both can choose how much they send twice.
func (p pair) adaptive() bool { return p.from.name == "tipring" && p.to.name == "tipring" }

func (b *bench) t38Row(who pair, guard correction) ([]string, error) {
	row := []string{guard.name, who.String()}
	for _, m := range t38Modes {
		cell, err := t38Case{who: who, mode: m, guard: guard}.bandwidth(b)
		if err != nil {
			return nil, err
		}
		row = append(row, cell)
	}
	for _, m := range t38Modes {
		for _, loss := range losses {
			cell, err := t38Case{who, m, guard, lockstep.Network{Loss: loss}}.survival(b)
			if err != nil {
				return nil, err
			}
			row = append(row, cell)
		}
	}
	return row, nil
}

// printNetworks is the table of networks that do other things than lose at random.
func (b *bench) printNetworks(both []pair) error {
	fmt.Println()
	printHead("network, redundancy 3", "terminals", "ECM: ok / exact of "+strconv.Itoa(b.trials), "no ECM")
	for _, n := range []struct {
		name string
		lockstep.Network
	}{
		{"bursts of 3 lost at 2 %", lockstep.Network{Loss: 0.02 / 3, Burst: 3}},
		{"5 % reordered by 45 ms, 5 % doubled", lockstep.Network{Reorder: 0.05, Duplicate: 0.05}},
		{"100 ms delay, 60 ms jitter", lockstep.Network{Delay: 100 * time.Millisecond, Jitter: 60 * time.Millisecond}},
		{"500 ms delay", lockstep.Network{Delay: 500 * time.Millisecond}},
	} {
		for _, who := range both {
			row := []string{n.name, who.String()}
			for _, m := range t38Modes {
				cell, err := t38Case{who, m, redundancy3, n.Network}.survival(b)
				if err != nil {
					return err
				}
				row = append(row, cell)
			}
			printRow(row...)
		}
	}
	return nil
}
