package agent

import (
	"fmt"
	"strings"
	"testing"

	"tipring/tools/lab"
)

// The account's call-ahead mode decides for ports that say nothing themselves; what is decided
// needs no question about the number.
func TestAccountAhead(t *testing.T) {
	text := base + "[sip1]\nusername = 201\n"
	for n, more := range []string{"", "call_ahead = dynamic\n", "call_ahead = never\n", "call_ahead = always\n"} {
		text += fmt.Sprintf("[port%d]\nkind = fax\nfax_mode = spool\ndriver = sim\n%s", n+1, more)
	}
	r := start(t, text)
	for _, tt := range []struct {
		account string // its mode at the login; "": none, or it did not log in
		ports   string // who decides for ports 1 to 4: - is the number's
	}{
		{"", "- - 0 2"}, {"0", "0 - 0 2"}, {"1", "- - 0 2"}, {"2", "2 - 0 2"},
	} {
		r.login.ahead.Store(nil)
		if tt.account != "" {
			mode := uint32(tt.account[0] - '0')
			r.login.ahead.Store(&mode)
		}
		var got []string
		for n := 1; n <= 4; n++ {
			said := "-"
			if mode := r.accountAhead(n); mode != nil {
				said = fmt.Sprint(*mode)
			}
			got = append(got, said)
		}
		if ports := strings.Join(got, " "); ports != tt.ports {
			t.Errorf("account %q: %s, want %s", tt.account, ports, tt.ports)
		}
	}
}

// A device logs in at its start with account and password, once, and again with others.
func TestLogin(t *testing.T) {
	server := newRadius(t, lab.Account{Name: "acme", Password: "right"})
	with := func(password string) string {
		return base + fmt.Sprintf("[radius]\nservers = %v\nsecret = between us\naccount = acme\npassword = %s\n", server.Addr(), password)
	}
	r := start(t, with("wrong"))
	logged := func(text string) int { return strings.Count(r.log.String(), text) }
	const in, out = "logged in at the provider", "the provider does not know this account, or not this password"
	r.until("the wrong password is told of", func() bool { return logged(out) == 1 })
	r.write(with("right"))
	for range 2 { // the second time nothing is new
		if err := r.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	r.until("logged in", func() bool { return logged(in) == 1 })
	if logged(out) != 1 || logged(in) != 1 || r.login.ahead.Load() == nil {
		t.Errorf("%d times refused, %d times logged in: %s", logged(out), logged(in), r.log.String())
	}
	for _, secret := range []string{"wrong", "between us"} {
		if strings.Contains(strings.ReplaceAll(r.log.String(), in, ""), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}
