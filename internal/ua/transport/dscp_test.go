package transport

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// What is sent on a flow, and back to who asked, carries the mark; so do connections either way.
func TestMarkOfWhatIsSent(t *testing.T) {
	const af31 = 26
	l, _ := start(t, func(c *Config) { c.Bind, c.DSCP = netip.Addr{}, af31 })
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		server := peer(t, addr)
		raw, err := server.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		level, option, kind := unix.IPPROTO_IP, unix.IP_RECVTOS, int32(unix.IP_TOS)
		if addrOf(server).Addr().Is6() {
			level, option, kind = unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, unix.IPV6_TCLASS
		}
		if err := control(raw, func(fd int) error { return unix.SetsockoptInt(fd, level, option, 1) }); err != nil {
			t.Fatal(err)
		}
		mustSend(t, flow(t, l, UDP, addrOf(server).String()), options(somebody))
		b, oob := make([]byte, 65536), make([]byte, 256)
		_, n, _, _, err := server.ReadMsgUDPAddrPort(b, oob)
		if err != nil {
			t.Fatal(err)
		}
		messages, err := unix.ParseSocketControlMessage(oob[:n])
		if err != nil || len(messages) != 1 || messages[0].Header.Type != kind || messages[0].Data[0] != af31<<2 {
			t.Errorf("%s: came with %+v, %v, want traffic class %d", addr, messages, err, af31<<2)
		}
	}
	class := func(c net.Conn) (v int) {
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		_ = control(raw, func(fd int) (err error) { v, err = unix.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS); return err })
		return v
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	out, err := l.dialStream(context.Background(), Target{Proto: TCP, Addr: ln.Addr().(*net.TCPAddr).AddrPort()})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := l.listenStream(TCP, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer in.ln.Close()
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(in.port))
	client, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	taken, err := in.ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if got := class(out); got != af31<<2 {
		t.Errorf("a connection out has class %d", got)
	}
	if got := class(taken); got != af31<<2 {
		t.Errorf("a connection in has class %d", got)
	}
}
