package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/internal/config"
	"tipring/webui/api"
)

// A process is a foreground program with its file.
type process struct {
	t         *testing.T
	file, dir string
	log       *syncBuffer
	ends      chan os.Signal
	done      chan error
	cancel    context.CancelFunc
	client    *http.Client
}

// newProcess runs an agent on text, as RunWithSignals does.
func newProcess(t *testing.T, text string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{t: t, file: filepath.Join(dir, "tipring.ini"), dir: filepath.Join(dir, "s"), log: new(syncBuffer), ends: make(chan os.Signal, 2), done: make(chan error, 1)}
	p.write(text)
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(p.dir, api.SocketName))
	}}}
	go func() {
		p.done <- run(ctx, Options{Files: config.Files{File: p.file, StateDir: p.dir}, Version: "1.0", Stderr: p.log}, p.ends, nil)
	}()
	return p
}

func (p *process) write(text string) {
	p.t.Helper()
	if err := os.WriteFile(p.file, []byte(nowhere+text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// until waits for something that comes to be.
func (p *process) until(what string, f func() bool) {
	p.t.Helper()
	for limit := time.Now().Add(patience); !f(); <-time.After(time.Millisecond) {
		if time.Now().After(limit) {
			p.t.Fatalf("never: %s\n%s", what, p.log)
		}
	}
}

// lives waits until the agent that is the n-th to start answers.
func (p *process) lives(n int) {
	p.t.Helper()
	p.until("another agent", func() bool {
		if strings.Count(p.log.String(), "msg=started ")+strings.Count(p.log.String(), `"msg":"started"`) < n {
			return false
		}
		r, err := p.client.Get("http://tipring/healthz")
		if err == nil {
			r.Body.Close()
		}
		return err == nil
	})
}

// ready reports that the agent's line is registered.
func (p *process) ready() bool {
	r, err := p.client.Get("http://tipring/readyz")
	if err != nil {
		return false
	}
	r.Body.Close()
	return r.StatusCode == 200
}

// asks posts to the agent and wants a status.
func (p *process) asks(path, body string, status int) {
	p.t.Helper()
	r, err := p.client.Post("http://tipring/api/v1"+path, "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != status {
		p.t.Errorf("%s %s: %s", path, body, r.Status)
	}
}

// ended waits for the end.
func (p *process) ended() {
	p.t.Helper()
	select {
	case err := <-p.done:
		if err != nil {
			p.t.Error(err)
		}
	case <-time.After(patience):
		p.t.Fatal("it does not end")
	}
	p.cancel()
}

// What only a start takes over is in force after a restart, which leaves nothing behind.
func TestRestart(t *testing.T) {
	text := base + line(1, newRegistry(t).port) + "[port1]\ndriver = sim\n"
	p := newProcess(t, text)
	p.lives(1)
	p.until("ready", p.ready)
	before := openFiles(t)
	p.write(text + "[device]\nlog_format = json\n")
	p.asks("/restart", `{"now":false}`, 202)
	p.lives(2)
	if log := p.log.String(); !strings.Contains(log, "msg=restarting") || !strings.Contains(log, "msg=stopped") || !strings.Contains(log, `"msg":"started"`) {
		t.Errorf("log:\n%s", log)
	}
	p.until("ready again", p.ready)
	p.until("as many open files as before", func() bool { return openFiles(t) <= before })
	p.asks("/restart", `{"now":true}`, 202)
	p.lives(3)
	p.ends <- syscall.SIGTERM
	p.ended()
}

// A restart waits for calls as an end does; one that is to be now does not, and a signal has the
// process end after all.
func TestARestartWaitsForCalls(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hurry func(p *process)
		lives bool
	}{
		{"now", func(p *process) { p.asks("/restart", `{"now":true}`, 202) }, true},
		{"a second signal", func(p *process) { p.ends <- syscall.SIGTERM; p.ends <- syscall.SIGTERM }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			silent, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			p := newProcess(t, fmt.Sprintf("%s[sip1]\nproxy_addr = 127.0.0.1\nproxy_port = %d\nkeepalive = none\n[port1]\ndriver = sim\n", base, silent.LocalAddr().(*net.UDPAddr).Port))
			p.lives(1)
			p.until("a call", func() bool {
				r, err := p.client.Post("http://tipring/api/v1/ports/1/call", "application/json", strings.NewReader(`{"to":"600"}`))
				if err == nil {
					r.Body.Close()
				}
				return err == nil && r.StatusCode == 202
			})
			p.asks("/restart", "", 202)
			p.until("the drain", func() bool { return strings.Contains(p.log.String(), "msg=restarting") })
			p.asks("/drain", `{"resume":true}`, 409)
			tt.hurry(p)
			if tt.lives {
				p.lives(2)
				p.ends <- syscall.SIGTERM
			}
			p.ended()
			if got := strings.Count(p.log.String(), "msg=started "); got > 1 != tt.lives {
				t.Errorf("started %d times", got)
			}
		})
	}
}

// Who runs an agent alone is not surprised by its end.
func TestNobodyWouldStartItAgain(t *testing.T) {
	r := start(t, base)
	if err := r.Restart(false); !errors.Is(err, api.ErrUnavailable) || r.ending.Load() {
		t.Errorf("%v, ending %v", err, r.ending.Load())
	}
	r.restarts.Store(mayRestart)
	r.Stop()
	r.stays()
	if err := r.Restart(false); !errors.Is(err, api.ErrConflict) {
		t.Errorf("while it ends: %v", err)
	}
}
