package generations

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tipring/internal/config"
)

// Somebody edits local.ini while nothing runs.
func TestAnEditWinsAtTheNextStart(t *testing.T) {
	for _, tt := range []struct{ name, edit, want string }{
		{"another text", "edit", "p1,edit"},
		{"everything taken out", "", "p1,"},
		{"as it was", "l1", "p1,l1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s, _ := opened(t, dir)
			first := wrote(t, s, content(ByProvision, "p1", "l1"), Good)
			must(t, s.Close())
			edit(t, dir, string(localText(tt.edit)))
			s, r := opened(t, dir)
			if got := inForce(t, s); got != tt.want {
				t.Errorf("%s in force, want %s", got, tt.want)
			}
			g, _ := s.Current()
			if adopted := tt.edit != "l1"; (r.Adopted != 0) != adopted || (g.By == ByFile) != adopted || g.Key != content("", "p1", "").Key {
				t.Errorf("report %v, %+v", r.Lines(), g)
			}
			must(t, s.Switch(first, Good))
			if got := onDisk(t, dir, localFile); got != string(localText("l1")) || inForce(t, s) != "p1,l1" {
				t.Errorf("rolled back to %s, local.ini %.40q", inForce(t, s), got)
			}
		})
	}
}

// A device of a version before this one has a local.ini and nothing else.
func TestALocalFileWithoutGenerations(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "config"), 0o700))
	edit(t, dir, string(localText("old")))
	must(t, os.WriteFile(filepath.Join(dir, "config", ".local.ini4711"), nil, 0o600))
	s, r := opened(t, dir)
	if inForce(t, s) != ",old" || r.Adopted != 1 {
		t.Errorf("%s in force, %v", inForce(t, s), r.Lines())
	}
	must(t, s.Close())
	if _, r := opened(t, dir); len(r.Lines()) > 0 {
		t.Errorf("at the start after it: %v", r.Lines())
	}
}

func TestAdopt(t *testing.T) {
	dir := t.TempDir()
	refuse := errors.New("a fault in line 7")
	var checked []string
	s, _, err := Open(dir, Options{Check: func(c Content) error {
		checked = append(checked, mark(Generation{Content: c}, true))
		if strings.Contains(string(c.Local), "wrong") {
			return refuse
		}
		return nil
	}})
	must(t, err)
	wrote(t, s, content(ByProvision, "p1", "l1"), Good)
	if n, err := s.Adopt(); n != 0 || err != nil || len(checked) > 0 {
		t.Errorf("nobody edited: %d, %v, checked %v", n, err, checked)
	}

	edit(t, dir, string(localText("edit")))
	n, err := s.Adopt()
	if n != 2 || err != nil || inForce(t, s) != "p1,edit" || fmt.Sprint(checked) != "[p1,edit]" {
		t.Errorf("generation %d, %v, %s in force, checked %v", n, err, inForce(t, s), checked)
	}
	if g, _ := s.Current(); g.By != ByFile || g.Verdict != Unproven {
		t.Errorf("%+v", g)
	}

	edit(t, dir, string(localText("wrong")))
	if n, err := s.Adopt(); n != 0 || !errors.Is(err, refuse) || inForce(t, s) != "p1,edit" {
		t.Errorf("refused: %d, %v, %s in force", n, err, inForce(t, s))
	}
	if got := onDisk(t, dir, localFile); got != string(localText("wrong")) {
		t.Errorf("what was refused is gone: %.40q", got)
	}
	must(t, s.Close())

	s, r, err := Open(dir, Options{Check: func(Content) error { return refuse }})
	must(t, err)
	defer s.Close()
	if !errors.Is(r.Refused, refuse) || r.Adopted != 0 || inForce(t, s) != "p1,edit" || onDisk(t, dir, localFile) != string(localText("wrong")) {
		t.Errorf("refused at the start: %v, %s in force", r.Lines(), inForce(t, s))
	}

	// It does not stand in the way of what comes next, and is not lost by it.
	must(t, s.Switch(1, Good))
	if got := onDisk(t, dir, asideFile); got != string(localText("wrong")) {
		t.Errorf("put aside: %.40q", got)
	}
	if got := onDisk(t, dir, localFile); got != string(localText("l1")) || inForce(t, s) != "p1,l1" {
		t.Errorf("%s in force, local.ini %.40q", inForce(t, s), got)
	}
}

// The check runs without the store's lock, so the world may move on under it.
func TestAdoptTakesWhatWasChecked(t *testing.T) {
	dir := t.TempDir()
	var s *Store
	moves := []func(){
		func() { edit(t, dir, string(localText("second"))) },
		func() { must(t, s.Switch(2, Good)); edit(t, dir, string(localText("third"))) },
		func() {},
	}
	s, _, err := Open(dir, Options{Check: func(Content) error {
		move := moves[0]
		moves = moves[1:]
		move()
		return nil
	}})
	must(t, err)
	defer s.Close()
	wrote(t, s, content(ByProvision, "p1", "l1"), Good)
	if _, err := s.Write(content(ByProvision, "p2", "l2")); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, string(localText("first")))
	if n, err := s.Adopt(); n != 3 || err != nil || inForce(t, s) != "p2,third" {
		t.Errorf("generation %d, %v, %s in force", n, err, inForce(t, s))
	}
	moves = []func(){moves0(t, dir, 1), moves0(t, dir, 2), moves0(t, dir, 3)}
	edit(t, dir, "0")
	if n, err := s.Adopt(); n != 0 || err == nil {
		t.Errorf("while it is being edited: %d, %v", n, err)
	}
}

func moves0(t *testing.T, dir string, n int) func() {
	return func() { edit(t, dir, fmt.Sprint(n)) }
}

// What stands at local.ini and cannot be read is told, and keeps nobody from switching
// or from resetting.
func TestALocalFileThatCannotBeRead(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"too long": func(path string) error { return os.WriteFile(path, make([]byte, config.MaxText+1), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, _ := opened(t, dir)
			wrote(t, s, content(ByProvision, "p1", "l1"), Good)
			must(t, s.Close())
			path := filepath.Join(dir, "config", localFile)
			must(t, os.Remove(path))
			must(t, put(path))
			s, r := opened(t, dir)
			if r.Unread == nil || !strings.Contains(fmt.Sprint(r.Lines()), path) || inForce(t, s) != "p1,l1" {
				t.Errorf("%v, %s in force", r.Lines(), inForce(t, s))
			}
			if n, err := s.Adopt(); n != 0 || err == nil {
				t.Errorf("adopted: %d, %v", n, err)
			}
			wrote(t, s, content(ByProvision, "p2", "l2"), Good)
			if got := onDisk(t, dir, localFile); got != string(localText("l2")) {
				t.Errorf("local.ini: %.40q", got)
			}
			must(t, os.Remove(path))
			must(t, put(path))
			must(t, s.Reset())
			if got := onDisk(t, dir, localFile); got != "" {
				t.Errorf("after a reset: %.40q", got)
			}
		})
	}
}

// A refresh that failed is made good by the next start, or by the next switch.
func TestARefreshThatFailed(t *testing.T) {
	for _, restart := range []bool{true, false} {
		m := prepared(t, "", nil)
		s, _ := mustOpen(t, m)
		m.Fail = func(call, path string) error {
			if strings.Contains(path, localFile) && call != "read" && !strings.Contains(path, "generations") {
				return syscall.EIO
			}
			return nil
		}
		must(t, s.Switch(1, Good))
		if s.state.Replaces == "" || inForce(t, s) != "p1,l1" {
			t.Fatalf("%s in force, replaces %q", inForce(t, s), s.state.Replaces)
		}
		if n, err := s.Adopt(); n != 0 || err != nil {
			t.Errorf("taken for an edit: %d, %v", n, err)
		}
		m.Fail = nil
		if restart {
			must(t, s.Close())
			var r Report
			if s, r = mustOpen(t, m); !r.Refreshed || len(r.Lines()) != 1 {
				t.Errorf("%v", r.Lines())
			}
		} else {
			must(t, s.Switch(1, Good))
		}
		must(t, s.Close())
		settled(t, m, "p1,l1")
		if aside, ok := m.Text(where + "/config/" + asideFile); ok {
			t.Errorf("put aside: %.40q", aside)
		}
	}
}
