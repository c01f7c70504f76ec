package digest

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseStatements(t *testing.T) {
	many := "Digest " + strings.Repeat("a=1, ", maxParams+1)
	for _, tt := range []struct {
		name, value string
		want        string // scheme(name=raw;…) …; empty: an error
	}{
		{"RFC 3261", `Digest realm="atlanta.com", domain="sip:ss1.carrier.com", qop="auth,auth-int", nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5`,
			`Digest(realm=atlanta.com;domain=sip:ss1.carrier.com;qop=auth,auth-int;nonce=f84f1cec41e6cbe5aea9c8e88d359;opaque=;stale=FALSE;algorithm=MD5)`},
		{"names in any case", `DIGEST Realm="a", NONCE=b`, `DIGEST(realm=a;nonce=b)`},
		{"folded line", "Digest realm=\"a\",\r\n\tnonce=\"b\"", `Digest(realm=a;nonce=b)`},
		{"trailing comma", `Digest realm="a", nonce="b",`, `Digest(realm=a;nonce=b)`},
		{"commas too many", `Digest ,realm="a",,nonce="b", ,`, `Digest(realm=a;nonce=b)`},
		{"no comma", `Digest realm="a" nonce="b"`, `Digest(realm=a;nonce=b)`},
		{"blanks round the equals sign", `Digest realm = "a" , nonce= "b"`, `Digest(realm=a;nonce=b)`},
		{"underscore in a name", `Digest x_y=1, realm="a"`, `Digest(x_y=1;realm=a)`},
		{"unquoted base64", `Digest nonce=ab+/cd==, realm="a"`, `Digest(nonce=ab+/cd==;realm=a)`},
		{"escapes stay", `Digest realm="a\"b\\"`, `Digest(realm=a\"b\\)`},
		{"comma inside quotes", `Digest realm="a, b"`, `Digest(realm=a, b)`},
		{"two in one value", `Digest realm="a", nonce="1", Digest realm="b", nonce="2"`, `Digest(realm=a;nonce=1) Digest(realm=b;nonce=2)`},
		{"Basic", `Basic realm="a"`, `Basic(realm=a)`},
		{"a scheme alone", `NTLM`, `NTLM()`},
		{"empty qop", `Digest qop="", nonce=1`, `Digest(qop=;nonce=1)`},
		{"nothing", ``, ` `},

		{"no scheme", `realm="a"`, ``},
		{"open quotation", `Digest realm="a`, ``},
		{"open escape", `Digest realm="a\`, ``},
		{"parameter twice", `Digest realm="a", Realm="b"`, ``},
		{"quote inside a token", `Digest nonce=a"b`, ``},
		{"NUL", "Digest realm=\"a\x00\"", ``},
		{"line feed inside quotes", "Digest realm=\"a\nb\"", ``},
		{"control octet in a token", "Digest nonce=a\x01", ``},
		{"too many parameters", strings.ReplaceAll(many, "a=", "a="), ``},
		{"too long", `Digest realm="` + strings.Repeat("x", maxValue) + `"`, ``},
		{"too many challenges", strings.Repeat("Digest ", maxSchemes+1), ``},
		{"a stray quotation", `Digest "x"`, ``},
	} {
		all, err := parseStatements(tt.value)
		var b strings.Builder
		for _, s := range all {
			b.WriteString(s.scheme + "(")
			for i, p := range s.params {
				if i > 0 {
					b.WriteByte(';')
				}
				b.WriteString(p.name + "=" + p.raw)
			}
			b.WriteString(") ")
		}
		switch got := strings.TrimSpace(b.String()); {
		case tt.want == "" && err == nil:
			t.Errorf("%s: read as %s, want an error", tt.name, got)
		case tt.want != "" && (err != nil || got != strings.TrimSpace(tt.want)):
			t.Errorf("%s: got %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestParametersBeyondTheLimit(t *testing.T) {
	var b strings.Builder
	b.WriteString("Digest ")
	for i := range maxParams + 1 {
		b.WriteString(strings.Repeat("a", i+1) + "=1,")
	}
	if _, err := parseStatements(b.String()); err == nil {
		t.Error("33 parameters: no error")
	}
}

// FuzzChallenge feeds a whole challenge to the parser and, where it can be answered, the
// answer to the parser again: what was received comes back unchanged.
func FuzzChallenge(f *testing.F) {
	for _, s := range []string{
		`Digest realm="atlanta.com", domain="sip:ss1.carrier.com", qop="auth", nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5`,
		`Digest realm="a\"b", nonce=ab+/cd==, qop="auth-int, auth", algorithm=SHA-256`,
		`Basic realm="a", Digest realm="b", nonce="2", algorithm=MD5-sess, qop=auth`,
		"Digest realm=\"a\",\r\n\tnonce=\"b\",",
		`Digest nonce="", realm=`,
		"Digest realm=\"\xc3\xa4\", nonce=\"x\", algorithm=SHA-512-256",
		`Digest username="bob", realm="biloxi.com", nonce="x", uri="sip:bob@biloxi.com", qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1"`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		res := optionsRequest().Response(401, "")
		res.Header.Add("WWW-Authenticate", value)
		usable, err := challenges(res)
		if len(usable) == 0 && err == nil {
			t.Fatal("no challenge and no error")
		}
		for _, ch := range strongest(usable) {
			c := NewClient(Credentials{Username: "bob", Password: "zanzibar"}, Credentials{})
			x, req := c.Exchange("s", true), optionsRequest()
			if err := x.Challenged(req, res); err != nil {
				t.Fatalf("%q: usable but refused: %v", value, err)
			}
			x.Authorize(req)
			for _, answer := range req.Header.Values("Authorization") {
				all, err := parseStatements(answer)
				if err != nil && len(answer) <= maxValue {
					t.Fatalf("%q answered by %q: %v", value, answer, err)
				}
				if strings.Contains(answer, "zanzibar") && !strings.Contains(value, "zanzibar") {
					t.Fatalf("the password is in %q", answer)
				}
				if len(all) == 1 && all[0].raw("realm") == ch.rawRealm && all[0].raw("nonce") != ch.rawNonce {
					t.Fatalf("nonce %q came back as %q", ch.rawNonce, all[0].raw("nonce"))
				}
			}
			if wire, err := req.Append(nil); err == nil && utf8.ValidString(value) && len(wire) == 0 {
				t.Fatal("nothing written")
			}
		}
	})
}

// FuzzCheck feeds credentials to a verifier: nobody gets in.
func FuzzCheck(f *testing.F) {
	f.Add(`Digest username="bob", realm="biloxi.com", nonce="x", uri="sip:bob@biloxi.com", qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1"`)
	f.Add(`Digest realm="biloxi.com"`)
	f.Add(`Digest realm="biloxi.com", qop=auth-int, nc=ffffffff, cnonce=x, uri="sip:bob@biloxi.com", algorithm=MD5`)
	f.Fuzz(func(t *testing.T, value string) {
		v := NewVerifier("biloxi.com", func(string) (string, bool) { return "zanzibar", true })
		req := optionsRequest()
		req.Header.Add("Authorization", value)
		if user, err := v.Check(now0, req, UserAgent); err == nil {
			t.Fatalf("%q let %q in", value, user)
		}
	})
}
