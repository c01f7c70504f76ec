package dhcp

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func makePipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A hook runs the script that etc has for udhcpc, as udhcpc does.
type hook struct {
	t   *testing.T
	dir string // stands for /var/run/tipring
}

func (h hook) run(event string, env ...string) {
	h.t.Helper()
	cmd := exec.Command("/bin/sh", "../../etc/udhcpc-tipring.sh", event)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TIPRING_RUN_DIR=" + h.dir}, env...)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		h.t.Errorf("%s %q: %v, %s", event, env, err, out)
	}
}

func (h hook) files() (names []string) {
	h.t.Helper()
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (h hook) text(name string) string {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

func TestUdhcpcScript(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"run", "proc"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "proc/uptime"), uptime, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	h := hook{t, filepath.Join(root, "run/tipring")}

	h.run("bound", "interface=eth0", "lease=3600", "ip=10.9.0.59", "tftp=prov.example", "bootfile=fw.bin;a b.cfg",
		"opt43=0103616263", "opt150=0a0900010a090002", "sipsrv=10.9.0.1", "sname=x\nopt43=00", "opt160=ü")
	info, err := os.Stat(h.dir)
	if err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("its directory: %v, %v", info, err)
	}
	f, err := Find(root, "eth0", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[byte]string{66: "prov.example", 67: "fw.bin;a b.cfg", 43: "\x01\x03abc", 150: "\x0a\x09\x00\x01\x0a\x09\x00\x02", 120: "\x01\x0a\x09\x00\x01"} {
		if got := string(f.Options[code]); got != want {
			t.Errorf("option %d is %q, want %q", code, got, want)
		}
	}
	if len(f.Options) != 5 || f.Expires.Sub(f.Obtained) != time.Hour {
		t.Errorf("found %+v: want neither what has a line's end nor what is not ASCII, and an hour", f)
	}

	h.run("renew", "interface=eth0", "lease=60", "tftp=bad")
	if f, err = Find(root, "eth0", time.Now()); err != nil || len(f.Options) != 0 || !slices.Equal(f.Lost, []byte{66}) {
		t.Errorf("after renewal: %+v, %v", f, err)
	}
	for _, event := range []string{"leasefail", "nak", ""} {
		h.run(event, "interface=eth0")
	}
	if got := h.files(); !slices.Equal(got, []string{"udhcpc-eth0.lease"}) {
		t.Errorf("files %q", got)
	}
	h.run("deconfig", "interface=eth0")
	h.run("deconfig", "interface=eth0")
	for _, name := range []string{"", "../eth0", ".eth0", "a/b", "a b", "eth0\n"} {
		h.run("bound", "interface="+name, "tftp=x")
	}
	h.run("bound", "tftp=x")
	if got := h.files(); len(got) != 0 {
		t.Errorf("files %q, want none: the lease was given up, and the other names are no interface's", got)
	}
}

// Sourced, as OpenWrt does it, the script neither ends its caller nor changes it.
func TestUdhcpcScriptSourced(t *testing.T) {
	const caller = `file=mine dir=mine; set >"$0/before"; . ../../etc/udhcpc-tipring.sh "$@"; set >"$0/after"
command -v tipring_udhcpc keep; case $- in *u*) echo strict ;; esac; echo went on`
	dir := t.TempDir()
	h := hook{t, dir}
	cmd := exec.Command("/bin/sh", "-c", caller, dir, "bound")
	cmd.Env = append(os.Environ(), "interface=eth0", "TIPRING_RUN_DIR="+dir)
	out, err := cmd.CombinedOutput()
	if _, missing := os.Stat(filepath.Join(dir, "udhcpc-eth0.lease")); missing != nil || string(out) != "went on\n" {
		t.Errorf("caller printed %q, %v; %v", out, err, missing)
	}
	if before, after := h.text("before"), h.text("after"); before != after {
		t.Errorf("variables before:\n%s\nafter:\n%s", before, after)
	}
}
