package provisioning

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

// patience bounds every wait: far beyond what is due.
const patience = 30 * time.Second

// A device is a running tipring that knows its MAC address and a factory's file.
type device struct {
	*agent.Agent
	t    *testing.T
	http *http.Client
}

// A provisioned is what /status tells of the device's settings.
type provisioned struct {
	State         string
	Attempt       int
	Finished      int
	Source        string
	URL           string
	Error         string
	AccountState  string `json:"account_state"`
	Generation    int
	Trial         *struct{ Generation int }
	NotUnderstood []struct {
		Source string
		Line   int
		Text   string
	} `json:"not_understood"`
}

func (p provisioned) notes() string {
	var b strings.Builder
	for _, n := range p.NotUnderstood {
		fmt.Fprintf(&b, "%s:%d: %s\n", n.Source, n.Line, n.Text)
	}
	return b.String()
}

// A factory is what a maker installs; own what the device has of its own, its MAC address
// above all.
func prepare(t *testing.T, host *netlab.Host, mac string, own, factory agent.Ini) *device {
	t.Helper()
	own.Set("device", "mac", mac).Set("device", "log_level", "debug").Set("device", "drain_s", 1).Set("web", "listen", "")
	a := agent.Prepare(t, host, own)
	d := &device{Agent: a, t: t, http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(a.Dir, "state", "control.sock"))
		},
	}}}
	d.factory(factory)
	t.Cleanup(func() {
		if a.Process != nil {
			a.Stop()
		}
	})
	return d
}

// factory writes the factory's file.
func (d *device) factory(c agent.Ini) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.Dir, "factory.ini"), []byte(c.String()), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// run starts the program and waits until it can be talked to.
func (d *device) run() *device {
	d.t.Helper()
	d.Run()
	if !netlab.Until(patience, func() bool { return d.Get("/api/v1/status", nil) == nil }) {
		d.t.Fatalf("the device does not answer:\n%s", d.Tail(30))
	}
	return d
}

// begin is prepare and run.
func begin(t *testing.T, host *netlab.Host, mac string, own, factory agent.Ini) *device {
	t.Helper()
	return prepare(t, host, mac, own, factory).run()
}

// ask is a request to the HTTP interface.
func (d *device) ask(method, path, body string) (status int, text string) {
	d.t.Helper()
	req, err := http.NewRequest(method, "http://device"+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	res, err := d.http.Do(req)
	if err != nil {
		d.t.Fatalf("%s %s: %v\n%s", method, path, err, d.Tail(20))
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, string(all)
}

// status is the provisioning part of /status.
func (d *device) status() provisioned {
	d.t.Helper()
	var s struct{ Provisioning provisioned }
	_, text := d.ask("GET", "/api/v1/status", "")
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		d.t.Fatalf("/status: %v: %s", err, text)
	}
	return s.Provisioning
}

// until waits for a state of the settings.
func (d *device) until(what string, ok func(provisioned) bool) provisioned {
	d.t.Helper()
	var p provisioned
	if !netlab.Until(patience, func() bool { p = d.status(); return ok(p) }) {
		d.t.Fatalf("not %s: %+v\n%s", what, p, d.Tail(30))
	}
	return p
}

// good waits until a generation is found good.
func (d *device) good() provisioned {
	d.t.Helper()
	return d.until("good", func(p provisioned) bool { return p.State == "good" })
}

// looked waits until the first look has ended.
func (d *device) looked() provisioned {
	d.t.Helper()
	return d.until("looked", func(p provisioned) bool { return p.Finished > 0 })
}

// look has the device look for settings, and waits until it has.
func (d *device) look() provisioned {
	d.t.Helper()
	status, text := d.ask("POST", "/api/v1/provision", "")
	var begun struct{ Attempt int }
	if err := json.Unmarshal([]byte(text), &begun); err != nil || status != 202 {
		d.t.Fatalf("POST /provision: %d %s", status, text)
	}
	return d.until("looked", func(p provisioned) bool { return p.Finished >= begun.Attempt })
}

// values are what tipring provision --explain prints: section.key to value and source.
func (d *device) values() map[string][2]string {
	d.t.Helper()
	var list []struct {
		Section, Key, Value, Source string
		Line                        int
	}
	_, text := d.ask("GET", "/api/v1/config/explain", "")
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		d.t.Fatalf("/config/explain: %v: %s", err, text)
	}
	all := map[string][2]string{}
	for _, s := range list {
		source := s.Source
		if s.Line > 0 {
			source += ":" + strconv.Itoa(s.Line)
		}
		all[s.Section+"."+s.Key] = [2]string{s.Value, source}
	}
	return all
}

// wants checks values and where they come from.
func (d *device) wants(want map[string][2]string) {
	d.t.Helper()
	all := d.values()
	for key, v := range want {
		if all[key] != v {
			d.t.Errorf("%s is %q, want %q", key, all[key], v)
		}
	}
}

// registered waits until lines are registered at a server.
func (d *device) registered(server string, lines ...int) {
	d.t.Helper()
	for _, n := range lines {
		d.WaitRegistered(patience, n, server)
	}
}

// silent checks that nothing which the device shows or says holds any of the secrets.
func (d *device) silent(secrets ...string) {
	d.t.Helper()
	said := map[string]string{}
	for _, path := range []string{"/api/v1/status", "/api/v1/config/explain", "/api/v1/config", "/api/v1/config/generations", "/metrics"} {
		_, said[path] = d.ask("GET", path, "")
	}
	for _, args := range [][]string{{"provision", "--explain"}, {"status"}, {"lines"}} {
		said[strings.Join(args, " ")], _ = d.Command(args...)
	}
	for _, file := range []string{d.Log, fmt.Sprintf("/proc/%d/cmdline", d.Pid()), fmt.Sprintf("/proc/%d/environ", d.Pid())} {
		text, err := os.ReadFile(file)
		if err != nil {
			d.t.Errorf("%v", err)
		}
		said[file] = string(text)
	}
	for where, text := range said {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				d.t.Errorf("%s tells %q", where, s)
			}
		}
	}
}

// says checks that the log has a line with all of the texts.
func (d *device) says(texts ...string) {
	d.t.Helper()
	if len(d.LogLines(texts...)) == 0 {
		d.t.Errorf("the log does not say %q:\n%s", texts, d.Tail(40))
	}
}
