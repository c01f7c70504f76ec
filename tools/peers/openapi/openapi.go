// Package openapi proves that the description of the HTTP interface says what the interface
// does: answers of a running agent, with lines, ports, a fax call and a provider, are judged by
// github.com/santhosh-tekuri/jsonschema, for OpenAPI 3.1 takes its schemas from JSON Schema. The
// schemas allow no member that they do not name, so that one that is missing is found.
package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A Document is the description, as a device serves it.
type Document struct {
	compiler *jsonschema.Compiler
	root     map[string]any
}

const address = "https://tipring.example/openapi.json"

// Parse reads a description.
func Parse(text []byte) (*Document, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	root, ok := value.(map[string]any)
	if !ok || root["openapi"] != "3.1.0" {
		return nil, fmt.Errorf("no OpenAPI 3.1: %.60s", text)
	}
	d := &Document{jsonschema.NewCompiler(), root}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(address, value)
}

// Operations are the paths with their methods in upper case.
func (d *Document) Operations() map[string][]string {
	all := map[string][]string{}
	for path, methods := range d.root["paths"].(map[string]any) {
		for method := range methods.(map[string]any) {
			all[path] = append(all[path], strings.ToUpper(method))
		}
	}
	return all
}

// An Answer is what a device said to a request.
type Answer struct {
	Status int
	Type   string // media type
	Body   []byte
}

// Judge says what of an answer is not as the operation of a path describes it.
func (d *Document) Judge(method, path string, a Answer) error {
	method = strings.ToLower(method)
	at := []string{"paths", path, method, "responses", fmt.Sprint(a.Status)}
	answer, ok := d.find(at...)
	if !ok {
		at = []string{"components", "responses", "Problem"}
		if answer, ok = d.find(at...); !ok || a.Status < 400 {
			return fmt.Errorf("status %d is not described", a.Status)
		}
	}
	all, _ := answer.(map[string]any)["content"].(map[string]any)
	if len(all) == 0 {
		if len(a.Body) > 0 {
			return fmt.Errorf("status %d with a body that is not described: %.200s", a.Status, a.Body)
		}
		return nil
	}
	media, ok := all[a.Type].(map[string]any)
	if !ok {
		return fmt.Errorf("status %d with %s, which is not described", a.Status, a.Type)
	}
	if media["schema"] == nil || !strings.HasSuffix(a.Type, "json") {
		return nil
	}
	schema, err := d.compiler.Compile(address + "#/" + pointer(append(at, "content", a.Type, "schema")))
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.Body))
	if err != nil {
		return fmt.Errorf("no JSON: %w: %.200s", err, a.Body)
	}
	return schema.Validate(value)
}

// find is a value of the document.
func (d *Document) find(names ...string) (any, bool) {
	var at any = d.root
	for _, name := range names {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = m[name]; !ok {
			return nil, false
		}
	}
	return at, true
}

// pointer is a JSON pointer in a URL (RFC 6901 section 6).
func pointer(names []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B")
	for i, name := range names {
		names[i] = escape.Replace(name)
	}
	return strings.Join(names, "/")
}

// A Socket asks a device over its control socket.
type Socket struct{ http.Client }

// Dial makes a Socket of its path.
func Dial(path string) *Socket {
	return &Socket{http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}}
}

// Ask sends a request; media is the type of the body, if there is one.
func (s *Socket) Ask(ctx context.Context, method, path, media string, body []byte) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://tipring"+path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	res, err := s.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return Answer{res.StatusCode, kind, text}, err
}

// JSON is the body of a value.
func JSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a value of the test
	}
	return text
}
