package provisioning

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
)

// A shelf is a web server that has one file, or does what it likes.
type shelf struct {
	handler atomic.Pointer[http.HandlerFunc]
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*s.handler.Load())(w, r) }

func (s *shelf) set(h http.HandlerFunc) { s.handler.Store(&h) }

// file has the server send a file as it should.
func (s *shelf) file(text string) {
	s.set(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = io.WriteString(w, text)
	})
}

// raw has the server send octets of its own and hang up.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(c, text)
		_ = c.Close()
	}
}

// zipped packs a text.
func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// headed is a text with headers, name and value.
func headed(status int, text string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// A misdeed is what a server does in place of sending a good file.
type misdeed struct {
	what string
	do   http.HandlerFunc
}

// misdeeds are of servers whose file would be good.
func misdeeds(good string) (all []misdeed) {
	add := func(what string, do http.HandlerFunc) { all = append(all, misdeed{what, do}) }
	for i, page := range []string{
		"<!DOCTYPE html><title>Hotel</title>", "<html><body>Log in</body></html>", "\n\n  <!-- x --><HTML>", "<head><meta http-equiv=refresh content='0;url=/login'>",
		"<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">" + good, "<body onload=x>" + good,
	} {
		add(fmt.Sprint("a page ", i), headed(200, page, "Content-Type", "text/html", "Content-Length", strconv.Itoa(len(page))))
		add(fmt.Sprint("a page that says it is text ", i), headed(200, page, "Content-Type", "text/plain", "Content-Length", strconv.Itoa(len(page))))
	}
	add("a good file called a page", headed(200, good, "Content-Type", "text/html; charset=utf-8", "Content-Length", strconv.Itoa(len(good))))
	for _, n := range []int{1, 2, 100, 1 << 20} {
		add(fmt.Sprint("shorter than announced by ", n), raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(good)+n, good)))
	}
	add("no length", raw("HTTP/1.0 200 OK\r\n\r\n"+good))
	add("chunks cut short", raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(good), good)))
	add("a chunk that lies", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"+good))
	add("two lengths", raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Length: 5\r\n\r\n%s", len(good), good)))
	add("nothing", raw(""))
	add("half a head", raw("HTTP/1.1 200 O"))
	add("not HTTP", raw("220 ftp ready\r\n"))
	add("a long head", raw("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n"))
	add("many heads", raw("HTTP/1.1 200 OK\r\n"+strings.Repeat("X: y\r\n", 1<<16)+"\r\n"))
	add("100 for ever", raw(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000)))
	big := good + strings.Repeat("# filled up\n", 10<<20/12)
	add("10 MiB", headed(200, big, "Content-Length", strconv.Itoa(len(big))))
	add("10 MiB without an end", headed(200, big))
	bomb := zipped(big)
	add("a bomb", headed(200, bomb, "Content-Encoding", "gzip", "Content-Length", strconv.Itoa(len(bomb))))
	twice := zipped(bomb)
	add("a bomb in a bomb", headed(200, twice, "Content-Encoding", "gzip, gzip", "Content-Length", strconv.Itoa(len(twice))))
	add("a bomb called a file", headed(200, bomb, "Content-Length", strconv.Itoa(len(bomb))))
	packed := zipped(good)
	for _, n := range []int{1, 4, 8, 20, len(packed) / 2} {
		add(fmt.Sprint("packed, cut by ", n), headed(200, packed[:len(packed)-n], "Content-Encoding", "gzip", "Content-Length", strconv.Itoa(len(packed)-n)))
	}
	add("packed, damaged", headed(200, packed[:30]+"x"+packed[31:], "Content-Encoding", "gzip", "Content-Length", strconv.Itoa(len(packed))))
	add("not packed", headed(200, good, "Content-Encoding", "gzip", "Content-Length", strconv.Itoa(len(good))))
	add("packed in a way not asked for", headed(200, good, "Content-Encoding", "br", "Content-Length", strconv.Itoa(len(good))))
	for _, to := range []string{"/again", "http://127.0.0.1:8080/1001.ini", "tftp://127.0.0.1:6969/f", "file:///etc/shadow", "//user:word@127.0.0.1/f", "https://[::1", "", "javascript:x", "https://127.0.0.1:1/"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			add(fmt.Sprintf("%d to %q", status, to), headed(status, good, "Location", to))
		}
	}
	for _, status := range []int{201, 202, 203, 204, 205, 206, 226, 300, 304, 305, 400, 401, 402, 403, 404, 405, 406, 408, 410, 418, 421, 425, 429, 451, 500, 501, 502, 503, 504, 507, 511, 599} {
		add(fmt.Sprint("status ", status), func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			if status != 204 && status != 304 {
				_, _ = io.WriteString(w, good)
			}
		})
	}
	add("credentials wanted", headed(401, good, "WWW-Authenticate", "Basic realm=x"))
	return all
}

// rss is the memory of a process, in KiB.
func (d *device) rss() int {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Pid()))
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); f[0] == "RssAnon:" {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// 500 mutated and hostile files, one after another, and none is applied: the lines stay as
// they are, no look takes long, and memory stays where it was.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, other := newSealer(t, w), newSealer(t, w)
	good := w.line(1, "2001") + w.line(2, "2002")
	var shelf shelf
	shelf.file(s.seal(good, "020000000001", 5))
	url := "https://" + w.serve(&shelf) + "/{mac}"
	d := begin(t, w.host, "02:00:00:00:00:01", own(), s.keys(w.factory("static")).Set("provisioning", "url", url))
	d.registered("primary", 1, 2)
	first := d.good()
	if p := d.look(); p.State != "good" || p.Generation != first.Generation {
		t.Fatalf("%+v", p)
	}
	since := [2]string{*d.Line(1).Since, *d.Line(2).Since}

	m := &mutator{rand.New(rand.NewPCG(4, 2026)), exports(t)}
	all := misdeeds(good + "[sip3]\nusername = 9\n")
	text := func(what, text string) {
		all = append(all, misdeed{what, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			_, _ = io.WriteString(w, text)
		}})
	}
	for _, h := range m.all() {
		text(h.what, h.text)
	}
	newer := w.line(1, "2001") + "display_name = New\n" + w.line(2, "2002")
	sealed := s.seal(newer, "020000000001", 6)
	for i := range 40 {
		text(fmt.Sprint("sealed, a bit flipped ", i), m.flip(sealed))
		if i < 25 {
			text(fmt.Sprint("sealed, cut ", i), sealed[:1+m.IntN(len(sealed)-1)])
		}
	}
	text("sealed, and more", sealed+"\n")
	text("sealed twice", sealed+sealed)
	text("sealed for another device", s.seal(newer, "020000000002", 6))
	text("sealed for a serial number", s.seal(newer, "S-1", 6))
	text("sealed, older", s.seal(newer, "020000000001", 4))
	text("sealed, oldest", s.seal(newer, "020000000001", 1))
	over := time.Now().Add(2 * time.Second) // before its turn comes, since it is the last
	expires := s.seal(newer, "020000000001", 6, "--expires", over.UTC().Format(time.RFC3339))
	text("sealed by another", other.seal(newer, "020000000001", 6))
	mixed := other
	mixed.command("--key", s.path("device.key"), "--sign", other.path("sign.key"), "--device", "020000000001", s.path("1.in"), other.path("mixed"))
	text("signed by another", readFile(t, other.path("mixed")))
	mixed.command("--key", other.path("device.key"), "--sign", s.path("sign.key"), "--device", "020000000001", s.path("1.in"), other.path("mixed2"))
	text("sealed with another key", readFile(t, other.path("mixed2")))
	text("sealed, expired", expires)
	if len(all) < 500 {
		t.Errorf("%d files, want 500", len(all))
	}

	before := d.rss()
	var longest time.Duration
	for i, h := range all {
		if i == len(all)-1 {
			netlab.Until(patience, func() bool { return time.Now().After(over) })
		}
		shelf.set(h.do)
		started := time.Now()
		p := d.look()
		took := time.Since(started)
		longest = max(longest, took)
		if p.State != "failed" || p.Error == "" || p.Generation != first.Generation {
			t.Fatalf("%s: state %s, generation %d (was %d), %q", h.what, p.State, p.Generation, first.Generation, p.Error)
		}
		if took > 10*time.Second {
			t.Errorf("%s: it took %v", h.what, took)
		}
	}
	after := d.rss()
	t.Logf("%d files, the longest look took %v, memory %d KiB before and %d KiB after", len(all), longest, before, after)
	if after-before > 4096 {
		t.Errorf("memory grew from %d KiB to %d KiB", before, after)
	}
	for n := range 2 {
		if l := d.Line(n + 1); l.State != "registered" || l.Server != "primary" || *l.Since != since[n] {
			t.Errorf("%v since %s, was %s", l, *l.Since, since[n])
		}
	}
	if n := len(d.LogLines("settings applied")); n != 1 {
		t.Errorf("applied %d times", n)
	}
	// A good file is taken as before, also one of the same version.
	shelf.file(sealed)
	if p := d.look(); p.Generation == first.Generation || p.Error != "" {
		t.Errorf("a good file: %+v", p)
	}
	d.good()
	d.registered("primary", 1, 2)
	d.silent(append(s.secrets, kamailio.Password("2001"), "PLANTED")...)
}

// A server that crawls does not keep a device waiting: it ends in its time, and meanwhile
// the lines are up and the interface answers.
func TestCrawlingServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var shelf shelf
	shelf.file(w.line(1, "2001"))
	d := begin(t, w.host, "02:00:00:00:00:01", own(), w.factory("static").Set("provisioning", "url", "https://"+w.serve(&shelf)+"/f"))
	d.registered("primary", 1)
	d.good()
	shelf.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5000")
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-tick.C:
				_, _ = io.WriteString(w, "#")
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				tick.Stop()
				return
			}
		}
	})
	started := time.Now()
	if status, text := d.ask("POST", "/api/v1/provision", ""); status != 202 {
		t.Fatalf("POST /provision: %d %s", status, text)
	}
	d.until("fetching", func(p provisioned) bool { return p.State == "fetching" })
	d.registered("primary", 1)
	if text, status := d.Command("provision", "--dry-run"); status != 1 || !strings.Contains(text, "64 octets a second") {
		t.Errorf("a dry run beside it: %d %s", status, text)
	}
	p := d.until("ended", func(p provisioned) bool { return p.Finished == 2 })
	if took := time.Since(started); p.State != "failed" || !strings.Contains(p.Error, "64 octets a second") || took > time.Minute {
		t.Errorf("after %v: %+v", took, p)
	}
	d.registered("primary", 1)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
