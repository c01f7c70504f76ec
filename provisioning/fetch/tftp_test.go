package fetch

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestTFTP(t *testing.T) {
	file := strings.Repeat("[sip1]\nusername = 1001\n", 100)
	url := "tftp://files.example/cfg/0c38.cfg"
	addr := netip.MustParseAddr("192.0.2.7")
	other := netip.MustParseAddr("192.0.2.8")

	bubble(t, "good", func(t *testing.T, l *lab) {
		l.names["files.example"] = []netip.Addr{addr}
		l.serveTFTP(t, "192.0.2.7:69", func(name string, options bool, s *tftpSide) {
			if name != "cfg/0c38.cfg" || !options {
				t.Errorf("asked for %q, options %v", name, options)
			}
			s.sendFile(file)
		})
		res, took, err := l.fetch(t, Config{}, Request{URL: url})
		if err != nil || string(res.Data) != file || res.Secure || res.URL != url || took != dallyTime {
			t.Errorf("%d octets, %+v, %v, after %v", len(res.Data), res.URL, err, took)
		}
	})
	bubble(t, "options", func(t *testing.T, l *lab) {
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) {
			s.send(oack("blksize", "1428", "tsize", "5"))
			if s.acked(0, time.Second) {
				s.send(dataPacket(1, []byte("12345")))
			}
		})
		if res, _, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"}); err != nil || string(res.Data) != "12345" {
			t.Errorf("%q, %v", res.Data, err)
		}
	})
	bubble(t, "options refused", func(t *testing.T, l *lab) {
		asked := 0
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, options bool, s *tftpSide) {
			if asked++; options {
				s.send(errorPacket(8, "no"))
				return
			}
			s.sendFile("plain")
		})
		if res, _, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"}); err != nil || string(res.Data) != "plain" || asked != 2 {
			t.Errorf("%q, %v, asked %d times", res.Data, err, asked)
		}
	})
	bubble(t, "another port, second address", func(t *testing.T, l *lab) {
		l.names["files.example"] = []netip.Addr{addr, netip.MustParseAddr("::ffff:192.0.2.8"), netip.MustParseAddr("224.0.0.1")}
		l.serveTFTP(t, "192.0.2.8:6969", func(_ string, _ bool, s *tftpSide) { s.sendFile("second") })
		res, took, err := l.fetch(t, Config{}, Request{URL: "tftp://files.example:6969/a"})
		if err != nil || string(res.Data) != "second" || took != 15*time.Second+dallyTime {
			t.Errorf("%q, %v, after %v", res.Data, err, took)
		}
	})
	bubble(t, "nobody", func(t *testing.T, l *lab) {
		l.names["files.example"] = []netip.Addr{addr, other}
		_, took, err := l.fetch(t, Config{}, Request{URL: url})
		if !errors.Is(err, errSilent) || took != 30*time.Second || err.Error() != url+": 192.0.2.7: no answer; 192.0.2.8: no answer" {
			t.Errorf("%v, after %v", err, took)
		}
	})
	bubble(t, "an answer by another interface", func(t *testing.T, l *lab) {
		away := l.socket(netip.MustParseAddrPort("192.0.2.8:31000"))
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) {
			_, _ = away.WriteToUDPAddrPort(dataPacket(1, []byte("file")), s.to)
		})
		_, _, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"})
		if !errors.Is(err, errSilent) || !strings.Contains(err.Error(), "no answer from 192.0.2.7, but 5 packets from elsewhere") {
			t.Error(err)
		}
	})
	bubble(t, "no such file", func(t *testing.T, l *lab) {
		l.names["files.example"] = []netip.Addr{addr, other}
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) { s.send(errorPacket(1, "File not found")) })
		_, took, err := l.fetch(t, Config{}, Request{URL: url})
		if !errors.Is(err, ErrNotFound) || took != 0 || err.Error() != url+": TFTP error 1: File not found" {
			t.Errorf("%v, after %v", err, took)
		}
	})
	bubble(t, "no such name", func(t *testing.T, l *lab) {
		var e *net.DNSError
		if _, _, err := l.fetch(t, Config{}, Request{URL: url}); !errors.As(err, &e) {
			t.Error(err)
		}
	})
	bubble(t, "a web page", func(t *testing.T, l *lab) {
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) { s.sendFile("\n<!DOCTYPE HTML><title>Log in</title>") })
		if res, _, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"}); !errors.Is(err, ErrHTML) || res.Data != nil {
			t.Error(err)
		}
	})
	bubble(t, "empty", func(t *testing.T, l *lab) {
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) { s.sendFile("") })
		if _, _, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"}); !errors.Is(err, ErrCut) {
			t.Error(err)
		}
	})
	bubble(t, "cut, and the server goes away", func(t *testing.T, l *lab) {
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) {
			s.send(dataPacket(1, block))
			s.acked(1, time.Second)
		})
		res, took, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"})
		if !errors.Is(err, ErrCut) || res.Data != nil || took != 15*time.Second {
			t.Errorf("%d octets, %v, after %v", len(res.Data), err, took)
		}
	})
	bubble(t, "a block each 11 seconds", func(t *testing.T, l *lab) {
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) {
			for n := uint16(1); n < 100; n++ {
				s.send(dataPacket(n, block))
				time.Sleep(11 * time.Second)
			}
		})
		_, took, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"})
		if !errors.Is(err, ErrSlow) || took > 25*time.Second {
			t.Errorf("%v, after %v", err, took)
		}
	})
	bubble(t, "a block each 2 seconds", func(t *testing.T, l *lab) {
		var last []byte
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) {
			for n := uint16(1); n < 30; n++ {
				s.send(dataPacket(n, block))
				time.Sleep(2 * time.Second)
			}
			b := make([]byte, 100)
			_ = s.socket.SetReadDeadline(time.Now().Add(20 * time.Second))
			for {
				n, _, err := s.socket.ReadFromUDPAddrPort(b)
				if err != nil {
					return
				}
				last = append(last[:0], b[:n]...)
			}
		})
		_, took, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"})
		if !errors.Is(err, ErrTime) || took != totalTime {
			t.Errorf("%v, after %v", err, took)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if !bytes.Equal(last, errorPacket(0, "given up")) {
			t.Errorf("the server was left with %q", last)
		}
	})
	bubble(t, "given up", func(t *testing.T, l *lab) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := l.client(Config{}).Fetch(ctx, Request{URL: "tftp://192.0.2.7/a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	bubble(t, "the last ACK is lost", func(t *testing.T, l *lab) {
		acked := false
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) {
			s.send(dataPacket(1, []byte("all")))
			s.acked(1, time.Second) // as if it had not come
			time.Sleep(time.Second)
			s.send(dataPacket(1, []byte("all")))
			acked = s.acked(1, time.Second)
		})
		res, _, err := l.fetch(t, Config{}, Request{URL: "tftp://192.0.2.7/a"})
		synctest.Wait()
		if err != nil || string(res.Data) != "all" || !acked {
			t.Errorf("%q, %v, acknowledged again: %v", res.Data, err, acked)
		}
	})
	bubble(t, "strangers are told of", func(t *testing.T, l *lab) {
		evil := l.socket(netip.MustParseAddrPort("198.51.100.9:69"))
		l.serveTFTP(t, "192.0.2.7:69", func(_ string, _ bool, s *tftpSide) {
			_, _ = evil.WriteToUDPAddrPort(dataPacket(1, []byte("evil")), s.to)
			s.sendFile("good")
		})
		var log bytes.Buffer
		res, _, err := l.fetch(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, Request{URL: "tftp://192.0.2.7/a"})
		if err != nil || string(res.Data) != "good" || !strings.Contains(log.String(), "packets=1") {
			t.Errorf("%q, %v, log %s", res.Data, err, log.String())
		}
		b := make([]byte, 100)
		if n, _, _ := evil.ReadFromUDPAddrPort(b); !bytes.Equal(b[:n], errorPacket(5, "unknown transfer ID")) {
			t.Errorf("the stranger got %q", b[:n])
		}
	})
}

// Over the machine's own sockets, by IPv4 and IPv6.
func TestTFTPSocket(t *testing.T) {
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		t.Run(loopback, func(t *testing.T) {
			t.Parallel()
			c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(loopback), 0)))
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				b := make([]byte, 600)
				_, from, err := c.ReadFromUDPAddrPort(b)
				if err == nil {
					_, _ = c.WriteToUDPAddrPort(dataPacket(1, []byte("file")), from)
				}
			}()
			url := "tftp://" + c.LocalAddr().String() + "/a"
			res, err := New(Config{Local: netip.MustParseAddr(loopback)}).Fetch(t.Context(), Request{URL: url})
			if err != nil || string(res.Data) != "file" {
				t.Errorf("%q, %v", res.Data, err)
			}
			_ = c.Close()
			<-done

			// Nobody listens there any more: an ICMP error says so in a second.
			started := time.Now()
			_, err = New(Config{}).Fetch(t.Context(), Request{URL: url})
			if took := time.Since(started); !errors.Is(err, syscall.ECONNREFUSED) || took > 5*time.Second {
				t.Errorf("%v, after %v", err, took)
			}
		})
	}
	_, err := New(Config{Local: netip.MustParseAddr("127.0.0.1")}).Fetch(t.Context(), Request{URL: "tftp://[::1]/a"})
	if err == nil || !strings.Contains(err.Error(), "no address that a server can have from here") {
		t.Error(err)
	}
}
