package generations

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func (m *model) text(t *testing.T, path string) []byte {
	t.Helper()
	data, ok := m.Text(path)
	if !ok {
		t.Fatalf("%s is not there", path)
	}
	return data
}

// damages are what befalls a file on a failing disk.
var damages = map[string]func(m *model, path string){
	"missing":  func(m *model, path string) { m.Put(path, "") },
	"empty":    damage(func(data []byte) []byte { return nil }),
	"cut":      damage(func(data []byte) []byte { return data[:len(data)-1] }),
	"longer":   damage(func(data []byte) []byte { return append(data, 0) }),
	"zeros":    damage(func(data []byte) []byte { return make([]byte, len(data)) }),
	"one bit":  damage(func(data []byte) []byte { data[len(data)/2] ^= 1; return data }),
	"enormous": damage(func(data []byte) []byte { return make([]byte, 9<<20) }),
}

func damage(change func(data []byte) []byte) func(m *model, path string) {
	return func(m *model, path string) { m.Damage(path, change) }
}

// A broken current generation gives way, whole, to the newest good one; without a good one
// to one that is at least not bad; without that local.ini is all there is.
func TestABrokenGenerationFalls(t *testing.T) {
	for _, tt := range []struct {
		name     string
		verdicts [3]Verdict // of one, two and the current three
		edit     string
		want     string
		aside    string
	}{
		{"to the newest good one", [3]Verdict{Good, Good, Good}, "", "p2,l2", "l3"},
		{"past one that is bad", [3]Verdict{Good, Bad, Trial}, "", "p1,l1", "l3"},
		{"past one that is unproven", [3]Verdict{Good, Unproven, Good}, "", "p1,l1", "l3"},
		{"to one that is unproven", [3]Verdict{Bad, Unproven, Good}, "", "p2,l2", "l3"},
		{"to what is in local.ini", [3]Verdict{Bad, Bad, Good}, "", ",l3", ""},
		{"and an edit wins all the same", [3]Verdict{Good, Good, Good}, "edit", "p2,edit", ""},
	} {
		for what, damage := range damages {
			for _, part := range []string{manifestFile, localFile, "1.json", "2.ini"} {
				t.Run(tt.name+", "+part+" "+what, func(t *testing.T) {
					m := prepared(t, "", nil)
					s, _ := mustOpen(t, m)
					must(t, s.Switch(3, Good))
					for i, v := range tt.verdicts {
						must(t, s.Judge(i+1, v))
					}
					must(t, s.Close())
					damage(m, where+"/config/generations/3/"+part)
					if tt.edit != "" {
						m.Put(where+"/config/local.ini", string(localText(tt.edit)))
					}
					s, r := mustOpen(t, m)
					if got := inForce(t, s); got != tt.want || r.Fell != 3 || len(r.Broken) != 1 || !errors.Is(r.Broken[0], ErrBroken) {
						t.Errorf("%s in force, want %s; %v", got, tt.want, r.Lines())
					}
					if !strings.Contains(fmt.Sprint(r.Lines()), "generation 3") {
						t.Errorf("the report does not name it: %v", r.Lines())
					}
					if tt.aside != "" && string(m.text(t, where+"/config/"+asideFile)) != string(localText(tt.aside)) {
						t.Error("what local.ini was is lost")
					}
					must(t, s.Close())
					settled(t, m, tt.want)
				})
			}
		}
	}
}

// It may break while the program runs, too.
func TestCurrentFallsToo(t *testing.T) {
	m := prepared(t, "", nil)
	s, _ := mustOpen(t, m)
	damages["one bit"](m, where+"/config/generations/2/2.ini")
	if got := inForce(t, s); got != "p3,l3" {
		t.Errorf("%s in force", got)
	}
	must(t, s.Close())
	settled(t, m, "p3,l3")
}

func TestABrokenGenerationIsNotSwitchedTo(t *testing.T) {
	m := prepared(t, "", nil)
	s, _ := mustOpen(t, m)
	damages["cut"](m, where+"/config/generations/1/1.json")
	for name, err := range map[string]error{"switch": s.Switch(1, Good), "load": func() error { _, err := s.Load(1); return err }()} {
		if !errors.Is(err, ErrBroken) || !strings.Contains(err.Error(), "1.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := inForce(t, s); got != "p2,l2" {
		t.Errorf("%s in force", got)
	}
}

// Without the state, local.ini tells which generation was current.
func TestTheStateIsLost(t *testing.T) {
	for what, damage := range damages {
		for _, tt := range []struct{ local, want string }{{"l2", "p2,l2"}, {"l1", "p1,l1"}, {"edit", "p3,edit"}, {"", "p3,"}} {
			m := prepared(t, "", nil)
			damage(m, where+"/config/state")
			m.Put(where+"/config/local.ini", string(localText(tt.local)))
			s, r := mustOpen(t, m)
			if got := inForce(t, s); got != tt.want || !errors.Is(r.State, ErrBroken) {
				t.Errorf("%s, local.ini %q: %s in force, want %s; %v", what, tt.local, got, tt.want, r.Lines())
			}
			if n, err := s.Write(content(ByPage, "p", "l")); err != nil || n < 4 {
				t.Errorf("the next one: %d, %v", n, err)
			}
			must(t, s.Close())
			settled(t, m, tt.want)
		}
	}
}

// A later version's files are refused, named and left alone.
func TestFilesOfALaterVersion(t *testing.T) {
	m := prepared(t, "", nil)
	newer := string(seal(manifestWord, version+1, []byte("anything")))
	m.Put(where+"/config/generations/3/manifest", newer)
	s, r := mustOpen(t, m)
	if len(r.Broken) != 1 || !errors.Is(r.Broken[0], ErrNewer) || inForce(t, s) != "p2,l2" {
		t.Errorf("%v, %s in force", r.Lines(), inForce(t, s))
	}
	if _, err := s.Load(3); !errors.Is(err, ErrNewer) {
		t.Errorf("load: %v", err)
	}
	for range 5 {
		if n := wrote(t, s, content(ByPage, "p", "l"), Good); n <= 3 {
			t.Errorf("the next one: %d", n)
		}
	}
	if got := m.text(t, where+"/config/generations/3/manifest"); string(got) != newer {
		t.Errorf("touched: %q", got)
	}
	must(t, s.Close())

	state := string(seal(stateWord, version+1, []byte("anything")))
	m.Put(where+"/config/state", state)
	m.Put(where+"/config/local.ini", "edited")
	before := m.String()
	if _, _, err := open(m, where, Options{}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), where+"/config/state") {
		t.Errorf("a state of a later version: %v", err)
	}
	if m.String() != before || len(m.locked) > 0 {
		t.Error("touched")
	}
}

// A disk that does not read at this moment may do so at the next: nothing is decided for
// good.
func TestWhatCannotBeReadIsNotGivenUp(t *testing.T) {
	for _, path := range []string{"/generations/2/manifest", "/generations/2/2.ini", "/generations", "/state"} {
		m := prepared(t, "", nil)
		before := m.String()
		m.Fail = func(call, p string) error {
			if p == where+"/config"+path {
				return syscall.EIO
			}
			return nil
		}
		s, r := mustOpen(t, m)
		if got := inForce(t, s); got == "mixed" || got == "factory" || len(r.Lines()) == 0 {
			t.Errorf("%s: %s in force, %v", path, got, r.Lines())
		}
		if m.String() != before {
			t.Errorf("%s: changed on the disk\n%s", path, m.String())
		}
		// What is changed meanwhile keeps to what was decided before.
		blind := path == "/state"
		for name, err := range map[string]error{"judge": s.Judge(3, Trial), "remember": s.Remember(Memory{Key: "77"}), "prune": s.Prune()} {
			if err != nil && name != "judge" && !blind || err == nil && blind && name != "prune" {
				t.Errorf("%s: %s: %v", path, name, err)
			}
		}
		must(t, s.Close())
		m.Fail = nil
		settled(t, m, "p2,l2")
	}
}

// One error when the state was read is not for ever; but a reset can do without it.
func TestTheStateIsReadAgain(t *testing.T) {
	m := prepared(t, "", nil)
	fail := true
	m.Fail = func(call, path string) error {
		if fail && path == where+"/config/state" {
			return syscall.EIO
		}
		return nil
	}
	s, _ := mustOpen(t, m)
	if err := s.Switch(1, Good); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), where+"/config/state") {
		t.Errorf("switched blindly: %v", err)
	}
	fail = false
	must(t, s.Switch(1, Good))
	fail = true
	must(t, s.Close())
	s, _ = mustOpen(t, m)
	must(t, s.Reset())
	must(t, s.Close())
	fail = false
	settled(t, m, "factory")
}

// With nothing else to be read, what is in local.ini is in force for this run.
func TestOnlyLocalIsReadable(t *testing.T) {
	m := prepared(t, "", nil)
	m.Fail = func(call, path string) error {
		if strings.Contains(path, "/generations") {
			return syscall.EIO
		}
		return nil
	}
	s, r := mustOpen(t, m)
	g, ok := s.Current()
	if got := mark(g, ok); got != ",l2" || g.N != 0 || g.By != ByFile {
		t.Errorf("%s in force, %v", got, r.Lines())
	}
	must(t, s.Close())
	m.Fail = nil
	settled(t, m, "p2,l2")
}

// Names that are not ours are left alone.
func TestStrangersStay(t *testing.T) {
	m := prepared(t, "", nil)
	s, _ := mustOpen(t, m)
	for _, name := range []string{"lost+found", "01", "-1", "4711x", "x.new"} {
		m.Put(where+"/config/generations/"+name, "somebody else's")
	}
	m.Put(where+"/config/notes", "somebody else's")
	must(t, s.Close())
	s, r := mustOpen(t, m)
	if len(r.Lines()) > 0 {
		t.Errorf("%v", r.Lines())
	}
	must(t, s.Reset())
	must(t, s.Close())
	if got, want := fmt.Sprint(names(m, where+"/config/generations")), "[-1 01 4711x lost+found x.new]"; got != want {
		t.Errorf("left: %s, want %s", got, want)
	}
	if !slices.Contains(names(m, where+"/config"), "notes") {
		t.Error("notes are gone")
	}
}

func TestEnvelope(t *testing.T) {
	body := []byte(`{"a":1}`)
	good := seal("word", version, body)
	if got, err := unseal("word", good); err != nil || string(got) != string(body) {
		t.Fatalf("%q, %v", got, err)
	}
	for n := range good {
		if _, err := unseal("word", good[:n]); !errors.Is(err, ErrBroken) {
			t.Errorf("cut after %d octets: %v", n, err)
		}
		for bit := range 8 {
			wrong := slices.Clone(good)
			wrong[n] ^= 1 << bit
			if _, err := unseal("word", wrong); !errors.Is(err, ErrBroken) {
				t.Errorf("octet %d, bit %d turned: %v", n, bit, err)
			}
		}
	}
	if _, err := unseal("word", seal("word", version+1, body)); !errors.Is(err, ErrNewer) {
		t.Errorf("a later version: %v", err)
	}
	if _, err := unseal("word", seal("other", version, body)); !errors.Is(err, ErrBroken) {
		t.Errorf("something else: %v", err)
	}
}

// What is whole and says what this program would not have written is broken as well.
func TestImplausibleFiles(t *testing.T) {
	sum := strings.Repeat("0", 64)
	for _, body := range []string{
		``, `null`, `[]`, `{`, `{"current":1,"last":0,"local":"` + sum + `"}`, `{"current":-1,"local":"` + sum + `"}`,
		`{"current":1,"last":2,"floor":1,"local":"` + sum + `"}`, `{"last":2000000000,"local":"` + sum + `"}`, `{"local":"x"}`,
		`{"local":"` + sum + `","replaces":"x"}`, `{"local":"` + sum + `","verdicts":{"1":"fine"}}`, `{"local":"` + sum + `","verdicts":{"-1":"good"}}`,
		`{"local":"` + sum + `","bad":["x"]}`, `{"local":"` + sum + `","bad":["` + strings.Repeat(`00","`, MaxBad) + `00"]}`,
		`{"local":"` + sum + `","memory":{"failures":-1}}`, `{"local":"` + sum + `","memory":{"seal":-1}}`,
	} {
		if _, err := decodeState(seal(stateWord, version, []byte(body))); !errors.Is(err, ErrBroken) {
			t.Errorf("state %s: %v", body, err)
		}
	}
	part := `"local":{"length":0,"sha256":"` + sum + `"}`
	for _, body := range []string{
		``, `null`, `{"n":2,` + part + `}`, `{"n":1}`, `{"n":1,"key":"x",` + part + `}`, `{"n":1,"local":{"length":-1,"sha256":"` + sum + `"}}`,
		`{"n":1,"local":{"length":99999999,"sha256":"` + sum + `"}}`, `{"n":1,` + part + `,"layers":[{"kind":"../x","length":0,"sha256":"` + sum + `"}]}`,
		`{"n":1,` + part + `,"layers":[{"kind":"ini","length":0,"sha256":"x"}]}`, `{"n":1,` + part + `,"layers":[` + strings.Repeat(`{},`, MaxLayers) + `{}]}`,
	} {
		if _, err := decodeManifest(1, seal(manifestWord, version, []byte(body))); !errors.Is(err, ErrBroken) {
			t.Errorf("manifest %s: %v", body, err)
		}
	}
	if _, err := decodeManifest(1, seal(manifestWord, version, []byte(`{"n":1,`+part+`}`))); err != nil {
		t.Errorf("a plausible one: %v", err)
	}
}

func FuzzState(f *testing.F) {
	s := factory()
	s.Current, s.Last, s.Floor, s.Bad, s.Memory = 3, 4, 1, []string{"00ff"}, Memory{ETag: "x", Seal: 7, Clock: time.Unix(1800000000, 0).UTC()}
	s.judge(3, Good)
	text, err := s.encode()
	if err != nil {
		f.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "\n")
	f.Add(text)
	f.Add([]byte(body))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = decodeState(data)
		got, err := decodeState(seal(stateWord, version, data))
		if err != nil {
			return
		}
		again, err := got.encode()
		if err != nil {
			t.Fatalf("read and not written: %v", err)
		}
		if _, err := decodeState(again); err != nil || len(again) > maxState {
			t.Fatalf("written, %d octets, and not read: %v", len(again), err)
		}
	})
}

func FuzzManifest(f *testing.F) {
	m, _, err := parts(3, time.Unix(1800000000, 0).UTC(), content(ByProvision, "p", "l"))
	if err != nil {
		f.Fatal(err)
	}
	text, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "\n")
	f.Add(text)
	f.Add([]byte(body))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = decodeManifest(3, data)
		got, err := decodeManifest(3, seal(manifestWord, version, data))
		if err != nil {
			return
		}
		for i, l := range got.Layers {
			if file := l.file(i); file != fmt.Sprint(i+1, ".ini") && file != fmt.Sprint(i+1, ".json") {
				t.Fatalf("a part in %s", file)
			}
		}
	})
}

// FuzzSettings reads the part of a settings layer.
func FuzzSettings(f *testing.F) {
	_, data, err := parts(3, time.Time{}, content(ByProvision, "p", "l"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data["1.json"])
	f.Fuzz(func(t *testing.T, part []byte) {
		l, err := decodeLayer(layer{Kind: "json"}, part)
		if err != nil {
			return
		}
		if _, _, err := encodeLayer(l); err != nil {
			t.Fatalf("read and not written: %v", err)
		}
	})
}
