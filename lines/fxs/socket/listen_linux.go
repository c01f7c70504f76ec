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

// listen opens unix:/path or tcp:host:port. The keeper keeps the name of the former.
func listen(cfg Config) (net.Listener, error) {
	kind, where, _ := strings.Cut(cfg.Address, ":")
	switch {
	case kind == "unix" && filepath.IsAbs(where):
		return cfg.Keeper.Listen(where, cfg.Log, func() (*net.UnixListener, error) { return listenUnix(where) })
	case kind == "tcp" && where != "" && cfg.Token == "":
		return nil, errors.New("a tcp driver wants a driver_token")
	case kind == "tcp" && where != "":
		return net.Listen("tcp", where)
	}
	return nil, errors.New("want unix:/path or tcp:host:port")
}

func listenUnix(path string) (*net.UnixListener, error) {
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
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l.(*net.UnixListener), nil
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
