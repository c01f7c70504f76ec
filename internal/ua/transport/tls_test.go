package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// An authority issues the certificates of a test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, cert, key}
}

// issue makes a certificate for names and addresses, valid for an hour from then.
func (a *authority) issue(from time.Time, names ...string) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "the server"},
		NotBefore: from, NotAfter: from.Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// trusting is a layer's configuration that believes this authority alone.
func (a *authority) trusting(c *Config) { c.TLS = &tls.Config{RootCAs: a.pool()} }

// serveTLS accepts connections with that certificate, echoing every octet, and tells
// their handshakes' outcome.
func serveTLS(t testing.TB, cfg *tls.Config) (addr string, hands <-chan error) {
	t.Helper()
	ln := listenTCP(t)
	done := make(chan struct{})
	ch := make(chan error, 10)
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s := tls.Server(conn, cfg)
			ch <- s.Handshake()
			buf := make([]byte, 4096)
			go func() {
				defer func() { _ = s.Close() }()
				for {
					n, err := s.Read(buf)
					if err != nil {
						return
					}
					_, _ = s.Write(buf[:n])
				}
			}()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String(), ch
}

func TestTLSVerifiesChainAndName(t *testing.T) {
	ca, stranger := newAuthority(t, "our CA"), newAuthority(t, "a stranger")
	now := time.Now()
	ok := ca.issue(now.Add(-time.Minute), "pbx.example")
	for _, c := range []struct {
		name            string
		asked           string // Target.Name
		cert            tls.Certificate
		lowest, highest uint16 // TLS version of the server; 0: as usual
		want            string // of the failure; empty: works
	}{
		{name: "right name", asked: "pbx.example", cert: ok},
		{name: "right address", cert: ca.issue(now.Add(-time.Minute), "127.0.0.1")},
		{name: "wildcard", asked: "sip.pbx.example", cert: ca.issue(now.Add(-time.Minute), "*.pbx.example")},
		{name: "expired", asked: "pbx.example", cert: ca.issue(now.Add(-2*time.Hour), "pbx.example"),
			want: `TLS: certificate of "the server" is valid from `},
		{name: "not yet valid", asked: "pbx.example", cert: ca.issue(now.Add(time.Hour), "pbx.example"),
			want: `TLS: certificate of "the server" is valid from `},
		{name: "unknown authority", asked: "pbx.example", cert: stranger.issue(now.Add(-time.Minute), "pbx.example"),
			want: `TLS: certificate of "the server" is signed by "a stranger", an authority that is not trusted here`},
		{name: "wrong name", asked: "pbx.example", cert: ca.issue(now.Add(-time.Minute), "other.example"),
			want: "TLS: certificate is for another server: "},
		{name: "name where an address was asked for", cert: ok,
			want: "TLS: certificate is for another server: "},
		{name: "address where a name was asked for", asked: "pbx.example", cert: ca.issue(now.Add(-time.Minute), "127.0.0.1"),
			want: "TLS: certificate is for another server: "},
		{name: "TLS 1.0", asked: "pbx.example", cert: ok, lowest: tls.VersionTLS10, highest: tls.VersionTLS10,
			want: "TLS: refused by the server: "},
		{name: "TLS 1.1", asked: "pbx.example", cert: ok, lowest: tls.VersionTLS10, highest: tls.VersionTLS11,
			want: "TLS: refused by the server: "},
		{name: "TLS 1.2", asked: "pbx.example", cert: ok, highest: tls.VersionTLS12},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, _ := serveTLS(t, &tls.Config{
				Certificates: []tls.Certificate{c.cert}, MinVersion: c.lowest, MaxVersion: c.highest})
			l, r := start(t, ca.trusting)
			f := flow(t, l, TLS, addr, c.asked)
			// A server that refuses may have done so before anything is sent.
			if err := f.Send(options("SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1")); err != nil && (c.want == "" || !errors.Is(err, ErrClosed)) {
				t.Fatal(err)
			}
			if c.want == "" {
				r.next(t, "up")
				if e := r.next(t, "receive"); e.flow != f || e.err != nil {
					t.Errorf("echo: %+v", e)
				}
				return
			}
			e := r.next(t, "failed")
			if e.flow != f || !strings.HasPrefix(e.err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s ...", e.err, c.want)
			}
			r.quiet(t) // not up, and nothing was sent to whom we do not know
		})
	}
}

// A base configuration cannot lower the guard.
func TestTLSCannotBeWeakened(t *testing.T) {
	ca := newAuthority(t, "our CA")
	addr, _ := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(time.Now(), "pbx.example")}})
	l, r := start(t, func(c *Config) {
		c.TLS = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, ServerName: "pbx.example"}
	})
	flow(t, l, TLS, addr, "other.example")
	r.next(t, "failed")
}

// CVE-2020-15260: a connection is not used for a server of another name, though its
// address and port are the same.
func TestTLSConnectionServesOneName(t *testing.T) {
	ca := newAuthority(t, "our CA")
	addr, hands := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{
		ca.issue(time.Now().Add(-time.Minute), "one.example", "two.example")}})
	l, r := start(t, ca.trusting)
	one, two, three := flow(t, l, TLS, addr, "one.example"), flow(t, l, TLS, addr, "two.example"), flow(t, l, TLS, addr, "three.example")
	if one == two {
		t.Fatal("one connection for two names")
	}
	if again := flow(t, l, TLS, addr, "one.example"); again != one {
		t.Error("two connections for one name")
	}
	up, failed, refused := 0, 0, 0
	for range 3 {
		switch e := <-r; e.kind {
		case "up":
			up++
		case "failed":
			failed++
			if e.flow != three {
				t.Errorf("%v failed: %v", e.flow.Target(), e.err)
			}
		}
		if err := <-hands; err != nil {
			refused++
		}
	}
	if up != 2 || failed != 1 || refused != 1 {
		t.Errorf("%d up, %d failed, %d refused at the server; want the two names of the certificate up, and not the third", up, failed, refused)
	}
}

func TestTLSHandshakeThatStalls(t *testing.T) {
	l, r := start(t, func(c *Config) { c.ConnectTimeout = 50 * time.Millisecond })
	ln := listenTCP(t)
	flow(t, l, TLS, ln.Addr().String(), "pbx.example")
	if e := r.next(t, "failed"); !strings.Contains(e.err.Error(), "TLS: handshake not finished in time") {
		t.Errorf("got %v", e.err)
	}
}

func TestTLSServerThatHangsUp(t *testing.T) {
	l, r := start(t, nil)
	ln := listenTCP(t)
	flow(t, l, TLS, ln.Addr().String(), "pbx.example")
	conn := acceptOne(t, ln)
	_, _ = conn.Read(make([]byte, 4096)) // else it would be a reset
	_ = conn.CloseWrite()
	if e := r.next(t, "failed"); !strings.Contains(e.err.Error(), "TLS: closed by the far end in the handshake") {
		t.Errorf("got %v", e.err)
	}
}

func TestTLSAccepts(t *testing.T) {
	ca := newAuthority(t, "our CA")
	cert := ca.issue(time.Now().Add(-time.Minute), "ata.example")
	l, r := start(t, func(c *Config) { c.ServerCert = &cert })
	dial := func(max uint16) (*tls.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{RootCAs: ca.pool(), ServerName: "ata.example", MinVersion: tls.VersionTLS10, MaxVersion: max}}
		conn, err := d.Dial("tcp", at(l, TLS))
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		return conn.(*tls.Conn), nil
	}
	if _, err := dial(tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
	conn, err := dial(tls.VersionTLS13)
	if err != nil {
		t.Fatal(err)
	}
	r.next(t, "up")
	_, _ = conn.Write(options("SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1"))
	e := r.next(t, "receive")
	answer(t, e)
	expect(t, conn, "SIP/2.0 200 OK\r\n")
	if got := e.flow.Target().Proto; got != TLS {
		t.Errorf("flow is %s, want tls", got)
	}
}

func TestWithoutCertificateNoTLSListener(t *testing.T) {
	l, _ := start(t, nil)
	if l.Port(TLS) != 0 {
		t.Errorf("listening on tls port %d without a certificate", l.Port(TLS))
	}
}
