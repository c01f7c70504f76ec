package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	at   = "192.0.2.7:80"
	page = "http://192.0.2.7/a.cfg"
	ini  = "[sip1]\nusername = 1001\n"
)

func gzipped(data string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, data)
	_ = w.Close()
	return b.String()
}

func TestHTTP(t *testing.T) {
	bubble(t, "good", func(t *testing.T, l *lab) {
		l.serveHTTP(at, func(r *http.Request, w io.Writer) {
			want := http.Header{"User-Agent": {"tipring/1.4.0 RB760 (0c383e00ab01)"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}}
			if r.Method != "GET" || r.RequestURI != "/a.cfg?x=%20y" || r.Host != "192.0.2.7" || fmt.Sprint(r.Header) != fmt.Sprint(want) {
				t.Errorf("%s %s at %s with %v", r.Method, r.RequestURI, r.Host, r.Header)
			}
			ok(w, ini, `ETag: "v1"`, "Last-Modified: Mon, 04 May 2026 08:00:00 GMT", "Content-Type: text/plain; charset=utf-8")
		})
		res, took, err := l.fetch(t, Config{UserAgent: UserAgent(device)}, Request{URL: page + "?x=%20y#z"})
		if err != nil || string(res.Data) != ini || res.ETag != `"v1"` || res.LastModified != "Mon, 04 May 2026 08:00:00 GMT" ||
			res.ContentType != "text/plain; charset=utf-8" || res.Secure || res.NotModified || res.URL != page+"?x=%20y" || took != 0 {
			t.Errorf("%+v, %v, after %v", res, err, took)
		}
	})
	bubble(t, "not modified", func(t *testing.T, l *lab) {
		l.serveHTTP(at, func(r *http.Request, w io.Writer) {
			if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") == "yesterday" {
				_, _ = io.WriteString(w, "HTTP/1.1 304 Not Modified\r\n\r\n")
				return
			}
			ok(w, ini)
		})
		res, _, err := l.fetch(t, Config{}, Request{URL: page, ETag: `"v1"`, LastModified: "yesterday"})
		if err != nil || !res.NotModified || res.Data != nil || res.ETag != `"v1"` || res.LastModified != "yesterday" {
			t.Errorf("%+v, %v", res, err)
		}
		sum := sha256.Sum256([]byte(ini)) // whoever wants a digest wants the file
		res, _, err = l.fetch(t, Config{}, Request{URL: page, ETag: `"v1"`, LastModified: "yesterday", SHA256: hex.EncodeToString(sum[:])})
		if err != nil || res.NotModified || string(res.Data) != ini {
			t.Errorf("%+v, %v", res, err)
		}
	})
	bubble(t, "a tag too long to keep", func(t *testing.T, l *lab) {
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) {
			ok(w, ini, "ETag: "+strings.Repeat("e", 257), "Last-Modified: now")
		})
		if res, _, err := l.fetch(t, Config{}, Request{URL: page}); err != nil || res.ETag != "" || res.LastModified != "now" {
			t.Errorf("%+v, %v", res, err)
		}
	})
	bubble(t, "not modified, unasked", func(t *testing.T, l *lab) {
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.1 304 Not Modified\r\n\r\n") })
		var e *StatusError
		if _, _, err := l.fetch(t, Config{}, Request{URL: page}); !errors.As(err, &e) || e.Code != 304 {
			t.Error(err)
		}
	})
	bubble(t, "digest", func(t *testing.T, l *lab) {
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) { ok(w, ini) })
		sum := sha256.Sum256([]byte(ini))
		if _, _, err := l.fetch(t, Config{}, Request{URL: page, SHA256: strings.ToUpper(hex.EncodeToString(sum[:]))}); err != nil {
			t.Error(err)
		}
		sum[0]++
		if res, _, err := l.fetch(t, Config{}, Request{URL: page, SHA256: hex.EncodeToString(sum[:])}); !errors.Is(err, ErrDigest) || res.Data != nil {
			t.Error(err)
		}
	})
	bubble(t, "packed", func(t *testing.T, l *lab) {
		long := strings.Repeat(ini, 10)
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) { ok(w, gzipped(long), "Content-Encoding: gzip") })
		if res, _, err := l.fetch(t, Config{}, Request{URL: page}); err != nil || string(res.Data) != long {
			t.Errorf("%d octets, %v", len(res.Data), err)
		}
	})
	bubble(t, "in chunks", func(t *testing.T, l *lab) {
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) {
			_, _ = fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n3\r\nabc\r\n0\r\n\r\n", len(ini), ini)
		})
		if res, _, err := l.fetch(t, Config{}, Request{URL: page}); err != nil || string(res.Data) != ini+"abc" {
			t.Errorf("%q, %v", res.Data, err)
		}
	})
	bubble(t, "HTTP/1.0", func(t *testing.T, l *lab) {
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.0 200 OK\r\n\r\n"+ini) })
		if res, _, err := l.fetch(t, Config{}, Request{URL: page}); err != nil || string(res.Data) != ini {
			t.Errorf("%q, %v", res.Data, err)
		}
	})
	bubble(t, "as much as may be", func(t *testing.T, l *lab) {
		most := strings.Repeat("x", maxWire)
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) { ok(w, most) })
		if res, _, err := l.fetch(t, Config{}, Request{URL: page}); err != nil || len(res.Data) != maxWire {
			t.Errorf("%d octets, %v", len(res.Data), err)
		}
	})
	bubble(t, "every address is tried", func(t *testing.T, l *lab) {
		for _, a := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::4"} {
			l.names["p.example"] = append(l.names["p.example"], netip.MustParseAddr(a))
		}
		l.holes[netip.MustParseAddr("192.0.2.2")] = true
		l.serveHTTP("192.0.2.3:8080", func(*http.Request, io.Writer) {}) // hangs up
		l.serveHTTP("[2001:db8::4]:8080", func(r *http.Request, w io.Writer) { ok(w, "from "+r.Host) })
		res, took, err := l.fetch(t, Config{}, Request{URL: "http://p.example:8080/a"})
		if err != nil || string(res.Data) != "from p.example:8080" || took != connectTime {
			t.Errorf("%q, %v, after %v, asked %v", res.Data, err, took, l.dials)
		}
	})
	bubble(t, "nobody anywhere", func(t *testing.T, l *lab) {
		for n := range 12 {
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(n + 1)})
			l.names["p.example"] = append(l.names["p.example"], a)
			l.holes[a] = true
		}
		_, took, err := l.fetch(t, Config{}, Request{URL: "http://p.example/a"})
		if err == nil || took > totalTime || len(l.dials) != maxAddresses {
			t.Errorf("%v, after %v, %d addresses", err, took, len(l.dials))
		}
		delete(l.holes, netip.MustParseAddr("192.0.2.1"))
		if _, _, err = l.fetch(t, Config{}, Request{URL: "http://192.0.2.1/a"}); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Error(err)
		}
	})
	bubble(t, "addresses that no server has", func(t *testing.T, l *lab) {
		for _, a := range []string{"0.0.0.0", "224.0.1.75", "255.255.255.255", "[::]", "[ff02::1]"} {
			if _, _, err := l.fetch(t, Config{}, Request{URL: "http://" + a + "/a"}); err == nil || !strings.Contains(err.Error(), "no address that a server can have") || len(l.dials) > 0 {
				t.Errorf("%s: %v", a, err)
			}
		}
	})
	bubble(t, "the environment is not asked", func(t *testing.T, l *lab) {
		t.Setenv("HTTP_PROXY", "http://192.0.2.99:3128")
		t.Setenv("http_proxy", "http://192.0.2.99:3128")
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) { ok(w, ini) })
		if _, _, err := l.fetch(t, Config{}, Request{URL: page}); err != nil || len(l.dials) != 1 || l.dials[0] != at {
			t.Errorf("%v, asked %v", err, l.dials)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		headers []string
		want    time.Duration
	}{
		{nil, 0},
		{[]string{"Retry-After: 120"}, 2 * time.Minute},
		{[]string{"Retry-After: 99999999"}, 24 * time.Hour},
		{[]string{"Retry-After: -1"}, 0},
		{[]string{"Retry-After: soon"}, 0},
		{[]string{"Retry-After: Mon, 04 May 2026 08:01:00 GMT"}, time.Minute},
		{[]string{"Retry-After: Mon, 04 May 2026 07:01:00 GMT"}, 0},
		{[]string{"Retry-After: Mon, 04 May 2026 08:01:00 GMT", "Date: Mon, 04 May 2026 08:00:50 GMT"}, 10 * time.Second},
		{[]string{"Retry-After: Mon, 04 May 2037 08:01:00 GMT"}, 24 * time.Hour},
	} {
		bubble(t, strings.Join(tt.headers, " "), func(t *testing.T, l *lab) {
			l.serveHTTP(at, func(_ *http.Request, w io.Writer) { reply(w, 503, "busy", tt.headers...) })
			res, _, err := l.fetch(t, Config{Now: func() time.Time { return now }}, Request{URL: page})
			if err == nil || res.RetryAfter != tt.want {
				t.Errorf("%v, %v, want %v", res.RetryAfter, err, tt.want)
			}
		})
	}
}

func TestRedirect(t *testing.T) {
	l := newLab()
	to := func(location string) func(*http.Request, io.Writer) {
		return func(_ *http.Request, w io.Writer) { reply(w, 302, "", "Location: "+location) }
	}
	for _, tt := range []struct {
		name     string
		location string
		data     string
		says     string
	}{
		{"the same server", "/b.cfg", "at last", ""},
		{"another server", "http://192.0.2.8/b.cfg", "at last", ""},
		{"no network path", "//192.0.2.8/b.cfg", "at last", ""},
		{"a loop", "/loop", "", "the fourth in a row"},
		{"tftp", "tftp://192.0.2.8/b.cfg", "", "from http to tftp"},
		{"file", "file:///etc/passwd", "", `scheme "file"`},
		{"nowhere", "", "", "to nowhere"},
		{"nonsense", "http://%zz/", "", "to nowhere"},
		{"with a user", "http://root:geheim@192.0.2.8/b.cfg", "", "with a user name of its own"},
		{"a login page", "http://192.0.2.9/login?next=x", "", ErrHTML.Error()},
		{"an absent page", "http://192.0.2.8/no", "", "http://192.0.2.8/no: 404 Not Found"},
	} {
		bubble(t, tt.name, func(t *testing.T, _ *lab) {
			l = newLab()
			serve := func(r *http.Request, w io.Writer) {
				switch r.URL.Path {
				case "/a.cfg":
					to(tt.location)(r, w)
				case "/loop":
					to("/loop")(r, w)
				case "/b.cfg":
					ok(w, "at last")
				default:
					reply(w, 404, "")
				}
			}
			l.serveHTTP(at, serve)
			l.serveHTTP("192.0.2.8:80", serve)
			l.serveHTTP("192.0.2.9:80", func(_ *http.Request, w io.Writer) { ok(w, "<html>", "Content-Type: text/html") })
			res, _, err := l.fetch(t, Config{}, Request{URL: page})
			if string(res.Data) != tt.data || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q, %v, want %q, %q", res.Data, err, tt.data, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), "geheim") {
				t.Errorf("told: %v", err)
			}
		})
	}
	bubble(t, "three in a row", func(t *testing.T, l *lab) {
		asked := 0
		l.serveHTTP(at, func(r *http.Request, w io.Writer) {
			if asked++; asked <= 3 {
				reply(w, []int{301, 307, 308}[asked-1], "", fmt.Sprintf("Location: /%d", asked))
				return
			}
			ok(w, ini)
		})
		res, _, err := l.fetch(t, Config{}, Request{URL: page})
		if err != nil || string(res.Data) != ini || res.URL != "http://192.0.2.7/3" {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

// The context of the caller ends a fetch wherever it is.
func TestGivenUp(t *testing.T) {
	bubble(t, "while it connects", func(t *testing.T, l *lab) {
		l.holes[netip.MustParseAddr("192.0.2.7")] = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.client(Config{}).Fetch(ctx, Request{URL: page}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	bubble(t, "while it reads", func(t *testing.T, l *lab) {
		ctx, cancel := context.WithCancel(t.Context())
		l.serveHTTP(at, func(_ *http.Request, w io.Writer) {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\n\r\nx")
			cancel()
			time.Sleep(time.Minute)
		})
		if _, err := l.client(Config{}).Fetch(ctx, Request{URL: page}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Over the machine's own sockets.
func TestHTTPSocket(t *testing.T) {
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if c, err := listener.Accept(); err == nil {
				serveHTTP(func(_ *http.Request, w io.Writer) { ok(w, ini) })(c)
				_ = c.Close()
			}
		}()
		res, err := New(Config{Local: netip.MustParseAddr(loopback)}).Fetch(t.Context(), Request{URL: "http://" + listener.Addr().String() + "/a"})
		if err != nil || string(res.Data) != ini {
			t.Errorf("%s: %q, %v", loopback, res.Data, err)
		}
		_ = listener.Close()
		<-done
	}
}
