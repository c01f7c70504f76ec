// Package kamailio runs kamailio as registrar and proxy: one server, or a pair
// that serves the same subscribers the way a provider's pair does. Each of the
// pair keeps its own bindings; a call to somebody not bound here goes on to
// the other one; and whoever routes a dialog's request through either reaches
// the other end, so that a BYE may come by the backup.
package kamailio

import (
	_ "embed" // the configuration template
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"tipring/tools/peers/certs"
	"tipring/tools/peers/netlab"
)

// Realm is the digest realm of every server here.
const Realm = "tipring.test"

// Password is the password of a subscriber: anybody whose name begins with 1 or 2.
func Password(user string) string { return "pw" + user }

// Options say how a server is to be.
type Options struct {
	Other     netip.Addr        // the pair's other server, if any
	Far       netip.AddrPort    // where users 6xx are, by UDP
	Algorithm string            // digest: "MD5", "SHA-256"; empty: everybody is believed
	STUN      bool              // answer STUN on the SIP port (RFC 5626 section 3.5.2)
	TLS       *certs.Pair       // serve TLS on 5061 and 5051
	RTPEngine netip.AddrPort    // relay media through the rtpengine that listens there
	Relayed   bool              // somebody else has ports 5060 (TCP) and 5061 and passes them on to 5066 and 5051
	Redirects bool              // a call that is sent on by 302 is sent on here; else its caller is told
	Extra     map[string]string // text for the template's hooks: "register", "invite", "subscribe"
}

// A Server is one running kamailio.
type Server struct {
	*netlab.Process
	Host *netlab.Host
	Options

	t   netlab.T
	dir string
}

//go:embed kamailio.cfg.tmpl
var configuration string

var tmpl = template.Must(template.New("kamailio.cfg").Parse(configuration))

// Start runs a server on a host and returns when it answers.
func Start(t netlab.T, host *netlab.Host, o Options) *Server {
	t.Helper()
	s := &Server{Host: host, Options: o, t: t, dir: netlab.WorkDir(t)}
	s.start()
	return s
}

func (s *Server) start() {
	s.t.Helper()
	path := filepath.Join(s.dir, "kamailio.cfg")
	f, err := os.Create(path)
	if err == nil {
		err = tmpl.Execute(f, map[string]any{"O": s.Options, "Addr": s.Host.Addr, "Addr6": s.Host.Addr6, "Realm": Realm, "Dir": s.dir})
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil && s.TLS != nil {
		text := fmt.Sprintf("[server:default]\nmethod = TLSv1.2+\ncertificate = %s\nprivate_key = %s\n"+
			"verify_certificate = no\nrequire_certificate = no\n[client:default]\nverify_certificate = no\n", s.TLS.Cert, s.TLS.Key)
		err = os.WriteFile(filepath.Join(s.dir, "tls.cfg"), []byte(text), 0o600)
	}
	if err != nil {
		s.t.Fatalf("kamailio: %v", err)
	}
	s.Process = s.Host.Start(s.dir, "kamailio", "-f", path, "-m", "64", "-M", "4", "-DD", "-E",
		"-w", s.dir, "-Y", s.dir, "-P", filepath.Join(s.dir, "pid"))
	if !netlab.Until(15*time.Second, func() bool { return s.answers() || s.ended() }) || s.ended() {
		s.t.Fatalf("kamailio on %s does not answer:\n%s", s.Host.Name, s.Tail(15))
	}
}

func (s *Server) ended() bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// answers asks the server over its loopback interface, which no fault touches.
func (s *Server) answers() bool {
	reply, err := s.ask("OPTIONS sip:ready@127.0.0.1 SIP/2.0", 200*time.Millisecond)
	return err == nil && strings.HasPrefix(reply, "SIP/2.0 200")
}

// Fail makes the server answer every request but ACK with a status from now on;
// 0 ends it. With retryAfter > 0 the answer says Retry-After.
func (s *Server) Fail(status, retryAfter int) {
	s.t.Helper()
	line := fmt.Sprintf("FAULT sip:%d@127.0.0.1;after=%d SIP/2.0", status, retryAfter)
	reply, err := s.ask(line, 2*time.Second)
	if err != nil || !strings.HasPrefix(reply, "SIP/2.0 200") {
		s.t.Fatalf("kamailio on %s: fault %d: %v %q", s.Host.Name, status, err, reply)
	}
}

// Restart ends the server at once, as a power cut would, and starts it anew
// without what it knew. change may alter its options in between.
func (s *Server) Restart(change func(*Options)) {
	s.t.Helper()
	s.Kill()
	if change != nil {
		change(&s.Options)
	}
	s.start()
}

func (s *Server) ask(line string, limit time.Duration) (reply string, err error) {
	err = s.Host.Do(func() error {
		c, err := net.Dial("udp", "127.0.0.1:5060")
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
		method, _, _ := strings.Cut(line, " ")
		if _, err := fmt.Fprintf(c, "%s\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\nFrom: <sip:lab@127.0.0.1>;tag=1\r\nTo: <sip:lab@127.0.0.1>\r\n"+
			"Call-ID: %d\r\nCSeq: 1 %s\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n", line, c.LocalAddr(), time.Now().UnixNano(), time.Now().UnixNano(), method); err != nil {
			return err
		}
		b := make([]byte, 2000)
		n, err := c.Read(b)
		reply = string(b[:n])
		return err
	})
	return reply, err
}

// A Received is one request that came to a server, as its log tells.
type Received struct {
	Proto, Method, URI, CallID, From string
	CSeq                             int
}

var received = regexp.MustCompile(`RX (\w+) (\S+) (\w+) (\S+) cseq=(\d+) callid=(\S+)`)

// Received returns the requests that came to the server since it last started,
// over any transport, retransmissions included.
func (s *Server) Received() []Received {
	text, err := os.ReadFile(s.Log)
	if err != nil {
		s.t.Fatalf("kamailio: %v", err)
	}
	var all []Received
	for _, m := range received.FindAllStringSubmatch(string(text), -1) {
		n, _ := strconv.Atoi(m[5])
		all = append(all, Received{Proto: m[1], From: m[2], Method: m[3], URI: m[4], CSeq: n, CallID: m[6]})
	}
	return all
}

// RTPEngine runs a media relay on a host and returns where it takes commands.
func RTPEngine(t netlab.T, host *netlab.Host) netip.AddrPort {
	t.Helper()
	control := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 2223)
	dir := netlab.WorkDir(t)
	p := host.Start(dir, "rtpengine", "-t", "-1", "-f", "-E", "-i", host.Addr.String(), "-n", control.String(),
		"-m", "40000", "-M", "40999", "-p", filepath.Join(dir, "pid"))
	ping := func() error {
		c, err := net.Dial("udp", control.String())
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := c.Write([]byte("1 d7:command4:pinge")); err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 100))
		return err
	}
	if !netlab.Until(15*time.Second, func() bool { return host.Do(ping) == nil }) {
		t.Fatalf("rtpengine does not answer:\n%s", p.Tail(10))
	}
	return control
}
