package generations

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tipring/internal/config"
	"tipring/internal/durable/fakedisk"
)

const installedPath = where + "/config/installed"

func installed(mark string) []config.Layer {
	return []config.Layer{
		config.FactoryLayer("/etc/tipring/factory.ini", []byte("[sip1]\nauth_password = <&> \u2028 \""+mark+"\\\n")),
		config.FileLayer("/etc/tipring/tipring.ini", []byte("# "+mark+strings.Repeat("x", 2000)+"\n")),
	}
}

// told is which copy it is.
func told(layers []config.Layer) string {
	for _, mark := range []string{"one", "two"} {
		if equal(layers, installed(mark)) {
			return mark
		}
	}
	if layers == nil {
		return "none"
	}
	return "neither"
}

func equal(a, b []config.Layer) bool {
	for i := range a {
		if len(a) != len(b) || a[i].Rank != b[i].Rank || a[i].Name != b[i].Name || a[i].Source != b[i].Source || string(a[i].Text) != string(b[i].Text) {
			return false
		}
	}
	return len(a) > 0
}

func TestInstalledFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, dir)
	if layers, err := s.Installed(); layers != nil || err != nil {
		t.Errorf("%v, %v", layers, err)
	}
	must(t, s.KeepInstalled(nil))
	must(t, s.KeepInstalled(installed("one")))
	must(t, s.Close())
	s, r := opened(t, dir)
	if layers, err := s.Installed(); told(layers) != "one" || err != nil || len(r.Lines()) > 0 {
		t.Errorf("%v, %v, %v", layers, err, r.Lines())
	}
	if info, err := os.Stat(filepath.Join(dir, "config", "installed")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	must(t, s.Reset())
	if layers, err := s.Installed(); told(layers) != "one" || err != nil {
		t.Errorf("after a reset: %v, %v", layers, err)
	}
	must(t, s.KeepInstalled(nil))
	if layers, err := s.Installed(); layers != nil || err != nil {
		t.Errorf("given up: %v, %v", layers, err)
	}
	must(t, s.Close())
	if err := s.KeepInstalled(installed("one")); err == nil {
		t.Error("a closed store wrote")
	}
}

func TestTheSameInstalledFilesAreNotWritten(t *testing.T) {
	m := prepared(t, "", nil)
	s, _ := mustOpen(t, m)
	must(t, s.KeepInstalled(installed("one")))
	m.Settle()
	if must(t, s.KeepInstalled(installed("one"))); m.Done() > 0 {
		t.Errorf("%d changes on the disk", m.Done())
	}
	if must(t, s.KeepInstalled(installed("two"))); m.Done() == 0 {
		t.Error("no change on the disk")
	}
}

func TestInstalledFilesThatCannotBeKept(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	for name, l := range map[string]config.Layer{
		"another rank": config.LocalLayer("local.ini", []byte("x")),
		"no text":      {Rank: config.File, Name: "f"},
		"no UTF-8":     config.FileLayer("f", []byte("\xff")),
		"a name":       config.FileLayer("\xff", []byte("x")),
		"too long":     config.FileLayer("f", make([]byte, config.MaxText+1)),
	} {
		if err := s.KeepInstalled([]config.Layer{l}); err == nil {
			t.Errorf("%s was kept", name)
		}
	}
	if layers, err := s.Installed(); layers != nil || err != nil {
		t.Errorf("%v, %v", layers, err)
	}
}

// Whatever is cut off, changed or of a later version is not believed; the next copy takes
// its place.
func TestABrokenCopyOfTheInstalledFiles(t *testing.T) {
	m := prepared(t, "", func(s *Store) error { return s.KeepInstalled(installed("one")) })
	whole := string(m.text(t, installedPath))
	for name, text := range map[string]string{
		"a blank line": "\n", "cut": whole[:len(whole)/2], "changed": strings.Replace(whole, "one", "0ne", 1), "longer": whole + "x",
		"no list": string(seal(installedWord, version, []byte("{}"))), "a rank": string(seal(installedWord, version, []byte(`[{"rank":"local"}]`))),
		"another file": string(seal(stateWord, version, []byte("[]"))),
	} {
		m.Put(installedPath, text)
		s, r := mustOpen(t, m)
		if layers, err := s.Installed(); layers != nil || !errors.Is(err, ErrBroken) || len(r.Lines()) > 0 {
			t.Errorf("%s: %v, %v, %v", name, layers, err, r.Lines())
		}
		must(t, s.KeepInstalled(installed("two")))
		if layers, err := s.Installed(); told(layers) != "two" || err != nil {
			t.Errorf("%s: %v, %v", name, layers, err)
		}
		must(t, s.Close())
	}
	m.Put(installedPath, string(seal(installedWord, version+1, []byte("[]"))))
	s, _ := mustOpen(t, m)
	if layers, err := s.Installed(); layers != nil || !errors.Is(err, ErrNewer) {
		t.Errorf("%v, %v", layers, err)
	}
}

// A cut of the power leaves the old copy or the new one, and after the end of KeepInstalled
// the new one.
func TestPowerCutsWhileInstalledFilesAreKept(t *testing.T) {
	for before, keep := range map[string]func(*Store) error{
		"none": nil,
		"one":  func(s *Store) error { return s.KeepInstalled(installed("one")) },
	} {
		m, s := begun(t, "", keep)
		must(t, s.KeepInstalled(installed("two")))
		end := m.Done()
		if end < 4 {
			t.Fatalf("only %d changes on the disk", end)
		}
		for n := range end + 1 {
			for seed := range uint64(20) {
				cut := m.crash(n, fakedisk.Keeps(seed))
				s, r := mustOpen(t, cut)
				layers, err := s.Installed()
				if got := told(layers); err != nil || got != "two" && (got != before || n == end) {
					t.Errorf("cut behind %d of %d changes: %s, %v", n, end, got, err)
				}
				if r.State != nil || len(r.Broken) > 0 || cut.found(installedPath+newSuffix) {
					t.Errorf("cut behind %d of %d changes: %v", n, end, r.Lines())
				}
				must(t, s.Close())
			}
		}
	}
}

func (m *model) found(path string) bool {
	_, ok := m.Text(path)
	return ok
}

// A disk that fails leaves the old copy.
func TestDiskErrorsWhileInstalledFilesAreKept(t *testing.T) {
	for _, call := range []string{"create", "write", "sync", "rename"} {
		m, s := begun(t, "", func(s *Store) error { return s.KeepInstalled(installed("one")) })
		m.Fail = func(c, path string) error {
			if c == call && strings.HasPrefix(path, installedPath) {
				return syscall.ENOSPC
			}
			return nil
		}
		if err := s.KeepInstalled(installed("two")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", call, err)
		}
		m.Fail = nil
		if layers, err := s.Installed(); told(layers) != "one" || err != nil {
			t.Errorf("%s: %v, %v", call, layers, err)
		}
	}
}

func FuzzInstalled(f *testing.F) {
	whole, err := encodeInstalled(installed("one"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(seal(installedWord, version, []byte(`[{"rank":"file","path":"/f","text":"x"}]`)))
	f.Add([]byte("tipring-installed 1 2 00\n[]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range [][]byte{data, seal(installedWord, version, data)} {
			layers, err := decodeInstalled(d)
			if err != nil {
				continue
			}
			for _, l := range layers {
				if l.Rank > config.File || l.Text == nil {
					t.Fatalf("layer %+v", l)
				}
			}
		}
	})
}
