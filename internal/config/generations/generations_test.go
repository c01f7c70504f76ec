package generations

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tipring/internal/config"
)

var made = time.Date(2026, 11, 22, 1, 2, 3, 4e6, time.UTC)

// opened is a store on the real disk.
func opened(t *testing.T, dir string) (*Store, Report) {
	t.Helper()
	s, r, err := Open(dir, Options{Now: func() time.Time { return made }})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s, r
}

func onDisk(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "config", name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func edit(t *testing.T, dir, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, "config", localFile), []byte(text), 0o600))
}

func inForce(t *testing.T, s *Store) string {
	t.Helper()
	g, ok := s.Current()
	return mark(g, ok)
}

func wrote(t *testing.T, s *Store, c Content, v Verdict) int {
	t.Helper()
	n, err := s.Write(c)
	must(t, err)
	must(t, s.Switch(n, v))
	return n
}

// What was written is what is read, over a restart too, in every part.
func TestAGenerationComesBackAsItWas(t *testing.T) {
	layer := func(rank config.Rank, name, source string, text []byte, settings ...config.Setting) config.Layer {
		return config.Layer{Rank: rank, Name: name, Source: source, Text: text, Settings: settings}
	}
	odd := []byte("\ufeff[sip1]\r\nauth_password = \x00\xff;#\\ \"x\"\r\n\tno end")
	for _, c := range []Content{
		{By: ByProvision, Local: []byte{}},
		{By: ByPage, Local: odd},
		{By: ByFile, Key: "00ff", Local: []byte("[sip1]\n"), Provisioned: []config.Layer{
			layer(config.Provisioned, "name", "radius:192.0.2.1:1812", nil,
				config.Setting{Section: "sip1", Key: "username", Value: "<&> \u2028 é", Line: 12},
				config.Setting{Section: "port1", Key: "ani"}),
			layer(config.Provisioned, "https://h/x.cfg", "https://h/x.cfg", odd),
			layer(config.Provisioned, "", "", []byte{}),
		}},
	} {
		dir := t.TempDir()
		s, _ := opened(t, dir)
		n := wrote(t, s, c, Trial)
		want := Generation{N: n, Made: made, Verdict: Trial, Content: c}
		if g, ok := s.Current(); !ok || !reflect.DeepEqual(g, want) {
			t.Errorf("got %+v, want %+v", g, want)
		}
		must(t, s.Close())
		s, r := opened(t, dir)
		if lines := r.Lines(); len(lines) > 0 {
			t.Errorf("report: %v", lines)
		}
		if g, err := s.Load(n); err != nil || !reflect.DeepEqual(g, want) {
			t.Errorf("after a restart: %+v, %v", g, err)
		}
		list := s.List()
		if len(list) != 1 || list[0].N != n || list[0].By != c.By || list[0].Key != c.Key || list[0].Verdict != Trial || list[0].Local != nil {
			t.Errorf("list: %+v", list)
		}
		if got := onDisk(t, dir, localFile); got != string(c.Local) {
			t.Errorf("local.ini: %q", got)
		}
	}
}

func TestWriteRefusesWhatCannotBeKept(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	settings := func(s config.Setting) Content {
		return Content{By: ByPage, Provisioned: []config.Layer{config.SettingsLayer("radius:x", []config.Setting{s})}}
	}
	for name, c := range map[string]Content{
		"by nobody":          {},
		"a key of words":     {By: ByPage, Key: "key"},
		"a key too long":     {By: ByPage, Key: strings.Repeat("a", MaxKey+2)},
		"too much local":     {By: ByPage, Local: make([]byte, config.MaxText+1)},
		"too much text":      {By: ByPage, Provisioned: []config.Layer{config.ProvisionedLayer("x", make([]byte, config.MaxText+1))}},
		"too many layers":    {By: ByPage, Provisioned: make([]config.Layer, MaxLayers+1)},
		"a local layer":      {By: ByPage, Provisioned: []config.Layer{config.LocalLayer("x", nil)}},
		"a source of octets": {By: ByPage, Provisioned: []config.Layer{config.ProvisionedLayer("\xff", nil)}},
		"a value of octets":  settings(config.Setting{Section: "sip1", Key: "username", Value: "\xff"}),
		"a section of them":  settings(config.Setting{Section: "\xff", Key: "username"}),
	} {
		if n, err := s.Write(c); err == nil || n != 0 {
			t.Errorf("%s: generation %d", name, n)
		}
	}
	if len(s.List()) != 0 {
		t.Errorf("list: %+v", s.List())
	}
}

// Secrets are in these files.
func TestOnlyTheOwnerReads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	s, _ := opened(t, dir)
	wrote(t, s, content(ByPage, "p1", "l1"), Good)
	edit(t, dir, string(localText("edit")))
	must(t, s.Switch(wrote(t, s, content(ByPage, "p2", "l2"), Good), Good))
	files := 0
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		want := os.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if files++; info.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v", path, info.Mode().Perm(), want)
		}
		return nil
	}))
	if files < 16 {
		t.Errorf("%d files", files)
	}
}

// Three are kept; never given up are what is in force, the newest good one and the one on
// trial.
func TestPruning(t *testing.T) {
	for _, tt := range []struct {
		name     string
		verdicts []Verdict // of generations written one after the other, each switched to
		back     int       // switch back to this one in the end
		kept     []int
	}{
		{"one", []Verdict{Good}, 0, []int{1}},
		{"all good", []Verdict{Good, Good, Good, Good, Good}, 0, []int{3, 4, 5}},
		{"an old good one", []Verdict{Good, Bad, Bad, Bad, Bad}, 0, []int{1, 4, 5}},
		{"two old good ones", []Verdict{Good, Good, Bad, Bad, Bad, Bad}, 0, []int{2, 5, 6}},
		{"rolled back", []Verdict{Good, Bad, Bad}, 1, []int{1, 2, 3}},
		{"rolled back, and the other on trial", []Verdict{Good, Unproven, Unproven, Trial}, 1, []int{1, 3, 4}},
		{"never good", []Verdict{Unproven, Unproven, Unproven, Unproven}, 0, []int{2, 3, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s, _ := opened(t, dir)
			for i, v := range tt.verdicts {
				n := wrote(t, s, content(ByPage, fmt.Sprint("p", i+1), ""), Unproven)
				must(t, s.Judge(n, v))
			}
			if tt.back != 0 {
				must(t, s.Switch(tt.back, Good))
			}
			var numbers []int
			for _, g := range s.List() {
				numbers = append(numbers, g.N)
			}
			if !slices.Equal(numbers, tt.kept) {
				t.Errorf("kept %v, want %v", numbers, tt.kept)
			}
			entries, err := os.ReadDir(filepath.Join(dir, "config", "generations"))
			must(t, err)
			if len(entries) != len(tt.kept) {
				t.Errorf("on the disk: %v", entries)
			}
		})
	}
}

// Numbers are not given twice, whatever was removed in between.
func TestNumbersOnlyGrow(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, dir)
	last := 0
	for i := range 6 {
		n := wrote(t, s, content(ByPage, fmt.Sprint("p", i), ""), Good)
		if n != last+1 {
			t.Errorf("%d after %d", n, last)
		}
		last = n
		if i == 3 {
			must(t, s.Reset())
		}
		must(t, s.Close())
		s, _ = opened(t, dir)
	}
}

func TestVerdicts(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, dir)
	a := wrote(t, s, content(ByProvision, "a", ""), Trial)
	b := wrote(t, s, content(ByProvision, "b", ""), Trial)
	keyA, keyB := content("", "a", "").Key, content("", "b", "").Key
	verdicts := func() (v [2]Verdict) {
		for i, g := range s.List() {
			v[i] = g.Verdict
		}
		return v
	}
	if got, want := verdicts(), [2]Verdict{Unproven, Trial}; got != want {
		t.Errorf("two on trial: %v, want %v", got, want)
	}
	steps := []struct {
		do         func() error
		want       [2]Verdict
		badA, badB bool
	}{
		{func() error { return s.Judge(a, Bad) }, [2]Verdict{Bad, Trial}, true, false},
		{func() error { return s.Judge(b, Bad) }, [2]Verdict{Bad, Bad}, true, true},
		{func() error { return s.Judge(b, Trial) }, [2]Verdict{Bad, Trial}, true, true},
		{func() error { return s.Judge(a, Trial) }, [2]Verdict{Trial, Unproven}, true, true},
		{func() error { return s.Switch(a, Good) }, [2]Verdict{Good, Unproven}, false, true},
		{func() error { return s.Judge(b, Good) }, [2]Verdict{Good, Good}, false, false},
		{func() error { return s.Judge(b, Bad) }, [2]Verdict{Good, Bad}, false, true},
	}
	for i, step := range steps {
		must(t, step.do())
		if got := verdicts(); got != step.want || s.Bad(keyA) != step.badA || s.Bad(keyB) != step.badB {
			t.Errorf("step %d: %v, bad %v %v, want %v, %v %v", i, got, s.Bad(keyA), s.Bad(keyB), step.want, step.badA, step.badB)
		}
	}
	for name, err := range map[string]error{"nothing": s.Judge(99, Good), "nothing to switch to": s.Switch(99, Good), "nothing to load": func() error { _, err := s.Load(99); return err }()} {
		if !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.Switch(a, Bad) == nil || s.Switch(a, "fine") == nil || s.Judge(a, "fine") == nil || s.Bad("") {
		t.Error("a verdict that makes no sense was taken")
	}
	must(t, s.Close())
	if s, _ = opened(t, dir); verdicts() != steps[len(steps)-1].want || !s.Bad(keyB) || s.Bad(keyA) {
		t.Errorf("after a restart: %v", verdicts())
	}
}

func TestBadKeysAreBounded(t *testing.T) {
	s, _ := opened(t, t.TempDir())
	for i := range MaxBad + 5 {
		n := wrote(t, s, Content{By: ByProvision, Key: fmt.Sprintf("%04x", i)}, Trial)
		must(t, s.Judge(n, Bad))
	}
	if s.Bad("0004") || !s.Bad("0005") || !s.Bad(fmt.Sprintf("%04x", MaxBad+4)) {
		t.Error("not the newest are remembered")
	}
}

func TestMemory(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, dir)
	m := Memory{
		Source: "dhcp:66", URL: "https://h/x", ETag: `W/"x"`, LastModified: "Sun, 22 Nov 2026 01:02:03 GMT", Key: "abcd",
		Seal: 1795312345, Clock: made, Failure: "404", Failures: 3,
	}
	must(t, s.Remember(m))
	must(t, s.Close())
	s, _ = opened(t, dir)
	if got := s.Memory(); got != m {
		t.Errorf("got %+v, want %+v", got, m)
	}
	must(t, s.Remember(Memory{Seal: 7}))
	if got := s.Memory(); got != (Memory{Seal: m.Seal}) {
		t.Errorf("the version went down: %+v", got)
	}
	for _, wrong := range []Memory{
		{ETag: strings.Repeat("x", MaxMemo+1)}, {URL: "\xff"}, {Source: strings.Repeat("x", MaxMemo+1)}, {Key: "x"}, {Failures: -1}, {Clock: time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if s.Remember(wrong) == nil {
			t.Errorf("%.60v was taken", wrong)
		}
	}
	if got := s.Memory(); got != (Memory{Seal: m.Seal}) {
		t.Errorf("changed by a refused one: %+v", got)
	}
}

// What is equal is not written again: flash wears.
func TestWhatIsEqualIsNotWritten(t *testing.T) {
	m := prepared(t, "", nil)
	s, _ := mustOpen(t, m)
	must(t, s.Remember(Memory{Key: "11"}))
	m.Settle()
	must(t, s.Remember(Memory{Key: "11"}))
	must(t, s.Judge(2, Good))
	must(t, s.Switch(2, Good))
	if m.Done() > 0 {
		t.Errorf("%d changes on the disk", m.Done())
	}
}

func TestReset(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, dir)
	if _, ok := s.Current(); ok {
		t.Error("something is in force on a new device")
	}
	must(t, s.Remember(Memory{ETag: "x", Seal: 5, Clock: made, Failures: 2}))
	n := wrote(t, s, content(ByProvision, "p1", "l1"), Good)
	must(t, s.Judge(n, Bad))
	edit(t, dir, "[sip1]\n")
	wrote(t, s, content(ByProvision, "p2", "l2"), Good)
	if got := onDisk(t, dir, asideFile); got != "[sip1]\n" {
		t.Errorf("put aside: %q", got)
	}
	must(t, s.Reset())
	var left []string
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		left = append(left, d.Name())
		return err
	}))
	if want := []string{"config", "generations", "lock", stateFile}; !slices.Equal(left[1:], want) {
		t.Errorf("left: %v, want %v", left[1:], want)
	}
	if inForce(t, s) != "factory" || len(s.List()) != 0 || s.Bad(content("", "p1", "").Key) || s.Memory() != (Memory{Seal: 5, Clock: made}) {
		t.Errorf("%s in force, %v, %+v", inForce(t, s), s.List(), s.Memory())
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, dir)
	_, _, err := Open(dir, Options{})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), filepath.Join(dir, "config", "lock")) {
		t.Errorf("second one: %v", err)
	}
	must(t, s.Close())
	opened(t, dir)
	if _, err := s.Write(content(ByPage, "p", "l")); err == nil {
		t.Error("a closed store writes")
	}
	if _, ok := s.Current(); ok {
		t.Error("a closed store has a configuration")
	}
}

func TestSeveralGoroutines(t *testing.T) {
	dir := t.TempDir()
	s, _ := opened(t, dir)
	wrote(t, s, content(ByPage, "p", "l"), Good)
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			for j := range 8 {
				if n, err := s.Write(content(ByPage, fmt.Sprint("p", i, j), "l")); err != nil {
					t.Error(err)
				} else if err := s.Switch(n, Good); err != nil && !errors.Is(err, ErrNone) {
					t.Error(err) // somebody else's may have pruned it
				}
				if err := s.Remember(Memory{Failures: j}); err != nil {
					t.Error(err)
				}
				if got := inForce(t, s); got == "factory" || got == "mixed" {
					t.Error(got)
				}
				s.List()
				s.Memory()
			}
		})
	}
	work.Wait()
	must(t, s.Close())
	if _, r := opened(t, dir); len(r.Lines()) > 0 {
		t.Errorf("%v", r.Lines())
	}
}

// The state directory may be somewhere that cannot be a directory.
func TestOpenErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, nil, 0o600))
	if _, _, err := Open(path, Options{}); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), path) {
		t.Errorf("in a file: %v", err)
	}
}
