package fetch

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

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
