package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/aaa"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A server takes accounting, or does not answer.
type server struct {
	mu     sync.Mutex
	silent bool
	got    []string // session ids, with what was late
	asked  int
}

func (s *server) exchange(_ context.Context, r aaa.Request) (aaa.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.silent {
		return aaa.Response{}, aaa.ErrNoAnswer
	}
	id, _ := r.Attributes.Lookup(aaa.AcctSessionID)
	text := string(id)
	if late, ok := r.Attributes.Lookup(aaa.AcctDelayTime); ok {
		text += fmt.Sprintf("+%d", int(late[0])<<24|int(late[1])<<16|int(late[2])<<8|int(late[3]))
	}
	if r.Code != aaa.AccountingRequest {
		text = fmt.Sprint("code ", r.Code)
	}
	s.got = append(s.got, text)
	return aaa.Response{Code: aaa.AccountingResponse}, nil
}

func (s *server) be(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

func (s *server) record() (string, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.got, " "), s.asked
}

func record(id string) aaa.Attributes {
	return aaa.Attributes{{Type: aaa.AcctSessionID, Value: []byte(id)}, {Type: aaa.UserName}, aaa.VSA(aaa.FaxBack, aaa.SubAttribute{Type: 11})}
}

// keep keeps a record: of a session that began and ended.
func keep(j *Journal, ids ...string) {
	for _, id := range ids {
		j.Begin(record(id + " unended"))(record(id))
	}
	j.Close()
}

// open opens the journal of dir, and runs it until the bubble's function returns.
func open(t *testing.T, dir string, s *server) (*Journal, func()) {
	t.Helper()
	j, err := Open(Config{Dir: dir, Exchange: s.exchange})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); j.Run(ctx) }()
	return j, func() { cancel(); <-done }
}

// Records go out in the order in which they were made, kept and offered ones alike.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		j, stop := open(t, t.TempDir(), s)
		defer stop()
		end := j.Begin(record("unended"))
		j.Offer(record("start"))
		j.Begin(record("unended too"))
		end(record("stop"))
		j.Offer(record("another"))
		synctest.Wait()
		if got, _ := s.record(); got != "start stop another" || j.Waiting() != 0 {
			t.Errorf("sent %q, %d wait", got, j.Waiting())
		}
	})
}

// A Stop that nobody answers is sent again until somebody does; a Start is not.
func TestResentUntilAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{silent: true}
		j, stop := open(t, t.TempDir(), s)
		defer stop()
		j.Offer(record("start"))
		keep(j, "stop")
		time.Sleep(24 * time.Hour)
		_, asked := s.record()
		if asked < 24*4 || asked > 24*8 {
			t.Errorf("asked %d times in a day", asked)
		}
		s.be(false)
		time.Sleep(lastWait * 6 / 5)
		synctest.Wait()
		got, _ := s.record()
		var late int
		if _, err := fmt.Sscanf(got, "stop+%d", &late); err != nil || late < 86400 || late > 86400+720 {
			t.Errorf("sent %q, want the Stop alone, with how late it is", got)
		}
	})
}

// After a restart, what was not acknowledged is sent, and nothing that was.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, s := t.TempDir(), &server{}
		j, stop := open(t, dir, s)
		keep(j, "one")
		synctest.Wait()
		s.be(true)
		keep(j, "two", "three")
		synctest.Wait()
		stop()
		s.be(false)
		j, stop = open(t, dir, s)
		defer stop()
		synctest.Wait()
		if got, _ := s.record(); got != "one two three" || j.Waiting() != 0 {
			t.Errorf("sent %q, %d wait", got, j.Waiting())
		}
	})
}

// A file that holds no record, or half of one, keeps nobody else waiting.
func TestDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, s := t.TempDir(), &server{silent: true}
		j, stop := open(t, dir, s)
		keep(j, "one", "two", "three")
		synctest.Wait()
		stop()
		whole, err := os.ReadFile(j.path(2, over))
		if err != nil {
			t.Fatal(err)
		}
		for path, data := range map[string][]byte{j.path(2, over): whole[:len(whole)-1], j.path(4, over): nil, filepath.Join(dir, ".0000000000000004.acct123"): whole, filepath.Join(dir, "README"): whole} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.be(false)
		j, stop = open(t, dir, s)
		defer stop()
		synctest.Wait()
		if got, _ := s.record(); got != "three" || j.Lost() != 2 || j.Waiting() != 0 {
			t.Errorf("sent %q, %d lost, %d wait", got, j.Lost(), j.Waiting())
		}
		if got, want := files(dir), "0000000000000002.bad 0000000000000004.bad README"; got != want {
			t.Errorf("left %q, want %q", got, want)
		}
	})
}

// files are the names in a folder, but for those that begin with a dot.
func files(dir string) string {
	all, _ := filepath.Glob(filepath.Join(dir, "*"))
	for i := range all {
		all[i] = filepath.Base(all[i])
	}
	return strings.Join(all, " ")
}

// A session that the device did not live to see the end of is told of after the restart, as it
// was said at its beginning; one that ended is told of as it ended.
func TestUnended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, s := t.TempDir(), &server{silent: true}
		j, stop := open(t, dir, s)
		j.Begin(record("one unended"))
		keep(j, "two")
		j.Begin(record("three unended"))
		j.Close()
		if got, want := files(dir), "0000000000000001.begun 0000000000000003.acct 0000000000000004.begun"; got != want {
			t.Errorf("files %q, want %q", got, want)
		}
		stop()
		s.be(false)
		j, stop = open(t, dir, s)
		defer stop()
		synctest.Wait()
		keep(j, "four")
		synctest.Wait()
		if got, _ := s.record(); got != "one unended two three unended four" || files(dir) != "" {
			t.Errorf("sent %q, left %q", got, files(dir))
		}
	})
}

// However far the end of a session had got when the power failed, there is one record of it.
func TestCutInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			name string
			cut  func(j *Journal, s *session)
			want string
		}{
			{"before the end is written", func(*Journal, *session) {}, "unended"},
			{"while it is written", func(j *Journal, s *session) {
				if err := os.WriteFile(filepath.Join(j.cfg.Dir, ".0000000000000001.begun123"), []byte("tpa"), 0o600); err != nil {
					t.Fatal(err)
				}
			}, "unended"},
			{"before it has its name", func(j *Journal, s *session) {
				if err := writeRecord(j.path(s.n, begun), entry{2, time.Now(), record("end")}); err != nil {
					t.Fatal(err)
				}
			}, "end"},
			{"before it is sent", func(j *Journal, s *session) { s.end(entry{2, time.Now(), record("end")}) }, "end"},
		} {
			dir, s := t.TempDir(), &server{}
			j, err := Open(Config{Dir: dir, Exchange: s.exchange})
			if err != nil {
				t.Fatal(err)
			}
			x := &session{journal: j}
			x.begin(entry{1, time.Now(), record("unended")})
			tt.cut(j, x)
			_, stop := open(t, dir, s)
			synctest.Wait()
			stop()
			if got, _ := s.record(); got != tt.want || files(dir) != "" {
				t.Errorf("%s: sent %q, want %q, left %q", tt.name, got, tt.want, files(dir))
			}
		}
	})
}

// A disk that takes nothing, or no more, costs the record and nothing else.
func TestFull(t *testing.T) {
	s := &server{}
	j, err := Open(Config{Dir: t.TempDir(), Exchange: s.exchange})
	if err != nil {
		t.Fatal(err)
	}
	j.kept = make([]uint64, MaxRecords)
	keep(j, "one")
	if j.Lost() != 1 || j.begun != 0 {
		t.Errorf("full: %d lost, %d begun", j.Lost(), j.begun)
	}
	j.kept = nil
	whole := j.cfg.Dir
	j.cfg.Dir = filepath.Join(whole, "gone")
	keep(j, "one")
	if j.Lost() != 2 || j.Waiting() != 0 || j.begun != 0 {
		t.Errorf("no folder: %d lost, %d wait, %d begun", j.Lost(), j.Waiting(), j.begun)
	}
	end := j.Begin(record("no place yet"))
	j.Close()
	j.cfg.Dir = whole
	end(record("but now"))
	j.Close()
	if j.Lost() != 2 || j.Waiting() != 1 || j.begun != 0 {
		t.Errorf("place at the end: %d lost, %d wait, %d begun", j.Lost(), j.Waiting(), j.begun)
	}
	keep(j, strings.Repeat("x", 254))
	if j.Lost() != 3 || j.Waiting() != 1 {
		t.Errorf("an attribute of 254 octets: %d lost, %d wait", j.Lost(), j.Waiting())
	}
}

// A file that cannot be read now is not given up.
func TestUnreadableForNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, s := t.TempDir(), &server{silent: true}
		j, stop := open(t, dir, s)
		defer stop()
		keep(j, "one")
		synctest.Wait()
		path := j.path(2, over)
		if err := errors.Join(os.Rename(path, path+".away"), os.Mkdir(path, 0o700)); err != nil {
			t.Fatal(err)
		}
		s.be(false)
		time.Sleep(time.Hour)
		if err := errors.Join(os.Remove(path), os.Rename(path+".away", path)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got, _ := s.record(); !strings.HasPrefix(got, "one+") || j.Lost() != 0 {
			t.Errorf("sent %q, %d lost", got, j.Lost())
		}
	})
}

// A device without a clock of its own may keep a record before it learns the time.
func TestClockSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, s := t.TempDir(), &server{}
		j, err := Open(Config{Dir: dir, Exchange: s.exchange})
		if err != nil {
			t.Fatal(err)
		}
		for n, at := range []time.Time{time.Unix(60, 0), time.Now().Add(time.Hour), time.Now().Add(-time.Hour)} {
			if err := writeRecord(j.path(uint64(n+1), over), entry{uint64(n + 1), at, record(fmt.Sprint(n))}); err != nil {
				t.Fatal(err)
			}
		}
		_, stop := open(t, dir, s)
		defer stop()
		synctest.Wait()
		if got, _ := s.record(); got != "0 1 2+3600" {
			t.Errorf("sent %q", got)
		}
	})
}

// Only the newest of what is offered are remembered while nobody answers.
func TestOffersAreBounded(t *testing.T) {
	j, err := Open(Config{Dir: t.TempDir(), Exchange: (&server{}).exchange})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxOffered + 10 {
		j.Offer(record(fmt.Sprint(i)))
	}
	j.Close()
	if n := len(j.offered); n != maxOffered || string(j.offered[0].attributes[0].Value) != "10" {
		t.Errorf("%d offered, the first is %s", n, j.offered[0].attributes[0].Value)
	}
}

func FuzzRecord(f *testing.F) {
	data, err := appendRecord(nil, entry{1, time.UnixMilli(1700000000000), record("id")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := parseRecord(data)
		if err != nil {
			return
		}
		again, err := appendRecord(nil, e)
		if err != nil || string(again) != string(data) {
			t.Errorf("%x is read, and written as %x, %v", data, again, err)
		}
	})
}
