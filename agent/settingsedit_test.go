package agent

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tipring/internal/config"
	"tipring/webui/api"
)

func (r *rig) patch(method, path, patch string, header ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	return r.http(method, path, patch, append(header, "Content-Type", api.MergePatch)...)
}

func (r *rig) proposal(patch string) (p api.Proposal, tag string) {
	r.t.Helper()
	w := r.patch("POST", "/config/check", patch)
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 200 {
		r.t.Fatalf("check %s: %d %s", patch, w.Code, w.Body)
	}
	for _, c := range p.Changes {
		canBeSaid(r.t, c.Disturbs)
	}
	return p, w.Header().Get("ETag")
}

// Single settings are changed: what is not named stays as it is, a mask keeps the secret, null
// takes a value back, and a tag that is no longer the present one changes nothing.
func TestPatchOfTheLocalLayer(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port))
	r.until("registered", func() bool { return r.registered(1) })
	if w := r.http("PUT", "/config", "# mine\n[sip1]\nauth_password = hush-hush\n\n# not mine\n[fax]\nretries = 1\n", "Content-Type", "text/plain"); w.Code != 202 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	r.until("judged", func() bool { return r.registered(1) && r.provisioning().State == "good" })

	p, tag := r.proposal(`{"sip1":{"auth_password":"********","display_name":"Desk [1]; #=","register_ttl":600,"warm_backup":true},"fax":{"retries":null},"sip7":{}}`)
	if got := changes(p); got != "sip1 changed [display_name register_ttl warm_backup]; fax changed [retries]; sip7 added []; " && got != "sip1 changed [display_name register_ttl warm_backup]; sip7 added []; fax changed [retries]; " {
		t.Errorf("changes %s", got)
	}
	v := p.Changes[0].Values
	if len(v) != 3 || v[0].Key != "display_name" || *v[0].From != "" || *v[0].To != "Desk [1]; #=" || v[0].Source != "local" || *v[1].To != "600" || *v[2].To != "1" {
		t.Errorf("values %+v", v)
	}
	if r.value("sip1", "display_name"); tag == "" {
		t.Error("no tag")
	}

	const patch = `{"sip1":{"auth_password":"********","display_name":"Desk [1]; #=","register_ttl":"600"},"fax":{"retries":null}}`
	if w := r.patch("PATCH", "/config", patch, "If-Match", `"1-000000000000"`); w.Code != 412 {
		t.Errorf("with an old tag: %d %s", w.Code, w.Body)
	}
	if w := r.patch("PATCH", "/config", patch, "If-Match", tag); w.Code != 202 || !strings.Contains(w.Body.String(), `"generation":3`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	const want = "# mine\n[sip1]\nauth_password = hush-hush\ndisplay_name = Desk [1]; #=\nregister_ttl = 600\n\n# not mine\n[fax]\n"
	if got, err := os.ReadFile(config.LocalPath(r.dir)); err != nil || string(got) != want {
		t.Errorf("local.ini: %v %q\nwant %q", err, got, want)
	}

	for _, tt := range []struct {
		patch  string
		status int
		text   string
	}{
		{`{"sip1":{"display_name":"a\n[web]\nlisten = :1"}}`, 422, "text in one line"},
		{`{"sip1":{"auth_password":" hush"}}`, 422, "without blanks"},
		{`{"sip1":{"no_such_key":"x"}}`, 422, "a known key"},
		{`{"sip1":{"register_ttl":"soon"},"web":{"allow":"nobody"}}`, 422, "2 faults"},
		{`{"device":{"state_dir":"/tmp"}}`, 422, "factory's or the operator's file"},
		{`{"sip2":{"auth_password":"********"}}`, 422, "the mask stands for a secret that is not there yet"},
		{`{"sip1":["x"]}`, 400, "#/sip1"},
		{`{"sip1":{"codecs":["pcmu"]}}`, 400, "#/sip1/codecs"},
		{`{"sip1":{"t1":1.5}}`, 400, "#/sip1/t1"},
		{`{"sip1":{"realm":"a","realm":"b"}}`, 400, "twice"},
		{`{"sip1":{"":"a"}}`, 400, "no name"},
		{`[]`, 400, "wanted"},
		{`{"sip1":{}} x`, 400, "goes on"},
		{`{"sip1":`, 400, "JSON"},
	} {
		if w := r.patch("PATCH", "/config", tt.patch); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.text) || strings.Contains(w.Body.String(), "hush") {
			t.Errorf("%s: %d %s; want %d %s", tt.patch, w.Code, w.Body, tt.status, tt.text)
		}
	}
	if w := r.http("PATCH", "/config", "{}", "Content-Type", "application/json"); w.Code != 415 {
		t.Errorf("another type: %d", w.Code)
	}
}

// A check holds no lock: a line that it asks about may be gone by then.
func TestALineThatIsGoneDisturbsNothing(t *testing.T) {
	if reason := start(t, base).inUse(7); reason != "" {
		t.Errorf("it waits for %s", reason)
	}
}

// A check tells what its change disturbs, and that is what it then does.
func TestWhatAChangeDisturbs(t *testing.T) {
	server := newRegistry(t)
	path := socketPath(t)
	r := start(t, base+line(1, server.port)+"[port1]\ndriver = unix:"+path+"\n")
	r.until("registered", func() bool { return r.registered(1) })
	r.plug(path)
	for _, tt := range []struct{ patch, disturbs string }{
		{`{"sip1":{"display_name":"x"}}`, "Line 1 is set up anew and registers."},
		{`{"sip1":{"dtmf_type":"info"}}`, "Line 1 is set up anew and registers. Port 1 is set up anew: its line card connects again."},
		{`{"sip1":{"enabled":"0"}}`, "Line 1 is set up anew, switched off."},
		{`{"sip1":{"register_addr":""}}`, "Line 1 is set up anew, without registration."},
		{`{"sip3":{"username":"x"}}`, "Line 3 is added, without registration."},
		{`{"port2":{"driver":"sim"}}`, "Port 2 is added: its line card can connect."},
		{`{"port1":{"dial_plan":"(x.)"}}`, "Port 1 is set up anew: its line card connects again."},
		{`{"port1":{"ani":"5551234"}}`, nothing},
		{`{"sip":{"t1_ms":"400"}}`, "All lines register anew."},
		{`{"sip":{"rtp_port_max":"17000"}}`, "All lines register anew. Port 1 is set up anew: its line card connects again."},
		{`{"device":{"country":"gb"}}`, "Port 1 is set up anew: its line card connects again."},
		{`{"device":{"log_format":"json"}}`, "The device takes these at its next start: Log format."},
		{`{"web":{"listen":"127.0.0.1:0"}}`, "The page is served at other addresses than now: open it there afterwards."},
		{`{"web":{"hosts":"box.example"}}`, nothing},
		{`{"fax":{"retries":"1"}}`, nothing},
		{`{"provisioning":{"interval_s":"3600"}}`, nothing},
	} {
		line, port := r.unit(1), r.port(1).port
		p, tag := r.proposal(tt.patch)
		if len(p.Changes) != 1 || p.Changes[0].Disturbs != tt.disturbs {
			t.Errorf("%s: %+v; want %s", tt.patch, p, tt.disturbs)
			continue
		}
		if w := r.patch("PATCH", "/config", tt.patch, "If-Match", tag); w.Code != 202 {
			t.Fatalf("%s: %d %s", tt.patch, w.Code, w.Body)
		}
		r.until("in force", func() bool { w := r.waits(); return w == "[]" || strings.Contains(w, "the next start") })
		if got, want := r.unit(1) != line, strings.Contains(tt.disturbs, "Line 1") || strings.Contains(tt.disturbs, "All lines"); got != want {
			t.Errorf("%s: line 1 made anew: %v, but told: %s", tt.patch, got, tt.disturbs)
		}
		if got, want := r.port(1).port != port, strings.Contains(tt.disturbs, "Port 1"); got != want {
			t.Errorf("%s: port 1 made anew: %v, but told: %s", tt.patch, got, tt.disturbs)
		}
		if w := r.http("PUT", "/config", ""); w.Code != 202 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		r.until("as before", func() bool { return r.waits() == "[]" && r.registered(1) })
	}
}

// What is in use goes on, and the check says what the change would wait for.
func TestWhatAChangeWaitsFor(t *testing.T) {
	server := newRegistry(t)
	path := socketPath(t)
	r := start(t, base+line(1, server.port)+"[port1]\ndriver = unix:"+path+"\n")
	r.until("registered", func() bool { return r.registered(1) })
	if err := r.plug(path).OffHook(); err != nil {
		t.Fatal(err)
	}
	r.until("dial tone", func() bool { return r.port(1).show().State == "dialling" })
	for patch, disturbs := range map[string]string{
		`{"sip1":{"display_name":"x"}}`:  "Line 1 is set up anew and registers; what runs goes on, and the change waits for port 1 to be on-hook.",
		`{"port1":{"dial_plan":"(x.)"}}`: "Port 1 is set up anew: its line card connects again; what runs goes on, and the change waits for port 1 to be on-hook.",
	} {
		p, _ := r.proposal(patch)
		if len(p.Changes) != 1 || p.Changes[0].Disturbs != disturbs {
			t.Errorf("%s: %+v; want %s", patch, p.Changes, disturbs)
		}
	}
}

// A local value that does not hold is told with the reason.
func TestLocalValuesThatDoNotHold(t *testing.T) {
	server := newRegistry(t)
	s := newShelf(t, line(1, server.port)+"display_name = Provider\n")
	r := start(t, base+s.fetching()+"lock_local = 1\n")
	r.until("judged", func() bool { return r.provisioning().State == "good" })
	if w := r.patch("PATCH", "/config", `{"sip1":{"display_name":"Mine","realm":"r","auth_password":"hush"}}`); w.Code != 202 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got := map[string]api.Setting{}
	for _, e := range get[[]api.Setting](r, "/config/explain") {
		got[e.Section+"."+e.Key] = e
	}
	name, realm, password, dir := got["sip1.display_name"], got["sip1.realm"], got["sip1.auth_password"], got["device.state_dir"]
	if name.Value != "Provider" || name.Local == nil || *name.Local != "Mine" || !strings.Contains(string(name.Locked), "provisioned values win") || strings.Contains(string(name.Locked), "[") || name.Beneath.Value != "Provider" {
		t.Errorf("%+v", name)
	}
	if realm.Value != "r" || realm.Source != "local" || realm.Locked != "" || realm.Beneath.Value != "" || realm.Beneath.Source != "built-in" {
		t.Errorf("%+v", realm)
	}
	if *password.Local != config.Mask || password.Beneath == nil || strings.Contains(password.Beneath.Value, "hush") {
		t.Errorf("%+v", password)
	}
	if !strings.Contains(string(dir.Locked), "operator's file") || dir.Local != nil {
		t.Errorf("%+v", dir)
	}
}
