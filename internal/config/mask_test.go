package config

import (
	"strings"
	"testing"
)

// Wherever a person may have put a password, it is not shown.
func TestPasswordsAreMaskedWhereverTheyStand(t *testing.T) {
	for _, tt := range []struct{ section, key, value, want string }{
		{"sip1", "auth_password", "pw", "********"},
		{"sip1", "auth_password", "", ""},
		{"sip1", "register_addr", "pbx.example", "pbx.example"},
		{"sip1", "register_addr", "sip:user:pw@host", "sip:user:********@host"},
		{"sip1", "register_addr", "sips:user:p@w:d@host:5061", "sips:user:********@host:5061"},
		{"sip1", "register_addr", "user:pw@host", "user:********@host"},
		{"sip1", "register_addr", ":pw@host", ":********@host"},
		{"sip1", "register_addr", "sip:user@host", "sip:user@host"},
		{"sip1", "register_addr", "user@host:5060", "user@host:5060"},
		{"sip1", "register_addr", "[2001:db8::1]:5060", "[2001:db8::1]:5060"},
		{"sip1", "register_addr", "host;password=pw", "host;password=********"},
		{"sip1", "proxy_addr", "sip:u:pw@a,sip:v:qw@b", "sip:u:********@b"},
		{"sip", "stun_server", "stun:u:pw@host", "stun:u:********@host"},
		{"sip", "stun_server", "turn://u:pw@host/x", "turn://u:********@host/x"},
		{"port1", "driver", "tcp:u:pw@127.0.0.1:7001", "tcp:u:********@127.0.0.1:7001"},
		{"port1", "driver", "tcp:127.0.0.1:7001;token=pw", "tcp:127.0.0.1:7001;token=********"},
		{"radius", "servers", "192.0.2.1 pw, 192.0.2.2", "192.0.2.1 ********, 192.0.2.2"},
		{"radius", "servers", "192.0.2.1;secret=pw;tls", "192.0.2.1;secret=********;tls"},
		{"provisioning", "url", "https://h/x@y", "https://h/x@y"},
		{"provisioning", "url", "https://u:pw@h/x", "https://u:********@h/x"},
		{"provisioning", "url", "https://u:p/w@h/x", "https://u:********@h/x"},
		{"provisioning", "url", "https://h/x?Password=pw&mac={mac}&api_key=k", "https://h/x?Password=********&mac={mac}&api_key=********"},
		{"web", "listen", "http://admin:pw@:8080", "http://admin:********@:8080"},
		{"web", "hosts", "a,b", "a,b"},
	} {
		got := maskedBy(tt.section, tt.key, tt.value)
		if got != tt.want {
			t.Errorf("[%s] %s = %s: shown as %s, want %s", tt.section, tt.key, tt.value, got, tt.want)
		}
		if again := maskedBy(tt.section, tt.key, got); again != got {
			t.Errorf("%s masked again: %s", got, again)
		}
	}
}

// No fault, warning or explanation of a file tells what stands where a password may.
func TestNoFaultTellsAPassword(t *testing.T) {
	for i := range sections {
		s := &sections[i]
		n := 0
		if s.Numbered {
			n = 1
		}
		for j := range s.Keys {
			name := "[" + s.InFile(n) + "]\n" + s.Keys[j].Name + " = "
			for _, value := range []string{"sip:user:HUNTER2@host", "user:HUNTER2@host", "https://user:HUNTER2@host/", "x;password=HUNTER2", "x?token=HUNTER2"} {
				text := name + value + "\n"
				if s.Keys[j].Kind == Text && s.Keys[j].valid == nil {
					text += s.Keys[j].Name + " = " + value + "\n" // no value is wrong, but twice is
				}
				c, err := Load([]Layer{file(text)}, Checks{})
				if err == nil {
					err = c.Warnings
					for _, e := range c.Explain() {
						if strings.Contains(e.Value, "HUNTER2") {
							t.Errorf("%sexplained as %s", text, e.Value)
						}
					}
				}
				if strings.Contains(err.Error(), "HUNTER2") || strings.Contains(string(MaskText([]byte(text+"#"+text))), "HUNTER2") {
					t.Errorf("%sis told: %v", text, err)
				}
			}
		}
	}
}

func TestCommentsKeepNoPasswordAndGetNone(t *testing.T) {
	const text = "[provisioning]\nurl = https://u:pw@h/x\n[sip1]\nauth_password = new\n#auth_password = old\n# url = https://u:qw@h/x\n"
	const masked = "[provisioning]\nurl = https://u:********@h/x\n[sip1]\nauth_password = ********\n#auth_password = ********\n# url = https://u:********@h/x\n"
	if got := string(MaskText([]byte(text))); got != masked {
		t.Errorf("masked:\n%s", got)
	}
	got := string(UnmaskText([]byte(masked), []byte(text)))
	if want := strings.NewReplacer("new\n#auth_password = old", "new\n#auth_password = ********", ":qw@", ":********@").Replace(text); got != want {
		t.Errorf("unmasked:\n%s\nwant\n%s", got, want)
	}
}
