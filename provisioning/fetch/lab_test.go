package fetch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A lab is a network in memory, for bubbles of fake time.
type lab struct {
	names map[string][]netip.Addr
	tcp   map[netip.AddrPort]func(net.Conn) // who is not there refuses
	holes map[netip.Addr]bool               // what goes there is lost

	mu      sync.Mutex
	sockets map[netip.AddrPort]*socket
	port    uint16
	dials   []string
}

func newLab() *lab {
	return &lab{
		names: map[string][]netip.Addr{}, tcp: map[netip.AddrPort]func(net.Conn){},
		holes: map[netip.Addr]bool{}, sockets: map[netip.AddrPort]*socket{}, port: 50000,
	}
}

// client is one that lives in the lab.
func (l *lab) client(c Config) *Client {
	client := New(c)
	client.network = l
	return client
}

func (l *lab) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if all, ok := l.names[host]; ok {
		return all, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (l *lab) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	l.mu.Lock()
	l.dials = append(l.dials, to.String())
	l.mu.Unlock()
	if l.holes[to.Addr()] {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: ctx.Err()}
	}
	serve, ok := l.tcp[to]
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: syscall.ECONNREFUSED}
	}
	near, far := streams()
	go func() {
		defer func() { _ = far.Close() }()
		serve(far)
	}()
	return near, nil
}

func (l *lab) listen(_ context.Context, to netip.Addr) (packetConn, error) {
	l.mu.Lock()
	l.port++
	at := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.200"), l.port)
	l.mu.Unlock()
	return l.socket(at), nil
}

// serveHTTP puts a server at an address: it gets each request, and writes what it likes.
func (l *lab) serveHTTP(at string, handle func(r *http.Request, w io.Writer)) {
	l.tcp[netip.MustParseAddrPort(at)] = serveHTTP(handle)
}

func serveHTTP(handle func(r *http.Request, w io.Writer)) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			w := &kept{Writer: c}
			handle(req, w)
			if !w.keep {
				return
			}
		}
	}
}

// kept is a connection that goes on after an answer of reply.
type kept struct {
	io.Writer
	keep bool
}

// ok answers with a file.
func ok(w io.Writer, body string, headers ...string) {
	reply(w, 200, body, headers...)
}

func reply(w io.Writer, status int, body string, headers ...string) {
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for _, h := range headers {
		head += h + "\r\n"
	}
	if k, ok := w.(*kept); ok {
		k.keep = true
	}
	_, _ = io.WriteString(w, head+"\r\n"+body)
}

// A stream is one end of a TCP connection in memory, with a window: the ends of
// net.Pipe stall each other where TLS says goodbye to who is still talking.
type stream struct {
	read, write *flow
}

// A flow is one direction of it.
type flow struct {
	mu       sync.Mutex
	wake     *sync.Cond
	data     []byte
	closed   bool // by who writes
	dropped  bool // by who reads
	deadline time.Time
	timer    *time.Timer
}

const window = 64 << 10

func streams() (near, far *stream) {
	a, b := &flow{}, &flow{}
	a.wake, b.wake = sync.NewCond(&a.mu), sync.NewCond(&b.mu)
	return &stream{a, b}, &stream{b, a}
}

func (s *stream) Read(b []byte) (int, error) {
	f := s.read
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch {
		case f.dropped:
			return 0, net.ErrClosed
		case len(f.data) > 0:
			n := copy(b, f.data)
			f.data = f.data[n:]
			f.wake.Broadcast()
			return n, nil
		case f.closed:
			return 0, io.EOF
		case !f.deadline.IsZero() && !time.Now().Before(f.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		f.wake.Wait()
	}
}

func (s *stream) Write(b []byte) (n int, err error) {
	f := s.write
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(b) > 0 {
		switch room := min(window-len(f.data), len(b)); {
		case f.closed:
			return n, net.ErrClosed
		case f.dropped:
			return n, syscall.EPIPE
		case room > 0:
			f.data = append(f.data, b[:room]...)
			n, b = n+room, b[room:]
			f.wake.Broadcast()
		default:
			f.wake.Wait()
		}
	}
	return n, nil
}

func (s *stream) Close() error {
	for _, f := range []*flow{s.read, s.write} {
		f.mu.Lock()
		if f == s.read {
			f.dropped = true
			if f.timer != nil {
				f.timer.Stop()
			}
		} else {
			f.closed = true
		}
		f.wake.Broadcast()
		f.mu.Unlock()
	}
	return nil
}

func (s *stream) SetReadDeadline(t time.Time) error {
	f := s.read
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deadline = t
	if f.timer != nil {
		f.timer.Stop()
	}
	f.timer = time.AfterFunc(time.Until(t), func() {
		f.mu.Lock()
		f.wake.Broadcast()
		f.mu.Unlock()
	})
	return nil
}

func (s *stream) SetDeadline(t time.Time) error    { return s.SetReadDeadline(t) }
func (s *stream) SetWriteDeadline(time.Time) error { return nil }
func (s *stream) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *stream) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

type datagram struct {
	from netip.AddrPort
	data []byte
}

// A socket is a UDP socket of the lab.
type socket struct {
	lab *lab
	at  netip.AddrPort

	mu       sync.Mutex
	wake     *sync.Cond
	queue    []datagram
	deadline time.Time
	timer    *time.Timer
	closed   bool
}

func (l *lab) socket(at netip.AddrPort) *socket {
	s := &socket{lab: l, at: at}
	s.wake = sync.NewCond(&s.mu)
	l.mu.Lock()
	l.sockets[at] = s
	l.mu.Unlock()
	return s
}

func (s *socket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return 0, netip.AddrPort{}, net.ErrClosed
		case !s.deadline.IsZero() && !time.Now().Before(s.deadline):
			return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
		case len(s.queue) > 0:
			d := s.queue[0]
			s.queue = s.queue[1:]
			return copy(b, d.data), d.from, nil
		}
		s.wake.Wait()
	}
}

func (s *socket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s.lab.mu.Lock()
	far := s.lab.sockets[to]
	s.lab.mu.Unlock()
	if far != nil && !s.lab.holes[to.Addr()] {
		far.mu.Lock()
		far.queue = append(far.queue, datagram{s.at, append([]byte{}, b...)})
		far.wake.Broadcast()
		far.mu.Unlock()
	}
	return len(b), nil
}

func (s *socket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(time.Until(t), func() {
		s.mu.Lock()
		s.wake.Broadcast()
		s.mu.Unlock()
	})
	return nil
}

func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.wake.Broadcast()
	return nil
}

// serveTFTP answers each request from a port of its own. The server goes away with the
// test.
func (l *lab) serveTFTP(t *testing.T, at string, handle func(name string, options bool, say *tftpSide)) {
	address := netip.MustParseAddrPort(at)
	s := l.socket(address)
	t.Cleanup(func() { _ = s.Close() })
	go func() {
		b := make([]byte, 600)
		for tid := uint16(30000); ; tid++ {
			n, from, err := s.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			words := strings.Split(string(b[2:n]), "\x00")
			side := &tftpSide{socket: l.socket(netip.AddrPortFrom(address.Addr(), tid)), to: from}
			go func() {
				defer func() { _ = side.socket.Close() }()
				handle(words[0], len(words) > 3, side)
			}()
		}
	}()
}

// A tftpSide is a server's side of one transfer.
type tftpSide struct {
	socket *socket
	to     netip.AddrPort
}

func (s *tftpSide) send(p []byte) { _, _ = s.socket.WriteToUDPAddrPort(p, s.to) }

// acked waits for an ACK for some time.
func (s *tftpSide) acked(block uint16, limit time.Duration) bool {
	_ = s.socket.SetReadDeadline(time.Now().Add(limit))
	b := make([]byte, 600)
	for {
		n, _, err := s.socket.ReadFromUDPAddrPort(b)
		if err != nil {
			return false
		}
		if n == 4 && string(b[:n]) == string(ackPacket(block)) {
			return true
		}
	}
}

// sendFile plays the good server in plain blocks, repeating each until acknowledged.
func (s *tftpSide) sendFile(data string) bool {
	for n := 1; ; n++ {
		piece := data[:min(len(data), plainBlock)]
		data = data[len(piece):]
		done := false
		for tries := 0; tries < 5 && !done; tries++ {
			s.send(dataPacket(uint16(n), []byte(piece)))
			done = s.acked(uint16(n), time.Second)
		}
		if !done || len(piece) < plainBlock {
			return done
		}
	}
}

// fetch is one fetch in a bubble, and how long it took.
func (l *lab) fetch(t *testing.T, c Config, r Request) (res Result, took time.Duration, err error) {
	t.Helper()
	started := time.Now()
	res, err = l.client(c).Fetch(t.Context(), r)
	return res, time.Since(started), err
}

// bubble runs a test with a lab in fake time.
func bubble(t *testing.T, name string, f func(t *testing.T, l *lab)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f(t, newLab())
			time.Sleep(time.Hour) // all servers end
		})
	})
}
