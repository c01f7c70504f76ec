package digest

import (
	"errors"
	"net/http"
	"testing"

	library "github.com/icholy/digest"
)

// The answer to an HTTP server's challenge is what an independent library computes.
func TestAnswerHTTP(t *testing.T) {
	const uri = "/prov/0c383e000001.cfg?v=2"
	alice := Credentials{Username: "al\"ice", Password: "wonder:land"}
	for _, tt := range []struct{ name, values, algorithm string }{
		{"MD5", `Digest realm="files", nonce="n1", qop="auth", opaque="o"`, "MD5"},
		{"SHA-256", `Digest realm="files", nonce="n1", qop="auth", algorithm=SHA-256`, "SHA-256"},
		{"the stronger of both", `Digest realm="files", nonce="n1", qop="auth", algorithm=MD5, Digest realm="files", nonce="n2", qop="auth", algorithm=SHA-256`, "SHA-256"},
		{"beside Basic", `Basic realm="files", Digest realm="files", nonce="n1", qop="auth", algorithm=MD5`, "MD5"},
		{"RFC 2069", `Digest realm="files", nonce="n1"`, "MD5"},
	} {
		got, stale, err := Answer([]string{tt.values}, alice, http.MethodGet, uri)
		if err != nil || stale {
			t.Errorf("%s: stale %v, %v", tt.name, stale, err)
			continue
		}
		s, err := parseStatements(got)
		if err != nil || len(s) != 1 {
			t.Fatalf("%s: %q: %v", tt.name, got, err)
		}
		ch := library.Challenge{Realm: "files", Nonce: s[0].raw("nonce"), Algorithm: tt.algorithm}
		o := library.Options{Method: http.MethodGet, URI: uri, Username: alice.Username, Password: alice.Password}
		if s[0].raw("qop") != "" {
			ch.QOP, o.Cnonce, o.Count = []string{"auth"}, s[0].raw("cnonce"), 1
		}
		want, err := library.Digest(&ch, o)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if s[0].raw("response") != want.Response || s[0].value("username") != alice.Username || s[0].value("uri") != uri {
			t.Errorf("%s: %s, want response %s", tt.name, got, want.Response)
		}
	}
}

func TestAnswerRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, values, realm string
		want                error
	}{
		{"Basic alone", `Basic realm="files"`, "", ErrUnsupported},
		{"nothing", ``, "", ErrUnsupported},
		{"another realm", `Digest realm="files", nonce="n1"`, "phones", ErrForeignRealm},
		{"unknown algorithm", `Digest realm="files", nonce="n1", algorithm=SHA-1`, "", ErrUnsupported},
		{"no nonce", `Digest realm="files"`, "", ErrMalformed},
		{"open quotation", `Digest realm="files`, "", ErrMalformed},
	} {
		got, _, err := Answer([]string{tt.values}, Credentials{Username: "a", Password: "b", Realm: tt.realm}, http.MethodGet, "/")
		if got != "" || !errors.Is(err, tt.want) {
			t.Errorf("%s: %q, %v, want %v", tt.name, got, err, tt.want)
		}
	}
	if _, stale, err := Answer([]string{`Digest realm="r", nonce="n", stale=TRUE`}, bob, http.MethodGet, "/"); !stale || err != nil {
		t.Errorf("stale: %v, %v", stale, err)
	}
	if !Offers([]string{`Digest realm="r", nonce="n", basic realm="r"`}, "Basic") || Offers([]string{`Digest realm="Basic"`}, "Basic") {
		t.Error("Offers")
	}
}
