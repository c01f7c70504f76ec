package provisioning

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/certs"
	"tipring/tools/peers/fetchers"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

// A world is a network with a pair of registrars, and a device's host, which has on its
// own loopback the servers that files come from.
type world struct {
	t            *testing.T
	lan          *netlab.Lan
	pbx, backup  *kamailio.Server
	host         *netlab.Host
	root         string // of the servers of files
	ca           *certs.Authority
	nginx, tftpd *fetchers.Process
}

// newWorld starts the registrars and nginx.
func newWorld(t *testing.T) *world {
	t.Helper()
	lan := netlab.New(t)
	w := &world{t: t, lan: lan, host: lan.Host("device", 10), root: netlab.WorkDir(t)}
	w.ca = certs.NewAuthority(t, netlab.WorkDir(t), "ca")
	if err := os.Chmod(w.root, 0o755); err != nil {
		t.Fatal(err)
	}
	a, b := lan.Host("pbx", 1), lan.Host("backup", 2)
	w.pbx = kamailio.Start(t, a, kamailio.Options{Algorithm: "MD5", Other: b.Addr})
	w.backup = kamailio.Start(t, b, kamailio.Options{Algorithm: "MD5", Other: a.Addr})
	w.inside(func() { w.nginx = fetchers.Nginx(t, w.root, w.ca) })
	return w
}

// inside runs f in the device's network.
func (w *world) inside(f func()) {
	w.t.Helper()
	if err := w.host.Do(func() error { f(); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// put has the servers serve a file.
func (w *world) put(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.root, name), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// https is the URL of a file at nginx.
func https(name string) string { return fmt.Sprintf("https://localhost:%d/%s", fetchers.HTTPS, name) }

// plain is the URL of a file at nginx without TLS.
func plain(name string) string { return fmt.Sprintf("http://localhost:%d/%s", fetchers.HTTP, name) }

// accesses are the lines of nginx's log that hold a text.
func (w *world) accesses(text string) (lines []string) {
	w.t.Helper()
	all, err := os.ReadFile(filepath.Join(filepath.Dir(w.nginx.Log), "access.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(string(all)) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// factory is what a maker installs: who may be asked and believed, and ports.
func (w *world) factory(order string) agent.Ini {
	return agent.Ini{}.
		Set("provisioning", "order", order).
		Set("provisioning", "boot_delay_s", 0).
		Set("provisioning", "tls_ca_file", w.ca.File).
		Set("sip", "t1_ms", 50)
}

// line is a section of a file: a line of the registrars' that has its password.
func (w *world) line(n int, user string) string {
	return fmt.Sprintf("[sip%d]\nusername = %s\nauth_password = %s\nregister_addr = %v\nbackup_addr = %v\nregister_ttl = 120\n",
		n, user, kamailio.Password(user), w.pbx.Host.Addr, w.backup.Host.Addr)
}
