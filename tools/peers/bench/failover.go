package main

import (
	"fmt"
	"strings"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// failoverRows: real T1, 500 ms, three retransmissions. A device starts into
// the fault: from its first packet to the primary to the backup's 200.
func failoverRows(t netlab.T) []row {
	var rows []row
	for _, f := range []struct {
		name, transport string
		fail            func(p, agent *netlab.Host, server *kamailio.Server)
		required, aim   string
	}{
		{"UDP silent", "udp", func(p, a *netlab.Host, _ *kamailio.Server) { p.BlackHole(a.Addr) }, "8.0 s", "7.5 s"},
		{"UDP, ICMP port unreachable", "udp", func(p, a *netlab.Host, _ *kamailio.Server) { p.Reject(a.Addr, "icmp-port-unreachable") }, "0.050 s", "1 RTT"},
		{"UDP, ICMP host unreachable", "udp", func(p, a *netlab.Host, _ *kamailio.Server) { p.Reject(a.Addr, "icmp-host-unreachable") }, "0.050 s", "1 RTT"},
		{"UDP, dead neighbour", "udp", func(p, a *netlab.Host, _ *kamailio.Server) { p.Unplug() }, "4.0 s", "3.1 s"},
		{"UDP, 503", "udp", func(_, _ *netlab.Host, s *kamailio.Server) { s.Fail(503, 0) }, "0.020 s", "1-3 RTT"},
		{"TCP, SYN dropped", "tcp", func(p, a *netlab.Host, _ *kamailio.Server) { p.DropSYN(a.Addr) }, "8.0 s", "7.5 s"},
		{"TCP, accepted then silent", "tcp", func(p, a *netlab.Host, _ *kamailio.Server) { p.AcceptThenSilence(a.Addr) }, "8.0 s", "7.5 s"},
		{"TCP, refused", "tcp", func(p, a *netlab.Host, _ *kamailio.Server) { p.RefuseTCP(a.Addr) }, "0.020 s", "1-3 RTT"},
		{"TCP, 503", "tcp", func(_, _ *netlab.Host, s *kamailio.Server) { s.Fail(503, 0) }, "0.020 s", "1-3 RTT"},
	} {
		width := *runs
		if strings.HasPrefix(f.required, "0") {
			width = 1 // milliseconds are measured one at a time
		}
		v := side(t, *runs, width, func(t netlab.T) float64 {
			l := failoverLab(t, f.transport)
			f.fail(l.p, l.host, l.server)
			from := time.Now()
			agent.Start(t, l.host, l.config)
			return l.moved(from)
		})
		rows = append(rows, row{fmt.Sprintf("failover of REGISTER: %s (%d runs)", f.name, *runs),
			"p95 " + seconds(quantile(v, 0.95)) + ", p50 " + seconds(quantile(v, 0.5)), "no failover", f.required, f.aim})
	}
	known := side(t, *runs, *runs, func(t netlab.T) float64 { return l0(t, "options") })
	unknown := side(t, *runs, *runs, func(t netlab.T) float64 { return l0(t, "none") })
	return append(rows,
		row{"failover of INVITE: UDP silent, unknown", "p95 " + seconds(quantile(unknown, 0.95)) + ", p50 " + seconds(quantile(unknown, 0.5)), "no failover", "8.0 s", "7.5 s"},
		row{"failover of INVITE: UDP silent, seen by keep-alive", "p95 " + seconds(quantile(known, 0.95)) + ", p50 " + seconds(quantile(known, 0.5)), "no failover", "0 s added", "0 s"},
	)
}

type failoverLabs struct {
	t          netlab.T
	host, p, b *netlab.Host
	server     *kamailio.Server
	far        *farend.UA
	watch      *wire.Watch
	config     agent.Ini
}

func failoverLab(t netlab.T, transport string) *failoverLabs {
	lan := netlab.New(t)
	l := &failoverLabs{t: t, host: lan.Host("device", 10), p: lan.Host("primary", 1), b: lan.Host("backup", 2)}
	l.far = farend.New(t, lan.Host("far", 20), nil)
	l.server = kamailio.Start(t, l.p, kamailio.Options{Far: l.far.Addr})
	kamailio.Start(t, l.b, kamailio.Options{Far: l.far.Addr})
	l.watch = wire.Listen(t, lan, t.TempDir())
	l.config = withPorts(1).Set("sip1", "transport", transport).
		Set("sip1", "backup_addr", l.b.Addr).Set("sip1", "backup_transport", transport)
	return l
}

// moved is the time from the first packet to the primary to the backup's 200.
func (l *failoverLabs) moved(from time.Time) float64 {
	first := l.watch.Wait(20*time.Second, "packet to the primary", from, func(e wire.Event) bool {
		return e.Src.Addr() == l.host.Addr && e.Dst.Addr() == l.p.Addr && (e.Kind == wire.Request || e.Kind == wire.SYN || e.Kind == wire.ARP)
	})
	ok := l.watch.Wait(60*time.Second, "200 of the backup", from, func(e wire.Event) bool {
		return e.Kind == wire.Response && e.Status == 200 && e.Method == "REGISTER" && e.Src.Addr() == l.b.Addr
	})
	return ok.At.Sub(first.At).Seconds()
}

// l0 is the time from a call's first INVITE, after the primary's death, to the
// 200 that answers it.
func l0(t netlab.T, keepalive string) float64 {
	l := failoverLab(t, "udp")
	l.config.Set("sip1", "keepalive", keepalive).Set("sip1", "keepalive_interval_s", 1)
	a := agent.Start(t, l.host, l.config)
	a.WaitRegistered(20*time.Second, 1, "primary")
	p := a.Phone("p1")
	l.p.BlackHole(l.host.Addr)
	if keepalive == "options" {
		a.WaitRegistered(60*time.Second, 1, "backup")
	}
	from := time.Now()
	p.OffHook()
	if err := a.Post("/api/v1/ports/1/call", map[string]string{"to": "600"}); err != nil {
		t.Fatalf("call: %v", err)
	}
	invite := l.watch.Wait(20*time.Second, "INVITE", from, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "INVITE" && e.Src.Addr() == l.host.Addr
	})
	ok := l.watch.Wait(60*time.Second, "200", from, func(e wire.Event) bool {
		return e.Kind == wire.Response && e.Status == 200 && e.Method == "INVITE" && e.Dst.Addr() == l.host.Addr
	})
	return ok.At.Sub(invite.At).Seconds()
}
