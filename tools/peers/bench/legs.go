package main

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"tipring/internal/dsp/talker"
	"tipring/tools/peers/agent"
	"tipring/tools/peers/baresip"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
)

// A load is what each of several calls costs: memory, and a part of one processor.
type load struct{ kb, percent float64 }

// weigh has a program make calls, and measures it for ten seconds once they are up.
func weigh(t netlab.T, pid, calls int, dial func(), up func() bool) load {
	before := status(pid, "RssAnon")
	dial()
	if !netlab.Until(60*time.Second, up) {
		t.Fatalf("not all of %d calls came up", calls)
	}
	time.Sleep(3 * time.Second)
	n, c, from := float64(calls), cpu(pid), time.Now()
	time.Sleep(10 * time.Second)
	return load{(status(pid, "RssAnon") - before) / n, (cpu(pid) - c) / float64(time.Since(from).Milliseconds()) * 100 / n}
}

// loadTipring: telephones with a hybrid, and a far end who talks all the time, so that the
// canceller always has something to do.
func loadTipring(t netlab.T, calls int, canceller bool) (l load) {
	speech := talker.Speech(1, talker.Config{}, 60)
	if err := sub(t, func(t netlab.T) {
		lan := netlab.New(t)
		server, host := lan.Host("server", 1), lan.Host("device", 10)
		far := farend.New(t, lan.Host("far", 20), func(c *farend.Call) {
			c.Media.Play(speech)
			c.Answer()
		})
		kamailio.Start(t, server, kamailio.Options{Far: far.Addr})
		config := withPorts(calls)
		for i := 1; i <= calls && !canceller; i++ {
			config.Set(fmt.Sprintf("port%d", i), "echo_canceller", 0)
		}
		a := agent.Start(t, host, config)
		var phones []*phone.Phone
		for i := 1; i <= calls; i++ {
			a.WaitRegistered(20*time.Second, i, "")
			phones = append(phones, a.PhoneWith(fmt.Sprintf("p%d", i), func(p *phone.Phone) { p.Hybrid = true }))
		}
		l = weigh(t, a.Pid(), calls, func() {
			for i, p := range phones {
				p.OffHook()
				if err := a.Post(fmt.Sprintf("/api/v1/ports/%d/call", i+1), map[string]string{"to": "600"}); err != nil {
					t.Fatalf("call: %v", err)
				}
			}
		}, func() bool { return acked(far) == calls })
	}); err != nil {
		t.Fatalf("%v", err)
	}
	return l
}

// loadBaresip takes calls and sends what a file holds: of calls that it makes all but one
// would be held. It keeps the file in memory for each call, and falls silent at its end.
func loadBaresip(t netlab.T, calls, seconds int) (l load) {
	if err := sub(t, func(t netlab.T) {
		_, _, b, far := baresipAndFar(t, baresip.Options{Freq: 400, Seconds: seconds, NoRecord: true})
		var up atomic.Int64
		l = weigh(t, b.Pid(), calls, func() {
			for range calls {
				go func() {
					if _, status := far.Dial(netip.MustParseAddrPort("10.9.0.1:5060"), "1001", 20*time.Second); status == 200 {
						up.Add(1)
					}
				}()
			}
		}, func() bool { return up.Load() == int64(calls) })
	}); err != nil {
		t.Logf("baresip with %d calls: %v", calls, err)
	}
	return l
}

// callRows: calls at once to a far end that talks, on one processor: the memory of each, and
// the processor time of a telephone's port in its call, with all that it has and without the
// canceller.
func callRows(t netlab.T) []row {
	defer netlab.OneCore()()
	percent := func(l load) string { return fmt.Sprintf("%.3f %%", l.percent) }
	var rows []row
	for _, n := range []int{1, 8, 32, 50} {
		full, bare := loadTipring(t, n, true), loadTipring(t, n, false)
		theirs := loadBaresip(t, n, 60)
		legs := fmt.Sprintf("CPU per leg, %d on one core", n)
		rows = append(rows,
			row{legs + ": telephone, detectors, canceller", percent(full), "-", "0.8 %", "0.4 %"},
			row{legs + ": telephone, detectors; theirs sends a file", percent(bare), percent(theirs), "0.4 %", "0.15 %"})
		if n == 32 {
			rows = append(rows, row{"memory per call (anonymous), 32 calls", fmt.Sprintf("%.1f kB", full.kb), fmt.Sprintf("%.1f kB", loadBaresip(t, n, 1).kb), "64 kB", "32 kB"})
		}
	}
	return rows
}

func acked(far *farend.UA) (n int) {
	for _, c := range far.Calls() {
		if len(c.Got("ACK")) > 0 {
			n++
		}
	}
	return n
}
