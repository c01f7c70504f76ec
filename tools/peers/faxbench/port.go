package main

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"tipring/t38/convey"
	"tipring/t38/udptl"
	"tipring/tools/peers/fax/t38"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// A portCase is a kind of call of a fax machine on a port: spandsp's machine, a gateway, a
// network, and spandsp's T.38 terminal.
type portCase struct {
	ours    bool // the gateway is that of a relay port, as configured by itself; else spandsp's, redundancy 3
	mode    mode
	network lockstep.Network
}

// portPage is the page of these calls.
var portPage = spandsp.TextPage(1100, 98, 1)

// portLink is how the packets of a port go that nobody configured, to a peer that says
// T38FaxMaxDatagram:400: what fax.Settings.Link in tipring/agent/fax makes of the defaults.
var portLink = convey.LinkConfig{
	Limits: udptl.LimitsOf(400), Alive: convey.KeepAlive, Control: 5, Image: convey.Adaptive,
}

// portTrials is how many calls a cell has: rare losses want more of them than modems do.
func portTrials(b *bench) int {
	if b.trials == 40 { // nobody said otherwise
		return 50
	}
	return b.trials
}

func (p portCase) gateway(b *bench) (lockstep.GatewayEnd, error) {
	if !p.ours {
		return spandsp.StartGateway(b.ctx, "--wire", "udptl", "--redundancy-control", "3", "--redundancy-image", "3")
	}
	g := t38.NewGateway(portLink)
	g.Policy.MaxBitRate = 14400
	return g, nil
}

// call has the machine send, or receive, a page.
func (p portCase) call(b *bench, j *job, sends bool, seed uint64) (r spandsp.Result, from *traffic, err error) {
	machine, terminal := order{mode: p.mode, sends: sends, file: j.sent()}, order{mode: p.mode, sends: !sends, file: j.received(), guard: redundancy3}
	if !sends {
		machine.file, terminal.file = terminal.file, machine.file
	}
	m, err := faxSpandsp(b.ctx, machine)
	if err != nil {
		return r, nil, err
	}
	e, err := terminalSpandsp(b.ctx, terminal)
	if err != nil {
		return r, nil, err
	}
	g, err := p.gateway(b)
	if err != nil {
		return r, nil, err
	}
	var sent traffic
	there, back := p.network, p.network
	there.Seed, back.Seed, there.Tap = 2*seed, 2*seed+1, sent.tap
	var c lockstep.Call
	gw := c.Gateway("gateway", g)
	c.Line(c.Machine("machine", m), gw, nil, nil)
	c.Network(gw, c.Terminal("terminal", e), there, back)
	if sends {
		r, err = ended(&c, m, e)
	} else {
		r, err = ended(&c, e, m)
	}
	if their, ok := g.(*spandsp.Gateway); ok {
		_, _ = their.Result()
	}
	return r, &sent, err
}

func (p portCase) bandwidth(b *bench) (string, error) {
	j, err := newJob(textPage)
	if err != nil {
		return "", err
	}
	defer j.close()
	r, sent, err := p.call(b, j, true, 0)
	if err != nil || !r.OK || !j.exact() {
		return r.Text, err
	}
	mean, peak := sent.rates(r.DCS, r.PageEnds[0])
	return fmt.Sprintf("%.1f / %.0f", mean, peak), nil
}

// survival makes a call for each trial's seed, every second one to the machine, and counts
// those that ended well and those whose page is exact.
func (p portCase) survival(b *bench) (string, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	ok, exact := 0, 0
	var failed error
	seeds := make(chan int)
	for range b.workers {
		wg.Go(func() {
			for seed := range seeds {
				well, same, err := p.trial(b, seed)
				mu.Lock()
				failed = cmp.Or(failed, err)
				ok, exact = ok+well, exact+same
				mu.Unlock()
			}
		})
	}
	for seed := range portTrials(b) {
		seeds <- seed
	}
	close(seeds)
	wg.Wait()
	return fmt.Sprintf("%d / %d", ok, exact), cmp.Or(failed, b.ctx.Err())
}

func (p portCase) trial(b *bench, seed int) (ok, exact int, err error) {
	j, err := newJob(portPage)
	if err != nil {
		return 0, 0, err
	}
	defer j.close()
	r, _, err := p.call(b, j, seed%2 == 0, uint64(seed))
	if err == nil && r.OK {
		ok = 1
		if j.exact() {
			exact = 1
		}
	}
	return ok, exact, err
}

// portNetworks are what happens to the packets of a port.
var portNetworks = []struct {
	name string
	lockstep.Network
}{
	{"nothing", lockstep.Network{}},
	{"loss 1 %", lockstep.Network{Loss: 0.01}},
	{"loss 3 %", lockstep.Network{Loss: 0.03}},
	{"loss 5 %", lockstep.Network{Loss: 0.05}},
	{"loss 10 %", lockstep.Network{Loss: 0.1}},
	{"5 % doubled", lockstep.Network{Duplicate: 0.05}},
	{"5 % reordered by 45 ms", lockstep.Network{Reorder: 0.05}},
	{"100 ms jitter", lockstep.Network{Jitter: 100 * time.Millisecond}},
}

func printPort(b *bench) error {
	printHead("gateway of the machine", "kbit/s with ECM, mean / peak second", "without")
	makers := []struct {
		name string
		ours bool
	}{{"spandsp, redundancy 3", false}, {"tipring, as a port has it", true}}
	for _, m := range makers {
		row := []string{m.name}
		for _, mode := range t38Modes {
			cell, err := portCase{ours: m.ours, mode: mode}.bandwidth(b)
			if err != nil {
				return err
			}
			row = append(row, cell)
		}
		printRow(row...)
	}
	fmt.Println()
	head := []string{"network"}
	for _, m := range makers {
		for _, ecm := range []string{"ECM", "no ECM"} {
			head = append(head, fmt.Sprintf("%s, %s: ok / exact of %d", m.name, ecm, portTrials(b)))
		}
	}
	printHead(head...)
	for _, n := range portNetworks {
		row := []string{n.name}
		for _, m := range makers {
			for _, mode := range t38Modes {
				cell, err := portCase{m.ours, mode, n.Network}.survival(b)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", n.name, m.name, err)
				}
				row = append(row, cell)
			}
		}
		printRow(row...)
	}
	return nil
}
