package pages

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tipring/webui/api"
	"tipring/webui/pages/fixture"
)

// An uploader takes faxes and backups, and keeps none.
type uploader struct {
	*fixture.Device
	api.Backups
	dir string
}

func (u uploader) UploadDir() (string, int64)  { return u.dir, 1 << 30 }
func (uploader) Contents() api.BackupContents  { return api.BackupContents{} }
func (uploader) Restored() (last api.Restored) { return last }

// A flood is a body that goes on, and counts what is read of it.
type flood struct {
	text string // over and over
	left int64
	read int64
}

func (f *flood) Read(p []byte) (n int, err error) {
	if f.left <= 0 {
		return 0, io.EOF
	}
	for n < len(p) && int64(n) < f.left {
		p[n] = f.text[(f.read+int64(n))%int64(len(f.text))]
		n++
	}
	f.left, f.read = f.left-int64(n), f.read+int64(n)
	return n, nil
}

// Whatever is posted at a page, no more of it is taken than the page has use for, and nothing is
// put on the disk.
func TestFormsAreBounded(t *testing.T) {
	temp, uploads := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	d := fixture.New(now)
	u := uploader{Device: d, dir: uploads}
	a := api.New(d, nil, slog.New(slog.DiscardHandler))
	a.HandleFaxes(u)
	a.HandleBackups(u)
	Add(a, nil)
	bounds := map[string]int64{"/fax": api.MaxFaxForm, "/system/backup/restore": api.MaxBackupForm}
	posts := 0
	for _, r := range a.Routes() {
		if r.Method == http.MethodGet || strings.HasPrefix(r.Path, "/api/") {
			continue
		}
		posts++
		bound, upload := bounds[r.Path]
		if !upload {
			bound = 16 << 10
		}
		if strings.HasSuffix(r.Path, "/settings") || strings.HasPrefix(r.Path, "/line/") || r.Path == "/ports/{n}" || r.Path == "/system/web" {
			bound = 1 << 20
		}
		for media, text := range map[string]string{
			"application/x-www-form-urlencoded":      "a=1&",
			"multipart/form-data; boundary=b":        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n" + strings.Repeat("x", 4000),
			"multipart/form-data; boundary=y":        "--y\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n1\r\n",
			"multipart/mixed; boundary=b":            "--b\r\n\r\n",
			"text/plain":                             "x",
			"application/json":                       "[[",
			"application/x-www-form-urlencoded; x=;": "a=1&",
			"":                                       "x",
		} {
			body := &flood{text: text, left: 128 << 20}
			q := httptest.NewRequest(r.Method, strings.NewReplacer("{n}", "1", "{id}", "f1", "{name}", "admin").Replace(r.Path), body)
			q.Header.Set("Content-Type", media)
			q.ContentLength = body.left
			w := httptest.NewRecorder()
			a.Behind(admin).ServeHTTP(w, q)
			if w.Code != 400 && w.Code != 413 && w.Code != 415 && w.Code != 422 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				t.Errorf("%s %s: %d %.200s", r.Path, media, w.Code, w.Body)
			}
			if body.read > bound+64<<10 {
				t.Errorf("%s %s: %d octets were read, of at most %d", r.Path, media, body.read, bound)
			}
		}
	}
	if posts < 25 {
		t.Errorf("only %d pages take forms", posts)
	}
	for _, dir := range []string{temp, uploads} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}

// A page that is looked at takes no body.
func TestLookingTakesNoBody(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := fixture.New(now)
	a := d.API()
	Add(a, nil)
	body := &flood{text: "--b\r\nContent-Disposition: form-data; name=\"level\"; filename=\"x\"\r\n\r\n", left: 1 << 20}
	q := httptest.NewRequest("GET", "/calls", body)
	q.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	w := httptest.NewRecorder()
	a.Behind(admin).ServeHTTP(w, q)
	if w.Code != 200 || body.read > 64<<10 {
		t.Errorf("%d, %d octets were read", w.Code, body.read)
	}
}
