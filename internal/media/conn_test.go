package media

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTestPorts is a pool in a part of the range that few use; tests of packages that run
// side by side take what the others leave.
func newTestPorts(t testing.TB) *Ports {
	t.Helper()
	p, err := NewPorts(21000, 23999)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func listenLoopback(t testing.TB, p *Ports) *Pair {
	t.Helper()
	pair, err := p.Listen(netip.MustParseAddr("127.0.0.1"), "")
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// readSoon reads what was just sent over loopback. The kernel mostly has delivered it when
// the sender's call returns, but need not have.
func readSoon(t *testing.T, c Conn, b []byte) Datagram {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); runtime.Gosched() {
		if d, ok := c.Read(b); ok {
			return d
		}
	}
	t.Fatal("nothing came")
	return Datagram{}
}

func TestSocketsSendAndReceive(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			bind := netip.MustParseAddr(host)
			ports := newTestPorts(t)
			a, err := ports.Listen(bind, "")
			if err != nil {
				t.Fatal(err)
			}
			defer closing(a)
			b, err := ports.Listen(bind, "")
			if err != nil {
				t.Fatal(err)
			}
			defer closing(b)
			buf := make([]byte, 100)
			if _, ok := b.RTP.Read(buf); ok {
				t.Error("something came before anything was sent")
			}
			before := time.Now()
			if err := a.RTP.Write([]byte("hello"), b.RTP.Local()); err != nil {
				t.Fatal(err)
			}
			if err := a.RTCP.Write(make([]byte, 101), b.RTP.Local()); err != nil {
				t.Fatal(err)
			}
			after := time.Now()
			d := readSoon(t, b.RTP, buf)
			if string(buf[:d.N]) != "hello" || d.From != a.RTP.Local() {
				t.Errorf("%q from %v", buf[:d.N], d.From)
			}
			if d.At.Before(before.Add(-time.Millisecond)) || d.At.After(after.Add(5*time.Second)) {
				t.Errorf("stamped %v, sent between %v and %v", d.At, before, after)
			}
			if d := readSoon(t, b.RTP, buf); d.N != 0 || d.From != a.RTCP.Local() {
				t.Errorf("too long a datagram: %+v", d)
			}
		})
	}
}

func TestSocketOfBothFamilies(t *testing.T) {
	ports := newTestPorts(t)
	every, err := ports.Listen(netip.Addr{}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer closing(every)
	port := every.RTP.Local().Port()
	buf := make([]byte, 100)
	for _, host := range []string{"127.0.0.1", "::1"} {
		one, err := ports.Listen(netip.MustParseAddr(host), "")
		if err != nil {
			t.Fatal(err)
		}
		defer closing(one)
		if err := one.RTP.Write([]byte(host), netip.AddrPortFrom(netip.MustParseAddr(host), port)); err != nil {
			t.Fatal(err)
		}
		d := readSoon(t, every.RTP, buf)
		if string(buf[:d.N]) != host || d.From != one.RTP.Local() {
			t.Errorf("%q from %v, want from %v", buf[:d.N], d.From, one.RTP.Local())
		}
		if err := every.RTP.Write([]byte("back"), d.From); err != nil {
			t.Fatal(err)
		}
		if d := readSoon(t, one.RTP, buf); d.N != 4 {
			t.Errorf("the way back: %+v", d)
		}
	}
}

func TestSocketOfOneFamily(t *testing.T) {
	pair := listenLoopback(t, newTestPorts(t))
	defer closing(pair)
	for _, to := range []netip.AddrPort{netip.AddrPortFrom(netip.IPv6Loopback(), pair.RTP.Local().Port()), {}} {
		if err := pair.RTP.Write([]byte("x"), to); !errors.Is(err, unix.EAFNOSUPPORT) {
			t.Errorf("to %v: %v", to, err)
		}
	}
}

func TestClosedSocket(t *testing.T) {
	pair := listenLoopback(t, newTestPorts(t))
	_ = pair.RTP.Write([]byte("x"), pair.RTP.Local())
	if err := pair.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := pair.RTP.Read(make([]byte, 10)); ok {
		t.Error("a closed socket reads")
	}
	if err := pair.RTP.Write([]byte("x"), peers); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if err := pair.RTP.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestPortsComeInPairsAndComeBack(t *testing.T) {
	ports, err := NewPorts(24001, 24007) // 24002 to 24007
	if err != nil {
		t.Fatal(err)
	}
	loopback := netip.MustParseAddr("127.0.0.1")
	var lent []*Pair
	for range 3 {
		p, err := ports.Listen(loopback, "")
		if err != nil {
			t.Fatal(err)
		}
		rtp, rtcp := p.RTP.Local().Port(), p.RTCP.Local().Port()
		if rtp%2 != 0 || rtcp != rtp+1 || rtp < 24002 || rtcp > 24007 {
			t.Errorf("ports %d and %d", rtp, rtcp)
		}
		lent = append(lent, p)
	}
	_, err = ports.Listen(loopback, "")
	if !errors.Is(err, ErrNoPort) || !strings.Contains(err.Error(), "24002 to 24007: 3 of 3 pairs in calls") {
		t.Errorf("an empty pool: %v", err)
	}
	_ = lent[1].Close()
	_ = lent[1].Close() // gives its port back once
	if got := ports.InUse(); got != 2 {
		t.Errorf("%d in use, want 2", got)
	}
	again, err := ports.Listen(loopback, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Pair{lent[0], lent[2], again} {
		_ = p.Close()
	}
	if got := ports.InUse(); got != 0 {
		t.Errorf("%d in use after all were closed", got)
	}
}

func TestPortsPassOverWhatOthersHold(t *testing.T) {
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 24011}) // an RTCP port
	if err != nil {
		t.Fatal(err)
	}
	defer closing(other)
	ports, err := NewPorts(24010, 24013)
	if err != nil {
		t.Fatal(err)
	}
	pair := listenLoopback(t, ports)
	if got := pair.RTP.Local().Port(); got != 24012 {
		t.Errorf("port %d, want 24012", got)
	}
	if _, err := ports.Listen(netip.MustParseAddr("127.0.0.1"), ""); !errors.Is(err, ErrNoPort) {
		t.Errorf("got %v", err)
	}
	_ = pair.Close()
}

func TestPortsThatCannotBe(t *testing.T) {
	for _, r := range [][2]int{{0, 10}, {5000, 4999}, {5001, 5002}, {65535, 65536}, {-1, 3}} {
		if _, err := NewPorts(r[0], r[1]); err == nil {
			t.Errorf("%v: no error", r)
		}
	}
	ports := newTestPorts(t)
	if _, err := ports.Listen(netip.MustParseAddr("192.0.2.77"), ""); err == nil || errors.Is(err, ErrNoPort) || !strings.Contains(err.Error(), "192.0.2.77") {
		t.Errorf("an address that is not ours: %v", err)
	}
	if _, err := ports.Listen(netip.Addr{}, "no-such-device"); err == nil || !strings.Contains(err.Error(), "no-such-device") {
		t.Errorf("a device that is not there: %v", err)
	}
	if got := ports.InUse(); got != 0 {
		t.Errorf("%d in use after failures", got)
	}
}

// Media are marked EF unless something else is asked for, in both families.
func TestMarkOfMedia(t *testing.T) {
	ports := newTestPorts(t)
	class := func(addr string) (v int) {
		pair, err := ports.Listen(netip.MustParseAddr(addr), "")
		if err != nil {
			t.Fatal(err)
		}
		defer closing(pair)
		level, option := unix.IPPROTO_IP, unix.IP_TOS
		if strings.Contains(addr, ":") {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
		}
		for i, c := range []Conn{pair.RTP, pair.RTCP} {
			got, err := unix.GetsockoptInt(c.(*udpConn).fd, level, option)
			if err != nil || i > 0 && got != v {
				t.Errorf("%s: class %d, %v", addr, got, err)
			}
			v = got
		}
		return v
	}
	for _, addr := range []string{"127.0.0.1", "::1"} {
		if got := class(addr); got != 46<<2 {
			t.Errorf("%s: class %d, want %d", addr, got, 46<<2)
		}
	}
	ports.SetManner(Manner{DSCP: 34})
	for _, addr := range []string{"127.0.0.1", "::1"} {
		if got := class(addr); got != 34<<2 {
			t.Errorf("%s: class %d, want %d", addr, got, 34<<2)
		}
	}
}

// A session plays as its sockets' Ports have it, unless it is told something else.
func TestMannerOfThePorts(t *testing.T) {
	ports := newTestPorts(t)
	want := Jitter{Fixed: true, StartMS: 60}
	ports.SetManner(Manner{DSCP: expedited, Jitter: want, Learning: LearnNever})
	s := New(listenLoopback(t, ports), Config{})
	defer closing(s)
	other := New(listenLoopback(t, ports), Config{Jitter: Jitter{MaxMS: 80}})
	defer closing(other)
	if s.jitter != want || other.jitter != (Jitter{MaxMS: 80}) {
		t.Errorf("jitter %+v and %+v", s.jitter, other.jitter)
	}
	pair := listenLoopback(t, ports)
	defer closing(pair)
	for _, l := range []Learning{s.remote.learning, s.Packets(pair.RTP.Local()).learning, pair.Packets(pair.RTP.Local()).learning} {
		if l != LearnNever {
			t.Errorf("learns %v", l)
		}
	}
}
