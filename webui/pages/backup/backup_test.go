package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	sealed "tipring/internal/backup"
	"tipring/webui/api"
	"tipring/webui/frame"
	"tipring/webui/pages/fixture"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A safe is the backups of a device.
type safe struct {
	last api.Restored
	did  string
	err  error
}

func (s *safe) Contents() api.BackupContents {
	return api.BackupContents{Device: "A", Parts: []api.BackupPart{{Name: "settings", Count: 3}}, MinPassword: 10}
}

func (s *safe) Backup(_ context.Context, password string) ([]byte, string, error) {
	s.did = "backup with " + password
	return []byte("sealed"), "tipring-A.backup", s.err
}

func (s *safe) Restore(_ context.Context, file []byte, password string) (api.Restored, error) {
	s.did = fmt.Sprintf("restore %s with %s", file, password)
	return s.last, s.err
}

func (s *safe) Restored() api.Restored { return s.last }

// open asks for a page in an administrator's name.
func (s *safe) open(r *http.Request) *httptest.ResponseRecorder {
	a := fixture.New(time.Now()).API()
	a.HandleBackups(s)
	site := &frame.Site{API: a}
	a.HandlePages(site.Refuse, Routes(site)...)
	a.HandleForms(api.Form{Max: api.MaxBackupForm, Upload: true}, Uploads(site)...)
	w := httptest.NewRecorder()
	a.Behind(fixture.Admin).ServeHTTP(w, r)
	return w
}

func uploaded(t *testing.T, file, password string) *http.Request {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	f, err := m.CreateFormFile("file", "x.backup")
	if err == nil {
		_, err = io.WriteString(f, file)
	}
	if err == nil {
		err = m.WriteField("password", password)
	}
	if err := errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", path+"/restore", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return r
}

func TestPage(t *testing.T) {
	w := new(safe).open(httptest.NewRequest("GET", path, nil))
	if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, "Settings made on this device") || !strings.Contains(got, "At least 10 characters.") || strings.Contains(got, "<style") {
		t.Errorf("%d %s", w.Code, got)
	}
	other := false
	for state, want := range map[string]string{"trial": "come back by themselves", "good": "they stay", "bad": "these are in force again", "unproven": "when a server answers", "over": "taken the place"} {
		s := &safe{last: api.Restored{State: state, Device: "B<i>", SameDevice: &other, Generation: api.Number(4), Error: "disk full"}}
		got := s.open(httptest.NewRequest("GET", path, nil)).Body.String()
		for _, part := range []string{want, "backup of another device, B&lt;i&gt;.", "Generation 4", "disk full"} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q is missing", state, part)
			}
		}
	}
}

func TestMake(t *testing.T) {
	s := new(safe)
	w := s.open(fixture.Form("POST", path, url.Values{"password": {"correct horse"}, "again": {"correct horse"}}))
	if w.Code != 200 || w.Body.String() != "sealed" || w.Header().Get("Content-Disposition") != `attachment; filename="tipring-A.backup"` || w.Header().Get("Content-Type") != "application/octet-stream" || s.did != "backup with correct horse" {
		t.Errorf("%d %v %s: %s", w.Code, w.Header(), w.Body, s.did)
	}
	for _, tt := range []struct{ password, again, want string }{
		{"correct horse", "correct house", "not the same password"},
		{"short", "short", "at least 10 characters"},
	} {
		s := new(safe)
		w := s.open(fixture.Form("POST", path, url.Values{"password": {tt.password}, "again": {tt.again}}))
		if got := w.Body.String(); w.Code != 422 || !strings.Contains(got, tt.want) || !strings.Contains(got, `aria-invalid="true"`) || strings.Contains(got, tt.password) || s.did != "" {
			t.Errorf("%+v: %d %s: %s", tt, w.Code, got, s.did)
		}
	}
}

func TestRestore(t *testing.T) {
	s := &safe{last: api.Restored{State: "trial"}}
	w := s.open(uploaded(t, "sealed", "correct horse"))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != path+"#last" || s.did != "restore sealed with correct horse" {
		t.Errorf("%d %v: %s", w.Code, w.Header(), s.did)
	}
	for want, err := range map[string]error{
		"not the one that this backup": fmt.Errorf("x: %w", sealed.ErrPassword), "newer version": fmt.Errorf("x: %w", sealed.ErrNewer),
		"[sip1] bad": &api.FaultError{Faults: []api.Fault{{Text: "[sip1] bad"}}},
	} {
		s := &safe{err: err, last: api.Restored{State: "none"}}
		if w := s.open(uploaded(t, "sealed", "correct horse")); w.Code != 422 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "correct horse") {
			t.Errorf("%s: %d %s", want, w.Code, w.Body)
		}
	}
}
