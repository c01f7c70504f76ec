package main

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/baresip"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/wire"
)

// withPorts is a configuration of n lines with a telephone each.
func withPorts(n int) agent.Ini {
	c := lines(n)
	for i := 1; i <= n; i++ {
		section := fmt.Sprintf("port%d", i)
		c.Set(section, "line", i).Set(section, "driver", fmt.Sprintf("unix:p%d", i))
		c.Set(fmt.Sprintf("sip%d", i), "codecs", "pcmu")
	}
	return c
}

// setups is how many calls are set up one after the other.
const setups = 50

// setupRows: calls through one kamailio, from the caller's INVITE to its 200.
// Once to a far end that is the same for both programs and answers at once,
// and once between two of the same make; our callee then is a telephone whose
// card says off-hook the moment it is told to ring.
func setupRows(t netlab.T) []row {
	measure := func(f func(netlab.T, int) []float64) string {
		var v []float64
		if err := sub(t, func(t netlab.T) { v = f(t, setups) }); err != nil {
			return "FAILED: " + err.Error()
		}
		return fmt.Sprintf("p50 %.2f, p99 %.2f ms", quantile(v, 0.5), quantile(v, 0.99))
	}
	const required, aim = "p50 2, p99 10 ms", "p50 0.8 ms"
	return []row{
		{fmt.Sprintf("call setup through one kamailio, %d calls", setups), measure(dialTipring), measure(dialBaresip), required, aim},
		{"  callee of the same make", measure(setupTipring), measure(setupBaresip), required, aim},
	}
}

func dialTipring(t netlab.T, setups int) []float64 {
	host, w, a, far := deviceAndFar(t)
	p := a.Phone("p1")
	var values []float64
	for n := range setups {
		from := time.Now()
		p.OffHook()
		if err := a.Post("/api/v1/ports/1/call", map[string]string{"to": "600"}); err != nil {
			t.Fatalf("call: %v", err)
		}
		values = append(values, setup(w, host.Addr, from))
		a.WaitPort(10*time.Second, 1, "talking")
		p.OnHook()
		far.WaitCall(10*time.Second, n+1).Wait("BYE", 10*time.Second)
		a.WaitPort(10*time.Second, 1, "idle")
	}
	return values
}

func dialBaresip(t netlab.T, setups int) []float64 {
	host, w, b, _ := baresipAndFar(t, baresip.Options{Freq: 400})
	var values []float64
	for n := 1; n <= setups; n++ {
		from := time.Now()
		b.Command("dial", "600")
		values = append(values, setup(w, host.Addr, from))
		b.Wait(10*time.Second, "CALL_ESTABLISHED", n)
		b.Command("hangup", "")
		b.Wait(10*time.Second, "CALL_CLOSED", n)
	}
	return values
}

// deviceAndFar is an agent with a line and a telephone's port, and a far end behind one kamailio.
func deviceAndFar(t netlab.T) (*netlab.Host, *wire.Watch, *agent.Agent, *farend.UA) {
	lan := netlab.New(t)
	server, host := lan.Host("server", 1), lan.Host("device", 10)
	far := farend.New(t, lan.Host("far", 20), nil)
	kamailio.Start(t, server, kamailio.Options{Far: far.Addr})
	w := wire.Listen(t, lan, t.TempDir())
	a := agent.Start(t, host, withPorts(1))
	a.WaitRegistered(20*time.Second, 1, "")
	return host, w, a, far
}

// baresipAndFar is the same with baresip.
func baresipAndFar(t netlab.T, o baresip.Options) (*netlab.Host, *wire.Watch, *baresip.Baresip, *farend.UA) {
	lan := netlab.New(t)
	server, host := lan.Host("server", 1), lan.Host("device", 10)
	far := farend.New(t, lan.Host("far", 20), nil)
	kamailio.Start(t, server, kamailio.Options{Far: far.Addr})
	w := wire.Listen(t, lan, t.TempDir())
	o.Accounts = []string{baresip.Account("1001", "10.9.0.1", "udp", "", 600)}
	b := baresip.Start(t, host, o)
	b.WaitRegistered(10*time.Second, 1)
	return host, w, b, far
}

func setupTipring(t netlab.T, setups int) []float64 {
	_, host, w := lab(t)
	a := agent.Start(t, host, withPorts(2))
	a.WaitRegistered(20*time.Second, 1, "")
	a.WaitRegistered(20*time.Second, 2, "")
	caller, callee := a.Phone("p1"), a.PhoneWith("p2", func(p *phone.Phone) { p.AnswerAtOnce = true })
	var values []float64
	for range setups {
		from := time.Now()
		caller.OffHook()
		if err := a.Post("/api/v1/ports/1/call", map[string]string{"to": "1002"}); err != nil {
			t.Fatalf("call: %v", err)
		}
		values = append(values, setup(w, host.Addr, from))
		a.WaitPort(10*time.Second, 1, "talking")
		caller.OnHook()
		callee.OnHook()
		a.WaitPort(10*time.Second, 1, "idle")
		a.WaitPort(10*time.Second, 2, "idle")
	}
	return values
}

func setupBaresip(t netlab.T, setups int) []float64 {
	lan, host, w := lab(t)
	other := lan.Host("callee", 11)
	account := func(user string) []string { return []string{baresip.Account(user, "10.9.0.1", "udp", "", 600)} }
	caller := baresip.Start(t, host, baresip.Options{Accounts: account("1001"), Freq: 400})
	callee := baresip.Start(t, other, baresip.Options{Accounts: account("1002"), Freq: 500})
	caller.WaitRegistered(10*time.Second, 1)
	callee.WaitRegistered(10*time.Second, 1)
	var values []float64
	for n := 1; n <= setups; n++ {
		from := time.Now()
		caller.Command("dial", "1002")
		values = append(values, setup(w, host.Addr, from))
		caller.Wait(10*time.Second, "CALL_ESTABLISHED", n)
		caller.Command("hangup", "")
		caller.Wait(10*time.Second, "CALL_CLOSED", n)
		callee.Wait(10*time.Second, "CALL_CLOSED", n)
	}
	return values
}

// setup is the time from a caller's INVITE to its 200, in milliseconds.
func setup(w *wire.Watch, caller netip.Addr, from time.Time) float64 {
	invite := w.Wait(10*time.Second, "INVITE", from, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "INVITE" && e.Src.Addr() == caller && e.Tag("To") == ""
	})
	ok := w.Wait(10*time.Second, "200", from, func(e wire.Event) bool {
		return e.Kind == wire.Response && e.Method == "INVITE" && e.Status == 200 && e.Dst.Addr() == caller && e.CallID() == invite.CallID()
	})
	return ok.At.Sub(invite.At).Seconds() * 1000
}

// mediaRows: from the write of the AUDIO frame that completes a packet to that
// packet on the wire; and how regular the packets of both programs are.
func mediaRows(t netlab.T) []row {
	const d = 30 * time.Second
	var latency, ours, theirs []float64
	if err := sub(t, func(t netlab.T) {
		host, w, a, _ := deviceAndFar(t)
		var mu sync.Mutex
		var sent []time.Time
		p := a.PhoneWith("p1", func(p *phone.Phone) {
			p.Sent = func(_ int, at time.Time) { mu.Lock(); sent = append(sent, at); mu.Unlock() }
		})
		p.OffHook()
		if err := a.Post("/api/v1/ports/1/call", map[string]string{"to": "600"}); err != nil {
			t.Fatalf("call: %v", err)
		}
		a.WaitPort(10*time.Second, 1, "talking")
		p.Say(700, -12)
		time.Sleep(time.Second)
		w.KeepRTP()
		time.Sleep(d)
		events := w.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == host.Addr })
		mu.Lock()
		defer mu.Unlock()
		next := 0
		for _, e := range events {
			for next < len(sent) && !sent[next].After(e.At) {
				next++
			}
			if next > 0 {
				latency = append(latency, e.At.Sub(sent[next-1]).Seconds()*1000)
			}
		}
		ours = lateness(events)
	}); err != nil {
		t.Fatalf("%v", err)
	}
	if err := sub(t, func(t netlab.T) {
		host, w, b, _ := baresipAndFar(t, baresip.Options{Freq: 400})
		b.Command("dial", "600")
		b.Wait(10*time.Second, "CALL_ESTABLISHED", 1)
		time.Sleep(time.Second)
		w.KeepRTP()
		time.Sleep(d)
		theirs = lateness(w.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == host.Addr }))
	}); err != nil {
		t.Fatalf("%v", err)
	}
	show := func(v []float64) string {
		return fmt.Sprintf("p50 %.2f p99 %.2f max %.2f ms", quantile(v, 0.5), quantile(v, 0.99), quantile(v, 1))
	}
	return []row{
		{fmt.Sprintf("AUDIO frame to RTP on the wire, %d packets", len(latency)), show(latency), "-", "p99 0.5, max 5 ms", "p99 0.1 ms"},
		{"RTP lateness against its own clock", show(ours) + " (*)", show(theirs), "-", "-"},
		{"  (*) our card is paced by this program's timer", "", "", "", ""},
	}
}

// lateness of packets against the timestamps that they carry, in milliseconds:
// 0 for the earliest.
func lateness(events []wire.Event) []float64 {
	var v []float64
	least := math.Inf(1)
	for _, e := range events {
		d := float64(e.At.Sub(events[0].At).Microseconds())/1000 - float64(int32(e.RTP.Timestamp-events[0].RTP.Timestamp))/8
		v = append(v, d)
		least = min(least, d)
	}
	for i := range v {
		v[i] -= least
	}
	return v
}

// callRows: 32 calls at once to a far end that talks: memory and processor time of each.
func callRows(t netlab.T) []row {
	const n = 32
	type result struct{ kb, percent float64 }
	load := func(t netlab.T, pid int, dial func(), up func() bool) result {
		before := status(pid, "RssAnon")
		dial()
		if !netlab.Until(60*time.Second, up) {
			t.Fatalf("not all of %d calls came up", n)
		}
		time.Sleep(3 * time.Second)
		c := cpu(pid)
		time.Sleep(10 * time.Second)
		return result{(status(pid, "RssAnon") - before) / n, (cpu(pid) - c) / 10000 * 100 / n}
	}
	var ours, theirs result
	if err := sub(t, func(t netlab.T) {
		lan := netlab.New(t)
		server, host := lan.Host("server", 1), lan.Host("device", 10)
		far := farend.New(t, lan.Host("far", 20), nil)
		kamailio.Start(t, server, kamailio.Options{Far: far.Addr})
		a := agent.Start(t, host, withPorts(n))
		var phones []*phone.Phone
		for i := 1; i <= n; i++ {
			a.WaitRegistered(20*time.Second, i, "")
			phones = append(phones, a.Phone(fmt.Sprintf("p%d", i)))
		}
		ours = load(t, a.Pid(), func() {
			for i, p := range phones {
				p.OffHook()
				p.Say(700, -12)
				if err := a.Post(fmt.Sprintf("/api/v1/ports/%d/call", i+1), map[string]string{"to": "600"}); err != nil {
					t.Fatalf("call: %v", err)
				}
			}
		}, func() bool { return acked(far) == n })
	}); err != nil {
		t.Fatalf("%v", err)
	}
	// baresip keeps its tone's file in memory for each call, and falls silent at
	// the file's end: a short file to weigh it, a long one to see it work.
	for _, length := range []int{1, 60} {
		if err := sub(t, func(t netlab.T) {
			_, _, b, far := baresipAndFar(t, baresip.Options{Freq: 400, Seconds: length, NoRecord: true})
			var up atomic.Int64
			r := load(t, b.Pid(), func() {
				for range n { // it takes calls: of those that it makes all but one would be held
					go func() {
						if _, status := far.Dial(netip.MustParseAddrPort("10.9.0.1:5060"), "1001", 20*time.Second); status == 200 {
							up.Add(1)
						}
					}()
				}
			}, func() bool { return up.Load() == n })
			if length == 1 {
				theirs.kb = r.kb
			} else {
				theirs.percent = r.percent
			}
		}); err != nil {
			t.Logf("baresip with %d calls: %v", n, err)
		}
	}
	return []row{
		{"memory per call (anonymous), 32 calls", fmt.Sprintf("%.1f kB", ours.kb), fmt.Sprintf("%.1f kB", theirs.kb), "64 kB", "32 kB"},
		{"CPU per call, G.711 (ours with its port, theirs sends only)", fmt.Sprintf("%.3f %%", ours.percent), fmt.Sprintf("%.3f %%", theirs.percent), "0.8 % (0.4 % a leg)", "0.4 %"},
	}
}

func acked(far *farend.UA) (n int) {
	for _, c := range far.Calls() {
		if len(c.Got("ACK")) > 0 {
			n++
		}
	}
	return n
}
