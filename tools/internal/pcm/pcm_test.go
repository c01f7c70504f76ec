package pcm

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Two sides hear what the other says, in order, and one learns that the other has hung up.
func TestTwoSides(t *testing.T) {
	for _, addr := range []string{"unix:" + filepath.Join(t.TempDir(), "line"), "127.0.0.1:48901"} {
		done := make(chan error, 1)
		go func() {
			conn, err := Await(t.Context(), addr, io.Discard)
			if err == nil {
				err = say(conn, -1, 1000)
			}
			done <- err
		}()
		conn, err := Connect(t.Context(), addr)
		must(t, err)
		if err := say(conn, 1, 300); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
		if err := <-done; !errors.Is(err, ErrHungUp) {
			t.Errorf("%s: %v, want %v", addr, err, ErrHungUp)
		}
	}
}

// Who connects before the other side listens tries again, for a while.
func TestTheOtherSideListensLate(t *testing.T) {
	for _, absent := range []error{syscall.ENOENT, syscall.ECONNREFUSED} {
		synctest.Test(t, func(t *testing.T) {
			began, tries := time.Now(), 0
			here, there := net.Pipe()
			defer there.Close()
			conn, err := connect(t.Context(), func() (net.Conn, error) {
				if tries++; tries <= 3 {
					return nil, absent
				}
				return here, nil
			})
			must(t, err)
			conn.Close()
			if d := time.Since(began); d != 3*pause {
				t.Errorf("%v: connected after %v, want %v", absent, d, 3*pause)
			}
			if _, err = connect(t.Context(), func() (net.Conn, error) { return nil, absent }); !errors.Is(err, absent) {
				t.Errorf("after %v: %v, want %v", patience, err, absent)
			}
			if d := time.Since(began) - 3*pause; d < patience || d > patience+2*pause {
				t.Errorf("%v: given up after %v, want %v", absent, d, patience)
			}
		})
	}
	if _, err := connect(t.Context(), func() (net.Conn, error) { return nil, syscall.EACCES }); !errors.Is(err, syscall.EACCES) {
		t.Errorf("%v, want %v at once", err, syscall.EACCES)
	}
}

// say exchanges frames of sign times 1, 2, 3 and so on, and checks that the other side does.
func say(conn net.Conn, sign int16, frames int) error {
	defer conn.Close()
	s := New(conn, time.Minute)
	for n := range int16(frames) {
		var wrong error
		if err := s.Exchange(func(in, out []int16) {
			out[0], out[Frame-1] = sign*(n+1), sign*(n+1)
			if in[0] != -sign*n || in[Frame-1] != -sign*n {
				wrong = errors.New("heard another frame")
			}
		}); err != nil || wrong != nil {
			return errors.Join(err, wrong)
		}
	}
	return nil
}

func TestNobodyConnects(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if _, err := Await(ctx, "127.0.0.1:0", io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A pacer keeps the clock's pace, catches up when the other side is faster, and does not when
// it had stopped.
func TestPacer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ahead  int
		stop   time.Duration
		frames int
		lasts  time.Duration
	}{
		{"steady", 0, 0, 100, 2 * time.Second},
		{"late by less than a second", 0, 500 * time.Millisecond, 100, 2 * time.Second},
		{"the other side had stopped", 0, 5 * time.Second, 100, 5*time.Second + 99*FrameTime},
		{"the other side is far ahead", 30, 0, 20, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := net.Pipe()
				defer a.Close()
				go func() {
					defer b.Close()
					_, _ = b.Write(make([]byte, tt.ahead*octets+1))
				}()
				s := New(a, time.Minute)
				if _, err := s.r.Peek(tt.ahead*octets + 1); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				p := s.NewPacer()
				time.Sleep(tt.stop)
				for range tt.frames {
					p.Wait()
				}
				if d := time.Since(began); d != tt.lasts {
					t.Errorf("%d frames in %v, want %v", tt.frames, d, tt.lasts)
				}
			})
		})
	}
}

func TestAnOtherSideThatSaysNothing(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() { _, _ = io.Copy(io.Discard, b) }()
	err := New(a, 20*time.Millisecond).Exchange(func(in, out []int16) {})
	if err == nil || !strings.Contains(err.Error(), "did not answer for 20ms") {
		t.Error(err)
	}
}
