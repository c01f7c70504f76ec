package unixsocket

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A watcher tells what is deleted from folders (inotify(7)).
type watcher struct {
	file *os.File // Go's poller waits for it

	mu   sync.Mutex
	dirs map[int32][]string // by watch descriptor: a folder may have several names
}

// goes are the events by which a name, or the folder itself, goes away.
const goes = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF

func newWatcher() (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	return &watcher{file: os.NewFile(uintptr(fd), "inotify"), dirs: make(map[int32][]string)}, nil
}

// Close ends run.
func (w *watcher) Close() { _ = w.file.Close() }

// add watches a folder; one that is watched already stays so.
func (w *watcher) add(dir string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.control(func(fd int) error {
		wd, err := unix.InotifyAddWatch(fd, dir, goes|unix.IN_ONLYDIR)
		if err != nil {
			return os.NewSyscallError("inotify_add_watch", err)
		}
		if known := w.dirs[int32(wd)]; !slices.Contains(known, dir) {
			w.dirs[int32(wd)] = append(known, dir)
		}
		return nil
	})
}

// control runs f on the descriptor, which nobody closes meanwhile.
func (w *watcher) control(f func(fd int) error) error {
	raw, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	if cerr := raw.Control(func(fd uintptr) { err = f(int(fd)) }); cerr != nil {
		return cerr
	}
	return err
}

// eventsSize holds a few events, each of them with a name as long as may be.
const eventsSize = 4 * (unix.SizeofInotifyEvent + unix.NAME_MAX + 1)

// run tells what goes from which folder until the watcher is closed; an empty name is all
// that is in it.
func (w *watcher) run(gone func(dir, name string)) {
	buf := make([]byte, eventsSize)
	for {
		n, err := w.file.Read(buf)
		if err != nil {
			return
		}
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			wd, mask := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:])
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
			name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:end]), "\x00")
			b = b[end:]
			w.tell(wd, mask, name, gone)
		}
	}
}

func (w *watcher) tell(wd int32, mask uint32, name string, gone func(dir, name string)) {
	if mask&unix.IN_Q_OVERFLOW != 0 { // events were lost
		for _, dir := range w.folders() {
			gone(dir, "")
		}
		return
	}
	w.mu.Lock()
	dirs := w.dirs[wd]
	switch {
	case mask&unix.IN_IGNORED != 0: // the last event of a watch
		delete(w.dirs, wd)
	case mask&unix.IN_MOVE_SELF != 0: // what is watched is elsewhere now
		delete(w.dirs, wd)
		_ = w.control(func(fd int) error { _, err := unix.InotifyRmWatch(fd, uint32(wd)); return err })
	}
	w.mu.Unlock()
	if mask&unix.IN_IGNORED != 0 {
		return
	}
	if mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF) != 0 {
		name = ""
	}
	for _, dir := range dirs {
		gone(dir, name)
	}
}

func (w *watcher) folders() (dirs []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, names := range w.dirs {
		dirs = append(dirs, names...)
	}
	return dirs
}
