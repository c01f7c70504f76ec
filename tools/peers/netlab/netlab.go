// Package netlab gives tests small networks of their own: hosts that are Linux
// network namespaces on one switch, programs running on them, and the faults that
// befall networks (faults.go).
//
// A test binary that calls Main runs inside a sandbox of user-less namespaces
// (mount, network, process): nothing it starts can outlive it, nothing it
// names can collide with another run, and the machine's own network is never
// touched, even when the run is killed. It needs root, or a kernel that lets
// an ordinary user make namespaces.
package netlab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// T is the part of testing.TB that the lab uses; make bench has one of its own.
type T interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(func())
	TempDir() string
	Context() context.Context
}

// A Lan is a switch with hosts on it, all in 10.9.0.0/24 and fd09::/64. Every
// Lan is apart from every other, so all of them use the same addresses.
type Lan struct {
	t     T
	id    int32
	sw    *namespace
	hosts map[string]*Host
}

var lans atomic.Int32

// New makes an empty Lan that goes away with the test.
func New(t T) *Lan {
	t.Helper()
	if !Inside() {
		t.Fatalf("netlab: this package's TestMain does not call netlab.Main")
	}
	l := &Lan{t: t, id: lans.Add(1), hosts: map[string]*Host{}}
	l.sw = newNamespace(t, fmt.Sprintf("sw%d", l.id))
	l.ip("link add br0 type bridge", "link set br0 up", "link set lo up")
	return l
}

// A Host is one machine on a Lan.
type Host struct {
	Name  string
	Addr  netip.Addr
	Addr6 netip.Addr

	t    T
	lan  *Lan
	ns   *namespace
	port string // name of the switch's port that its cable is in
	dns  netip.Addr
	seq  atomic.Int32
}

// Host adds a machine with the address 10.9.0.n and fd09::n.
func (l *Lan) Host(name string, n int) *Host {
	l.t.Helper()
	h := &Host{
		Name: name, t: l.t, lan: l,
		Addr:  netip.AddrFrom4([4]byte{10, 9, 0, byte(n)}),
		Addr6: netip.MustParseAddr(fmt.Sprintf("fd09::%x", n)),
		port:  fmt.Sprintf("p%d", n),
	}
	h.ns = newNamespace(l.t, fmt.Sprintf("h%d-%d", l.id, n))
	l.ip(
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s", h.port, h.ns.name),
		fmt.Sprintf("link set %s master br0 up", h.port),
	)
	h.ip(
		"link set lo up",
		fmt.Sprintf("addr add %s/24 dev eth0", h.Addr),
		fmt.Sprintf("addr add %s/64 dev eth0 nodad", h.Addr6),
		"link set eth0 up",
	)
	l.hosts[name] = h
	return h
}

// Six is the host with its IPv6 address for the one that programs use.
func (h *Host) Six() *Host {
	return &Host{Name: h.Name, Addr: h.Addr6, Addr6: h.Addr6, t: h.t, lan: h.lan, ns: h.ns, port: h.port, dns: h.dns}
}

// AddAddr gives the host a second address, 10.9.0.n.
func (h *Host) AddAddr(n int) netip.Addr {
	h.t.Helper()
	a := netip.AddrFrom4([4]byte{10, 9, 0, byte(n)})
	h.ip(fmt.Sprintf("addr add %s/24 dev eth0", a))
	return a
}

// UseDNS makes programs started later ask the name server at addr.
func (h *Host) UseDNS(addr netip.Addr) { h.dns = addr }

// Do runs f on a thread that is in the host's network, so that sockets which f
// opens and programs which f starts belong there.
func (h *Host) Do(f func() error) error { return h.ns.do(f) }

// Switch runs f in the switch's network, where interface br0 sees every frame.
func (l *Lan) Switch(f func() error) error { return l.sw.do(f) }

func (l *Lan) ip(lines ...string) { l.t.Helper(); batch(l.t, l.sw, lines) }
func (h *Host) ip(lines ...string) {
	h.t.Helper()
	batch(h.t, h.ns, lines)
}

func batch(t T, ns *namespace, lines []string) {
	t.Helper()
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var out []byte
	err := ns.do(func() (err error) { out, err = cmd.CombinedOutput(); return err })
	if err != nil {
		t.Fatalf("netlab: ip %s: %v: %s", strings.Join(lines, "; "), err, out)
	}
}

// A namespace is a named network namespace with an open handle on it.
type namespace struct {
	name string
	fd   int
}

func newNamespace(t T, name string) *namespace {
	t.Helper()
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("netlab: ip netns add %s: %v: %s", name, err, out)
	}
	fd, err := unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("netlab: open namespace %s: %v", name, err)
	}
	ns := &namespace{name: name, fd: fd}
	t.Cleanup(func() {
		_ = unix.Close(fd)
		if out, err := exec.Command("ip", "netns", "del", name).CombinedOutput(); err != nil {
			t.Errorf("netlab: ip netns del %s: %v: %s", name, err, out)
		}
	})
	return ns
}

func (ns *namespace) do(f func() error) error {
	runtime.LockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("netlab: own namespace: %w", err)
	}
	defer func() { _ = unix.Close(home) }()
	if err := unix.Setns(ns.fd, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("netlab: enter %s: %w", ns.name, err)
	}
	defer func() {
		// A thread that cannot come home stays locked and ends with its goroutine.
		if unix.Setns(home, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return f()
}

// Sysctl sets a value under /proc/sys/net for the host.
func (h *Host) Sysctl(key, value string) {
	h.t.Helper()
	path := "/proc/sys/net/" + strings.ReplaceAll(key, ".", "/")
	if err := h.Do(func() error { return os.WriteFile(path, []byte(value), 0) }); err != nil {
		h.t.Fatalf("netlab: %s: sysctl %s: %v", h.Name, key, err)
	}
}
