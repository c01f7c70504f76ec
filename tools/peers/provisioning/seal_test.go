package provisioning

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
)

// A sealer is where files are sealed, by tipring seal.
type sealer struct {
	t       *testing.T
	host    *netlab.Host
	dir     string
	verify  string // for devices
	key     string // of the device
	secrets []string
	files   int
}

func newSealer(t *testing.T, w *world) *sealer {
	t.Helper()
	s := &sealer{t: t, host: w.host, dir: netlab.WorkDir(t)}
	s.command("--new-key", s.path("device.key"))
	out := s.command("--new-sign", s.path("sign.key"))
	for _, word := range strings.Fields(out) {
		if len(word) == 64 {
			s.verify = word
		}
	}
	s.key = s.digits("device.key")
	s.secrets = []string{s.key}
	if len(s.key) != 64 || s.verify == "" {
		t.Fatalf("keys %q, %q of %s", s.key, s.verify, out)
	}
	return s
}

func (s *sealer) path(name string) string { return filepath.Join(s.dir, name) }

// digits are those of a key's file.
func (s *sealer) digits(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, word := range strings.Fields(string(text)) {
		if len(word) == 64 {
			return word
		}
	}
	return ""
}

func (s *sealer) command(args ...string) string {
	s.t.Helper()
	out, err := s.host.Run(agent.Binary(), append([]string{"seal"}, args...)...)
	if err != nil {
		s.t.Fatalf("tipring seal %q: %v: %s", args, err, out)
	}
	return out
}

// keys are what a device needs to open the files.
func (s *sealer) keys(c agent.Ini) agent.Ini {
	return c.Set("provisioning", "seal_key", s.key).Set("provisioning", "verify_key", s.verify)
}

// seal seals a text for a device; more is of the command line.
func (s *sealer) seal(text, device string, version int, more ...string) string {
	s.t.Helper()
	s.files++
	in, out := s.path(fmt.Sprint(s.files, ".in")), s.path(fmt.Sprint(s.files, ".out"))
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	args := []string{"--key", s.path("device.key"), "--sign", s.path("sign.key"), "--device", device, "--version", fmt.Sprint(version)}
	s.command(append(append(args, more...), in, out)...)
	sealed, err := os.ReadFile(out)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(sealed)
}
