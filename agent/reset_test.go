package agent

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/agent/features"
	"tipring/internal/aaa"
	"tipring/internal/config/generations"
	"tipring/internal/durable"
	"tipring/t38/spool"
	"tipring/webui"
	"tipring/webui/access"
)

// planted stands in all that somebody has left on a device that is to have another owner.
const planted = "5550777"

const resettable = base + identity + "[port1]\ndriver = sim\n"

// useUp leaves something of an owner in every place of the device.
func (r *rig) useUp() {
	r.t.Helper()
	r.claim("the old password")
	_, _, tokenErr := r.page.desk.AddToken(planted, access.Admin)
	if w := r.http("PUT", "/config", "[sip1]\ndisplay_name = "+planted+"\n"); w.Code != 202 {
		r.t.Fatal(w.Body)
	}
	forward := r.features.Change(1, func(s *features.Settings) { s.ForwardAll = planted })
	r.receives(1, planted, time.Now())
	r.features.Miss(features.Missed{Line: 1, Number: planted, At: time.Now()})
	r.fax.numbers.Called(planted, "fax")
	_, faxErr := r.fax.store.Submit(r.t.Context(), picture(r.t), spool.Meta{Kind: spool.Submitted, Line: 1, Peer: planted})
	_, cacheErr := r.radiusCache()
	r.accounts.journal.Offer(aaa.Attributes{{Type: aaa.UserName, Value: []byte(planted)}})
	for _, err := range []error{tokenErr, forward, faxErr, cacheErr} {
		if err != nil {
			r.t.Fatal(err)
		}
	}
	for _, name := range []string{restoredFile, restoringFile, webui.CertificateName, access.BookName + ".damaged", featuresFile + durable.Suffix, "." + contactKeyName + "123"} {
		if err := r.writeState(name, []byte(planted)); err != nil {
			r.t.Fatal(err)
		}
	}
}

// tree lists the files below a directory, and those that hold a text.
func tree(t *testing.T, dir, text string) (all, holding []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		all = append(all, name)
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			holding = append(holding, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, holding
}

// Whatever the moment at which the power is cut, the next start makes of a reset that was decided
// a whole one: the files are those of a device that was never used. Later starts leave alone what
// the next owner does.
func TestResetIsFinishedByTheNextStart(t *testing.T) {
	fresh := newHome(t)
	fresh.put("tipring.ini", resettable)
	_, end := fresh.start("tipring.ini")
	end()
	want, _ := tree(t, fresh.path("state"), planted)
	removes := func(n int) func(string) error {
		return func(dir string) (err error) {
			for _, name := range forgotten[:n] {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
			}
			return err
		}
	}
	settings := func(dir string) error {
		store, _, err := generations.Open(dir, generations.Options{})
		if err != nil {
			return err
		}
		return errors.Join(store.Reset(), store.Close())
	}
	cuts := map[string]func(dir string) error{
		"decided": removes(0), "half of the files are gone": removes(len(forgotten) / 2), "all are": removes(len(forgotten)),
		"settings are gone": settings, "all but the mark": func(dir string) error {
			kept, err := forget(dir, os.RemoveAll)
			return errors.Join(settings(dir), kept, err)
		},
	}
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			h.put("tipring.ini", resettable)
			r, end := h.start("tipring.ini")
			r.useUp()
			end()
			if _, holding := tree(t, r.dir, planted); len(holding) < 10 {
				t.Fatalf("a used device has it in %q alone", holding)
			}
			if err := errors.Join(r.writeState(resettingFile, nil), cut(r.dir)); err != nil {
				t.Fatal(err)
			}

			r, end = h.start("tipring.ini")
			if r.page.desk.Claimed() || r.config().Line(1) != nil && r.config().Line(1).DisplayName != "" || len(r.features.Missed()) > 0 {
				t.Error("something is as it was")
			}
			end()
			all, holding := tree(t, r.dir, planted)
			all = slices.DeleteFunc(all, func(name string) bool { return name == "config/state" || strings.HasPrefix(name, radiusCacheDir) })
			if !slices.Equal(all, want) || holding != nil {
				t.Errorf("files %q, want %q; with a word of the old owner: %q", all, want, holding)
			}

			r, end = h.start("tipring.ini")
			r.claim("the new password")
			end()
			r, _ = h.start("tipring.ini")
			if !r.letsIn("the new password") {
				t.Error("the next owner's password is gone")
			}
		})
	}
}

// A folder on a disk that takes nothing any more does not have the reset done again and again: what is
// set up meanwhile would be forgotten each time.
func TestResetWithAFolderThatStays(t *testing.T) {
	r := start(t, resettable)
	if err := errors.Join(r.writeState(resettingFile, nil), os.WriteFile(filepath.Join(r.dir, faxesDir, planted), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	r.resumeReset(func(path string) error { return &fs.PathError{Op: "unlinkat", Path: path, Err: syscall.EROFS} })
	if _, err := os.Stat(filepath.Join(r.dir, resettingFile)); err == nil {
		t.Error("the next start forgets everything again")
	}
	if log := r.log.String(); !strings.Contains(log, planted) || !strings.Contains(log, "something of a folder stays") {
		t.Error(log)
	}
}

// A reset answers once it is decided, and a new agent runs that knows nothing.
func TestFactoryReset(t *testing.T) {
	p := newProcess(t, resettable)
	p.lives(1)
	token := p.kept(access.TokenName)
	p.asks("/config/rollback", `{"generation":9}`, 409)
	p.asks("/factory-reset", "", 204)
	p.lives(2)
	if got := p.kept(access.TokenName); got == token || got == "" {
		t.Errorf("the token is %q", got)
	}
	if log := p.log.String(); !strings.Contains(log, "reset to factory settings") {
		t.Error(log)
	}
	if _, err := os.Stat(filepath.Join(p.dir, resettingFile)); err == nil {
		t.Error("the reset is not closed")
	}
	p.ends <- syscall.SIGTERM
	p.ended()
}

func (p *process) kept(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// An agent that nobody would start again is not reset: it would be at a moment that nobody
// expects.
func TestResetThatIsRefused(t *testing.T) {
	r := start(t, base)
	if w := r.http("POST", "/factory-reset", ""); w.Code != 503 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if _, err := os.Stat(filepath.Join(r.dir, resettingFile)); err == nil {
		t.Error("the next start would do it all the same")
	}
}
