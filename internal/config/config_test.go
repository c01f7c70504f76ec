package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestExplainTellsEveryKeyAndNoSecret(t *testing.T) {
	c := load(t,
		file("[sip1]\ntransport = tls\nauth_password = hunter2\n"),
		SettingsLayer("radius:r", []Setting{{Section: "provisioning", Key: "url", Value: "https://me:hunter2@h.example/x"}}))
	var got []string
	keys := make(map[string]int)
	for _, e := range c.Explain() {
		keys[e.Section]++
		line := "null"
		if e.Line != nil {
			line = fmt.Sprint(*e.Line)
		}
		if strings.Contains(e.Value, "hunter2") {
			t.Errorf("[%s] %s tells a secret", e.Section, e.Key)
		}
		if e.Source != "built-in" || e.Key == "proxy_password" || e.Key == "backup_transport" {
			got = append(got, fmt.Sprintf("[%s] %s = %s, %s:%s", e.Section, e.Key, e.Value, e.Source, line))
		}
	}
	want := []string{
		"[sip1] auth_password = ********, file:tipring.ini:3",
		"[sip1] transport = 3, file:tipring.ini:2",
		"[sip1] backup_transport = 0, built-in:null",
		"[sip1] proxy_password = , built-in:null",
		"[provisioning] url = https://me:********@h.example/x, radius:r:null",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if keys["sip1"] != len(lineKeys) || keys["web"] != len(webKeys) || keys["sip2"] != 0 {
		t.Errorf("keys told: %v", keys)
	}
}

func TestDiffBySection(t *testing.T) {
	before := load(t, file("[sip1]\nusername = 1\nregister_addr = a.example\n[sip2]\n[port1]\ndriver = sim\n"))
	for _, tt := range []struct{ name, after, want string }{
		{"nothing", "# moved\n[port1]\ndriver = sim\n[sip2]\n[sip1]\nregister_addr=a.example\nusername=1", "[]"},
		{"a value", "[sip1]\nusername = 1\nregister_addr = b.example\nregister_ttl = 60\n[sip2]\n[port1]\ndriver = sim",
			"[{sip1 changed [register_addr register_ttl]}]"},
		{"a default that is now given", "[sip1]\nusername = 1\nregister_addr = a.example\nbackup_ttl = 3600\n[sip2]\n[port1]\ndriver = sim", "[]"},
		{"a port that is now given", "[sip1]\nusername = 1\nregister_addr = a.example\nregister_port = 5060\n[sip2]\n[port1]\ndriver = sim",
			"[{sip1 changed [register_port]}]"},
		{"sections", "[sip1]\nusername = 1\nregister_addr = a.example\n[sip3]\n[port1]\ndriver = sim\n[sip]\nt1_ms = 100",
			"[{sip changed [t1_ms]} {sip3 added []} {sip2 removed []}]"},
	} {
		if got := fmt.Sprint(Diff(before, load(t, file(tt.after)))); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestCanonicalTextGivesTheSameValues(t *testing.T) {
	c := load(t, file("[sip1]\ntransport = udp\nauth_password = `\"'# x\nregister_port =\n[sip9]\n[port1]\ndriver = sim\n[fax]\necm = no"))
	want := "[sip1]\nauth_password = `\"'# x\nregister_port =\ntransport = 0\n\n[sip9]\n\n[port1]\ndriver = sim\n\n[fax]\necm = 0\n\n"
	if got := string(c.Canonical()); got != want {
		t.Errorf("got\n%s", got)
	}
	if changes := Diff(c, load(t, file(want))); changes != nil {
		t.Errorf("reloaded, it differs: %v", changes)
	}
}

func TestAReloadWithFaultsChangesNothing(t *testing.T) {
	r := NewRunning(load(t, file("[sip1]\nusername = 1")))
	good := r.Current()
	changes, err := r.Reload([]Layer{file("[sip1]\nusername = 2\nbroken")}, Checks{})
	if !errors.As(err, new(Faults)) || changes != nil || r.Current() != good {
		t.Errorf("changes %v, error %v", changes, err)
	}
	changes, err = r.Reload([]Layer{file("[sip1]\nusername = 2")}, Checks{})
	if err != nil || fmt.Sprint(changes) != "[{sip1 changed [username]}]" || r.Current().Lines[0].Username != "2" {
		t.Errorf("changes %v, error %v", changes, err)
	}
}

func TestLocalTextIsMaskedAndUnmasked(t *testing.T) {
	const text = "; mine\r\n[sip1]\n  auth_password =  hun=ter2 \n#auth_password = older\n# why = because\nrealm = r\nnonsense\nunknown = 5\n" +
		"[provisioning]\nurl = https://u:pw@h/x\n"
	const masked = "; mine\r\n[sip1]\n  auth_password =  ******** \n#auth_password = ********\n# why = because\nrealm = r\nnonsense\nunknown = ********\n" +
		"[provisioning]\nurl = https://u:********@h/x\n"
	if got := string(MaskText([]byte(text))); got != masked {
		t.Errorf("masked:\n%q", got)
	}
	const edited = "[provisioning]\nurl = https://u:********@h/x\n[sip1]\nauth_password = ********\nrealm = ********\n[sip2]\nauth_password = ********\n"
	const want = "[provisioning]\nurl = https://u:pw@h/x\n[sip1]\nauth_password = hun=ter2\nrealm = ********\n[sip2]\nauth_password = ********\n"
	if got := string(UnmaskText([]byte(edited), []byte(text))); got != want {
		t.Errorf("unmasked:\n%s", got)
	}
}

// A mask stands for the old secret only where it stood: another URL must not be
// handed the password of the first.
func TestAMaskInAnotherURLStaysAMask(t *testing.T) {
	old := []byte("[provisioning]\nurl = https://u:pw@h.example/x\n")
	text := []byte("[provisioning]\nurl = https://u:********@evil.example/x\n")
	if got := UnmaskText(text, old); string(got) != string(text) {
		t.Errorf("got %s", got)
	}
}

func TestFilesAndTheStateDirectory(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	ini, factory := filepath.Join(dir, "t.ini"), filepath.Join(dir, "f.ini")
	write(t, factory, "[device]\nstate_dir = /nowhere\n")
	write(t, ini, "[device]\nstate_dir = "+state+"\nbroken\n")

	f := Files{Factory: factory, File: ini}
	if got, err := f.FindStateDir(); got != state || err != nil {
		t.Errorf("state directory %q, %v", got, err)
	}
	if l, err := ReadLocal(state); err != nil || len(l.Text) != 0 {
		t.Errorf("no local.ini yet: %+v, %v", l, err)
	}
	write(t, filepath.Join(state, "config", "local.ini"), "[sip1]\n")
	layers, err := f.Layers()
	if err != nil || len(layers) != 3 || string(layers[2].Text) != "[sip1]\n" || layers[2].Source != "local" {
		t.Errorf("layers %+v, %v", layers, err)
	}
	if got, _ := (Files{File: ini, StateDir: "/given"}).FindStateDir(); got != "/given" {
		t.Errorf("--state-dir gave %q", got)
	}
	if _, err := (Files{File: filepath.Join(dir, "none.ini")}).Layers(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a named file that does not exist: %v", err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
