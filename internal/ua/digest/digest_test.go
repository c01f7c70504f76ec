package digest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	reference "github.com/icholy/digest"
	"pgregory.net/rapid"
)

// The examples of the RFCs.
func TestVectors(t *testing.T) {
	rfc7616 := proof{
		username: "Mufasa", realm: "http-auth@example.org", password: "Circle of Life",
		nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
		nc: "00000001", qop: auth, method: "GET", uri: "/dir/index.html",
	}
	sha256 := rfc7616
	sha256.algorithm = SHA256
	for _, tt := range []struct {
		name string
		proof
		want string
	}{
		{"RFC 2617 section 3.5", proof{
			username: "Mufasa", realm: "testrealm@host.com", password: "Circle Of Life",
			nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093", cnonce: "0a4f113b",
			nc: "00000001", qop: auth, method: "GET", uri: "/dir/index.html",
		}, "6629fae49393a05397450978507c4ef1"},
		{"RFC 7616 section 3.9.1, MD5", rfc7616, "8ca523f5e9506fed4657c9700eebdbec"},
		{"RFC 7616 section 3.9.1, SHA-256", sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
		// The response printed in the RFC is wrong; this is its erratum 4897.
		{"RFC 7616 section 3.9.2, SHA-512-256", proof{
			algorithm: SHA512256, username: "J\u00e4s\u00f8n Doe", realm: "api@example.org", password: "Secret, or not?",
			nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
			nc: "00000001", qop: auth, method: "GET", uri: "/doe.json",
		}, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
	} {
		if got := tt.response(); got != tt.want {
			t.Errorf("%s: response %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestAgainstReference compares every kind of response with an independent library.
func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z0-9@.+/=_ -]{1,24}`)
		p := proof{
			algorithm: Algorithm(rapid.IntRange(0, 2).Draw(t, "algorithm")),
			sess:      rapid.Bool().Draw(t, "sess"),
			username:  text.Draw(t, "user"), realm: text.Draw(t, "realm"), password: text.Draw(t, "password"),
			nonce: text.Draw(t, "nonce"), cnonce: text.Draw(t, "cnonce"),
			qop:    rapid.SampledFrom([]string{noQOP, auth, authInt}).Draw(t, "qop"),
			method: "INVITE", uri: "sip:" + text.Draw(t, "uri"), body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
		}
		count := rapid.IntRange(1, 1<<31-1).Draw(t, "nc")
		p.nc = fmt.Sprintf("%08x", count)
		o := reference.Options{
			Method: p.method, URI: p.uri, Username: p.username, Password: p.password, Cnonce: p.cnonce, Count: count,
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.body)), nil },
		}
		if p.sess { // unknown to the library: it takes A1 as given
			h := p.algorithm.new()
			o.A1 = sum(h, sum(h, p.username, p.realm, p.password), p.nonce, p.cnonce)
		}
		c := reference.Challenge{Realm: p.realm, Nonce: p.nonce, Algorithm: p.algorithm.String()}
		if p.qop != noQOP {
			c.QOP = []string{p.qop}
		}
		want, err := reference.Digest(&c, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.response(); got != want.Response {
			t.Fatalf("%+v: response %s, want %s", p, got, want.Response)
		}
	})
}

func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "hunter2-hunter2"
	cred := Credentials{Username: "1001", Password: secret, Realm: "pbx.example"}
	c := NewClient(cred, Credentials{})
	v := NewVerifier("pbx.example", func(string) (string, bool) { return secret, true })
	x := c.Exchange("pbx", true)
	holder := struct {
		c *Client
		d Client
		x *Exchange
		v *Verifier
		k Credentials
	}{c, *c, x, v, Credentials{Username: "1001"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, what := range []any{cred, &cred, c, *c, x, *x, v, holder} {
			if out := fmt.Sprintf(verb, what); strings.Contains(out, secret) {
				t.Errorf("%s of %T prints the password: %s", verb, what, out)
			}
		}
	}
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "cred", cred, "client", c, "verifier", v)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "cred", cred, "client", c, "verifier", v)
	if out, err := json.Marshal(c); err == nil {
		b.Write(out)
	}
	if strings.Contains(b.String(), secret) {
		t.Errorf("logged: %s", b.String())
	}
	if got := cred.String(); got != "1001:****@pbx.example" {
		t.Errorf("String: %s", got)
	}
	if got := (Credentials{Username: "1001"}).String(); got != "1001:****" {
		t.Errorf("String without realm: %s", got)
	}
}

func TestErrorsNameServerAndRealm(t *testing.T) {
	err := &Error{Kind: ErrDowngrade, Server: "192.0.2.7:5060", Realm: "pbx.example", Detail: "MD5 after SHA-256"}
	if want := `digest at 192.0.2.7:5060, realm "pbx.example": weaker authentication than this realm asked before: MD5 after SHA-256`; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if long := (&Error{Kind: ErrForeignRealm, Realm: strings.Repeat("x", 4000)}).Error(); len(long) > 200 {
		t.Errorf("a peer's realm fills %d octets of an error", len(long))
	}
}
