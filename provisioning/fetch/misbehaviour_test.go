package fetch

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

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
