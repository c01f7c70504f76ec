package fakedisk

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"tipring/internal/durable"
)

func put(t *testing.T, d *Disk, path, text string, synced bool) {
	t.Helper()
	f, err := d.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if synced {
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
}

func text(d *Disk, path string) string {
	data, ok := d.Text(path)
	if !ok {
		return "none"
	}
	return string(data)
}

// What a cut leaves when nothing that need not have reached the disk did, and when all did.
func TestCut(t *testing.T) {
	rename := func(d *Disk) { _ = d.Rename("/a", "/b") }
	for _, tt := range []struct {
		name        string
		do          func(t *testing.T, d *Disk)
		file        string
		least, most string
	}{
		{"a file and its name", func(t *testing.T, d *Disk) { put(t, d, "/a", "x", true); _ = d.SyncDir("/") }, "/a", "x", "x"},
		{"a file without its name", func(t *testing.T, d *Disk) { put(t, d, "/a", "x", true) }, "/a", "none", "x"},
		{"a name without its file", func(t *testing.T, d *Disk) { put(t, d, "/a", "x", false); _ = d.SyncDir("/") }, "/a", "", "x"},
		{"another name", func(t *testing.T, d *Disk) { put(t, d, "/a", "x", true); _ = d.SyncDir("/"); rename(d) }, "/b", "none", "x"},
		{"another name, synced", func(t *testing.T, d *Disk) { put(t, d, "/a", "x", true); rename(d); _ = d.SyncDir("/") }, "/b", "x", "x"},
		{"removed", func(t *testing.T, d *Disk) { put(t, d, "/a", "x", true); _ = d.SyncDir("/"); _ = d.Remove("/a") }, "/a", "x", "none"},
	} {
		d := New()
		tt.do(t, d)
		for seed, want := range []string{tt.least, tt.most} {
			if got := text(d.Crash(d.Done(), Keeps(uint64(seed))), tt.file); got != want {
				t.Errorf("%s, %d: %q, want %q", tt.name, seed, got, want)
			}
		}
		d.Settle()
		if got := text(d.Crash(0, Keeps(0)), tt.file); got != tt.most {
			t.Errorf("%s, settled: %q, want %q", tt.name, got, tt.most)
		}
	}
}

// A sector is there or not; a file may have its length without its content.
func TestTorn(t *testing.T) {
	d := New()
	content := make([]byte, 4*sector)
	for i := range content {
		content[i] = 1
	}
	put(t, d, "/a", string(content), false)
	_ = d.SyncDir("/")
	whole, torn, zeros := 0, 0, 0
	for seed := range uint64(200) {
		data, ok := d.Crash(d.Done(), Keeps(seed)).Text("/a")
		if !ok || len(data)%sector != 0 {
			t.Fatalf("seed %d: %v, %d octets", seed, ok, len(data))
		}
		for at := 0; at < len(data); at += sector {
			for _, octet := range data[at : at+sector] {
				if octet != data[at] {
					t.Fatalf("seed %d: half a sector", seed)
				}
			}
			if data[at] == 0 {
				zeros++
			}
		}
		if string(data) == string(content) {
			whole++
		} else {
			torn++
		}
	}
	if whole == 0 || torn == 0 || zeros == 0 {
		t.Errorf("%d whole, %d torn, %d sectors of zeros", whole, torn, zeros)
	}
}

func TestErrors(t *testing.T) {
	d := New()
	put(t, d, "/a", "four", true)
	if _, err := d.Read("/a", 3); !errors.Is(err, durable.ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if _, err := d.List("/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("list: %v", err)
	}
	if _, err := d.Edit("/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("edit: %v", err)
	}
	f, _ := d.Edit("/a")
	d.Fail = func(call, path string) error { return syscall.EIO }
	if n, err := f.Write([]byte("1234")); n != 2 || !errors.Is(err, syscall.EIO) || text(d, "/a") != "four12" {
		t.Errorf("a write that fails: %d, %v, %q", n, err, text(d, "/a"))
	}
	for call, err := range map[string]error{
		"sync": f.Sync(), "close": f.Close(), "rename": d.Rename("/a", "/b"), "remove": d.Remove("/a"), "syncdir": d.SyncDir("/"),
	} {
		var where *fs.PathError
		if !errors.As(err, &where) || where.Op != call || !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", call, err)
		}
	}
}
