package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// An outbox is the faxes of a device that sends nothing.
type outbox struct {
	dir  string
	err  error
	did  []string
	half bool // a document breaks off behind its beginning
}

func (o *outbox) Faxes() []Fax {
	return []Fax{{ID: "f1", Direction: "out", Kind: "document", Line: Number(1), Peer: "600", State: "sent", Tries: 1, Pages: []FaxPage{{N: 1, Result: "confirmed", Rate: Number(14400)}}}, {ID: "f0"}}
}

func (o *outbox) Fax(id string) (Fax, bool) {
	for _, f := range o.Faxes() {
		if f.ID == id {
			return f, true
		}
	}
	return Fax{}, false
}

func (o *outbox) CalledNumbers() []CalledNumber { return nil }

func (o *outbox) SendFax(_ context.Context, order FaxOrder) (string, error) {
	text, err := io.ReadAll(order.File)
	if err != nil {
		return "", err
	}
	o.did = append(o.did, fmt.Sprintf("port %d line %d to %s %s %s", order.Port, order.Line, order.To, order.Name, text))
	return "f2", o.err
}

func (o *outbox) CancelFax(_ context.Context, id string) error {
	o.did = append(o.did, "cancel "+id)
	return o.err
}

func (o *outbox) ResendFax(_ context.Context, id, to string) (string, error) {
	o.did = append(o.did, "resend "+id+" to "+to)
	return "f3", o.err
}

func (o *outbox) ForgetFax(id string) error {
	o.did = append(o.did, "forget "+id)
	return o.err
}

func (o *outbox) ForgetNumber(number string) error {
	o.did = append(o.did, "forget the number "+number)
	return o.err
}

func (o *outbox) FaxDocument(_ context.Context, id, view string, w io.Writer) error {
	if o.err != nil && !o.half {
		return o.err
	}
	if _, err := fmt.Fprintf(w, "%s of %s", view, id); err != nil {
		return err
	}
	return o.err
}

func (o *outbox) FaxPage(_ context.Context, id string, n, scale int, w io.Writer) error {
	if n > 1 {
		return fmt.Errorf("page %d: %w", n, ErrNotFound)
	}
	_, err := fmt.Fprintf(w, "page %d of %s by %d", n, id, scale)
	return err
}

func (o *outbox) UploadDir() (dir string, free int64) { return o.dir, 1 << 30 }

func (o *outbox) serve(method, path, media, body string) *httptest.ResponseRecorder {
	a := New(&box{}, nil, slog.New(slog.DiscardHandler))
	a.HandleFaxes(o)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	a.Behind(Open{}).ServeHTTP(w, r)
	return w
}

// A browser saves a document under the fax's name, and shows a page.
func TestFaxIsSaved(t *testing.T) {
	o := &outbox{dir: t.TempDir()}
	for path, want := range map[string]string{
		"/faxes/f1/document.pdf": `attachment; filename="fax-f1.pdf"`, "/faxes/f1/document.tiff": `attachment; filename="fax-f1.tiff"`,
		"/faxes/nine/document.pdf": "", "/faxes/f1/pages/1.png": "",
	} {
		if got := o.serve("GET", path, "", "").Header().Get("Content-Disposition"); got != want {
			t.Errorf("%s: Content-Disposition %q, want %q", path, got, want)
		}
	}
}

func TestFaxes(t *testing.T) {
	o := &outbox{dir: t.TempDir()}
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/faxes", `200 application/json [{"id":"f1","direction":"out","kind":"document","port":null,"line":1,"peer":"600","state":"sent","tries":1,"next_try":null,"pages":[{"n":1,"result":"confirmed","rows":null,"bad_rows":0,"rate":14400,"resolution":null,"ecm_repairs":0,"what":null}],"page_count":null,"rate":null,"ecm":null,"transport":null,"remote_id":null,"error":null,"called_number_result":null,"uncertain":false,"created":null,"ended":null,"sip_call_id":null,"progress":null,"pictures":[],"document":false},{"id":"f0"`},
		{"GET", "/faxes/f0", `200 application/json {"id":"f0",`},
		{"GET", "/faxes/nine", `404 application/problem+json {`},
		{"DELETE", "/faxes/f1", "204  "},
		{"GET", "/faxes/f1/document.tiff", "200 image/tiff tiff of f1"},
		{"GET", "/faxes/f1/document.pdf", "200 application/pdf pdf of f1"},
		{"GET", "/faxes/f1/document.exe", "404 application/problem+json {"},
		{"GET", "/faxes/f1/pages/1.png", "200 image/png page 1 of f1"},
		{"GET", "/faxes/f1/pages/1.png?scale=8", "200 image/png page 1 of f1 by 8"},
		{"GET", "/faxes/f1/pages/1.png?scale=3", "422 application/problem+json {"},
		{"GET", "/faxes/f1/pages/2.png", "404 application/problem+json {"},
		{"GET", "/faxes/f1/pages/01.png", "404 application/problem+json {"},
		{"GET", "/faxes/f1/pages/1.jpg", "404 application/problem+json {"},
		{"GET", "/call-ahead", "200 application/json []"},
		{"PUT", "/faxes", "405 application/problem+json {"},
		{"POST", "/faxes/f1/resend", `202 application/json {"id":"f3"}`},
		{"POST", "/faxes/nine/resend", "404 application/problem+json {"},
		{"POST", "/faxes/f1/forget", "204  "},
		{"POST", "/faxes/nine/forget", "404 application/problem+json {"},
		{"DELETE", "/call-ahead/+1%23", "204  "},
	} {
		w := o.serve(tt.method, tt.path, "", "")
		got := fmt.Sprintf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body)
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s %s:\n got %s\nwant %s", tt.method, tt.path, got, tt.want)
		}
	}
	if got := fmt.Sprint(o.did); got != "[cancel f1 resend f1 to  forget f1 forget the number +1#]" {
		t.Errorf("did %s", got)
	}
}

// A document that breaks off must not look whole: the connection is cut.
func TestFaxDocumentCutShort(t *testing.T) {
	o := &outbox{err: errors.New("disk"), half: true}
	defer func() {
		if r := recover(); r != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", r)
		}
	}()
	o.serve("GET", "/faxes/f1/document.pdf", "", "")
}

// form is a body of fields NAME=VALUE; @NAME=VALUE is a file.
func form(fields ...string) (media, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		if file, ok := strings.CutPrefix(name, "@"); ok {
			part, _ := w.CreateFormFile(file, "page.pdf")
			io.WriteString(part, value)
			continue
		}
		w.WriteField(name, value)
	}
	w.Close()
	return w.FormDataContentType(), b.String()
}

func TestSendFax(t *testing.T) {
	for _, tt := range []struct {
		fields []string
		err    error
		want   string
		did    string
	}{
		{[]string{"port=1", "to=600", "@file=%PDF"}, nil, `202 {"id":"f2"}`, "port 1 line 0 to 600 page.pdf %PDF"},
		{[]string{"@file=%PDF", "to=600", "line=2"}, nil, `202 {"id":"f2"}`, "port 0 line 2 to 600 page.pdf %PDF"},
		{[]string{"line=2", "to=600", "@file=%PDF"}, fmt.Errorf("no document: %w", ErrInvalid), `422 no document`, "port 0 line 2 to 600 page.pdf %PDF"},
		{[]string{"line=2", "to=600", "@file=%PDF"}, fmt.Errorf("draining: %w", ErrUnavailable), `503 draining`, "port 0 line 2 to 600 page.pdf %PDF"},
		{[]string{"line=2", "port=1", "to=600", "@file=x"}, nil, "422 #/port", ""},
		{[]string{"to=600", "@file=x"}, nil, "422 #/port", ""},
		{[]string{"line=2", "@file=x"}, nil, "422 #/to", ""},
		{[]string{"line=2", "to=600"}, nil, "422 #/file", ""},
		{[]string{"line=2", "to=600", "@file="}, nil, "422 #/file", ""},
		{[]string{"line=two", "to=600", "@file=x"}, nil, "422 #/line", ""},
		{[]string{"line=-1", "to=600", "@file=x"}, nil, "422 #/line", ""},
		{[]string{"line=2", "line=2", "to=600", "@file=x"}, nil, "400 #/line", ""},
		{[]string{"line=2", "number=600", "@file=x"}, nil, "400 #/number", ""},
		{[]string{"line=2", "to=" + strings.Repeat("6", maxPart+1), "@file=x"}, nil, "400 #/to", ""},
		{[]string{"line=2", "to=\xff", "@file=x"}, nil, "400 #/to", ""},
	} {
		o := &outbox{dir: t.TempDir(), err: tt.err}
		media, body := form(tt.fields...)
		w := o.serve("POST", "/faxes", media, body)
		status, part, _ := strings.Cut(tt.want, " ")
		if got := fmt.Sprint(w.Code); got != status || !strings.Contains(w.Body.String(), part) {
			t.Errorf("%.60q: %d %s, want %s", tt.fields, w.Code, w.Body, tt.want)
		}
		if got := strings.Join(o.did, ", "); got != tt.did {
			t.Errorf("%.60q: did %q, want %q", tt.fields, got, tt.did)
		}
		if left, _ := os.ReadDir(o.dir); len(left) > 0 {
			t.Errorf("%.60q: left %v behind", tt.fields, left)
		}
	}
}

// Who leaves before the answer is no fault of ours.
func TestClientThatLeft(t *testing.T) {
	for _, left := range []bool{false, true} {
		var log bytes.Buffer
		o := &outbox{dir: t.TempDir(), err: context.Canceled}
		a := New(&box{}, nil, slog.New(slog.NewTextHandler(&log, nil)))
		a.HandleFaxes(o)
		media, body := form("line=2", "to=600", "@file=page")
		ctx, cancel := context.WithCancel(t.Context())
		if left {
			cancel()
		}
		r := httptest.NewRequest("POST", "/api/v1/faxes", strings.NewReader(body)).WithContext(ctx)
		r.Header.Set("Content-Type", media)
		a.Behind(Open{}).ServeHTTP(httptest.NewRecorder(), r)
		cancel()
		if told := log.Len() > 0; told == left {
			t.Errorf("left %v: %s", left, &log)
		}
	}
}

// A document may have 64 MiB, and far more than other bodies.
func TestSendLargeFax(t *testing.T) {
	for _, tt := range []struct {
		octets, want int
	}{{maxBody + 1, 202}, {maxOrder, 413}} {
		o := &outbox{dir: t.TempDir()}
		media, body := form("line=2", "to=600", "@file="+strings.Repeat("p", tt.octets))
		if w := o.serve("POST", "/faxes", media, body); w.Code != tt.want {
			t.Errorf("%d octets: %d %s, want %d", tt.octets, w.Code, w.Body, tt.want)
		}
	}
}

// A document that there is no room for is refused before it comes, or as soon as it is known.
func TestSendFaxWithoutRoom(t *testing.T) {
	media, body := form("line=2", "to=600", "@file="+strings.Repeat("p", 3<<20))
	for _, tt := range []struct {
		free     int64
		announce bool // how long it is
		want     int
		took     int // octets, at most
	}{
		{0, true, 507, 0},
		{0, false, 507, 0},
		{spareDisk + 1<<20, true, 507, 0},
		{spareDisk + 1<<20, false, 507, 2<<20 + 100<<10},
		{spareDisk + 4<<20, true, 202, 4 << 20},
		{spareDisk + 4<<20, false, 202, 4 << 20},
	} {
		from := strings.NewReader(body)
		o := &outbox{dir: t.TempDir()}
		a := New(&box{}, nil, slog.New(slog.DiscardHandler))
		a.HandleFaxes(filling{o, tt.free, from})
		r := httptest.NewRequest("POST", "/api/v1/faxes", io.MultiReader(from))
		r.Header.Set("Content-Type", media)
		if r.ContentLength = -1; tt.announce {
			r.ContentLength = int64(len(body))
		}
		w := httptest.NewRecorder()
		a.Behind(Open{}).ServeHTTP(w, r)
		if took := len(body) - from.Len(); w.Code != tt.want || took > tt.took {
			t.Errorf("%d octets free, announced %v: %d after %d octets, want %d after %d\n%s", tt.free, tt.announce, w.Code, took, tt.want, tt.took, w.Body)
		}
	}
}

// A filling outbox has less room by what was read of a body.
type filling struct {
	*outbox
	free int64
	from *strings.Reader
}

func (f filling) UploadDir() (string, int64) {
	return f.dir, f.free - (f.from.Size() - int64(f.from.Len()))
}

// Two documents may come in at once; who comes then is told to come back, and finds a place when
// one of them is there.
func TestSendFaxesAtOnce(t *testing.T) {
	o := &outbox{dir: t.TempDir()}
	a := New(&box{}, nil, slog.New(slog.DiscardHandler))
	a.HandleFaxes(o)
	media, body := form("line=2", "to=600", "@file=pages")
	send := func(from io.Reader) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/api/v1/faxes", from)
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		a.Behind(Open{}).ServeHTTP(w, r)
		return w
	}
	var coming sync.WaitGroup
	var ends []*io.PipeWriter
	for range maxUploads {
		from, to := io.Pipe()
		coming.Go(func() { send(from) })
		if _, err := io.WriteString(to, body[:10]); err != nil { // it is being read
			t.Fatal(err)
		}
		ends = append(ends, to)
	}
	if w := send(strings.NewReader(body)); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d %v", w.Code, w.Header())
	}
	for _, to := range ends {
		to.CloseWithError(io.ErrUnexpectedEOF)
	}
	coming.Wait()
	if w := send(strings.NewReader(body)); w.Code != 202 {
		t.Errorf("when they are over: %d %s", w.Code, w.Body)
	}
}

// What is no form, or only a part of one, is refused and leaves nothing.
func TestSendFaxBody(t *testing.T) {
	media, body := form("line=2", "to=600", "@file="+strings.Repeat("page", 1000))
	for _, tt := range []struct{ media, body, want string }{
		{"", "", "415"},
		{"application/json", "{}", "415"},
		{"multipart/form-data", body, "415"},
		{media, body[:len(body)/2], "400"},
		{media, "", "422"},
		{strings.Replace(media, "boundary=", "boundary=x", 1), body, "422"},
	} {
		o := &outbox{dir: t.TempDir()}
		w := o.serve("POST", "/faxes", tt.media, tt.body)
		if got := fmt.Sprint(w.Code); got != tt.want || len(o.did) > 0 {
			t.Errorf("%.40s, %d octets: %s %s, want %s", tt.media, len(tt.body), got, w.Body, tt.want)
		}
		if left, _ := os.ReadDir(o.dir); len(left) > 0 {
			t.Errorf("left %v behind", left)
		}
	}
}
