package main

import (
	"fmt"
	"net/netip"
	"strconv"
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
// and once between two of the same make, where ours counts until the callee rings.
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
		{"  callee of the same make: ours to its 180, theirs to its 200", measure(setupTipring), measure(setupBaresip), required, aim},
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
		values = append(values, setup(w, host.Addr, from, 200))
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
		values = append(values, setup(w, host.Addr, from, 200))
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

// setupTipring takes the time to ringing: what comes then is a telephone's, whose hook has to stay
// off for 10 ms before it counts, and whose loop is without current for a while after a far hang-up.
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
		values = append(values, setup(w, host.Addr, from, 180))
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
		values = append(values, setup(w, host.Addr, from, 200))
		caller.Wait(10*time.Second, "CALL_ESTABLISHED", n)
		caller.Command("hangup", "")
		caller.Wait(10*time.Second, "CALL_CLOSED", n)
		callee.Wait(10*time.Second, "CALL_CLOSED", n)
	}
	return values
}

// setup is the time from a caller's INVITE to the first answer of a status, in milliseconds.
func setup(w *wire.Watch, caller netip.Addr, from time.Time, status int) float64 {
	invite := w.Wait(10*time.Second, "INVITE", from, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "INVITE" && e.Src.Addr() == caller && e.Tag("To") == ""
	})
	answer := w.Wait(10*time.Second, strconv.Itoa(status), from, func(e wire.Event) bool {
		return e.Kind == wire.Response && e.Method == "INVITE" && e.Status == status && e.Dst.Addr() == caller && e.CallID() == invite.CallID()
	})
	return answer.At.Sub(invite.At).Seconds() * 1000
}
