package fetch

import (
	"errors"
	"strings"
	"testing"
)

func TestURL(t *testing.T) {
	for _, tt := range []struct{ url, shown string }{
		{"http://p.example/a.cfg", "http://p.example/a.cfg"},
		{"HTTPS://p.example:444/a.cfg#x", "https://p.example:444/a.cfg"},
		{"http://user:geheim@p.example/a.cfg", "http://p.example/a.cfg"},
		{"http://p.example/a.cfg?mac=1&token=geheim&x=y&Password=geheim", "http://p.example/a.cfg?mac=1&token=…&x=y&Password=…"},
		{"tftp://192.0.2.1/a.cfg", "tftp://192.0.2.1/a.cfg"},
		{"tftp://192.0.2.1:6969//srv/a.cfg;mode=octet", "tftp://192.0.2.1:6969//srv/a.cfg;mode=octet"},
		{"http://[fe80::1%25eth0]/a", "http://[fe80::1%25eth0]/a"},
	} {
		u, err := parseURL(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
		} else if got := redact(u); got != tt.shown {
			t.Errorf("%s is shown as %s, want %s", tt.url, got, tt.shown)
		}
	}
}

// A URL that cannot be fetched from is refused, and its secrets are not told.
func TestURLRefused(t *testing.T) {
	for _, tt := range []struct{ url, says string }{
		{"", "no scheme"},
		{"a.cfg", "no scheme"},
		{"//p.example/a.cfg", "no scheme"},
		{"file:///etc/passwd", `scheme "file": want tftp, http or https`},
		{"ftp://u:geheim@p.example/a", `scheme "ftp"`},
		{"gopher://p.example/_x", `scheme "gopher"`},
		{"http:p.example", "without a host"},
		{"http://", "without a host"},
		{"http://:80/a", "without a host"},
		{"http://u:geheim@/a", "without a host"},
		{"http://p.example:0/a", "port 0: want 1 to 65535"},
		{"http://p.example:65536/a", "port 65536"},
		{"http://u:geheim@p.example:x/a", "cannot be read"},
		{"http://u:geheim%zz@p.example/a", "cannot be read"},
		{"http://p.example/a\r\nX: y", "cannot be read"},
		{"http://p ex/a", "cannot be read"},
		{"http://p<ex/a", "odd character in the host"},
		{"tftp://u:geheim@192.0.2.1/a", "no user name and password"},
		{"tftp://192.0.2.1/", "without a file name"},
		{"tftp://192.0.2.1", "without a file name"},
		{"tftp://192.0.2.1/a?b", "nothing after a question mark"},
		{"tftp://192.0.2.1/a;mode=netascii", `mode "netascii": want octet`},
		{"tftp://192.0.2.1/a%00b", "control character"},
		{"tftp://192.0.2.1/" + strings.Repeat("x", 256), "longer than 255"},
		{"http://p.example/" + strings.Repeat("x", 2048), "longer than 2048"},
	} {
		_, err := New(Config{}).Fetch(t.Context(), Request{URL: tt.url})
		if !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%.60q: %v, want it to say %q", tt.url, err, tt.says)
		}
	}
	for _, digest := range []string{"12", strings.Repeat("g", 64), strings.Repeat("0", 66)} {
		_, err := New(Config{}).Fetch(t.Context(), Request{URL: "http://p.example/a", SHA256: digest})
		if !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), "want 64 hex digits") {
			t.Errorf("digest %q: %v", digest, err)
		}
	}
}
