// Package coturn runs coturn's turnserver as a STUN server (RFC 8489).
package coturn

import (
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"tipring/tools/peers/netlab"
)

// A Server is one running turnserver.
type Server struct {
	*netlab.Process
	Addr netip.AddrPort
}

// Start runs a server on a host's port 3478 and returns when it answers.
func Start(t netlab.T, host *netlab.Host) *Server {
	t.Helper()
	dir := netlab.WorkDir(t)
	s := &Server{Addr: netip.AddrPortFrom(host.Addr, 3478)}
	s.Process = host.Start(dir, "turnserver", "-n", "-S", "-m", "1", "-L", host.Addr.String(), "-p", "3478",
		"--no-tls", "--no-dtls", "--no-tcp", "--no-cli", "-l", "stdout", "--simple-log",
		"--pidfile", filepath.Join(dir, "pid"), "-b", filepath.Join(dir, "db"))
	if !netlab.Until(15*time.Second, func() bool { return host.Do(s.ask) == nil }) {
		t.Fatalf("coturn does not answer:\n%s", s.Tail(10))
	}
	return s
}

// ask sends one binding request and waits for an answer, whatever it says.
func (s *Server) ask() error {
	c, err := net.Dial("udp", s.Addr.String())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := c.Write([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 200))
	return err
}
