package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
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

// What a server may do wrong: the fetch ends in time with an error that says what.
func TestHTTPMisbehaviour(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct {
		name   string
		handle func(w io.Writer)
		want   error
		says   string
		took   time.Duration // at most
	}{
		{"10 MiB announced", func(w io.Writer) { _, _ = io.WriteString(w, head+"Content-Length: 10485760\r\n\r\n") }, ErrTooBig, "10485760 octets announced", 0},
		{"10 MiB", func(w io.Writer) {
			_, _ = io.WriteString(w, head+"\r\n")
			for piece := strings.Repeat("x", 1<<16); ; {
				if _, err := io.WriteString(w, piece); err != nil {
					return
				}
			}
		}, ErrTooBig, "more than 262144 octets", 0},
		{"1 octet a second", drip(head+"\r\n", "[sip1]\n# a long file\n", time.Second), ErrSlow, "", paceTime},
		{"headers, 1 octet a second", drip("", head+"X-Long: "+strings.Repeat("y", 1000), time.Second), ErrSlow, "", paceTime},
		{"65 octets a second", drip(head+"\r\n", strings.Repeat(strings.Repeat("z", 65), 100), time.Second/65), ErrTime, "", totalTime},
		{"silence", func(io.Writer) { time.Sleep(time.Hour) }, ErrSlow, "", paceTime},
		{"silence in the middle", func(w io.Writer) {
			_, _ = io.WriteString(w, head+"Content-Length: 10000\r\n\r\n"+strings.Repeat("x", 5000))
			time.Sleep(time.Hour)
		}, ErrSlow, "", 2 * paceTime},
		{"long headers", func(w io.Writer) {
			_, _ = io.WriteString(w, head)
			for {
				if _, err := io.WriteString(w, "X: "+strings.Repeat("y", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}, nil, "exceeded", 0},
		{"informal answers without end", func(w io.Writer) {
			for {
				if _, err := io.WriteString(w, "HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("y", 1000)+"\r\n\r\n"); err != nil {
					return
				}
			}
		}, nil, "", 0},
		{"no HTTP", func(w io.Writer) { _, _ = io.WriteString(w, "220 mail.example ESMTP\r\n") }, nil, "malformed HTTP", 0},
		{"hangs up", func(io.Writer) {}, nil, "EOF", 0},
		{"cut", func(w io.Writer) { _, _ = io.WriteString(w, head+"Content-Length: 100\r\n\r\nnot all") }, ErrCut, "7 octets of 100", 0},
		{"a chunk cut", func(w io.Writer) {
			_, _ = io.WriteString(w, head+"Transfer-Encoding: chunked\r\n\r\n20\r\nnot all")
		}, ErrCut, "after 7 octets", 0},
		{"no last chunk", func(w io.Writer) {
			_, _ = io.WriteString(w, head+"Transfer-Encoding: chunked\r\n\r\n3\r\nall\r\n")
		}, ErrCut, "", 0},
		{"two lengths", func(w io.Writer) {
			_, _ = io.WriteString(w, head+"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")
		}, nil, "Content-Length", 0},
		{"empty", func(w io.Writer) { ok(w, "") }, ErrCut, "nothing in it", 0},
		{"a gzip bomb", func(w io.Writer) { ok(w, gzipped(strings.Repeat("\x00", 10<<20)), "Content-Encoding: gzip") }, ErrTooBig, "octets unpacked from", 0},
		{"21:1", func(w io.Writer) { ok(w, gzipped(strings.Repeat(ini, 200)), "Content-Encoding: gzip") }, ErrTooBig, "octets unpacked from", 0},
		{"gzip cut", func(w io.Writer) { ok(w, gzipped(strings.Repeat(ini, 10))[:40], "Content-Encoding: gzip") }, ErrCut, "unpacking", 0},
		{"gzip without its end", func(w io.Writer) {
			z := gzipped(ini)
			ok(w, z[:len(z)-8], "Content-Encoding: gzip")
		}, ErrCut, "unpacking", 0},
		{"gzip with a wrong sum", func(w io.Writer) {
			z := []byte(gzipped(ini))
			z[len(z)-8]++
			ok(w, string(z), "Content-Encoding: gzip")
		}, gzip.ErrChecksum, "", 0},
		{"no gzip", func(w io.Writer) { ok(w, "plain and long enough", "Content-Encoding: gzip") }, gzip.ErrHeader, "", 0},
		{"gzip of nothing", func(w io.Writer) { ok(w, "", "Content-Encoding: gzip") }, ErrCut, "", 0},
		{"deflate", func(w io.Writer) { ok(w, "x", "Content-Encoding: deflate") }, nil, `"deflate" was not asked for`, 0},
		{"gzip twice", func(w io.Writer) { ok(w, "x", "Content-Encoding: gzip", "Content-Encoding: gzip") }, nil, `"gzip,gzip"`, 0},
		{"a login page by its type", func(w io.Writer) { ok(w, ini, "Content-Type: Text/HTML; charset=x") }, ErrHTML, "", 0},
		{"a login page by its look", func(w io.Writer) {
			ok(w, "\xef\xbb\xbf \r\n<!-- hotel -->\n<!DOCTYPE html><p>Room?", "Content-Type: application/octet-stream")
		}, ErrHTML, "", 0},
		{"a login page, packed", func(w io.Writer) { ok(w, gzipped("<HTML><form>"), "Content-Encoding: gzip") }, ErrHTML, "", 0},
		{"511", func(w io.Writer) { reply(w, 511, "<html>") }, ErrHTML, "511 Network Authentication Required", 0},
		{"400", func(w io.Writer) { reply(w, 400, "no") }, nil, "400 Bad Request", 0},
		{"401", func(w io.Writer) { reply(w, 401, "no", `WWW-Authenticate: Basic realm="x"`) }, ErrCredentials, "401 Unauthorized", 0},
		{"403", func(w io.Writer) { reply(w, 403, "<html>no</html>", "Content-Type: text/html") }, nil, "403 Forbidden", 0},
		{"404", func(w io.Writer) { reply(w, 404, "<html>no</html>", "Content-Type: text/html") }, ErrNotFound, "404 Not Found", 0},
		{"500", func(w io.Writer) { reply(w, 500, "") }, nil, "500 Internal Server Error", 0},
		{"799", func(w io.Writer) { reply(w, 799, "") }, nil, ": 799", 0},
		{"206", func(w io.Writer) { reply(w, 206, ini, "Content-Range: bytes 0-5/9") }, nil, "206 Partial Content", 0},
		{"204", func(w io.Writer) { _, _ = io.WriteString(w, "HTTP/1.1 204 No Content\r\n\r\n") }, nil, "204 No Content", 0},
		{"101", func(w io.Writer) {
			_, _ = io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		}, nil, "101 Switching Protocols", 0},
	} {
		bubble(t, tt.name, func(t *testing.T, l *lab) {
			l.serveHTTP(at, func(_ *http.Request, w io.Writer) { tt.handle(w) })
			res, took, err := l.fetch(t, Config{}, Request{URL: page})
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), page+": ") {
				t.Errorf("%v, want %v that says %q", err, tt.want, tt.says)
			}
			if res.Data != nil || res.URL != page || took > tt.took {
				t.Errorf("%d octets of %q, after %v, want at most %v", len(res.Data), res.URL, took, tt.took)
			}
			t.Log(took, err)
		})
	}
}

// drip sends text an octet at a time.
func drip(atOnce, text string, pause time.Duration) func(io.Writer) {
	return func(w io.Writer) {
		_, _ = io.WriteString(w, atOnce)
		for i := range len(text) {
			time.Sleep(pause)
			if _, err := w.Write([]byte{text[i]}); err != nil {
				return
			}
		}
		time.Sleep(time.Hour)
	}
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

// A protected server asks for credentials and knows alice's.
type protected struct {
	basic, digest bool
	algorithm     string
	stale         int // how often it calls a good answer stale
	asked         int
	got           []string
}

func (p *protected) handle(r *http.Request, w io.Writer) {
	p.asked++
	given := r.Header.Get("Authorization")
	p.got = append(p.got, given)
	nonce := fmt.Sprintf("n%d", p.asked)
	challenge, good := "", false
	if p.basic {
		challenge = "WWW-Authenticate: Basic realm=\"files\"\r\n"
		good = given == "Basic "+base64.StdEncoding.EncodeToString([]byte("alice:geheim"))
	}
	if p.digest {
		stale := ""
		if p.stale > 0 && strings.HasPrefix(given, "Digest") {
			p.stale--
			stale = ", stale=true"
		} else if strings.HasPrefix(given, "Digest") {
			good = good || digestAnswer(given, r.RequestURI, "alice", "geheim", p.algorithm)
		}
		challenge += fmt.Sprintf("WWW-Authenticate: Digest realm=\"files\", nonce=\"%s\", qop=\"auth\", algorithm=%s%s\r\n", nonce, p.algorithm, stale)
	}
	if good {
		ok(w, ini)
		return
	}
	reply(w, 401, "who are you?", strings.TrimSuffix(challenge, "\r\n"))
}

func TestCredentials(t *testing.T) {
	const private = "http://alice:geheim@192.0.2.7/a.cfg?b=c"
	for _, tt := range []struct {
		name   string
		server *protected
		url    string
		clear  bool
		good   bool
		asked  int
		says   string
	}{
		{"Digest", &protected{digest: true, algorithm: "MD5"}, private, false, true, 2, ""},
		{"Digest with SHA-256", &protected{digest: true, algorithm: "SHA-256"}, private, false, true, 2, ""},
		{"Digest before Basic", &protected{digest: true, basic: true, algorithm: "SHA-256"}, private, true, true, 2, ""},
		{"a stale nonce", &protected{digest: true, algorithm: "MD5", stale: 1}, private, false, true, 3, ""},
		{"stale for ever", &protected{digest: true, algorithm: "MD5", stale: 99}, private, false, false, 3, "those of the URL are refused"},
		{"wrong password", &protected{digest: true, algorithm: "MD5"}, "http://alice:falsch@192.0.2.7/a", false, false, 2, "those of the URL are refused"},
		{"no credentials", &protected{digest: true, algorithm: "MD5"}, page, true, false, 1, "401 Unauthorized"},
		{"Basic", &protected{basic: true}, private, false, false, 1, "Basic over http would show them"},
		{"Basic, allowed", &protected{basic: true}, private, true, true, 2, ""},
		{"Basic, wrong password", &protected{basic: true}, "http://alice:falsch@192.0.2.7/a", true, false, 2, "those of the URL are refused"},
		{"an unknown algorithm", &protected{digest: true, algorithm: "SHA-1"}, private, true, false, 1, "algorithm SHA-1"},
		{"an unknown algorithm beside Basic", &protected{digest: true, basic: true, algorithm: "SHA-1"}, private, true, true, 2, ""},
	} {
		bubble(t, tt.name, func(t *testing.T, l *lab) {
			l.serveHTTP(at, tt.server.handle)
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			res, _, err := l.fetch(t, Config{AllowClear: tt.clear, Log: logger}, Request{URL: tt.url})
			if (err == nil) != tt.good || tt.server.asked != tt.asked {
				t.Errorf("%v, asked %d times, want %d", err, tt.server.asked, tt.asked)
			}
			if err != nil && (!errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%v, want it to say %q", err, tt.says)
			}
			for _, secret := range []string{"geheim", "falsch", "alice"} {
				if strings.Contains(fmt.Sprint(err, res.URL, log.String()), secret) {
					t.Errorf("%s is told: %v %s %s", secret, err, res.URL, log.String())
				}
			}
			if tt.server.got[0] != "" {
				t.Errorf("sent unasked: %s", tt.server.got[0])
			}
		})
	}
	bubble(t, "never to another server", func(t *testing.T, l *lab) {
		for _, next := range []string{"http://192.0.2.8/", "http://192.0.2.7:8080/"} {
			thief := &protected{basic: true, digest: true, algorithm: "MD5"}
			l.serveHTTP(at, func(_ *http.Request, w io.Writer) { reply(w, 302, "", "Location: "+next) })
			l.serveHTTP("192.0.2.8:80", thief.handle)
			l.serveHTTP("192.0.2.7:8080", thief.handle)
			if _, _, err := l.fetch(t, Config{AllowClear: true}, Request{URL: private}); !errors.Is(err, ErrCredentials) || len(thief.got) != 1 || thief.got[0] != "" {
				t.Errorf("%v, it got %q", err, thief.got)
			}
		}
	})
	bubble(t, "again to their own, after a redirect", func(t *testing.T, l *lab) {
		p := &protected{digest: true, algorithm: "MD5"}
		l.serveHTTP(at, func(r *http.Request, w io.Writer) {
			if r.URL.Path == "/a.cfg" {
				reply(w, 302, "", "Location: b.cfg")
				return
			}
			p.handle(r, w)
		})
		if res, _, err := l.fetch(t, Config{}, Request{URL: private}); err != nil || string(res.Data) != ini {
			t.Error(err)
		}
	})
}

// digestAnswer checks an answer as RFC 7616 section 3.4.1 says it is made.
func digestAnswer(given, uri, user, password, algorithm string) bool {
	field := func(name string) string {
		_, rest, _ := strings.Cut(given, name+"=")
		rest = strings.TrimPrefix(rest, `"`)
		end := strings.IndexAny(rest, `",`)
		if end < 0 {
			end = len(rest)
		}
		return rest[:end]
	}
	h := func(s string) string {
		if algorithm == "SHA-256" {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:])
		}
		sum := md5.Sum([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	a1, a2 := h(user+":files:"+password), h("GET:"+uri)
	return field("uri") == uri && field("username") == user &&
		field(" response") == h(a1+":"+field(" nonce")+":"+field(" nc")+":"+field(" cnonce")+":auth:"+a2)
}

// However wrong the server, a fetch takes no more memory than its limits and a little: all
// that is allocated here, the server's side too, and freed again in between.
func TestMemory(t *testing.T) {
	bomb := gzipped(strings.Repeat("\x00", 64<<20))
	for _, tt := range []struct {
		name   string
		handle func(w io.Writer)
	}{
		{"without end", func(w io.Writer) {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\n\r\n")
			for piece := make([]byte, 1<<16); ; {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		}},
		{"a bomb", func(w io.Writer) { ok(w, bomb, "Content-Encoding: gzip") }},
		{"much, packed", func(w io.Writer) { ok(w, gzipped(strings.Repeat(ini, 300)), "Content-Encoding: gzip") }},
	} {
		bubble(t, tt.name, func(t *testing.T, l *lab) {
			l.serveHTTP(at, func(_ *http.Request, w io.Writer) { tt.handle(w) })
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := l.fetch(t, Config{}, Request{URL: page})
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrTooBig) || took > 6<<20 {
				t.Errorf("%v with %d octets allocated, want 6 MiB at most", err, took)
			}
		})
	}
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
