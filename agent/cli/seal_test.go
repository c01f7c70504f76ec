package cli

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/internal/config"
	"tipring/provisioning/seal"
)

// A workshop is a directory with a device's key, a signing key and a file to seal.
type workshop struct {
	t      *testing.T
	dir    string
	keys   seal.Keys
	verify string
}

func newWorkshop(t *testing.T) *workshop {
	w := &workshop{t: t, dir: t.TempDir()}
	out, errs, status := w.run("--new-key", w.path("key"), "--new-sign", w.path("sign"))
	if status != 0 || errs != "" {
		t.Fatalf("keys: status %d, %s", status, errs)
	}
	text, err := os.ReadFile(w.path("key"))
	if err != nil {
		t.Fatal(err)
	}
	if w.keys.Key, err = seal.ParseKey(string(text)); err != nil || strings.Contains(out, strings.TrimSpace(string(text))) {
		t.Fatalf("the key is shown, or is none: %v", err)
	}
	_, w.verify, _ = strings.Cut(out, "verify_key = ")
	if w.keys.Verify, err = seal.ParseVerify(w.verify); err != nil {
		t.Fatalf("verify_key of %q: %v", out, err)
	}
	w.keys.MAC = config.MAC{0x0C, 0x38, 0x3E, 0, 0, 1}
	w.keys.Now = time.Now()
	w.write("in.ini", "[sip1]\nauth_password = S3CRET\n")
	return w
}

func (w *workshop) path(name string) string { return filepath.Join(w.dir, name) }

func (w *workshop) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *workshop) run(args ...string) (out, errs string, status int) {
	var o, e bytes.Buffer
	status = Main(append([]string{"seal"}, args...), &o, &e, Hooks{})
	return o.String(), e.String(), status
}

func (w *workshop) open(name string) (string, seal.Header, error) {
	data, err := os.ReadFile(w.path(name))
	if err != nil {
		return "", seal.Header{}, err
	}
	payload, h, err := seal.Open(data, w.keys)
	return string(payload), h, err
}

func TestSealMakesAFileThatTheDeviceOpens(t *testing.T) {
	w := newWorkshop(t)
	for _, tt := range []struct {
		name    string
		flags   []string
		device  string
		version uint64 // 0: the time
		expires string
		says    string
	}{
		{"plain", nil, "", 0, "", "for any device that has the key"},
		{"for a device", []string{"--device", "0C-38-3E-00-00-01"}, "0c383e000001", 0, "", "for device 0C-38-3E-00-00-01"},
		{"version and day", []string{"--version", "7", "--expires", "2199-12-31"}, "", 7, "2199-12-31T00:00:00Z", "version 7, expires 2199-12-31T00:00:00Z"},
		{"version and time", []string{"--version", "8", "--expires", "2199-12-31T18:00:00+02:00"}, "", 8, "2199-12-31T16:00:00Z", "version 8"},
	} {
		args := append([]string{"--key", w.path("key"), "--sign", w.path("sign"), w.path("in.ini"), w.path("out")}, tt.flags...)
		before := uint64(time.Now().Unix())
		out, errs, status := w.run(args...)
		if status != 0 || errs != "" || !strings.Contains(out, tt.says) || !strings.Contains(out, strings.TrimSpace(w.verify)) || strings.Contains(out, "S3CRET") {
			t.Fatalf("%s: status %d, %q, %q", tt.name, status, out, errs)
		}
		payload, h, err := w.open("out")
		if err != nil || payload != "[sip1]\nauth_password = S3CRET\n" || h.Device != tt.device {
			t.Errorf("%s: %q, %+v, %v", tt.name, payload, h, err)
		}
		if tt.version != 0 && h.Version != tt.version || tt.version == 0 && h.Version-before > 60 {
			t.Errorf("%s: version %d", tt.name, h.Version)
		}
		if tt.expires == "" && !h.Expires.IsZero() || tt.expires != "" && h.Expires.Format(time.RFC3339) != tt.expires {
			t.Errorf("%s: expires %v", tt.name, h.Expires)
		}
	}
	left, err := os.ReadDir(w.dir)
	if err != nil || len(left) != 4 { // in.ini key out sign
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestSealKeysAreFilesOfTheirOwner(t *testing.T) {
	w := newWorkshop(t)
	for _, name := range []string{"key", "sign"} {
		info, err := os.Stat(w.path(name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		before, _ := os.ReadFile(w.path(name))
		if _, errs, status := w.run("--new-"+name, w.path(name)); status != 1 || !strings.Contains(errs, "exists") {
			t.Errorf("%s once more: status %d, %s", name, status, errs)
		}
		if after, _ := os.ReadFile(w.path(name)); !bytes.Equal(before, after) {
			t.Errorf("%s was written over", name)
		}
	}
	sign, err := os.ReadFile(w.path("sign"))
	if err != nil {
		t.Fatal(err)
	}
	if key, err := seal.ParseSign(string(sign)); err != nil || !key.Public().(ed25519.PublicKey).Equal(w.keys.Verify) {
		t.Errorf("verify_key is not that of the signing key: %v", err)
	}
}

func TestSealTakesDigitsAndWarns(t *testing.T) {
	w := newWorkshop(t)
	digits, _ := os.ReadFile(w.path("key"))
	_, errs, status := w.run("--key", strings.TrimSpace(string(digits)), "--sign", w.path("sign"), w.path("in.ini"), w.path("out"))
	if status != 0 || !strings.Contains(errs, "other users of this machine") {
		t.Errorf("status %d, %q", status, errs)
	}
	if _, _, err := w.open("out"); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(w.path("sign"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, errs, status = w.run("--key", w.path("key"), "--sign", w.path("sign"), w.path("in.ini"), w.path("out"))
	if status != 0 || !strings.Contains(errs, "chmod 600") {
		t.Errorf("a key for all to read: status %d, %q", status, errs)
	}
}

func TestSealRefuses(t *testing.T) {
	w := newWorkshop(t)
	w.write("page.html", "<html>login</html>")
	w.write("cut.cfg", "<<VOIP CONFIG FILE>>Version:1\nSIP1 Register Pswd:S3CRET\n")
	w.write("big", strings.Repeat("#", seal.MaxPayload+1))
	w.write("short", "0000")
	w.write("kept", "as it was")
	if err := os.Mkdir(w.path("dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	key, sign := "--key="+w.path("key"), "--sign="+w.path("sign")
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"nothing", nil, 2, "are wanted"},
		{"no keys", []string{w.path("in.ini"), w.path("kept")}, 2, "--key, --sign"},
		{"no signing key", []string{key, w.path("in.ini"), w.path("kept")}, 2, "--sign"},
		{"one file", []string{key, sign, w.path("in.ini")}, 2, "OUT"},
		{"three files", []string{key, sign, w.path("in.ini"), w.path("kept"), "x"}, 2, `"x"`},
		{"keys and files", []string{"--new-key", w.path("n"), w.path("in.ini")}, 2, "by themselves"},
		{"keys exchanged", []string{"--key", w.path("sign"), "--sign", w.path("key"), w.path("in.ini"), w.path("kept")}, 1, "signing key"},
		{"a key that is none", []string{"--key", w.path("short"), sign, w.path("in.ini"), w.path("kept")}, 1, "64 hex digits"},
		{"a signing key that is none", []string{key, "--sign", w.path("short"), w.path("in.ini"), w.path("kept")}, 1, "--new-sign"},
		{"no such key", []string{"--key", w.path("none"), sign, w.path("in.ini"), w.path("kept")}, 1, "no such file"},
		{"no such file", []string{key, sign, w.path("none"), w.path("kept")}, 1, "no such file"},
		{"an HTML page", []string{key, sign, w.path("page.html"), w.path("kept")}, 1, "HTML"},
		{"a file that is cut short", []string{key, sign, w.path("cut.cfg"), w.path("kept")}, 1, "cut short"},
		{"a file that is too big", []string{key, sign, w.path("big"), w.path("kept")}, 1, "more than"},
		{"a directory", []string{key, sign, w.path("dir"), w.path("kept")}, 1, "not a regular file"},
		{"into a directory", []string{key, sign, w.path("in.ini"), w.path("dir")}, 1, "not a regular file"},
		{"into a device", []string{key, sign, w.path("in.ini"), os.DevNull}, 1, "not a regular file"},
		{"into nowhere", []string{key, sign, w.path("in.ini"), w.path("none/out")}, 1, "no such file"},
		{"version 0", []string{key, sign, "--version", "0", w.path("in.ini"), w.path("kept")}, 2, "from 1 up"},
		{"a version that is none", []string{key, sign, "--version", "v2", w.path("in.ini"), w.path("kept")}, 2, "from 1 up"},
		{"a date that is none", []string{key, sign, "--expires", "tomorrow", w.path("in.ini"), w.path("kept")}, 2, "2030-12-31"},
		{"a date that is over", []string{key, sign, "--expires", "2001-01-01", w.path("in.ini"), w.path("kept")}, 1, "is over"},
		{"a device that is none", []string{key, sign, "--device", "a b", w.path("in.ini"), w.path("kept")}, 1, "MAC address or a serial"},
	} {
		out, errs, status := w.run(tt.args...)
		if status != tt.status || !strings.Contains(errs, tt.says) || strings.Contains(out+errs, "S3CRET") {
			t.Errorf("%s: status %d, %q, %q", tt.name, status, out, errs)
		}
	}
	if text, err := os.ReadFile(w.path("kept")); err != nil || string(text) != "as it was" {
		t.Errorf("a file that was there: %q, %v", text, err)
	}
	if _, err := os.Stat(w.path("n")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key was made: %v", err)
	}
}
