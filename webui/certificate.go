package webui

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tipring/internal/durable"
)

// CertificateName is the file of the device's own certificate and key in the state directory.
const CertificateName = "web-certificate.pem"

const (
	certLife  = 2 * 365 * 24 * time.Hour // browsers take no longer ones
	certRenew = 30 * 24 * time.Hour      // before its end
	certSize  = 64 << 10                 // octets of the file, at most
)

// certificates has the one that is shown: the one that was given, or the device's own, which it
// makes and renews.
type certificates struct {
	dir string
	log *slog.Logger
	now func() time.Time

	mu    sync.Mutex // what follows
	hosts []string
	cert  *tls.Certificate
	isOwn bool
}

// configure takes the certificate that is given, or the own one when there is none or it cannot
// be read.
func (c *certificates) configure(cert, key string, hosts []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts = hosts
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err == nil {
			c.cert, c.isOwn = &pair, false
			return
		}
		c.log.Error("the page's certificate cannot be used: the device shows its own", "file", cert, "err", err)
	}
	c.cert, c.isOwn = nil, true
	if err := c.renew(nil); err != nil {
		c.log.Error("no certificate: HTTPS does not work", "err", err)
	}
}

// given reports that the certificate is one that browsers can trust.
func (c *certificates) given() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cert != nil && !c.isOwn
}

// current is the certificate to show now to whoever came to an address of the device; nil: nobody
// knows which.
func (c *certificates) current(at net.IP) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isOwn {
		if err := c.renew(at); err != nil && c.cert == nil {
			return nil, err
		}
	}
	if c.cert == nil {
		return nil, errors.New("no certificate")
	}
	return c.cert, nil
}

// renew sees to it that the own certificate is there, has not nearly ended, and is for the hosts
// that are configured and the address that somebody came to. Addresses that nobody comes to,
// such as those that IPv6 changes daily, are no reason for another one: browsers warn of each.
func (c *certificates) renew(at net.IP) error {
	if c.cert != nil && c.isFresh(c.cert, at) {
		return nil
	}
	path := filepath.Join(c.dir, CertificateName)
	pair, err := readPair(path)
	if err == nil && c.isFresh(pair, at) {
		c.cert = pair
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Warn("the device's own certificate is made anew", "path", path, "err", err)
	}
	text, err := c.make()
	if err != nil {
		return err
	}
	if err := writePrivate(path, text); err != nil {
		c.log.Warn("the device's own certificate is not kept", "path", path, "err", err)
	}
	made, err := tls.X509KeyPair(text, text)
	if err != nil {
		return err
	}
	c.cert = &made
	c.log.Info("certificate made", "path", path, "until", made.Leaf.NotAfter)
	return nil
}

func (c *certificates) isFresh(pair *tls.Certificate, at net.IP) bool {
	now := c.now()
	return !now.Before(pair.Leaf.NotBefore) && now.Before(pair.Leaf.NotAfter.Add(-certRenew)) && c.covers(pair.Leaf, at)
}

// covers reports whether a certificate is for all hosts that are configured, and for an address
// of the device.
func (c *certificates) covers(leaf *x509.Certificate, at net.IP) bool {
	names, addrs := hostsOf(c.hosts)
	if at != nil && slices.ContainsFunc(ownAddrs(), at.Equal) {
		addrs = append(addrs, at)
	}
	return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(leaf.DNSNames, name) }) &&
		!slices.ContainsFunc(addrs, func(addr net.IP) bool { return !slices.ContainsFunc(leaf.IPAddresses, addr.Equal) })
}

func readPair(path string) (*tls.Certificate, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := durable.ReadAll(f, path, certSize)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(text, text)
	return &pair, err
}

func writePrivate(path string, text []byte) error {
	return durable.Replace(durable.Disk{}, path, text, durable.Private)
}

// make makes a certificate for the names and addresses of this device, signed by itself.
func (c *certificates) make() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return nil, err
	}
	name, _ := os.Hostname()
	now := c.now()
	template := x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: cmp.Or(name, "tipring"), Organization: []string{"tipring, made by the device itself"}},
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.Add(certLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		BasicConstraintsValid: true,
	}
	template.DNSNames, template.IPAddresses = c.names(name)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a buffer takes it
	_ = pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	return b.Bytes(), nil
}

// names are those that the certificate is for.
func (c *certificates) names(host string) (names []string, addrs []net.IP) {
	names, addrs = hostsOf(append([]string{"localhost", host}, c.hosts...))
	return names, append(addrs, ownAddrs()...)
}

// hostsOf parts names from addresses, and leaves out what no certificate can hold.
func hostsOf(all []string) (names []string, addrs []net.IP) {
	for _, name := range all {
		if ip := net.ParseIP(name); ip != nil {
			addrs = append(addrs, ip)
		} else if name = strings.TrimSuffix(name, "."); isDNSName(name) {
			names = append(names, name)
		}
	}
	return names, addrs
}

// isDNSName reports a name that a certificate can hold.
func isDNSName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == '*' })
}
