package targets

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"tipring/internal/ua/transport"
)

// dnsmasq starts a real name server on a free port of loopback, and ends it with the
// test. Between the look for a free port and its use another test may be faster, so it
// has several tries.
func dnsmasq(t *testing.T, args ...string) netip.AddrPort {
	t.Helper()
	path, err := exec.LookPath("dnsmasq")
	if err != nil {
		path = "/usr/sbin/dnsmasq"
		if _, err := exec.LookPath(path); err != nil {
			t.Fatal("needs dnsmasq (apt-get install dnsmasq-base)")
		}
	}
	var said bytes.Buffer
	for range 10 {
		said.Reset()
		if addr, ok := tryDnsmasq(t, path, &said, args); ok {
			return addr
		}
	}
	t.Fatalf("dnsmasq does not start: %s", &said)
	return netip.AddrPort{}
}

// tryDnsmasq reports false when dnsmasq ends instead of answering.
func tryDnsmasq(t *testing.T, path string, said *bytes.Buffer, args []string) (netip.AddrPort, bool) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().(*net.TCPAddr).AddrPort()
	_ = free.Close()
	cmd := exec.Command(path, append([]string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--no-resolv", "--no-hosts", "--no-daemon",
		"--listen-address=127.0.0.1", "--bind-interfaces", fmt.Sprintf("--port=%d", addr.Port()), "--local=/example/",
	}, args...)...)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	timeout := time.After(20 * time.Second)
	for {
		if conn, err := net.DialTimeout("tcp", addr.String(), time.Second); err == nil {
			_ = conn.Close()
			select {
			case <-ended: // somebody else answers there
				return addr, false
			default:
				return addr, true
			}
		}
		select {
		case <-ended:
			return addr, false
		case <-timeout:
			t.Fatalf("dnsmasq does not answer on %s", addr)
		case <-retry.C:
		}
	}
}

func TestAgainstDnsmasq(t *testing.T) {
	args := []string{
		"--local-ttl=77",
		"--host-record=one.example,192.0.2.11,2001:db8::11", "--host-record=two.example,192.0.2.12",
		"--cname=alias.example,two.example",
		"--srv-host=_sip._udp.pbx.example,one.example,5070,10,5", "--srv-host=_sip._udp.pbx.example,two.example,5071,20,5",
		"--srv-host=_sips._tcp.pbx.example,alias.example,5081,10,5",
		"--srv-host=_sip._tcp.closed.example", // dnsmasq's way to say "."
		"--naptr-record=pbx.example,10,10,s,SIP+D2U,,_sip._udp.pbx.example",
		"--naptr-record=pbx.example,20,10,s,SIPS+D2T,,_sips._tcp.pbx.example",
	}
	for i := range 60 { // more than a datagram of 1232 octets holds
		args = append(args, fmt.Sprintf("--srv-host=_sip._tcp.long.example,two.example,%d,%d,1", 6000+i, i))
	}
	r := resolver(t)
	r.cfg.Servers = []netip.AddrPort{dnsmasq(t, args...)}
	r.cfg.Timeout = 2 * time.Second
	const udp, tcp, tls = transport.UDP, transport.TCP, transport.TLS
	for _, c := range []struct {
		host  string
		proto transport.Proto
		mode  transport.DNSMode
		want  string
		fault transport.LookupFault
	}{
		{"pbx.example", udp, transport.DNSAuto, "192.0.2.11:5070 [2001:db8::11]:5070 192.0.2.12:5071", 0},
		{"pbx.example", tls, transport.DNSAuto, "192.0.2.12:5081", 0},
		{"pbx.example", udp, transport.DNSSRV, "192.0.2.11:5070 [2001:db8::11]:5070 192.0.2.12:5071", 0},
		{"alias.example", tcp, transport.DNSA, "192.0.2.12:5060", 0},
		{"closed.example", tcp, transport.DNSAuto, "", transport.NoService},
		{"absent.example", udp, transport.DNSAuto, "", transport.NotFound},
		{"_sip._udp.pbx.example", udp, transport.DNSA, "", transport.NoAddress},
		{"elsewhere.test", udp, transport.DNSA, "", transport.ServerFailure}, // REFUSED: it asks nobody
	} {
		got, ttl, err := lookup(r, transport.Query{Host: c.host, Proto: c.proto, Mode: c.mode})
		if got != c.want || faultOf(err) != c.fault {
			t.Errorf("%s %s: got %q, %v, want %q, fault %v", c.host, c.proto, got, err, c.want, c.fault)
		}
		if c.want != "" && ttl.Round(time.Second) != 77*time.Second {
			t.Errorf("%s: holds %v, want 77 s", c.host, ttl)
		}
	}
	got, _, err := r.Lookup(t.Context(), transport.Query{Host: "long.example", Proto: tcp})
	if err != nil || len(got) != maxSRV || got[0].Addr.Port() != 6000 {
		t.Errorf("long answer: got %d targets, %v, want the first %d", len(got), err, maxSRV)
	}
}
