// Package webui serves the device's HTTP interface and its pages to the network: over HTTP and
// HTTPS, behind one gate. What there is to see is in api and pages, who may see it in access;
// here are the listeners, the certificate, and the checks that every request passes:
//
//   - from where it comes ([web] allow) and what the device is called in it (own addresses,
//     own names and [web] hosts), so that no name of somebody else's leads here;
//   - that no other site's page sent it (http.CrossOriginProtection, Fetch metadata);
//   - who sent it: a token in Authorization, else a session's cookie.
//
// HTTP/1.1 is all that it speaks. For each address that it listens on it has two goroutines,
// beside those of net/http; Close ends them all.
package webui

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/config"
	"tipring/webui/access"
	"tipring/webui/api"
)

// closeTime is how long running requests may take to end when their address is left.
const closeTime = 5 * time.Second

// Options is what a Server is made of.
type Options struct {
	API  *api.API
	Desk *access.Desk
	Dir  string // where the own certificate is kept
	Log  *slog.Logger
	Now  func() time.Time // for certificates: not before the program was built

	// Visited is told of each request of a session but for the stream of events, before it is
	// answered, so that what visits take can be given back behind them; nil: nobody is.
	Visited func()
}

// A Server serves one device. It is safe for use by several goroutines.
type Server struct {
	o       Options
	handler http.Handler
	cert    certificates
	web     atomic.Pointer[config.Web]

	mu     sync.Mutex // what follows
	doors  map[bool]*door
	ended  bool
	behind sync.WaitGroup // doors that are being closed
}

// New makes a server that listens nowhere yet.
func New(o Options) *Server {
	s := &Server{o: o, doors: map[bool]*door{}}
	s.web.Store(new(config.Web))
	s.cert = certificates{dir: o.Dir, log: o.Log, now: o.Now}
	s.handler = s.guard(o.API.Behind(gate{s}))
	return s
}

// Configure listens where the configuration says, and no more where it does not. An address
// that cannot be had is tried again until it can. Requests that are running may end.
func (s *Server) Configure(w config.Web) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.web.Store(&w)
	if w.TLSListen != "" {
		s.cert.configure(w.TLSCert, w.TLSKey, w.Hosts)
	}
	s.listen(false, w.Listen)
	s.listen(true, w.TLSListen)
}

// listen has the door of HTTP or HTTPS stand where it should. The new one is opened before the
// old one is closed, unless the old one stands in its way.
func (s *Server) listen(secure bool, addr string) {
	if !s.moves(secure, addr) {
		return
	}
	old := s.doors[secure]
	delete(s.doors, secure)
	if addr == "" {
		s.leave(old)
		return
	}
	d := s.newDoor(addr, secure)
	_ = d.open() // run tries again
	s.leave(old)
	s.doors[secure] = d
	d.run()
}

// Moves tells whether Configure would listen elsewhere than now.
func (s *Server) Moves(w config.Web) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moves(false, w.Listen) || s.moves(true, w.TLSListen)
}

// moves tells whether the door of HTTP or HTTPS is to stand elsewhere.
func (s *Server) moves(secure bool, addr string) bool {
	if old := s.doors[secure]; old != nil {
		return old.addr != addr
	}
	return addr != ""
}

// leave closes a door without waiting for who is on his way through it.
func (s *Server) leave(d *door) {
	if d == nil {
		return
	}
	d.shut()
	s.behind.Add(1)
	go func() {
		defer s.behind.Done()
		d.end()
	}()
}

// Close ends all. Running requests get a moment.
func (s *Server) Close() {
	s.mu.Lock()
	s.ended = true
	for secure, d := range s.doors {
		delete(s.doors, secure)
		s.leave(d)
	}
	s.mu.Unlock()
	s.behind.Wait()
}

// Routes lists every route that it serves.
func (s *Server) Routes() []api.Route { return s.o.API.Routes() }

// URLs are where the pages can be reached, as far as it listens.
func (s *Server) URLs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, secure := range []bool{false, true} {
		if d := s.doors[secure]; d != nil {
			if at := d.url(); at != "" {
				all = append(all, at)
			}
		}
	}
	return all
}

// urlOf is where a browser finds an address that is listened on.
func urlOf(at net.Addr, secure bool) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = ownHost()
	}
	return scheme + net.JoinHostPort(host, port)
}

// ownHost is the device's first address that others can reach, or else the one that it can.
func ownHost() string {
	own := ownAddrs()
	for _, good := range []func(net.IP) bool{
		func(ip net.IP) bool { return ip.To4() != nil && ip.IsGlobalUnicast() },
		net.IP.IsGlobalUnicast,
	} {
		if i := slices.IndexFunc(own, good); i >= 0 {
			return own[i].String()
		}
	}
	return "127.0.0.1"
}

// ownAddrs are the addresses of all interfaces.
func ownAddrs() (own []net.IP) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			own = append(own, n.IP)
		}
	}
	return own
}

func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.cert.current(addrOf(hello.Conn.LocalAddr().String()).WithZone("").AsSlice())
		},
	}
}

// serverOf makes what serves one address.
func (s *Server) serverOf(closing context.Context, conns *conns) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           streamsEnd(closing, s.handler),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		Protocols:         protocols,
		ConnState:         conns.note,
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(quiet{s.o.Log.Handler()}, slog.LevelWarn),
	}
}
