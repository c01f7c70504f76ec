package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
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
		j.Offer(record("start"))
		time.Sleep(time.Millisecond)
		if err := j.Append(record("stop")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got, _ := s.record(); got != "start stop" || j.Waiting() != 0 {
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
		time.Sleep(time.Millisecond)
		if err := j.Append(record("stop")); err != nil {
			t.Fatal(err)
		}
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
		if err := j.Append(record("one")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.be(true)
		for _, id := range []string{"two", "three"} {
			if err := j.Append(record(id)); err != nil {
				t.Fatal(err)
			}
		}
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
		for _, id := range []string{"one", "two", "three"} {
			if err := j.Append(record(id)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		stop()
		whole, err := os.ReadFile(j.path(1))
		if err != nil {
			t.Fatal(err)
		}
		for path, data := range map[string][]byte{j.path(1): whole[:len(whole)-1], j.path(2): nil, filepath.Join(dir, ".0000000000000004.acct123"): whole, filepath.Join(dir, "README"): whole} {
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
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for i := range files {
			files[i] = filepath.Base(files[i])
		}
		if want := []string{"0000000000000001.bad", "0000000000000002.bad", "README"}; !reflect.DeepEqual(files, want) {
			t.Errorf("left %q, want %q", files, want)
		}
	})
}

// A disk that takes nothing is told of at once.
func TestFull(t *testing.T) {
	s := &server{}
	j, err := Open(Config{Dir: t.TempDir(), Exchange: s.exchange})
	if err != nil {
		t.Fatal(err)
	}
	j.kept = make([]uint64, MaxRecords)
	if err := j.Append(record("one")); !errors.Is(err, ErrFull) || j.Lost() != 1 {
		t.Errorf("Append: %v, %d lost", err, j.Lost())
	}
	j.kept = nil
	j.cfg.Dir = filepath.Join(j.cfg.Dir, "gone")
	if err := j.Append(record("one")); !errors.Is(err, os.ErrNotExist) || j.Waiting() != 0 {
		t.Errorf("Append: %v, %d wait", err, j.Waiting())
	}
	if err := j.Append(aaa.Attributes{{Type: 1, Value: make([]byte, 254)}}); err == nil {
		t.Error("an attribute of 254 octets is kept")
	}
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
	if n := len(j.offered); n != maxOffered || string(j.offered[0].attributes[0].Value) != "10" {
		t.Errorf("%d offered, the first is %s", n, j.offered[0].attributes[0].Value)
	}
}

func FuzzRecord(f *testing.F) {
	data, err := appendRecord(nil, entry{time.UnixMilli(1700000000000), record("id")})
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
