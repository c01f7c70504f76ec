// Package unixsocket keeps the names of listening unix sockets: when somebody deletes the
// file of one, or its folder, a new socket is put in its place, and whoever accepts goes on
// with that. Nothing but a deletion wakes it: the kernel tells (inotify); where it cannot, a
// name that is deleted stays so.
//
// How a socket is made, which mode its file has and what may be removed for it is for who
// makes it to say.
package unixsocket

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// A Keeper keeps the names of any number of sockets, with one goroutine. Its zero value is
// ready for use.
type Keeper struct {
	mu      sync.Mutex // before that of a Listener
	watcher *watcher   // nil: nothing is watched
	tried   bool       // to have one
	kept    map[*Listener]struct{}
	work    sync.WaitGroup
}

// Listen makes a socket at path with listen, and again each time that it is gone from there,
// until it is closed. A nil Keeper makes it once.
func (k *Keeper) Listen(path string, log *slog.Logger, listen func() (*net.UnixListener, error)) (*Listener, error) {
	l := &Listener{keeper: k, path: path, log: log, listen: listen}
	if err := l.make(); err != nil {
		return nil, err
	}
	if k != nil {
		k.add(l)
	}
	return l, nil
}

// Close ends the watching; the sockets stay, and are closed by their owners.
func (k *Keeper) Close() {
	k.mu.Lock()
	if k.watcher != nil {
		k.watcher.Close()
	}
	k.watcher, k.tried = nil, true
	k.mu.Unlock()
	k.work.Wait()
}

func (k *Keeper) add(l *Listener) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil {
		k.kept = make(map[*Listener]struct{})
	}
	k.kept[l] = struct{}{}
	if !k.tried {
		k.start(l.log)
	}
	k.restore(l) // it may have been deleted before it is watched
}

// start begins to watch, if that is possible here.
func (k *Keeper) start(log *slog.Logger) {
	k.tried = true
	w, err := newWatcher()
	if err != nil {
		log.Warn("sockets that are deleted will not be put back", "err", err)
		return
	}
	k.watcher = w
	k.work.Go(func() { w.run(k.gone) })
}

// tries is how often a socket is put back that is deleted, with its folder, meanwhile.
const tries = 5

// restore puts a socket back if its name is gone, and watches its folder, in whatever order
// others delete it.
func (k *Keeper) restore(l *Listener) {
	var err error
	for range tries {
		if err = errors.Join(l.restore(), k.watch(l)); err == nil && !l.gone() {
			return
		}
	}
	if l.gone() {
		l.log.Error("socket is deleted and cannot be put back", "path", l.path, "err", err)
		return
	}
	l.log.Warn("socket will not be put back when it is deleted", "path", l.path, "err", err)
}

// watch has the watcher look at the folder of a socket.
func (k *Keeper) watch(l *Listener) error {
	if k.watcher == nil {
		return nil
	}
	return k.watcher.add(filepath.Dir(l.path))
}

// gone looks after the sockets of a folder from which a name is gone. An empty name is the
// folder itself.
func (k *Keeper) gone(dir, name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for l := range k.kept {
		if filepath.Dir(l.path) == dir && (name == "" || filepath.Base(l.path) == name) {
			k.restore(l)
		}
	}
}

func (k *Keeper) forget(l *Listener) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.kept, l)
}

// A Listener is a net.Listener whose socket may be replaced while it is used.
type Listener struct {
	keeper *Keeper
	path   string
	log    *slog.Logger
	listen func() (*net.UnixListener, error)

	mu     sync.Mutex
	socket *net.UnixListener
	file   fs.FileInfo // that socket made
	closed bool
}

// make makes the socket.
func (l *Listener) make() error {
	socket, err := l.listen()
	if err != nil {
		return err
	}
	// Go would remove whatever has that name by then.
	socket.SetUnlinkOnClose(false)
	file, err := os.Lstat(l.path)
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	l.socket, l.file = socket, file
	return nil
}

// gone tells whether nothing has the name.
func (l *Listener) gone() bool {
	_, err := os.Lstat(l.path)
	return errors.Is(err, fs.ErrNotExist)
}

// restore makes the socket anew if its name is gone. What else has the name is left alone.
func (l *Listener) restore() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !l.gone() {
		return nil
	}
	old := l.socket
	if err := l.make(); err != nil {
		return err
	}
	_ = old.Close() // who accepts there goes on with the new one
	l.log.Warn("socket was deleted and is put back", "path", l.path)
	return nil
}

// Accept waits for the next connection. After Close the error is net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		socket := l.now()
		conn, err := socket.Accept()
		if errors.Is(err, net.ErrClosed) && socket != l.now() {
			continue
		}
		return conn, err
	}
}

func (l *Listener) now() *net.UnixListener {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.socket
}

// Addr is the name of the socket.
func (l *Listener) Addr() net.Addr { return l.now().Addr() }

// Close ends listening and removes the socket's file, if it is still the one that was made.
func (l *Listener) Close() error {
	l.keeper.forget(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return net.ErrClosed
	}
	l.closed = true
	err := l.socket.Close()
	if now, lerr := os.Lstat(l.path); lerr == nil && os.SameFile(now, l.file) {
		return errors.Join(err, os.Remove(l.path))
	}
	return err
}
