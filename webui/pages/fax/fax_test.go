package fax

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A device has faxes in every state, and does what it is asked to unless refuse says why not.
type device struct {
	*fixture.Device
	dir    string
	faxes  []api.Fax
	refuse error
	did    []string
}

func newDevice(t *testing.T) *device {
	on := true
	page := func(n int, result, what string) api.FaxPage {
		return api.FaxPage{N: n, Result: result, Rows: api.Number(1143), BadRows: 3, Rate: api.Number(14400), Resolution: "fine", ECMRepairs: 2, What: api.Text(what)}
	}
	return &device{Device: fixture.New(time.Now()), dir: t.TempDir(), faxes: []api.Fax{
		{ID: "f3", Direction: "out", Kind: "document", Port: api.Number(3), Line: api.Number(1), Peer: "18005550100", State: "sending", Tries: 1, Pages: []api.FaxPage{page(1, "confirmed", "2 repairs by ECM")}, PageCount: api.Number(3),
			Rate: api.Number(14400), ECM: &on, Transport: "t38", RemoteID: "+1 800", SIPCallID: "c1@192.0.2.50", Progress: &api.FaxProgress{Page: 2, Rows: 700, Of: api.Number(1143)}, Pictures: []int{1, 2, 3}, Document: true},
		{ID: "f2", Direction: "in", Kind: "mailbox", Peer: `<b>"x"</b>`, State: "receiving", Progress: &api.FaxProgress{Page: 1, Rows: 20}, Pictures: []int{1}},
		{ID: "f1", Direction: "out", Kind: "document", Peer: "699", State: "queued", NextTry: api.At(time.Now()), Error: "busy tone was heard"},
		{ID: "e9", Direction: "out", Kind: "document", Line: api.Number(1), Peer: "600", State: "failed", Tries: 4, Error: "somebody spoke, and no fax machine answered", CalledNumberResult: "voice_error", PageCount: api.Number(1), Pictures: []int{1}, Document: true, Uncertain: true},
		{ID: "e8", Direction: "in", Kind: "mailbox", Peer: "601", State: "received", Pages: []api.FaxPage{page(1, "confirmed", "")}, PageCount: api.Number(1), Pictures: []int{1}, Document: true},
		{ID: "relay-c0", Direction: "out", Kind: "relay", Peer: "602", State: "sent", Pages: []api.FaxPage{page(1, "confirmed", "")}},
	}}
}

func (d *device) Faxes() []api.Fax { return d.faxes }

func (d *device) Fax(id string) (api.Fax, bool) {
	for _, f := range d.faxes {
		if f.ID == id {
			return f, true
		}
	}
	return api.Fax{}, false
}

func (d *device) do(format string, args ...any) error {
	d.did = append(d.did, fmt.Sprintf(format, args...))
	return d.refuse
}

func (d *device) UploadDir() (dir string, free int64) { return d.dir, 1 << 30 }

func (d *device) SendFax(_ context.Context, o api.FaxOrder) (string, error) {
	n, err := io.Copy(io.Discard, o.File)
	if err != nil {
		return "", err
	}
	return "f3", d.do("send %s of %d octets by port %d line %d to %s", o.Name, n, o.Port, o.Line, o.To)
}

func (d *device) CancelFax(_ context.Context, id string) error { return d.do("cancel %s", id) }
func (d *device) ForgetFax(id string) error                    { return d.do("forget %s", id) }
func (d *device) ForgetNumber(number string) error             { return d.do("forget number %s", number) }
func (d *device) ResendFax(_ context.Context, id, to string) (string, error) {
	return "f3", d.do("resend %s to %q", id, to)
}

// visit asks for a page.
func (d *device) visit(gate api.Gate, r *http.Request) *httptest.ResponseRecorder {
	a := api.New(d, nil, slog.New(slog.DiscardHandler))
	a.HandleFaxes(d)
	site := &frame.Site{API: a}
	a.HandlePages(site.Refuse, Routes(site)...)
	a.HandleForms(api.Form{Max: api.MaxFaxForm, Upload: true}, Uploads(site)...)
	w := httptest.NewRecorder()
	a.Behind(gate).ServeHTTP(w, r)
	return w
}

func (d *device) get(path string) *httptest.ResponseRecorder {
	return d.visit(fixture.User, httptest.NewRequest("GET", path, nil))
}

func (d *device) post(path string, form url.Values) *httptest.ResponseRecorder {
	return d.visit(fixture.User, fixture.Form("POST", path, form))
}

// has fails for each text that a page lacks.
func has(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("answered %d, want %d: %.300s", w.Code, status, w.Body)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("lacks %s", text)
		}
	}
}

func lacks(t *testing.T, w *httptest.ResponseRecorder, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(w.Body.String(), text) {
			t.Errorf("has %s", text)
		}
	}
}

func TestListOfFaxes(t *testing.T) {
	d := newDevice(t)
	w := d.get("/fax")
	has(t, w, 200,
		`<form method="post" action="/fax" class="form" enctype="multipart/form-data">`, `name="to"`, `name="by"`, `type="file"`, `data-drop`,
		`<option value="port 3">Port 3 (line 1)</option>`, `<option value="line 2">Line 2, 202@pbx.example</option>`,
		`data-list="fax"`, `data-live="fax/f3"`, `src="/api/v1/faxes/f3/pages/2.png?rows=700&amp;scale=`, `value="700" max="1143"`,
		`data-src="/api/v1/faxes/{id}/pages/{progress.page}.png?scale=8&amp;rows={progress.rows}"`,
		`&lt;b&gt;&#34;x&#34;&lt;/b&gt;`, `src="/api/v1/faxes/e8/pages/1.png?scale=8"`, `loading="lazy"`, `<a href="/fax/e9">600</a>`, "somebody spoke", `(2)</span>`,
	)
	lacks(t, w, "line 4", "<b>", `<section class="card fax" data-live="fax/e9"`)
	if len(d.did) != 0 {
		t.Errorf("looking did %v", d.did)
	}
	for i := range 20 {
		d.faxes = append(d.faxes, api.Fax{ID: fmt.Sprint("d", i), Direction: "in", State: "received"})
	}
	has(t, d.get("/fax"), 200, `<a href="/fax?all=1">Show 9 older ones</a>`)
	has(t, d.get("/fax?all=1"), 200, `/fax/d19"`)
	has(t, d.get("/fax?by=line+1"), 200, `<option value="line 1" selected>`)
}

// Who has not logged in sees and does nothing.
func TestWithoutALogin(t *testing.T) {
	d := newDevice(t)
	for _, path := range []string{"/fax", "/fax/f3", "/fax/numbers"} {
		if w := d.visit(fixture.Nobody, httptest.NewRequest("GET", path, nil)); w.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/fax", "/fax/numbers", "/fax/f3/cancel", "/fax/e9/resend", "/fax/e9/forget"} {
		if w := d.visit(fixture.Nobody, httptest.NewRequest("POST", path, nil)); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if len(d.did) != 0 {
		t.Errorf("did %v", d.did)
	}
}

// posted is a form as a browser sends it.
func posted(t *testing.T, to, by string, file io.Reader) *http.Request {
	t.Helper()
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	for _, f := range [][2]string{{"to", to}, {"by", by}} {
		if err := form.WriteField(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := form.CreateFormFile("file", "page.pdf"); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/fax", io.MultiReader(&head, file, strings.NewReader("\r\n--"+form.Boundary()+"--\r\n")))
	r.Header.Set("Content-Type", form.FormDataContentType())
	return r
}

// zeros is a document that nobody holds in memory.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestSendingADocument(t *testing.T) {
	d := newDevice(t)
	w := d.visit(fixture.User, posted(t, "555", "port 3", io.LimitReader(zeros{}, 3<<20)))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/fax/f3" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := fmt.Sprint(d.did); got != "[send page.pdf of 3145728 octets by port 3 line 0 to 555]" {
		t.Errorf("did %s", got)
	}
}

// A form that is refused comes back with what was typed, and what is wrong beside its field.
func TestSendingIsRefused(t *testing.T) {
	for _, tt := range []struct {
		to, by string
		file   io.Reader
		refuse error
		status int
		texts  []string
	}{
		{"", "port 3", strings.NewReader("x"), nil, 422, []string{`id="to-error"`, "to is missing", `<option value="port 3" selected>`}},
		{"555", "nothing", strings.NewReader("x"), nil, 422, []string{`id="by-error"`, `value="555"`}},
		{"555", "line 0", strings.NewReader("x"), nil, 422, []string{`id="by-error"`}},
		{`"><script>`, "line 1", strings.NewReader(""), nil, 422, []string{`id="file-error"`, `value="&#34;&gt;&lt;script&gt;"`, `<option value="line 1" selected>`}},
		{"555", "line 1", strings.NewReader("x"), fmt.Errorf("no new faxes while draining: %w", api.ErrUnavailable), 503, []string{`role="alert"`, "no new faxes while draining", `value="555"`}},
		{"555", "line 1", io.LimitReader(zeros{}, 70<<20), nil, 413, []string{`role="alert"`, "at most 67108864 octets"}},
	} {
		d := newDevice(t)
		d.refuse = tt.refuse
		has(t, d.visit(fixture.User, posted(t, tt.to, tt.by, tt.file)), tt.status, tt.texts...)
		if len(d.did) > 0 && tt.refuse == nil {
			t.Errorf("did %v", d.did)
		}
	}
	d := newDevice(t)
	has(t, d.post("/fax", url.Values{"to": {"1"}}), 415, "multipart/form-data")
}

func TestOneFax(t *testing.T) {
	d := newDevice(t)
	w := d.get("/fax/f3")
	has(t, w, 200, "<h1>Fax to 18005550100</h1>", `data-live="fax/f3" data-reload="state pages.length page_count sip_call_id" data-seen="sending,1,3,c1@192.0.2.50"`, "Its pages are on their way.",
		`src="/api/v1/faxes/f3/pages/2.png?rows=700&amp;scale=`, `value="700" max="1143"`, "14400 bit/s · fine resolution · 1143 rows, 3 of them bad · repaired 2 times", "2 repairs by ECM", "Still to go",
		`<a href="/calls/c1">`, "c1@192.0.2.50", "T.38", `Line 1`, `action="/fax/f3/cancel"`, `href="/api/v1/faxes/f3/document.pdf"`, `href="/api/v1/faxes/f3/document.tiff"`)
	lacks(t, w, "/forget", "/resend", `alt="Page 2"`)

	w = d.get("/fax/e9")
	has(t, w, 200, "Somebody spoke, and no fax machine answered.", "Check that the number is that of a fax machine.", "Something else than a fax machine answered", "It may have arrived twice",
		`action="/fax/e9/resend"`, `placeholder="600"`, `action="/fax/e9/forget"`, `alt="Page 1"`)
	lacks(t, w, "/cancel")

	has(t, d.get("/fax/e8"), 200, "<h1>Fax from 601</h1>", "Send it on to", "required")
	has(t, d.get("/fax/f2"), 200, "Fax from &lt;b&gt;&#34;x&#34;&lt;/b&gt;")
	w = d.get("/fax/relay-c0")
	has(t, w, 200, `<a href="/calls/c0">`, "not kept: this fax passed in real time")
	lacks(t, w, "/resend", "document.pdf")
	has(t, d.get("/fax/none"), 404, "there is no fax none")
	if len(d.did) != 0 {
		t.Errorf("looking did %v", d.did)
	}
}

// The next try is shown while it is to come.
func TestNextTry(t *testing.T) {
	d := newDevice(t)
	const shown, hidden = `<div data-if="next_try">`, `<div data-if="next_try" hidden>`
	for in, want := range map[time.Duration]string{time.Minute: shown, -2 * time.Minute: hidden} {
		d.faxes = []api.Fax{{ID: "f1", Direction: "out", Kind: "document", Peer: "699", State: "queued", NextTry: api.At(time.Now().Add(in))}}
		has(t, d.get("/fax/f1"), 200, want)
		has(t, d.get("/fax"), 200, want)
	}
}

func TestDoingSomethingAboutAFax(t *testing.T) {
	for _, tt := range []struct {
		path string
		form url.Values
		then string
		did  string
	}{
		{"/fax/e9/resend", url.Values{"to": {""}}, "/fax/f3", `[resend e9 to ""]`},
		{"/fax/e8/resend", url.Values{"to": {"700"}}, "/fax/f3", `[resend e8 to "700"]`},
		{"/fax/f1/cancel", nil, "/fax/f1", "[cancel f1]"},
		{"/fax/e9/forget", nil, "/fax", "[forget e9]"},
		{"/fax/numbers", url.Values{"number": {"+1#"}}, "/fax/numbers", "[forget number +1#]"},
	} {
		d := newDevice(t)
		w := d.post(tt.path, tt.form)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != tt.then || fmt.Sprint(d.did) != tt.did {
			t.Errorf("%s: %d %s, did %v", tt.path, w.Code, w.Header().Get("Location"), d.did)
		}
		d.refuse = fmt.Errorf("not so <fast>: %w", api.ErrConflict)
		has(t, d.post(tt.path, tt.form), 409, `role="alert"`, "not so &lt;fast&gt;")
	}
}

func TestNumbers(t *testing.T) {
	d := newDevice(t)
	has(t, d.get("/fax/numbers"), 200, "18005550100", "A fax machine", "Not a fax machine", `name="number" value="600"`)
}

// Each reason why a fax fails leads to something to be done.
func TestAdvice(t *testing.T) {
	for reason, want := range map[string]string{
		"busy tone was heard": "in use", "no line is registered": "No line has a server", "nobody answered": "switched on", "404 Not Found": "does not exist",
		"403 Forbidden": "Ask the provider", "T.30: training failed": "too poor", "the machine does not answer": "switched on", "something new": "Send it again.",
		"no machine is connected to the port": "must be connected",
	} {
		if got := advice(t.Context(), api.Fax{Error: api.Text(reason)}); !strings.Contains(got, want) {
			t.Errorf("%s: %s", reason, got)
		}
	}
}
