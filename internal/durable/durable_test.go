package durable

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func create(name string) (*os.File, error) { return os.Create(name) }

// A file takes another one's place, and leaves nothing beside it.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "record")
	for _, text := range []string{"first", "second"} {
		if err := Replace(Disk{}, name, []byte(text), create); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("%q, %v, want %q", got, err, text)
		}
	}
	if names, err := (Disk{}).List(dir); err != nil || !slices.Equal(names, []string{"record"}) {
		t.Errorf("%q, %v", names, err)
	}
}

// A disk fails at one call.
type disk struct {
	Disk
	rename, sync error
}

func (d disk) Rename(from, to string) error {
	if d.rename != nil {
		return d.rename
	}
	return d.Disk.Rename(from, to)
}

func (d disk) SyncDir(dir string) error {
	if d.sync != nil {
		return d.sync
	}
	return d.Disk.SyncDir(dir)
}

// What fails leaves the old file; what is not known to be durable is told of.
func TestReplaceFails(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name   string
		disk   disk
		create func(string) (*os.File, error)
		want   string
	}{
		{"create", disk{}, func(string) (*os.File, error) { return nil, broken }, "old"},
		{"write", disk{}, func(name string) (*os.File, error) { // one that can only be read
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				return nil, err
			}
			return os.Open(name)
		}, "old"},
		{"rename", disk{rename: broken}, create, "old"},
		{"sync", disk{sync: broken}, create, "new"},
	} {
		dir := t.TempDir()
		name := filepath.Join(dir, "record")
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Replace(tt.disk, name, []byte("new"), tt.create); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
		if got, _ := os.ReadFile(name); string(got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if names, _ := tt.disk.List(dir); len(names) != 1 {
			t.Errorf("%s: %q are left", tt.name, names)
		}
	}
}

func TestDisk(t *testing.T) {
	d, dir := Disk{}, filepath.Join(t.TempDir(), "dir")
	for _, want := range []bool{true, false} {
		if made, err := d.Mkdir(dir); made != want || err != nil {
			t.Errorf("Mkdir: %v, %v, want %v", made, err, want)
		}
	}
	if err := d.Remove(filepath.Join(dir, "nothing")); err != nil {
		t.Error(err)
	}
	if err := d.SyncDir(filepath.Join(dir, "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("SyncDir: %v", err)
	}
	if err := d.Remove(dir); err != nil {
		t.Error(err)
	}
}

func TestReadAll(t *testing.T) {
	if got, err := ReadAll(strings.NewReader("four"), "f", 4); string(got) != "four" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ReadAll(strings.NewReader("five5"), "f", 4); !errors.Is(err, ErrTooLong) || !strings.Contains(err.Error(), "f: ") {
		t.Errorf("%v", err)
	}
}
