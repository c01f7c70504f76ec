package main

import (
	"fmt"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/baresip"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// A started program with n lines at one kamailio without digest.
type started struct {
	pid   int
	first float64 // milliseconds from exec to the first REGISTER on the wire
	all   float64 // to the last of n 200s
	rss   float64 // kB
	anon  float64
}

func lab(t netlab.T) (*netlab.Lan, *netlab.Host, *wire.Watch) {
	lan := netlab.New(t)
	kamailio.Start(t, lan.Host("server", 1), kamailio.Options{})
	return lan, lan.Host("device", 10), wire.Listen(t, lan, t.TempDir())
}

// lines is a configuration of n lines that is otherwise as it is built in.
func lines(n int) agent.Ini {
	c := agent.Ini{}.Set("device", "mac", "02:00:00:00:00:01").Set("device", "log_level", "warn")
	for i := 1; i <= n; i++ {
		section := fmt.Sprintf("sip%d", i)
		c.Set(section, "username", fmt.Sprint(1000+i)).Set(section, "register_addr", "10.9.0.1")
	}
	return c
}

func startTipring(t netlab.T, n int) started {
	_, host, w := lab(t)
	a := agent.Prepare(t, host, lines(n))
	from := time.Now()
	a.Run()
	return registered(t, w, a.Pid(), from, n)
}

func startBaresip(t netlab.T, n int) started {
	_, host, w := lab(t)
	var accounts []string
	for i := 1; i <= n; i++ {
		accounts = append(accounts, baresip.Account(fmt.Sprint(1000+i), "10.9.0.1", "udp", "", 3600))
	}
	from := time.Now()
	b := baresip.Start(t, host, baresip.Options{Accounts: accounts, Freq: 400, Bare: true, Started: func() { from = time.Now() }})
	return registered(t, w, b.Pid(), from, n)
}

func registered(t netlab.T, w *wire.Watch, pid int, from time.Time, n int) started {
	isOK := func(e wire.Event) bool { return e.Method == "REGISTER" && e.Status == 200 }
	first := w.Wait(20*time.Second, "REGISTER", from, func(e wire.Event) bool { return e.Kind == wire.Request && e.Method == "REGISTER" })
	if !netlab.Until(60*time.Second, func() bool { return len(w.Since(from, isOK)) >= n }) {
		t.Fatalf("%d of %d lines registered", len(w.Since(from, isOK)), n)
	}
	last := w.Since(from, isOK)[n-1]
	time.Sleep(2 * time.Second) // settle
	return started{
		pid: pid, first: first.At.Sub(from).Seconds() * 1000, all: last.At.Sub(from).Seconds() * 1000,
		rss: status(pid, "VmRSS"), anon: status(pid, "RssAnon"),
	}
}

// medians of three runs.
func medians(t netlab.T, n int, start func(netlab.T, int) started) started {
	var first, all, rss, anon []float64
	for range 3 {
		if err := sub(t, func(t netlab.T) {
			s := start(t, n)
			first, all, rss, anon = append(first, s.first), append(all, s.all), append(rss, s.rss), append(anon, s.anon)
		}); err != nil {
			t.Fatalf("%v", err)
		}
	}
	return started{first: quantile(first, 0.5), all: quantile(all, 0.5), rss: quantile(rss, 0.5), anon: quantile(anon, 0.5)}
}

func registrationRows(t netlab.T) []row {
	our8, their8 := medians(t, 8, startTipring), medians(t, 8, startBaresip)
	our256, their256 := medians(t, 256, startTipring), medians(t, 256, startBaresip)
	mb := func(s started) string { return fmt.Sprintf("%.2f MB (%.2f anonymous)", s.rss/1024, s.anon/1024) }
	per := func(many, few started) string { return fmt.Sprintf("%.1f kB", (many.rss-few.rss)/248) }
	return []row{
		{"RSS idle, 8 lines", mb(our8), mb(their8), "14 MB", "10.5 MB"},
		{"RSS, 256 lines", mb(our256), mb(their256), "18 MB", "13 MB"},
		{"RSS per line (slope 8 to 256)", per(our256, our8), per(their256, their8), "16 kB", "8 kB"},
		{"exec to first REGISTER, 8 lines", ms(our8.first), ms(their8.first), "25 ms", "15 ms"},
		{"256 lines registered, from exec", ms(our256.all), ms(their256.all), "150 ms", "100 ms"},
	}
}

func idleRows(t netlab.T) []row {
	idle := func(start func(netlab.T, int) started) string {
		var text string
		if err := sub(t, func(t netlab.T) {
			s := start(t, 8)
			c, w := cpu(s.pid), wakeups(s.pid)
			time.Sleep(60 * time.Second)
			text = fmt.Sprintf("%.1f ms, %.2f wake-ups/s, %.1f MB", cpu(s.pid)-c, (wakeups(s.pid)-w)/60, status(s.pid, "VmRSS")/1024)
		}); err != nil {
			text = "FAILED: " + err.Error()
		}
		return text
	}
	return []row{{"idle CPU over 60 s, 8 lines; RSS then", idle(startTipring), idle(startBaresip), "20 ms, 2/s, 14 MB", "10 ms"}}
}

func thousandRows(t netlab.T) []row {
	ours, theirs := startTipring(t, 1000), started{}
	if err := sub(t, func(t netlab.T) { theirs = startBaresip(t, 1000) }); err != nil {
		t.Logf("baresip with 1000 lines: %v", err)
	}
	text := func(s started) string {
		if s.pid == 0 {
			return "does not"
		}
		return fmt.Sprintf("%.0f ms, %.2f MB", s.all, s.rss/1024)
	}
	return []row{{"1000 lines registered, memory", text(ours), text(theirs), "-", "-"}}
}
