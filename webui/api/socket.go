package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tipring/internal/unixsocket"
)

// SocketName is the control socket's name in the state directory.
const SocketName = "control.sock"

// A Socket serves a handler on the control socket until it is closed.
type Socket struct {
	server http.Server
	done   chan struct{} // closed when serving has ended
}

// ServeSocket serves h on SocketName in dir, mode 0600. A socket that nobody answers
// on is removed first; one that somebody answers on, and anything that is not a
// socket, is an error. The keeper puts back one that is deleted; nil: nobody does.
func ServeSocket(keeper *unixsocket.Keeper, dir string, h http.Handler, log *slog.Logger) (*Socket, error) {
	path := filepath.Join(dir, SocketName)
	listener, err := keeper.Listen(path, log, func() (*net.UnixListener, error) { return listen(dir, path) })
	if err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	s := &Socket{done: make(chan struct{})}
	s.server = http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("control socket ended", "path", path, "err", err)
		}
	}()
	return s, nil
}

// Close lets running requests end for as long as ctx allows, then cuts them, removes
// the socket and waits for its goroutine.
func (s *Socket) Close(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	if err != nil {
		s.server.Close()
	}
	<-s.done
	return err
}

// listen holds a lock on the directory while it looks at the old socket and makes
// the new one, so that of two agents that start at once one is refused.
func listen(dir, path string) (*net.UnixListener, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("locking its directory: %w", err)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: private}
	listener, err := config.Listen(context.Background(), "unix", path)
	if errors.Is(err, syscall.EINVAL) {
		// sun_path holds 108 octets with the closing NUL (unix(7)).
		return nil, fmt.Errorf("a name of %d octets is too long for a socket: choose a shorter state_dir", len(path))
	}
	if err != nil {
		return nil, err
	}
	return listener.(*net.UnixListener), nil
}

// private gives the socket file mode 0600 from its first moment: on Linux bind takes
// the mode of the socket itself.
func private(_, _ string, c syscall.RawConn) error {
	var chmod error
	if err := c.Control(func(fd uintptr) { chmod = syscall.Fchmod(int(fd), 0o600) }); err != nil {
		return err
	}
	return chmod
}

// removeStale removes the socket that an agent left which was killed.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file that is not a socket")
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		conn.Close()
		return errors.New("another agent answers on it")
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	return fmt.Errorf("nobody can tell whether it is in use: %w", err)
}
