package lan

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPick(t *testing.T) {
	lo, err := Pick("lo", netip.Addr{})
	if err != nil || lo.Name != "lo" || lo.Index == 0 || lo.Addr != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("lo: %+v, %v", lo, err)
	}
	if _, err := Pick("lo", netip.MustParseAddr("192.0.2.1")); err == nil || err.Error() != "interface lo does not have the address 192.0.2.1" {
		t.Errorf("another's address: %v", err)
	}
	if _, err := Pick("", netip.MustParseAddr("192.0.2.1")); err == nil {
		t.Error("nobody here has 192.0.2.1, and it was found")
	}
	if _, err := Pick("none-such0", netip.Addr{}); err == nil || !strings.Contains(err.Error(), "none-such0") {
		t.Errorf("no such interface: %v", err)
	}
	// Which one it is, or whether there is one, is this machine's; but never loopback.
	if i, err := Pick("", netip.Addr{}); err == nil && (i.Name == "lo" || !i.Addr.Is4() || i.Addr.IsLoopback()) {
		t.Errorf("without a name: %+v", i)
	}
}

func TestURL(t *testing.T) {
	for _, s := range []string{
		"tftp://192.0.2.1/a", "http://prov.example", "https://prov.example:8443/{mac}/$MA.cfg?x={serial}&y=%41",
		"http://[2001:db8::1]:80/", "http://h_1.example./", "http://h/a@b",
	} {
		if got, err := URL(s); err != nil || got != s {
			t.Errorf("URL(%q) = %q, %v", s, got, err)
		}
	}
	if got, err := URL("HTTPS://Prov.example/A"); err != nil || got != "https://Prov.example/A" {
		t.Errorf("got %q, %v: want the scheme alone in lower case", got, err)
	}
	for _, s := range []string{
		"", "prov.example", "//prov.example/", "http:", "http:a", "http:/a", "http://", "http://:80/", "http://a:/", "http://a:x/",
		"ftp://a/", "javascript:alert(1)", "file:///a", "http://u@a/", "http://u:p@a/", "http://@a/", "http://a/#b", "http://a/#",
		"http://{mac}/", "http://$MA/", "http://a b/", "http://a/\n", "http://a/\x7f", "http://a/\xc3\xa4", "http://a/\\b", "http://a/%zz",
		"http://-a/", "http://a..b/", "http://256.0.0.1/", "http://1/", "http://0.0.0.0/", "http://255.255.255.255/", "http://224.0.1.75/",
		"http://[::]/", "http://[fe80::1%25lo]/", "http://[::1/", "http://a/" + strings.Repeat("b", MaxURL), "http://" + strings.Repeat("a", 64) + "/",
	} {
		if got, err := URL(s); err == nil {
			t.Errorf("URL(%q) = %q, want an error", s, got)
		}
	}
}

func TestShow(t *testing.T) {
	for s, want := range map[string]string{
		"http://a/b":             `"http://a/b"`,
		"http://u:secret@a/b":    `"…@a/b"`,
		"a\r\nb":                 `"a\r\nb"`,
		strings.Repeat("x", 100): `"` + strings.Repeat("x", 80) + `…"`,
	} {
		if got := Show(s); got != want {
			t.Errorf("Show(%q) = %s, want %s", s, got, want)
		}
	}
}

func FuzzURL(f *testing.F) {
	f.Add("https://prov.example:8443/{mac}/$MA.cfg?x={serial}")
	f.Add("http://u:secret@a/b")
	f.Add("tftp://[2001:db8::1]:69/")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := URL(s)
		if err != nil {
			if strings.Contains(err.Error(), "@") {
				t.Fatalf("URL(%q): %v: it may quote a password", s, err)
			}
			return
		}
		if again, err := URL(u); err != nil || again != u || !strings.HasSuffix(s, u[strings.Index(u, ":"):]) {
			t.Fatalf("URL(%q) = %q, and of that %q, %v", s, u, again, err)
		}
	})
}
