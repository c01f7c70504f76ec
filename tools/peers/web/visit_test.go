package web

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// Before somebody shows that the device is his, there is nothing but the page that asks for
// it; then there is a password, and with it everything.
func TestFirstVisit(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	b := l.open(browser.Desktop)
	for _, path := range []string{"/", "/line/1/sip", "/ports", "/fax", "/calls", "/provisioning", "/radius", "/system", "/system/users", "/system/backup"} {
		b.Go(l.url(path))
		b.UntilText("h1", "Welcome")
		if text := b.Text(""); strings.Contains(text, "Status") || strings.Contains(text, "10.9.0.") {
			t.Errorf("%s tells strangers:\n%s", path, text)
		}
	}
	for _, path := range []string{"/api/v1/status", "/api/v1/config", "/api/v1/log", "/metrics"} {
		if got := ask(b, "GET", path, "", ""); got.Status != 401 {
			t.Errorf("GET %s: %d, want 401", path, got.Status)
		}
	}
	b.Go(l.url("/"))
	b.UntilText(".field:has(#new)", "At least 10 characters.")
	setPassword(b, l.claimCode(), ownerWord, ownerWord+"?")
	b.UntilText(".field:has(#again) .error", "The two passwords are not the same.")
	setPassword(b, l.claimCode(), "short", "short")
	b.UntilText(".field:has(#new) .error", "A password has at least 10 characters.")
	if got := status(b); got != 422 {
		t.Errorf("a password that is too short: status %d, want 422", got)
	}
	b.Shoot("first-visit-fault")

	wrong := "00000000"
	if wrong == l.claimCode() {
		wrong = "00000001"
	}
	setPassword(b, wrong, ownerWord, ownerWord)
	b.UntilText(".field:has(#claim) .error, .alert", "The claim code is wrong")
	tell := 0
	if !netlab.Until(patience, func() bool {
		setPassword(b, wrong, ownerWord, ownerWord)
		tell = answer(b)
		return tell == 429
	}) {
		t.Fatalf("guessing the claim code is not slowed down: status %d", tell)
	}
	b.UntilText("body", "Too many tries: wait")
	if !netlab.Until(patience, func() bool {
		setPassword(b, l.claimCode(), ownerWord, ownerWord)
		return answer(b) == 200
	}) {
		t.Fatalf("the right code is not taken: %s", b.Text(""))
	}
	b.UntilText("h1", "Status")
	if _, err := os.Stat(filepath.Join(l.agent.Dir, "state", "claim-code")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the claim code is still there: %v", err)
	}

	b.Press("Log out")
	b.UntilText("h1", "Log in")
	b.Go(l.url("/line/1/sip"))
	b.UntilText("h1", "Log in")
	logIn(b, "admin", "another long one")
	b.UntilText(".alert", "The name or the password is wrong.")
	if got := status(b); got != 401 {
		t.Errorf("wrong password: status %d, want 401", got)
	}
	logIn(b, "admin", ownerWord)
	b.UntilText("h1", "Line 1: SIP") // where the visitor wanted to go
	if errs := b.Errors(); len(errs) != 0 {
		t.Errorf("scripts: %v", errs)
	}
}

// Who guesses has to wait. The browser in which the owner was logged in before does not, even
// where it stands behind the same address.
func TestLoginLimits(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	owner := l.enter(browser.Desktop)
	owner.Press("Log out")
	owner.UntilText("h1", "Log in")

	stranger := l.open(browser.Telephone)
	stranger.Go(l.url("/login"))
	tries := 0
	if !netlab.Until(patience, func() bool {
		logIn(stranger, "admin", "guess number whatever")
		tries++
		return answer(stranger) == 429
	}) {
		t.Fatalf("%d guesses and no wait", tries)
	}
	stranger.UntilText(".alert", "Too many tries: wait")
	stranger.Shoot("login-wait-telephone")
	if tries > 12 {
		t.Errorf("%d guesses before the first wait", tries)
	}
	logIn(owner, "admin", ownerWord)
	owner.UntilText("h1", "Status")
}
