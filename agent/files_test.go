package agent

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/internal/config"
)

// certificate makes a certificate and its key, in PEM.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// Every file that the configuration names must be there and be what it is named for, when
// the configuration is read and not when the first call needs it.
func TestFilesThatAreNamedAreLookedAt(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t)
	other, _ := certificate(t)
	broken := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no")})
	for name, text := range map[string][]byte{
		"cert": cert, "other": other, "key": key, "empty": nil, "text": []byte("hello"), "broken": broken,
		"bundle": append(append([]byte("# comment\n"), broken...), cert...),
		"sealed": pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}),
		"long":   make([]byte, maxNamedFile+1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		cas     = "a PEM file with certificates of authorities: "
		oneCert = "a PEM file with a certificate: "
		oneKey  = "a PEM file with a private key: "
		dict    = "a dictionary of RADIUS attributes: "
	)
	for _, tt := range []struct{ section, key, name, want string }{
		{"device", "state_dir", "cert", "a directory: it is a file"},
		{"device", "state_dir", "cert/state", "a directory: a file stands in its path"},
		{"device", "state_dir", "", ""},
		{"device", "state_dir", "to/be/made", ""},
		{"sip", "tls_ca_file", "cert", ""},
		{"sip", "tls_ca_file", "bundle", ""},
		{"sip", "tls_ca_file", "none", cas + "no such file or directory"},
		{"sip", "tls_ca_file", "", cas + "it is not a regular file"},
		{"sip", "tls_ca_file", "pipe", cas + "it is not a regular file"},
		{"sip", "tls_ca_file", "cert/below", cas + "not a directory"},
		{"sip", "tls_ca_file", "empty", cas + "it holds no certificate"},
		{"sip", "tls_ca_file", "text", cas + "it holds no certificate"},
		{"sip", "tls_ca_file", "key", cas + "it holds no certificate"},
		{"sip", "tls_ca_file", "broken", cas + "its certificate cannot be read: x509: malformed certificate"},
		{"sip", "tls_ca_file", "long", cas + "it is longer than 4194304 octets"},
		{"provisioning", "tls_ca_file", "none", cas + "no such file or directory"},
		{"provisioning", "tls_ca_file", "text", cas + "it holds no certificate"},
		{"radius", "dictionary", "none", dict + "no such file or directory"},
		{"radius", "dictionary", "empty", dict + "empty: there is no line VENDOR FaxBack"},
		{"provisioning", "tls_cert", "cert\ntls_key = " + dir + "/key", ""},
		{"provisioning", "tls_key", "key\ntls_cert = " + dir + "/other", "the key of tls_cert: tls: private key does not match public key"},
		{"web", "tls_cert", "cert\ntls_key = " + dir + "/key", ""},
		{"web", "tls_cert", "none\ntls_key = " + dir + "/key", oneCert + "no such file or directory"},
		{"web", "tls_cert", "key\ntls_key = " + dir + "/key", oneCert + "it holds no certificate"},
		{"web", "tls_key", "none\ntls_cert = " + dir + "/cert", oneKey + "no such file or directory"},
		{"web", "tls_key", "cert\ntls_cert = " + dir + "/cert", oneKey + "it holds no private key"},
		{"web", "tls_key", "sealed\ntls_cert = " + dir + "/cert", oneKey + "its key is encrypted"},
		{"web", "tls_key", "key\ntls_cert = " + dir + "/other", "the key of tls_cert: tls: private key does not match public key"},
	} {
		text := "[" + tt.section + "]\n# the next line\n" + tt.key + " = " + dir + "/" + tt.name + "\n"
		_, err := config.Load([]config.Layer{config.FileLayer("t.ini", []byte(text))}, Checks())
		want := ""
		if tt.want != "" {
			path, _, _ := strings.Cut(tt.name, "\n")
			want = "t.ini:3: [" + tt.section + "] " + tt.key + " = " + shortened(dir+"/"+path) + ": wanted " + tt.want
		}
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// shortened is a value as faults show it.
func shortened(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

// An agent that starts with authorities that cannot be read shows that as its fault, and
// one that runs keeps the ones it has.
func TestAuthoritiesThatCannotBeRead(t *testing.T) {
	server := newRegistry(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := merge(base, "[sip]\ntls_ca_file = "+file) + line(1, server.port)
	broken := start(t, text)
	if err := (device{broken.Agent}).Ready(); err == nil || !strings.Contains(err.Error(), "tls_ca_file") {
		t.Errorf("ready: %v", err)
	}

	cert, _ := certificate(t)
	if err := os.WriteFile(file, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, text)
	r.until("registered", func() bool { return r.registered(1) })
	if err := os.WriteFile(file, []byte("gone"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err == nil || !r.registered(1) {
		t.Errorf("reloaded with broken authorities: %v", err)
	}

	next, _ := certificate(t)
	if err := os.WriteFile(file, next, 0o600); err != nil {
		t.Fatal(err)
	}
	before := r.sip.Load().trust.Load().digest
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	r.until("the new authorities are in use", func() bool {
		used := r.sip.Load().trust.Load()
		return used != nil && used.digest != before && r.registered(1) && r.logged("configuration changed", "section=sip", "tls_ca_file")
	})
	if err := r.Reload(); err != nil || r.waits() != "[]" {
		t.Errorf("reloaded once more: %v, waiting %s", err, r.waits())
	}
}
