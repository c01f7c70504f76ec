package netlab

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(nil, m.Run) }

// Two hosts and an echo server on one of them; every fault shows the symptom
// that it is named for.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(server, client *Host)
		udp  string // what a plain UDP client sees, "" an answer; the kernel tells it of a closed port, not of a lost host
		tcp  string // what a TCP client sees when it connects, sends and reads
	}{
		{"none", func(s, c *Host) {}, "", ""},
		{"black hole", func(s, c *Host) { s.BlackHole(c.Addr) }, "timeout", "timeout at connect"},
		{"replies lost", func(s, c *Host) { s.LoseReplies(c.Addr) }, "timeout", "timeout at connect"},
		{"port unreachable", func(s, c *Host) { s.Reject(c.Addr, "icmp-port-unreachable") }, "connection refused", "connection refused at connect"},
		{"refused", func(s, c *Host) { s.RefuseTCP(c.Addr) }, "", "connection refused at connect"},
		{"SYN dropped", func(s, c *Host) { s.DropSYN(c.Addr) }, "", "timeout at connect"},
		{"accepted then silent", func(s, c *Host) { s.AcceptThenSilence(c.Addr) }, "", "timeout at read"},
		{"unplugged", func(s, c *Host) { s.Unplug(); c.Forget(s.Addr) }, "timeout", "no route to host at connect"},
		{"healed", func(s, c *Host) { s.BlackHole(c.Addr); s.Unplug(); s.Heal() }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lan := New(t)
			server, client := lan.Host("server", 1), lan.Host("client", 10)
			client.Sysctl("ipv4.neigh.eth0.retrans_time_ms", "50")
			echo(t, server)
			tt.fail(server, client)
			to := netip.AddrPortFrom(server.Addr, 7)
			if got := askUDP(client, to); got != tt.udp {
				t.Errorf("UDP: got %q, want %q", got, tt.udp)
			}
			if got := askTCP(client, to); got != tt.tcp {
				t.Errorf("TCP: got %q, want %q", got, tt.tcp)
			}
		})
	}
}

// A program on a host is in the host's network and asks the host's name server.
func TestStart(t *testing.T) {
	lan := New(t)
	h := lan.Host("h", 33)
	h.UseDNS(netip.MustParseAddr("10.9.0.53"))
	p := h.Start(WorkDir(t), "sh", "-c", "ip -o addr; cat /etc/resolv.conf; exit 3")
	code, err := p.Wait(5 * time.Second)
	if code != 3 || err != nil {
		t.Fatalf("exit status %d, %v, want 3", code, err)
	}
	for _, want := range []string{"10.9.0.33/24", "nameserver 10.9.0.53"} {
		if got := p.Tail(20); !strings.Contains(got, want) {
			t.Errorf("output lacks %q:\n%s", want, got)
		}
	}
}

// Nothing that a killed run started stays behind.
func TestSandboxKeepsNothing(t *testing.T) {
	if os.Getpid() != 1 {
		t.Fatalf("process id in the sandbox is %d, want 1", os.Getpid())
	}
	out, err := exec.Command("ip", "-o", "link").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), "\n"); n != 1 {
		t.Errorf("interfaces in the sandbox: %s, want the loopback alone", out)
	}
}

func echo(t *testing.T, h *Host) {
	t.Helper()
	err := h.Do(func() error {
		udp, err := net.ListenPacket("udp", h.Addr.String()+":7")
		if err != nil {
			return err
		}
		tcp, err := net.Listen("tcp", h.Addr.String()+":7")
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = udp.Close(); _ = tcp.Close() })
		go func() {
			b := make([]byte, 100)
			for {
				n, from, err := udp.ReadFrom(b)
				if err != nil {
					return
				}
				_, _ = udp.WriteTo(b[:n], from)
			}
		}()
		go func() {
			for {
				c, err := tcp.Accept()
				if err != nil {
					return
				}
				b := make([]byte, 100)
				n, _ := c.Read(b)
				_, _ = c.Write(b[:n])
				_ = c.Close()
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func askUDP(h *Host, to netip.AddrPort) (result string) {
	_ = h.Do(func() error {
		c, err := net.Dial("udp", to.String())
		if err != nil {
			result = reason(err)
			return nil
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = c.Write([]byte("hello"))
		_, err = c.Read(make([]byte, 100))
		result = reason(err)
		return nil
	})
	return result
}

func askTCP(h *Host, to netip.AddrPort) (result string) {
	_ = h.Do(func() error {
		c, err := net.DialTimeout("tcp", to.String(), time.Second)
		if err != nil {
			result = reason(err) + " at connect"
			return nil
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(500 * time.Millisecond))
		_, _ = c.Write([]byte("hello"))
		if _, err = c.Read(make([]byte, 100)); err != nil {
			result = reason(err) + " at read"
		}
		return nil
	})
	return result
}

func reason(err error) string {
	var no syscall.Errno
	var nerr net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &nerr) && nerr.Timeout():
		return "timeout"
	case errors.As(err, &no):
		return no.Error()
	}
	return err.Error()
}
