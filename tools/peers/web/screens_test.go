package web

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// Every page of the device at the end of the demo's story, when there is something to see on
// each.
var screens = []struct{ name, path string }{
	{"status", "/"}, {"line-sip", "/line/1/sip"}, {"line-basic", "/line/1/basic"}, {"line-global", "/line/global"},
	{"ports", "/ports"}, {"port-settings", "/ports/1"}, {"fax", "/fax"}, {"fax-settings", "/fax/settings"},
	{"calls", "/calls"}, {"provisioning", "/provisioning"}, {"provisioning-explain", "/provisioning/explain"},
	{"provisioning-generations", "/provisioning/generations"}, {"provisioning-settings", "/provisioning/settings"},
	{"radius", "/radius"}, {"radius-settings", "/radius/settings"}, {"system", "/system"}, {"system-log", "/system/log"},
	{"system-users", "/system/users"}, {"system-backup", "/system/backup"}, {"system-settings", "/system/settings"},
}

// looks are how each page is looked at; the names of pictures say so.
var looks = []struct {
	name string
	look browser.Look
}{
	{"desktop", browser.Desktop},
	{"desktop-dark", browser.Look{Width: 1280, Height: 900, Dark: true}},
	{"telephone", browser.Telephone},
	{"telephone-dark", browser.Look{Width: 390, Height: 844, Dark: true}},
}

var (
	webLine  = regexp.MustCompile(`(?m)^web (http://\S+)$`)
	password = regexp.MustCompile(`it takes a password: admin, (\S+)\.`)
)

// Each page is drawn whole in every look: nothing is wider than the window, no script fails,
// and axe-core finds nothing serious.
func TestScreens(t *testing.T) {
	host := netlab.New(t).Host("alone", 1)
	demo := host.StartEnv(netlab.WorkDir(t), []string{"HOME=/nonexistent"}, agent.Binary(), "demo", "--fast")
	if !netlab.Until(3*time.Minute, func() bool { return strings.Contains(demo.Tail(1000), "Everything stays up") }) {
		t.Fatalf("the demo did not come to its end:\n%s", demo.Tail(60))
	}
	said := demo.Tail(10000)
	base, word := webLine.FindStringSubmatch(said), password.FindStringSubmatch(said)
	if base == nil || word == nil {
		t.Fatalf("the demo does not say where its page is:\n%s", said)
	}
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			b := enterDemo(t, host, base[1], word[1], l.name, l.look)
			for _, s := range screens {
				b.Go(base[1] + s.path)
				b.Shoot(s.name + "-" + l.name)
				check(t, b, s.path)
			}
			for _, e := range b.Errors() {
				t.Errorf("script: %s", e)
			}
		})
	}
	t.Run("keyboard", func(t *testing.T) {
		b := enterDemo(t, host, base[1], word[1], "keyboard", browser.Desktop)
		skips(t, b)
		for _, s := range screens {
			b.Go(base[1] + s.path)
			byKeyboard(t, b, s.path)
		}
	})
	t.Run("narrow", func(t *testing.T) {
		b := enterDemo(t, host, base[1], word[1], "narrow", browser.Look{Width: 360, Height: 740})
		foldsMenu(t, b)
		for _, s := range screens {
			b.Go(base[1] + s.path)
			width(t, b, s.path)
		}
		b.Go(base[1] + "/provisioning/explain?source=*")
		if high := browser.Evaluate[float64](b, "measuring rows", `() => { const rows = [...document.querySelectorAll("#values tbody tr")]; return rows.reduce((s, r) => s + r.offsetHeight, 0) / rows.length; }`); high > 72 {
			t.Errorf("a value takes %.0f pixels", high)
		}
	})
}

// enterDemo logs in at the demo's page.
func enterDemo(t *testing.T, host *netlab.Host, base, word, name string, look browser.Look) *browser.Browser {
	t.Helper()
	b := browser.OpenIn(t, host, look)
	b.Go(base + "/")
	b.UntilText("h1", "Log in")
	b.Shoot("login-" + name)
	b.Fill("", "User", "admin")
	b.Fill("", "Password", word)
	b.Press("Log in")
	b.UntilText("h1", "Status")
	return b
}

// check judges the page that is open.
func check(t *testing.T, b *browser.Browser, path string) {
	t.Helper()
	if status := browser.Evaluate[int](b, "the status", `() => performance.getEntriesByType("navigation")[0].responseStatus`); status != 200 {
		t.Errorf("%s: status %d", path, status)
	}
	width(t, b, path)
	for _, f := range b.Axe() {
		if f.Serious() {
			t.Errorf("%s: %v", path, f)
		}
	}
	if title := browser.Evaluate[string](b, "the title", `() => document.title`); !strings.Contains(title, "tipring") {
		t.Errorf("%s: title %q", path, title)
	}
	if text := b.Text(""); strings.Contains(text, "%!") || strings.Contains(text, "undefined") || strings.Contains(text, "NaN") {
		t.Errorf("%s: %s", path, fmt.Sprintf("%.500s", text))
	}
}
