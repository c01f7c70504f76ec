// Package badinput proves that what is wrong around the agent, its file, its
// password, a name, a port, is told clearly, and that the rest goes on.
package badinput

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/dns"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/wire"
)

func TestMain(m *testing.M) { netlab.Main(agent.Build, m.Run) }

const patience = 20 * time.Second

// good is a device with one working line and telephone, and a second line for the test to spoil.
func good(t *testing.T) (*netlab.Lan, *netlab.Host, *farend.UA, agent.Ini) {
	t.Helper()
	lan := netlab.New(t)
	far := farend.New(t, lan.Host("far", 20), nil)
	kamailio.Start(t, lan.Host("server", 1), kamailio.Options{Algorithm: "MD5", Far: far.Addr})
	config := agent.Base(100).
		Set("sip1", "username", "1001").
		Set("sip1", "auth_password", kamailio.Password("1001")).
		Set("sip1", "register_addr", "10.9.0.1").
		Set("sip1", "codecs", "pcmu").
		Set("sip2", "username", "1002").
		Set("sip2", "auth_password", kamailio.Password("1002")).
		Set("sip2", "register_addr", "10.9.0.1").
		Set("port1", "line", 1).
		Set("port1", "driver", "unix:p1")
	return lan, lan.Host("agent", 10), far, config
}

// works makes a call on line 1.
func works(t *testing.T, a *agent.Agent, far *farend.UA) {
	t.Helper()
	a.WaitRegistered(patience, 1, "primary")
	p := a.Phone("p1")
	p.OffHook()
	p.WaitTone(patience, phone.DialTone...)
	before := len(far.Calls())
	p.Dial("600#")
	c := far.WaitCall(patience, before+1)
	p.WaitTone(patience, 1000)
	p.OnHook()
	if !c.Wait("BYE", patience) {
		t.Error("the far end gets no BYE")
	}
	p.Close()
}

// A file with faults and nothing older: the agent runs without configuration,
// says every fault with its line, and takes the mended file on SIGHUP. A file
// that is broken later leaves the last good one in force.
func TestBrokenFile(t *testing.T) {
	t.Parallel()
	_, host, far, config := good(t)
	a := agent.Prepare(t, host, config)
	right, err := os.ReadFile(a.File())
	if err != nil {
		t.Fatal(err)
	}
	broken := "[sip1]\nusername = 1001\nptime = 25\nregister_port = seventy\nthis is no line\n[sip1]\n[bogus]\nx = 1\n"
	a.Write(broken)
	a.Run()
	if !netlab.Until(patience, func() bool { return a.Get("/healthz", nil) == nil }) {
		t.Fatalf("the agent does not run with a broken file:\n%s", a.Tail(20))
	}
	var not *agent.HTTPError
	if err := a.Get("/readyz", nil); !errors.As(err, &not) || not.Status != 503 {
		t.Errorf("/readyz with a broken file: %v, want 503", err)
	}
	for _, line := range []string{"tipring.ini:3", "tipring.ini:4", "tipring.ini:5", "tipring.ini:6", "tipring.ini:7"} {
		if len(a.LogLines(line)) == 0 {
			t.Errorf("the log does not tell of the fault at %s:\n%s", line, a.Tail(20))
		}
	}
	out, code := a.Command("check", "-c", a.File())
	if code != 1 || strings.Count(out, a.File()+":") < 5 || !strings.Contains(out, "register_port = seventy: want") {
		t.Errorf("tipring check: exit status %d, want 1 and every fault:\n%s", code, out)
	}

	a.Write(string(right))
	a.Reload()
	works(t, a, far)
	if err := a.Get("/readyz", nil); err != nil {
		t.Errorf("/readyz with a good file: %v", err)
	}
	if out, code := a.Command("check", "-c", a.File()); code != 0 {
		t.Errorf("tipring check of a good file: exit status %d\n%s", code, out)
	}

	a.Write(broken)
	a.Reload()
	if !netlab.Until(patience, func() bool { return len(a.LogLines("tipring.ini:4")) > 1 }) {
		t.Errorf("the broken file was not told of again:\n%s", a.Tail(10))
	}
	works(t, a, far)
}

// A file that does not exist is named.
func TestMissingFile(t *testing.T) {
	t.Parallel()
	lan := netlab.New(t)
	a := agent.Prepare(t, lan.Host("agent", 10), agent.Ini{})
	if err := os.Remove(a.File()); err != nil {
		t.Fatal(err)
	}
	a.Run()
	if !netlab.Until(patience, func() bool { return len(a.LogLines(a.File())) > 0 }) {
		t.Errorf("the log does not name the file:\n%s", a.Tail(10))
	}
	if out, code := a.Command("check", "-c", a.File()); code != 1 || !strings.Contains(out, a.File()) {
		t.Errorf("tipring check: exit status %d\n%s", code, out)
	}
}

// A wrong password: the line says so, tries slowly, and the other line works.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	lan, host, far, config := good(t)
	w := wire.Listen(t, lan, netlab.WorkDir(t))
	config.Set("sip2", "auth_password", "not it")
	a := agent.Start(t, host, config)
	works(t, a, far)
	line := a.WaitLine(patience, 2, "failed", func(l agent.Line) bool { return l.State == "failed" && l.LastError != nil })
	if !strings.Contains(*line.LastError, "1002") && !strings.Contains(*line.LastError, "10.9.0.1") {
		t.Errorf("last error %q names neither the line's address nor the server", *line.LastError)
	}
	n := 0
	if !netlab.Holds(4*time.Second, func() bool {
		n = len(w.Events(func(e wire.Event) bool {
			return e.Kind == wire.Request && e.Method == "REGISTER" && strings.Contains(e.Get("To"), "1002")
		}))
		return n <= 3
	}) {
		t.Errorf("%d REGISTERs with a wrong password in 4 s and more", n)
	}
	if len(a.LogLines("not it")) > 0 {
		t.Errorf("the password is in the log: %s", a.LogLines("not it")[0])
	}
}

// A server name that does not exist is named; the other line works.
func TestUnknownHost(t *testing.T) {
	t.Parallel()
	lan, host, far, config := good(t)
	names := dns.Start(t, lan.Host("dns", 53), nil)
	host.UseDNS(names.Host.Addr)
	config.Set("sip2", "register_addr", "nowhere.test")
	a := agent.Start(t, host, config)
	works(t, a, far)
	line := a.WaitLine(patience, 2, "failed", func(l agent.Line) bool { return l.LastError != nil })
	if !strings.Contains(*line.LastError, "nowhere.test") {
		t.Errorf("last error %q does not name the host", *line.LastError)
	}
	names.Serve(dns.Records{dns.A("nowhere.test", "10.9.0.1")})
	a.WaitRegistered(90*time.Second, 2, "primary")
}

// A SIP port that somebody else has: the log names it, and the agent runs.
func TestPortTaken(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			_, host, _, config := good(t)
			taken(t, host, network)
			a := agent.Start(t, host, config)
			if !netlab.Until(patience, func() bool { return len(a.LogLines("5060", "address already in use")) > 0 }) {
				t.Errorf("the log does not name the taken %s port:\n%s", network, a.Tail(20))
			}
			var s agent.Status
			if err := a.Get("/api/v1/status", &s); err != nil || len(s.Lines) != 2 {
				t.Errorf("status: %+v, %v", s, err)
			}
		})
	}
}

func taken(t *testing.T, host *netlab.Host, network string) {
	t.Helper()
	err := host.Do(func() error {
		if network == "udp" {
			c, err := net.ListenPacket("udp", ":5060")
			if err == nil {
				t.Cleanup(func() { _ = c.Close() })
			}
			return err
		}
		l, err := net.Listen("tcp", ":5060")
		if err == nil {
			t.Cleanup(func() { _ = l.Close() })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A line-card socket in a directory that cannot be made is named; the line works.
func TestBadDriverPath(t *testing.T) {
	t.Parallel()
	_, host, far, config := good(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	config.Set("port2", "line", 2).Set("port2", "driver", "unix:"+file+"/p2.sock")
	a := agent.Start(t, host, config)
	works(t, a, far)
	if len(a.LogLines(file)) == 0 {
		t.Errorf("the log does not name %s:\n%s", file, a.Tail(20))
	}
}

// Noise at the SIP ports harms nothing.
func TestNoise(t *testing.T) {
	t.Parallel()
	lan, host, far, config := good(t)
	a := agent.Start(t, host, config)
	a.WaitRegistered(patience, 1, "primary")
	server := lan.Host("noise", 77)
	err := server.Do(func() error {
		c, err := net.Dial("udp", netip.AddrPortFrom(host.Addr, 5060).String())
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		for _, text := range []string{
			"", "\r\n\r\n", "\x00\x01", "INVITE sip:x SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", strings.Repeat("A", 60000),
			"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nContent-Length: 99999999999999999999\r\n\r\n",
			"REGISTER sip:x SIP/2.0\r\n" + strings.Repeat("Via: SIP/2.0/UDP x;branch=z9hG4bK\r\n", 1000) + "\r\n",
		} {
			_, _ = c.Write([]byte(text))
		}
		s, err := net.Dial("tcp", netip.AddrPortFrom(host.Addr, 5060).String())
		if err != nil {
			return nil // no listener on TCP is an answer too
		}
		defer func() { _ = s.Close() }()
		_, _ = s.Write([]byte("GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 50000)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	works(t, a, far)
	if lines := a.LogLines("panic"); len(lines) > 0 {
		t.Errorf("the agent's log: %s", lines[0])
	}
}
