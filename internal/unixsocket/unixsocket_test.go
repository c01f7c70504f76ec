package unixsocket

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A book is a log, each line of which is a message that can be waited for.
type book chan string

func (b book) Write(p []byte) (int, error) {
	b <- string(p)
	return len(p), nil
}

// wants waits for a line.
func (b book) wants(t *testing.T, text string) {
	t.Helper()
	for {
		select {
		case line := <-b:
			if strings.Contains(line, text) {
				return
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("nobody says %q", text)
		}
	}
}

// A rig is a keeper and one socket of its own, in a folder of its own, where whoever comes is
// told "hello".
type rig struct {
	t    *testing.T
	dir  string
	path string
	book book
	*Listener
	keeper *Keeper
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	r := &rig{t: t, dir: dir, path: filepath.Join(dir, "s"), book: make(book, 100), keeper: &Keeper{}}
	t.Cleanup(r.keeper.Close)
	r.Listener = r.listener(r.path)
	return r
}

// listener keeps and serves a socket.
func (r *rig) listener(path string) *Listener {
	r.t.Helper()
	l, err := r.keeper.Listen(path, slog.New(slog.NewTextHandler(r.book, nil)), func() (*net.UnixListener, error) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	})
	if err != nil {
		r.t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					r.t.Error(err)
				}
				return
			}
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	})
	r.t.Cleanup(func() {
		_ = l.Close()
		served.Wait()
	})
	return l
}

// answers fails unless somebody says hello at path.
func (r *rig) answers(path string) {
	r.t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	if got, err := io.ReadAll(conn); string(got) != "hello" {
		r.t.Errorf("%q, %v", got, err)
	}
}

const putBack = "socket was deleted and is put back"

func TestADeletedSocketIsPutBack(t *testing.T) {
	r := newRig(t)
	r.answers(r.path)
	for range 3 {
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		r.book.wants(t, putBack)
		r.answers(r.path)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(r.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestARenamedSocketIsPutBack(t *testing.T) {
	r := newRig(t)
	if err := os.Rename(r.path, r.path+".old"); err != nil {
		t.Fatal(err)
	}
	r.book.wants(t, putBack)
	r.answers(r.path)
}

// isBack waits for the socket. One that is put back in time to be deleted with its folder is
// put back again.
func (r *rig) isBack() {
	r.t.Helper()
	for there := false; !there; {
		r.book.wants(r.t, putBack)
		conn, err := net.Dial("unix", r.path)
		if there = err == nil; there {
			_ = conn.Close()
		}
	}
	r.answers(r.path)
}

func TestADeletedFolderIsPutBack(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"deleted": os.RemoveAll,
		"renamed": func(dir string) error { return os.Rename(dir, dir+".old") },
	} {
		r := newRig(t)
		for range 2 {
			for remove(r.dir) != nil { // a socket was put back in the midst of it
			}
			r.isBack()
			if name == "renamed" {
				if err := os.RemoveAll(r.dir + ".old"); err != nil {
					t.Fatal(err)
				}
			}
		}
		// It is the new folder that is watched.
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		r.isBack()
	}
}

func TestSeveralSocketsOfOneKeeper(t *testing.T) {
	r := newRig(t)
	link := r.dir + "-link"
	if err := os.Symlink(r.dir, link); err != nil {
		t.Fatal(err)
	}
	others := []string{filepath.Join(r.dir, "other"), filepath.Join(link, "third"), filepath.Join(t.TempDir(), "fourth")}
	for _, path := range others {
		r.listener(path)
	}
	for _, path := range append(others, r.path) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		r.book.wants(t, putBack)
		r.answers(path)
	}
}

// A name that somebody else has taken is his, and free again once he is gone.
func TestWhatHasTheNameIsLeftAlone(t *testing.T) {
	r := newRig(t)
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(precious, r.path); err != nil { // in its place at once
		t.Fatal(err)
	}
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	r.book.wants(t, putBack)
	r.answers(r.path)

	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(precious, r.path); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(r.path); !bytes.Equal(b, []byte("precious")) {
		t.Errorf("Close removed what is not a socket: %v", err)
	}
}

func TestOthersThatGoAreNoMatter(t *testing.T) {
	r := newRig(t)
	before := r.now()
	for _, name := range []string{"a", "b"} {
		file := filepath.Join(r.dir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	r.keeper.gone(r.dir, "s") // as if it had been the socket
	r.answers(r.path)
	if r.now() != before {
		t.Error("the socket was made anew")
	}
}

// What cannot be put back is told, and tried again with the next that goes from the folder.
func TestASocketThatCannotBePutBack(t *testing.T) {
	r := newRig(t)
	make := r.Listener.listen
	r.mu.Lock()
	r.Listener.listen = func() (*net.UnixListener, error) { return nil, errors.New("no more of them") }
	r.mu.Unlock()
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	r.book.wants(t, "no more of them")
	r.mu.Lock()
	r.Listener.listen = make
	r.mu.Unlock()
	r.keeper.gone(r.dir, "")
	r.book.wants(t, putBack)
	r.answers(r.path)
}

func TestWithoutAKeeper(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	var none *Keeper
	l, err := none.Listen(path, slog.New(slog.DiscardHandler), func() (*net.UnixListener, error) {
		return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second Close: %v, want ErrClosed", err)
	}
}
