package provisioning

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

// A generation is what /config/generations tells.
type generation struct {
	Generation  int
	By, Verdict string
	Running     bool
}

func (d *device) generations() (list []generation) {
	d.t.Helper()
	_, text := d.ask("GET", "/api/v1/config/generations", "")
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		d.t.Fatalf("/config/generations: %v: %s", err, text)
	}
	return list
}

// metric is the value of a counter.
func (d *device) metric(name string) string {
	d.t.Helper()
	_, text := d.ask("GET", "/metrics", "")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// counts compares counters.
func (d *device) counts(want map[string]string) {
	d.t.Helper()
	for name, value := range want {
		if got := d.metric(name); got != value {
			d.t.Errorf("%s %s, want %s", name, got, value)
		}
	}
}

// The power fails while settings are on trial: they still are when it comes back, and good
// when a server answers at last.
func TestTrialAfterPowerCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("1001.ini", w.line(1, "1001"))
	d := begin(t, w.host, "02:00:00:00:00:01", own(), w.factory("static").Set("provisioning", "url", https("1001.ini")))
	d.registered("primary", 1)
	d.good()
	w.pbx.Fail(500, 0)
	w.backup.Fail(500, 0)
	w.put("1001.ini", w.line(1, "1002")+"display_name = Other\n") // of another length: it is another to nginx
	p := d.look()
	for range 2 {
		if p.State != "trial" || p.Generation != 3 || p.Trial == nil || p.Trial.Generation != 3 {
			t.Fatalf("%+v", p)
		}
		d.Kill()
		d.run()
		p = d.looked()
	}
	w.pbx.Fail(0, 0)
	w.backup.Fail(0, 0)
	if status, text := d.ask("POST", "/api/v1/lines/1/register", ""); status != 202 {
		t.Errorf("register: %d %s", status, text)
	}
	if p := d.good(); p.Generation != 3 || p.Trial != nil {
		t.Errorf("%+v", p)
	}
	d.wants(map[string][2]string{"sip1.username": {"1002", https("1001.ini") + ":2"}})
	if got := d.generations(); len(got) != 3 || got[2] != (generation{3, "provision", "good", true}) || got[1].Verdict != "good" {
		t.Errorf("generations %+v", got)
	}
	d.Kill()
	d.run()
	d.registered("", 1)
	d.looked()
	d.wants(map[string][2]string{"sip1.username": {"1002", https("1001.ini") + ":2"}})
}

// Settings with which the program always ends come back by themselves.
func TestSettingsThatEndTheProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("1001.ini", w.line(1, "1001"))
	d := begin(t, w.host, "02:00:00:00:00:01", own(), w.factory("static").Set("provisioning", "url", https("1001.ini")))
	d.registered("primary", 1)
	d.good()
	w.put("1001.ini", strings.Replace(w.line(1, "1001"), kamailio.Password("1001"), "PLANTED", 1))
	if p := d.look(); p.State != "trial" {
		t.Fatalf("%+v", p)
	}
	for range 4 {
		d.Kill()
		d.run()
	}
	d.registered("primary", 1)
	p := d.until("rolled back", func(p provisioned) bool { return p.State == "rolled_back" })
	if p.Generation != 2 || p.Trial != nil || p.Error == "" {
		t.Errorf("%+v", p)
	}
	d.says("the program ended several times with these settings")
	d.says("settings rolled back", "generation=3", "running=2")
	// The server still has them; they are left alone.
	if p := d.look(); p.State != "rolled_back" || p.Generation != 2 {
		t.Errorf("%+v", p)
	}
	d.registered("primary", 1)
	if text, status := d.Command("provision"); status != 1 || !strings.Contains(text, "found bad before") {
		t.Errorf("tipring provision: %d %s", status, text)
	}
	d.counts(map[string]string{"tipring_provisioning_rollbacks_total": "1", "tipring_config_generation": "2"})
	if d.metric(`tipring_provisioning_looks_total{result="bad"}`) < "2" {
		t.Errorf("%s looks found them bad", d.metric(`tipring_provisioning_looks_total{result="bad"}`))
	}
	d.silent(kamailio.Password("1001"), "PLANTED")
}

// A person takes settings back, and a device back to its factory's.
func TestRollbackAndReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("1001.ini", w.line(1, "1001"))
	d := begin(t, w.host, "02:00:00:00:00:01", own(), w.factory("static").Set("provisioning", "url", https("1001.ini")))
	d.registered("primary", 1)
	d.good()
	w.put("1001.ini", w.line(1, "1001")+"display_name = New\n")
	d.look()
	d.good()
	d.says("configuration changed", "section=sip1", "display_name")
	d.counts(map[string]string{`tipring_provisioning_looks_total{result="applied"}`: "2", "tipring_config_generation": "3", "tipring_provisioning_rollbacks_total": "0"})

	if status, text := d.ask("PUT", "/api/v1/config", "[sip1]\nauth_password = PLANTED\nregister_ttl = soon\n"); status != 422 || strings.Contains(text, "PLANTED") {
		t.Errorf("PUT /config: %d %s", status, text)
	}
	if status, text := d.ask("POST", "/api/v1/config/rollback", `{"generation":2}`); status != 202 {
		t.Fatalf("rollback: %d %s", status, text)
	}
	d.registered("primary", 1)
	d.wants(map[string][2]string{"sip1.display_name": {"", "built-in"}})
	if p := d.status(); p.State != "rolled_back" || p.Generation != 2 || p.Trial != nil {
		t.Errorf("%+v", p)
	}
	if status, text := d.ask("POST", "/api/v1/config/rollback", `{"generation":77}`); status != 409 {
		t.Errorf("rollback to nothing: %d %s", status, text)
	}
	d.Stop()
	d.run()
	d.registered("primary", 1)
	d.wants(map[string][2]string{"sip1.display_name": {"", "built-in"}})

	d.looked()
	starts := len(d.LogLines("msg=started"))
	if status, text := d.ask("POST", "/api/v1/factory-reset", ""); status != 204 {
		t.Fatalf("reset: %d %s", status, text)
	}
	if !netlab.Until(patience, func() bool { return len(d.LogLines("msg=started")) > starts }) {
		t.Fatalf("it does not start again:\n%s", d.Tail(30))
	}
	d.says("reset to factory settings")
	d.until("provisioned again", func(p provisioned) bool { return p.Finished > 0 && p.State == "good" })
	d.registered("primary", 1)
	d.wants(map[string][2]string{"sip1.display_name": {"New", https("1001.ini") + ":7"}})
	if _, err := os.Stat(filepath.Join(d.Dir, "state", "config", "local.ini")); !os.IsNotExist(err) {
		t.Errorf("local.ini: %v", err)
	}
	d.silent(kamailio.Password("1001"), "PLANTED")
	leaked(t, d, kamailio.Password("1001"))
}

// leaked checks that files with secrets are for their owner alone.
func leaked(t *testing.T, d *device, secret string) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(filepath.Join(d.Dir, "state"), func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), secret) {
			return err
		}
		found++
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return err
	})
	if err != nil || found == 0 {
		t.Errorf("%d files with the secret, %v", found, err)
	}
}
