package config

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// What could keep its reader for ever is refused at once, wherever a layer is read from.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	pipe, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	local := filepath.Join(dir, "state")
	if err := os.MkdirAll(filepath.Dir(LocalPath(local)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(LocalPath(local), 0o600); err != nil {
		t.Fatal(err)
	}
	null := os.DevNull
	for _, files := range []Files{
		{Factory: pipe, File: null, StateDir: dir},
		{Factory: null, File: pipe, StateDir: dir},
		{Factory: null, File: socket, StateDir: dir},
		{Factory: null, File: dir, StateDir: dir},
		{Factory: null, File: "/dev/zero", StateDir: dir},
		{Factory: null, File: null, StateDir: local},
	} {
		done := make(chan error, 1)
		go func() {
			_, err := files.Layers()
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.Is(err, ErrNotRegular) {
				t.Errorf("%+v: %v", files, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%+v: hangs", files)
		}
	}
	if _, err := (Files{Factory: null, File: null, StateDir: dir}).Layers(); err != nil {
		t.Errorf("the null device: %v", err)
	}
}
