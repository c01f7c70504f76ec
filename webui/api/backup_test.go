package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tipring/internal/backup"
)

// A safe is the backups of a device, which keeps nothing.
type safe struct {
	did  string
	err  error
	wait chan struct{} // nil: nothing takes time
}

func (s *safe) Contents() BackupContents {
	return BackupContents{Device: "000B82112233", Parts: []BackupPart{{"settings", 3}, {"users", 1}}, MinPassword: 10}
}

func (s *safe) Backup(_ context.Context, password string) ([]byte, string, error) {
	if s.wait != nil {
		s.wait <- struct{}{}
		<-s.wait
	}
	s.did = "backup with " + password
	return []byte("sealed\x00"), "tipring-000B82112233-2026-11-22.backup", s.err
}

func (s *safe) Restore(_ context.Context, file []byte, password string) (Restored, error) {
	s.did = fmt.Sprintf("restore %s with %s", file, password)
	same := false
	return Restored{State: "trial", Device: "000B82112234", SameDevice: &same, Generation: Number(3)}, s.err
}

func (s *safe) Restored() Restored { return Restored{State: "none"} }

func (s *safe) serve(method, path, media, body string) *httptest.ResponseRecorder {
	a := New(&box{}, nil, quiet)
	a.HandleBackups(s)
	w := httptest.NewRecorder()
	a.Behind(Open{}).ServeHTTP(w, backupRequest(method, path, media, body))
	return w
}

func backupRequest(method, path, media, body string) *http.Request {
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	return r
}

// backupForm is a multipart body of names and values in turn; a name with @ is a file.
func backupForm(t *testing.T, fields ...string) (media, body string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		var w io.Writer
		var err error
		if name, ok := strings.CutPrefix(fields[i], "@"); ok {
			w, err = m.CreateFormFile(name, "x.backup")
		} else {
			w, err = m.CreateFormField(fields[i])
		}
		if err == nil {
			_, err = io.WriteString(w, fields[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), b.String()
}

func TestBackup(t *testing.T) {
	s := new(safe)
	w := s.serve("POST", "/backup", "application/json", `{"password":"correct horse"}`)
	if w.Code != 200 || w.Body.String() != "sealed\x00" || w.Header().Get("Content-Type") != "application/octet-stream" ||
		w.Header().Get("Content-Disposition") != `attachment; filename="tipring-000B82112233-2026-11-22.backup"` || s.did != "backup with correct horse" {
		t.Errorf("%d %v %q: %s", w.Code, w.Header(), w.Body, s.did)
	}
	w = s.serve("GET", "/backup", "", "")
	if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != `{"device":"000B82112233","parts":[{"name":"settings","count":3},{"name":"users","count":1}],"min_password":10}` {
		t.Errorf("%d %s", w.Code, got)
	}
}

func TestBackupsThatAreNotMade(t *testing.T) {
	for _, tt := range []struct {
		body string
		err  error
		want string
	}{
		{`{}`, nil, "422 at least 10 characters"},
		{`{"password":"ninechars"}`, nil, "422 at least 10 characters"},
		{`{"password":"` + strings.Repeat("x", backup.MaxPassword+1) + `"}`, nil, "422 at most 1024 octets"},
		{`{"password":7}`, nil, "400 wanted a text"},
		{`{"password":"correct horse"}`, fmt.Errorf("no: %w", ErrUnavailable), "503 no"},
	} {
		s := &safe{err: tt.err}
		w := s.serve("POST", "/backup", "application/json", tt.body)
		status, text, _ := strings.Cut(tt.want, " ")
		if fmt.Sprint(w.Code) != status || !strings.Contains(w.Body.String(), text) || strings.Contains(w.Body.String(), "sealed") {
			t.Errorf("%.40s: %d %s", tt.body, w.Code, w.Body)
		}
	}
}

// A password takes 8 MiB to work on: whoever comes meanwhile is told to come again.
func TestOneBackupAtATime(t *testing.T) {
	s := &safe{wait: make(chan struct{})}
	a := New(&box{}, nil, quiet)
	a.HandleBackups(s)
	h := a.Behind(Open{})
	done := make(chan int)
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, backupRequest("POST", "/backup", "application/json", `{"password":"correct horse"}`))
		done <- w.Code
	}()
	<-s.wait
	media, body := backupForm(t, "@file", "x", "password", "correct horse")
	for _, r := range []*http.Request{
		backupRequest("POST", "/backup", "application/json", `{"password":"correct horse"}`), backupRequest("POST", "/restore", media, body),
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", r.URL, w.Code, w.Header())
		}
	}
	s.wait <- struct{}{}
	if code := <-done; code != 200 {
		t.Errorf("the first one: %d", code)
	}
}

func TestRestore(t *testing.T) {
	s := new(safe)
	media, body := backupForm(t, "password", "correct horse", "@file", "sealed")
	w := s.serve("POST", "/restore", media, body)
	want := `{"state":"trial","restored":null,"device":"000B82112234","same_device":false,"made":null,"version":null,"parts":[],"generation":3,"trial":null,"error":null}`
	if got := strings.TrimSpace(w.Body.String()); w.Code != 202 || got != want || s.did != "restore sealed with correct horse" {
		t.Errorf("%d %s: %s", w.Code, got, s.did)
	}
	if w := s.serve("GET", "/restore", "", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"state":"none"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRestoresThatAreRefused(t *testing.T) {
	long := strings.Repeat("x", backup.MaxSize+1)
	for _, tt := range []struct {
		name   string
		fields []string
		err    error
		want   string // status and a part of the body
	}{
		{"no file", []string{"password", "p"}, nil, "422 file is missing"},
		{"an empty file", []string{"@file", "", "password", "p"}, nil, "422 file is missing"},
		{"no password", []string{"@file", "x"}, nil, "422 password is missing"},
		{"twice", []string{"@file", "x", "@file", "y", "password", "p"}, nil, "400 stands there twice"},
		{"another field", []string{"@file", "x", "password", "p", "force", "1"}, nil, "400 there is no field"},
		{"a file that is too long", []string{"@file", long, "password", "p"}, nil, "413 at most 4194304 octets"},
		{"much too long", []string{"@file", long + strings.Repeat("x", 1<<17), "password", "p"}, nil, "413 at most 4194304 octets"},
		{"a long password", []string{"password", strings.Repeat("x", backup.MaxPassword+1), "@file", "x"}, nil, "422 at most 1024 octets"},
		{"the wrong password", []string{"@file", "x", "password", "p"}, fmt.Errorf("backup: %w", backup.ErrPassword), `422 "pointer":"#/password"`},
		{"no backup", []string{"@file", "x", "password", "p"}, fmt.Errorf("backup: %w", backup.ErrNotBackup), `422 "pointer":"#/file"`},
		{"of a later version", []string{"@file", "x", "password", "p"}, fmt.Errorf("backup: %w", backup.ErrNewer), `422 newer version`},
		{"faults", []string{"@file", "x", "password", "p"}, &FaultError{[]Fault{{Text: "bad"}}}, `422 the configuration has a fault`},
	} {
		s := &safe{err: tt.err}
		media, body := backupForm(t, tt.fields...)
		w := s.serve("POST", "/restore", media, body)
		status, text, _ := strings.Cut(tt.want, " ")
		if fmt.Sprint(w.Code) != status || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
		if tt.err == nil && s.did != "" {
			t.Errorf("%s: %.40s", tt.name, s.did)
		}
	}
	for _, media := range []string{"", "application/json", "multipart/form-data"} {
		if w := new(safe).serve("POST", "/restore", media, "{}"); w.Code != http.StatusUnsupportedMediaType && w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d %s", media, w.Code, w.Body)
		}
	}
}

// Whatever a form is: no panic, and nothing is restored but a file with a password.
func FuzzRestoreForm(f *testing.F) {
	f.Add("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nsealed\r\n--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nsecret\r\n--b--\r\n")
	f.Add("--b--\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		s := new(safe)
		w := s.serve("POST", "/restore", "multipart/form-data; boundary=b", body)
		if (w.Code == 202) != (s.did != "") || w.Code >= 500 {
			t.Fatalf("%d %s: %s", w.Code, w.Body, s.did)
		}
	})
}
