// Package dns runs dnsmasq as the lab's name server.
package dns

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tipring/tools/peers/netlab"
)

// A Server is a running dnsmasq, authoritative for the domain test.
type Server struct {
	Host *netlab.Host

	t    netlab.T
	dir  string
	proc *netlab.Process
}

// Records are lines of dnsmasq's configuration; A, SRV and NAPTR make them.
type Records []string

// A is an address record.
func A(name, addr string) string { return fmt.Sprintf("host-record=%s,%s,1", name, addr) }

// SRV is a service record, such as SRV("_sip._udp.pbx.test", "a.test", 5060, 10).
func SRV(service, target string, port, priority int) string {
	return fmt.Sprintf("srv-host=%s,%s,%d,%d,0", service, target, port, priority)
}

// NAPTR is a record that names a transport's service: service is SIP+D2U,
// SIP+D2T or SIPS+D2T.
func NAPTR(name string, order int, service, replacement string) string {
	return fmt.Sprintf("naptr-record=%s,%d,0,S,%s,,%s", name, order, service, replacement)
}

// Start runs a name server. Names under test that have no record do not exist;
// answers live for a second.
func Start(t netlab.T, host *netlab.Host, records Records) *Server {
	t.Helper()
	s := &Server{Host: host, t: t, dir: netlab.WorkDir(t)}
	s.Serve(records)
	return s
}

// Serve replaces all records.
func (s *Server) Serve(records Records) {
	s.t.Helper()
	if s.proc != nil {
		s.proc.Kill()
	}
	text := fmt.Sprintf("no-resolv\nno-hosts\nno-daemon\nbind-interfaces\nuser=root\nlisten-address=%s\nlocal=/test/\nlocal-ttl=1\nauth-ttl=1\nlog-queries\npid-file=%s\n%s\n",
		s.Host.Addr, filepath.Join(s.dir, "pid"), strings.Join(records, "\n"))
	conf := filepath.Join(s.dir, "dnsmasq.conf")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		s.t.Fatalf("dns: %v", err)
	}
	s.proc = s.Host.Start(s.dir, "dnsmasq", "-C", conf)
	if !netlab.Until(10*time.Second, s.answers) {
		s.t.Fatalf("dnsmasq does not answer:\n%s", s.proc.Tail(10))
	}
}

// Stop ends the name server: queries then meet a closed port.
func (s *Server) Stop() { s.proc.Kill() }

// answers sends a query for the A record of ready.test and reads any answer.
func (s *Server) answers() bool {
	return s.Host.Do(func() error {
		c, err := net.Dial("udp", s.Host.Addr.String()+":53")
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
		query := "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05ready\x04test\x00\x00\x01\x00\x01"
		if _, err := c.Write([]byte(query)); err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 512))
		return err
	}) == nil
}
