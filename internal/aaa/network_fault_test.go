package aaa

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A faulty socket fails to write, for a while, and reads as its wire does.
type faulty struct {
	*wire
	err   error
	times int
}

func (f *faulty) Write(b []byte) (int, error) {
	if f.times > 0 {
		f.times--
		return 0, &net.OpError{Op: "write", Err: os.NewSyscallError("write", f.err)}
	}
	return f.wire.Write(b)
}

// What our own network says when we write.
func TestWriteErrors(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		times int
		took  time.Duration
		by    string
	}{
		// The error of an earlier datagram: the one to be written is written all the same.
		{"ICMP of before", syscall.ECONNREFUSED, 1, 0, "a:1"},
		{"no route for a moment", syscall.ENETUNREACH, 1, 200 * time.Millisecond, "a:1"},
		{"no route", syscall.ENETUNREACH, 9, 200 * time.Millisecond, "b:1"},
		{"forbidden", syscall.EPERM, 9, 200 * time.Millisecond, "b:1"},
	} {
		bubble(t, func(t *testing.T, n *network) {
			n.server("a:1", answers)
			n.server("b:1", answers)
			c := n.client(t, Config{}, "a:1", "b:1")
			c.servers[0].dial = func(ctx context.Context, proto, addr string) (net.Conn, error) {
				conn, err := n.dial(ctx, proto, addr)
				return &faulty{conn.(*wire), tt.err, tt.times}, err
			}
			r, err := c.Exchange(context.Background(), lookup("x"))
			if took := time.Since(n.began); err != nil || r.Server != tt.by || took != tt.took {
				t.Errorf("%s: %s, %v after %v; want %s after %v", tt.name, r.Server, err, took, tt.by, tt.took)
			}
		})
	}
}

// A flood of ICMP errors is a single one, and the answer is heard through it.
func TestFloodOfICMP(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		f := n.server("a:1", func(count int, w *wire, request []byte) {
			if count == 1 {
				for range 105 {
					w.inject(nil)
				}
				answers(count, w, request)
			}
		})
		if _, err := n.client(t, Config{}, "a:1").Exchange(context.Background(), lookup("x")); err != nil || len(f.times()) != 1 {
			t.Errorf("%v after %v", err, f.times())
		}
	})
}

// Finding the address takes the time of the server it is for.
func TestSlowNames(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		n.server("b:1", answers)
		c := n.client(t, Config{}, "a:1", "b:1", "c:1")
		slow := func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		c.servers[0].dial, c.servers[2].dial = slow, slow
		r := lookup("x")
		r.Budget = 3 * time.Second
		got, err := c.Exchange(context.Background(), r)
		if took := time.Since(n.began); err != nil || got.Server != "b:1" || took != time.Second {
			t.Errorf("%v %v after %v", got, err, took)
		}
		c.servers[1].dial = slow
		began := time.Now()
		_, err = c.Exchange(context.Background(), r)
		if took := time.Since(began); !errors.Is(err, ErrNoAnswer) || took != 3*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// Of two half-open servers the one whose turn does not come stays half-open, and has
// its turn another time.
func TestHalfOpenServersInTurn(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		a, b, c := n.server("a:1", gone), n.server("b:1", gone), n.server("c:1", answers)
		client := n.client(t, Config{Dead: time.Minute}, "a:1", "b:1", "c:1")
		ask := func() string {
			r, err := client.Exchange(context.Background(), lookup("x"))
			if err != nil {
				return err.Error()
			}
			return r.Server
		}
		ask()
		a.behave(silence)
		b.behave(silence)
		time.Sleep(2 * time.Minute)
		ask() // Status-Servers go out, to no answer
		time.Sleep(3 * time.Second)
		requestsOnly := func(n int, w *wire, b []byte) {
			if Code(b[0]) == AccessRequest {
				answers(n, w, b)
			}
		}
		a.behave(requestsOnly)
		if by := ask(); by != "a:1" {
			t.Fatalf("%s answered", by)
		}
		b.got = nil
		a.behave(gone)
		c.behave(gone)
		b.behave(requestsOnly)
		if by := ask(); by != "b:1" {
			t.Errorf("%s answered", by)
		}
	})
}

// A cache that cannot be written takes nothing from the answer.
func TestCacheFaults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	s := &script{answer: kept}
	var log strings.Builder
	c := Cached{Client: s, Cache: newCache(t, dir), Log: slog.New(slog.NewTextHandler(&log, nil))}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if r, err := c.Exchange(context.Background(), lookup("x")); err != nil || r.Code != AccessAccept {
		t.Errorf("%v, %v", r, err)
	}
	s.answer = Response{Code: AccessReject}
	if r, err := c.Exchange(context.Background(), lookup("x")); err != nil || r.Code != AccessReject {
		t.Errorf("%v, %v", r, err)
	}
	if n := strings.Count(log.String(), "not kept"); n != 2 {
		t.Errorf("%d faults logged:\n%s", n, log.String())
	}
	if _, err := NewCache(filepath.Join(os.DevNull, "x"), localKey); err == nil {
		t.Error("a cache under a device")
	}
	if _, err := LocalKey(filepath.Join(os.DevNull, "x")); err == nil {
		t.Error("a key under a device")
	}
}
