package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// A stranger's first visit by docs/web.md alone: what it quotes of the log is there, what it says
// that he will be asked for he is asked for, and where it says that something is, it is.
func TestFirstVisitByTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/web.md")
	if err != nil {
		t.Fatal(err)
	}
	document := string(text)
	l := newLab(t, func(c agent.Ini) { c.Set("device", "log_level", "info") })

	// The log says where, and the claim code.
	quoted := func(pattern string) string {
		t.Helper()
		line := regexp.MustCompile(pattern).FindString(document)
		if line == "" {
			t.Fatalf("the document quotes nothing like %s", pattern)
		}
		as := regexp.MustCompile(`\\\.|\d+`).ReplaceAllString(regexp.QuoteMeta(line), `\S+`)
		var found []string
		if !netlab.Until(patience, func() bool {
			log, _ := os.ReadFile(l.agent.Log)
			found = regexp.MustCompile(as).FindAllString(string(log), -1)
			return len(found) > 0
		}) {
			t.Fatalf("the log has nothing like %s", line)
		}
		return found[0]
	}
	url := regexp.MustCompile(`http://[^"]+`).FindString(quoted(`level=INFO msg="web [^\n]*`))
	code := strings.TrimPrefix(regexp.MustCompile(`claim_code=\d+`).FindString(quoted(`msg="no password yet[^\n`+"`"+`]*`)), "claim_code=")
	file := filepath.Join(l.agent.Dir, "state", "claim-code")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || code != l.claimCode() || len(code) != 8 {
		t.Errorf("the claim code %q, its file %v, %v", code, info, err)
	}

	b := l.open(browser.Telephone)
	b.Go(url)
	b.UntilText("h1", "Welcome")
	for _, path := range []string{"/system/users", "/fax", "/api/v1/status"} { // only the first visit is served
		if got := ask(b, "GET", path, "", ""); strings.Contains(got.Text, `"lines"`) || !strings.Contains(got.Text, "Welcome") && got.Status != 401 {
			t.Errorf("%s before there is a password: %d %.200s", path, got.Status, got.Text)
		}
	}
	for _, bad := range []string{"123456789", "admin", code} { // ten characters; neither the name nor the code
		setPassword(b, code, bad, bad)
		if got := answer(b); got != 422 {
			t.Errorf("%s for a password: %d, want 422", bad, got)
		}
	}
	setPassword(b, code, "0123456789", "0123456789")
	b.UntilText("h1", "Status")
	if _, err := os.Stat(file); err == nil {
		t.Error("the code is still there")
	}

	// Users and tokens are where the document says.
	for _, place := range regexp.MustCompile("`(/system/[a-z]+)`").FindAllStringSubmatch(document, -1) {
		b.Go(strings.TrimSuffix(url, "/") + place[1])
		if got := status(b); got != 200 {
			t.Errorf("%s: %d", place[1], got)
		}
	}
	b.Go(strings.TrimSuffix(url, "/") + "/system")
	b.Press("Users and tokens")
	b.UntilText("h1", "Users and tokens")
	curl := regexp.MustCompile(`(?m)^    (curl .*)$`).FindStringSubmatch(document)
	if curl == nil {
		t.Fatal("the document calls no program")
	}
	command := strings.NewReplacer("/var/lib/tipring", filepath.Join(l.agent.Dir, "state"), "http://192.168.1.40:8080", strings.TrimSuffix(url, "/")).Replace(curl[1])
	if out, err := l.people.Run("sh", "-c", command); err != nil || !strings.Contains(out, `"uptime_s"`) {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	b.Press("Menu")
	b.Press("Log out")
	b.UntilText("h1", "Log in")
	logIn(b, "admin", "0123456789")
	b.UntilText("h1", "Status")
}
