package aaa

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"
)

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string, now time.Time) authority {
	t.Helper()
	a := authority{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}}
	pair := a.issue(t, a.cert)
	a.key = pair.PrivateKey.(*ecdsa.PrivateKey)
	a.cert = pair.Leaf
	return a
}

// issue signs a certificate, by itself when the authority has no key yet.
func (a authority) issue(t testing.TB, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func (a authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

const radsecAddr = "radius.example:2083"

func serverCert(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "radius"}, DNSNames: []string{"radius.example"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// Certificates and servers that are not believed. None gets the question.
func TestRadsecCertificates(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, s *secured, now time.Time)
	}{
		{"expired", leaf(func(c *x509.Certificate, now time.Time) { c.NotAfter = now.Add(-time.Minute) })},
		{"not yet valid", leaf(func(c *x509.Certificate, now time.Time) { c.NotBefore = now.Add(time.Minute) })},
		{"another name", leaf(func(c *x509.Certificate, _ time.Time) { c.DNSNames = []string{"radius.other"} })},
		{"the name in the subject only", leaf(func(c *x509.Certificate, _ time.Time) {
			c.DNSNames, c.Subject.CommonName = nil, "radius.example"
		})},
		{"the name of a subdomain's wildcard", leaf(func(c *x509.Certificate, _ time.Time) { c.DNSNames = []string{"*.radius.example"} })},
		{"for clients", leaf(func(c *x509.Certificate, _ time.Time) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })},
		{"self-signed", func(t *testing.T, s *secured, now time.Time) {
			c := serverCert(now)
			s.config.Certificates = []tls.Certificate{authority{cert: c}.issue(t, c)}
		}},
		{"an unknown authority of the same name", func(t *testing.T, s *secured, now time.Time) {
			s.config.Certificates = []tls.Certificate{newAuthority(t, "CA", now).issue(t, serverCert(now))}
		}},
		{"signed by a certificate that is no authority", func(t *testing.T, s *secured, now time.Time) {
			middle := s.ca.issue(t, serverCert(now))
			below := authority{middle.Leaf, middle.PrivateKey.(*ecdsa.PrivateKey)}.issue(t, serverCert(now))
			below.Certificate = append(below.Certificate, middle.Certificate...)
			s.config.Certificates = []tls.Certificate{below}
		}},
		{"TLS 1.1", func(_ *testing.T, s *secured, _ time.Time) {
			s.config.MinVersion, s.config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}},
	} {
		bubble(t, func(t *testing.T, n *network) {
			s := n.radsec(t, answersOverTLS)
			tt.change(t, s, time.Now())
			c := s.client(t, Config{})
			_, err := c.Exchange(context.Background(), lookup("x"))
			if !errors.Is(err, ErrNoAnswer) || len(s.got) != 0 || s.accepted.Load() == 0 {
				t.Errorf("%s: %v; the server got %d requests", tt.name, err, len(s.got))
			}
		})
	}
	c, err := New(Config{Servers: []Server{{Addr: radsecAddr, TLS: true}}, TLS: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.servers[0].radsec.tls; got.InsecureSkipVerify || got.MinVersion != tls.VersionTLS12 {
		t.Error("a configuration made TLS weaker")
	}
}

func leaf(change func(c *x509.Certificate, now time.Time)) func(*testing.T, *secured, time.Time) {
	return func(t *testing.T, s *secured, now time.Time) {
		c := serverCert(now)
		change(c, now)
		s.config.Certificates = []tls.Certificate{s.ca.issue(t, c)}
	}
}
