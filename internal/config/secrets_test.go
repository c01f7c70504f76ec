package config

import "testing"

func TestHasSecrets(t *testing.T) {
	for _, tt := range []struct {
		text string
		want bool
	}{
		{"[sip1]\nusername = 201\n", false},
		{"[sip1]\nauth_password = pw\n", true},
		{"[sip1]\nauth_password =\n", false},
		{"[sip1]\nproxy_password = pw\n", true},
		{"[provisioning]\nurl = https://u:pw@h.example/x\n", true},
		{"[provisioning]\nurl = https://h.example/x\n", false},
		{"[radius]\nsecret = s\n", false}, // a provisioned file may not set it
		{"[sip1]\nno_such_key = pw\n", false},
	} {
		if got := HasSecrets(ProvisionedLayer("https://h.example/x", []byte(tt.text))); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
		}
	}
	if !HasSecrets(SettingsLayer("radius:192.0.2.1", []Setting{{Section: "sip2", Key: "auth_password", Value: "pw"}})) {
		t.Error("settings: false, want true")
	}
	if !HasSecrets(FileLayer("f", []byte("[radius]\nsecret = s\n"))) {
		t.Error("a file's secret: false, want true")
	}
}
