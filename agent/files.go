package agent

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"tipring/internal/config"
	"tipring/internal/faxback"
)

// maxNamedFile bounds a file that the configuration names.
const maxNamedFile = 4 << 20

// readNamedFile reads a file that the configuration names. Its error does not repeat the
// name.
func readNamedFile(path string) ([]byte, error) {
	text, err := readWhole(path)
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return text, err
}

func readWhole(path string) ([]byte, error) {
	f, err := config.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxNamedFile+1))
	if err == nil && len(text) > maxNamedFile {
		return nil, fmt.Errorf("it is longer than %d octets", maxNamedFile)
	}
	return text, err
}

// checkFile reports a file that is not what the key that names it wants.
func checkFile(use config.FileUse, path string) error {
	if use == config.Directory {
		return checkDirectory(path)
	}
	text, err := readNamedFile(path)
	if err != nil {
		return err
	}
	switch use {
	case config.Authorities:
		_, err = authorities(text)
	case config.Certificate:
		_, err = certificates(text)
	case config.PrivateKey:
		err = privateKey(text)
	case config.Dictionary:
		_, err = faxback.ParseDictionary(filepath.Base(path), text)
	}
	return err
}

// checkDirectory reports what stands where a directory is, or is to be made.
func checkDirectory(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return errors.New("a file stands in its path")
	case err == nil && !info.IsDir():
		return errors.New("it is a file")
	}
	return nil // what only its maker may find out, such as permissions, is found when it is made
}

// authorities is the pool of the certificates in PEM text.
func authorities(text []byte) (*x509.CertPool, error) {
	found, err := certificates(text)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range found {
		pool.AddCert(c)
	}
	return pool, nil
}

// certificates are those in PEM text. One that cannot be read is an error only when it is
// the only one: bundles of systems hold some that Go refuses.
func certificates(text []byte) (found []*x509.Certificate, err error) {
	err = errors.New("it holds no certificate")
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, bad := x509.ParseCertificate(block.Bytes)
		if bad != nil {
			err = fmt.Errorf("its certificate cannot be read: %w", bad)
			continue
		}
		found = append(found, c)
	}
	if len(found) > 0 {
		err = nil
	}
	return found, err
}

// privateKey looks for a private key that is not encrypted: a daemon has nobody to ask.
func privateKey(text []byte) error {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "ENCRYPTED PRIVATE KEY":
			return errors.New("its key is encrypted")
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			return nil
		}
	}
	return errors.New("it holds no private key")
}

// checkKeyPair reports a key that is not that of a certificate.
func checkKeyPair(cert, key string) error {
	certText, err := readNamedFile(cert)
	if err != nil {
		return err
	}
	keyText, err := readNamedFile(key)
	if err != nil {
		return err
	}
	_, err = tls.X509KeyPair(certText, keyText)
	return err
}

// A trust is who may vouch for SIP servers.
type trust struct {
	pool   *x509.CertPool // nil: those of the system
	digest [sha256.Size]byte
}

// readTrust reads the authorities of a file; with no file they are the system's. A file
// that cannot be used leaves nobody trusted: unverified is no answer to a wrong path.
func readTrust(file string) (trust, error) {
	if file == "" {
		return trust{}, nil
	}
	t := trust{pool: x509.NewCertPool()}
	text, err := readNamedFile(file)
	if err == nil {
		t.digest = sha256.Sum256(text)
		var pool *x509.CertPool
		if pool, err = authorities(text); err == nil {
			t.pool = pool
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return t, err
}
