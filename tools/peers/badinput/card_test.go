package badinput

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
)

// The line-card socket keeps to its page: one card at a time, HELLO first, true
// lengths, sound without pause.
func TestLineCardSocket(t *testing.T) {
	_, host, far, config := good(t)
	a := agent.Start(t, host, config)
	path := filepath.Join(a.Dir, "cards", "p1")
	works(t, a, far)

	t.Run("modes", func(t *testing.T) {
		socket, err := os.Stat(path)
		if err != nil || socket.Mode().Perm() != 0o660 {
			t.Errorf("socket %v, %v, want mode 0660", socket, err)
		}
		dir, err := os.Stat(filepath.Dir(path))
		if err != nil || dir.Mode().Perm() != 0o750 {
			t.Errorf("its directory %v, %v, want mode 0750", dir, err)
		}
		control, err := os.Stat(filepath.Join(a.Dir, "state", "control.sock"))
		if err != nil || control.Mode().Perm() != 0o600 {
			t.Errorf("control.sock %v, %v, want mode 0600", control, err)
		}
	})
	t.Run("a second card is turned away", func(t *testing.T) {
		p := phone.Connect(t, "unix", path, "")
		second := raw(t, path)
		if !closes(second, time.Second) {
			t.Error("the second connection stays open")
		}
		p.OffHook()
		p.WaitTone(patience, phone.DialTone...)
		p.Close()
		a.WaitPort(patience, 1, "idle")
	})
	for _, tt := range []struct {
		name  string
		bytes string
		limit time.Duration
	}{
		{"no HELLO", "", 7 * time.Second},
		{"AUDIO before HELLO", "\x01\x00\xa0" + strings.Repeat("\x00", 160), 7 * time.Second},
		{"HELLO that is no JSON", "\x06\x00\x02{{", 7 * time.Second},
		{"a frame of odd length", hello + "\x01\x00\xa1" + strings.Repeat("\x00", 161), 3 * time.Second},
		{"a frame too short", hello + "\x01\x00\x02\x00\x00", 3 * time.Second},
		{"a frame too long", hello + "\x01\xff\xfe" + strings.Repeat("\x00", 65534), 3 * time.Second},
		{"a hook of two octets", hello + "\x02\x00\x02\x00\x00", 3 * time.Second},
		{"no AUDIO", hello, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := raw(t, path)
			if _, err := c.Write([]byte(tt.bytes)); err != nil {
				t.Fatal(err)
			}
			if !closes(c, tt.limit) {
				t.Errorf("the connection is open after %v", tt.limit)
			}
		})
	}
	t.Run("an unknown type is skipped", func(t *testing.T) {
		c := raw(t, path)
		if _, err := c.Write([]byte(hello + "\x7f\x00\x03abc\x01\x00\xa0" + strings.Repeat("\x00", 160))); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		b := make([]byte, 4096)
		var got string
		for !strings.Contains(got, "\x01\x00\xa0") {
			n, err := c.Read(b)
			if err != nil {
				t.Fatalf("no AUDIO came back: %v", err)
			}
			got += string(b[:n])
		}
	})
	works(t, a, far)
}

const hello = "\x06\x00\x1f" + `{"protocol":1,"name":"a card."}`

func raw(t *testing.T, path string) net.Conn {
	t.Helper()
	var c net.Conn
	// The card before us may not be gone yet.
	if !netlab.Until(patience, func() (ok bool) {
		var err error
		c, err = net.Dial("unix", path)
		return err == nil
	}) {
		t.Fatal("cannot connect to the line-card socket")
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// closes reports whether the agent closes a connection within limit.
func closes(c net.Conn, limit time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(limit))
	b := make([]byte, 4096)
	for {
		if _, err := c.Read(b); err != nil {
			nerr, ok := err.(net.Error)
			return !ok || !nerr.Timeout()
		}
	}
}
