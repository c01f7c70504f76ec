package generations

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/internal/config"
	"tipring/internal/durable/fakedisk"
)

const where = "/state"

// content is a generation all of whose parts carry its mark, so that a mixture shows. The
// texts are of several sectors, so that a torn one does too.
func content(by, provisioned, local string) Content {
	body := strings.Repeat("# "+provisioned+"\n", 120)
	return Content{
		By: by, Key: digest([]byte(provisioned)), Local: localText(local),
		Provisioned: []config.Layer{
			config.SettingsLayer("radius:192.0.2.1", []config.Setting{{Section: "sip1", Key: "username", Value: provisioned, Line: 7}}),
			config.ProvisionedLayer("https://192.0.2.2/"+provisioned, []byte("[sip1]\ndisplay_name = "+provisioned+"\n"+body)),
		},
	}
}

func localText(mark string) []byte {
	if mark == "" {
		return nil
	}
	return []byte("[sip2]\ndisplay_name = " + mark + "\n" + strings.Repeat("# "+mark+"\n", 160))
}

// mark names what is in force by its parts: provisioned, local.
func mark(g Generation, ok bool) string {
	if !ok {
		return "factory"
	}
	first := func(text []byte) string {
		_, rest, _ := strings.Cut(string(text), "display_name = ")
		m, _, _ := strings.Cut(rest, "\n")
		return m
	}
	provisioned, local := "", first(g.Local)
	if len(g.Provisioned) > 0 {
		provisioned = first(g.Provisioned[1].Text)
	}
	want := Content{By: g.By, Local: localText(local)}
	if provisioned != "" {
		want = content(g.By, provisioned, local)
	}
	if !sameContent(want, g.Content) {
		return "mixed"
	}
	return provisioned + "," + local
}

// applies are the changes that a cut may interrupt, with what is in force before and
// after. All begin with one, two and three, all good, and two in force; three was rolled back.
var applies = []struct {
	name          string
	edit          string // of local.ini, before
	prepare       func(*Store) error
	apply         func(*Store) error
	before, after string
}{
	{"provision", "", nil, writeAndSwitch(content(ByProvision, "p4", "l2")), "p2,l2", "p4,l2"},
	{"page", "", nil, writeAndSwitch(content(ByPage, "p2", "l4")), "p2,l2", "p2,l4"},
	{"page, of nothing", "", nil, writeAndSwitch(content(ByPage, "p2", "")), "p2,l2", "p2,"},
	{"roll back", "", nil, func(s *Store) error { return s.Switch(1, Good) }, "p2,l2", "p1,l1"},
	{"reset", "", nil, (*Store).Reset, "p2,l2", "factory"},
	{"prune", "", func(s *Store) error {
		if err := s.Judge(3, Trial); err != nil {
			return err
		}
		_, err := s.Write(content(ByPage, "p9", "l9"))
		return err
	}, (*Store).Prune, "p2,l2", "p2,l2"},
	{"judge", "", nil, func(s *Store) error { return s.Judge(3, Bad) }, "p2,l2", "p2,l2"},
	{"remember", "", nil, func(s *Store) error { return s.Remember(Memory{ETag: `"x"`}) }, "p2,l2", "p2,l2"},
	{"adopt", "edit", nil, func(s *Store) error { _, err := s.Adopt(); return err }, "p2,edit", "p2,edit"},
	{"switch over an edit", "edit", nil, func(s *Store) error { return s.Switch(1, Good) }, "p2,edit", "p1,l1"},
	{"reset over an edit", "edit", nil, (*Store).Reset, "p2,edit", "factory"},
	{"reset, then provision", "", (*Store).Reset, writeAndSwitch(content(ByProvision, "p4", "")), "factory", "p4,"},
}

func writeAndSwitch(c Content) func(*Store) error {
	return func(s *Store) error {
		n, err := s.Write(c)
		if err != nil {
			return err
		}
		return s.Switch(n, Trial)
	}
}

func mustOpen(t testing.TB, m *model) (*Store, Report) {
	t.Helper()
	s, r, err := open(m, where, Options{Now: func() time.Time { return time.Unix(1800000000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// prepared is a device that has lived a little.
func prepared(t testing.TB, edit string, prepare func(*Store) error) *model {
	t.Helper()
	m := newModel()
	s, _ := mustOpen(t, m)
	for i := 1; i <= 3; i++ {
		must(t, writeAndSwitch(content(ByProvision, fmt.Sprint("p", i), fmt.Sprint("l", i)))(s))
		must(t, s.Judge(i, Good))
	}
	must(t, s.Switch(2, Good))
	if prepare != nil {
		must(t, prepare(s))
	}
	must(t, s.Close())
	if edit != "" {
		m.Put(where+"/config/local.ini", string(localText(edit)))
	}
	m.Settle()
	return m
}

// begun opens the store as a start of the program before the change would have found it.
// An edit comes when it runs already, so that Open did not see it.
func begun(t testing.TB, edit string, prepare func(*Store) error) (*model, *Store) {
	t.Helper()
	m := prepared(t, "", prepare)
	s, r := mustOpen(t, m)
	if len(r.Lines()) > 0 {
		t.Fatalf("not in order: %v", r.Lines())
	}
	if edit != "" {
		m.Put(where+"/config/local.ini", string(localText(edit)))
	}
	m.Settle()
	return m, s
}

// settled checks that what Open makes of a file system is one of want, and whole, and
// that local.ini shows it.
func settled(t testing.TB, m *model, want ...string) {
	t.Helper()
	s, r := mustOpen(t, m)
	defer s.Close()
	g, ok := s.Current()
	if got := mark(g, ok); !slices.Contains(want, got) {
		t.Errorf("in force: %s, want %v; %v\n%s", got, want, r.Lines(), m.String())
	}
	if r.State != nil || r.Fell != 0 || len(r.Broken) > 0 || r.Refused != nil || r.Unread != nil || r.Unwritten != nil {
		t.Errorf("report: %v\n%s", r.Lines(), m.String())
	}
	if shown := s.readLocal(); string(shown.text) != string(g.Local) {
		t.Errorf("local.ini does not show what is in force, %s: %.60q", mark(g, ok), shown.text)
	}
	if left := m.Left(newSuffix, goneSuffix); len(left) > 0 {
		t.Errorf("left behind: %s", left)
	}
	if onDisk := len(names(m, where+"/config/generations")); len(s.List()) != onDisk || onDisk > kept+1 {
		t.Errorf("%d generations, %d on the disk", len(s.List()), onDisk)
	}
}

// cuts cuts the power at every moment of what a model went through, in every way that is
// found by chance, and once more at every moment of the start after it.
type cuts struct {
	t    *testing.T
	seen map[string]bool
}

// fresh tells a state that was not met before.
func (c *cuts) fresh(kind string, m *model) bool {
	id := kind + "\n" + m.String()
	was := c.seen[id]
	c.seen[id] = true
	return !was
}

// between tries the cuts behind the ops from first up to, and not including, end.
func (c *cuts) between(name string, m *model, first, end int, want ...string) {
	c.t.Helper()
	for n := first; n < end; n++ {
		known := 0
		for seed := uint64(0); known < 10; seed++ {
			once := m.crash(n, fakedisk.Keeps(seed))
			if !c.fresh(name, once) {
				known++
				continue
			}
			settled(c.t, once, want...)
			for k := range once.Done() + 1 {
				if twice := once.crash(k, fakedisk.Keeps(seed+uint64(k))); c.fresh(name, twice) {
					settled(c.t, twice, want...)
				}
			}
			if c.t.Failed() {
				c.t.Fatalf("%s: cut after %d of %d changes, seed %d", name, n, m.Done(), seed)
			}
		}
	}
}

// At whatever moment the power is cut, the next start has the old or the new
// configuration, whole; and the new one once the change returned.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	c := cuts{t, map[string]bool{}}
	for _, tt := range applies {
		m, s := begun(t, tt.edit, tt.prepare)
		must(t, tt.apply(s))
		c.between(tt.name, m, 0, m.Done(), tt.before, tt.after)
		c.between(tt.name+", done", m, m.Done(), m.Done()+1, tt.after)
	}
	t.Logf("%d states of single changes", len(c.seen))
	for seed := range uint64(3) {
		c.life(seed)
	}
	t.Logf("%d states", len(c.seen))
	if len(c.seen) < 2000 {
		t.Errorf("%d states: want at least 2000", len(c.seen))
	}
}

// life is a device from its first start on, with changes by chance.
func (c *cuts) life(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := newModel()
	s, _ := mustOpen(c.t, m)
	now, done := "factory", 0
	for i := range 12 {
		local := ""
		if g, ok := s.Current(); ok {
			_, local, _ = strings.Cut(mark(g, ok), ",")
		}
		list := s.List()
		apply := writeAndSwitch(content(ByProvision, fmt.Sprint("p", i), local))
		switch k := rng.IntN(10); {
		case k < 3 || len(list) == 0:
		case k < 5:
			apply = writeAndSwitch(content(ByPage, fmt.Sprint("p", i), fmt.Sprint("l", i)))
		case k < 7:
			apply = func(s *Store) error { return s.Switch(list[rng.IntN(len(list))].N, Good) }
		case k < 9:
			apply = func(s *Store) error {
				return s.Judge(list[rng.IntN(len(list))].N, []Verdict{Good, Bad, Trial, Unproven}[rng.IntN(4)])
			}
		default:
			apply = (*Store).Reset
		}
		must(c.t, apply(s))
		g, ok := s.Current()
		was := now
		now = mark(g, ok)
		name := fmt.Sprintf("life %d, change %d", seed, i)
		c.between(name, m, done, m.Done(), was, now)
		c.between(name+", done", m, m.Done(), m.Done()+1, now)
		done = m.Done()
	}
}

// Whatever call fails, and however it fails: with an error the old configuration stays in
// force, without one the new one is, now and at the next start.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS, syscall.EDQUOT} {
		for _, stays := range []bool{false, true} {
			for _, tt := range applies {
				start, s := begun(t, tt.edit, tt.prepare)
				must(t, s.Close())
				for n := 1; ; n++ {
					m := start.crash(0, fakedisk.Keeps(1))
					if tt.edit != "" {
						m.Put(where+"/config/local.ini", string(localText("l2")))
					}
					s, _ = mustOpen(t, m)
					if tt.edit != "" {
						m.Put(where+"/config/local.ini", string(localText(tt.edit)))
					}
					running, _ := s.Current()
					calls, failed := 0, ""
					m.Fail = func(call, path string) error {
						if calls++; calls == n || stays && calls > n && call != "read" && call != "list" {
							failed += call + " " + path + "; "
							return failure
						}
						return nil
					}
					err := tt.apply(s)
					if failed == "" {
						break
					}
					m.Fail = nil
					loads(t, s)
					old := mark(running, true)
					if tt.before == "factory" {
						old = tt.before
					}
					g, ok := s.Current()
					got := mark(g, ok)
					switch {
					case err == nil || errors.Is(err, ErrUntidy):
						if got != tt.after {
							t.Errorf("%s returned nil: %s in force", tt.name, got)
						}
					case got != old:
						t.Errorf("%s returned %v: %s in force, want %s", tt.name, err, got, old)
					case !strings.Contains(err.Error(), where+"/config") || !errors.Is(err, failure):
						t.Errorf("%s: the error names no file or no cause: %v", tt.name, err)
					}
					want := []string{tt.before, tt.after}
					if err == nil || errors.Is(err, ErrUntidy) {
						want = want[1:]
					}
					must(t, s.Close())
					settled(t, m.crash(m.Done(), fakedisk.Keeps(0)), want...)
					if err != nil && !stays { // what failed once was undone
						want = want[:1]
					}
					settled(t, m.crash(m.Done(), fakedisk.Keeps(1)), want...)
					if t.Failed() {
						t.Fatalf("%s, %v at call %d (and all after it: %v): %s", tt.name, failure, n, stays, failed)
					}
				}
			}
		}
	}
}

// loads checks that what is listed can be had.
func loads(t *testing.T, s *Store) {
	t.Helper()
	for _, g := range s.List() {
		if _, err := s.Load(g.N); err != nil {
			t.Errorf("listed, and not to be had: %v", err)
		}
	}
}

// While Open puts things in order the disk may fail too.
func TestDiskErrorsAtOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range applies {
		m, s := begun(t, tt.edit, tt.prepare)
		must(t, tt.apply(s))
		must(t, s.Close())
		last := ""
		for cut := range m.Done() + 1 {
			now := m.crash(cut, fakedisk.Keeps(1)).String()
			if now == last {
				continue // a sync changes nothing that can be seen
			}
			last = now
			for n := 1; ; n++ {
				after := m.crash(cut, fakedisk.Keeps(1))
				calls := 0
				after.Fail = func(call, path string) error {
					if calls++; calls == n && call != "lock" {
						return syscall.EIO
					}
					return nil
				}
				s, r, err := open(after, where, Options{})
				if err != nil {
					t.Fatalf("%s, cut after %d: call %d: %v", tt.name, cut, n, err)
				}
				after.Fail = nil
				g, ok := s.Current()
				if got := mark(g, ok); got == "mixed" {
					t.Fatalf("%s, cut after %d: call %d failed: %s in force: %v", tt.name, cut, n, got, r.Lines())
				}
				must(t, s.Close())
				settled(t, after.crash(after.Done(), fakedisk.Keeps(0)), tt.before, tt.after)
				settled(t, after.crash(after.Done(), fakedisk.Keeps(1)), tt.before, tt.after)
				if t.Failed() {
					t.Fatalf("%s, cut after %d: call %d failed: %v", tt.name, cut, n, r.Lines())
				}
				if calls < n {
					break
				}
			}
		}
	}
}

// What is there is used where nothing can be written, an edit included.
func TestReadOnly(t *testing.T) {
	readOnly := func(call, path string) error {
		if call == "read" || call == "list" || call == "lock" {
			return nil
		}
		return syscall.EROFS
	}
	for _, tt := range applies {
		m, s := begun(t, tt.edit, tt.prepare)
		must(t, tt.apply(s))
		must(t, s.Close())
		for cut := range m.Done() + 1 {
			after := m.crash(cut, fakedisk.Keeps(1))
			before := after.String()
			after.Fail = readOnly
			s, r := mustOpen(t, after)
			g, ok := s.Current()
			if got := mark(g, ok); got != tt.before && got != tt.after {
				t.Fatalf("%s, cut after %d: %s in force: %v", tt.name, cut, got, r.Lines())
			}
			for name, err := range map[string]error{
				"write": writeAndSwitch(content(ByPage, "p7", "l7"))(s), "remember": s.Remember(Memory{Key: "77"}), "reset": s.Reset(),
			} {
				if !errors.Is(err, syscall.EROFS) {
					t.Fatalf("%s on a read-only file system: %v", name, err)
				}
			}
			if g2, ok2 := s.Current(); mark(g2, ok2) != mark(g, ok) || after.String() != before {
				t.Fatalf("%s, cut after %d: changed", tt.name, cut)
			}
		}
	}
}

func names(m *model, dir string) []string {
	names, _ := m.List(dir)
	return names
}
