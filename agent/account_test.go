package agent

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"tipring/tools/lab"
	"tipring/webui/api"
)

// byRadius is a device that looks by RADIUS alone, under a MAC address of its own.
func byRadius(server netip.AddrPort) string {
	return fmt.Sprintf("[device]\nmac = 00:90:8f:1d:37:f0\nserial = 27482734\n[radius]\nservers = %v\nsecret = between us\ndead_s = 0\n[provisioning]\norder = radius\nboot_delay_s = 0\n", server)
}

func newRadius(t *testing.T, accounts ...lab.Account) *lab.Radius {
	t.Helper()
	r, err := lab.NewRadius(netip.MustParseAddr("127.0.0.1"), lab.RadiusConfig{Secret: "between us", Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

const itsMAC = "00908F1D37F0"

// What RADIUS says of a device's account is told as what it is.
func TestAccountStates(t *testing.T) {
	for _, tt := range []struct {
		name    string
		account lab.Account
		before  func(*lab.Radius)
		state   string
		shown   api.Text // as the device's account
		err     string
	}{
		{"by MAC", lab.Account{Name: "acme", MAC: itsMAC}, nil, "found", "acme", ""},
		{"by serial number", lab.Account{Name: "acme", Serial: "27482734"}, nil, "found", "acme", ""},
		{"not known", lab.Account{Name: "acme", MAC: "00908F000000"}, nil, "rejected", "", "rejected"},
		{"silence", lab.Account{Name: "acme", MAC: itsMAC}, func(r *lab.Radius) { r.Silence(true) }, "no_answer", "", "no answer"},
		{"answers that anybody could have made", lab.Account{Name: "acme", MAC: itsMAC}, func(r *lab.Radius) { r.Unsign(true) }, "no_answer", "", "no_message_authenticator"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := newRadius(t, tt.account)
			if tt.before != nil {
				tt.before(server)
			}
			text := base + byRadius(server.Addr())
			if tt.state == "no_answer" {
				text = strings.Replace(text, "dead_s", "timeout_ms = 100\ntries = 1\ndead_s", 1)
			}
			r := start(t, text)
			r.until("looked", func() bool { return r.provisioning().Finished == 1 })
			p, st := r.provisioning(), get[api.Status](r, "/status")
			if string(p.AccountState) != tt.state || st.Device.Account != tt.shown {
				t.Errorf("account state %q, account %q, want %q, %q (%s)", p.AccountState, st.Device.Account, tt.state, tt.shown, p.Error)
			}
			if (p.Error != "") != (tt.err != "") || !strings.Contains(string(p.Error), tt.err) {
				t.Errorf("error %q, want %q", p.Error, tt.err)
			}
		})
	}
}

// An account's numbers fill lines and ports, and its argument sets what it says.
func TestAccountFillsLinesAndPorts(t *testing.T) {
	registrar := newRegistry(t)
	account := lab.Account{
		Name: "acme", MAC: itsMAC,
		Argument: fmt.Sprintf("sip1.register_addr=127.0.0.1;sip1.register_port=%[1]d;sip2.register_addr=127.0.0.1;sip2.register_port=%[1]d;fax.ecm=0;device.log_level=debug", registrar.port),
		DIDs:     []lab.AccountDID{{Number: "5551112222", ANI: "5550000001"}, {Number: "5551113333"}},
	}
	server := newRadius(t, account)
	r := start(t, base+byRadius(server.Addr())+"[port1]\ndriver = none\nkind = fax\n")
	r.until("both lines registered", func() bool { return r.registered(1) && r.registered(2) })
	for _, want := range []struct{ section, key, value string }{
		{"sip1", "username", "5551112222"}, {"sip2", "username", "5551113333"},
		{"port1", "ani", "5550000001"}, {"fax", "ecm", "0"},
	} {
		value, source := r.value(want.section, want.key)
		if value != want.value || source != "radius:"+server.Addr().String() {
			t.Errorf("[%s] %s = %s from %s, want %s", want.section, want.key, value, source, want.value)
		}
	}
	if value, source := r.value("device", "log_level"); value != "info" {
		t.Errorf("log_level = %s from %s: RADIUS may not set it", value, source)
	}
	r.until("told", func() bool { return strings.Contains(fmt.Sprint(r.provisioning().NotUnderstood), "log_level") })

	// Secrets in an argument are for RadSec, which this is not.
	account.Argument += ";sip1.auth_password=clear"
	server.Put(account)
	r.http("POST", "/provision", "")
	r.until("looked again", func() bool { return r.provisioning().Finished == 2 })
	if p := r.provisioning(); p.State != "failed" || !strings.Contains(string(p.Error), "allow_clear_secrets") || r.config().Line(1).AuthPassword != "" {
		t.Errorf("%+v", p)
	}
}

// What RADIUS said last is remembered: an outage takes no line down and fails no look.
func TestRadiusOutage(t *testing.T) {
	registrar := newRegistry(t)
	server := newRadius(t, lab.Account{
		Name: "acme", MAC: itsMAC, DIDs: []lab.AccountDID{{Number: "5551112222"}},
		Argument: fmt.Sprintf("sip1.register_addr=127.0.0.1;sip1.register_port=%d", registrar.port),
	})
	r := start(t, base+byRadius(server.Addr()))
	r.until("registered", func() bool { return r.registered(1) && r.provisioning().State == "good" })
	r.reload(base + strings.Replace(byRadius(server.Addr()), "dead_s", "timeout_ms = 100\ntries = 1\ndead_s", 1))
	server.Silence(true)
	r.http("POST", "/provision", "")
	r.until("looked again", func() bool { return r.provisioning().Finished == 2 })
	if p := r.provisioning(); p.State != "good" || p.AccountState != "remembered" || p.Error != "" || !r.registered(1) {
		t.Errorf("%+v", p)
	}
}
