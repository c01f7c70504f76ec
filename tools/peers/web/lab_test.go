package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

const (
	// t1 is the device's T1 in milliseconds.
	t1 = 100
	// patience bounds every wait for the device and the servers: far beyond what is due.
	patience = 30 * time.Second
	// ownerWord is the owner's.
	ownerWord = "a good long one"
)

// A lab is a device with its page, the two servers of its provider, and the host where people
// have their browsers.
type lab struct {
	t               *testing.T
	device, people  *netlab.Host
	primary, backup *kamailio.Server
	agent           *agent.Agent
	watch           *wire.Watch
}

// newLab starts all of it. The device has the lines and ports that set gives it, nil none.
func newLab(t *testing.T, set func(agent.Ini)) *lab {
	t.Helper()
	lan := netlab.New(t)
	p, b := lan.Host("primary", 1), lan.Host("backup", 2)
	l := &lab{t: t, device: lan.Host("device", 10), people: lan.Host("people", 30)}
	l.watch = wire.Listen(t, lan, netlab.WorkDir(t))
	l.primary = kamailio.Start(t, p, kamailio.Options{Algorithm: "MD5", Other: b.Addr})
	l.backup = kamailio.Start(t, b, kamailio.Options{Algorithm: "MD5", Other: p.Addr})
	config := agent.Base(t1).Set("web", "listen", ":8080")
	if set != nil {
		set(config)
	}
	l.agent = agent.Start(t, l.device, config)
	return l
}

// line1 is a line that registers as 1001.
func line1(c agent.Ini) {
	c.Set("sip1", "username", "1001").
		Set("sip1", "auth_password", kamailio.Password("1001")).
		Set("sip1", "server_name", kamailio.Realm).
		Set("sip1", "register_addr", "10.9.0.1").
		Set("sip1", "backup_addr", "10.9.0.2")
}

// url is the address of a page.
func (l *lab) url(path string) string { return "http://" + l.device.Addr.String() + ":8080" + path }

// open opens a window where people are.
func (l *lab) open(look browser.Look) *browser.Browser {
	l.t.Helper()
	return browser.OpenIn(l.t, l.people, look)
}

// claimCode is what the device keeps for its owner until the first visit.
func (l *lab) claimCode() string {
	l.t.Helper()
	text, err := os.ReadFile(filepath.Join(l.agent.Dir, "state", "claim-code"))
	if err != nil {
		l.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// enter opens a window and makes the first visit in it.
func (l *lab) enter(look browser.Look) *browser.Browser {
	l.t.Helper()
	b := l.open(look)
	b.Go(l.url("/"))
	b.UntilText("h1", "Welcome")
	setPassword(b, l.claimCode(), ownerWord, ownerWord)
	b.UntilText("h1", "Status")
	return b
}

// setPassword fills in the form of the first visit.
func setPassword(b *browser.Browser, code, word, again string) {
	b.Fill("", "Claim code", code)
	b.Fill("", "New password", word)
	b.Fill("", "New password again", again)
	b.Press("Set the password")
}

// logIn fills in the form of every other visit.
func logIn(b *browser.Browser, user, word string) {
	b.Fill("", "User", user)
	b.Fill("", "Password", word)
	b.Press("Log in")
}

// status is that of the page that is open.
func status(b *browser.Browser) int {
	return browser.Evaluate[int](b, "the status", `() => performance.getEntriesByType("navigation")[0].responseStatus`)
}

// answer waits for the page that follows a button, and is its status.
func answer(b *browser.Browser) int {
	b.Until("the answer", `() => document.readyState === "complete" && !document.querySelector("[data-pressed]") &&
		performance.getEntriesByType("navigation")[0].responseStatus !== 0`)
	return status(b)
}

// A reply is what a program in the page is answered.
type reply struct {
	Status int
	Text   string
}

// ask has a request made in the window, with its session.
func ask(b *browser.Browser, method, path, media, body string) reply {
	return browser.Evaluate[reply](b, method+" "+path, `(method, path, media, body) => {
		const x = new XMLHttpRequest();
		x.open(method, path, false);
		if (media) x.setRequestHeader("Content-Type", media);
		x.send(body || null);
		return {Status: x.status, Text: x.responseText};
	}`, method, path, media, body)
}
