package web

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

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
	screens := screensOf(t, enterDemo(t, host, base[1], word[1], "names", browser.Desktop))
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
		b := enterDemo(t, host, base[1], word[1], "narrow", narrow)
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
	t.Run("user", func(t *testing.T) { asUser(t, host, base[1], screens) })
}

// narrow is as small as pages have to fit (WCAG 2.2, 1.4.10).
var narrow = browser.Look{Width: 320, Height: 568}

// A screen is a page with something to see on it, and what its picture is called.
type screen struct{ name, path string }

// screensOf are all pages but the login, which enterDemo sees. Where a page is of one thing, it is
// of one that the demo has left behind.
func screensOf(t *testing.T, b *browser.Browser) (all []screen) {
	t.Helper()
	if got := ask(b, "POST", "/api/v1/users", "application/json", `{"name":"`+user+`","role":"user","password":"`+ownerWord+`"}`); got.Status != 201 {
		t.Fatalf("a user: %+v", got)
	}
	first := func(path, one, id string) string {
		return browser.Evaluate[string](b, "looking for one of "+path, `path => {
			const x = new XMLHttpRequest();
			x.open("GET", path, false);
			x.send();
			const one = JSON.parse(x.responseText).find(x => `+one+`);
			return String(one.`+id+`);
		}`, path)
	}
	values := strings.NewReplacer("/calls/{id}", "/calls/"+first("/api/v1/calls", "x.state === 'ended' && x.quality", "id"), "/fax/{id}", "/fax/"+first("/api/v1/faxes", "x.pictures.length > 0", "id"),
		"/generations/{n}", "/generations/"+first("/api/v1/config/generations", "!x.running", "generation"), "{n}", "1", "{name}", user)
	for _, route := range pageRoutes() {
		path := values.Replace(route)
		if strings.Contains(path, "{") {
			t.Errorf("%s: nothing is known of which the page could be", route)
		}
		// What leads to another page is seen there.
		if at := browser.Evaluate[string](b, "where "+path+" leads", `path => {
			const x = new XMLHttpRequest();
			x.open("GET", path, false);
			x.send();
			return new URL(x.responseURL).pathname;
		}`, path); at == path {
			all = append(all, screen{cmp.Or(strings.Join(regexp.MustCompile("[a-z-]+").FindAllString(strings.ReplaceAll(route, "/{n}/", "/"), -1), "-"), "status"), path})
		}
	}
	return all
}

// user is somebody besides the owner.
const user = "anna"

// asUser looks at the device as somebody who is no administrator: nothing on a page leads to where
// he is refused.
func asUser(t *testing.T, host *netlab.Host, base string, screens []screen) {
	b := browser.OpenIn(t, host, narrow)
	b.Go(base + "/login")
	logIn(b, user, ownerWord)
	b.UntilText("h1", "Status")
	open := 0
	for _, s := range screens {
		b.Go(base + s.path)
		if status(b) == 403 {
			continue
		}
		open++
		b.Shoot(s.name + "-user")
		check(t, b, s.path)
		for _, path := range browser.Evaluate[[]string](b, "following links", `() => [...new Set([...document.querySelectorAll("a[href^='/']")].filter(a => a.checkVisibility()).map(a => a.getAttribute("href")))]`) {
			if got := ask(b, "HEAD", path, "", ""); got.Status >= 400 {
				t.Errorf("%s leads a user to %s: %d", s.path, path, got.Status)
			}
		}
	}
	if open < 10 {
		t.Errorf("a user sees %d pages", open)
	}
}

// enterDemo logs in at the demo's page, and judges it.
func enterDemo(t *testing.T, host *netlab.Host, base, word, name string, look browser.Look) *browser.Browser {
	t.Helper()
	b := browser.OpenIn(t, host, look)
	b.Go(base + "/")
	b.UntilText("h1", "Log in")
	b.Shoot("login-" + name)
	check(t, b, "/login")
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
