package agent

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tipring/internal/config"
	"tipring/lines"
	"tipring/webui/api"
)

// A sound device gives no cause for warnings.
func soundDevice() condition {
	return condition{
		now:      time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
		lines:    []api.Line{{Line: 1, AOR: "sip:1001@pbx.example", State: "registered", Server: "primary"}},
		ports:    []api.Port{{Port: 1, Line: 1, Driver: "sim", Card: true}},
		rtpPairs: 100, clock: api.Clock{Set: true}, disk: api.Disk{Path: "/var/lib/tipring", TotalBytes: 1 << 30, FreeBytes: 1 << 29},
		provisioning: api.Provisioning{State: "good"}, page: pageState{claimed: true},
	}
}

func TestWarnings(t *testing.T) {
	later := func(d time.Duration) time.Time { return soundDevice().now.Add(d) }
	for _, tt := range []struct {
		name  string
		spoil func(c *condition)
		want  string // severity id: the beginning of the text; empty: no warning
		todo  string // the beginning
		key   string // section/key
	}{
		{"sound", func(*condition) {}, "", "", ""},
		{"refused", func(c *condition) { c.faults = []string{"tipring.ini:3: [sip1] x", "another"} },
			"warning configuration: The last configuration was refused, and the one before it is in force: tipring.ini:3: [sip1] x (and 1 more)", "Correct it", "/"},
		{"not configured", func(c *condition) { c.faults, c.rescued = []string{"no file"}, true }, "error configuration: The device is not configured: no file", "Correct it", "/"},
		{"waiting for a call", func(c *condition) {
			c.waiting = []api.Waiting{{Section: "sip1", For: "the end of the calls of line 1"}}
		},
			"info waiting-sip1: Settings of line 1: new ones wait for the end of the calls of line 1.", "Nothing", "sip1/"},
		{"waiting for a start", func(c *condition) {
			c.waiting = []api.Waiting{{Section: "device", For: "the next start (Log format)"}}
		}, "info waiting-device: Device: new ones wait for the next start (Log format).", "Restart", "device/"},
		{"later keys", func(c *condition) { c.later = []string{keyName("sip1", "realm"), keyName("port2", "line")} },
			"info later: These settings are accepted, but nothing acts on them in this version: Settings of line 1: Realm, Settings of port 2: Line.", "Take them back", "sip/"},
		{"draining", func(c *condition) { c.draining = true }, "warning draining: The device takes no new calls and faxes.", "Resume", "/"},
		{"ending", func(c *condition) { c.draining, c.ending = true, true }, "warning draining: The device is ending", "Wait", "/"},

		{"wrong password", func(c *condition) { c.lines[0].State, c.lines[0].LastError = "failed", "403 Forbidden" },
			"error line-1: Line 1 has no server: 403 Forbidden.", "Check the user name and the password", "sip1/auth_password"},
		{"no answer, with times that count", func(c *condition) {
			c.lines[0].State, c.lines[0].Why = "failed", "no server: no answer"
		}, "error line-1: Line 1 has no server: no answer.", "Check the server's address", "sip1/register_addr"},
		{"on the backup, with times that count", func(c *condition) {
			c.lines[0].Server, c.lines[0].FailbackS = "backup", api.Number(60)
			c.lines[0].Why = "registered at the backup server, because the primary failed: 503"
		}, "warning line-1: Line 1 is on its backup server, because the primary failed: 503.", "Find out", "sip1/register_addr"},
		{"unknown user", func(c *condition) { c.lines[0].State, c.lines[0].Why = "failed", "404 Not Found." }, "error line-1: Line 1 has no server: 404 Not Found.", "Check the user name", "sip1/username"},
		{"unknown server", func(c *condition) {
			c.lines[0].State, c.lines[0].LastError = "failed", "lookup pbx.example: no such host"
		}, "error line-1: Line 1 has no server: lookup pbx.example: no such host.", "Check the server's name", "sip1/register_addr"},
		{"bad certificate", func(c *condition) {
			c.lines[0].State, c.lines[0].LastError = "failed", "tls: certificate has expired"
		}, "error line-1:", "Check the server's certificate", "sip/tls_ca_file"},
		{"certificate of another name", func(c *condition) {
			c.lines[0].State, c.lines[0].LastError = "failed", "tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match pbx.example"
		}, "error line-1:", "Check the server's certificate", "sip/tls_ca_file"},
		{"port taken", func(c *condition) {
			c.lines[0].State, c.lines[0].LastError = "failed", "udp 5060: address already in use"
		}, "error line-1:", "Another program", "sip/udp_port"},
		{"silent", func(c *condition) { c.lines[0].State, c.lines[0].LastError = "failed", "192.0.2.1:5060: timeout" }, "error line-1:", "Check the server's address", "sip1/register_addr"},
		{"on the backup", func(c *condition) {
			c.lines[0].Server, c.lines[0].FailbackS, c.lines[0].Why = "backup", api.Number(60), "On the backup since 09:00"
		}, "warning line-1: Line 1 is on its backup server: On the backup since 09:00.", "Find out", "sip1/register_addr"},
		{"on the backup for ever", func(c *condition) { c.lines[0].Server = "backup" }, "warning line-1: Line 1 is on its backup server.", "The line does not go back by itself", "sip1/enable_failback"},
		{"no server", func(c *condition) {
			c.lines = append(c.lines, api.Line{Line: 2, State: "disabled", Why: lines.NoServer})
		}, "warning line-2: Line 2 has no server yet.", "Enter", "sip2/register_addr"},
		{"switched off", func(c *condition) {
			c.lines = append(c.lines, api.Line{Line: 2, State: "disabled", Why: "this line is switched off"})
		}, "", "", ""},
		{"registering", func(c *condition) { c.lines[0].State = "registering" }, "", "", ""},

		{"driver", func(c *condition) { c.ports[0].Warning = "listen unix: address in use" }, "error port-1: Port 1 does not work: listen unix: address in use.", "Correct", "port1/driver"},
		{"no line", func(c *condition) { c.ports[0].Line = 9 }, "warning port-1: Port 1 has no line: line 9", "Choose", "port1/line"},
		{"line switched off", func(c *condition) { c.lines[0].State = "disabled" }, "warning port-1: Port 1 has no line: line 1", "Choose", "port1/line"},
		{"no card", func(c *condition) { c.ports[0].Card = false }, "warning port-1: Nobody has connected to port 1", "Start", "port1/driver"},
		{"a mailbox has no card", func(c *condition) { c.ports[0].Card, c.ports[0].Driver = false, "none" }, "", "", ""},
		{"all RTP ports lent", func(c *condition) { c.rtpLent = 99 }, "warning rtp-ports: 1 of the 100 pairs", "Widen", "sip/rtp_port_max"},
		{"few RTP ports", func(c *condition) {
			c.rtpPairs = 4
			for n := 2; n <= 5; n++ {
				c.ports = append(c.ports, api.Port{Port: n, Line: 1, Driver: "sim", Card: true})
			}
		}, "warning rtp-ports: 4 of the 4 pairs", "Widen", "sip/rtp_port_max"},
		{"few RTP ports and no port", func(c *condition) { c.rtpPairs, c.ports = 1, nil }, "", "", ""},

		{"provisioning failed", func(c *condition) { c.provisioning.State, c.provisioning.Error = "failed", "nobody answers" },
			"warning provisioning: The last look for settings failed: nobody answers.", "See where", "provisioning/"},
		{"rolled back", func(c *condition) { c.provisioning.State = "rolled_back" }, "warning provisioning: New settings did not work", "Have the provider", "provisioning/"},
		{"what was changed here rolled back", func(c *condition) { c.provisioning.State, c.own = "rolled_back", true }, "warning provisioning: What was changed here did not work", "Correct it, and apply", "provisioning/"},
		{"unproven", func(c *condition) { c.provisioning.State = "unproven" }, "warning provisioning: New settings are in force", "Check", "provisioning/"},
		{"on trial", func(c *condition) {
			c.provisioning.Trial = &api.Trial{Generation: 2, Until: api.At(later(95 * time.Second))}
		},
			"info trial: New settings are on trial for another 90 s", "Nothing", "/"},
		{"on trial for as long as it takes", func(c *condition) { c.provisioning.Trial = &api.Trial{Generation: 2} }, "info trial: New settings are on trial: they", "Nothing", "/"},
		{"not understood", func(c *condition) {
			c.provisioning.NotUnderstood = []api.NotUnderstood{{Source: "http://a/x.ini", Text: "unknown key"}}
		}, "info not-understood: A line of what was fetched from http://a/x.ini was not used: unknown key", "Tell", "provisioning/"},
		{"two lines that were not understood, and two that nobody wrote", func(c *condition) {
			c.provisioning.NotUnderstood = []api.NotUnderstood{
				{Source: "network", Text: "dhcp: no network interface"}, {Source: "http://a/x.ini", Text: "unknown key"},
				{Source: "http://a/x.ini", Text: "besides this: pnp: nobody answers"}, {Source: "http://a/x.ini", Text: "unknown value"},
			}
		}, "info not-understood: 2 lines of what was fetched from http://a/x.ini were not used; the first: unknown key", "Tell", "provisioning/"},

		{"no password", func(c *condition) { c.page.claimed = false }, "warning no-password:", "Open the page", "/"},
		{"open to all", func(c *condition) { c.page.plainToAny = true }, "warning plain-page:", "Allow the local network", "web/allow"},
		{"certificate near its end", func(c *condition) { c.page.certificate = later(24 * time.Hour) }, "warning certificate: The certificate of the page ends on 2 March 2026.", "Install", "web/tls_cert"},
		{"certificate past its end", func(c *condition) { c.page.certificate = later(-time.Hour) }, "error certificate: The certificate of the page ended on 1 March 2026", "Install", "web/tls_cert"},
		{"certificate with time left", func(c *condition) { c.page.certificate = later(60 * 24 * time.Hour) }, "", "", ""},

		{"clock", func(c *condition) { c.clock.Set = false }, "warning clock: The clock is not set", "Have the system", "/"},
		{"read-only", func(c *condition) { c.disk.ReadOnly = true }, "error disk: The disk of /var/lib/tipring takes nothing", "Check the flash", "/"},
		{"full", func(c *condition) { c.disk.FreeBytes = 1 << 20 }, "error disk: The disk of /var/lib/tipring is full", "Delete", "/"},
		{"nearly full", func(c *condition) { c.disk.FreeBytes = 10 << 20 }, "warning disk: The disk of /var/lib/tipring is nearly full: 10 MiB", "Delete", "/"},
		{"small, and half empty", func(c *condition) { c.disk.TotalBytes, c.disk.FreeBytes = 20<<20, 10<<20 }, "", "", ""},
		{"silent disk", func(c *condition) { c.disk = api.Disk{} }, "", "", ""},

		{"accounts lost", func(c *condition) { c.journal.lost = 2 }, "error accounts-lost: 2 accounting records", "Check", "radius/"},
		{"accounts wait for a server", func(c *condition) { c.journal = journalState{waiting: 3} }, "info accounts-waiting: 3 accounting records wait, and there is no", "Name one", "radius/acct_servers"},
		{"many accounts wait", func(c *condition) { c.journal = journalState{waiting: 100, servers: true} }, "warning accounts-waiting: 100", "Check", "radius/acct_servers"},
		{"a meddler", func(c *condition) { c.rewritten = []int{1} }, "warning alg-1: Something on the way changes the SIP messages of line 1", "Switch the SIP helper", "sip1/transport"},
		{"keys of SRTP in clear", func(c *condition) { c.audible = []int{1} }, "warning srtp-clear-1: The sound of line 1", "Register over TLS", "sip1/srtp_over_clear"},
		{"passwords in clear", func(c *condition) { c.clear = "http://p.example/x.ini" }, "warning clear-secrets: Passwords came in clear, and anybody on the way could read them: http://p.example/x.ini.", "Have the settings", "provisioning/allow_clear_secrets"},
		{"some are on their way", func(c *condition) { c.journal = journalState{waiting: 3, servers: true} }, "", "", ""},
	} {
		c := soundDevice()
		tt.spoil(&c)
		list := warningsOf(c)
		if tt.want == "" {
			if len(list) != 0 {
				t.Errorf("%s: %+v", tt.name, list)
			}
			continue
		}
		if len(list) != 1 {
			t.Errorf("%s: %d warnings: %+v", tt.name, len(list), list)
			continue
		}
		w := list[0]
		canBeSaid(t, w.Text)
		canBeSaid(t, string(w.Todo))
		if got := w.Severity + " " + w.ID + ": " + w.Text; !strings.HasPrefix(got, tt.want) || !strings.HasPrefix(string(w.Todo), tt.todo) || (tt.todo == "") != (w.Todo == "") {
			t.Errorf("%s: %q, %q, want %q, %q", tt.name, got, w.Todo, tt.want, tt.todo)
		}
		if got := string(w.Section + "/" + w.Key); got != tt.key {
			t.Errorf("%s: settings %s, want %s", tt.name, got, tt.key)
		}
		canBeSaid(t, string(w.Label))
		if w.Todo == "" || w.Label == "" || !strings.HasPrefix(string(w.Link), "/") {
			t.Errorf("%s: do %q at %q, %q", tt.name, w.Todo, w.Label, w.Link)
		}
		if raw := rawKey.FindString(strings.ReplaceAll(w.Text+" "+string(w.Todo)+" "+string(w.Label), "log_format", "")); raw != "" && len(c.faults) == 0 {
			t.Errorf("%s: a person reads %q", tt.name, raw)
		}
	}
}

// rawKey is a section or a key as files have it.
var rawKey = regexp.MustCompile(`\[\w+\]|[a-z]+_[a-z_]+`)

// A warning leads to the field that helps, by the name that the page has for it.
func TestPlacesOfWarnings(t *testing.T) {
	for place, want := range map[[2]string][2]string{
		{"sip1", "register_addr"}:    {"Settings of line 1: Server Address", "/line/1/sip#register_addr"},
		{"sip12", "enable_failback"}: {"Settings of line 12: Enable Failback", "/line/12/basic#enable_failback"},
		{"sip", "rtp_port_max"}:      {"SIP, all lines: RTP port maximum", "/line/global#rtp_port_max"},
		{"port3", ""}:                {"Settings of port 3", "/ports/3"},
		{"web", "allow"}:             {"Page: Allow", "/system/web#allow"},
		{"x", "y"}:                   {"", ""},
	} {
		if label, link := placeOf(place[0], place[1]); label != want[0] || link != want[1] {
			t.Errorf("%v: %q, %q, want %q", place, label, link, want)
		}
	}
}

// Settings with secrets that came in clear are told of, unless what comes so is sealed.
func TestSecretsInClear(t *testing.T) {
	secret, none := "[sip1]\nauth_password = hush\n", "[sip1]\ndisplay_name = x\n"
	for _, tt := range []struct{ url, text, seal, want string }{
		{"http://p.example/a.ini", secret, "", "http://p.example/a.ini"},
		{"tftp://p.example/a.ini", secret, "", "tftp://p.example/a.ini"},
		{"http://p.example/a.ini", none, "", ""},
		{"https://p.example/a.ini", secret, "", ""},
		{"http://p.example/a.ini", secret, strings.Repeat("ab", 32), ""},
	} {
		c := &config.Config{Provisioning: config.Provisioning{SealKey: tt.seal}}
		if got := secretsInClear(c, []config.Layer{config.FileLayer("/etc/x", []byte(secret)), config.ProvisionedLayer(tt.url, []byte(tt.text))}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.url, got, tt.want)
		}
	}
}

func TestKeysInClear(t *testing.T) {
	for _, tt := range []struct {
		line config.Line
		want bool
	}{
		{config.Line{Enabled: true, SRTP: "optional", SRTPOverClear: true}, true},
		{config.Line{Enabled: true, SRTP: "optional"}, false},
		{config.Line{Enabled: true, SRTP: "off", SRTPOverClear: true}, false},
		{config.Line{SRTP: "required", SRTPOverClear: true}, false},
		{config.Line{Enabled: true, SRTP: "required", SRTPOverClear: true, Transport: config.TLS}, false},
		{config.Line{Enabled: true, SRTP: "required", SRTPOverClear: true, Transport: config.TLS, BackupAddr: "b"}, true},
	} {
		if got := keysInClear(&tt.line); got != tt.want {
			t.Errorf("%+v: %v", tt.line, got)
		}
	}
}

func TestTheWorstWarningComesFirst(t *testing.T) {
	c := soundDevice()
	c.later, c.clock.Set, c.lines[0].State = []string{"[x] y"}, false, "failed"
	var ids []string
	for _, w := range warningsOf(c) {
		ids = append(ids, w.ID)
	}
	if !slices.Equal(ids, []string{"line-1", "clock", "later"}) {
		t.Errorf("%q", ids)
	}
}

// A warning keeps its date until it is gone.
func TestSinceWhenSomethingIsWrong(t *testing.T) {
	var b warningBook
	first := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	one := func() []api.Warning { return []api.Warning{{ID: "clock"}} }
	for _, tt := range []struct {
		at   time.Time
		list []api.Warning
		want time.Time
	}{
		{first, one(), first},
		{first.Add(time.Hour), one(), first},
		{first.Add(2 * time.Hour), nil, time.Time{}},
		{first.Add(3 * time.Hour), one(), first.Add(3 * time.Hour)},
		{first.Add(4 * time.Hour), []api.Warning{{ID: "line-1", Since: api.At(first)}}, first},
	} {
		if list := b.date(tt.list, tt.at); len(list) > 0 && !list[0].Since.Equal(tt.want) {
			t.Errorf("at %v: since %v, want %v", tt.at, list[0].Since, tt.want)
		}
	}
}

func TestCertificateEnd(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: end}, &x509.Certificate{}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, tt := range []struct {
		name, text string
		want       time.Time
	}{
		{"good", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), end},
		{"bad", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", time.Time{}},
		{"none", "nothing", time.Time{}},
	} {
		path := filepath.Join(dir, tt.name)
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := certificateEnd(path); !got.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := certificateEnd(filepath.Join(dir, "missing")); !got.IsZero() {
		t.Errorf("a file that is not there: %v", got)
	}
}

// A device tells of itself what is wrong.
func TestADevicesWarnings(t *testing.T) {
	r := start(t, base+"[sip1]\n[sip2]\nenabled = 0\n[port1]\ndriver = unix:"+socketPath(t)+"\n[port2]\nline = 2\ndriver = sim\n")
	r.until("warnings", func() bool {
		var ids []string
		for _, w := range r.warnings() {
			ids = append(ids, w.ID)
			if w.Since.IsZero() {
				t.Errorf("%s has no date", w.ID)
			}
		}
		return slices.Contains(ids, "line-1") && slices.Contains(ids, "port-1") && slices.Contains(ids, "port-2")
	})
}
