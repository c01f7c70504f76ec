// Package fetch brings one configuration file by TFTP (RFC 1350, 2347 to 2349), HTTP
// or HTTPS (RFC 9110, 9112), from servers that may be broken, slow, somebody else's, or
// not there, and expands the macros of its URL. It brings the whole file or none.
//
// It reads nothing of what it brings, except to tell a web page, which is what a network
// gives that wants a login first, from a file. Which sources are asked, when again, and
// whether a file may be believed is its caller's to decide: Result says whether a
// verified server sent it.
//
// What holds for each file:
//
//   - 60 s from the call to the end, whatever is waited for;
//   - at most 256 KiB on the wire; packed (Content-Encoding gzip), at most 1 MiB
//     unpacked and 20 times what came;
//   - at least 64 octets a second, counted over 20 s;
//   - each address of the server's name is tried until one sends an answer;
//   - HTTPS is TLS 1.2 or later with the certificate and name verified, always;
//   - at most 3 redirects, never to another scheme than http and https, and never from
//     https to http. The URL's user name and password and the client certificate are
//     for the URL's own server, never for another that it points to;
//   - Basic authentication over HTTPS only, unless the caller allows clear secrets;
//     Digest (RFC 7616) over both;
//   - no proxy, cookie or other thing of the environment.
package fetch

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// The limits of a file.
const (
	totalTime   = 60 * time.Second
	maxWire     = 256 << 10 // octets of it on the wire
	maxUnpacked = 1 << 20
	maxRatio    = 20 // of unpacked to packed
)

// Why a file was not brought. Errors wrap one of these where a caller may want to know.
var (
	ErrURL         = errors.New("not a URL to fetch from")                  // the request's fault
	ErrNotFound    = errors.New("no such file")                             // the server is there, the file is not
	ErrHTML        = errors.New("a web page, not a file: a login page?")    // a captive portal, or a server's error page
	ErrTooBig      = errors.New("too big")                                  // on the wire or unpacked
	ErrSlow        = errors.New("fewer than 64 octets a second")            // over 20 s
	ErrTime        = errors.New("not done in 60 s")                         // all in all
	ErrCut         = errors.New("cut short")                                // shorter than was announced
	ErrDigest      = errors.New("not the file wanted: its SHA-256 differs") // from Request.SHA256
	ErrRedirect    = errors.New("a redirect that is not followed")          // too many, or where none may go
	ErrCredentials = errors.New("credentials wanted")                       // none given, refused, or not for this road
)

// Config is what a Client is made of. Its zero value verifies with the system's roots
// and sends from any address.
type Config struct {
	Roots       *x509.CertPool   // who may vouch for an HTTPS server; nil: the system's
	Certificate *tls.Certificate // shown to an HTTPS server that asks for one
	UserAgent   string           // see UserAgent; empty: tipring
	AllowClear  bool             // Basic credentials may go over http
	Local       netip.Addr       // to send from; zero: the system's choice
	Now         func() time.Time // the clock that certificates are judged by; nil: time.Now
	Log         *slog.Logger     // nil: none
}

// A Request names a file.
type Request struct {
	URL string // macros expanded
	// SHA256 is what the file must have, 64 hex digits; empty: anything. With it the
	// file is always sent anew, because a file not modified cannot be checked here.
	SHA256             string
	ETag, LastModified string // of the copy at hand; empty: none
}

// A Result is a file, or the answer that it has not changed.
type Result struct {
	URL                string // where it came from, after redirects, without secrets
	Data               []byte // unpacked; nil when NotModified
	ContentType        string
	ETag, LastModified string        // to ask with the next time
	NotModified        bool          // it is what Request's ETag and LastModified say
	Secure             bool          // HTTPS all the way, verified
	RetryAfter         time.Duration // what the server asked to wait, up to a day; also with an error
}

// A Client fetches files, one after another or several at once. It holds no connection
// and no goroutine between fetches.
type Client struct {
	Config
	network network
}

// New makes a client.
func New(c Config) *Client {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.UserAgent == "" {
		c.UserAgent = "tipring"
	}
	return &Client{Config: c, network: system{local: c.Local}}
}

// Fetch brings the file. Errors name the URL without its secrets. With an error the
// Result holds nothing but URL and RetryAfter.
func (c *Client) Fetch(ctx context.Context, r Request) (Result, error) {
	u, err := parseURL(r.URL)
	if err != nil {
		return Result{}, err
	}
	shown := redact(u)
	var digest []byte
	if r.SHA256 != "" {
		if digest, err = hex.DecodeString(r.SHA256); err != nil || len(digest) != sha256.Size {
			return Result{}, fmt.Errorf("%s: %w: sha256=%q: want 64 hex digits", shown, ErrURL, short(r.SHA256))
		}
		r.ETag, r.LastModified = "", ""
	}
	ctx, cancel := context.WithTimeoutCause(ctx, totalTime, ErrTime)
	defer cancel()
	started := time.Now()
	res, err := c.bring(ctx, u, r)
	if err == nil && !res.NotModified {
		err = check(res, digest)
	}
	if err != nil {
		return Result{URL: res.URL, RetryAfter: res.RetryAfter}, fmt.Errorf("%s: %w", res.URL, untimed(ctx, err))
	}
	c.Log.Info("fetched", "url", res.URL, "octets", len(res.Data), "not_modified", res.NotModified,
		"secure", res.Secure, "took", time.Since(started).Round(time.Millisecond))
	return res, nil
}

func (c *Client) bring(ctx context.Context, u *url.URL, r Request) (Result, error) {
	if u.Scheme == "tftp" {
		return c.bringTFTP(ctx, u)
	}
	return c.bringHTTP(ctx, u, r)
}

// check refuses what cannot be the file, whoever sent it.
func check(res Result, digest []byte) error {
	sum := sha256.Sum256(res.Data)
	switch {
	case len(res.Data) == 0:
		return fmt.Errorf("%w: nothing in it", ErrCut)
	case isHTML(res.ContentType, res.Data):
		return ErrHTML
	case digest != nil && string(digest) != string(sum[:]):
		return fmt.Errorf("%w: it is %x", ErrDigest, sum)
	}
	return nil
}

// untimed puts the reason why a context ended in place of what the network made of it.
func untimed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(err, cause) {
		return cause
	}
	return err
}
