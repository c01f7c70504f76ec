package aaa

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// A secured is a fake RadSec server on a network.
type secured struct {
	network  *network
	ca       authority
	config   *tls.Config
	accepted atomic.Int32
	open     atomic.Int32
	mu       sync.Mutex
	got      [][]byte
}

// radsec puts a RadSec server on the network. serve gets each request and the
// connection; when it returns false the connection is closed.
func (n *network) radsec(t *testing.T, serve func(count int, c net.Conn, request []byte) bool) *secured {
	t.Helper()
	now := time.Now()
	s := &secured{network: n, ca: newAuthority(t, "CA", now)}
	s.config = &tls.Config{Certificates: []tls.Certificate{s.ca.issue(t, serverCert(now))}}
	n.streams[radsecAddr] = func(raw net.Conn) {
		s.accepted.Add(1)
		s.open.Add(1)
		defer s.open.Add(-1)
		defer func() { _ = raw.Close() }()
		c := tls.Server(raw, s.config)
		b := make([]byte, MaxPacket)
		for {
			length, err := readPacket(c, b)
			if err != nil {
				return
			}
			request := bytes.Clone(b[:length])
			s.mu.Lock()
			s.got = append(s.got, request)
			count := len(s.got)
			s.mu.Unlock()
			if !serve(count, c, request) {
				return
			}
		}
	}
	return s
}

func (s *secured) client(t *testing.T, cfg Config, udp ...string) *Client {
	t.Helper()
	cfg.Servers = append([]Server{{Addr: radsecAddr, TLS: true}}, cfg.Servers...)
	cfg.TLS = &tls.Config{RootCAs: s.ca.pool()}
	return s.network.client(t, cfg, udp...)
}

// overTLS makes a good answer under the secret "radsec".
func overTLS(request []byte, attrs ...[]byte) []byte {
	p := answerTo(request, AccessAccept, attrs...)
	p.secret = "radsec"
	return p.signed(request)
}

func answersOverTLS(_ int, c net.Conn, request []byte) bool {
	_, err := c.Write(overTLS(request, account))
	return err == nil
}

func TestRadsecIsReused(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		s := n.radsec(t, answersOverTLS)
		c := s.client(t, Config{Idle: time.Minute})
		for range 5 {
			r, err := c.Exchange(context.Background(), lookup("x"))
			if err != nil || !r.Secure || !r.Signed || r.Server != radsecAddr {
				t.Fatal(r, err)
			}
			time.Sleep(50 * time.Second)
		}
		if s.accepted.Load() != 1 || s.open.Load() != 1 {
			t.Errorf("%d connections", s.accepted.Load())
		}
		for _, b := range s.got {
			if !wellSigned(b, "radsec") {
				t.Errorf("%x is not signed in front", b)
			}
		}
		time.Sleep(11 * time.Second)
		if s.open.Load() != 0 {
			t.Error("the idle connection is open still")
		}
		if _, err := c.Exchange(context.Background(), lookup("x")); err != nil || s.accepted.Load() != 2 {
			t.Errorf("%v over connection %d", err, s.accepted.Load())
		}
	})
}

// Goal 23: fifty answers, each cut in two at every octet.
func TestRadsecFraming(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		cut := 0
		var answer []byte
		s := n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
			answer = overTLS(request, account, avp(ReplyMessage, octets(int(request[len(request)-1]%40|1), 9)...))
			_, _ = c.Write(answer[:cut])
			_, err := c.Write(answer[cut:])
			return err == nil
		})
		c := s.client(t, Config{})
		exchanges := 0
		for i := range 50 {
			for cut = 0; cut == 0 || cut < len(answer); cut++ {
				r, err := c.Exchange(context.Background(), lookup(fmt.Sprint("x", i)))
				if err != nil || !r.Signed {
					t.Fatalf("answer %d cut at %d: %v", i, cut, err)
				}
				exchanges++
			}
		}
		if s.accepted.Load() != 1 || exchanges < 50*60 {
			t.Errorf("%d exchanges over %d connections", exchanges, s.accepted.Load())
		}
	})
	packet := good(mustQuery(t, lookup("x")).wire, account)
	b := make([]byte, MaxPacket)
	twice := iotest.OneByteReader(bytes.NewReader(append(bytes.Clone(packet), packet...)))
	for range 2 {
		if n, err := readPacket(twice, b); err != nil || !bytes.Equal(b[:n], packet) {
			t.Errorf("octet by octet: %x, %v", b[:n], err)
		}
	}
}

// A server that drops every connection sees at most one a second, however many ask.
func TestRadsecReconnectStorm(t *testing.T) {
	for _, tt := range []struct {
		name  string
		serve func(int, net.Conn, []byte) bool
		there bool
	}{
		{"closed at the first question", func(int, net.Conn, []byte) bool { return false }, true},
		{"nobody there", nil, false},
	} {
		bubble(t, func(t *testing.T, n *network) {
			s := n.radsec(t, tt.serve)
			if !tt.there {
				n.streams[radsecAddr] = nil
			}
			c := s.client(t, Config{})
			ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
			defer cancel()
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					for ctx.Err() == nil {
						_, _ = c.Exchange(ctx, lookup("x"))
					}
				})
			}
			all.Wait()
			if len(n.dials) < 50 || len(n.dials) > 61 {
				t.Errorf("%s: %d connections in a minute", tt.name, len(n.dials))
			}
			for i, at := range n.dials[1:] {
				if at.Sub(n.dials[i]) < time.Second {
					t.Fatalf("%s: %v after the one before", tt.name, at.Sub(n.dials[i]))
				}
			}
		})
	}
}

// A connection that accepts and says nothing is found out by the watchdog, and the
// question goes to a new one.
func TestRadsecWatchdog(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		var s *secured
		s = n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
			return s.accepted.Load() == 1 || answersOverTLS(0, c, request)
		})
		r, err := s.client(t, Config{}).Exchange(context.Background(), lookup("x"))
		if took := time.Since(n.began); err != nil || took != 4*time.Second || s.accepted.Load() != 2 {
			t.Fatalf("%v %v after %v over connection %d", r, err, took, s.accepted.Load())
		}
		if len(s.got) != 3 || Code(s.got[1][0]) != StatusServer || !wellSigned(s.got[1], "radsec") {
			t.Errorf("the server got %d packets", len(s.got))
		}
		if bytes.Equal(s.got[0][4:20], s.got[2][4:20]) {
			t.Error("the same authenticator on the second connection")
		}
	})
}

// A server that is slow but answers the watchdog keeps its connection, and the
// question is not sent again on it (RFC 6613 section 2.6.1).
func TestRadsecSlowServer(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		s := n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
			if Code(request[0]) == StatusServer {
				return answersOverTLS(0, c, request)
			}
			time.AfterFunc(11*time.Second, func() { answersOverTLS(0, c, request) })
			return true
		})
		c := s.client(t, Config{})
		_, err := c.Exchange(context.Background(), lookup("x"))
		if took := time.Since(n.began); err != nil || took != 11*time.Second || s.accepted.Load() != 1 {
			t.Errorf("%v after %v over connection %d", err, took, s.accepted.Load())
		}
		if len(s.got) != 6 {
			t.Errorf("the server got %d packets, want a request and a watchdog's after each 2 s of silence", len(s.got))
		}
		for _, b := range s.got[1:] {
			if Code(b[0]) != StatusServer {
				t.Errorf("the question was sent again: %x", b)
			}
		}
		if got := c.Counts()[0]; got.Retransmitted != 0 || got.Sent != 6 {
			t.Errorf("%+v", got)
		}
	})
}

// More questions than there are identifiers: each has its answer, and none the
// answer of another.
func TestRadsecIdentifiers(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		var mu sync.Mutex
		out := map[string]bool{}
		s := n.radsec(t, func(_ int, c net.Conn, request []byte) bool {
			key := fmt.Sprintf("%p %d", c, request[1])
			mu.Lock()
			defer mu.Unlock()
			if out[key] {
				t.Errorf("identifier %d is under way twice", request[1])
			}
			out[key] = true
			time.AfterFunc(100*time.Millisecond, func() {
				mu.Lock()
				defer mu.Unlock()
				delete(out, key)
				name := request[len(request)-4:]
				_, _ = c.Write(overTLS(request, avp(UserName, name...)))
			})
			return true
		})
		c := s.client(t, Config{Idle: 10 * time.Second})
		var all sync.WaitGroup
		for i := range 700 {
			all.Go(func() {
				name := fmt.Sprintf("%04d", i)
				r, err := c.Exchange(context.Background(), lookup(name))
				if err != nil {
					t.Error(err)
				} else if got, _ := r.Attributes.Lookup(UserName); string(got) != name {
					t.Errorf("%s got the answer for %s", name, got)
				}
			})
		}
		all.Wait()
		time.Sleep(11 * time.Second)
		if s.open.Load() != 0 {
			t.Errorf("%d connections stay open", s.open.Load())
		}
	})
}

// Answers that are refused over TLS too, and what becomes of the question and the
// connection. Nobody forges one there, so that none is waited for after it.
func TestRadsecRefusals(t *testing.T) {
	const (
		again   = iota // the connection is ended, and the question goes to a new one
		other          // the next server is asked at once
		ignored        // it is none to this question
	)
	for _, tt := range []struct {
		name string
		bad  func(request []byte) []byte
		then int
	}{
		{"Length 19", func([]byte) []byte { return []byte{2, 0, 0, 19} }, again},
		{"Length 4097", func([]byte) []byte { return []byte{2, 0, 0x10, 1} }, again},
		{"another secret", func(b []byte) []byte { return good(b) }, again},
		{"a wrong signature", func(b []byte) []byte {
			p := answerTo(b, AccessAccept, avp(80, make([]byte, 16)...))
			p.secret = "radsec"
			return p.unsigned(b)
		}, again},
		{"an attribute that lies", func(b []byte) []byte { return overTLS(b, []byte{18, 1}) }, again},
		{"no signature", func(b []byte) []byte {
			p := answerTo(b, AccessAccept)
			p.secret = "radsec"
			return p.unsigned(b)
		}, other},
		{"a Proxy-State", func(b []byte) []byte { return overTLS(b, avp(ProxyState)) }, other},
		{"a VSA that lies", func(b []byte) []byte { return overTLS(b, avp(26, 0, 0, 0x77, 0xe6, 57, 1)) }, other},
		{"an Accounting-Response", func(b []byte) []byte {
			p := answerTo(b, AccountingResponse)
			p.secret = "radsec"
			return p.signed(b)
		}, other},
		{"another identifier", func(b []byte) []byte {
			b = bytes.Clone(b)
			b[1]++
			return overTLS(b)
		}, ignored},
	} {
		bubble(t, func(t *testing.T, n *network) {
			s := n.radsec(t, func(count int, c net.Conn, request []byte) bool {
				if count == 1 {
					_, _ = c.Write(tt.bad(request))
					if tt.then != ignored {
						return true
					}
				}
				return answersOverTLS(0, c, request)
			})
			n.server("b:1812", answers)
			r, err := s.client(t, Config{Dead: time.Minute}, "b:1812").Exchange(context.Background(), lookup("x"))
			wantServer, wantAccepted, wantTook := radsecAddr, int32(1), time.Duration(0)
			switch tt.then {
			case again:
				wantAccepted, wantTook = 2, time.Second
			case other:
				wantServer = "b:1812"
			}
			if err != nil || !r.Signed || r.Server != wantServer || s.accepted.Load() != wantAccepted || time.Since(n.began) != wantTook {
				t.Errorf("%s: %v %v from %s over connection %d after %v", tt.name, r, err, r.Server, s.accepted.Load(), time.Since(n.began))
			}
		})
	}
}

// No RadSec, then the next server; accepted and silent likewise.
func TestRadsecFailsOver(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		s := n.radsec(t, answersOverTLS)
		n.streams[radsecAddr] = nil
		n.server("b:1812", answers)
		c := s.client(t, Config{Dead: time.Minute}, "b:1812")
		r, err := c.Exchange(context.Background(), lookup("x"))
		if err != nil || r.Server != "b:1812" || r.Secure || time.Since(n.began) != 0 {
			t.Errorf("%v %v after %v", r, err, time.Since(n.began))
		}
	})
	bubble(t, func(t *testing.T, n *network) {
		s := n.radsec(t, nil)
		n.streams[radsecAddr] = func(c net.Conn) { // a handshake that never comes
			_, _ = io.Copy(io.Discard, c)
		}
		n.server("b:1812", answers)
		c := s.client(t, Config{}, "b:1812")
		r := lookup("x")
		r.Budget = 3 * time.Second
		if got, err := c.Exchange(context.Background(), r); err != nil || got.Server != "b:1812" || time.Since(n.began) != 1500*time.Millisecond {
			t.Errorf("%v %v after %v", got, err, time.Since(n.began))
		}
	})
}

func TestRadsecHalfOpen(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		s := n.radsec(t, answersOverTLS)
		accept := n.streams[radsecAddr]
		n.streams[radsecAddr] = nil
		n.server("b:1812", answers)
		c := s.client(t, Config{Dead: time.Minute}, "b:1812")
		for i, want := range []string{"b:1812", "b:1812", radsecAddr} {
			r, err := c.Exchange(context.Background(), lookup("x"))
			if err != nil || r.Server != want {
				t.Errorf("question %d: %v %v", i, r, err)
			}
			n.mu.Lock()
			n.streams[radsecAddr] = accept
			n.mu.Unlock()
			time.Sleep(61 * time.Second)
			synctest.Wait()
		}
	})
}

func FuzzReadPacket(f *testing.F) {
	f.Add(good(mustQuery(f, lookup("x")).wire, account))
	f.Add([]byte{2, 7, 0, 19, 0})
	f.Add([]byte{2, 7, 0x10, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		b := make([]byte, MaxPacket)
		from := bytes.NewReader(stream)
		for {
			n, err := readPacket(from, b)
			if err != nil {
				return
			}
			if n < 20 || n > MaxPacket {
				t.Fatalf("a packet of %d octets", n)
			}
		}
	})
}

// A peer that reads nothing any more holds nobody longer than his own time.
func TestRadsecStuckWrite(t *testing.T) {
	bubble(t, func(t *testing.T, n *network) {
		stuck := make(chan struct{})
		s := n.radsec(t, func(count int, c net.Conn, request []byte) bool {
			if count > 1 {
				<-stuck
			}
			return answersOverTLS(0, c, request)
		})
		defer close(stuck)
		n.server("b:1812", answers)
		c := s.client(t, Config{}, "b:1812")
		if r, err := c.Exchange(context.Background(), lookup("x")); err != nil || !r.Secure {
			t.Fatal(r, err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				r := lookup("x")
				r.Budget = 3 * time.Second
				got, err := c.Exchange(context.Background(), r)
				if took := time.Since(began); err != nil || got.Server != "b:1812" || took > 3*time.Second {
					t.Errorf("%v %v after %v", got.Server, err, took)
				}
			})
		}
		all.Wait()
	})
}
