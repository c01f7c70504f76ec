package features

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tipring/agent/call"
	"tipring/internal/durable"
)

// What was set is there after a restart, and so is what was not worth a write of its own.
func TestKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "features.json")
	b := open(t, file)
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	b.Code(1, "*78")
	b.Number(3, "*74", "25551234")
	b.Called(1, "5550001")
	b.Made(1, "5550002")
	b.Miss(Missed{Line: 1, Number: "5550001", Name: "Ann", At: at})
	if caller, _ := open(t, file).Last(1); caller != "" {
		t.Errorf("a call was worth a write: %s", caller)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, file)
	if s := b.Settings(1); !s.DND {
		t.Errorf("port 1: %+v", s)
	}
	if s := b.Settings(3); s.SpeedDials["2"] != "5551234" {
		t.Errorf("port 3: %+v", s)
	}
	if caller, dialled := b.Last(1); caller != "5550001" || dialled != "5550002" {
		t.Errorf("last: %q, %q", caller, dialled)
	}
	if m := b.Missed(); len(m) != 1 || m[0] != (Missed{1, "5550001", "Ann", at}) {
		t.Errorf("missed: %+v", m)
	}
	if err := b.ForgetMissed(); err != nil {
		t.Fatal(err)
	}
	if m := open(t, file).Missed(); len(m) != 0 {
		t.Errorf("missed after they were forgotten: %+v", m)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A power is a disk that stops at its n-th operation, as a cut would have it.
type power struct {
	durable.Disk
	left int
}

var errCut = errors.New("power cut")

func (p *power) step() error {
	if p.left--; p.left < 0 {
		return errCut
	}
	return nil
}

func (p *power) Rename(from, to string) error {
	if err := p.step(); err != nil {
		return err
	}
	return p.Disk.Rename(from, to)
}

func (p *power) Remove(name string) error {
	if p.left < 0 {
		return errCut // nothing happens any more
	}
	return p.Disk.Remove(name)
}

func (p *power) SyncDir(dir string) error {
	if err := p.step(); err != nil {
		return err
	}
	return p.Disk.SyncDir(dir)
}

// Whenever the power goes, there is the old setting or the new one, and the new one where the
// confirmation tone was heard.
func TestKilledAtEveryStep(t *testing.T) {
	for kill := range 5 {
		file := filepath.Join(t.TempDir(), "features.json")
		b := open(t, file)
		b.Number(1, "*72", "1")
		p := &power{left: kill}
		b.cfg.Place = p
		heard := b.Number(1, "*72", "2")
		if heard != (kill >= 2) {
			t.Fatalf("cut after %d steps: confirmed %v", kill, heard)
		}
		got := open(t, file).Settings(1).ForwardAll
		if got != "2" && (heard || got != "1") {
			t.Errorf("cut after %d steps: forwards to %q, confirmed %v", kill, got, heard)
		}
		if now := b.Settings(1).ForwardAll; heard != (now == "2") {
			t.Errorf("cut after %d steps: in force is %q, confirmed %v", kill, now, heard)
		}
	}
}

// A disk that is full is heard as a refusal, and nothing is in force that is not kept.
func TestRefusedWithoutDisk(t *testing.T) {
	dir := t.TempDir()
	b := open(t, filepath.Join(dir, "gone", "features.json"))
	if b.Code(1, "*78").Step != call.NextRefused || b.Settings(1).DND {
		t.Error("a setting that is not kept was confirmed")
	}
	if err := b.Change(1, func(s *Settings) { s.DND = true }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// What is no book is told, and a new one begun; the old one stays until something is set.
func TestDamaged(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"ports":{"0":{}}}`, `{"ports":{"1025":{}}}`, `{"ports":{"1":{"forward_all":"x"}}}`, `{"ports":{"1":{"no_answer_s":-1}}}`, `{"ports":{"1":{"speed_dials":{"22":"1"}}}}`, `{} {}`, strings.Repeat(" ", maxFile+1)} {
		file := filepath.Join(t.TempDir(), "features.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b := open(t, file)
		if !reflect.DeepEqual(b.ports, map[int]Settings{}) {
			t.Errorf("%.40q: %+v", text, b.ports)
		}
		if kept, _ := os.ReadFile(file); string(kept) != text {
			t.Errorf("%.40q was overwritten", text)
		}
	}
}

// The log of missed calls is bounded, and so is what a caller may say.
func TestMissedIsBounded(t *testing.T) {
	b := open(t, filepath.Join(t.TempDir(), "features.json"))
	for range keptMissed + 5 {
		b.Miss(Missed{Number: strings.Repeat("1", 1000), Name: strings.Repeat("é", 1000)})
	}
	m := b.Missed()
	if len(m) != keptMissed || len(m[0].Number) != maxCaller || len(m[0].Name) > maxCaller {
		t.Errorf("%d calls, %d octets", len(m), len(m[0].Name))
	}
}

// What a port has set, and what becomes of a call to it.
func TestJudge(t *testing.T) {
	known, hidden := Caller{Number: "5551234"}, Caller{Anonymous: true}
	for _, tt := range []struct {
		name string
		set  Settings
		from Caller
		want Verdict
	}{
		{"nothing", Settings{}, known, Verdict{}},
		{"do not disturb", Settings{DND: true}, known, Verdict{Code: 486}},
		{"forward all", Settings{ForwardAll: "1"}, known, Verdict{Forward: "1"}},
		{"forward all before do not disturb", Settings{ForwardAll: "1", DND: true}, known, Verdict{Forward: "1"}},
		{"hidden, which is all right", Settings{}, hidden, Verdict{}},
		{"hidden", Settings{RejectAnonymous: true}, hidden, Verdict{Code: 433}},
		{"hidden, before it is forwarded", Settings{RejectAnonymous: true, ForwardAll: "1"}, hidden, Verdict{Code: 433}},
		{"not hidden", Settings{RejectAnonymous: true}, known, Verdict{}},
		{"forward busy and no answer are later", Settings{ForwardBusy: "1", ForwardNoAnswer: "2"}, known, Verdict{}},
	} {
		b := open(t, filepath.Join(t.TempDir(), "features.json"))
		if err := b.Change(1, func(s *Settings) { *s = tt.set }); err != nil {
			t.Fatal(err)
		}
		if got := b.Judge(1, tt.from); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"ports":{"1":{"forward_all":"5551234","dnd":true,"speed_dials":{"2":"1"}}},"recent":{"1":{"caller":"1"}},"missed":[{"line":1,"at":"2026-03-01T10:00:00Z"}]}`, `{}`, `{"ports":null}`, `{"ports":{"1":{"no_answer_s":121}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parse(data)
		if err != nil {
			return
		}
		for n, s := range r.Ports {
			if err := s.Check(); err != nil {
				t.Errorf("port %d: %v", n, err)
			}
		}
		if len(r.Missed) > keptMissed {
			t.Errorf("%d missed calls", len(r.Missed))
		}
	})
}
