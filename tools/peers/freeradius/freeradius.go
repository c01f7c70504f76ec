// Package freeradius runs FreeRADIUS as a provider's RADIUS server: with the
// FaxBack dictionary, a file of users, and answers that are signed or not.
package freeradius

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	_ "embed" // the configuration template
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"tipring/tools/peers/certs"
	"tipring/tools/peers/netlab"
)

// Secret is shared with everybody who asks.
const Secret = "tipring-radius"

// Options say how a server is to be.
type Options struct {
	// Users is the text of its users file: what is asked for and what is answered.
	// The attributes of etc/dictionary.faxback may be used. Who is not there is rejected.
	Users string
	// Dictionary is a file that is loaded in place of etc/dictionary.faxback.
	Dictionary string
	Signs      bool        // its answers hold a Message-Authenticator
	Requires   bool        // it wants one in every request
	NoStatus   bool        // it answers no Status-Server
	TLS        *certs.Pair // serve RadSec too, with this certificate
	TLSVersion string      // "1.2" or "1.3": that one alone
	Clients    string      // a PEM file: RadSec wants a certificate of its authorities from who asks
}

// A Server is one running FreeRADIUS.
type Server struct {
	*netlab.Process
	Host   *netlab.Host
	Auth   netip.AddrPort // where it takes Access-Requests
	Acct   netip.AddrPort // where it takes Accounting-Requests
	Radsec netip.AddrPort // with Options.TLS

	t       netlab.T
	options Options
	dir     string
}

//go:embed radiusd.conf.tmpl
var configuration string

var tmpl = template.Must(template.New("radiusd.conf").Parse(configuration))

// Start runs a server on a host and returns when it answers.
func Start(t netlab.T, host *netlab.Host, o Options) *Server {
	t.Helper()
	s := &Server{
		Host: host, t: t, options: o, dir: netlab.WorkDir(t),
		Auth: netip.AddrPortFrom(host.Addr, 1812), Acct: netip.AddrPortFrom(host.Addr, 1813), Radsec: netip.AddrPortFrom(host.Addr, 2083),
	}
	s.start()
	return s
}

func (s *Server) start() {
	s.t.Helper()
	dictionary, err := s.options.Dictionary, error(nil)
	if dictionary == "" {
		dictionary, err = Dictionary()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "dictionary"), []byte("$INCLUDE "+dictionary+"\n"), 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "users"), []byte(s.options.Users), 0o600)
	}
	if err == nil {
		err = s.configure(filepath.Join(s.dir, "radiusd.conf"))
	}
	if err != nil {
		s.t.Fatalf("freeradius: %v", err)
	}
	s.Process = s.Host.Start(s.dir, "freeradius", "-f", "-l", "stdout", "-xx", "-d", s.dir, "-n", "radiusd")
	if !netlab.Until(15*time.Second, func() bool { return s.Host.Do(s.answers) == nil || s.ended() }) || s.ended() {
		s.t.Fatalf("freeradius on %s does not answer:\n%s", s.Host.Name, s.Tail(15))
	}
}

func (s *Server) configure(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := tmpl.Execute(f, map[string]any{"O": s.options, "Dir": s.dir, "Secret": Secret}); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// Dictionary is the path of the product's FaxBack dictionary.
func Dictionary() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "etc", "dictionary.faxback")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", os.ErrNotExist
}

func (s *Server) ended() bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// answers asks for nobody, who is rejected.
func (s *Server) answers() error {
	request := []byte{1, 0, 0, 46, 19: 0, 20: 80, 21: 18, 38: 1, 39: 8, 45: 'y'}
	copy(request[40:], "nobody")
	if _, err := rand.Read(request[4:20]); err != nil {
		return err
	}
	mac := hmac.New(md5.New, []byte(Secret))
	mac.Write(request)
	mac.Sum(request[22:22])
	c, err := net.Dial("udp", netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1812).String())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 4096))
	return err
}

// Restart ends the server at once, as a power cut would, and starts it anew. change
// may alter its options in between.
func (s *Server) Restart(change func(*Options)) {
	s.t.Helper()
	s.Kill()
	if change != nil {
		change(&s.options)
	}
	s.start()
}

// Accounted is the text of the Accounting-Requests that were acknowledged, as the
// detail module writes them.
func (s *Server) Accounted() string { return s.text("detail") }

// Asked is the text of the Access-Requests that came, as the detail module writes them.
func (s *Server) Asked() string { return s.text("requests") }

func (s *Server) text(file string) string {
	text, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatalf("freeradius: %v", err)
	}
	return string(text)
}
