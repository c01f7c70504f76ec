package fetchers

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/provisioning/fetch"
	"tipring/tools/peers/certs"
	"tipring/tools/peers/netlab"
)

func TestMain(m *testing.M) { netlab.Main(nil, m.Run) }

const ini = "[sip1]\nusername = 1001\nregister_addr = pbx.example\n"

// files makes what the servers serve, and returns the folder and what is in it.
func files(t *testing.T) (root string, all map[string][]byte) {
	t.Helper()
	random := make([]byte, 300<<10)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	all = map[string][]byte{
		"a.cfg": []byte(ini), "long.cfg": bytes.Repeat([]byte(ini), 10),
		"blocks.bin": random[:4*1428], "plain.bin": random[:512*3], "most.bin": random[:256<<10], "toobig.bin": random,
		"empty.cfg": {}, "portal.html": []byte("<!DOCTYPE html><title>Log in</title>"),
		"bomb.cfg": bytes.Repeat([]byte{'#'}, 10<<20),
	}
	root = netlab.WorkDir(t)
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range all {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, all
}

func TestNginx(t *testing.T) {
	root, all := files(t)
	dir := netlab.WorkDir(t)
	ca := certs.NewAuthority(t, dir, "ca")
	nginx := Nginx(t, root, ca)
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(ca.File)
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("authority: %v", err)
	}
	device := ca.Server("device", certs.Good, "0c383e00ab01").Load(t)
	plain := fmt.Sprintf("http://127.0.0.1:%d", HTTP)
	secure := func(port int) string { return fmt.Sprintf("https://localhost:%d", port) }
	as := func(base string) string {
		return strings.Replace(base, "://", "://"+url.UserPassword(User, Password).String()+"@", 1)
	}

	for _, tt := range []struct {
		name   string
		config fetch.Config
		url    string
		file   string // of all; empty: an error
		is     error
		says   string
		check  func(fetch.Result) bool
	}{
		{name: "a file", url: plain + "/a.cfg", file: "a.cfg", check: func(r fetch.Result) bool {
			return r.ETag != "" && r.LastModified != "" && r.ContentType == "text/plain" && !r.Secure
		}},
		{name: "as much as may be", url: plain + "/most.bin", file: "most.bin"},
		{name: "too big", url: plain + "/toobig.bin", is: fetch.ErrTooBig},
		{name: "packed", url: plain + "/packed/long.cfg", file: "long.cfg", check: func(r fetch.Result) bool { return strings.HasPrefix(r.ETag, "W/") }},
		{name: "a bomb", url: plain + "/packed/bomb.cfg", is: fetch.ErrTooBig, says: "unpacked"},
		{name: "empty", url: plain + "/empty.cfg", is: fetch.ErrCut},
		{name: "absent", url: plain + "/none.cfg", is: fetch.ErrNotFound, says: "404 Not Found"},
		{name: "a folder", url: plain + "/", says: "403 Forbidden"},
		{name: "a page", url: plain + "/portal.html", is: fetch.ErrHTML},
		{name: "moved", url: plain + "/moved", file: "a.cfg", check: func(r fetch.Result) bool { return r.URL == plain+"/a.cfg" }},
		{name: "a loop", url: plain + "/loop", is: fetch.ErrRedirect},
		{name: "to a login page", url: plain + "/login", is: fetch.ErrHTML, says: "/portal.html"},
		{name: "busy", url: plain + "/busy", says: "503", check: func(r fetch.Result) bool { return r.RetryAfter == 2*time.Minute }},
		{name: "both addresses of a name", url: fmt.Sprintf("http://localhost:%d/a.cfg", HTTP), file: "a.cfg"},
		{name: "IPv6", url: fmt.Sprintf("http://[::1]:%d/a.cfg", HTTP), file: "a.cfg"},
		{name: "to https", url: plain + "/up", file: "a.cfg", check: func(r fetch.Result) bool { return !r.Secure }},
		{name: "private", url: plain + "/private/a.cfg", is: fetch.ErrCredentials},
		{name: "private by http", url: as(plain) + "/private/a.cfg", is: fetch.ErrCredentials, says: "over http"},
		{name: "private by http, allowed", config: fetch.Config{AllowClear: true}, url: as(plain) + "/private/a.cfg", file: "a.cfg"},
		{name: "private by https", url: as(secure(HTTPS)) + "/private/a.cfg", file: "a.cfg"},
		{name: "wrong password", url: strings.Replace(secure(HTTPS), "://", "://alice:x@", 1) + "/private/a.cfg", is: fetch.ErrCredentials, says: "are refused"},

		{name: "https", url: secure(HTTPS) + "/a.cfg", file: "a.cfg", check: func(r fetch.Result) bool { return r.Secure }},
		{name: "https by address", url: fmt.Sprintf("https://127.0.0.1:%d/a.cfg", HTTPS), file: "a.cfg"},
		{name: "https, moved", url: secure(HTTPS) + "/moved", file: "a.cfg", check: func(r fetch.Result) bool { return r.Secure }},
		{name: "out of https", url: secure(HTTPS) + "/down", is: fetch.ErrRedirect, says: "from https to http"},
		{name: "a client certificate", config: fetch.Config{Certificate: &device}, url: secure(WantsClient) + "/a.cfg", file: "a.cfg"},
		{name: "no client certificate", url: secure(WantsClient) + "/a.cfg", says: "400"},
		{name: "expired", url: secure(Expired) + "/a.cfg", says: "expired"},
		{name: "wrong name", url: secure(WrongName) + "/a.cfg", says: "not localhost"},
		{name: "self-signed", url: secure(SelfSigned) + "/a.cfg", says: "x509"},
		{name: "TLS 1.1", url: secure(Old) + "/a.cfg", says: "protocol version"},
		{name: "http at the https port", url: fmt.Sprintf("http://localhost:%d/a.cfg", HTTPS), says: "400"},
		{name: "https at the http port", url: secure(HTTP) + "/a.cfg", says: "TLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.Roots = roots
			started := time.Now()
			res, err := fetch.New(tt.config).Fetch(t.Context(), fetch.Request{URL: tt.url})
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			switch {
			case tt.file != "" && (err != nil || !bytes.Equal(res.Data, all[tt.file])):
				t.Errorf("%d octets, %v", len(res.Data), err)
			case tt.file == "" && (err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%v, want %v that says %q", err, tt.is, tt.says)
			case tt.check != nil && !tt.check(res):
				t.Errorf("%+v, %v", res, err)
			}
			if err != nil && strings.Contains(err.Error(), "wonder") {
				t.Errorf("told: %v", err)
			}
		})
	}

	// A system's own roots know nothing of this authority.
	if _, err := fetch.New(fetch.Config{}).Fetch(t.Context(), fetch.Request{URL: secure(HTTPS) + "/a.cfg"}); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("without the authority: %v", err)
	}
	for _, path := range []string{"/a.cfg", "/packed/long.cfg"} {
		client := fetch.New(fetch.Config{})
		first, err := client.Fetch(t.Context(), fetch.Request{URL: plain + path})
		if err != nil {
			t.Fatal(err)
		}
		again, err := client.Fetch(t.Context(), fetch.Request{URL: plain + path, ETag: first.ETag, LastModified: first.LastModified})
		if err != nil || !again.NotModified || again.Data != nil {
			t.Errorf("%s again: %+v, %v", path, again, err)
		}
		sum := sha256.Sum256(first.Data)
		if _, err = client.Fetch(t.Context(), fetch.Request{URL: plain + path, SHA256: hex.EncodeToString(sum[:])}); err != nil {
			t.Errorf("%s by its digest: %v", path, err)
		}
		if err := os.Chtimes(filepath.Join(root, filepath.Base(path)), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		again, err = client.Fetch(t.Context(), fetch.Request{URL: plain + path, ETag: first.ETag, LastModified: first.LastModified})
		if err != nil || again.NotModified || again.ETag == first.ETag {
			t.Errorf("%s changed: %+v, %v", path, again, err)
		}
	}
	if strings.Contains(nginx.Text(), "[crit]") || strings.Contains(nginx.Text(), "[alert]") {
		t.Error(nginx.Text())
	}
}

func TestTFTP(t *testing.T) {
	root, all := files(t)
	Tftpd(t, root)
	Dnsmasq(t, root)
	for _, server := range []struct{ name, at string }{
		{"tftpd-hpa", fmt.Sprintf("127.0.0.1:%d", TFTP)},
		{"dnsmasq", DnsmasqAt},
	} {
		for _, tt := range []struct {
			file string
			is   error
			says string
		}{
			{file: "a.cfg"}, {file: "long.cfg"}, {file: "plain.bin"}, {file: "blocks.bin"}, {file: "most.bin"},
			{"toobig.bin", fetch.ErrTooBig, "307200 octets announced"},
			{"none.cfg", fetch.ErrNotFound, "TFTP error 1"},
			{"empty.cfg", fetch.ErrCut, "nothing in it"},
			{"portal.html", fetch.ErrHTML, ""},
		} {
			t.Run(server.name+" "+tt.file, func(t *testing.T) {
				t.Parallel()
				res, err := fetch.New(fetch.Config{}).Fetch(t.Context(), fetch.Request{URL: "tftp://" + server.at + "/" + tt.file})
				switch {
				case tt.is == nil && tt.says == "" && (err != nil || !bytes.Equal(res.Data, all[tt.file])):
					t.Errorf("%d octets, %v", len(res.Data), err)
				case tt.is != nil && (!errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says)):
					t.Errorf("%v, want %v that says %q", err, tt.is, tt.says)
				}
			})
		}
	}
}
