package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/browser"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// hostileTexts are 200 texts that run, or make an element inj-x, wherever they are taken for
// HTML, a script, an attribute or a URL; and some that are made for what reads configurations.
func hostileTexts() (all []string) {
	const run = "top.injected=%d"
	shapes := []string{
		"<script>" + run + "</script>", "<inj-x>%d", `"><inj-x a=%d>`, `'><inj-x a=%d>`, "<img src=x onerror=" + run + ">", `"><img src=x onerror=` + run + ">", `" onfocus="` + run + `" autofocus="`,
		`' onfocus='` + run + `' autofocus='`, `" onmouseover="` + run + `" x="`, "</textarea><inj-x a=%d>", "</select><inj-x a=%d>", "</title><inj-x a=%d>", "--><inj-x a=%d>", "]]><inj-x a=%d>",
		"</script><script>" + run + "</script>", "';" + run + ";'", `";` + run + `;"`, "`;" + run + ";`", "javascript:" + run, "JaVaScRiPt:" + run, "java\tscript:" + run, "data:text/html,<script>" + run + "</script>",
		"<svg/onload=" + run + ">", "<svg><script>" + run + "</script>", "<math><inj-x a=%d>", "<iframe srcdoc='<script>" + run + "</script>'>", "<iframe src=javascript:" + run + ">", "<object data=javascript:" + run + ">",
		"<a href=javascript:" + run + ">", "<form action=javascript:" + run + "><button>", "<base href=//x%d.example>", "<meta http-equiv=refresh content='0;url=javascript:" + run + "'>", "<style>*{--x:%d}</style><inj-x>",
		"<link rel=stylesheet href=//x%d.example>", "<template><inj-x a=%d></template>", "<details open ontoggle=" + run + ">", "<input autofocus onfocus=" + run + ">", "<body onload=" + run + ">", "<inj-x data-live=line/1 a=%d>",
		"<video><source onerror=" + run + ">", "{{" + run + "}}", "${" + run + "}", "%%3Cinj-x%%20a=%d%%3E", "&lt;inj-x a=%d&gt;", "&#60;inj-x a=%d&#62;", "\\u003cinj-x a=%d\\u003e", "\\x3cinj-x a=%d\\x3e",
		"[web] listen = %d", "x ; [sip2] username = %d", `"},"web":{"listen":"%d`,
	}
	for i := range 200 {
		text := fmt.Sprintf(shapes[i%len(shapes)], i)
		all = append(all, []string{text, "a " + text, text + `<inj-x b='"\>`, "\u202e" + text + "\u2028é"}[i/len(shapes)%4])
	}
	return all
}

// clean judges the page that is open: nothing of what was typed or sent has become part of it,
// has run, or was kept from running by nothing but the page's policy.
func clean(t *testing.T, b *browser.Browser, where string) {
	t.Helper()
	for _, fault := range browser.Evaluate[[]string](b, "looking for what was injected", `() => {
		const found = [];
		if (window.injected !== undefined) found.push("run: " + window.injected);
		for (const e of document.querySelectorAll("*")) {
			if (e.localName === "inj-x" || e.localName === "base" || e.localName === "iframe" || e.localName === "object") found.push(e.outerHTML.slice(0, 200));
			for (const a of e.attributes) if (a.name.startsWith("on") || ["href", "src", "action", "formaction"].includes(a.name) && /^\s*(javascript|data:text)/i.test(a.value.replace(/[\t\n]/g, ""))) found.push(e.outerHTML.slice(0, 200));
		}
		const seen = new ReportingObserver(() => {}, {types: ["csp-violation"], buffered: true});
		seen.observe();
		for (const r of seen.takeRecords()) found.push("policy: " + JSON.stringify(r.body));
		seen.disconnect();
		return found;
	}`) {
		t.Errorf("%s: %s", where, fault)
	}
	for _, said := range b.Errors() {
		t.Errorf("%s: the console: %s", where, said)
	}
	if len(b.Asked()) > 0 {
		t.Errorf("%s: a dialogue: %q", where, b.Asked())
	}
}

// Whatever strangers call themselves, and whatever servers answer, is text on every page.
func TestTextsFromOutside(t *testing.T) {
	t.Parallel()
	texts := hostileTexts()
	var s *besieged
	var x *sipStranger
	s = besiege(t, func(c agent.Ini) {
		c.Set("sip1", "accept_from", "any").Set("provisioning", "order", "static").Set("provisioning", "url", "http://10.9.0.66:8000/x.ini")
	})
	x = newSIPStranger(s, texts)
	s.provide(texts)
	phone := s.agent.Phone("p1")
	defer phone.OnHook()
	_ = s.agent.Post("/api/v1/lines/1/register", nil) // the line asks by itself, too
	s.agent.WaitRegistered(browser.Patience, 1, "")
	for range 8 {
		_ = s.agent.Post("/api/v1/lines/1/register", nil) // 409 while it registers
	}
	b := s.window(s.people)
	for i := range 20 {
		x.ring(i)
	}
	for i := range 50 {
		x.message(i)
	}
	for i := range 10 {
		x.waiting(i)
	}
	if err := s.agent.Post("/api/v1/provision", nil); err != nil {
		t.Errorf("provision: %v", err)
	}
	for i, text := range texts[:20] {
		s.owner.must(201, "POST", "/api/v1/tokens", map[string]string{"name": strings.ToValidUTF8(text, "")[:min(len(text), 40)], "role": "user"})
		if i == 9 {
			break
		}
	}
	x.refuse.Store(true)
	_ = s.agent.Post("/api/v1/lines/1/register", nil)
	clean(t, b, "the status page while it all happened")
	paths := []string{"/", "/calls", "/line/1/messages", "/ports", "/fax", "/provisioning", "/provisioning/explain", "/system", "/system/log", "/system/users"}
	for _, c := range s.agent.Calls() {
		paths = append(paths, "/calls/"+c.ID)
	}
	if len(paths) < 20 {
		t.Errorf("only %d calls", len(paths)-10)
	}
	var shown strings.Builder
	for _, path := range paths {
		b.Go("http://" + s.host() + path)
		clean(t, b, path)
		shown.WriteString(browser.Evaluate[string](b, "the text", `() => document.body.textContent`))
	}
	seen := 0
	for _, text := range texts {
		if strings.Contains(shown.String(), text) || strings.Contains(shown.String(), strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`)) {
			seen++
		}
	}
	t.Logf("%d of %d texts stand on %d pages", seen, len(texts), len(paths))
	if seen < 150 {
		t.Errorf("only %d texts came as far as the pages", seen)
	}
}

// A sipStranger is the line's server, and everybody who calls, with texts in all that it says.
type sipStranger struct {
	s      *besieged
	conn   *net.UDPConn
	texts  []string
	refuse atomic.Bool
	n      atomic.Int32

	mu      sync.Mutex
	contact string
	device  netip.AddrPort
	heard   []*wire.Message
}

func newSIPStranger(s *besieged, texts []string) *sipStranger {
	x := &sipStranger{s: s, texts: texts}
	err := s.beyond.Do(func() (err error) {
		x.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: s.beyond.Addr.AsSlice(), Port: 5060})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(x.serve)
	s.t.Cleanup(func() { _ = x.conn.Close(); done.Wait() })
	return x
}

func (x *sipStranger) text() string { return x.texts[int(x.n.Add(1)-1)%len(x.texts)] }

func (x *sipStranger) serve() {
	b := make([]byte, 65536)
	for {
		n, from, err := x.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		m := wire.Parse(b[:n])
		if m == nil {
			continue
		}
		x.mu.Lock()
		x.heard = append(x.heard, m)
		if m.Status == 0 && m.Method == "REGISTER" {
			x.contact, x.device = strings.Trim(strings.Split(m.Get("Contact"), ">")[0], "<"), from
		}
		x.mu.Unlock()
		if m.Status == 0 && m.Method != "ACK" {
			x.answer(m, from)
		}
	}
}

func (x *sipStranger) answer(m *wire.Message, from netip.AddrPort) {
	status, phrase := 200, x.text()
	if x.refuse.Load() {
		status = 403
	}
	x.send(from, fmt.Sprintf("SIP/2.0 %d %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=x\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: %s\r\nExpires: 60\r\nServer: %s\r\nWarning: 399 x \"%s\"\r\nContent-Length: 0\r\n\r\n",
		status, phrase, m.Get("Via"), m.Get("From"), m.Get("To"), m.Get("Call-ID"), m.Get("CSeq"), m.Get("Contact"), x.text(), quoted(x.text())))
}

func quoted(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }

func (x *sipStranger) send(to netip.AddrPort, text string) {
	_, _ = x.conn.WriteToUDPAddrPort([]byte(text), to) // lost ones are missed
}

// request is one of a method, with texts wherever there is room for one.
func (x *sipStranger) request(method string, i int, more, body string) string {
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK%s%d\r\nMax-Forwards: 70\r\nFrom: \"%s\" <sip:6%d@%s>;tag=f%d\r\nTo: <%s>\r\nCall-ID: %s%d@x\r\nCSeq: 1 %s\r\nContact: <sip:x@%s:5060>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, x.contact, x.s.beyond.Addr, method, i, quoted(x.text()), i, x.s.beyond.Addr, i, x.contact, method, i, method, x.s.beyond.Addr, more, len(body), body)
}

// ring calls the device until it rings, and cancels.
func (x *sipStranger) ring(i int) {
	x.s.t.Helper()
	var more strings.Builder
	for _, name := range []string{"User-Agent", "Subject", "Organization", "X-Note", "Call-Info", "Server", "Priority", "Alert-Info"} {
		fmt.Fprintf(&more, "%s: %s\r\n", name, x.text())
	}
	fmt.Fprintf(&more, "P-Asserted-Identity: \"%s\" <sip:600@%s>\r\n", quoted(x.text()), x.s.beyond.Addr)
	body := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=%[2]s\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n", x.s.beyond.Addr, x.text())
	invite := x.request("INVITE", i, "Content-Type: application/sdp\r\n"+more.String(), body)
	x.mu.Lock()
	device := x.device
	x.mu.Unlock()
	x.send(device, invite)
	x.wait("ringing", func(m *wire.Message) bool { return m.Status == 180 && m.Get("Call-ID") == fmt.Sprintf("INVITE%d@x", i) })
	head, _, _ := strings.Cut(invite, "\r\nMax-Forwards")
	via := head[strings.Index(head, "Via:"):]
	rest := fmt.Sprintf("From: %s\r\nTo: <%s>\r\nCall-ID: INVITE%d@x\r\nMax-Forwards: 70\r\n", wire.Parse([]byte(invite)).Get("From"), x.contact, i)
	x.send(device, fmt.Sprintf("CANCEL %s SIP/2.0\r\n%s\r\n%sCSeq: 1 CANCEL\r\nReason: SIP;cause=487;text=\"%s\"\r\nContent-Length: 0\r\n\r\n", x.contact, via, rest, quoted(x.text())))
	x.wait("the end", func(m *wire.Message) bool { return m.Status == 487 && m.Get("Call-ID") == fmt.Sprintf("INVITE%d@x", i) })
	x.send(device, fmt.Sprintf("ACK %s SIP/2.0\r\n%s\r\n%sCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n", x.contact, via, rest))
	x.s.agent.WaitPort(browser.Patience, 1, "idle")
}

// message sends a text to the line.
func (x *sipStranger) message(i int) {
	x.s.t.Helper()
	x.mu.Lock()
	device := x.device
	x.mu.Unlock()
	x.send(device, x.request("MESSAGE", i, "Content-Type: text/plain\r\nUser-Agent: "+x.text()+"\r\n", strings.Join([]string{x.text(), x.text(), x.text(), x.text()}, "\n")))
	x.wait("an answer", func(m *wire.Message) bool { return m.Status != 0 && m.Get("Call-ID") == fmt.Sprintf("MESSAGE%d@x", i) })
}

// waiting tells the line that messages wait, and whose they are (RFC 3842).
func (x *sipStranger) waiting(i int) {
	x.s.t.Helper()
	x.mu.Lock()
	device := x.device
	x.mu.Unlock()
	body := fmt.Sprintf("Messages-Waiting: yes\r\nMessage-Account: sip:%s@x\r\nVoice-Message: %d/0 (0/0)\r\nX-Note: %s\r\n", x.text(), i, x.text())
	x.send(device, x.request("NOTIFY", i, "Event: message-summary\r\nSubscription-State: "+[]string{"active", "terminated;reason=\"" + quoted(x.text()) + "\""}[i%2]+"\r\nContent-Type: application/simple-message-summary\r\n", body))
	x.wait("an answer", func(m *wire.Message) bool { return m.Status != 0 && m.Get("Call-ID") == fmt.Sprintf("NOTIFY%d@x", i) })
}

func (x *sipStranger) wait(what string, ok func(*wire.Message) bool) {
	x.s.t.Helper()
	if !netlab.Until(browser.Patience, func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return slices.ContainsFunc(x.heard, ok)
	}) {
		x.s.t.Fatalf("waited in vain for %s", what)
	}
}

// provide serves settings in which the device understands nothing.
func (s *besieged) provide(texts []string) {
	var file strings.Builder
	for i, text := range texts {
		fmt.Fprintf(&file, "[%s]\n%s = %s\nkey%d = %s\n", text, text, text, i, text)
	}
	var l net.Listener
	if err := s.beyond.Do(func() (err error) { l, err = net.Listen("tcp", s.beyond.Addr.String()+":8000"); return err }); err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(file.String())) })}
	go func() { _ = server.Serve(l) }() // until the test ends
	s.t.Cleanup(func() { _ = server.Close() })
}

// Whatever a person types into the fields of the page, or somebody has put into a link, is
// text, and becomes no other setting.
func TestTextsFromInside(t *testing.T) {
	t.Parallel()
	s := besiege(t, func(c agent.Ini) {
		c.Set("radius", "servers", "10.9.0.66").Set("radius", "secret", "xyzzy5461").Set("provisioning", "order", "static")
	})
	texts := hostileTexts()
	s.owner.change(`{"web":{"hosts":"other.example"}}`)
	before := s.state()
	b := s.window(s.people)
	typed := map[string]bool{}
	fields, next, filled := 0, 0, 0
	for _, path := range s.sheets() {
		for form := range 2 {
			b.Go("http://" + s.host() + path)
			if got := status(b); got != 200 && (got != 404 || !strings.Contains(path, "nothing")) {
				t.Errorf("%s: %d", path, got)
			}
			all := slices.Concat(texts[next:], texts[:next])
			n := browser.Evaluate[int](b, "typing into "+path, `(texts, nth) => {
				const forms = [...document.querySelectorAll("main form")].filter(f => f.querySelector("input[type=text], input:not([type]), input[type=password], textarea"));
				const form = forms[nth % Math.max(forms.length, 1)];
				if (!form) return 0;
				let n = 0;
				for (const e of form.elements) if (["text", "password", "search", "number", "textarea", "url", "tel"].includes(e.type)) { e.type = "text"; e.removeAttribute("pattern"); e.maxLength = 100000; e.value = texts[n++]; }
				form.noValidate = true;
				window.leaving = true;
				form.requestSubmit();
				return n;
			}`, all, form)
			if n == 0 {
				break // a page with no fields is looked at
			}
			filled++
			for _, text := range all[:min(n, len(all))] {
				typed[text] = true
			}
			fields, next = fields+n, (next+n)%len(texts)
			b.Until("the answer of "+path, `() => window.leaving === undefined && document.readyState === "complete"`)
			clean(t, b, "after typing into "+path)
		}
	}
	t.Logf("%d fields of %d forms filled with %d different texts", fields, filled, len(typed))
	if len(typed) < 150 || filled < 26 {
		t.Errorf("only %d texts were typed into %d forms", len(typed), filled)
	}
	s.long(b)
	var tokens []struct{ ID string }
	s.owner.must(200, "GET", "/api/v1/tokens", nil).into(t, &tokens)
	for _, token := range tokens {
		if token.ID != "api-token" { // that a token has such a name is the owner's will
			s.owner.must(204, "DELETE", "/api/v1/tokens/"+token.ID, nil)
		}
	}
	s.unchanged(before)

	keys := 0
	for i, text := range texts {
		patch, err := json.Marshal(map[string]any{"sip1": map[string]string{"display_name": text}})
		if err != nil {
			t.Fatal(err)
		}
		got := s.owner.send("POST", "/api/v1/config/check", "application/merge-patch+json", bytes.NewReader(patch))
		var proposal struct {
			Changes []struct {
				Section string
				Keys    []string
			}
		}
		if got.status == 200 {
			got.into(t, &proposal)
			for _, c := range proposal.Changes {
				keys++
				if c.Section != "sip1" || !slices.Equal(c.Keys, []string{"display_name"}) {
					t.Errorf("%q changes %+v", text, c)
				}
			}
		}
		for _, path := range []string{
			"/login?next=" + url.QueryEscape(text), "/calls/" + url.PathEscape(text), "/nothing/" + url.PathEscape(text), "/fax/" + url.PathEscape(text), "/line/" + url.PathEscape(text) + "/sip",
			"/system/log?level=" + url.QueryEscape(text) + "&q=" + url.QueryEscape(text), "/provisioning/explain?q=" + url.QueryEscape(text), "/line?n=" + url.QueryEscape(text), "/system/users/" + url.PathEscape(text),
			"/ports/" + url.PathEscape(text) + "/dial-plan?digits=" + url.QueryEscape(text), "/provisioning/rollback?generation=" + url.QueryEscape(text), "/fax?to=" + url.QueryEscape(text),
		}[i%3*4 : i%3*4+4] {
			answer := s.owner.send("GET", path, "", nil, "Accept", "text/html")
			s.escaped(path, answer, text)
		}
	}
	if keys < 100 {
		t.Errorf("only %d texts were taken for a name", keys)
	}
	for i, text := range texts[:20] {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		_ = w.WriteField("to", text)
		_ = w.WriteField("by", []string{"port 2", text}[i%2])
		_ = w.WriteField("password", text)
		file, _ := w.CreateFormFile("file", strings.Map(func(r rune) rune {
			if r < ' ' {
				return -1
			}
			return r
		}, text)+".pdf")
		_, _ = file.Write([]byte("%PDF-1.4\n" + text))
		_ = w.Close() // a buffer
		for _, path := range []string{"/fax", "/system/backup/restore", "/api/v1/faxes", "/api/v1/restore"} {
			s.escaped(path, s.owner.send("POST", path, w.FormDataContentType(), bytes.NewReader(form.Bytes())), text)
		}
	}
	s.unchanged(before)
}

// sheets are all pages of the route table, as they are in this device.
func (s *besieged) sheets() (all []string) {
	s.t.Helper()
	var kept []struct{ Generation int }
	s.owner.must(200, "GET", "/api/v1/config/generations", nil).into(s.t, &kept)
	generation := strconv.Itoa(kept[len(kept)-1].Generation)
	values := strings.NewReplacer("/line/{n}/", "/line/1/", "/ports/{n}", "/ports/1", "generations/{n}", "generations/"+generation, "/users/{name}", "/users/admin", "{id}", "nothing")
	for _, path := range pageRoutes() {
		if path = values.Replace(path); strings.Contains(path, "{") {
			s.t.Errorf("%s: no value stands for what it names", path)
		}
		all = append(all, path)
	}
	if len(all) < 35 || !slices.Contains(all, "/system/web") {
		s.t.Errorf("only %d pages: %v", len(all), all)
	}
	return append(all, "/ports/2")
}

// change changes settings by a merge patch, and waits until they are in force.
func (v *visitor) change(patch string) {
	v.s.t.Helper()
	if got := v.send("PATCH", "/api/v1/config", "application/merge-patch+json", strings.NewReader(patch)); got.status != 202 {
		v.s.t.Fatalf("%s: %d %s", patch, got.status, got.text)
	}
	if !netlab.Until(browser.Patience, func() bool { return !strings.Contains(v.ask("GET", "/api/v1/config/generations", nil).text, `"trial"`) }) {
		v.s.t.Fatal("the change stays on trial")
	}
}

// long types, and sends, a text of 1 MiB. It is refused everywhere, and by a page that has no
// more of it than it wants.
func (s *besieged) long(b *browser.Browser) {
	s.t.Helper()
	text := "<inj-x>" + strings.Repeat("<b>1 MiB", 1<<17)
	for _, path := range []string{"/line/1/sip", "/system/web", "/system/users", "/system/password", "/radius", "/ports", "/system/backup"} {
		b.Go("http://" + s.host() + path)
		browser.Evaluate[bool](b, "typing 1 MiB into "+path, `text => {
			const takes = e => ["text", "password", "search", "tel"].includes(e.type);
			const form = [...document.querySelectorAll("main form")].find(f => [...f.elements].some(takes) && !f.dataset.ask);
			const field = [...form.elements].find(takes);
			field.type = "text"; field.removeAttribute("pattern"); field.maxLength = 2 << 20; field.value = text;
			form.noValidate = true;
			window.leaving = true;
			form.requestSubmit();
			return true;
		}`, text)
		b.Until("the answer of "+path, `() => window.leaving === undefined && document.readyState === "complete"`)
		if got := status(b); got != 413 {
			s.t.Errorf("%s with 1 MiB in a field: %d", path, got)
		}
		clean(s.t, b, path+" with 1 MiB in a field")
	}
	for _, x := range []struct{ method, path, media, body string }{
		{"PATCH", "/api/v1/config", "application/merge-patch+json", `{"sip1":{"display_name":"%s"}}`},
		{"PATCH", "/api/v1/config", "application/merge-patch+json", `{"%s":{"display_name":"x"}}`},
		{"POST", "/api/v1/config/check", "application/merge-patch+json", `{"sip1":{"%s":"x"}}`},
		{"PUT", "/api/v1/config", "text/plain", "[sip1]\ndisplay_name = %s\n"},
		{"POST", "/api/v1/config/check", "text/plain", "[%s]\n"},
		{"POST", "/api/v1/users", "application/json", `{"name":"%s"}`},
		{"POST", "/api/v1/tokens", "application/json", `{"name":"%s","role":"user"}`},
		{"PUT", "/api/v1/password", "application/json", `{"old":"%s","new":"%[1]s"}`},
		{"POST", "/api/v1/ports/1/dial-plan", "application/json", `{"digits":"%s"}`},
		{"POST", "/api/v1/radius/lookup", "application/json", `{"value":"%s"}`},
		{"GET", "/login?next=%s", "", ""},
	} {
		got := s.owner.send(x.method, strings.ReplaceAll(x.path, "%s", url.QueryEscape(text[:1<<15])), x.media, strings.NewReader(strings.ReplaceAll(strings.ReplaceAll(x.body, "%s", text), "%[1]s", text)))
		if got.status != 400 && got.status != 413 && got.status != 422 && got.status != 431 || len(got.text) > 64<<10 {
			s.t.Errorf("%s %s with 1 MiB: %d, with %d octets", x.method, x.path, got.status, len(got.text))
		}
	}
}

// escaped judges an answer as it came.
func (s *besieged) escaped(where string, a said, text string) {
	s.t.Helper()
	kind := a.header.Get("Content-Type")
	if a.status >= 500 || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Content-Security-Policy") == "" {
		s.t.Errorf("%s: %d %v", where, a.status, a.header)
	}
	if strings.HasPrefix(kind, "text/html") {
		for _, bad := range []string{"<inj-x", "<img src=x", "<script>top", "<svg/", "<svg><script", "<iframe", "<base", "<object"} {
			if strings.Contains(a.text, bad) {
				s.t.Errorf("%s: %s stands in the page", where, bad)
			}
		}
		if strings.ContainsAny(text, `<"'`) && strings.Contains(html.UnescapeString(a.text), text) && strings.Contains(a.text, text) {
			s.t.Errorf("%s: %s stands there as it was sent", where, strconv.Quote(text))
		}
	}
	if at := a.header.Get("Location"); at != "" && !strings.HasPrefix(at, "/") || strings.HasPrefix(at, "//") {
		s.t.Errorf("%s leads to %s", where, at)
	}
}
