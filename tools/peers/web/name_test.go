package web

import (
	"fmt"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// A device that has a name in its network is opened by it, once [web] hosts knows the name: all
// that a browser says of where it comes from is then about that name. Under any other name that
// leads to it there is a page that says why there is nothing to see, and no word of the device.
func TestNames(t *testing.T) {
	t.Parallel()
	s := besiege(t, func(c agent.Ini) { c.Set("web", "hosts", "telephones.example") })
	look := browser.Desktop
	look.Hosts = fmt.Sprintf("MAP telephones.example %[1]s, MAP evil.example %[1]s", s.device.Addr)
	b := browser.OpenIn(t, s.people, look)
	b.Go("http://telephones.example:8080/line/1/sip")
	b.UntilText("h1", "Log in")
	logIn(b, "admin", masterWord)
	b.UntilText("h1", "Line 1: SIP")
	b.Fill("", "Display name", "by its name")
	b.Press("Apply")
	b.UntilText("main", "Confirm")
	b.Press("Confirm")
	if !netlab.Until(browser.Patience, func() bool { return strings.Contains(s.state(), "display_name = by its name") }) {
		t.Errorf("what was set is not in force: %s", s.state())
	}
	b.Until("the answer to Confirm", `() => location.search.includes("applied")`)
	b.Go("http://telephones.example:8080/")
	b.UntilText("h1", "Status")
	b.Until("what is told live", `() => {
		window.live ??= new EventSource("/api/v1/events");
		return window.live.readyState === EventSource.OPEN;
	}`)

	for _, path := range []string{"/", "/login", "/nothing", "/system"} {
		b.Go("http://evil.example:8080" + path)
		if got := status(b); got != 421 {
			t.Errorf("%s by a foreign name: %d", path, got)
		}
		b.UntilText("body", "this device has no such name")
		if text := b.Text(""); !strings.Contains(text, "hosts") || strings.Contains(text, "1001") || strings.Contains(text, "Log in") {
			t.Errorf("%s by a foreign name: %s", path, text)
		}
	}
	b.Shoot("foreign-name")
	if len(b.Errors()) > 0 {
		t.Errorf("the console: %v", b.Errors())
	}
}
