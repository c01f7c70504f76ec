package faxback

import (
	"strings"
	"testing"

	"tipring/internal/config"
)

func TestParseArgument(t *testing.T) {
	digest := strings.Repeat("0123456789abcdef", 4)
	for _, tt := range []struct {
		text    string
		want    Argument
		secrets bool
		shown   string
	}{
		{"", Argument{}, false, ""},
		{"https://h.example/{mac}.ini", Argument{URL: "https://h.example/{mac}.ini"}, false, "https://h.example/{mac}.ini"},
		{" tftp://192.0.2.1/x  sha256=" + strings.ToUpper(digest), Argument{URL: "tftp://192.0.2.1/x", SHA256: digest}, false, "tftp://192.0.2.1/x sha256=" + digest},
		{"HTTP://[2001:db8::1]:8080/x?token=abc", Argument{URL: "HTTP://[2001:db8::1]:8080/x?token=abc"}, true, "HTTP://[2001:db8::1]:8080/x?token=" + mask},
		{"https://u:p@h.example/", Argument{URL: "https://u:p@h.example/"}, true, "https://u:" + mask + "@h.example/"},
		{"sip1.register_addr=pbx.example; sip1.register_port = 5070 ;", Argument{Settings: []config.Setting{
			{Section: "sip1", Key: "register_addr", Value: "pbx.example"}, {Section: "sip1", Key: "register_port", Value: "5070"}}},
			false, "sip1.register_addr=pbx.example;sip1.register_port=5070"},
		{"sip1.auth_password=a%3Bb%3bc=d %41", Argument{Settings: []config.Setting{{Section: "sip1", Key: "auth_password", Value: "a;b;c=d %41"}}},
			true, "sip1.auth_password=" + mask},
		{"port1.dial_plan=(x.|[2-9]S0);sip1.display_name=", Argument{Settings: []config.Setting{
			{Section: "port1", Key: "dial_plan", Value: "(x.|[2-9]S0)"}, {Section: "sip1", Key: "display_name", Value: ""}}},
			false, "port1.dial_plan=(x.|[2-9]S0);sip1.display_name="},
		{"sip1.pasword=hunter2", Argument{Settings: []config.Setting{{Section: "sip1", Key: "pasword", Value: "hunter2"}}}, false, "sip1.pasword=" + mask},
		{"provisioning.url=https://h.example/a b", Argument{Settings: []config.Setting{{Section: "provisioning", Key: "url", Value: "https://h.example/a b"}}}, false, "provisioning.url=https://h.example/a b"},
		{"profile 7", Argument{Opaque: "profile 7"}, false, "profile 7"},
		{"group=7;x", Argument{Opaque: "group=7;x"}, false, "group=7;x"},
		{"password=x y", Argument{Opaque: "password=x y"}, false, "password=" + mask + " y"},
	} {
		a, err := ParseArgument(tt.text)
		if err != nil || !equal(a, tt.want) || a.Secrets() != tt.secrets || a.String() != tt.shown {
			t.Errorf("%q: %+v %q secrets %v, %v", tt.text, a, a, a.Secrets(), err)
		}
	}
}

func equal(a, b Argument) bool {
	if a.URL != b.URL || a.SHA256 != b.SHA256 || a.Opaque != b.Opaque || len(a.Settings) != len(b.Settings) {
		return false
	}
	for i := range a.Settings {
		if a.Settings[i] != b.Settings[i] {
			return false
		}
	}
	return true
}

func TestBadArguments(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"ftp://h.example/x", "FB-Provisioning-Arg: ftp://...; wanted a tftp, http or https URL"},
		{"https:///x", "wanted a URL with a host"},
		{"https://h.example/x sha256=12", "wanted sha256= with 64 hex digits, or nothing, behind the URL"},
		{"https://h.example/x md5=12", "wanted sha256="},
		{"https://h.example/x sha256=" + strings.Repeat("0", 64) + " more", "wanted sha256="},
		{"sip1.register_addr=pbx;hunter2", "something else behind 1 settings; wanted settings section.key=value separated by ;, or one URL"},
		{"sip1.register_addr=a;sip1.register_addr=b", "sip1.register_addr twice"},
		{strings.Repeat("x", 301), "301 octets; wanted at most 300 octets"},
		{"sip1.realm=a\nb", "a control character"},
	} {
		a, err := ParseArgument(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") || !equal(a, Argument{}) {
			t.Errorf("%.60q: %+v, %v", tt.text, a, err)
		}
		if shown := maskArgument(tt.text); strings.Contains(shown, "hunter2") {
			t.Errorf("%q is shown as %q", tt.text, shown)
		}
	}
}

func FuzzParseArgument(f *testing.F) {
	f.Add("https://h.example/{mac}.ini sha256=" + strings.Repeat("0", 64))
	f.Add("sip1.auth_password=a%3Bb;port1.ani=555;")
	f.Add("profile 7")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseArgument(s)
		forms := 0
		for _, one := range []bool{a.URL != "", len(a.Settings) > 0, a.Opaque != ""} {
			if one {
				forms++
			}
		}
		if forms > 1 || err != nil && forms > 0 || a.SHA256 != "" && a.URL == "" {
			t.Fatalf("%q: %+v, %v", s, a, err)
		}
		if _, err := config.Load([]config.Layer{config.SettingsLayer("radius", a.Settings)}, config.Checks{}); err != nil {
			for _, fault := range err.(config.Faults) {
				if fault.Section == "" {
					t.Fatalf("%q: %v", s, fault) // no setting at all for config
				}
			}
		}
		a.Secrets()
		if shown := maskArgument(s); len(shown) > 40+20*len(s) {
			t.Fatalf("%q is shown as %q", s, shown)
		}
	})
}
