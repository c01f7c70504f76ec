// Package scripted is a registrar and proxy made with sipgo, an independent
// SIP stack, whose every answer a test decides: what kamailio cannot be made
// to say in time.
package scripted

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"tipring/tools/peers/netlab"
)

// Answer decides the response to the n-th REGISTER, counted from 1.
type Answer func(n int, req *sip.Request) *sip.Response

// A Server listens on UDP port 5060 of its host.
type Server struct {
	UA     *sipgo.UserAgent
	Dialog *sipgo.DialogUA // makes calls from the server's address
	Server *sipgo.Server

	t    netlab.T
	host *netlab.Host
	mu   sync.Mutex
	reqs []Request
	news chan struct{}
	wg   sync.WaitGroup
}

// A Request is a request that came, and when.
type Request struct {
	At time.Time
	*sip.Request
}

// quiet is for the library's own log, which is one for all.
var quiet = sync.OnceValue(func() *slog.Logger {
	l := slog.New(slog.NewTextHandler(io.Discard, nil))
	sip.SetDefaultLogger(l)
	return l
})

// New makes a server. Requests other than REGISTER and OPTIONS go to handlers that
// handle, if given, sets on Server before the first request can come.
func New(t netlab.T, host *netlab.Host, register Answer, handle ...func(*Server)) *Server {
	t.Helper()
	quiet := quiet()
	s := &Server{t: t, host: host, news: make(chan struct{})}
	var err error
	if s.UA, err = sipgo.NewUA(sipgo.WithUserAgent("scripted")); err != nil {
		t.Fatalf("scripted: %v", err)
	}
	if s.Server, err = sipgo.NewServer(s.UA, sipgo.WithServerLogger(quiet)); err != nil {
		t.Fatalf("scripted: %v", err)
	}
	addr := host.Addr.String()
	client, err := sipgo.NewClient(s.UA, sipgo.WithClientAddr(addr+":5060"), sipgo.WithClientConnectionAddr(addr+":5060"), sipgo.WithClientLogger(quiet))
	if err != nil {
		t.Fatalf("scripted: %v", err)
	}
	s.Dialog = &sipgo.DialogUA{Client: client, ContactHDR: sip.ContactHeader{
		Address: sip.Uri{Scheme: "sip", User: "far", Host: addr, Port: 5060},
	}}
	s.Server.OnRegister(func(req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(register(s.saw(req), req))
	})
	s.Server.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	})
	for _, f := range handle {
		f(s)
	}
	var conn net.PacketConn
	if err := host.Do(func() (err error) { conn, err = net.ListenPacket("udp", addr+":5060"); return err }); err != nil {
		t.Fatalf("scripted: %v", err)
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		_ = s.Server.ServeUDP(conn)
	}()
	t.Cleanup(func() {
		_ = s.UA.Close()
		_ = conn.Close()
		s.wg.Wait()
	})
	return s
}

// saw notes a REGISTER and returns its number.
func (s *Server) saw(req *sip.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reqs = append(s.reqs, Request{time.Now(), req})
	close(s.news)
	s.news = make(chan struct{})
	return len(s.reqs)
}

// Registers returns the REGISTERs that came, retransmissions left out.
func (s *Server) Registers() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.reqs...)
}

// WaitRegisters waits until n REGISTERs came, or fails the test.
func (s *Server) WaitRegisters(limit time.Duration, n int) []Request {
	s.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		s.mu.Lock()
		have, news := len(s.reqs), s.news
		s.mu.Unlock()
		if have >= n {
			return s.Registers()
		}
		select {
		case <-news:
		case <-timer.C:
			s.t.Fatalf("scripted: %d REGISTERs within %v, want %d", have, limit, n)
		}
	}
}

// Bound is the 200 to a REGISTER: its own Contact, living for the time given,
// after any other contacts.
func Bound(req *sip.Request, expires string, others ...string) *sip.Response {
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	for _, o := range others {
		res.AppendHeader(sip.NewHeader("Contact", o))
	}
	if c := req.GetHeader("Contact"); c != nil {
		uri, _, _ := strings.Cut(strings.TrimPrefix(c.Value(), "<"), ">")
		res.AppendHeader(sip.NewHeader("Contact", "<"+uri+">;expires="+expires))
	}
	return res
}

// Refuse is any other response, with headers by name and value in turn.
func Refuse(req *sip.Request, status int, headers ...string) *sip.Response {
	res := sip.NewResponseFromRequest(req, status, "No", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		res.AppendHeader(sip.NewHeader(headers[i], headers[i+1]))
	}
	return res
}

// Credentials are those of the Authorization header, nil without one.
func Credentials(req *sip.Request) *digest.Credentials {
	h := req.GetHeader("Authorization")
	if h == nil {
		return nil
	}
	c, err := digest.ParseCredentials(h.Value())
	if err != nil {
		return nil
	}
	return c
}

// Right reports whether credentials answer a challenge with a password.
func Right(c *digest.Credentials, challenge, method, password string) bool {
	chal, err := digest.ParseChallenge(challenge)
	if err != nil || c == nil || c.Nonce != chal.Nonce {
		return false
	}
	want, err := digest.Digest(chal, digest.Options{
		Method: method, URI: c.URI, Count: c.Nc, Cnonce: c.Cnonce, Username: c.Username, Password: password,
	})
	return err == nil && want.Response == c.Response
}

// Call calls a contact from the server's address and returns the dialog once it is answered.
func (s *Server) Call(ctx context.Context, to sip.Uri, sdp string) (*sipgo.DialogClientSession, error) {
	d, err := s.Dialog.Invite(ctx, to, []byte(sdp), sip.NewHeader("Content-Type", "application/sdp"))
	if err != nil {
		return nil, err
	}
	if err := d.WaitAnswer(ctx, sipgo.AnswerOptions{}); err != nil {
		return nil, err
	}
	return d, d.Ack(ctx)
}
