package fetch

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxRedirects  = 3
	maxHeader     = 16 << 10
	maxValidator  = 256
	mostRetryTime = 24 * time.Hour
)

// StatusError is an HTTP server's answer that holds no file.
type StatusError struct{ Code int }

func (e *StatusError) Error() string {
	return strings.TrimSpace(strconv.Itoa(e.Code) + " " + http.StatusText(e.Code))
}

// Is makes 404 and 410 ErrNotFound, 401 ErrCredentials, and 511 (RFC 6585) the captive
// portal that it is.
func (e *StatusError) Is(target error) bool {
	switch e.Code {
	case http.StatusNotFound, http.StatusGone:
		return target == ErrNotFound
	case http.StatusUnauthorized:
		return target == ErrCredentials
	case http.StatusNetworkAuthenticationRequired:
		return target == ErrHTML
	}
	return false
}

// An answer is what an HTTP server sent.
type answer struct {
	status int
	header http.Header
	body   []byte // unpacked; of a 200 only
}

// bringHTTP asks a server, and those it points to.
func (c *Client) bringHTTP(ctx context.Context, u *url.URL, r Request) (Result, error) {
	own := u
	res := Result{Secure: true}
	for redirects := 0; ; redirects++ {
		res.URL = redact(u)
		res.Secure = res.Secure && u.Scheme == "https"
		a, err := c.ask(ctx, u, r, sameServer(own, u))
		if a.header != nil {
			res.RetryAfter = c.retryAfter(a.header)
		}
		if err != nil {
			return res, err
		}
		switch a.status {
		case http.StatusOK:
			res.Data, res.ContentType = a.body, a.header.Get("Content-Type")
			res.ETag, res.LastModified = validator(a.header, "ETag"), validator(a.header, "Last-Modified")
			return res, nil
		case http.StatusNotModified:
			if r.ETag == "" && r.LastModified == "" {
				return res, &StatusError{a.status}
			}
			res.NotModified, res.ETag, res.LastModified = true, r.ETag, r.LastModified
			return res, nil
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
			http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			if redirects == maxRedirects {
				return res, fmt.Errorf("%w: the fourth in a row", ErrRedirect)
			}
			if u, err = follow(u, own, a.header.Get("Location")); err != nil {
				return res, err
			}
		default:
			return res, &StatusError{a.status}
		}
	}
}

// validator is what to ask with the next time, unless it is too long to keep.
func validator(h http.Header, name string) string {
	if v := h.Get(name); len(v) <= maxValidator {
		return v
	}
	return ""
}

// follow reads where a server points to. Its credentials are none of ours.
func follow(from, own *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	if err != nil || location == "" {
		return nil, fmt.Errorf("%w: to nowhere", ErrRedirect)
	}
	if to, err = parseURL(to.String()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRedirect, err)
	}
	switch {
	case to.Scheme == "tftp":
		return nil, fmt.Errorf("%w: from %s to tftp", ErrRedirect, from.Scheme)
	case from.Scheme == "https" && to.Scheme != "https":
		return nil, fmt.Errorf("%w: from https to %s", ErrRedirect, to.Scheme)
	case to.User != nil && (from.User == nil || to.User.String() != from.User.String()):
		return nil, fmt.Errorf("%w: with a user name of its own", ErrRedirect)
	}
	if to.User = nil; sameServer(own, to) {
		to.User = own.User
	}
	return to, nil
}

// sameServer reports whether what is meant for one server may be said to the other: the
// same host at the same port, or at the HTTPS port after the HTTP port.
func sameServer(own, to *url.URL) bool {
	if !strings.EqualFold(own.Hostname(), to.Hostname()) {
		return false
	}
	p, err1 := port(own)
	q, err2 := port(to)
	same := own.Scheme == to.Scheme && p == q
	upgrade := own.Scheme == "http" && to.Scheme == "https" && p == 80 && q == 443
	return err1 == nil && err2 == nil && (same || upgrade)
}

// ask asks the server at each of its addresses until one answers.
func (c *Client) ask(ctx context.Context, u *url.URL, r Request, own bool) (a answer, err error) {
	err = c.each(ctx, u, func(to netip.AddrPort, connect time.Duration) (answered bool, err error) {
		a, err = c.visit(ctx, u, to, connect, r, own)
		return a.header != nil, err
	})
	return a, err
}

// visit asks the server at one address, with credentials when it wants them. An answer
// has headers, with an error too; without, the server said nothing.
func (c *Client) visit(ctx context.Context, u *url.URL, to netip.AddrPort, connect time.Duration, r Request, own bool) (a answer, err error) {
	var crawls atomic.Bool
	transport := c.transport(u, own, func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connect)
		defer cancel()
		conn, err := c.network.dial(ctx, to)
		if err != nil {
			return nil, err
		}
		return paced(conn, &crawls), nil
	})
	defer transport.CloseIdleConnections()
	defer func() {
		if err != nil && crawls.Load() {
			err = ErrSlow
		}
	}()
	shown := identify(transport.TLSClientConfig)
	authorization := ""
	for tries := 0; ; tries++ {
		res, err := transport.RoundTrip(c.request(ctx, u, r, authorization))
		if err != nil {
			return answer{}, shown.of(err)
		}
		if res.StatusCode != http.StatusUnauthorized || u.User == nil {
			return read(res, r.SHA256 != "")
		}
		authorization, err = c.authorize(u, res.Header.Values("WWW-Authenticate"), tries)
		_, _ = io.CopyN(io.Discard, res.Body, maxHeader) // so that the connection can be used again
		_ = res.Body.Close()
		if err != nil {
			return answer{status: res.StatusCode, header: res.Header}, err
		}
	}
}

// transport is a connection to one server, which whatever the system is told of proxies
// does not touch.
func (c *Client) transport(u *url.URL, own bool, dial func(ctx context.Context, _, _ string) (net.Conn, error)) *http.Transport {
	name, _, _ := strings.Cut(u.Hostname(), "%") // an address's zone is in no certificate
	t := &http.Transport{
		DisableCompression:     true, // it would unpack without limits
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        1,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots, Time: c.Now, ServerName: name},
		DialContext:            dial,
	}
	if own && c.Certificate != nil {
		t.TLSClientConfig.Certificates = []tls.Certificate{*c.Certificate}
	}
	return t
}

// An introduction is what a server was shown that asked who this device is; empty: none
// asked.
type introduction struct{ atomic.Pointer[string] }

// identify has a TLS configuration note what it shows.
func identify(t *tls.Config) *introduction {
	i, own := new(introduction), t.Certificates
	t.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		for _, c := range own {
			if info.SupportsCertificate(&c) == nil {
				i.note("after it was shown this device's certificate")
				return &c, nil
			}
		}
		i.note("after it asked for a certificate of this device, which has none for it")
		return new(tls.Certificate), nil
	}
	return i
}

func (i *introduction) note(text string) { i.Store(&text) }

// of adds it to why a server said nothing. With TLS 1.3 certificates are judged after the
// handshake, so that the request may fail before the server's reason is read, if it gives one.
func (i *introduction) of(err error) error {
	if text := i.Load(); text != nil {
		return fmt.Errorf("%w, %s", err, *text)
	}
	return err
}

func (c *Client) request(ctx context.Context, u *url.URL, r Request, authorization string) *http.Request {
	asked := *u
	asked.User = nil
	h := http.Header{"User-Agent": {c.UserAgent}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}}
	for name, value := range map[string]string{"If-None-Match": r.ETag, "If-Modified-Since": r.LastModified, "Authorization": authorization} {
		if value != "" {
			h.Set(name, value)
		}
	}
	req := &http.Request{Method: http.MethodGet, URL: &asked, Host: asked.Host, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	return req.WithContext(ctx)
}

// retryAfter is how long the server asks to be left alone (RFC 9110 section 10.2.3).
func (c *Client) retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, mostRetryTime)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = c.Now()
	}
	return min(max(at.Sub(now), 0), mostRetryTime)
}
