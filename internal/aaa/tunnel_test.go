package aaa

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A connection that ends in the middle of an answer: what came is no answer, and the
// question goes to a new connection, as often as there are tries.
func TestRadsecClosedInAnAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		half := 0
		s := n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
			answer := overTLS(request, account)
			if half > 0 {
				half--
				_, _ = c.Write(answer[:len(answer)/2])
				return false
			}
			_, err := c.Write(answer)
			return err == nil
		})
		c := s.client(t, Config{Tries: 3})
		half = 2
		if r, err := c.Exchange(context.Background(), lookup("x")); err != nil || !r.Signed || s.accepted.Load() != 3 {
			t.Errorf("%v %v over connection %d", r, err, s.accepted.Load())
		}
		time.Sleep(5 * time.Second)
		// The third connection is one from before; then there are three more.
		half = 9
		_, err := c.Exchange(context.Background(), lookup("x"))
		if !errors.Is(err, ErrNoAnswer) || !errors.Is(err, io.ErrUnexpectedEOF) || half != 5 {
			t.Errorf("%v, %d connections left", err, half)
		}
	})
}

// A server that restarted has forgotten the connection. That is found out by the
// question, which has its one try left.
func TestRadsecRestart(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		restarted := false
		s := n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
			if restarted {
				restarted = false
				return false // a reset
			}
			return answersOverTLS(0, c, request)
		})
		c := s.client(t, Config{Tries: 1})
		for i := range 3 {
			restarted = i > 0
			r := lookup("x")
			r.Budget = time.Second
			if got, err := c.Exchange(context.Background(), r); err != nil || !got.Secure {
				t.Errorf("question %d: %v %v", i+1, got, err)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

// A server that vanished without a word, as in a power cut: the question that hears
// nothing is the last on its connection, even when its time is over before the
// watchdog's.
func TestRadsecHalfOpenConnection(t *testing.T) {
	for _, tt := range []struct {
		name    string
		budget  time.Duration
		answers bool // the first question after the cut
	}{
		{"in a call, alone", 3 * time.Second, true},
		{"in a call, one of three servers", time.Second, false},
		{"outside a call", 0, true},
	} {
		bubble(t, func(t *testing.T, n *network) {
			deaf := 0
			var s *secured
			s = n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
				return int(s.accepted.Load()) <= deaf || answersOverTLS(0, c, request)
			})
			c := s.client(t, Config{})
			ask := func() error {
				r := lookup("x")
				r.Budget = tt.budget
				_, err := c.Exchange(context.Background(), r)
				return err
			}
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			deaf = 1
			if err := ask(); (err == nil) != tt.answers {
				t.Errorf("%s: %v", tt.name, err)
			}
			if err := ask(); err != nil || s.accepted.Load() != 2 {
				t.Errorf("%s, the question after: %v over connection %d", tt.name, err, s.accepted.Load())
			}
		})
	}
}

// The watchdog looks at each silence, not only at one that begins with the question.
func TestRadsecSilenceAfterAnAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		var s *secured
		s = n.radsec(t, func(count int, c net.Conn, request []byte) bool {
			return s.accepted.Load() == 1 && count != 2 || answersOverTLS(0, c, request)
		})
		c := s.client(t, Config{})
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				if _, err := c.Exchange(context.Background(), lookup("x")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		// Heard at 1 s; the watchdog's turns are at 2, 4 and 6 s.
		if took := time.Since(n.began); took != 6*time.Second || s.accepted.Load() != 2 {
			t.Errorf("after %v over connection %d", took, s.accepted.Load())
		}
	})
}

// Two questions at once, answered in the other order, one of them by the largest packet
// there is; and a question that takes as much.
func TestRadsecLargePackets(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		var first []byte
		large := bytes.Repeat(avp(ReplyMessage, octets(253, 1)...), 15)
		large = append(large, avp(ReplyMessage, octets(MaxPacket-header-18-15*255-2, 2)...)...)
		s := n.radsec(t, func(count int, c net.Conn, request []byte) bool {
			if count == 1 {
				first = request
				return true
			}
			second := overTLS(request, account)
			_, err := c.Write(append(second, overTLS(first, large)...))
			return err == nil
		})
		c := s.client(t, Config{})
		var all sync.WaitGroup
		all.Go(func() {
			r, err := c.Exchange(context.Background(), lookup("x"))
			if err != nil || len(r.Attributes) != 16 {
				t.Errorf("%d attributes, %v", len(r.Attributes), err)
			}
		})
		synctest.Wait()
		long := lookup("y")
		for range 15 {
			long.Attributes = append(long.Attributes, Attribute{ReplyMessage, octets(253, 3)})
		}
		r, err := c.Exchange(context.Background(), long)
		if name, _ := r.Attributes.Lookup(UserName); err != nil || string(name) != "account" {
			t.Errorf("%v %v", r, err)
		}
		all.Wait()
		if s.accepted.Load() != 1 || len(s.got[1]) < 3800 {
			t.Errorf("%d connections, a question of %d octets", s.accepted.Load(), len(s.got[1]))
		}
	})
}

// The late answer to a question that was given up is nobody's.
func TestRadsecLateAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		s := n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
			if name := request[len(request)-1]; name == 'x' {
				time.AfterFunc(1500*time.Millisecond, func() { _, _ = c.Write(overTLS(request, text(UserName, "x"))) })
				return true
			}
			time.AfterFunc(800*time.Millisecond, func() { _, _ = c.Write(overTLS(request, text(UserName, "y"))) })
			return true
		})
		c := s.client(t, Config{})
		late := lookup("x")
		late.Budget = time.Second
		if r, err := c.Exchange(context.Background(), late); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("%v %v", r, err)
		}
		r, err := c.Exchange(context.Background(), lookup("y"))
		if name, _ := r.Attributes.Lookup(UserName); err != nil || string(name) != "y" {
			t.Errorf("%v %v", r, err)
		}
	})
}

// Both versions of TLS, and a server that wants to know the device by its certificate.
func TestRadsecClientCertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, tt := range []struct {
			name  string
			shows func(t *testing.T, s *secured) []tls.Certificate
			err   string
		}{
			{"the device's", func(t *testing.T, s *secured) []tls.Certificate {
				c := serverCert(time.Now())
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
				return []tls.Certificate{s.ca.issue(t, c)}
			}, ""},
			{"none", func(*testing.T, *secured) []tls.Certificate { return nil }, "none for it"},
			{"of another authority", func(t *testing.T, _ *secured) []tls.Certificate {
				return []tls.Certificate{newAuthority(t, "CA", time.Now()).issue(t, serverCert(time.Now()))}
			}, "was shown"},
		} {
			bubble(t, func(t *testing.T, n *network) {
				s := n.radsec(t, answersOverTLS)
				s.config.MinVersion, s.config.MaxVersion = version, version
				s.config.ClientAuth, s.config.ClientCAs = tls.RequireAndVerifyClientCert, s.ca.pool()
				c, err := New(Config{
					Servers: []Server{{Addr: radsecAddr, TLS: true}}, Dial: n.dial,
					TLS: &tls.Config{RootCAs: s.ca.pool(), Certificates: tt.shows(t, s)},
				})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				_, err = c.Exchange(context.Background(), lookup("x"))
				if good := tt.err == ""; (err == nil) != good || !good && (len(s.got) != 0 || !strings.Contains(err.Error(), "remote error: tls") || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("TLS %x, %s: %v; the server got %d requests", version, tt.name, err, len(s.got))
				}
			})
		}
	}
}

// A server that does not sign even over TLS is believed as a legacy one, and nothing is
// insecure about that.
func TestRadsecLegacy(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		s := n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
			p := answerTo(request, AccessAccept, account)
			p.secret = "radsec"
			_, err := c.Write(p.unsigned(request))
			return err == nil
		})
		var log bytes.Buffer
		c, err := New(Config{
			Servers: []Server{{Addr: radsecAddr, TLS: true, Legacy: true}}, Dial: n.dial,
			TLS: &tls.Config{RootCAs: s.ca.pool()}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if r, err := c.Exchange(context.Background(), lookup("x")); err != nil || !r.Secure || r.Signed || log.Len() > 0 {
			t.Errorf("%v %v\n%s", r, err, log.String())
		}
	})
}
