package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inNamespace runs the calling test once more, in a process of its own inside a fresh
// network namespace where setup has been done, and reports false to the outer one,
// which is then finished. The namespace goes with the process. Who is not root is root in a
// user namespace that is made with it.
func inNamespace(t *testing.T, setup ...string) bool {
	t.Helper()
	const mark = "TIPRING_TEST_NETNS"
	if os.Getenv(mark) == t.Name() {
		for _, line := range append([]string{"ip link set lo up"}, setup...) {
			run(t, strings.Fields(line)...)
		}
		return true
	}
	again := func(flags uintptr) ([]byte, error) {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
		// The lock of all users, which only root may take, guards the tables of the namespace too.
		cmd.Env = append(os.Environ(), mark+"="+t.Name(), "XTABLES_LOCKFILE="+filepath.Join(t.TempDir(), "lock"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		return cmd.CombinedOutput()
	}
	out, err := again(syscall.CLONE_NEWNET)
	if errors.Is(err, syscall.EPERM) {
		out, err = again(syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER)
	}
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.ENOSYS):
		t.Fatalf("no network namespace: %v. The kernel needs CONFIG_NET_NS, and for who is not root CONFIG_USER_NS, which sysctls may forbid: "+
			"user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns", err)
	case err != nil:
		t.Fatalf("in the namespace: %v\n%s", err, out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Fatalf("did not run in the namespace:\n%s", out)
	}
	return false
}

func run(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// Ports of the tests below are arbitrary: the namespace has no other user.

func TestEveryICMPErrorIsReported(t *testing.T) {
	cases := []struct {
		reject string
		v6     bool
		errno  syscall.Errno
		text   string
	}{
		{"icmp-net-unreachable", false, syscall.ENETUNREACH, "ICMP net unreachable (type 3 code 0) from 127.0.0.1"},
		{"icmp-host-unreachable", false, syscall.EHOSTUNREACH, "ICMP host unreachable (type 3 code 1) from 127.0.0.1"},
		{"icmp-proto-unreachable", false, syscall.ENOPROTOOPT, "ICMP protocol unreachable (type 3 code 2) from 127.0.0.1"},
		{"icmp-port-unreachable", false, syscall.ECONNREFUSED, "ICMP port unreachable (type 3 code 3) from 127.0.0.1"},
		{"icmp-net-prohibited", false, syscall.ENETUNREACH, "ICMP net prohibited (type 3 code 9) from 127.0.0.1"},
		{"icmp-host-prohibited", false, syscall.EHOSTUNREACH, "ICMP host prohibited (type 3 code 10) from 127.0.0.1"},
		{"icmp-admin-prohibited", false, syscall.EHOSTUNREACH, "ICMP administratively prohibited (type 3 code 13) from 127.0.0.1"},
		{"icmp6-no-route", true, syscall.ENETUNREACH, "ICMPv6 no route (type 1 code 0) from ::1"},
		{"icmp6-adm-prohibited", true, syscall.EACCES, "ICMPv6 administratively prohibited (type 1 code 1) from ::1"},
		{"icmp6-addr-unreachable", true, syscall.EHOSTUNREACH, "ICMPv6 address unreachable (type 1 code 3) from ::1"},
		{"icmp6-port-unreachable", true, syscall.ECONNREFUSED, "ICMPv6 port unreachable (type 1 code 4) from ::1"},
	}
	var setup []string
	for i, c := range cases {
		tables := "iptables"
		if c.v6 {
			tables = "ip6tables"
		}
		setup = append(setup, fmt.Sprintf("%s -w -A INPUT -p udp --dport %d -j REJECT --reject-with %s", tables, 6000+i, c.reject))
	}
	if !inNamespace(t, setup...) {
		return
	}
	l, r := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	for i, c := range cases {
		host := "127.0.0.1"
		if c.v6 {
			host = "::1"
		}
		f := flow(t, l, UDP, net.JoinHostPort(host, fmt.Sprint(6000+i)))
		begin := time.Now()
		mustSend(t, f, options(somebody))
		e := r.next(t, "failed")
		if e.flow != f || !errors.Is(e.err, c.errno) || !strings.HasSuffix(e.err.Error(), ": "+c.text) {
			t.Errorf("%s: got %v, want %v: %s", c.reject, e.err, c.errno, c.text)
		}
		if d := time.Since(begin); d > 500*time.Millisecond {
			t.Errorf("%s: known after %v, want at once", c.reject, d)
		}
	}
	r.quiet(t)
}

// A datagram longer than the path takes is sent in fragments; where those are forbidden it is
// ErrTooLong, and not an error of the way.
func TestDatagramLongerThanThePath(t *testing.T) {
	if !inNamespace(t, "ip link set lo mtu 1280") {
		return
	}
	l, r := start(t, nil)
	server := peer(t, "127.0.0.1:0")
	f := flow(t, l, UDP, addrOf(server).String())
	for n, want := range map[int]bool{1080: false, 1081: true} {
		if got := TooLarge(f, n); got != want {
			t.Errorf("%d octets on a path of 1280: got %v, want %v (RFC 3261 section 18.1.1)", n, got, want)
		}
	}
	long := make([]byte, 4000)
	mustSend(t, f, long)
	if err := server.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := server.ReadFromUDPAddrPort(make([]byte, 8000)); n != len(long) || err != nil {
		t.Errorf("%d octets came, %v", n, err)
	}
	u := f.(*udpFlow)
	err := control(u.sock.raw, func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Send(long); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
	mustSend(t, f, long[:500])
	r.quiet(t)
}

func TestTCPToAHostBehindAFilter(t *testing.T) {
	if !inNamespace(t, "iptables -w -A INPUT -p tcp --dport 6000 -j REJECT --reject-with icmp-host-unreachable") {
		return
	}
	l, r := start(t, nil)
	flow(t, l, TCP, "127.0.0.1:6000")
	if e := r.next(t, "failed"); !errors.Is(e.err, syscall.EHOSTUNREACH) {
		t.Errorf("got %v, want EHOSTUNREACH", e.err)
	}
}

func TestUnacknowledgedDataEndsAConnection(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	l, r := start(t, func(c *Config) { c.UserTimeout = 300 * time.Millisecond })
	f, _ := accepted(t, l, r)
	run(t, "iptables", "-w", "-A", "INPUT", "-p", "tcp", "-j", "DROP")
	mustSend(t, f, options(overTCP))
	if e := r.next(t, "failed"); e.flow != f || !errors.Is(e.err, syscall.ETIMEDOUT) {
		t.Errorf("got %v, want ETIMEDOUT", e.err)
	}
}

// lan is a network of one: who is asked for there never answers ARP, and the kernel
// gives up after three tries (here of 50 ms, usually of 1 s).
var lan = []string{
	"ip link add lan0 type veth peer name lan1",
	"ip addr add 10.77.1.1/24 dev lan0",
	"ip addr add 10.77.2.1/24 dev lan0",
	"ip link set lan0 up",
	"ip link set lan1 up",
	"ip ntable change name arp_cache dev lan0 retrans 50",
}

func TestDeadNeighbour(t *testing.T) {
	if !inNamespace(t, lan...) {
		return
	}
	l, r := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	f := flow(t, l, UDP, "10.77.1.9:5060")
	for round := range 3 {
		for range 5 {
			mustSend(t, f, options(somebody))
		}
		e := r.next(t, "failed")
		if e.flow != f || !errors.Is(e.err, syscall.EHOSTUNREACH) ||
			e.err.Error() != "no route to host: ICMP host unreachable (type 3 code 1) from 10.77.1.1" {
			t.Errorf("round %d: got %v", round, e.err)
		}
		for len(r) > 0 { // one for each datagram at most
			r.next(t, "failed")
		}
	}
	flow(t, l, TCP, "10.77.1.9:5060")
	for {
		e := <-r
		if e.kind == "failed" && e.flow == f {
			continue // a late one
		}
		if e.kind != "failed" || !errors.Is(e.err, syscall.EHOSTUNREACH) {
			t.Errorf("TCP: got %s, %v, want EHOSTUNREACH", e.kind, e.err)
		}
		return
	}
}

// While the send buffer is full of datagrams that wait for ARP, epoll reports an entry in
// the error queue as EPOLLERR alone, which Go's poller takes for a socket that it cannot
// wait for. Neither may Send block, nor may errors or the flow be lost.
func TestErrorWhileTheSendBufferIsFull(t *testing.T) {
	if !inNamespace(t, append(lan, "ip ntable change name arp_cache dev lan0 retrans 300")...) {
		return
	}
	l, r := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	f := flow(t, l, UDP, "10.77.1.9:5060")
	if err := f.(*udpFlow).sock.conn.SetWriteBuffer(1); err != nil { // the kernel makes it 4.5 kB
		t.Fatal(err)
	}
	var err error
	for n := 0; err == nil && n < 1000; n++ {
		err = f.Send(options(somebody))
	}
	if !errors.Is(err, syscall.EAGAIN) {
		t.Fatalf("got %v, want the send buffer full", err)
	}
	forgeICMP(t, f, 13)
	if e := r.next(t, "failed"); !strings.Contains(e.err.Error(), "administratively prohibited") {
		t.Errorf("got %v, want the error that came while the buffer was full", e.err)
	}
	forgeICMP(t, f, 10) // again, with the poller in that state
	if e := r.next(t, "failed"); !strings.Contains(e.err.Error(), "host prohibited") {
		t.Errorf("got %v, want the second error", e.err)
	}
	if e := r.next(t, "failed"); !strings.Contains(e.err.Error(), "ICMP host unreachable") {
		t.Errorf("got %v, want ARP's failure", e.err)
	}

	run(t, "ip", "addr", "add", "10.77.1.9/24", "dev", "lan0") // the neighbour comes to life
	server := peer(t, "10.77.1.9:5060")
	mustSend(t, f, options(somebody))
	_, from := read(t, server)
	write(t, server, from, options(somebody))
	for {
		if e := <-r; e.kind == "receive" {
			if e.flow != f {
				t.Errorf("came on %v, want the flow", e.flow)
			}
			return
		}
	}
}

// forgeICMP tells this host, as a router would, that a datagram of f was not delivered:
// destination unreachable, with that code.
func forgeICMP(t *testing.T, f Flow, code byte) {
	t.Helper()
	from, to := f.Local(), f.Target().Addr
	quoted := make([]byte, 28)
	quoted[0], quoted[3], quoted[8], quoted[9] = 0x45, 28, 64, syscall.IPPROTO_UDP
	copy(quoted[12:], from.Addr().AsSlice())
	copy(quoted[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(quoted[20:], from.Port())
	binary.BigEndian.PutUint16(quoted[22:], to.Port())
	quoted[25] = 8
	msg := append([]byte{3, code, 0, 0, 0, 0, 0, 0}, quoted...)
	var sum uint32
	for i := 0; i < len(msg); i += 2 {
		sum += uint32(msg[i])<<8 | uint32(msg[i+1])
	}
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	binary.BigEndian.PutUint16(msg[2:], ^uint16(sum))
	conn, err := net.Dial("ip4:icmp", from.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write(msg); err != nil {
		t.Fatal(err)
	}
}

func TestNoRoute(t *testing.T) {
	if !inNamespace(t, append(lan, "ip route add unreachable 10.88.0.0/24")...) {
		return
	}
	l, r := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	for addr, want := range map[string]error{
		"10.88.0.1:5060": syscall.EHOSTUNREACH, // an unreachable route
		"10.99.0.1:5060": syscall.ENETUNREACH,  // none
	} {
		_, err := l.Flow(Target{Addr: netip.MustParseAddrPort(addr)})
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "udp:"+addr+": ") {
			t.Errorf("UDP to %s: got %v, want it to name the target and %v", addr, err, want)
		}
		flow(t, l, TCP, addr)
		if e := r.next(t, "failed"); !errors.Is(e.err, want) {
			t.Errorf("TCP to %s: got %v, want %v", addr, e.err, want)
		}
	}
	// A route that goes while a flow uses it, and comes back.
	f := flow(t, l, UDP, "10.77.1.9:5060")
	run(t, "ip", "route", "add", "unreachable", "10.77.1.9/32")
	if err := f.Send(options(somebody)); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("got %v, want EHOSTUNREACH", err)
	}
	run(t, "ip", "route", "del", "unreachable", "10.77.1.9/32")
	mustSend(t, f, options(somebody))
}

// A device gets another address, or its VPN interface is made anew: flows go on.
func TestSourceAddressGoes(t *testing.T) {
	if !inNamespace(t, append(lan, "ip route add 10.88.0.0/24 dev lan0 src 10.77.1.1")...) {
		return
	}
	l, _ := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	f := flow(t, l, UDP, "10.88.0.9:5060")
	if got := f.Local().Addr().String(); got != "10.77.1.1" {
		t.Fatalf("local address %s, want 10.77.1.1", got)
	}
	run(t, "ip", "addr", "del", "10.77.1.1/24", "dev", "lan0")
	run(t, "ip", "route", "replace", "10.88.0.0/24", "dev", "lan0", "src", "10.77.2.1")
	mustSend(t, f, options(somebody))
	if got := f.Local().Addr().String(); got != "10.77.2.1" {
		t.Errorf("local address %s, want 10.77.2.1", got)
	}
}

func TestDevice(t *testing.T) {
	if !inNamespace(t, append(lan, "ip link add vpn0 type veth peer name vpn1", "ip addr add 10.66.0.1/24 dev vpn0", "ip link set vpn0 up", "ip link set vpn1 up")...) {
		return
	}
	l, r := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	target := Target{Addr: netip.MustParseAddrPort("10.77.1.9:5060"), Device: "vpn0"} // routed through lan0
	f, err := l.Flow(target)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Local().Addr().String(); got != "10.66.0.1" {
		t.Errorf("local address %s, want vpn0's", got)
	}
	if a, err := l.Source(target); err != nil || a.String() != "10.66.0.1" {
		t.Errorf("source %s, %v, want vpn0's", a, err)
	}
	other := flow(t, l, UDP, "10.77.1.9:5060")
	if got := other.Local().Addr().String(); other == f || got != "10.77.1.1" {
		t.Errorf("without a device: local address %s, want lan0's", got)
	}
	run(t, "ip", "link", "del", "vpn0")
	if err := f.Send(options(somebody)); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("without vpn0: got %v, want ENODEV", err)
	}
	run(t, "ip", "link", "add", "vpn0", "type", "veth", "peer", "name", "vpn1")
	run(t, "ip", "addr", "add", "10.66.0.2/24", "dev", "vpn0")
	run(t, "ip", "link", "set", "vpn0", "up")
	run(t, "ip", "link", "set", "vpn1", "up")
	mustSend(t, f, options(somebody))
	if got := f.Local().Addr().String(); got != "10.66.0.2" {
		t.Errorf("local address %s, want the new vpn0's", got)
	}

	tcp := target
	tcp.Proto, tcp.Device = TCP, "absent0"
	if _, err := l.Flow(tcp); err != nil {
		t.Fatal(err)
	}
	for {
		if e := <-r; e.flow.Reliable() {
			if e.kind != "failed" || !errors.Is(e.err, syscall.ENODEV) {
				t.Errorf("TCP through a device that is not there: got %s, %v", e.kind, e.err)
			}
			return
		}
	}
}

func TestBothFamiliesShareOneFreePort(t *testing.T) {
	if !inNamespace(t) { // where nobody has taken IPv6 away
		return
	}
	l, r := start(t, func(c *Config) { c.Bind = netip.Addr{} })
	if l.udp6 == nil {
		t.Fatal("no IPv6: the kernel needs CONFIG_IPV6, and no ipv6.disable=1 on its command line")
	}
	if a, b := l.udp4.local.Port(), l.udp6.local.Port(); a != b {
		t.Errorf("IPv4 on port %d, IPv6 on %d: want one", a, b)
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		for _, p := range []Proto{UDP, TCP} {
			f := flow(t, l, p, net.JoinHostPort(host, fmt.Sprint(l.Port(p))))
			if p == TCP {
				r.next(t, "up")
				r.next(t, "up")
			}
			mustSend(t, f, options(somebody))
			if e := r.next(t, "receive"); e.from.Addr() != netip.MustParseAddr(host) {
				t.Errorf("%s from %s: came from %s", p, host, e.from)
			}
		}
	}
}
