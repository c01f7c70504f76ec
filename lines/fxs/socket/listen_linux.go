package socket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	socketMode = 0o660
	folderMode = 0o750
)

// listener is a listening socket and the file it made, if it made one.
type listener struct {
	net.Listener
	path string
	file fs.FileInfo
}

// listen opens unix:/path or tcp:host:port.
func listen(address, token string) (*listener, error) {
	kind, where, _ := strings.Cut(address, ":")
	switch {
	case kind == "unix" && filepath.IsAbs(where):
		return listenUnix(where)
	case kind == "tcp" && where != "" && token == "":
		return nil, errors.New("a tcp driver wants a driver_token")
	case kind == "tcp" && where != "":
		l, err := net.Listen("tcp", where)
		if err != nil {
			return nil, err
		}
		return &listener{Listener: l}, nil
	}
	return nil, errors.New("want unix:/path or tcp:host:port")
}

func listenUnix(path string) (*listener, error) {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	cfg := net.ListenConfig{Control: restrict}
	l, err := cfg.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	// Go would remove whatever has that name by then.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	made := &listener{Listener: l, path: path}
	if err := os.Chmod(path, socketMode); err != nil {
		made.Close()
		return nil, err
	}
	if made.file, err = os.Lstat(path); err != nil {
		made.Close()
		return nil, err
	}
	return made, nil
}

// restrict runs before bind. The file that bind makes gets the mode of the socket
// itself, less the umask, so that there is no moment at which anybody may connect.
func restrict(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), socketMode) }); cerr != nil {
		return cerr
	}
	return err
}

// makeFolder makes the folder if it is missing. One that exists belongs to somebody else
// and keeps its mode.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return err
	}
	return os.Chmod(dir, folderMode)
}

// clearStale removes a socket that a process left which is no more. It removes nothing else.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s exists and is no socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("%s is in use by another process", path)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return err
	}
	return os.Remove(path)
}

// hungUp tells whether the other side has ended a connection, even if there is still
// something from it to read.
func hungUp(conn net.Conn) bool {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	var revents int16
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if _, perr := unix.Poll(fds, 0); perr == nil {
			revents = fds[0].Revents
		}
	})
	return err != nil || revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}

// Close ends listening and removes the socket, if it is still the one that was made.
func (l *listener) Close() error {
	err := l.Listener.Close()
	if l.file == nil {
		return err
	}
	if now, lerr := os.Lstat(l.path); lerr == nil && os.SameFile(now, l.file) {
		return errors.Join(err, os.Remove(l.path))
	}
	return err
}
