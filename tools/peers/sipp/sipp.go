// Package sipp runs sipp scenarios as the other end of calls.
package sipp

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tipring/tools/peers/netlab"
)

//go:embed scenarios
var scenarios embed.FS

// A Sipp is a running scenario.
type Sipp struct {
	*netlab.Process
	t    netlab.T
	dir  string
	name string
}

// Serve runs a scenario, such as "uas", that takes calls at the host's port
// 5060 and echoes media; extra arguments are sipp's. "uas_fail:486" refuses with 486.
func Serve(t netlab.T, host *netlab.Host, scenario string, calls int, extra ...string) *Sipp {
	t.Helper()
	s := start(t, host, scenario, calls, append(extra, "-rtp_echo"))
	if !netlab.Until(10*time.Second, func() bool { return bound(host) }) {
		t.Fatalf("sipp %s does not listen:\n%s", scenario, s.Tail(20))
	}
	return s
}

// Call runs a calling scenario against a server, addr:port.
func Call(t netlab.T, host *netlab.Host, scenario, server, number string, calls int, extra ...string) *Sipp {
	t.Helper()
	return start(t, host, scenario, calls, append(extra, "-rtp_echo", "-s", number, server))
}

func start(t netlab.T, host *netlab.Host, scenario string, calls int, extra []string) *Sipp {
	t.Helper()
	s := &Sipp{t: t, dir: netlab.WorkDir(t), name: scenario}
	scenario, status, _ := strings.Cut(scenario, ":")
	text, err := scenarios.ReadFile("scenarios/" + scenario + ".xml")
	text = bytes.ReplaceAll(text, []byte("[status]"), []byte(status))
	file := filepath.Join(s.dir, scenario+".xml")
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatalf("sipp: %v", err)
	}
	args := []string{
		"-sf", file, "-i", host.Addr.String(), "-mi", host.Addr.String(), "-p", "5060", "-mp", "30000",
		"-m", fmt.Sprint(calls), "-nostdin", "-nd", "-trace_err", "-error_file", filepath.Join(s.dir, "errors.log"),
		"-trace_msg", "-message_file", filepath.Join(s.dir, "messages.log"), "-recv_timeout", "60000",
	}
	s.Process = host.Start(s.dir, "sipp", append(args, extra...)...)
	return s
}

// Passed waits until the scenario has run its course and fails the test when
// it did not go as written.
func (s *Sipp) Passed(limit time.Duration) {
	s.t.Helper()
	code, err := s.Wait(limit)
	if code != 0 || err != nil {
		problems, _ := os.ReadFile(filepath.Join(s.dir, "errors.log"))
		s.t.Fatalf("sipp %s ended with status %d (%v):\n%.3000s", s.name, code, err, problems)
	}
}

// bound reports whether somebody listens on UDP port 5060 of the host.
func bound(h *netlab.Host) bool {
	found := false
	_ = h.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/udp")
		if err != nil {
			return err
		}
		found = containsPort(string(text), 5060)
		return nil
	})
	return found
}

// containsPort looks for a local port in the text of /proc/net/udp.
func containsPort(table string, port int) bool {
	want := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasSuffix(f[1], want) {
			return true
		}
	}
	return false
}
