package lab

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tipring/internal/ua/digest"
	"tipring/internal/ua/transport"
)

// sipp runs a scenario of sipp's and returns a function that waits for its success.
func sipp(t *testing.T, args ...string) (passed func()) {
	t.Helper()
	program, err := exec.LookPath("sipp")
	if err != nil {
		t.Fatalf("%v: apt install sip-tester, or run make test", err)
	}
	errors := filepath.Join(t.TempDir(), "errors")
	cmd := exec.Command(program, append([]string{
		"-m", "1", "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin", "-nd", "-recv_timeout", "10000",
		"-trace_err", "-error_file", errors,
	}, args...)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	timeout := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { timeout.Stop(); _ = cmd.Process.Kill() })
	return func() {
		t.Helper()
		if err := <-ended; err != nil {
			text, _ := os.ReadFile(errors)
			t.Fatalf("sipp: %v\n%.2000s\n%s", err, output.String(), text)
		}
	}
}

// A stranger registers and calls, over UDP and TCP: sipp's digest is its own.
func TestSippCalls(t *testing.T) {
	for _, tt := range []struct {
		proto transport.Proto
		flag  string
	}{{transport.UDP, "u1"}, {transport.TCP, "t1"}} {
		t.Run(tt.proto.String(), func(t *testing.T) {
			t.Parallel()
			l := startLab(t, Config{Users: users, Algorithms: []digest.Algorithm{digest.MD5}}) // sipp knows no other
			l.Far.RingFor(0)
			l.Primary.do(func(time.Time) { l.Primary.core.verifier.AnyURI = true }) // it leaves the user out
			passed := sipp(t, "-sf", "testdata/call.xml", "-t", tt.flag, "-p", fmt.Sprint(freePort(t)), "-mp", fmt.Sprint(freePort(t)), l.Primary.Addr(tt.proto).String())
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			call, err := l.Far.Next(ctx)
			if err != nil {
				passed()
				t.Fatal(err)
			}
			passed()
			select {
			case <-call.Ended():
			case <-ctx.Done():
				t.Error("sipp's BYE did not reach the far end")
			}
			if call.Peer != "201" {
				t.Errorf("called by %s, want 201", call.Peer)
			}
			if tt.proto == transport.UDP { // over TCP the binding ends with the connection
				if b := l.Primary.Bindings("201"); len(b) != 1 || b[0].Contact.URI.User != "201" {
					t.Errorf("bindings %v, want sipp's", b)
				}
			}
		})
	}
}

// The far telephone calls a stranger through a server, and hangs up.
func TestCallSipp(t *testing.T) {
	t.Parallel()
	l := startLab(t, Config{Users: users})
	port := freePort(t)
	l.Backup.Route("700", netip.AddrPortFrom(primaryAddr, port))
	passed := sipp(t, "-sf", "testdata/answer.xml", "-p", fmt.Sprint(port), "-mp", fmt.Sprint(freePort(t)))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	call, err := l.Far.Call(ctx, l.Backup.Addr(transport.UDP), "700") // repeated until sipp listens
	if err != nil {
		t.Fatal(err)
	}
	call.Hangup()
	passed()
}
