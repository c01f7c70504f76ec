package agent

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tipring/internal/config"
)

// A home is the files of a device that is started several times.
type home struct {
	t   *testing.T
	dir string
}

func newHome(t *testing.T) home {
	h := home{t, t.TempDir()}
	h.put("factory.ini", nowhere)
	return h
}

func (h home) path(name string) string { return filepath.Join(h.dir, name) }

func (h home) put(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h home) options(file string, log *syncBuffer) Options {
	return Options{Files: config.Files{Factory: h.path("factory.ini"), File: h.path(file), StateDir: h.path("state")}, Version: "test", Stderr: log}
}

// start runs the device with the operator's file of that name until end.
func (h home) start(file string) (r *rig, end func()) {
	h.t.Helper()
	r = &rig{t: h.t, file: h.path(file), log: &syncBuffer{}}
	a, err := New(h.options(file, r.log))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Agent = a
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	ended := false
	end = func() {
		if cancel(); !ended {
			ended = true
			if err := <-done; err != nil {
				h.t.Errorf("Run: %v", err)
			}
		}
	}
	h.t.Cleanup(end)
	return r, end
}

// once runs the device with a file that loads.
func (h home) once(text string) {
	h.t.Helper()
	h.put("tipring.ini", text)
	r, end := h.start("tipring.ini")
	if f := (device{r.Agent}).Status().Faults; f != nil {
		h.t.Errorf("faults: %q", f)
	}
	end()
}

func (r *rig) faults() string { return strings.Join((device{r.Agent}).Status().Faults, "\n") }

const faulty = "[sip1]\nregister_port = 70000\n"

// unconfigured checks that a device runs with nothing, and says why.
func (r *rig) unconfigured(why string) {
	r.t.Helper()
	if !strings.Contains(r.faults(), why) || len(*r.lineList.Load()) != 0 {
		r.t.Errorf("%d lines, faults %s", len(*r.lineList.Load()), r.faults())
	}
	if err := (device{r.Agent}).Ready(); err == nil || !strings.Contains(err.Error(), "not configured") {
		r.t.Errorf("ready: %v", err)
	}
}

// A device whose file has faults at the start runs with the one that loaded last, shows the
// faults, and takes settings from the page meanwhile.
func TestTheFilesThatLoadedLastStandIn(t *testing.T) {
	server := newRegistry(t)
	h := newHome(t)
	h.once("# first line\n" + base + line(1, server.port))
	h.put("tipring.ini", base+line(1, server.port)+faulty)

	r, end := h.start("tipring.ini")
	r.until("registered", func() bool { return r.registered(1) })
	r.until("ready", func() bool { return (device{r.Agent}).Ready() == nil })
	if !strings.Contains(r.faults(), "tipring.ini:") || !r.logged("level=ERROR", "configuration refused", "tipring.ini:") || !r.logged("level=WARN", "those that loaded last are in force") {
		t.Errorf("faults %s\n%s", r.faults(), r.log)
	}
	if value, source := r.value("sip1", "username"); value != "1001" || source != "file:"+r.file+":8" {
		t.Errorf("username %s from %s", value, source)
	}
	if value, source := r.value("provisioning", "order"); value != "" || source != "factory:"+h.path("factory.ini")+":2" {
		t.Errorf("order %s from %s", value, source)
	}

	if w := r.http("PUT", "/config", "[sip1]\ndisplay_name = Page\n"); w.Code != 202 || r.config().Line(1).DisplayName != "Page" {
		t.Errorf("the page: %d %s", w.Code, w.Body)
	}
	if w := r.http("PUT", "/config", "[sip1]\nregister_ttl = soon\n"); w.Code != 422 || !strings.Contains(w.Body.String(), "register_ttl") {
		t.Errorf("a fault of the page's: %d %s", w.Code, w.Body)
	}
	if !strings.Contains(r.faults(), "tipring.ini:") {
		t.Errorf("the file's faults are no longer shown: %q", r.faults())
	}
	if err := r.Reload(); err == nil || r.config().Line(1).DisplayName != "Page" || !strings.Contains(r.faults(), "tipring.ini:") {
		t.Errorf("a reload of a file with faults: %v, faults %s", err, r.faults())
	}
	r.reload(base + line(1, server.port) + "[sip2]\nusername = 1002\n")
	if r.faults() != "" || r.config().Line(2) == nil {
		t.Errorf("mended: faults %s", r.faults())
	}
	end()

	h.put("tipring.ini", "nonsense\n")
	r, _ = h.start("tipring.ini")
	if c := r.config(); c.Line(2) == nil || c.Line(1).DisplayName != "Page" || !strings.Contains(r.faults(), "tipring.ini:1") {
		t.Errorf("what a reload brought does not stand in: %s", r.faults())
	}
}

func TestNoFilesStandIn(t *testing.T) {
	server := newRegistry(t)
	good := base + line(1, server.port)
	for _, tt := range []struct {
		name, file, why string
		prepare         func(h home)
	}{
		{"there never were any", "tipring.ini", "register_port", func(home) {}},
		{"the last start had faults too", "tipring.ini", "register_port", func(h home) {
			h.put("tipring.ini", faulty+"x\n")
			_, end := h.start("tipring.ini")
			end()
		}},
		{"another file", "other.ini", "register_port", func(h home) { h.once(good); h.put("other.ini", faulty) }},
		{"the copy is broken", "tipring.ini", "register_port", func(h home) {
			h.once(good)
			h.put("state/config/installed", "tipring-installed 1 2 00\n[]")
		}},
		{"a file that the copy names is gone", "tipring.ini", "register_port", func(h home) {
			cert, _ := certificate(h.t)
			h.put("ca.pem", string(cert))
			h.once(good + "[provisioning]\ntls_ca_file = " + h.path("ca.pem") + "\n")
			if err := os.Remove(h.path("ca.pem")); err != nil {
				h.t.Fatal(err)
			}
		}},
		{"a copy that is older than the generation, and does not go with it", "tipring.ini", "register_port", func(h home) {
			h.once(good)
			old, err := os.ReadFile(h.path("state/config/installed"))
			if err != nil {
				h.t.Fatal(err)
			}
			h.put("tipring.ini", strings.Replace(good, "[sip]\n", "[sip]\nstun_server = 127.0.0.1\n", 1))
			r, end := h.start("tipring.ini")
			if w := r.http("PUT", "/config", "[sip1]\nuse_stun = 1\n"); w.Code != 202 {
				h.t.Errorf("%d %s", w.Code, w.Body)
			}
			end()
			h.put("state/config/installed", string(old))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHome(t)
			tt.prepare(h)
			h.put(tt.file, faulty)
			r, _ := h.start(tt.file)
			r.unconfigured(tt.why)
			if strings.Contains(r.log.String(), "those that loaded last are in force") {
				t.Errorf("log:\n%s", r.log)
			}
		})
	}
}

// A file that is named and not there keeps the device from starting, as it always did.
func TestAFileThatIsGoneAtTheStart(t *testing.T) {
	h := newHome(t)
	h.once(base)
	if err := os.Remove(h.path("tipring.ini")); err != nil {
		t.Fatal(err)
	}
	if _, err := New(h.options("tipring.ini", &syncBuffer{})); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

// The copy has the secrets of the files, and nobody else reads it.
func TestTheCopyIsPrivate(t *testing.T) {
	h := newHome(t)
	h.once(base + "[sip1]\nauth_password = " + hush + "\n")
	info, err := os.Stat(h.path("state/config/installed"))
	if err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Fatalf("%v, %v", info, err)
	}
	h.put("tipring.ini", "[sip1]\nauth_password = "+hush+"\nx\n")
	r, _ := h.start("tipring.ini")
	if strings.Contains(r.log.String()+r.faults()+r.http("GET", "/config/explain", "").Body.String(), hush) {
		t.Errorf("a secret is told:\n%s", r.log)
	}
	if r.config().Line(1) == nil || r.config().Line(1).AuthPassword != hush {
		t.Error("the copy has lost the password")
	}
}
