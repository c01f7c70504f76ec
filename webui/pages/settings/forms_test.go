package settings_test

import (
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/settings"
)

var everySheet = []string{"/line/1/sip", "/line/1/basic", "/line/global", "/ports/1", "/fax/settings", "/radius/settings", "/provisioning/settings", "/system/settings", "/system/web"}

// Every key of the configuration has its field on just one page, with a label, help and what
// explains it; a password is never filled in; and looking changes nothing.
func TestEveryKeyHasItsField(t *testing.T) {
	r := start(t, "[sip1]\nauth_password = planted-1\nproxy_password = planted-2\n[port1]\ndriver = sim\ndriver_token = planted-3\n[radius]\nsecret = planted-4\n")
	var sections []api.Section
	if err := json.Unmarshal([]byte(r.get("/api/v1/config/keys").text), &sections); err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, path := range everySheet {
		p := r.get(path)
		p.has(t, 200, ">Apply</button>")
		if strings.Contains(p.text, "planted") || strings.Contains(p.text, "********") {
			t.Errorf("%s shows a secret", path)
		}
		pages[path] = p.text
	}
	kinds := map[string][]string{"sip": {"/line/1/sip", "/line/1/basic"}, "sip0": {"/line/global"}, "port": {"/ports/1"}, "fax": {"/fax/settings"}, "radius": {"/radius/settings"},
		"provisioning": {"/provisioning/settings"}, "device": {"/system/settings"}, "web": {"/system/web"}}
	for _, s := range sections {
		name := s.Name
		if name == "sip" && !s.Numbered {
			name = "sip0"
		}
		if s.Numbered && s.Max != 1024 || len(s.Keys) == 0 || kinds[name] == nil {
			t.Fatalf("section %+v", s)
		}
		for _, k := range s.Keys {
			text := ""
			for _, path := range kinds[name] {
				text += pages[path]
			}
			id := ` id="` + k.Name + `"`
			if n := strings.Count(text, id); n != 1 || !strings.Contains(text, `<label for="`+k.Name+`">`+html.EscapeString(k.Label)+`</label>`) || !strings.Contains(text, `aria-describedby="`+k.Name) {
				t.Errorf("[%s] %s: %d fields, or not with its label and help", s.Name, k.Name, n)
			}
			if k.Secret && !strings.Contains(text, `<input type="password" value=""`) {
				t.Errorf("[%s] %s is no password", s.Name, k.Name)
			}
		}
	}
	if r.local() != "" {
		t.Errorf("looking has changed %q", r.local())
	}
}

// What is wrong stands beside its field and in a summary that leads there; what was typed
// stays, but for passwords, which are remembered unseen.
func TestFaultsBesideTheirFields(t *testing.T) {
	r := start(t, "[sip1]\nregister_addr = 127.0.0.1\n[port1]\ndriver = sim\n")
	form := r.get("/line/1/sip").fields()
	form.Set("backup_addr", `no "host" <b>`)
	form.Set("register_ttl", "soon")
	form.Set("auth_password", "hush-hush")
	form.Set("display_name", "typed")
	p := r.post("/line/1/sip", form)
	p.has(t, 422, `href="#backup_addr"`, `href="#register_ttl"`, `id="backup_addr-error"`, `aria-invalid="true"`, `value="no &#34;host&#34; &lt;b&gt;"`, `value="soon"`, `value="typed"`,
		"Wanted: 1 to 2592000 s.", "as typed, not yet applied", `aria-describedby="backup_addr-error`)
	if strings.Contains(p.text, "hush") || r.local() != "" {
		t.Error("a password is shown, or something was changed")
	}
	again := p.fields()
	again.Set("backup_addr", "")
	again.Set("register_ttl", "3600")
	shown := r.post("/line/1/sip", again)
	shown.has(t, 200, "Authentication Password", "<strong>typed</strong>")

	// Back shows the form as it was filled in.
	back := shown.fields()
	back.Set("action", "edit")
	r.post("/line/1/sip", back).has(t, 200, `value="typed"`, "as typed, not yet applied")

	confirm := shown.fields()
	confirm.Set("action", "confirm")
	if done := r.post("/line/1/sip", confirm); done.status != http.StatusSeeOther || r.local() != "[sip1]\nauth_password = ********\ndisplay_name = typed\n" {
		t.Errorf("%d, local %q", done.status, r.local())
	}

	// A fault of two keys on different pages leads to the other page.
	form = r.get("/line/1/basic").fields()
	form.Set("use_stun", "1")
	r.post("/line/1/basic", form).has(t, 422, `href="#use_stun"`, "a stun_server in [sip] with it")
	form = r.get("/ports/1").fields()
	form.Set("line", "7")
	r.post("/ports/1", form).has(t, 422, "a line that exists")
}

// Blanks around what is pasted are none of the value. Those of a secret may be its own, and the
// file would lose them.
func TestBlanksAroundValues(t *testing.T) {
	r := start(t, "[sip1]\n[port1]\ndriver = sim\n")
	form := r.get("/line/1/sip").fields()
	form.Set("register_addr", "\u00a0127.0.0.71 \t")
	form.Set("auth_password", "hush ")
	r.post("/line/1/sip", form).has(t, 422, `href="#auth_password"`, "text without blanks")
	form.Set("auth_password", "")
	shown := r.post("/line/1/sip", form)
	shown.has(t, 200, "127.0.0.71")
	confirm := shown.fields()
	confirm.Set("action", "confirm")
	if done := r.post("/line/1/sip", confirm); done.status != http.StatusSeeOther || r.local() != "[sip1]\nregister_addr = 127.0.0.71\n" {
		t.Errorf("%d, local %q", done.status, r.local())
	}
	if kept := r.get("/line/1/sip").fields(); kept.Get("register_addr") != "127.0.0.71" {
		t.Errorf("shown as %q", kept.Get("register_addr"))
	}
	form = r.get("/line/1/sip").fields()
	form.Set("register_addr", "127.0.0.71 ")
	r.post("/line/1/sip", form).has(t, 303)
}

// A field that somebody else has changed meanwhile, and this one has not, stays as the other
// left it; what both changed is shown again before it is taken.
func TestSomebodyElseMeanwhile(t *testing.T) {
	r := start(t, "[sip1]\nregister_addr = 127.0.0.1\n")
	form := r.get("/line/1/sip").fields()
	if w := r.do("PATCH", "/api/v1/config", api.MergePatch, `{"sip1":{"display_name":"Theirs"}}`); w.status != 202 {
		t.Fatal(w)
	}
	form.Set("realm", "mine")
	shown := r.post("/line/1/sip", form)
	shown.has(t, 200, "<strong>mine</strong>")
	if strings.Contains(shown.text, "Theirs") {
		t.Error("what another has changed is changed back")
	}
	if w := r.do("PATCH", "/api/v1/config", api.MergePatch, `{"sip1":{"realm":"theirs"}}`); w.status != 202 {
		t.Fatal(w)
	}
	confirm := shown.fields()
	confirm.Set("action", "confirm")
	told := r.post("/line/1/sip", confirm)
	told.has(t, 412, "somebody else has changed", "theirs", "<strong>mine</strong>")
	if strings.Contains(r.local(), "mine") {
		t.Fatal("taken over another's change")
	}
	confirm = told.fields()
	confirm.Set("action", "confirm")
	if done := r.post("/line/1/sip", confirm); done.status != http.StatusSeeOther || r.local() != "[sip1]\ndisplay_name = Theirs\nrealm = mine\n" {
		t.Errorf("%d, local %q", done.status, r.local())
	}

	// What is not of this process, or of another page, is not taken.
	for _, sealed := range []string{"", "x", "AAAA", strings.Repeat("A", 200)} {
		r.post("/line/1/sip", url.Values{"action": {"confirm"}, "sealed": {sealed}}).has(t, 409, "fill in the form once more")
	}
	confirm.Set("action", "confirm")
	r.post("/line/1/basic", confirm).has(t, 409, "fill in the form once more")
}

// Lines and ports are added, switched off and removed.
func TestLinesAndPortsComeAndGo(t *testing.T) {
	r := start(t, "[sip1]\nregister_addr = 127.0.0.1\n")
	r.get("/line/1/sip").has(t, 200, `<option value="2">Add SIP2`)
	if p := r.get("/line?line=2&page=basic"); p.status != http.StatusSeeOther || p.location != "/line/2/basic" {
		t.Errorf("%+v", p)
	}
	r.get("/line/2/sip").has(t, 200, "Line 2 is not there yet", `value="1002"`)
	if _, done := r.apply("/line/2/sip", "username", "202"); done.status != http.StatusSeeOther || r.local() != "[sip2]\nusername = 202\n" {
		t.Fatalf("%d %q", done.status, r.local())
	}
	if shown, done := r.apply("/ports/1", "driver", "none", "kind", "fax", "line", "2"); done.status != http.StatusSeeOther {
		t.Fatalf("%d %s", done.status, shown.text)
	}
	r.get("/ports/1").has(t, 200, "Add port 2", "Remove Port 1", "How a dial plan is written", "<code translate=\"no\">[2-9]</code>", `href="#tester"`, `data-ask="/api/v1/ports/1/dial-plan"`)
	r.post("/line/2/sip", url.Values{"action": {"remove"}}).has(t, 422, "a line that exists")
	for _, path := range []string{"/ports/1", "/line/2/sip"} {
		shown := r.post(path, url.Values{"action": {"remove"}})
		shown.has(t, 200, "is removed", "taken away")
		confirm := shown.fields()
		confirm.Set("action", "confirm")
		if done := r.post(path, confirm); done.status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", path, done.status, done.text)
		}
	}
	if got := strings.TrimSpace(r.local()); got != "" {
		t.Errorf("left: %q", got)
	}
	if _, done := r.apply("/line/2/sip"); done.status != http.StatusSeeOther || strings.TrimSpace(r.local()) != "[sip2]" { // as it stands there
		t.Errorf("%d %q", done.status, r.local())
	}
	r.get("/line/1025/sip").has(t, 404, "there is no")
	r.get("/line/0/sip").has(t, 404, "there is no")
	r.get("/line/01/sip").has(t, 404, "there is no")
}

// A secret stays while its field is empty, is removed by its box, and one in a file is hidden
// by an empty one.
func TestSecrets(t *testing.T) {
	r := start(t, "[sip1]\nproxy_password = in-the-file\n")
	if _, done := r.apply("/line/1/sip", "auth_password", "one [x]=;#", "proxy_user", "p"); done.status != http.StatusSeeOther {
		t.Fatal(done)
	}
	if _, done := r.apply("/line/1/sip", "proxy_user", "q"); done.status != http.StatusSeeOther || !strings.Contains(r.local(), "auth_password = ****") {
		t.Errorf("%d %q", done.status, r.local())
	}
	shown, done := r.apply("/line/1/sip", "remove", "auth_password")
	shown.has(t, 200, "<strong>nothing</strong>")
	if done.status != http.StatusSeeOther || strings.Contains(r.local(), "auth_password") {
		t.Errorf("%d %q", done.status, r.local())
	}
	if _, done := r.apply("/line/1/sip", "remove", "proxy_password"); done.status != http.StatusSeeOther || r.values()["sip1.proxy_password"] != "" || !strings.Contains(r.local(), "proxy_password =\n") {
		t.Errorf("%d %q", done.status, r.local())
	}
}

// What may not be set here is shown with the reason, and not sent.
func TestWhatIsNotSetHere(t *testing.T) {
	r := start(t, "[sip1]\n")
	p := r.get("/system/settings")
	p.has(t, 200, "This cannot be changed here: only the factory", `disabled id="state_dir"`)
	form := p.fields()
	form.Set("state_dir", "/tmp")
	r.post("/system/settings", form).has(t, 200, "Nothing was changed")
}

// A made-up key in a made-up group appears by itself, with its control.
func TestNewKeysAppearByThemselves(t *testing.T) {
	a := api.New(bare{}, nil, slog.New(slog.DiscardHandler))
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	var patched string
	a.Handle(
		api.Route{Method: "GET", Path: "/api/v1/config/keys", For: api.Admin, Handle: answer(`[{"name":"sip","numbered":true,"max":1024,"title":"SIP line","keys":[
			{"name":"made_up","label":"Made up","group":"New Things","kind":"integer","unit":"s","min":3,"max":9,"default":"7","help":"Something <new>.","scope":"anywhere","choices":[]},
			{"name":"colour","label":"Colour","group":"Codecs Settings","kind":"choice","default":"red","choices":[{"value":"red","label":"red"},{"value":"blue","label":"Blue"}]}]}]`)},
		api.Route{Method: "GET", Path: "/api/v1/config/explain", For: api.Admin, Handle: answer(`[{"section":"sip1","key":"made_up","value":"5","source":"http://h/x.ini","line":4}]`)},
		api.Route{Method: "POST", Path: "/api/v1/config/check", For: api.Admin, Handle: func(w http.ResponseWriter, r *http.Request) {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			patched = string(text)
			_, _ = w.Write([]byte(`{"changes":[]}`))
		}},
	)
	site := &frame.Site{API: a}
	a.HandlePages(site.Refuse)
	a.HandleForms(settings.Form, settings.Routes(site)...)
	ask := func(method, body string) reply {
		r := httptest.NewRequest(method, "/line/1/basic", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		a.Behind(api.Open{}).ServeHTTP(w, r)
		return replyOf(w)
	}
	p := ask("GET", "")
	p.has(t, 200, "<legend>New Things</legend>", `<label for="made_up">Made up</label>`, `value="5"`, "3 – 9 s; default 7 s", "from x.ini, line 4", "Something &lt;new&gt;.", `<option value="blue">Blue</option>`)
	form := p.fields()
	form.Set("made_up", "8")
	ask("POST", form.Encode()).has(t, 200, "Confirm")
	if patched != `{"sip1":{"made_up":"8"}}` {
		t.Errorf("patch %s", patched)
	}
}

func replyOf(w *httptest.ResponseRecorder) reply {
	return reply{w.Code, w.Header().Get("Location"), w.Body.String()}
}

// bare is a device that does nothing.
type bare struct{ api.Device }

func (bare) Status() api.Status { return api.Status{} }
