// Package faxlab is what the tests of fax ports have in common: the agent with fax ports at a
// kamailio, spandsp on the line-card socket and at the far end, documents, and what holds them
// against what arrived, pixel by pixel.
package faxlab

import (
	"flag"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/tshark"
	"tipring/tools/peers/wire"
)

// Main is a TestMain's whole body: it builds the agent, and lets calls run side by side.
func Main(m *testing.M) {
	netlab.Main(agent.Build, func() int {
		// All of it is in real time, and a frame that is 100 ms late is a hole in a page: its
		// turn comes before that of whatever else a busy machine does, where we may say so.
		_ = unix.Setpriority(unix.PRIO_PGRP, 0, -15)
		flag.Parse()
		if err := flag.Set("test.parallel", "64"); err != nil { // they wait, mostly
			panic(err)
		}
		return m.Run()
	})
}

// Patience bounds the wait for a whole fax.
const Patience = 4 * time.Minute

// A Lab is a device with fax ports, one line each, at one kamailio, and a fax machine at the
// far end that has the numbers 6xx.
type Lab struct {
	Lan    *netlab.Lan
	Host   *netlab.Host // of the agent
	Server *netlab.Host
	K      *kamailio.Server
	Far    *faxend.End
	Watch  *wire.Watch
	Config agent.Ini
	Agent  *agent.Agent

	t *testing.T
}

// New makes the lab; ports says how many there are, far what the far end does.
func New(t *testing.T, ports int, far func(number string, nth int) faxend.Script) *Lab {
	t.Helper()
	return newLab(t, ports, far, func(h *netlab.Host) *netlab.Host { return h })
}

// New6 is New with IPv6 between all of them.
func New6(t *testing.T, ports int, far func(number string, nth int) faxend.Script) *Lab {
	t.Helper()
	return newLab(t, ports, far, (*netlab.Host).Six)
}

func newLab(t *testing.T, ports int, far func(string, int) faxend.Script, by func(*netlab.Host) *netlab.Host) *Lab {
	t.Helper()
	lan := netlab.New(t)
	server := lan.Host("server", 1)
	l := &Lab{t: t, Lan: lan, Host: by(lan.Host("agent", 10)), Server: by(server)}
	l.Watch = wire.Listen(t, lan, netlab.WorkDir(t))
	host := by(lan.Host("far", 20))
	l.K = kamailio.Start(t, server, kamailio.Options{Far: netip.AddrPortFrom(host.Addr, 5060)})
	l.Far = faxend.New(t, host, far)
	l.Config = agent.Base(500)
	for n := 1; n <= ports; n++ {
		l.Port(n, "fax_mode", "relay")
	}
	return l
}

// Port configures a fax port and its line.
func (l *Lab) Port(n int, more ...any) {
	line, port, user := fmt.Sprintf("sip%d", n), fmt.Sprintf("port%d", n), User(n)
	l.Config.
		Set(line, "username", user).
		Set(line, "auth_password", kamailio.Password(user)).
		Set(line, "register_addr", l.Server.Addr).
		Set(line, "codecs", "pcmu").
		Set(port, "line", n).
		Set(port, "kind", "fax").
		Set(port, "driver", fmt.Sprintf("unix:p%d", n)).
		Set(port, "csid", user)
	for i := 0; i+1 < len(more); i += 2 {
		l.Config.Set(port, more[i].(string), more[i+1])
	}
}

// User is the number of a line.
func User(n int) string { return fmt.Sprint(1000 + n) }

// Run starts the agent and registers every line.
func (l *Lab) Run(lines int) {
	l.t.Helper()
	l.Agent = agent.Start(l.t, l.Host, l.Config)
	for n := 1; n <= lines; n++ {
		l.Agent.WaitRegistered(20*time.Second, n, "primary")
	}
}

// Card connects a fax machine to a port.
func (l *Lab) Card(t *testing.T, n int, jobs ...faxcard.Job) *faxcard.Card {
	t.Helper()
	return faxcard.Start(t, l.Address(n), jobs...)
}

// Address is where the line card of a port connects.
func (l *Lab) Address(n int) string {
	return "unix:" + filepath.Join(l.Agent.Dir, "cards", fmt.Sprintf("p%d", n))
}

// Call has the far end call a port.
func (l *Lab) Call(n int, s faxend.Script) *faxend.Fax {
	if !netlab.Until(20*time.Second, func() bool { return l.Agent.Port(n).Card }) {
		l.t.Errorf("port %d does not say that its card is connected", n)
	}
	f, _ := l.Far.Call(netip.AddrPortFrom(l.Server.Addr, 5060), User(n), 2*time.Minute, s)
	return f
}

// WellFormed has tshark look at everything that the agent sent.
func (l *Lab) WellFormed() {
	l.t.Helper()
	for _, bad := range tshark.Of(l.t, l.Watch).Malformed(l.Host.Addr.String()) {
		l.t.Errorf("tshark about what the agent sent: %s", bad)
	}
	for _, word := range []string{"panic", "goroutine ", "DATA RACE"} {
		if lines := l.Agent.LogLines(word); len(lines) > 0 {
			l.t.Errorf("the agent's log: %s", lines[0])
		}
	}
}
