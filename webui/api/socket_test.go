package api

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func hello(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }

// get asks the socket in dir and does not keep the connection.
func get(dir string) (string, error) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, SocketName))
	}}
	res, err := (&http.Client{Transport: transport}).Get("http://tipring/")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}

func serve(t *testing.T, dir string) *Socket {
	t.Helper()
	s, err := ServeSocket(nil, dir, http.HandlerFunc(hello), quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSocketServesAndGoesAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := serve(t, dir)
	if got, err := get(dir); got != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	info, err := os.Lstat(filepath.Join(dir, SocketName))
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, SocketName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestASocketThatSomebodyAnswersOnStays(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	defer s.Close(context.Background())
	_, err := ServeSocket(nil, dir, http.HandlerFunc(hello), quiet)
	if err == nil || !strings.HasSuffix(err.Error(), "control.sock: another agent answers on it") {
		t.Errorf("second agent: %v", err)
	}
	if got, err := get(dir); got != "hello" {
		t.Errorf("the first agent's socket: %q, %v", got, err)
	}
}

// kill -9 leaves the socket file behind.
func TestAStaleSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	s := serve(t, dir)
	defer s.Close(context.Background())
	if got, err := get(dir); got != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNothingButASocketIsRemoved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, SocketName)
	os.WriteFile(path, []byte("precious"), 0o600)
	if _, err := ServeSocket(nil, dir, http.HandlerFunc(hello), quiet); err == nil || !strings.HasSuffix(err.Error(), "there is a file that is not a socket") {
		t.Errorf("error %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Error("the file is gone")
	}
}

func TestANameTooLongIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if _, err := ServeSocket(nil, dir, http.HandlerFunc(hello), quiet); err == nil || !strings.Contains(err.Error(), "choose a shorter state_dir") {
		t.Errorf("error %v", err)
	}
}

// Of agents that start at once on a stale socket exactly one serves.
func TestOneOfManyServes(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	var all sync.WaitGroup
	sockets := make([]*Socket, 8)
	for i := range sockets {
		all.Go(func() { sockets[i], _ = ServeSocket(nil, dir, http.HandlerFunc(hello), quiet) })
	}
	all.Wait()
	served := 0
	for _, s := range sockets {
		if s != nil {
			served++
			defer s.Close(context.Background())
		}
	}
	if got, err := get(dir); served != 1 || got != "hello" {
		t.Errorf("%d serve; %q, %v", served, got, err)
	}
}

// Close waits for a running request as long as its context allows, and not longer.
func TestCloseCutsWhatTakesTooLong(t *testing.T) {
	dir := t.TempDir()
	entered, left := make(chan struct{}), make(chan struct{})
	s, err := ServeSocket(nil, dir, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(left)
	}), quiet)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() {
		_, err := get(dir)
		answer <- err
	}()
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	<-left
	if err := <-answer; err == nil {
		t.Error("the request ended well")
	}
}

// The mode is right whatever the umask is.
func TestSocketModeIgnoresTheUmask(t *testing.T) {
	old := syscall.Umask(0)
	dir := t.TempDir()
	s := serve(t, dir)
	syscall.Umask(old)
	defer s.Close(context.Background())
	info, err := os.Lstat(filepath.Join(dir, SocketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
