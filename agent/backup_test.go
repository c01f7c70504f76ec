package agent

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/internal/backup"
	"tipring/t38/spool"
	"tipring/webui/access"
	"tipring/webui/api"
)

const backupPassword = "correct horse battery"

// safe is the part of the interface about backups.
func (r *rig) safe() *api.API {
	routes := api.New(device{r.Agent}, nil, slog.New(slog.DiscardHandler))
	routes.HandleBackups(backups{r.Agent})
	return routes
}

// backup makes one.
func (r *rig) backup(password string) []byte {
	r.t.Helper()
	req := httptest.NewRequest("POST", "/api/v1/backup", strings.NewReader(`{"password":"`+password+`"}`))
	w := httptest.NewRecorder()
	r.safe().Behind(api.Open{}).ServeHTTP(w, req)
	if w.Code != 200 {
		r.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// restore brings a backup back.
func (r *rig) restore(file []byte, password string) (result api.Restored, status int, text string) {
	r.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	f, _ := m.CreateFormFile("file", "x.backup")
	f.Write(file)
	p, _ := m.CreateFormField("password")
	io.WriteString(p, password)
	m.Close()
	req := httptest.NewRequest("POST", "/api/v1/restore", &b)
	req.Header.Set("Content-Type", m.FormDataContentType())
	w := httptest.NewRecorder()
	r.safe().Behind(api.Open{}).ServeHTTP(w, req)
	if w.Code == 202 {
		if err := json.Unmarshal(w.Body.Bytes(), &result); err != nil {
			r.t.Fatal(err)
		}
	}
	return result, w.Code, w.Body.String()
}

// claim sets the first password.
func (r *rig) claim(password string) {
	r.t.Helper()
	d := r.Agent.page.desk
	if err := d.Claim(r.t.Context(), access.Try{}, d.ClaimCode(), password); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) letsIn(password string) bool {
	_, err := r.Agent.page.desk.LogIn(r.t.Context(), access.Try{}, access.Owner, password)
	return err == nil
}

const identity = "[device]\nmac = 00:0b:82:11:22:33\n"

// local is what somebody has set by hand, a secret among it.
const local = "# mine\n[sip1]\nauth_password = S3CRET\ndisplay_name = Reception\n"

// A device that takes the place of another one becomes what that was, and says whose backup it
// was.
func TestADeviceIsReplaced(t *testing.T) {
	server := newRegistry(t)
	old := start(t, base+identity+line(1, server.port))
	old.until("registered", func() bool { return old.registered(1) })
	if w := old.http("PUT", "/config", local); w.Code != 202 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	old.claim("the old password")
	old.Agent.fax.numbers.Called("+4930123", spool.CalledSuccess)
	contents := (backups{old.Agent}).Contents()
	if got := contents.Parts; contents.Device != "000B82112233" || len(got) != 4 || got[0] != (api.BackupPart{Name: "settings", Count: 2}) || got[1] != (api.BackupPart{Name: "users", Count: 1}) || got[3] != (api.BackupPart{Name: "called_numbers", Count: 1}) {
		t.Errorf("%+v", contents)
	}
	file := old.backup(backupPassword)
	if bytes.Contains(file, []byte("S3CRET")) {
		t.Error("the backup is not sealed")
	}

	r := start(t, base+strings.Replace(identity, "33", "34", 1)+line(1, server.port))
	if got := (backups{r.Agent}).Restored(); got.State != "none" {
		t.Errorf("before: %+v", got)
	}
	r.claim("the new password")
	result, status, text := r.restore(file, backupPassword)
	if status != 202 || *result.SameDevice || result.Device != "000B82112233" || result.Version != "test" || result.Generation == nil || result.Error != "" {
		t.Fatalf("%d %s", status, text)
	}
	r.until("judged", func() bool { return (backups{r.Agent}).Restored().State == "good" })
	if got, _ := r.Agent.store.Current(); string(got.Local) != local || got.By != "restore" {
		t.Errorf("%+v", got)
	}
	if l := r.config().Line(1); l.AuthPassword != "S3CRET" || l.DisplayName != "Reception" {
		t.Errorf("%+v", l)
	}
	if !r.letsIn("the old password") || r.letsIn("the new password") {
		t.Error("the password is not that of the backup")
	}
	if fax, known := r.Agent.fax.numbers.Known("+4930123"); !fax || !known {
		t.Error("the called number is not known")
	}
	if _, err := os.Stat(filepath.Join(r.dir, restoringFile)); err == nil {
		t.Error("the restore is not closed")
	}
	if strings.Contains(r.log.String()+old.log.String(), "S3CRET") || strings.Contains(r.log.String()+old.log.String(), backupPassword) {
		t.Error("a secret is logged")
	}
	for _, name := range []string{restoredFile} {
		if text, _ := os.ReadFile(filepath.Join(r.dir, name)); bytes.Contains(text, []byte("S3CRET")) {
			t.Errorf("a secret is in %s", name)
		}
	}
}

// A file that is refused changes nothing.
func TestRestoresThatAreRefused(t *testing.T) {
	r := start(t, base+identity)
	r.http("PUT", "/config", "[sip1]\ndisplay_name = here\n")
	before, _ := r.Agent.store.Current()
	seal := func(parts ...backup.Part) []byte {
		file, err := backup.Seal(parts, backupPassword, backup.Header{Device: "x", Made: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	settings := backup.Part{Name: settingsPart, Data: []byte(local)}
	for _, tt := range []struct {
		name, password string
		file           []byte
		status         int
		want           string
	}{
		{"another password", "another password", seal(settings), 422, "#/password"},
		{"no backup", backupPassword, []byte("hello"), 422, "it is no backup"},
		{"cut short", backupPassword, seal(settings)[:100], 422, "cut short"},
		{"faults", backupPassword, seal(backup.Part{Name: settingsPart, Data: []byte("[sip1]\nregister_port = x\n")}), 422, "register_port"},
		{"no settings", backupPassword, seal(), 422, "it holds no settings"},
		{"a part of a later version", backupPassword, seal(settings, backup.Part{Name: "moon"}), 422, "newer version"},
		{"numbers that are none", backupPassword, seal(settings, backup.Part{Name: numbersPart, Data: []byte(`[{"number":"x"}]`)}), 422, "damaged"},
	} {
		_, status, text := r.restore(tt.file, tt.password)
		if status != tt.status || !strings.Contains(text, tt.want) || strings.Contains(text, "S3CRET") {
			t.Errorf("%s: %d %s", tt.name, status, text)
		}
		if now, _ := r.Agent.store.Current(); now.N != before.N || string(now.Local) != string(before.Local) {
			t.Errorf("%s: generation %d: %s", tt.name, now.N, now.Local)
		}
		if _, err := os.Stat(filepath.Join(r.dir, restoringFile)); err == nil {
			t.Errorf("%s: it was begun", tt.name)
		}
	}
	if got := (backups{r.Agent}).Restored(); got.State != "none" {
		t.Errorf("%+v", got)
	}
}

// Whatever the moment at which the power is cut, the next start makes of a restore that was
// begun a whole one.
func TestRestoreIsFinishedByTheNextStart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		until func(a *Agent, r restoreRecord, parts []backup.Part) error // what was done before the cut
	}{
		{"decided", func(*Agent, restoreRecord, []backup.Part) error { return nil }},
		{"users are there", func(a *Agent, _ restoreRecord, parts []backup.Part) error {
			return a.page.desk.Import(partOf(parts, rosterPart))
		}},
		{"settings are there", func(a *Agent, r restoreRecord, parts []backup.Part) error {
			_, err := a.keeper.Restore(a.ctx, partOf(parts, settingsPart), func() error { return nil })
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHome(t)
			h.put("tipring.ini", base+identity)
			r, end := h.start("tipring.ini")
			r.http("PUT", "/config", "[sip1]\ndisplay_name = here\n")
			r.claim("the old password")
			who := r.Agent.page.desk.Export()
			if err := r.Agent.page.desk.SetPassword(t.Context(), access.Owner, "the new password"); err != nil {
				t.Fatal(err)
			}
			now, _ := r.Agent.store.Current()
			parts := []backup.Part{
				{Name: settingsPart, Data: []byte(local)},
				{Name: rosterPart, Data: who},
				{Name: numbersPart, Data: []byte(`[{"number":"+4930123","fax":false,"at":"2026-01-02T03:04:05Z"}]`)},
			}
			record := restoreRecord{Restored: time.Now(), Device: "A", Self: "B", Made: time.Now(), After: now.N}
			if err := r.writeRestoring(record, parts); err != nil {
				t.Fatal(err)
			}
			if err := tt.until(r.Agent, record, parts); err != nil {
				t.Fatal(err)
			}
			end()

			for _, start := range []string{"first", "second"} {
				r, end := h.start("tipring.ini")
				if g, _ := r.Agent.store.Current(); string(g.Local) != local || g.By != "restore" || g.N != now.N+1 {
					t.Errorf("%s start: generation %d by %s: %s", start, g.N, g.By, g.Local)
				}
				if !r.letsIn("the old password") {
					t.Errorf("%s start: the password is not that of the backup", start)
				}
				if fax, known := r.Agent.fax.numbers.Known("+4930123"); fax || !known {
					t.Errorf("%s start: the number is not known", start)
				}
				if got := (backups{r.Agent}).Restored(); got.Device != "A" || *got.SameDevice || *got.Generation != now.N+1 || got.Error != "" {
					t.Errorf("%s start: %+v", start, got)
				}
				if _, err := os.Stat(filepath.Join(r.dir, restoringFile)); err == nil {
					t.Errorf("%s start: the restore is not closed", start)
				}
				end()
			}
		})
	}
}

// What a cut left of the decision is no decision.
func TestRestoreThatWasNotDecided(t *testing.T) {
	for name, text := range map[string]string{restoringFile + ".new": "TIPRING-PARTS 1\nhalf", restoringFile: "TIPRING-PARTS 1\nhalf"} {
		h := newHome(t)
		h.put("tipring.ini", base+identity)
		r, end := h.start("tipring.ini")
		r.http("PUT", "/config", "[sip1]\ndisplay_name = here\n")
		now, _ := r.Agent.store.Current()
		end()
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, end = h.start("tipring.ini")
		if g, _ := r.Agent.store.Current(); g.N != now.N {
			t.Errorf("%s: generation %d", name, g.N)
		}
		end()
	}
}
