package fetch

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// An issuer signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// issue makes a certificate of template, by parent or (nil) by itself.
func issue(parent *issuer, change func(*x509.Certificate)) *issuer {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "files.example"},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour), BasicConstraintsValid: true,
		DNSNames: []string{"files.example"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 9)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	key := newKey()
	if parent == nil {
		parent = &issuer{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, &key.PublicKey, parent.key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &issuer{cert, key}
}

func authority(parent *issuer, change func(*x509.Certificate)) *issuer {
	return issue(parent, func(c *x509.Certificate) {
		c.Subject.CommonName = "authority " + c.SerialNumber.String()
		c.IsCA, c.KeyUsage, c.DNSNames, c.IPAddresses, c.ExtKeyUsage = true, x509.KeyUsageCertSign, nil, nil, nil
		change(c)
	})
}

func as(*x509.Certificate) {}

// pair is a certificate for a server, with the chain it sends.
func (i *issuer) pair(chain ...*issuer) tls.Certificate {
	p := tls.Certificate{Certificate: [][]byte{i.cert.Raw}, PrivateKey: i.key}
	for _, c := range chain {
		p.Certificate = append(p.Certificate, c.cert.Raw)
	}
	return p
}

func pool(all ...*issuer) *x509.CertPool {
	p := x509.NewCertPool()
	for _, i := range all {
		p.AddCert(i.cert)
	}
	return p
}

func (l *lab) serveTLS(at string, config *tls.Config, handle func(*http.Request, io.Writer)) {
	if config.Time == nil {
		config.Time = func() time.Time { return noon }
	}
	l.tcp[netip.MustParseAddrPort(at)] = func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() != nil {
			return
		}
		serveHTTP(handle)(s)
		_ = s.Close()
	}
}

func at12() time.Time { return noon }

const secure = "https://files.example/a.cfg"

func newTLSLab(l *lab) {
	l.names["files.example"] = []netip.Addr{netip.MustParseAddr("192.0.2.9")}
	l.names["other.example"] = []netip.Addr{netip.MustParseAddr("192.0.2.10")}
}

func TestTLS(t *testing.T) {
	ca := authority(nil, as)
	middle := authority(ca, as)
	for _, tt := range []struct {
		name   string
		url    string
		config *tls.Config
	}{
		{"TLS 1.3", secure, &tls.Config{Certificates: []tls.Certificate{issue(ca, as).pair()}}},
		{"TLS 1.2", secure, &tls.Config{Certificates: []tls.Certificate{issue(ca, as).pair()}, MaxVersion: tls.VersionTLS12}},
		{"HTTP/2 offered first", secure, &tls.Config{Certificates: []tls.Certificate{issue(ca, as).pair()}, NextProtos: []string{"h2", "http/1.1"}}},
		{"an address", "https://192.0.2.9/a.cfg", &tls.Config{Certificates: []tls.Certificate{issue(ca, as).pair()}}},
		{"a chain", secure, &tls.Config{Certificates: []tls.Certificate{issue(middle, as).pair(middle)}}},
		{"any name below", secure, &tls.Config{Certificates: []tls.Certificate{issue(ca, func(c *x509.Certificate) { c.DNSNames = []string{"*.example"} }).pair()}}},
	} {
		bubble(t, tt.name, func(t *testing.T, l *lab) {
			newTLSLab(l)
			l.serveTLS("192.0.2.9:443", tt.config, func(_ *http.Request, w io.Writer) { ok(w, ini) })
			res, _, err := l.fetch(t, Config{Roots: pool(ca), Now: at12}, Request{URL: tt.url})
			if err != nil || string(res.Data) != ini || !res.Secure {
				t.Errorf("%q, secure %v, %v", res.Data, res.Secure, err)
			}
		})
	}
}

// None of these servers is believed, and none is told anything but the handshake.
func TestTLSFaults(t *testing.T) {
	ca := authority(nil, as)
	middle := authority(ca, as)
	stranger := authority(nil, as)
	leaf := issue(ca, as)
	broken := issue(ca, as).pair()
	broken.Certificate[0] = append([]byte{}, broken.Certificate[0]...)
	broken.Certificate[0][len(broken.Certificate[0])-3] ^= 1
	type change = func(*x509.Certificate)
	with := func(c change) tls.Certificate { return issue(ca, c).pair() }
	old := authority(ca, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(-2*time.Hour), noon.Add(-time.Hour) })
	narrow := authority(ca, func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"elsewhere.example"}, true
	})
	only := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	version := func(v uint16) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{leaf.pair()}, MinVersion: v, MaxVersion: v}
	}
	for _, tt := range []struct {
		name   string
		config *tls.Config
		says   string
	}{
		{"expired", only(with(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = noon.Add(-2*time.Hour), noon.Add(-time.Second) })), "has expired or is not yet valid"},
		{"not yet valid", only(with(func(c *x509.Certificate) { c.NotBefore = noon.Add(time.Second) })), "is before"},
		{"wrong name", only(with(func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} })), "not files.example"},
		{"name in the subject alone", only(with(func(c *x509.Certificate) { c.DNSNames = nil })), "files.example"},
		{"address for a name", only(with(func(c *x509.Certificate) { c.DNSNames = []string{"192.0.2.9"} })), "files.example"},
		{"any name of another level", only(with(func(c *x509.Certificate) { c.DNSNames = []string{"*.files.example", "*"} })), "files.example"},
		{"self-signed", only(issue(nil, as).pair()), "unknown authority"},
		{"self-signed, called an authority", only(issue(nil, func(c *x509.Certificate) { c.IsCA = true }).pair()), "unknown authority"},
		{"unknown authority", only(issue(stranger, as).pair(stranger)), "unknown authority"},
		{"authority expired", only(issue(old, as).pair(old)), "expired"},
		{"authority for other names", only(issue(narrow, as).pair(narrow)), "not permitted"},
		{"a link missing", only(issue(middle, as).pair()), "unknown authority"},
		{"issued by a server", only(issue(leaf, as).pair(leaf)), "parent certificate cannot sign"},
		{"for clients", only(with(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), "key usage"},
		{"signature broken", only(broken), "x509"},
		{"another's certificate", only(tls.Certificate{Certificate: leaf.pair().Certificate, PrivateKey: wrongKey{leaf.key}}), "invalid signature"},
		{"TLS 1.0", version(tls.VersionTLS10), "protocol version"},
		{"TLS 1.1", version(tls.VersionTLS11), "protocol version"},
		{"old ciphers", &tls.Config{Certificates: []tls.Certificate{leaf.pair()}, MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}}, "handshake failure"},
		{"wants a certificate of ours", &tls.Config{Certificates: []tls.Certificate{leaf.pair()}, ClientAuth: tls.RequireAnyClientCert}, "asked for a certificate of this device"},
		{"wants one by TLS 1.2", &tls.Config{Certificates: []tls.Certificate{leaf.pair()}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, "asked for a certificate of this device"},
	} {
		bubble(t, tt.name, func(t *testing.T, l *lab) {
			newTLSLab(l)
			asked := false
			l.serveTLS("192.0.2.9:443", tt.config, func(_ *http.Request, w io.Writer) {
				asked = true
				ok(w, ini)
			})
			res, _, err := l.fetch(t, Config{Roots: pool(ca), Now: at12}, Request{URL: "https://alice:geheim@files.example/a.cfg"})
			if err == nil || asked || res.Data != nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%v, asked %v, %q; want it to say %q", err, asked, res.Data, tt.says)
			}
			t.Log(err)
		})
	}
	bubble(t, "no TLS at all", func(t *testing.T, l *lab) {
		newTLSLab(l)
		l.serveHTTP("192.0.2.9:443", func(_ *http.Request, w io.Writer) { ok(w, ini) })
		l.tcp[netip.MustParseAddrPort("192.0.2.9:443")] = func(c net.Conn) { reply(c, 200, ini) }
		if res, _, err := l.fetch(t, Config{Roots: pool(ca), Now: at12}, Request{URL: secure}); err == nil || res.Data != nil {
			t.Errorf("%q, %v", res.Data, err)
		}
	})
	bubble(t, "silence instead of a handshake", func(t *testing.T, l *lab) {
		newTLSLab(l)
		l.tcp[netip.MustParseAddrPort("192.0.2.9:443")] = func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
		if _, took, err := l.fetch(t, Config{Roots: pool(ca), Now: at12}, Request{URL: secure}); !errors.Is(err, ErrSlow) || took != paceTime {
			t.Errorf("%v, after %v", err, took)
		}
	})
	bubble(t, "cut by somebody on the way", func(t *testing.T, l *lab) {
		newTLSLab(l)
		l.tcp[netip.MustParseAddrPort("192.0.2.9:443")] = func(c net.Conn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{leaf.pair()}})
			serveHTTP(func(_ *http.Request, w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.0 200 OK\r\n\r\n[sip1]\n") })(s)
		}
		if res, _, err := l.fetch(t, Config{Roots: pool(ca), Now: at12}, Request{URL: secure}); !errors.Is(err, ErrCut) || res.Data != nil {
			t.Errorf("%q, %v", res.Data, err)
		}
	})
}

// wrongKey claims to be one key and signs with another.
type wrongKey struct{ claimed *ecdsa.PrivateKey }

func (w wrongKey) Public() crypto.PublicKey { return w.claimed.Public() }
func (w wrongKey) Sign(r io.Reader, sum []byte, o crypto.SignerOpts) ([]byte, error) {
	return newKey().Sign(r, sum, o)
}

// The clock that certificates are judged by is the caller's, which has a floor.
func TestClock(t *testing.T) {
	ca := authority(nil, as)
	floor := noon
	for _, year := range []int{1970, 2000, 2026} {
		bubble(t, strconv.Itoa(year), func(t *testing.T, l *lab) {
			newTLSLab(l)
			l.serveTLS("192.0.2.9:443", &tls.Config{Certificates: []tls.Certificate{issue(ca, as).pair()}}, func(_ *http.Request, w io.Writer) { ok(w, ini) })
			clock := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
			var invalid x509.CertificateInvalidError
			if _, _, err := l.fetch(t, Config{Roots: pool(ca), Now: func() time.Time { return clock }}, Request{URL: secure}); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
				t.Errorf("in %d: %v", year, err)
			}
			later := func() time.Time {
				if clock.Before(floor) {
					return floor
				}
				return clock
			}
			if _, _, err := l.fetch(t, Config{Roots: pool(ca), Now: later}, Request{URL: secure}); err != nil {
				t.Errorf("in %d, with a floor: %v", year, err)
			}
		})
	}
}

// What is for the URL's server is for no other, and nothing leads out of HTTPS.
func TestTLSRedirect(t *testing.T) {
	ca := authority(nil, as)
	here := &tls.Config{Certificates: []tls.Certificate{issue(ca, as).pair()}}
	there := func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{issue(ca, func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }).pair()}}
	}
	to := func(location string) func(*http.Request, io.Writer) {
		return func(_ *http.Request, w io.Writer) { reply(w, 302, "", "Location: "+location) }
	}
	file := func(_ *http.Request, w io.Writer) { ok(w, ini) }
	client := Config{Roots: pool(ca), Now: at12}

	bubble(t, "to http", func(t *testing.T, l *lab) {
		newTLSLab(l)
		l.serveTLS("192.0.2.9:443", here.Clone(), to("http://files.example/a.cfg"))
		l.serveHTTP("192.0.2.9:80", file)
		if _, _, err := l.fetch(t, client, Request{URL: secure}); !errors.Is(err, ErrRedirect) || !strings.Contains(err.Error(), "from https to http") || len(l.dials) != 1 {
			t.Errorf("%v, asked %v", err, l.dials)
		}
	})
	bubble(t, "to TFTP", func(t *testing.T, l *lab) {
		newTLSLab(l)
		l.serveTLS("192.0.2.9:443", here.Clone(), to("tftp://files.example/a.cfg"))
		if _, _, err := l.fetch(t, client, Request{URL: secure}); !errors.Is(err, ErrRedirect) {
			t.Error(err)
		}
	})
	bubble(t, "from http to https", func(t *testing.T, l *lab) {
		newTLSLab(l)
		p := &protected{basic: true}
		l.serveHTTP("192.0.2.9:80", to("https://files.example/a.cfg"))
		l.serveTLS("192.0.2.9:443", here.Clone(), p.handle)
		res, _, err := l.fetch(t, client, Request{URL: "http://alice:geheim@files.example/a.cfg"})
		if err != nil || string(res.Data) != ini || res.URL != secure {
			t.Errorf("%+v, %v", res, err)
		}
		if res.Secure { // who redirected was not verified
			t.Error("called secure")
		}
	})
	bubble(t, "to another server", func(t *testing.T, l *lab) {
		newTLSLab(l)
		mine := issue(ca, as).pair()
		shown := map[string]int{}
		ask := func(c *tls.Config, name string) *tls.Config {
			c.ClientAuth = tls.RequestClientCert
			c.VerifyConnection = func(s tls.ConnectionState) error { shown[name] = len(s.PeerCertificates); return nil }
			return c
		}
		p := &protected{basic: true}
		l.serveTLS("192.0.2.9:443", ask(here.Clone(), "own"), to("https://other.example/a.cfg"))
		l.serveTLS("192.0.2.10:443", ask(there(), "other"), p.handle)
		c := client
		c.Certificate = &mine
		_, _, err := l.fetch(t, c, Request{URL: "https://alice:geheim@files.example/a.cfg"})
		if !errors.Is(err, ErrCredentials) || p.got[0] != "" || shown["own"] != 1 || shown["other"] != 0 {
			t.Errorf("%v, credentials %q, certificates shown %v", err, p.got, shown)
		}
	})
	bubble(t, "to another server that is nobody's", func(t *testing.T, l *lab) {
		newTLSLab(l)
		l.serveTLS("192.0.2.9:443", here.Clone(), to("https://other.example/a.cfg"))
		l.serveTLS("192.0.2.10:443", here.Clone(), file) // its certificate is files.example's
		if _, _, err := l.fetch(t, client, Request{URL: secure}); err == nil || !strings.Contains(err.Error(), "not other.example") {
			t.Error(err)
		}
	})
	bubble(t, "Basic", func(t *testing.T, l *lab) {
		newTLSLab(l)
		p := &protected{basic: true}
		l.serveTLS("192.0.2.9:443", here.Clone(), p.handle)
		res, _, err := l.fetch(t, client, Request{URL: "https://alice:geheim@files.example/a.cfg"})
		if err != nil || !res.Secure || res.URL != secure || p.asked != 2 {
			t.Errorf("%+v, %v, asked %d times", res, err, p.asked)
		}
	})
	bubble(t, "a client certificate", func(t *testing.T, l *lab) {
		newTLSLab(l)
		device := issue(ca, func(c *x509.Certificate) {
			c.Subject.CommonName, c.ExtKeyUsage = "0c383e00ab01", []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}).pair()
		strict := here.Clone()
		strict.ClientAuth, strict.ClientCAs = tls.RequireAndVerifyClientCert, pool(ca)
		l.serveTLS("192.0.2.9:443", strict, file)
		c := client
		c.Certificate = &device
		if res, _, err := l.fetch(t, c, Request{URL: secure}); err != nil || string(res.Data) != ini {
			t.Error(err)
		}
	})
}
