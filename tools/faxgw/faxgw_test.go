package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tipring/tools/internal/faxjob"
	"tipring/tools/internal/pcm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bench is the programs that are used together.
type bench struct {
	t   *testing.T
	dir string
}

func newBench(t *testing.T, programs ...string) bench {
	t.Helper()
	b := bench{t, t.TempDir()}
	for _, p := range programs {
		if out, err := exec.Command("go", "build", "-o", b.dir, "tipring/tools/"+p).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", p, err, out)
		}
	}
	return b
}

func (b bench) run(name string, args ...string) string {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), filepath.Join(b.dir, name), args...)
	var notes bytes.Buffer
	cmd.Stderr = &notes
	out, err := cmd.Output()
	if err != nil {
		b.t.Errorf("%s %v: %v: %s%s", name, args, err, out, &notes)
	}
	return string(out)
}

func port(t *testing.T) int {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// speed of calls, in times of real time.
const speed = "3"

// A page passes from a fax machine by a gateway to a T.38 terminal, the other way,
// and by two gateways to another machine.
func TestChains(t *testing.T) {
	b := newBench(t, "faxgw", "faxaudio", "faxt38", "faxpage")
	sent := filepath.Join(b.dir, "sent.tif")
	b.run("faxpage", "make", "-o", sent, "-resolution", "standard", "-rows", "100")
	for _, tt := range []struct {
		name     string
		from, to string // programs
		options  []string
		ecm      bool
	}{
		{"machine to terminal", "faxaudio", "faxt38", nil, true},
		{"terminal to machine", "faxt38", "faxaudio", nil, true},
		{"machine to machine, plain", "faxaudio", "faxaudio", []string{"--redundancy-control", "5", "--redundancy-image", "3"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := bench{t, b.dir}
			dir := t.TempDir()
			recv := filepath.Join(dir, "received.tif")
			p := [2]int{port(t), port(t)}
			var done sync.WaitGroup
			for i, name := range []string{tt.from, tt.to} {
				job := []string{"--send", sent, "--ident", "1"}
				if i == 1 {
					job = []string{"--recv", recv, "--ident", "2"}
				}
				if !tt.ecm {
					job = append(job, "--ecm", "0")
				}
				link := []string{"--speed", speed, "--lport", fmt.Sprint(p[i]), "--remote", fmt.Sprintf("127.0.0.1:%d", p[1-i])}
				if name == "faxaudio" {
					line := "unix:" + filepath.Join(dir, fmt.Sprint("line", i))
					done.Go(func() { b.run("faxgw", append(append(link, tt.options...), "--listen", line)...) })
					job = append(job, "--fast", "--connect", line)
				} else {
					job = append(job, link...)
				}
				done.Go(func() {
					var r faxjob.Report
					if err := json.Unmarshal([]byte(b.run(name, job...)), &r); err != nil {
						t.Error(err)
					}
					if !r.OK || r.Pages != 1 || r.Rate != 14400 || r.ECM != tt.ecm || r.ECMRetries+r.BadRows != 0 || r.RemoteIdent != fmt.Sprint(2-i) {
						t.Errorf("%s: %+v", name, r)
					}
				})
			}
			done.Wait()
			b.run("faxpage", "compare", sent, recv)
		})
	}
}

func TestItEndsWhenItIsTold(t *testing.T) {
	for _, connected := range []bool{false, true} {
		line := "unix:" + filepath.Join(t.TempDir(), "line")
		ctx, stop := context.WithCancel(t.Context())
		if connected {
			go func() {
				defer stop()
				conn, err := pcm.Connect(ctx, line)
				if err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() { conn.Close() })
			}()
		} else {
			stop()
		}
		args := append(strings.Fields("--lport 0 --remote 127.0.0.1:9 --listen"), line)
		if status := run(ctx, args, io.Discard); status != 1 {
			t.Errorf("connected %v: status %d", connected, status)
		}
	}
}

// The machine may hang up at any time.
func TestTheMachineHangsUp(t *testing.T) {
	line := filepath.Join(t.TempDir(), "line")
	done := make(chan int)
	go func() {
		done <- run(t.Context(), []string{"--listen", "unix:" + line, "--lport", "0", "--remote", "127.0.0.1:9"}, io.Discard)
	}()
	conn, err := pcm.Connect(t.Context(), "unix:"+line)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(make([]byte, 3000))
	_ = conn.Close()
	if status := <-done; status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestCommandLinesThatMakeNoSense(t *testing.T) {
	for _, line := range []string{
		"", "--listen a:1 --lport 1", "--lport 1 --remote h:1", "--listen a:1 --remote h:1",
		"--listen a:1 --lport 1 --remote h:1 more", "--listen a:1 --lport 1 --remote h:1 --redundancy-image 9",
		"--listen a:1 --lport 1 --remote h:1 --speed 0", "--listen a:1 --lport 1 --remote h:1 --speed 11",
	} {
		var notes bytes.Buffer
		if status := run(t.Context(), strings.Fields(line), &notes); status != 2 || notes.Len() == 0 {
			t.Errorf("%s: status %d, %q", line, status, &notes)
		}
	}
}
