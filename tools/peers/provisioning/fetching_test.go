package provisioning

import (
	"crypto/md5"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tipring/tools/peers/certs"
	"tipring/tools/peers/fetchers"
	"tipring/tools/peers/kamailio"
)

// serve runs a web server of the test's own in the device's network, over HTTPS with the
// world's certificate, and returns its host:port.
func (w *world) serve(h http.Handler) string {
	w.t.Helper()
	var l net.Listener
	w.inside(func() {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			w.t.Fatal(err)
		}
	})
	s := &http.Server{Handler: h, ErrorLog: log.New(discard{}, "", 0)}
	pair := w.ca.Server("own", certs.Good, "localhost", "127.0.0.1").Load(w.t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}}))
	}()
	w.t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return l.Addr().String()
}

// discard takes the log of a server whose clients are broken on purpose.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// digestAuth asks for credentials by RFC 7616, and counts whom it let in.
type digestAuth struct {
	user, password string
	file           string
	let            atomic.Int32
}

func (a *digestAuth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const realm, nonce = "files", "a nonce of today"
	given := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "Digest "), ", ") {
		key, value, _ := strings.Cut(part, "=")
		given[strings.TrimSpace(key)] = strings.Trim(value, `"`)
	}
	h := func(parts ...string) string {
		sum := md5.Sum([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	want := h(h(a.user, realm, a.password), nonce, given["nc"], given["cnonce"], given["qop"], h("GET", r.URL.RequestURI()))
	if given["response"] != want || given["username"] != a.user {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Digest realm=%q, nonce=%q, algorithm=MD5, qop=\"auth\"", realm, nonce))
		w.WriteHeader(401)
		return
	}
	a.let.Add(1)
	w.Header().Set("Content-Length", fmt.Sprint(len(a.file)))
	_, _ = w.Write([]byte(a.file))
}

// What a web server may want of a device, and what a device does not take from one.
func TestFetching(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.line(1, "1001")
	w.put("1001.ini", file)
	w.put("harmless.ini", "[sip1]\nusername = 1001\ndisplay_name = Harmless\n")
	w.put("portal.html", "<!DOCTYPE html><html><title>Welcome to the hotel</title><form>log in</form></html>")
	const hidden = "PLANTED/@% word"
	digest := &digestAuth{user: "020000000001", password: hidden, file: file}
	at := w.serve(digest)
	as := func(user, password, url_ string) string {
		return strings.Replace(url_, "://", "://"+url.UserPassword(user, password).String()+"@", 1)
	}
	pair := w.ca.Server("device", certs.Good, "020000000001")
	private := func(base func(string) string) string { return base("private/1001.ini") }
	wants := fmt.Sprintf("https://localhost:%d/1001.ini", fetchers.WantsClient)

	for _, tt := range []struct {
		name  string
		url   string
		set   [2]string // of [provisioning]
		error string    // empty: registered
		log   string
	}{
		{name: "basic, https", url: as(fetchers.User, fetchers.Password, private(https))},
		{name: "basic, wrong", url: as(fetchers.User, hidden, private(https)), error: "refused"},
		{name: "basic, http", url: as(fetchers.User, fetchers.Password, private(plain)), error: "http"},
		{name: "digest", url: as("020000000001", hidden, "https://"+at+"/1001.ini")},
		{name: "digest by macro", url: as("020000000001", hidden, "https://"+at+"/{mac}.ini?sn={serial}")},
		{name: "digest, wrong", url: as("020000000001", "PLANTED-2", "https://"+at+"/1001.ini"), error: "refused"},
		{name: "client certificate", url: wants, set: [2]string{"tls_cert", pair.Cert}},
		{name: "no client certificate", url: wants, error: "400"},
		{name: "expired", url: fmt.Sprintf("https://localhost:%d/1001.ini", fetchers.Expired), error: "expired"},
		{name: "somebody else's", url: fmt.Sprintf("https://localhost:%d/1001.ini", fetchers.WrongName), error: "not localhost"},
		{name: "nobody's", url: fmt.Sprintf("https://localhost:%d/1001.ini", fetchers.SelfSigned), error: "x509"},
		{name: "captive portal", url: plain("login"), error: "web page"},
		{name: "absent", url: https("none.ini"), error: "404"},
		{name: "busy", url: plain("busy"), error: "503"},
		{name: "loop", url: plain("loop"), error: "redirect"},
		{name: "downgrade", url: https("down"), error: "redirect"},
		{name: "secrets by http", url: plain("1001.ini"), error: "allow_clear_secrets"},
		{name: "secrets by http, allowed", url: plain("1001.ini"), set: [2]string{"allow_clear_secrets", "1"}, log: "secrets received in clear"},
		{name: "no macro", url: https("{arg}/{account}.ini"), error: "account"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := w.factory("static").Set("provisioning", "url", tt.url)
			if tt.set[0] != "" {
				c.Set("provisioning", tt.set[0], tt.set[1])
			}
			if tt.set[0] == "tls_cert" {
				c.Set("provisioning", "tls_key", pair.Key)
			}
			mine := own()
			d := begin(t, w.host, "02:00:00:00:00:01", mine, c)
			p := d.looked()
			if tt.error == "" {
				d.good()
				d.registered("primary", 1)
			} else if p.State != "failed" || !strings.Contains(p.Error, tt.error) || p.Generation != 0 {
				t.Errorf("%+v", p)
			} else {
				d.says("provisioning failed", tt.error)
			}
			if tt.log != "" {
				d.says(tt.log)
			}
			d.silent(kamailio.Password("1001"), "PLANTED", fetchers.Password, "wonder", url.PathEscape(fetchers.Password), "wonder%20land", url.UserPassword("", hidden).String())
			d.Stop()
		})
	}
	if digest.let.Load() != 2 {
		t.Errorf("the digest server let %d in", digest.let.Load())
	}
}

// A file that has not changed is not sent again, and not applied again; one that has
// changed is. Another file is never taken for the one that was fetched before.
func TestNotModified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("1001.ini", w.line(1, "1001"))
	c := w.factory("static").Set("provisioning", "url", https("1001.ini"))
	d := begin(t, w.host, "02:00:00:00:00:01", own(), c)
	d.registered("primary", 1)
	first := d.good()
	if p := d.look(); p.State != "good" || p.Generation != first.Generation || p.Error != "" {
		t.Errorf("unchanged: %+v", p)
	}
	if got := w.accesses(" 304 "); len(got) != 1 || len(w.accesses(" 200 ")) != 1 {
		t.Errorf("nginx sent\n%s", strings.Join(w.accesses("1001.ini"), ""))
	}
	if !strings.Contains(w.accesses(" 304 ")[0], "tipring (020000000001)") {
		t.Errorf("the device calls itself %s", w.accesses(" 304 ")[0])
	}
	if n := len(d.LogLines("settings applied")); n != 1 {
		t.Errorf("applied %d times", n)
	}
	// The same after a restart.
	d.Stop()
	d.run()
	d.registered("primary", 1)
	d.looked()
	if got := w.accesses(" 304 "); len(got) != 2 {
		t.Errorf("after a restart nginx sent\n%s", strings.Join(w.accesses("1001.ini"), ""))
	}

	w.put("1001.ini", w.line(1, "1001")+"display_name = New\n")
	if p := d.look(); p.Generation == first.Generation || p.Error != "" {
		t.Errorf("changed: %+v", p)
	}
	d.wants(map[string][2]string{"sip1.display_name": {"New", https("1001.ini") + ":7"}})
	d.good()

	// Another file that has the same length and time, and so nginx's ETag.
	w.put("other.ini", w.line(1, "1001")+"display_name = Old\n")
	info, err := os.Stat(filepath.Join(w.root, "1001.ini"))
	if err == nil {
		err = os.Chtimes(filepath.Join(w.root, "other.ini"), info.ModTime(), info.ModTime())
	}
	if err != nil {
		t.Fatal(err)
	}
	d.factory(w.factory("static").Set("provisioning", "url", https("other.ini")))
	d.Reload()
	d.until("told the other URL", func(provisioned) bool { return d.values()["provisioning.url"][0] == https("other.ini") })
	p := d.look()
	d.wants(map[string][2]string{"sip1.display_name": {"Old", https("other.ini") + ":7"}})
	d.good()
	d.registered("primary", 1)

	// A generation taken back by hand: its file is still what the server has.
	if status, text := d.ask("POST", "/api/v1/config/rollback", ""); status != 202 {
		t.Fatalf("rollback: %d %s", status, text)
	}
	d.wants(map[string][2]string{"sip1.display_name": {"New", https("1001.ini") + ":7"}})
	if p := d.look(); p.State != "rolled_back" || p.Error == "" {
		t.Errorf("after a rollback: %+v", p)
	}
	d.wants(map[string][2]string{"sip1.display_name": {"New", https("1001.ini") + ":7"}})
	_ = p
}
