package webui

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"tipring/internal/config"
)

// Whoever is about to shut himself out is told, and nobody else is.
func TestShutsOut(t *testing.T) {
	s := New(Options{})
	lan := config.Networks{Word: "lan"}
	for _, tt := range []struct {
		what             string
		from, at, host   string
		secure           bool
		web              config.Web
		key, says, says2 string
	}{
		{"as it is", "192.168.1.20:5000", "192.168.1.40:8080", "192.168.1.40:8080", false, config.Web{Listen: ":8080", Allow: lan}, "", "", ""},
		{"everybody", "203.0.113.7:5000", "192.168.1.40:8080", "192.168.1.40:8080", false, config.Web{Listen: ":8080", Allow: config.Networks{Word: "any"}}, "", "", ""},
		{"from elsewhere", "203.0.113.7:5000", "192.168.1.40:8080", "192.168.1.40:8080", false, config.Web{Listen: ":8080", Allow: lan}, "allow", "203.0.113.7", ""},
		{"another network", "192.168.1.20:5000", "192.168.1.40:8080", "192.168.1.40:8080", false,
			config.Web{Listen: ":8080", Allow: config.Networks{Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}, "allow", "192.168.1.20", ""},
		{"the device itself", "127.0.0.1:5000", "127.0.0.1:8080", "localhost:8080", false,
			config.Web{Listen: ":8080", Allow: config.Networks{Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}, "", "", ""},
		{"a name it keeps", "192.168.1.20:5000", "192.168.1.40:8080", "ata.example:8080", false, config.Web{Listen: ":8080", Allow: lan, Hosts: []string{"ata.example"}}, "", "", ""},
		{"a name it loses", "192.168.1.20:5000", "192.168.1.40:8080", "ata.example:8080", false, config.Web{Listen: ":8080", Allow: lan}, "hosts", "ata.example", ""},
		{"its own loopback", "192.168.1.20:5000", "192.168.1.40:8080", "192.168.1.40:8080", false, config.Web{Listen: "127.0.0.1:8080", Allow: lan}, "listen", "at 127.0.0.1 alone", "192.168.1.40"},
		{"another port", "192.168.1.20:5000", "192.168.1.40:8080", "192.168.1.40:8080", false, config.Web{Listen: ":80", Allow: lan}, "listen", "http://192.168.1.40:80/", ""},
		{"its own address", "192.168.1.20:5000", "192.168.1.40:8080", "192.168.1.40:8080", false, config.Web{Listen: "192.168.1.40:8080", Allow: lan}, "", "", ""},
		{"nothing at all", "192.168.1.20:5000", "192.168.1.40:8080", "192.168.1.40:8080", false, config.Web{Allow: lan}, "listen", "nothing else is", ""},
		{"https alone", "192.168.1.20:5000", "192.168.1.40:8080", "192.168.1.40:8080", false, config.Web{TLSListen: ":8443", Allow: lan}, "listen", "https is, at :8443", ""},
		{"no https", "192.168.1.20:5000", "192.168.1.40:8443", "192.168.1.40:8443", true, config.Web{Listen: ":8080", Allow: lan}, "tls_listen", "http is, at :8080", ""},
		{"IPv6", "[fd00::7]:5000", "[fd00::1]:8080", "[fd00::1]:8080", false, config.Web{Listen: ":81", Allow: lan}, "listen", "http://[fd00::1]:81/", ""},
	} {
		r := httptest.NewRequest("POST", "/api/v1/config/check", nil)
		r.RemoteAddr, r.Host = tt.from, tt.host
		if tt.secure {
			r.TLS = new(tls.ConnectionState)
		}
		r = r.WithContext(contextWithLocal(r, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.at))))
		got := s.ShutsOut(tt.web, r)
		if tt.key == "" {
			if got != nil {
				t.Errorf("%s: %v", tt.what, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Key != tt.key || !strings.Contains(got[0].Text, tt.says) || !strings.Contains(got[0].Text, tt.says2) {
			t.Errorf("%s: %v, want %s with %q", tt.what, got, tt.key, tt.says)
		}
	}
}
