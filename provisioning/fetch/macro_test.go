package fetch

import (
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"tipring/internal/config"
)

var device = Macros{
	MAC: config.MAC{0x0c, 0x38, 0x3e, 0x00, 0xab, 0x01}, Serial: "SN 7/1", Account: "a&b=c", Arg: "x?y#z",
	Model: "RB760", Version: "1.4.0", Hardware: "2.1",
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"https://p.example/{mac}.cfg", "https://p.example/0c383e00ab01.cfg"},
		{"https://p.example/{MAC}.cfg", "https://p.example/0C383E00AB01.cfg"},
		{"http://p.example:8080/{model}/{version}/{serial}", "http://p.example:8080/RB760/1.4.0/SN%207%2F1"},
		{"http://p.example/?a={account}&x={arg}", "http://p.example/?a=a%26b%3Dc&x=x%3Fy%23z"},
		{"http://{mac}:{serial}@p.example/c", "http://0c383e00ab01:SN%207%2F1@p.example/c"},
		{"tftp://192.0.2.1/cfg/{mac}", "tftp://192.0.2.1/cfg/0c383e00ab01"},
		{"http://[2001:db8::1]/{mac}", "http://[2001:db8::1]/0c383e00ab01"},

		// Cisco
		{"http://p.example/$MA.cfg", "http://p.example/0c383e00ab01.cfg"},
		{"http://p.example/$MAU.cfg", "http://p.example/0C383E00AB01.cfg"},
		{"http://p.example/$MAC.cfg", "http://p.example/0c%3A38%3A3e%3A00%3Aab%3A01.cfg"},
		{"http://p.example/$PN/$SN/$SWVER/$HWVER", "http://p.example/RB760/SN%207%2F1/1.4.0/2.1"},
		{"http://p.example/spa$(MA)boot.cfg", "http://p.example/spa0c383e00ab01boot.cfg"},
		{"http://p.example/${MAU}_x", "http://p.example/0C383E00AB01_x"},
		{"http://p.example/$PN_$MA", "http://p.example/RB760_0c383e00ab01"},
		{"http://p.example/$(MA:6)/$(MA:0:6)/$(MA:10:9)", "http://p.example/00ab01/0c383e/01"},

		// Fanvil
		{"http://p.example/Fanvil/$mac.cfg", "http://p.example/Fanvil/0c383e00ab01.cfg"},
		{"tftp://p.example/$input", "tftp://p.example/0c383e00ab01.cfg"},

		{"http://p.example/a$$b$/c$", "http://p.example/a$b$/c$"},
		{"http://p.example/plain.cfg", "http://p.example/plain.cfg"},
		{" http://p.example/x ", "http://p.example/x"},
	} {
		if got, err := Expand(tt.url, device); got != tt.want || err != nil {
			t.Errorf("Expand(%q) = %q, %v, want %q", tt.url, got, err, tt.want)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	for _, tt := range []struct{ url, says string }{
		{"{mac}://p.example/x", "no macro may stand in the scheme"},
		{"http://{account}.example/x", "no macro may stand in the scheme, host or port"},
		{"http://user:$SN@$PN/x", "no macro may stand in the scheme, host or port"},
		{"http://p.example:$SN/x", "no macro may stand in the scheme, host or port"},
		{"{arg}", "no macro may stand"},
		{"{arg}/x", "no macro may stand"},
		{"http://p.example/{sn}.cfg", "unknown macro {sn}"},
		{"http://p.example/$GPP_A.cfg", "unknown macro $GPP"},
		{"http://p.example/$MACboot.cfg", "unknown macro $MACboot"},
		{"http://p.example/$(CERT)", "unknown macro $CERT"},
		{"http://p.example/{}", "unknown macro {}"},
		{"http://p.example/{mac", "{ without }"},
		{"http://p.example/$(MA", "$( without )"},
		{"http://p.example/$(MA:x)", "macro $MA:x: want two numbers"},
		{"http://p.example/$(MA:1:-2)", "want two numbers"},
		{"http://p.example/$(MA:40)", "macro $MA:40: this device knows no value"},
		{"ftp://p.example/{mac}", "want tftp, http or https"},
		{"p.example/{mac}", "no macro may stand"},
		{"http:///x", "without a host"},
		{"http://p.example/" + strings.Repeat("{arg}", 500), "longer than 2048"},
	} {
		got, err := Expand(tt.url, device)
		if got != "" || !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("Expand(%.60q) = %q, %v, want it to say %q", tt.url, got, err, tt.says)
		}
	}
}

// A value that is missing, or would change what the URL means, is refused by name.
func TestExpandValues(t *testing.T) {
	for _, tt := range []struct {
		name string
		m    Macros
		says string
	}{
		{"missing", Macros{}, "macro {account}: this device knows no value"},
		{"a step up", Macros{Account: ".."}, `macro {account}: its value ".." is no name`},
		{"a line's end", Macros{Account: "a\r\nHost: b"}, "macro {account}: a control character"},
	} {
		if got, err := Expand("http://u:geheim@p.example/{account}.cfg", tt.m); got != "" || err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %q, %v, want it to say %q", tt.name, got, err, tt.says)
		}
	}
	if got, err := Expand("http://p.example/c?arg={arg}", Macros{}); got != "http://p.example/c?arg=" || err != nil {
		t.Errorf("empty {arg}: %q, %v", got, err)
	}
}

// docs/provisioning.md shows every macro in every spelling, with its value.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/provisioning.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range macros {
		for _, spelling := range []string{"{" + m.own + "}", "$" + m.dollar} {
			if len(strings.Trim(spelling, "{}$")) > 0 && !strings.Contains(string(text), "| `"+spelling+"` |") {
				t.Errorf("no row has %s", spelling)
			}
		}
	}
	for _, name := range []string{"{mac}", "{MAC}", "$(MAC)", "$(input)"} {
		value, err := Expand("http://p.example/"+name, device)
		if value = strings.TrimPrefix(value, "http://p.example/"); err != nil || !strings.Contains(string(text), "| `"+value+"`") {
			t.Errorf("no row has %s, the value of %s: %v", value, name, err)
		}
	}
}

func TestUserAgent(t *testing.T) {
	if got, want := UserAgent(device), "tipring/1.4.0 RB760 (0c383e00ab01)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	odd := Macros{Version: "1\r\nX: y", Model: "Bøx (2)"}
	if got, want := UserAgent(odd), "tipring/1--X--y B-x--2- (000000000000)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever a URL and its values hold, the server asked stays the one in the URL.
func FuzzExpand(f *testing.F) {
	f.Add("https://u:p@p.example:8443/{mac}?x={arg}#f", "v/../w@x")
	f.Add("http://p.example/$MA$(SN:1:2)${PN}$$", "%2F")
	f.Add("tftp://[::1]/{serial}", "a b")
	f.Fuzz(func(t *testing.T, template, value string) {
		m := Macros{Serial: value, Account: value, Arg: value, Model: value, Version: value, Hardware: value}
		expanded, err := Expand(template, m)
		if err != nil {
			if !errors.Is(err, ErrURL) || expanded != "" {
				t.Fatalf("%q, %v", expanded, err)
			}
			return
		}
		u, err := url.Parse(expanded)
		if err != nil {
			t.Fatal(err)
		}
		server, _, _ := split(strings.TrimSpace(template))
		if got := u.Scheme + "://" + u.Host; !strings.EqualFold(got, server) {
			t.Fatalf("%q with %q asks %q, not %q", template, value, got, server)
		}
	})
}
