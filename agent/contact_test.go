package agent

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/internal/config"
)

// After a power cut the line registers the Contact that its server still has bound.
func TestContactOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	born := func() contactKey { return (&Agent{dir: dir, log: slog.New(slog.DiscardHandler)}).contactKey() }
	one := &config.Line{N: 1, Username: "1001", RegisterAddr: "pbx.example"}
	first := born().user(one)
	if len(first) != 16 {
		t.Errorf("contact %q, want 64 bits as hex digits", first)
	}
	if again := born().user(one); again != first {
		t.Errorf("contact %s after a restart, want %s", again, first)
	}
	for what, other := range map[string]*config.Line{
		"line":    {N: 2, Username: "1001", RegisterAddr: "pbx.example"},
		"account": {N: 1, Username: "1002", RegisterAddr: "pbx.example"},
		"server":  {N: 1, Username: "1001", RegisterAddr: "other.example"},
	} {
		if born().user(other) == first {
			t.Errorf("another %s has the same contact", what)
		}
	}
	file := filepath.Join(dir, contactKeyName)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v, want mode 0600", contactKeyName, info.Mode(), err)
	}

	if err := os.WriteFile(file, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	mended := born().user(one)
	if mended == first || born().user(one) != mended {
		t.Error("a damaged file is not replaced by a good one")
	}
}

func TestLineRegistersItsContact(t *testing.T) {
	server := newRegistry(t)
	r := start(t, base+line(1, server.port))
	r.until("registered", func() bool { return r.registered(1) })
	want := r.sip.Load().contacts.user(r.unit(1).cfg)
	if at := server.contact("1001"); !strings.HasPrefix(at, "sip:"+want+"@") {
		t.Errorf("bound at %s, want user %s", at, want)
	}
}
