package lab

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tipring/provisioning/fetch"
)

// A filesRig is a server and what it told.
type filesRig struct {
	*Files
	t      *testing.T
	events chan FileEvent
}

func newFilesRig(t *testing.T) *filesRig {
	rig := &filesRig{t: t, events: make(chan FileEvent, 100)}
	var err error
	if rig.Files, err = NewFiles(filesAddr, FilesConfig{Hook: func(e FileEvent) { rig.events <- e }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rig.Close(); err != nil {
			t.Error(err)
		}
	})
	return rig
}

// told is the next event.
func (r *filesRig) told(scheme string, status int) FileEvent {
	r.t.Helper()
	select {
	case e := <-r.events:
		if e.Scheme != scheme || e.Status != status {
			r.t.Errorf("told %q, want %s: %d", e, scheme, status)
		}
		return e
	case <-time.After(10 * time.Second):
		r.t.Fatal("nothing told")
		return FileEvent{}
	}
}

// client is one that believes the server's certificate.
func (r *filesRig) client() *fetch.Client {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(r.CA()) {
		r.t.Fatal("no CA")
	}
	return fetch.New(fetch.Config{Roots: roots})
}

// A device reads files by all three protocols, also such as have many blocks.
func TestFilesAreFetched(t *testing.T) {
	rig := newFilesRig(t)
	client := rig.client()
	files := map[string][]byte{
		"/block":           bytes.Repeat([]byte("x"), 1428),
		"/conf/large.file": bytes.Repeat([]byte("0123456789abcde\n"), 8<<10),
	}
	for path, want := range files {
		rig.Put(path, want)
		for _, scheme := range []string{"http", "https", "tftp"} {
			if scheme == "tftp" && path == "/block" {
				continue // a TFTP client stays a while behind the end: TestSending has more lengths
			}
			res, err := client.Fetch(t.Context(), fetch.Request{URL: rig.URL(scheme, path)})
			if err != nil || !bytes.Equal(res.Data, want) || res.Secure != (scheme == "https") {
				t.Fatalf("%s: %d octets, secure %v, %v", rig.URL(scheme, path), len(res.Data), res.Secure, err)
			}
			if e := rig.told(scheme, 200); e.Path != path || e.From == "" || e.Why != "" {
				t.Errorf("told %q", e)
			}
		}
	}
	rig.Remove("/block")
	for _, scheme := range []string{"http", "https", "tftp"} {
		if _, err := client.Fetch(t.Context(), fetch.Request{URL: rig.URL(scheme, "/block")}); !errors.Is(err, fetch.ErrNotFound) {
			t.Errorf("%s: a file that was removed: %v", scheme, err)
		}
		rig.told(scheme, 404)
	}
}

// A file that has not changed is not sent again.
func TestFilesETag(t *testing.T) {
	rig := newFilesRig(t)
	client := rig.client()
	r := fetch.Request{URL: rig.URL("https", "/a")}
	rig.Put("/a", []byte("one = 1\n"))
	first, err := client.Fetch(t.Context(), r)
	if err != nil || first.ETag == "" {
		t.Fatalf("%q, %v", first.ETag, err)
	}
	rig.told("https", 200)
	r.ETag = first.ETag
	if again, err := client.Fetch(t.Context(), r); err != nil || !again.NotModified {
		t.Errorf("the same file again: %v, %v", again.NotModified, err)
	}
	rig.told("https", 304)
	rig.Put("/a", []byte("two = 2\n"))
	if changed, err := client.Fetch(t.Context(), r); err != nil || changed.NotModified || changed.ETag == first.ETag {
		t.Errorf("another file: %v, tag %q, %v", changed.NotModified, changed.ETag, err)
	}
	rig.told("https", 200)
	for _, tt := range []struct {
		header string
		want   bool
	}{{`"a"`, true}, {`W/"a"`, true}, {`"b", "a"`, true}, {"*", true}, {`"b"`, false}, {"a", false}, {"", false}} {
		if got := matches([]string{tt.header}, `"a"`); got != tt.want {
			t.Errorf("If-None-Match: %s: %v", tt.header, got)
		}
	}
}

// A stranger's certificate is not that of the server, and files are read only.
func TestFilesAreGuarded(t *testing.T) {
	rig := newFilesRig(t)
	rig.Put("/a", []byte("x\n"))
	if _, err := fetch.New(fetch.Config{Roots: x509.NewCertPool()}).Fetch(t.Context(), fetch.Request{URL: rig.URL("https", "/a")}); err == nil {
		t.Error("a certificate of nobody's was believed")
	}
	req, _ := http.NewRequest(http.MethodPut, rig.URL("http", "/a"), strings.NewReader("y"))
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("PUT: %s", res.Status)
	}
	rig.told("http", 405)
	if answer := rig.datagram("\x00\x02a\x00octet\x00"); binary.BigEndian.Uint16(answer) != tftpError || answer[3] != tftpAccess {
		t.Errorf("WRQ: %q", answer)
	}
	rig.told("tftp", 0)
}

// datagram sends one to the TFTP server and waits for the answer. The client stays, and
// says no more.
func (r *filesRig) datagram(text string) []byte {
	r.t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(primaryAddr, 0)))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.WriteToUDPAddrPort([]byte(text), unmapped(r.tftp.LocalAddr())); err != nil {
		r.t.Fatal(err)
	}
	buf := make([]byte, 2000)
	n, _, err := c.ReadFromUDPAddrPort(buf)
	if err != nil {
		r.t.Fatal(err)
	}
	return buf[:n]
}

// More transfers than are allowed are refused; the end of the server ends those that run.
func TestFilesTransfersAreBounded(t *testing.T) {
	rig := newFilesRig(t)
	rig.Put("/a", make([]byte, 10000))
	const request = "\x00\x01a\x00octet\x00timeout\x00255\x00"
	for range maxTransfers {
		if answer := rig.datagram(request); answer[1] != tftpOACK {
			t.Fatalf("answer %q", answer)
		}
	}
	if answer := rig.datagram(request); answer[1] != tftpError {
		t.Errorf("one more: %q", answer)
	}
	rig.told("tftp", 503)
}
