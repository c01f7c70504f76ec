package provisioning

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/freeradius"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

// A provider that numbers the attributes which FaxBack's papers leave without a number.
const numbers = `
ATTRIBUTE	FB-Line-Num	73	integer
ATTRIBUTE	FB-Line-Id	74	string
ATTRIBUTE	FB-Snd-From-Account	80	integer
ATTRIBUTE	FB-DID-Enabled	81	integer
END-VENDOR	FaxBack`

// dictionary is the product's with the provider's numbers.
func dictionary(t *testing.T) string {
	t.Helper()
	path, err := freeradius.Dictionary()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(netlab.WorkDir(t), "dictionary")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "\nEND-VENDOR\tFaxBack", numbers, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// users is the provider's directory: an account that devices have by MAC address or serial
// number, and one device for each other state.
const users = `
020000000001	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Accept
	User-Name := "acct",
	FB-Queue-Profile := "<QPXml Ln=\"en-US\" Tz=\"Pacific*\" />",
	FB-Provisioning-Arg := "https://localhost:8443/acct.ini sha256=DIGEST"

S-27482734	FB-Command == Get-Account-From-Serial-Number, Auth-Type := Accept
	User-Name := "acct",
	FB-Provisioning-Arg := "https://localhost:8443/{account}.ini"

0200000000E1	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Reject
	Reply-Message := "not one of ours"

0200000000E2	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Accept
	FB-Provisioning-Arg := "https://localhost:8443/acct.ini"

S-2	FB-Command == Get-Account-From-Serial-Number, Auth-Type := Accept
	FB-Queue-Profile := "<QPXml />"

0200000000E3	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Accept
	User-Name := "acct",
	FB-Account-Type := 99

0200000000E4	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Accept
	User-Name := "acct",
	FB-Snd-From-Account := 0

0200000000E5	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Accept
	User-Name := "acct",
	FB-Provisioning-Arg := "sip1.auth_password=PLANTED-arg;sip1.register_addr=10.9.0.1"

0200000000E6	FB-Command == Get-Account-From-MAC-Address, Auth-Type := Accept
	User-Name := "acct",
	FB-Provisioning-Arg := "sip1.register_addr=10.9.0.1;web.listen=:80"

acct	FB-Command == Get-DIDs-For-Account, Auth-Type := Accept
	FB-DID += "1001",
	FB-DID += "1002",
	FB-DID += "1003"

1001	FB-Command == Get-DID, Auth-Type := Accept
	User-Name := "acct",
	FB-Line-Num := 2,
	FB-Line-Id := "Front desk",
	FB-Snd-ANI := "5550000"

1002	FB-Command == Get-DID, Auth-Type := Accept
	User-Name := "acct",
	FB-Line-Num := 1,
	FB-Line-Id := "Fax"

1003	FB-Command == Get-DID, Auth-Type := Accept
	User-Name := "acct",
	FB-Line-Num := 3,
	FB-DID-Enabled := 0
`

// passwords is what the file adds to what RADIUS says: it carries no SIP password.
func (w *world) passwords() string {
	text := ""
	for n, user := range []string{"1002", "1001"} {
		text += fmt.Sprintf("[sip%d]\nauth_password = %s\nregister_addr = %v\nbackup_addr = %v\n", n+1, kamailio.Password(user), w.pbx.Host.Addr, w.backup.Host.Addr)
	}
	return text
}

// A provider is a world with a RADIUS server.
type provider struct {
	*world
	radius *freeradius.Server
	dict   string
}

// signing is a RADIUS server as it should be.
var signing = freeradius.Options{Signs: true, Requires: true}

func newProvider(t *testing.T, o freeradius.Options) *provider {
	p := &provider{world: newWorld(t), dict: dictionary(t)}
	p.put("acct.ini", p.passwords())
	o.Users = strings.Replace(users, "DIGEST", fmt.Sprintf("%x", sha256.Sum256([]byte(p.passwords()))), 1)
	o.Dictionary = p.dict
	p.radius = freeradius.Start(t, p.lan.Host("radius", 3), o)
	return p
}

func (p *provider) factory() agent.Ini {
	return p.world.factory("radius").
		Set("radius", "servers", p.radius.Auth).
		Set("radius", "secret", freeradius.Secret).
		Set("radius", "dictionary", p.dict).
		Set("radius", "timeout_ms", 500).
		Set("radius", "tries", 2)
}

// own is what is on every device of the provider's: its ports.
func own() agent.Ini {
	return agent.Ini{}.Set("port1", "driver", "unix:one").Set("port2", "driver", "unix:two")
}

// A device that knows its MAC address and the RADIUS servers finds its account, its
// numbers, and the file with the passwords; comes up registered at the registrars with the
// account's lines; and keeps them when nobody answers at its next start.
func TestByMAC(t *testing.T) {
	t.Parallel()
	w := newProvider(t, signing)
	d := begin(t, w.host, "02:00:00:00:00:01", own(), w.factory())
	d.registered("primary", 1, 2)
	p := d.good()
	file := https("acct.ini")
	if p.URL != file || p.Source != "radius:10.9.0.3:1812" || p.Generation == 0 {
		t.Errorf("%+v", p)
	}
	radius := "radius:10.9.0.3:1812"
	d.wants(map[string][2]string{
		"sip1.username":          {"1002", radius},
		"sip1.display_name":      {"Fax", radius},
		"sip1.auth_password":     {"********", file + ":2"},
		"sip1.register_addr":     {"10.9.0.1", file + ":3"},
		"sip2.username":          {"1001", radius},
		"sip2.display_name":      {"Front desk", radius},
		"sip2.backup_addr":       {"10.9.0.2", file + ":8"},
		"port1.line":             {"1", radius},
		"port1.ani":              {"1002", radius},
		"port2.line":             {"2", radius},
		"port2.ani":              {"5550000", radius},
		"sip1.failback_interval": {"1800", "built-in"},
		"radius.servers":         {"10.9.0.3:1812", "factory:" + filepath.Join(d.Dir, "factory.ini") + ":" + lineOf(t, d, "servers")},
		"device.mac":             {"020000000001", "file:" + d.File() + ":4"},
	})
	if l := d.Lines(); len(l) != 2 || l[0].AOR != "sip:1002@10.9.0.1" || l[1].AOR != "sip:1001@10.9.0.1" {
		t.Errorf("lines %v", l)
	}
	if notes := p.notes(); !strings.Contains(notes, "DID 1003") || !strings.Contains(notes, "switched off") {
		t.Errorf("not understood: %s", notes)
	}
	var s struct {
		Device struct{ Account string }
	}
	if err := d.Get("/api/v1/status", &s); err != nil || s.Device.Account != "acct" {
		t.Errorf("the account is %q, %v", s.Device.Account, err)
	}
	text, status := d.Command("provision", "--explain")
	for _, want := range []string{radius, file + ":2", "built-in", "Front desk"} {
		if status != 0 || !strings.Contains(text, want) {
			t.Errorf("provision --explain: %d, without %s:\n%s", status, want, text)
		}
	}
	d.says("settings applied", file)
	d.says("settings are good")
	secrets := []string{kamailio.Password("1001"), kamailio.Password("1002"), freeradius.Secret}
	d.silent(secrets...)
	text, status = d.Plain("radius", "account", "--mac", "020000000001", "-c", d.File(), "--state-dir", filepath.Join(d.Dir, "other"), "--factory", filepath.Join(d.Dir, "factory.ini"))
	if status != 0 || !strings.Contains(text, "acct") || strings.Contains(text, freeradius.Secret) {
		t.Errorf("tipring radius: %d %s", status, text)
	}

	d.Phone("one")
	d.Phone("two")
	d.calls(2, "1002", 1, "5550000")
	d.calls(1, "1001", 2, "1002")

	// Nothing new: nothing is applied.
	if again := d.look(); again.State != "good" || again.Generation != p.Generation || again.Error != "" {
		t.Errorf("a second look: %+v", again)
	}

	// At the next start RADIUS is down, and then the web server too.
	d.Stop()
	w.radius.Kill()
	d.run()
	d.registered("primary", 1, 2)
	if p := d.looked(); p.State != "good" || p.Error != "" {
		t.Errorf("with RADIUS down: %+v", p)
	}
	d.wants(map[string][2]string{"sip2.username": {"1001", radius}, "port2.ani": {"5550000", radius}})
	w.nginx.Stop()
	if p := d.look(); p.State != "failed" || p.Error == "" {
		t.Errorf("with RADIUS and nginx down: %+v", p)
	}
	d.Kill()
	d.run()
	d.registered("primary", 1, 2)
	if p := d.looked(); p.State != "failed" || p.Error == "" {
		t.Errorf("with RADIUS and nginx down at the start: %+v", p)
	}
	d.registered("primary", 1, 2)
}

// calls has a port call another one of the device, by the registrar, and checks who is
// shown there.
func (d *device) calls(port int, to string, at int, number string) {
	d.t.Helper()
	if status, text := d.ask("POST", fmt.Sprintf("/api/v1/ports/%d/call", port), fmt.Sprintf(`{"to":%q}`, to)); status != 202 {
		d.t.Errorf("call: %d %s", status, text)
		return
	}
	d.WaitPort(patience, at, "ringing")
	for _, c := range d.Calls() {
		if c.Ended != nil {
			continue
		}
		if c.Direction == "in" && (c.Line != at || c.Peer != number) {
			d.t.Errorf("%+v, want a call of %s on line %d", c, number, at)
		}
		if c.Direction == "out" {
			d.ask("DELETE", "/api/v1/calls/"+c.ID, "")
		}
	}
	d.WaitPort(patience, at, "idle")
}

// lineOf is where a key stands in the factory's file.
func lineOf(t *testing.T, d *device, key string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.Dir, "factory.ini"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if n++; strings.HasPrefix(line, key+" ") {
			return fmt.Sprint(n)
		}
	}
	return ""
}

// A device whose MAC address is rejected is found by its serial number, and each answer
// that gives no settings is a state of its own.
func TestAnswersOfTheDirectory(t *testing.T) {
	t.Parallel()
	w := newProvider(t, signing)
	start := func(mac, serial string) *device {
		return begin(t, w.host, mac, own().Set("device", "serial", serial).Set("sip", "udp_port", 0).Set("sip", "tcp_port", 0).Set("sip", "tls_port", 0), w.factory())
	}
	d := start("02:00:00:00:00:E1", "S-27482734")
	d.registered("primary", 1, 2)
	d.good()
	d.wants(map[string][2]string{"sip2.display_name": {"Front desk", "radius:10.9.0.3:1812"}})

	for _, tt := range []struct {
		name         string
		mac, serial  string
		state, error string
		account      string // account_state
		notes        string
	}{
		{"a Reject", "02:00:00:00:00:E1", "S-1", "failed", `rejected: "not one of ours"`, "rejected", ""},
		{"an empty Accept", "02:00:00:00:00:E2", "S-2", "failed", "empty Accept", "empty", ""},
		{"an unknown flag", "02:00:00:00:00:E3", "S-3", "good", "", "unknown_flag", "FB-Account-Type is 99"},
		{"a disabled account", "02:00:00:00:00:E4", "S-4", "failed", "switched off", "disabled", ""},
		{"secrets in clear", "02:00:00:00:00:E5", "S-5", "failed", "allow_clear_secrets", "found", ""},
		{"settings", "02:00:00:00:00:E6", "S-6", "trial", "", "found", "[web] listen"},
	} {
		d := start(tt.mac, tt.serial)
		p := d.looked()
		if p.State != tt.state || p.AccountState != tt.account || !strings.Contains(p.Error, tt.error) || (tt.error == "") != (p.Error == "") || !strings.Contains(p.notes(), tt.notes) {
			t.Errorf("%s: %+v", tt.name, p)
		}
		if p.Error != "" {
			d.says("provisioning failed", "radius")
		}
		d.silent("PLANTED", freeradius.Secret)
		d.Stop()
	}
}

// A server that does not sign is not believed, and the log says what to do about it. As a
// legacy server it is, with a warning.
func TestUnsignedAnswers(t *testing.T) {
	t.Parallel()
	w := newProvider(t, freeradius.Options{})
	d := begin(t, w.host, "02:00:00:00:00:01", own(), w.factory())
	if p := d.looked(); p.State != "failed" || !strings.Contains(p.Error, "no_message_authenticator") || p.Generation != 0 {
		t.Errorf("%+v", p)
	}
	d.says("Message-Authenticator", "update reply", "legacy")
	if _, text := d.ask("GET", "/metrics", ""); !strings.Contains(text, "tipring_radius_refused_total{") || !strings.Contains(text, `tipring_provisioning_looks_total{result="failed"} 1`) {
		t.Errorf("metrics:\n%s", text)
	}
	d.factory(w.factory().Set("radius", "servers", w.radius.Auth.String()+";legacy"))
	d.Reload()
	d.until("a legacy server", func(provisioned) bool {
		return strings.HasSuffix(d.values()["radius.servers"][0], ";legacy")
	})
	d.look()
	d.registered("primary", 1, 2)
	d.says("legacy", "level=WARN")
}
