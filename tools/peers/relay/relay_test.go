package relay

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

// What the server says comes through whole until Cut, then by half and with a reset.
func TestCut(t *testing.T) {
	h := netlab.New(t).Host("server", 1)
	var server net.Listener
	if err := h.Do(func() (err error) { server, err = net.Listen("tcp", "127.0.0.1:9"); return err }); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	r := Start(t, h, "10.9.0.1:9", "127.0.0.1:9")
	ask := func() (string, error) {
		var c net.Conn
		if err := h.Do(func() (err error) { c, err = net.Dial("tcp", "10.9.0.1:9"); return err }); err != nil {
			return "", err
		}
		defer func() { _ = c.Close() }()
		_, _ = c.Write([]byte("12345678"))
		b := make([]byte, 8)
		n, err := io.ReadFull(c, b)
		return string(b[:n]), err
	}
	if got, err := ask(); got != "12345678" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	r.Cut()
	if got, err := ask(); len(got) > 4 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut: got %q, %v, want half at most and a reset", got, err)
	}
	if r.Cuts() != 1 {
		t.Errorf("%d cuts", r.Cuts())
	}
	r.Heal()
	if got, err := ask(); got != "12345678" || err != nil {
		t.Errorf("healed: got %q, %v", got, err)
	}
}
