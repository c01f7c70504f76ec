package settings_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tipring/webui/api"
	"tipring/webui/pages/device"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rig is a running device, whose pages are asked for over its control socket.
type rig struct {
	t      *testing.T
	dir    string
	client *http.Client
}

const base = "[sip]\nbind = 127.0.0.1\nudp_port = 0\ntcp_port = 0\ntls_port = 0\n[provisioning]\norder =\n[web]\nlisten =\n"

func start(t *testing.T, text string) *rig {
	t.Helper()
	d := device.Start(t, base+text)
	return &rig{t, d.Dir, d.Client}
}

// A reply is a page.
type reply struct {
	status   int
	location string
	text     string
}

func (r *rig) do(method, path, media string, body string) reply {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://tipring"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header.Get("Location"), string(text)}
}

func (r *rig) get(path string) reply { return r.do("GET", path, "", "") }

func (r *rig) post(path string, form url.Values) reply {
	r.t.Helper()
	return r.do("POST", path, "application/x-www-form-urlencoded", form.Encode())
}

func (r *rig) local() string { return r.get("/api/v1/config").text }

// running is the generation that is in force.
func (r *rig) running() string {
	r.t.Helper()
	var s api.Status
	if err := json.Unmarshal([]byte(r.get("/api/v1/status").text), &s); err != nil || s.Provisioning.Generation == nil {
		r.t.Fatalf("no generation: %v", err)
	}
	return strconv.Itoa(*s.Provisioning.Generation)
}

func (r *rig) values() map[string]string {
	r.t.Helper()
	var all []api.Setting
	if err := json.Unmarshal([]byte(r.get("/api/v1/config/explain").text), &all); err != nil {
		r.t.Fatal(err)
	}
	values := map[string]string{}
	for _, s := range all {
		values[s.Section+"."+s.Key] = s.Value
	}
	return values
}

var (
	inputs   = regexp.MustCompile(`<input[^>]*>`)
	attrName = regexp.MustCompile(`name="([^"]*)"`)
	attrVal  = regexp.MustCompile(`value="([^"]*)"`)
	selects  = regexp.MustCompile(`(?s)<select([^>]*)>(.*?)</select>`)
	chosen   = regexp.MustCompile(`<option value="([^"]*)" selected`)
	formPart = regexp.MustCompile(`(?s)<form method="post" action="[^"]*" class="form">(.*?)</form>`)
)

// fields is what a browser would post of the page's form.
func (p reply) fields() url.Values {
	form := url.Values{}
	body := formPart.FindString(p.text)
	for _, tag := range inputs.FindAllString(body, -1) {
		if strings.Contains(tag, " disabled") || strings.Contains(tag, `type="checkbox"`) && !strings.Contains(tag, " checked") {
			continue
		}
		name, value := attrName.FindStringSubmatch(tag), attrVal.FindStringSubmatch(tag)
		if name != nil && value != nil {
			form.Add(html.UnescapeString(name[1]), html.UnescapeString(value[1]))
		}
	}
	for _, m := range selects.FindAllStringSubmatch(body, -1) {
		name, value := attrName.FindStringSubmatch(m[1]), chosen.FindStringSubmatch(m[2])
		if name != nil && value != nil && !strings.Contains(m[1], " disabled") {
			form.Add(name[1], html.UnescapeString(value[1]))
		}
	}
	return form
}

// apply fills in a form, as it stands there but for some fields, and confirms what it shows.
func (r *rig) apply(path string, change ...string) (shown, done reply) {
	r.t.Helper()
	form := r.get(path).fields()
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	form.Set("action", "apply")
	shown = r.post(path, form)
	if shown.status != 200 || !strings.Contains(shown.text, "Confirm") {
		return shown, reply{}
	}
	confirm := shown.fields()
	confirm.Set("action", "confirm")
	return shown, r.post(path, confirm)
}

// has reports that a page has texts.
func (p reply) has(t *testing.T, status int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if p.status != status || !strings.Contains(p.text, text) {
			t.Errorf("%d without %s, want %d with it:\n%s", p.status, text, status, p.text)
			return
		}
	}
}

// The page of figure 2 is filled in, its difference shown and confirmed: the local layer says
// exactly that, and the page tells what became of it and goes back on request.
func TestLineSIP(t *testing.T) {
	r := start(t, "[sip1]\nregister_addr = 127.0.0.1\n[sip6]\nrealm = x\nregister_addr = 127.0.0.9\n")
	r.get("/line/6/sip").has(t, 200, ">SIP1<", `<option value="6" selected>SIP6`, "Register Settings", "Line Status", "<legend>SIP Server 1</legend>", "<legend>SIP Server 2</legend>",
		`<label for="register_addr">Server Address</label>`, `<label for="backup_port">Server Port</label>`, `<label for="transport">Transport Protocol</label>`, ">TLS<",
		`<label for="backup_ttl">Registration Expiration</label>`, `<span class="unit">s</span>`, "SIP Proxy Server Address", "Backup Proxy Server Port", "tipring.ini, line", "1 – 65535; default 5060")
	shown, done := r.apply("/line/6/sip", "username", "206", "auth_password", "hush-hush", "register_addr", "127.0.0.1", "register_port", "5060", "transport", "1",
		"backup_addr", "127.0.0.2", "backup_ttl", "600", "enabled", "0")
	shown.has(t, 200, "SIP Server 1: Server Address", "<strong>127.0.0.1</strong>", "<strong>TCP</strong>", "<strong>600 s</strong>", "<strong>a secret</strong>", "Line 6 is set up anew, switched off.", "Confirm")
	if strings.Contains(shown.text, "hush") || done.status != http.StatusSeeOther || done.location != "/line/6/sip?applied=2" {
		t.Fatalf("%d %s", done.status, done.location)
	}
	const want = "[sip6]\nauth_password = ********\nbackup_addr = 127.0.0.2\nbackup_ttl = 600\nenabled = 0\nregister_addr = 127.0.0.1\nregister_port = 5060\ntransport = 1\nusername = 206\n"
	if got := r.local(); got != want {
		t.Errorf("local settings:\n%s\nwant\n%s", got, want)
	}
	after := r.get(done.location)
	after.has(t, 200, "on trial", "Roll back", `<div id="form" data-renew>`, `name="unset" value="register_addr"`, "Use the built-in default again: ", "Use the value from", "Take back all local settings of Line 6")
	if strings.Contains(after.text, "hush") || after.fields().Get("auth_password") != "" || after.fields().Get("username") != "206" {
		t.Error("the page fills in what it should not, or does not what it should")
	}

	if p := r.get("/line/6/sip"); strings.Contains(p.text, `id="form" data-renew`) {
		t.Error("a form that nothing was changed by is drawn anew while somebody types")
	}

	// A field left as it is changes nothing, and what is taken back is what was beneath.
	same := r.get("/line/6/sip").fields()
	r.post("/line/6/sip", same).has(t, 200, "Nothing was changed")
	same["unset"] = []string{"username", "enabled"}
	r.post("/line/6/sip", same).has(t, 200, "<strong>1006</strong>", "<strong>on</strong>")

	// A page that stands open while others change the settings takes back nothing of theirs.
	for from, want := range map[string]string{"1": "303 /line/6/sip?applied=1", "x": "422 ", "0x1": "422 "} {
		if p := r.post("/line/6/sip", url.Values{"rollback": {from}}); fmt.Sprint(p.status, " ", p.location) != want || r.local() == "" {
			t.Errorf("rolled back from %s: %d %s", from, p.status, p.location)
		}
	}
	back := r.post("/line/6/sip", url.Values{"rollback": {r.running()}})
	if back.status != http.StatusSeeOther || !strings.HasPrefix(back.location, "/line/6/sip?back=") || r.local() != "" {
		t.Errorf("rolled back: %d %s, local %q", back.status, back.location, r.local())
	}
}

// The page of figure 3: boxes that are not ticked are off, and not absent.
func TestLineBasic(t *testing.T) {
	r := start(t, "[sip1]\nregister_addr = 127.0.0.1\n")
	p := r.get("/line/1/basic")
	p.has(t, 200, `<label for="enable_failback">Enable Failback</label>`, `<label for="failback_interval">Failback Interval</label>`, "Signal Failback", "Signal Retry Counts", "Hotline Number",
		"DTMF SIP INFO Mode", "Use VPN", "<legend>Codecs Settings</legend>", "<legend>Advanced Settings</legend>", "SIP Global Settings", `<input type="hidden" name="enable_failback" value="0">`)
	if strings.Index(p.text, "<legend>Basic") > strings.Index(p.text, "<legend>Codecs") || strings.Contains(p.text, "SIP Server 1") {
		t.Error("the groups are not those of the page, in its order")
	}
	form := p.fields()
	form["enable_failback"] = []string{"0"} // as a browser sends a box that is no longer ticked
	form.Set("failback_interval", "60")
	form.Set("signal_failback", "1")
	shown := r.post("/line/1/basic", form)
	shown.has(t, 200, "Enable Failback", "<strong>off</strong>", "<strong>60 s</strong>", "1800 s")
	confirm := shown.fields()
	confirm.Set("action", "confirm")
	if done := r.post("/line/1/basic", confirm); done.status != http.StatusSeeOther {
		t.Fatalf("%d %s", done.status, done.text)
	}
	if got := r.local(); got != "[sip1]\nenable_failback = 0\nfailback_interval = 60\nsignal_failback = 1\n" {
		t.Errorf("local settings %q", got)
	}
}
