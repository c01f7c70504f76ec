package web

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
)

// A device is replaced: its backup goes to one with another MAC address. The page says before what
// will happen. A file that is cut, tampered with or no backup, and a wrong password, are told from
// each other and change nothing; then the new device is what the old one was, with its own name.
func TestADeviceIsReplaced(t *testing.T) {
	t.Parallel()
	const seal = "what the file is sealed with"
	var spare *agent.Agent
	s := besiegeWith(t, func(lan *netlab.Lan, s *besieged) {
		spare = agent.Start(t, lan.Host("spare", 11), agent.Base(100).Set("device", "mac", "02:00:00:00:00:02").Set("web", "listen", ":8080"))
	}, nil)
	s.owner.send("PATCH", "/api/v1/config", "application/merge-patch+json", strings.NewReader(`{"sip1":{"display_name":"Reception"}}`))
	file := []byte(s.owner.must(200, "POST", "/api/v1/backup", map[string]string{"password": seal}).text)
	dir := netlab.WorkDir(t)
	keep := func(name string, text []byte) string {
		path := filepath.Join(dir, name+".backup")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	flipped := bytes.Clone(file)
	flipped[len(flipped)/2] ^= 1

	code, err := os.ReadFile(filepath.Join(spare.Dir, "state", "claim-code"))
	if err != nil {
		t.Fatal(err)
	}
	b := browser.OpenIn(t, s.people, browser.Desktop)
	b.Go("http://10.9.0.11:8080/")
	setPassword(b, strings.TrimSpace(string(code)), ownerWord, ownerWord)
	b.UntilText("h1", "Status")
	b.Go("http://10.9.0.11:8080/system/backup")
	b.UntilText("main", "This device becomes what the file says: its settings, and who may log in with which password.")
	b.UntilText("main", "A backup of another device is taken too")
	config := func() (text string) {
		if err := spare.Get("/api/v1/config", &text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := config()
	for _, tt := range []struct {
		name, password string
		file           []byte
		says           string
	}{
		{"cut", seal, file[:len(file)-100], "cut short"},
		{"flipped", seal, flipped, "damaged"},
		{"picture", seal, []byte("\x89PNG\r\n\x1a\nand so on"), "no backup"},
		{"wrong", seal + "!", file, "the password is not the one that this backup was made with"},
	} {
		b.Attach("", "Backup", keep(tt.name, tt.file))
		b.Fill("", "Its password", tt.password)
		b.Press("Restore")
		b.UntilText("main", tt.says)
		if got := status(b); got != 422 {
			t.Errorf("%s: %d", tt.name, got)
		}
		if config() != before {
			t.Errorf("%s: the settings are others: %s", tt.name, config())
		}
	}
	b.Shoot("restore-refused")

	b.Attach("", "Backup", keep("good", file))
	b.Fill("", "Its password", seal)
	b.Press("Restore")
	b.UntilText("h1", "Log in") // who may log in is what the file says
	logIn(b, "admin", masterWord)
	b.UntilText("main", "It was the backup of another device, 020000000001.")
	b.Shoot("restore-another-device")
	if !strings.Contains(config(), "display_name = Reception") {
		t.Errorf("the settings are not those of the file: %s", config())
	}
	var is struct{ Device struct{ MAC string } }
	if err := spare.Get("/api/v1/status", &is); err != nil || !strings.EqualFold(strings.ReplaceAll(is.Device.MAC, ":", ""), "020000000002") {
		t.Errorf("it calls itself %+v, %v", is, err)
	}
	if len(b.Errors()) > 0 {
		t.Errorf("the console: %v", b.Errors())
	}
}
