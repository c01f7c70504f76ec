package api

import (
	"encoding/json"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// sends posts a body of some type to a route that wants {"to": "..."}.
func sends(b *box, contentType, body string) (*httptest.ResponseRecorder, Problem) {
	r := httptest.NewRequest("POST", "/api/v1/ports/1/call", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	New(b, nil, quiet).Behind(Open{}).ServeHTTP(w, r)
	var p Problem
	_ = json.Unmarshal(w.Body.Bytes(), &p) // of an answer that is no problem stays empty
	return w, p
}

func TestWhatIsWrongWithABody(t *testing.T) {
	const object = `{"to": a text in quotes}`
	for _, tt := range []struct{ body, detail, pointer string }{
		{`{"to":600}`, "to is a number: wanted a text in quotes", "#/to"},
		{`{"to":["600"]}`, "to is a list: wanted a text in quotes", "#/to"},
		{`{"to":{"number":"600"}}`, "to is an object: wanted a text in quotes", "#/to"},
		{`{"to":null}`, "to is null: wanted a text in quotes", "#/to"},
		{`{"to":true}`, "to is true or false: wanted a text in quotes", "#/to"},
		{`{"number":"600"}`, `there is no field "number": wanted ` + object, "#/number"},
		{`{"To":"600"}`, `there is no field "To": wanted ` + object, "#/To"},
		{`{"a/b~":1}`, `there is no field "a/b~": wanted ` + object, "#/a~1b~0"},
		{`{"to":"600","to":"601"}`, "to stands there twice: wanted it once", "#/to"},
		{`{"to":"600"} {"to":"601"}`, "the body goes on after its object, at octet 14: wanted one object", ""},
		{`{"to":"600"}x`, "the body goes on after its object, at octet 13: wanted one object", ""},
		{`["600"]`, "the body is a list: wanted an object, " + object, ""},
		{`"600"`, "the body is a text: wanted an object, " + object, ""},
		{`600`, "the body is a number: wanted an object, " + object, ""},
		{`null`, "the body is null: wanted an object, " + object, ""},
		{`{"to":`, "the body ends in the middle of its JSON", ""},
		{`{`, "the body ends in the middle of its JSON", ""},
		{`{"to":"600",}`, "the body is not JSON at octet 13", ""},
		{`to=600`, "the body is not JSON at octet 2", ""},
		{"{\"to\":\"\xff\"}", "the body is not UTF-8 text", ""},
	} {
		b := &box{}
		w, p := sends(b, "application/json", tt.body)
		pointer := ""
		if len(p.Errors) == 1 && p.Errors[0].Detail == tt.detail {
			pointer = p.Errors[0].Pointer
		}
		if w.Code != 400 || string(p.Detail) != tt.detail || pointer != tt.pointer || len(b.did) != 0 {
			t.Errorf("%s: %d %q %q, want 400 %q %q", tt.body, w.Code, p.Detail, pointer, tt.detail, tt.pointer)
		}
	}
	w := ask(&box{}, Open{}, "POST", "/api/v1/drain", `{"resume":"yes"}`)
	if want := "resume is a text: wanted true or false"; !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s, want %s", w.Body, want)
	}
	w = ask(&box{}, Open{}, "POST", "/api/v1/lines/1/register", `{"now":true}`)
	if want := `there is no field \"now\": wanted {}`; w.Code != 400 || !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s, want %s", w.Body, want)
	}
}

// No word of the program's inside is told, whatever is sent.
func TestProblemsSpeakPlainly(t *testing.T) {
	for _, body := range []string{`{"to":1}`, `{"to":{}}`, `[]`, `{"to"}`, `{]`, `{"to":"\ud800"`, "\x00"} {
		w, _ := sends(&box{}, "application/json", body)
		for _, word := range []string{"Go ", "json:", "struct", "string", "unmarshal", "RawMessage", "invalid character"} {
			if strings.Contains(w.Body.String(), word) {
				t.Errorf("%s: %q is told: %s", body, word, w.Body)
			}
		}
	}
}

func TestContentTypes(t *testing.T) {
	for _, tt := range []struct {
		contentType string
		status      int
	}{
		{"application/json", 202},
		{"application/json; charset=utf-8", 202},
		{"", 202}, // RFC 9110 section 8.3: then the one who reads it may look
		{"application/x-www-form-urlencoded", 415},
		{"text/plain", 415},
		{"text/json", 415},
		{";", 415},
	} {
		b := &box{}
		w, p := sends(b, tt.contentType, `{"to":"600"}`)
		if w.Code != tt.status || tt.status == 415 && (!strings.Contains(string(p.Detail), "wanted Content-Type: application/json") || len(b.did) > 0) {
			t.Errorf("%q: %d %s, want %d", tt.contentType, w.Code, w.Body, tt.status)
		}
	}
	if w := ask(&box{}, Open{}, "POST", "/api/v1/drain", ""); w.Code != 202 {
		t.Errorf("no body and no type: %d", w.Code)
	}
}

// Who promises a body and does not send it holds no connection for ever.
func TestABodyThatDoesNotCome(t *testing.T) {
	a := New(&box{}, nil, quiet)
	a.bodyWait = 10 * time.Millisecond
	server := httptest.NewServer(a.Behind(Open{}))
	defer server.Close()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST /api/v1/drain HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"resume\":")
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c) // to the end: the connection is of no use any more
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || !strings.Contains(string(answer), "the body did not come in time") {
		t.Errorf("%v %s", err, answer)
	}
}

func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"to":"600"}`, `{"to":1}`, `{"to":"1","to":"2"}`, `{} {}`, `[`, `{"a":{"b":[]}}`, "null", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := &box{}
		w, p := sends(b, "application/json", text)
		if w.Code != 202 && (p.Status != w.Code || p.Detail == "") {
			t.Errorf("%q: %d %s", text, w.Code, w.Body)
		}
		if w.Code == 202 && (len(b.did) != 1 || !json.Valid([]byte(text))) {
			t.Errorf("%q was taken: %q", text, b.did)
		}
	})
}
