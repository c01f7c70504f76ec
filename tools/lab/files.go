package lab

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FilesConfig is what a Files is made of. The zero value works.
type FilesConfig struct {
	Hook func(FileEvent) // told of every request, on the server's goroutines; must not block
	Log  *slog.Logger
}

// A FileEvent is a request for a file, and what became of it.
type FileEvent struct {
	Scheme string // http, https, tftp
	Path   string
	From   string
	Status int    // as HTTP says it, for TFTP too: 200 has arrived whole, 304 is the one they have, 404
	Why    string // 200 it is not
}

func (e FileEvent) String() string {
	s := fmt.Sprintf("%s asks for %s by %s: %d", e.From, e.Path, e.Scheme, e.Status)
	if e.Why != "" {
		s += ", " + e.Why
	}
	return s
}

// Files is a provisioning server: files that are put into it can be read by HTTP, by
// HTTPS with a certificate made for the occasion, and by TFTP.
type Files struct {
	cfg       FilesConfig
	at        netip.Addr
	ca        []byte
	web       http.Server
	clear     net.Listener
	private   net.Listener
	tftp      *net.UDPConn
	transfers chan struct{} // holds a token for each TFTP transfer that runs
	quit      context.Context
	stop      context.CancelFunc
	ended     sync.WaitGroup

	mu    sync.Mutex // of what follows
	files map[string][]byte
}

// Limits of what a client of the web server may take.
const (
	webTime   = 10 * time.Second // for a request, an answer, and between two
	webHeader = 8 << 10          // octets
)

// NewFiles starts a server on free ports of an address.
func NewFiles(at netip.Addr, cfg FilesConfig) (*Files, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	f := &Files{cfg: cfg, at: at, transfers: make(chan struct{}, maxTransfers), files: map[string][]byte{}}
	f.quit, f.stop = context.WithCancel(context.Background())
	f.web = http.Server{
		Handler: http.HandlerFunc(f.serve), ReadTimeout: webTime, WriteTimeout: webTime, IdleTimeout: webTime,
		MaxHeaderBytes: webHeader, ErrorLog: log.New(io.Discard, "", 0),
	}
	if err := f.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("lab files: %w", err), f.Close())
	}
	f.ended.Add(3)
	go f.serveWeb(f.clear)
	go f.serveWeb(f.private)
	go f.serveTFTP()
	return f, nil
}

func (f *Files) open() error {
	certificate, ca, err := certify(f.at)
	if err != nil {
		return err
	}
	f.ca = ca
	at := netip.AddrPortFrom(f.at, 0)
	if f.clear, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at)); err != nil {
		return err
	}
	private, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	f.private = tls.NewListener(private, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	f.tftp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	return err
}

// CA is what a tls_ca_file must hold for this server's certificate to be believed.
func (f *Files) CA() []byte { return f.ca }

// URL is where a path, which begins with a slash, can be read by http, https or tftp.
func (f *Files) URL(scheme, path string) string {
	at := f.tftp.LocalAddr()
	switch scheme {
	case "http":
		at = f.clear.Addr()
	case "https":
		at = f.private.Addr()
	}
	return scheme + "://" + at.String() + path
}

// Put puts a file at a path, which begins with a slash, or replaces the one that is there.
func (f *Files) Put(path string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[path] = append([]byte(nil), data...)
}

// Remove takes a file away.
func (f *Files) Remove(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.files, path)
}

// file is what a path holds; it is never changed.
func (f *Files) file(path string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, ok := f.files[path]
	return data, ok
}

// Close ends the server and waits for it.
func (f *Files) Close() error {
	f.stop()
	soon, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = f.web.Shutdown(soon) // waits for answers that are being written
	err := f.web.Close()
	// What was opened and never served knows nobody but us.
	for _, l := range []net.Listener{f.clear, f.private} {
		if l != nil {
			_ = l.Close()
		}
	}
	if f.tftp != nil {
		err = errors.Join(err, f.tftp.Close())
	}
	f.ended.Wait()
	return err
}

func (f *Files) tell(e FileEvent) {
	f.cfg.Log.Info("file", "event", e)
	if f.cfg.Hook != nil {
		f.cfg.Hook(e)
	}
}

func (f *Files) serveWeb(l net.Listener) {
	defer f.ended.Done()
	_ = f.web.Serve(l) // its end is that of Close
}

// serve answers a request of HTTP.
func (f *Files) serve(w http.ResponseWriter, r *http.Request) {
	e := FileEvent{Scheme: "http", Path: r.URL.Path, From: r.RemoteAddr}
	if r.TLS != nil {
		e.Scheme = "https"
	}
	data, known := f.file(r.URL.Path)
	switch tag := entityTag(data); {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		e.Status, e.Why = http.StatusMethodNotAllowed, r.Method
		w.WriteHeader(e.Status)
	case !known:
		e.Status, e.Why = http.StatusNotFound, "no such file"
		w.WriteHeader(e.Status)
	case matches(r.Header.Values("If-None-Match"), tag):
		e.Status, e.Why = http.StatusNotModified, "they have it"
		w.Header().Set("ETag", tag)
		w.WriteHeader(e.Status)
	default:
		e.Status = http.StatusOK
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		if _, err := w.Write(data); err != nil && r.Method == http.MethodGet {
			e.Status, e.Why = 0, err.Error()
		}
	}
	f.tell(e)
}

// entityTag is the ETag of a file (RFC 9110 section 8.8.3).
func entityTag(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// matches reports that an If-None-Match (RFC 9110 section 13.1.2) has a tag. Ours hold no
// comma.
func matches(values []string, tag string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
				return true
			}
		}
	}
	return false
}
