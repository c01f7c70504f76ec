// Package certs makes certificate authorities and server certificates for
// tests: good ones and each kind of bad one.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"tipring/tools/peers/netlab"
)

// An Authority signs certificates.
type Authority struct {
	File string // PEM

	t    netlab.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// A Pair names the PEM files of a certificate and its key.
type Pair struct{ Cert, Key string }

// A Flaw is what is wrong with a certificate.
type Flaw int

// The flaws.
const (
	Good Flaw = iota
	Expired
	NotYetValid
	WrongName
	SelfSigned
)

// NewAuthority makes an authority whose files lie in dir.
func NewAuthority(t netlab.T, dir, name string) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: dir, File: filepath.Join(dir, name+".pem"), key: newKey(t)}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.write(a.File, "CERTIFICATE", a.sign(a.cert, a.cert, &a.key.PublicKey, a.key))
	return a
}

// Server makes a certificate for names, which may be addresses.
func (a *Authority) Server(file string, flaw Flaw, names ...string) Pair {
	a.t.Helper()
	key := newKey(a.t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "server"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	parent, signer := a.cert, a.key
	switch flaw {
	case Expired:
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	case NotYetValid:
		c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	case WrongName:
		names = []string{"other.invalid"}
	case SelfSigned:
		parent, signer = c, key
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	p := Pair{Cert: filepath.Join(a.dir, file+".pem"), Key: filepath.Join(a.dir, file+".key")}
	a.write(p.Cert, "CERTIFICATE", a.sign(c, parent, &key.PublicKey, signer))
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatalf("certs: %v", err)
	}
	a.write(p.Key, "EC PRIVATE KEY", der)
	return p
}

// Load reads the pair for a TLS server of Go's.
func (p Pair) Load(t netlab.T) tls.Certificate {
	t.Helper()
	c, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatalf("certs: %v", err)
	}
	return c
}

func newKey(t netlab.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("certs: %v", err)
	}
	return key
}

func (a *Authority) sign(c, parent *x509.Certificate, pub *ecdsa.PublicKey, signer *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, signer)
	if err != nil {
		a.t.Fatalf("certs: %v", err)
	}
	return der
}

func (a *Authority) write(path, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatalf("certs: %v", err)
	}
}
