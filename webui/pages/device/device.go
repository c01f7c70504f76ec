// Package device runs a whole agent for the tests of pages, which reach it by its control
// socket as any program on the device does. It knows every page, so only test packages of
// their own may use it.
package device

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"tipring/agent"
	"tipring/internal/config"
)

// A Device is a running agent. It ends with its test.
type Device struct {
	Dir    string // of its files; its state directory is state in it
	Client *http.Client
}

// Start runs an agent on a configuration, and returns when its control socket answers.
func Start(t *testing.T, text string) *Device {
	t.Helper()
	dir, err := os.MkdirTemp("", "dev") // short, for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file, state := filepath.Join(dir, "tipring.ini"), filepath.Join(dir, "state")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &log{started: make(chan struct{})}
	a, err := agent.New(agent.Options{Files: config.Files{File: file, Factory: os.DevNull, StateDir: state}, Version: "1.0", Stderr: said})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(state, "control.sock"))
	}}
	select {
	case <-said.started:
	case err := <-ended:
		cancel()
		t.Fatalf("the device does not start: %v", err)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Device{dir, &http.Client{Transport: transport, CheckRedirect: stay}}
}

// A log waits for the agent to say that it serves its control socket.
type log struct {
	once    sync.Once
	started chan struct{}
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("msg=started ")) {
		l.once.Do(func() { close(l.started) })
	}
	return len(p), nil
}
