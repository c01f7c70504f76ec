package web

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/certs"
	"tipring/tools/peers/netlab"
)

// So many may be told live what happens; who comes then is told when to come again, and comes in
// when another one leaves. The pages themselves are served all the while.
func TestLiveStreamsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 64
	s := besiege(t, nil)
	request := "GET /api/v1/events HTTP/1.1\r\nHost: " + s.host() + "\r\nCookie: tipring_session=" + s.owner.cookies["tipring_session"].Value + "\r\n\r\n"
	listen := func(from *netlab.Host) (net.Conn, *http.Response) {
		t.Helper()
		var c net.Conn
		err := from.Do(func() (err error) { c, err = net.Dial("tcp", s.host()); return err })
		if err == nil {
			_, err = io.WriteString(c, request)
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c, res
	}
	before := s.memory("VmHWM")
	var open []net.Conn
	for i := range most {
		c, res := listen([]*netlab.Host{s.people, s.beyond}[i%2])
		if open = append(open, c); res.StatusCode != 200 {
			t.Fatalf("stream %d: %d", i+1, res.StatusCode)
		}
	}
	for range 3 {
		c, res := listen(s.people)
		if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("one more than %d: %d %v", most, res.StatusCode, res.Header)
		}
		_ = c.Close()
	}
	s.owner.must(200, "GET", "/", nil)
	_ = open[0].Close()
	if !netlab.Until(browser.Patience, func() bool {
		c, res := listen(s.people)
		open = append(open, c)
		return res.StatusCode == 200
	}) {
		t.Error("nobody gets the place of who has left")
	}
	if more := s.memory("VmHWM") - before; more > 8<<10 {
		t.Errorf("%d streams took %d KiB", most, more)
	}
	for _, c := range open {
		_ = c.Close()
	}
}

// HTTPS with a certificate that an authority has signed is what browsers trust. A pair that cannot
// be used is refused with what is wrong with it, and the page stays where and as it was; at a start, the
// page is served all the same.
func TestGivenCertificate(t *testing.T) {
	t.Parallel()
	dir := netlab.WorkDir(t)
	ca := certs.NewAuthority(t, dir, "ca")
	good, other := ca.Server("good", certs.Good, "10.9.0.10"), ca.Server("other", certs.Good, "10.9.0.10")
	var config agent.Ini
	s := besiege(t, func(c agent.Ini) {
		config = c.Set("web", "tls_listen", ":8443").Set("web", "tls_cert", good.Cert).Set("web", "tls_key", good.Key)
	})
	text, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	const alone = "with no HTTP beside it"
	looks := func(when string) {
		t.Helper()
		v := s.visitor(s.people)
		v.base = "https://" + s.device.Addr.String() + ":8443"
		v.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
		got := v.ask("GET", "/login", nil)
		if promised := got.header.Get("Strict-Transport-Security") != ""; got.status != 200 || promised != (when == alone) {
			t.Errorf("%s: %d %v", when, got.status, got.header)
		}
	}
	looks("a given certificate")

	broken := dir + "/broken.pem"
	if err := os.WriteFile(broken, []byte("-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ cert, key, want string }{
		{good.Cert, other.Key, "private key does not match"},
		{broken, good.Key, "tls_cert"},
		{good.Cert, broken, "tls_key"},
		{dir + "/none.pem", good.Key, "no such file"},
		{good.Cert, "", "tls_key"},
	} {
		before := len(s.agent.LogLines("configuration"))
		s.agent.Write(config.Set("web", "tls_cert", tt.cert).Set("web", "tls_key", tt.key).String())
		if out, status := s.agent.Plain("check", "-c", s.agent.File()); status == 0 || !strings.Contains(out, tt.want) {
			t.Errorf("%s with %s: %d %s", tt.cert, tt.key, status, out)
		}
		s.agent.Reload()
		if !netlab.Until(browser.Patience, func() bool { return len(s.agent.LogLines("configuration")) > before }) {
			t.Fatalf("%s with %s: nothing is said", tt.cert, tt.key)
		}
		if said := strings.Join(s.agent.LogLines("configuration")[before:], "\n"); !strings.Contains(said, tt.want) {
			t.Errorf("%s with %s is refused with: %s", tt.cert, tt.key, said)
		}
		looks(fmt.Sprintf("%s with %s refused", tt.cert, tt.key))
	}

	config.Set("web", "tls_cert", good.Cert).Set("web", "tls_key", good.Key)
	for _, listen := range []string{"", ":8080"} {
		s.agent.Write(config.Set("web", "listen", listen).String())
		s.agent.Reload()
		if !netlab.Until(browser.Patience, func() bool {
			return (listen == "") != (s.people.Do(func() error {
				c, err := net.Dial("tcp", s.host())
				if err == nil {
					_ = c.Close()
				}
				return err
			}) == nil)
		}) {
			t.Errorf("listen = %s: HTTP is served as before", listen)
		}
		if listen == "" {
			looks(alone)
		}
	}
	looks("HTTP beside it again")

	// The files change under a device that starts anew.
	s.agent.Write(config.Set("web", "tls_cert", good.Cert).Set("web", "tls_key", other.Key).String())
	s.agent.Stop()
	s.agent.Run()
	v := s.visitor(s.people)
	for _, base := range []string{"https://" + s.device.Addr.String() + ":8443", v.base} {
		v.base = base
		if !netlab.Until(browser.Patience, func() bool {
			return s.people.Do(func() error {
				res, err := v.http.Get(base + "/login")
				if err == nil {
					_ = res.Body.Close()
				}
				return err
			}) == nil
		}) {
			t.Errorf("after a start with a key of another certificate there is no page at %s", base)
		}
	}
}
