package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// An entry is what somebody does with one control of a form, and the key that it sets.
type entry struct {
	legend, label string
	key, value    string // as the configuration has them
	choice        string // words of the option, of a drop-down
}

// do fills it in.
func (e entry) do(b *browser.Browser) {
	switch {
	case e.choice == "box":
		b.Tick(e.legend, e.label, e.value == "1")
	case e.choice != "":
		b.Choose(e.legend, e.label, e.choice)
	default:
		b.Fill(e.legend, e.label, e.value)
	}
}

// What is typed into figure 2 of the document: SIP.
var figure2 = []entry{
	{"Register Settings", "Activate", "enabled", "1", "box"},
	{"Register Settings", "Username", "username", "2001", ""},
	{"Register Settings", "Display name", "display_name", "Front desk", ""},
	{"Register Settings", "Realm", "realm", kamailio.Realm, ""},
	{"Register Settings", "Authentication User", "auth_user", "2001", ""},
	{"Register Settings", "Authentication Password", "auth_password", kamailio.Password("2001"), ""},
	{"Register Settings", "Server Name", "server_name", kamailio.Realm, ""},
	{"SIP Server 1", "Server Address", "register_addr", "10.9.0.1", ""},
	{"SIP Server 1", "Server Port", "register_port", "5060", ""},
	{"SIP Server 1", "Transport Protocol", "transport", "0", "UDP"},
	{"SIP Server 1", "Registration Expiration", "register_ttl", "600", ""},
	{"SIP Server 2", "Server Address", "backup_addr", "10.9.0.2", ""},
	{"SIP Server 2", "Server Port", "backup_port", "5060", ""},
	{"SIP Server 2", "Transport Protocol", "backup_transport", "1", "TCP"},
	{"SIP Server 2", "Registration Expiration", "backup_ttl", "300", ""},
	{"SIP Proxy", "SIP Proxy Server Address", "proxy_addr", "10.9.0.1", ""},
	{"SIP Proxy", "SIP Proxy Server Port", "proxy_port", "5060", ""},
	{"SIP Proxy", "Proxy User", "proxy_user", "2001", ""},
	{"SIP Proxy", "Backup Proxy Server Address", "backup_proxy_addr", "10.9.0.2", ""},
	{"SIP Proxy", "Backup Proxy Server Port", "backup_proxy_port", "5060", ""},
}

// And into figure 3: Basic Settings.
var figure3 = []entry{
	{"Basic Settings", "Enable Failback", "enable_failback", "1", "box"},
	{"Basic Settings", "Failback Interval", "failback_interval", "60", ""},
	{"Basic Settings", "Signal Failback", "signal_failback", "1", "box"},
	{"Basic Settings", "Signal Retry Counts", "signal_retry_counts", "2", ""},
	{"Basic Settings", "Subscribe For Voice Message", "subscribe_for_voice_message", "1", "box"},
	{"Basic Settings", "Voice Message Number", "voice_message_number", "*97", ""},
	{"Basic Settings", "Voice Message Subscribe Period", "voice_message_subscribe_period", "1800", ""},
	{"Basic Settings", "Enable Hotline", "enable_hotline", "1", "box"},
	{"Basic Settings", "Hotline Number", "hotline_number", "600", ""},
	{"Basic Settings", "Hotline Delay", "hotline_delay", "5", ""},
	{"Basic Settings", "Dial Without Registered", "dial_without_registered", "1", "box"},
	{"Basic Settings", "Enable Missed Call Log", "enable_missed_call_log", "0", "box"},
	{"Basic Settings", "DTMF Type", "dtmf_type", "info", "SIP INFO"},
	{"Basic Settings", "DTMF SIP INFO Mode", "dtmf_sip_info_mode", "*/#", "Send */#"},
	{"Basic Settings", "Request With Port", "request_with_port", "0", "box"},
	{"Basic Settings", "Enable DND", "enable_dnd", "1", "box"},
	{"Basic Settings", "Use STUN", "use_stun", "0", "box"},
}

// A line is made by the two pages of the document, as its figures show them: with a script and
// without, on a desk and on a telephone in the dark.
func TestPagesOfTheDocument(t *testing.T) {
	for _, tt := range []struct {
		name string
		look browser.Look
	}{
		{"desktop", browser.Desktop},
		{"without-script", browser.Look{Width: 1280, Height: 900, NoScript: true}},
		{"telephone-dark", browser.Look{Width: 390, Height: 844, Dark: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil)
			b := l.enter(tt.look)
			l.figure2(b, tt.name, tt.look)
			l.figure3(b, tt.name, tt.look)
			l.failsOver()
			if errs := b.Errors(); len(errs) != 0 {
				t.Errorf("scripts: %v", errs)
			}
		})
	}
}

func (l *lab) figure2(b *browser.Browser, name string, look browser.Look) {
	l.t.Helper()
	from := time.Now()
	b.Go(l.url("/line/1/sip"))
	b.UntilText(".alert", "Line 1 is not there yet: Apply adds it.")
	sides := browser.Evaluate[bool](b, "where the servers stand", `() => {
		const at = n => [...document.querySelectorAll("legend")].find(l => l.innerText.trim() === n).closest("fieldset").getBoundingClientRect();
		const a = at("SIP Server 1"), b = at("SIP Server 2");
		return a.top === b.top && a.right <= b.left;
	}`)
	if wide := look.Width > 600; sides != wide {
		l.t.Errorf("the servers stand side by side: %v, want %v", sides, wide)
	}
	for _, e := range figure2 {
		e.do(b)
	}
	judge(l.t, b, look, "/line/1/sip")
	b.Shoot("figure-2-" + name)
	b.Press("Apply")
	b.UntilText(".lead", "Nothing is changed yet.")
	b.UntilText("h2", "Line 1")
	b.UntilText(".disturbs", "Line 1 is added and registers.")
	if lines := l.agent.Lines(); len(lines) != 0 {
		l.t.Errorf("before Confirm there are lines: %v", lines)
	}
	if source := browser.Evaluate[string](b, "the source", `() => document.documentElement.outerHTML`); strings.Contains(source, kamailio.Password("2001")) {
		l.t.Error("the password stands in the page that shows the difference")
	}
	for _, want := range [][2]string{{"Username", "2001"}, {"Display name", "Front desk"}, {"SIP Server 1: Server Address", "10.9.0.1"}, {"SIP Server 2: Transport Protocol", "TCP"}} {
		l.shows(b, want[0], want[1])
	}
	judge(l.t, b, look, "the difference")
	b.Shoot("figure-2-difference-" + name)
	b.Press("Confirm")
	b.UntilText("body", "The change is in force")
	l.agent.WaitRegistered(patience, 1, "primary")
	l.explains("sip1", figure2)
	register := l.watch.Wait(patience, "REGISTER of the new user", from, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "REGISTER" && e.Dst.Addr() == l.primary.Host.Addr && e.Get("Authorization") != ""
	})
	if to := register.Get("To"); !strings.Contains(to, "sip:2001@"+kamailio.Realm) || register.Get("Expires") != "600" {
		l.t.Errorf("REGISTER of %s for %q s, want 2001 for 600 s", to, register.Get("Expires"))
	}
	l.watch.Wait(patience, "kamailio's binding", from, func(e wire.Event) bool {
		return e.Status == 200 && e.CallID() == register.CallID() && strings.Contains(e.Get("Contact"), "expires=600")
	})
	if look.NoScript {
		l.lookAgain(b)
	}
	b.UntilText(".alert", "The change is in force, and is kept.")
	b.Reload()
	b.UntilText(".alert", "The change is in force, and is kept.")
	b.Until("the badge of the line", `() => document.querySelector(".linestatus .badge").innerText.trim() === "Registered"`)
}

// judge judges a page, for which it needs a script of its own.
func judge(t *testing.T, b *browser.Browser, look browser.Look, path string) {
	t.Helper()
	if !look.NoScript {
		check(t, b, path)
	}
}

// lookAgain presses the button until the trial is over, as one does without a script.
func (l *lab) lookAgain(b *browser.Browser) {
	l.t.Helper()
	if !netlab.Until(patience, func() bool {
		if browser.Evaluate[bool](b, "the verdict", `() => document.body.innerText.includes("in force, and is kept")`) {
			return true
		}
		b.Press("Look again")
		b.UntilText("body", "The change is in force")
		return false
	}) {
		l.t.Fatalf("the trial has no end: %s", b.Text(""))
	}
}

func (l *lab) figure3(b *browser.Browser, name string, look browser.Look) {
	l.t.Helper()
	b.Press("Basic Settings")
	b.UntilText("h1", "Line 1: Basic Settings")
	for _, e := range figure3 {
		e.do(b)
	}
	judge(l.t, b, look, "/line/1/basic")
	b.Shoot("figure-3-" + name)
	b.Press("Apply")
	b.UntilText(".disturbs", "Line 1 is set up anew and registers.")
	l.shows(b, "Failback Interval", "60 s")
	l.shows(b, "Enable Missed Call Log", "off")
	b.Press("Confirm")
	b.UntilText("body", "The change is in force")
	l.explains("sip1", figure3)
	l.explains("sip1", figure2)
	l.agent.WaitRegistered(patience, 1, "primary")
}

// failsOver looks whether servers and device do what the pages were told: a primary that is
// silent is asked three times, then the line is at the backup, by TCP and for 300 s.
func (l *lab) failsOver() {
	l.t.Helper()
	l.primary.Host.BlackHole(l.device.Addr)
	silent := time.Now()
	if err := l.agent.Post("/api/v1/lines/1/register", nil); err != nil {
		l.t.Fatal(err)
	}
	line := l.agent.WaitRegistered(patience, 1, "backup")
	if line.Transport != "tcp" || line.ExpiresS == nil || *line.ExpiresS != 300 || line.FailbackIn == nil || *line.FailbackIn > 60 {
		l.t.Errorf("at the backup: %+v", line)
	}
	asked := l.watch.Since(silent, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "REGISTER" && e.Dst.Addr() == l.primary.Host.Addr
	})
	if len(asked) != 3 {
		l.t.Errorf("the silent primary was asked %d times, want once and 2 retries\n%s", len(asked), l.watch.Dump(silent))
	}
	if got := l.backup.Received(); !slices.ContainsFunc(got, func(r kamailio.Received) bool { return r.Method == "REGISTER" && r.Proto == "tcp" }) {
		l.t.Errorf("kamailio's backup received %+v", got)
	}
}

// shows looks for a row of the difference.
func (l *lab) shows(b *browser.Browser, setting, then string) {
	l.t.Helper()
	if got := browser.Evaluate[string](b, "the difference", `(setting) => {
		const row = [...document.querySelectorAll("tbody tr")].find(r => r.cells[0].innerText.trim() === setting);
		return row ? row.cells[2].innerText.trim() : "no row among " + [...document.querySelectorAll("tbody tr")].map(r => r.cells[0].innerText);
	}`, setting); got != then {
		l.t.Errorf("the difference says of %s: %q, want %q", setting, got, then)
	}
}

// A setting is what /config/explain tells.
type setting struct{ Section, Key, Value, Source string }

// explains compares what is in force with what was typed.
func (l *lab) explains(section string, want []entry) {
	l.t.Helper()
	var all []setting
	if err := l.agent.Get("/api/v1/config/explain", &all); err != nil {
		l.t.Fatal(err)
	}
	for _, e := range want {
		i := slices.IndexFunc(all, func(s setting) bool { return s.Section == section && s.Key == e.key })
		switch {
		case i < 0:
			l.t.Errorf("[%s] %s is not there", section, e.key)
		case strings.Contains(e.key, "password"):
			if strings.Contains(all[i].Value, e.value) {
				l.t.Errorf("[%s] %s: the password is told", section, e.key)
			}
		case all[i].Value != e.value:
			l.t.Errorf("[%s] %s = %q from %s, want %q", section, e.key, all[i].Value, all[i].Source, e.value)
		}
	}
}

// What is wrong stands beside its field, and nothing is lost of what was typed, the password
// least of all. A change of somebody else's meanwhile is told before it is gone over.
func TestFaultsAndOthers(t *testing.T) {
	t.Parallel()
	l := newLab(t, line1)
	l.agent.WaitRegistered(patience, 1, "primary")
	b := l.enter(browser.Desktop)
	b.Go(l.url("/line/1/sip"))
	b.UntilText("h1", "Line 1: SIP")
	b.Fill("Register Settings", "Username", "1002")
	b.Fill("Register Settings", "Authentication Password", kamailio.Password("1002"))
	b.Fill("SIP Server 1", "Server Port", "70000")
	b.Fill("SIP Server 2", "Server Address", "10.9.0.300")
	b.Press("Apply")
	b.UntilText(".alert", "Nothing was changed. Please correct:")
	if got := status(b); got != 422 {
		t.Errorf("faults: status %d, want 422", got)
	}
	b.UntilText(".field:has(#register_port) .error", "1 to 65535")
	b.UntilText(".field:has(#backup_addr) .error", "an IP address, a host name or nothing")
	for _, id := range []string{"register_port", "backup_addr"} {
		b.Until("the fault is told to screen readers", `(id) => {
			const c = document.getElementById(id);
			return c.getAttribute("aria-invalid") === "true" && c.getAttribute("aria-describedby").split(" ").includes(id + "-error");
		}`, id)
	}
	usable(t, b)
	b.Shoot("faults-desktop")
	if l.agent.Line(1).AOR != "sip:1001@"+kamailio.Realm {
		t.Errorf("a faulty form changed the line: %v", l.agent.Line(1))
	}
	b.Fill("SIP Server 1", "Server Port", "5060")
	b.Fill("SIP Server 2", "Server Address", "10.9.0.2")
	b.Press("Apply")
	b.UntilText(".lead", "Nothing is changed yet.")
	l.shows(b, "Username", "1002")
	l.shows(b, "Authentication Password", "another secret")

	// Somebody else, in another window, is quicker.
	other := l.open(browser.Telephone)
	other.Go(l.url("/login"))
	logIn(other, "admin", ownerWord)
	other.UntilText("h1", "Status")
	if got := ask(other, "PATCH", "/api/v1/config", "application/merge-patch+json", `{"sip1":{"display_name":"Reception"}}`); got.Status != 202 {
		t.Fatalf("PATCH /config: %+v", got)
	}
	b.Press("Confirm")
	b.UntilText(".alert", "Meanwhile somebody else has changed the settings.")
	if got := status(b); got != 412 {
		t.Errorf("a stale change: status %d, want 412", got)
	}
	l.shows(b, "Username", "1002")
	b.Press("Confirm")
	b.UntilText("body", "The change is in force")
	l.agent.WaitLine(patience, 1, "registered as 1002", func(l agent.Line) bool {
		return l.State == "registered" && l.AOR == "sip:1002@"+kamailio.Realm
	})
	l.explains("sip1", []entry{{key: "display_name", value: "Reception"}, {key: "username", value: "1002"}})
}

// usable looks whether people without eyes or a mouse can use the page.
func usable(t *testing.T, b *browser.Browser) {
	t.Helper()
	for _, f := range b.Axe() {
		if f.Serious() {
			t.Errorf("%v", f)
		}
	}
}

// One press takes a change back.
func TestRollBackByHand(t *testing.T) {
	t.Parallel()
	l := newLab(t, line1)
	l.agent.WaitRegistered(patience, 1, "primary")
	b := l.enter(browser.Desktop)
	b.Go(l.url("/line/1/sip"))
	b.UntilText("h1", "Line 1: SIP")
	b.Fill("Register Settings", "Display name", "Mistake")
	b.Press("Apply")
	b.UntilText(".lead", "Nothing is changed yet.")
	b.Press("Confirm")
	b.UntilText(".alert", "The change is in force, and is kept.")
	l.explains("sip1", []entry{{key: "display_name", value: "Mistake"}})
	b.Shoot("roll-back-offered")
	b.Press("Roll back")
	b.UntilText(".alert", "The settings before are in force again.")
	l.explains("sip1", []entry{{key: "display_name", value: ""}})
	l.agent.WaitRegistered(patience, 1, "primary")
	if got := browser.Evaluate[string](b, "the field", `() => document.getElementById("display_name").value`); got != "" {
		t.Errorf("after the rollback the form shows %q", got)
	}
}

// A change with which no line can register is taken back by itself, two minutes later, and the
// page that was left open says so.
func TestRolledBackByTheTrial(t *testing.T) {
	t.Parallel()
	l := newLab(t, line1)
	l.agent.WaitRegistered(patience, 1, "primary")
	b := l.enter(browser.Telephone)
	b.Go(l.url("/line/1/sip"))
	b.UntilText("h1", "Line 1: SIP")
	b.Fill("SIP Server 1", "Server Address", "10.9.0.77")
	b.Fill("SIP Server 2", "Server Address", "")
	b.Press("Apply")
	b.UntilText(".lead", "Nothing is changed yet.")
	b.Press("Confirm")
	b.UntilText(".alert", "The change is in force, on trial")
	b.UntilText(".alert", "The trial ends at the latest:")
	b.UntilText("fieldset .linestatus", "10.9.0.77")
	b.Shoot("trial-telephone")
	l.agent.WaitLine(4*time.Minute, 1, "at the primary again", func(l agent.Line) bool { return l.State == "registered" })
	b.UntilText(".alert", "The change was taken back: with it no line could register, and without it one can.")
	b.UntilText("fieldset .linestatus .badge", "Registered")
	b.Until("the form without what was taken back", `() => document.getElementById("register_addr").value === "10.9.0.1" && document.getElementById("backup_addr").value === "10.9.0.2"`)
	b.Shoot("trial-rolled-back-telephone")
	b.Press("Show what is in force")
	b.Until("the address before", `() => document.getElementById("register_addr").value === "10.9.0.1"`)
	l.explains("sip1", []entry{{key: "register_addr", value: "10.9.0.1"}, {key: "backup_addr", value: "10.9.0.2"}})
	if errs := b.Errors(); len(errs) != 0 {
		t.Errorf("scripts: %v", errs)
	}
}

// Lines and ports come and go by the page.
func TestLineAndPortComeAndGo(t *testing.T) {
	t.Parallel()
	l := newLab(t, line1)
	l.agent.WaitRegistered(patience, 1, "primary")
	b := l.enter(browser.Desktop)
	b.Go(l.url("/line/1/sip"))
	b.UntilText("h1", "Line 1: SIP")
	b.Choose("", "Line", "Add SIP2")
	b.Press("Show")
	b.UntilText("h1", "Line 2: SIP")
	b.Fill("Register Settings", "Username", "1002")
	b.Fill("Register Settings", "Authentication Password", kamailio.Password("1002"))
	b.Fill("Register Settings", "Server Name", kamailio.Realm)
	b.Fill("SIP Server 1", "Server Address", "10.9.0.1")
	from := time.Now()
	l.confirm(b, "Line 2 is added and registers.")
	l.agent.WaitRegistered(patience, 2, "primary")
	l.watch.Wait(patience, "REGISTER of 1002", from, l.registers("1002", "3600"))
	if got := browser.Evaluate[[]string](b, "the lines", `() => [...document.getElementById("line").options].map(o => o.text)`); !slices.Equal(got, []string{"SIP1", "SIP2", "Add SIP3"}) {
		t.Errorf("the drop-down has %v", got)
	}

	for n, button := range []string{1: "Set up port 1", 2: "Add a port"} {
		if button == "" {
			continue
		}
		b.Go(l.url("/ports"))
		b.Press(button)
		b.UntilText("h1", fmt.Sprintf("Port %d", n))
		b.Fill("", "Line", strconv.Itoa(n))
		b.Fill("", "Driver", fmt.Sprintf("unix:%s/cards/p%d", l.agent.Dir, n))
		l.confirm(b, fmt.Sprintf("Port %d is added: its line card can connect.", n))
		l.agent.Phone(fmt.Sprintf("p%d", n))
		if got := l.agent.Port(n); got.Line != n || !got.Card {
			t.Errorf("port %d: %+v", n, got)
		}
	}
	b.Press("Remove Port 2")
	b.UntilText(".disturbs", "Port 2 is taken away: its line card is disconnected.")
	b.Press("Confirm")
	b.UntilText("body", "The change is in force")
	if !netlab.Until(patience, func() bool { return l.agent.Get("/api/v1/ports/2", nil) != nil }) {
		t.Error("port 2 is still there")
	}

	b.Go(l.url("/line/2/sip"))
	b.UntilText("h1", "Line 2: SIP")
	from = time.Now()
	b.Press("Remove Line 2")
	b.UntilText("h2", "Line 2: is removed")
	b.UntilText(".disturbs", "Line 2 unregisters and is taken away.")
	b.Shoot("line-removed")
	b.Press("Confirm")
	b.UntilText("body", "The change is in force")
	l.watch.Wait(patience, "the end of 1002's binding", from, l.registers("1002", "0"))
	if !netlab.Until(patience, func() bool { return l.agent.Get("/api/v1/lines/2", nil) != nil }) {
		t.Error("line 2 is still there")
	}
	l.agent.WaitRegistered(patience, 1, "primary")
}

// confirm applies a form whose difference disturbs what is said.
func (l *lab) confirm(b *browser.Browser, disturbs string) {
	l.t.Helper()
	b.Press("Apply")
	b.UntilText(".disturbs", disturbs)
	b.Press("Confirm")
	b.UntilText("body", "The change is in force")
}

// registers likes REGISTERs of a user at the primary for so many seconds.
func (l *lab) registers(user, expires string) func(wire.Event) bool {
	return func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "REGISTER" && e.Dst.Addr() == l.primary.Host.Addr &&
			strings.Contains(e.Get("To"), "sip:"+user+"@") && e.Get("Authorization") != "" &&
			(e.Get("Expires") == expires || wire.Param(e.Get("Contact"), "expires") == expires)
	}
}
