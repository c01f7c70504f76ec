// Package scale proves that many lines are no other matter than one.
package scale

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

func TestMain(m *testing.M) { netlab.Main(agent.Build, m.Run) }

// A thousand lines register with digest, and fail over together when their
// server dies: its state is known once for all of them.
func TestThousandLines(t *testing.T) {
	const lines = 1000
	lan := netlab.New(t)
	p, b, host := lan.Host("primary", 1), lan.Host("backup", 2), lan.Host("agent", 10)
	kamailio.Start(t, p, kamailio.Options{Algorithm: "MD5", Other: b.Addr})
	kamailio.Start(t, b, kamailio.Options{Algorithm: "MD5", Other: p.Addr})
	w := wire.Listen(t, lan, netlab.WorkDir(t))
	config := agent.Base(500).Set("device", "log_level", "info")
	for n := 1; n <= lines; n++ {
		section, user := fmt.Sprintf("sip%d", n), fmt.Sprint(10000+n)
		config.Set(section, "username", user).
			Set(section, "auth_password", kamailio.Password(user)).
			Set(section, "register_addr", p.Addr).
			Set(section, "backup_addr", b.Addr).
			Set(section, "keepalive_interval_s", 1)
	}
	from := time.Now()
	a := agent.Start(t, host, config)
	registered := func(server string) (n int) {
		for _, l := range a.Lines() {
			if l.State == "registered" && l.Server == server {
				n++
			}
		}
		return n
	}
	if !netlab.Until(time.Minute, func() bool { return registered("primary") == lines }) {
		t.Fatalf("%d of %d lines registered within a minute", registered("primary"), lines)
	}
	t.Logf("%d lines registered in %v; resident memory %s", lines, time.Since(from).Round(time.Millisecond), resident(t, a.Pid()))
	p.BlackHole(host.Addr)
	from = time.Now()
	if !netlab.Until(2*time.Minute, func() bool { return registered("backup") == lines }) {
		t.Fatalf("%d of %d lines at the backup within two minutes", registered("backup"), lines)
	}
	t.Logf("all at the backup %v after the primary's death", time.Since(from).Round(time.Millisecond))
	wasted := len(w.Since(from.Add(15*time.Second), func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "REGISTER" && e.Dst.Addr() == p.Addr
	}))
	if wasted > lines/2 {
		t.Errorf("%d REGISTERs went to a server known to be dead", wasted)
	}
}

func resident(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
