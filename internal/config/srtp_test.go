package config

import (
	"strings"
	"testing"
)

// SRTP without TLS is not done, and that is said before the first call.
func TestKeysOfSRTPNeedTLS(t *testing.T) {
	for _, tt := range []struct {
		settings string
		want     string // what the warning ends in; empty: there is none
	}{
		{"srtp = off", ""},
		{"srtp = optional", "so calls are not encrypted there"},
		{"srtp = required", "so no call is made or taken there"},
		{"srtp = required\nsrtp_over_clear = 1", ""},
		{"srtp = required\nenabled = 0", ""},
		{"srtp = required\ntransport = tls", ""},
		{"srtp = required\ntransport = tcp", "so no call is made or taken there"},
		{"srtp = optional\ntransport = tls\nregister_addr = a\nbackup_addr = b", "so calls are not encrypted there"},
		{"srtp = optional\ntransport = tls\nregister_addr = a\nbackup_addr = b\nbackup_transport = tls", ""},
	} {
		c := load(t, file("[sip1]\n"+tt.settings+"\n"))
		switch got := c.Warnings.Error(); {
		case tt.want == "" && len(c.Warnings) > 0:
			t.Errorf("%q: %s", tt.settings, got)
		case tt.want != "" && (len(c.Warnings) != 1 || !strings.HasPrefix(got, "tipring.ini:2: [sip1] srtp = ") || !strings.HasSuffix(got, tt.want)):
			t.Errorf("%q: %q, want ... %s", tt.settings, got, tt.want)
		}
	}
}
