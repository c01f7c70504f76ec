package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// everyRoute is an API with the routes of every Handle… method: they need nothing to be listed.
func everyRoute() *API {
	a := New(nil, nil, quiet)
	v := reflect.ValueOf(a)
	for i := range v.NumMethod() {
		name := v.Type().Method(i).Name
		if strings.HasPrefix(name, "Handle") && name != "Handle" && name != "HandlePages" {
			v.Method(i).Call([]reflect.Value{reflect.Zero(v.Method(i).Type().In(0))})
		}
	}
	return a
}

// Every route is described, and every description is of a route. The document is the one that
// the descriptions make.
func TestOpenAPI(t *testing.T) {
	routes := everyRoute().Routes()
	named := map[string]bool{}
	for _, r := range routes {
		name := r.Method + " " + r.Path
		named[name] = true
		if _, ok := operations[name]; !ok {
			t.Errorf("%s: describe it in openapitable_test.go", name)
		}
	}
	for name := range operations {
		if !named[name] {
			t.Errorf("%s is described, and no route", name)
		}
	}
	if t.Failed() {
		return
	}
	text := document(t, routes)
	if *update {
		if err := os.WriteFile("openapi.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != description {
		t.Error("openapi.json is not what the types and operations make: go test ./webui/api -run OpenAPI -update")
	}
}

// The table of the running interface is that of the document: by path, method and role.
func TestOpenAPIRoles(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			Role string `json:"x-role"`
		} `json:"paths"`
	}
	if err := json.Unmarshal([]byte(description), &doc); err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, methods := range doc.Paths {
		count += len(methods)
		for method, op := range methods {
			i := slices.IndexFunc(everyRoute().Routes(), func(r Route) bool { return r.Path == path && strings.EqualFold(r.Method, method) })
			if i < 0 || everyRoute().Routes()[i].For.String() != op.Role {
				t.Errorf("%s %s: role %q", method, path, op.Role)
			}
		}
	}
	if got := len(everyRoute().Routes()); got != count {
		t.Errorf("%d operations, %d routes", count, got)
	}
}

// document is the description of routes, a line for each path and each schema.
func document(t *testing.T, routes []Route) []byte {
	t.Helper()
	s := newSchemas(t)
	paths := map[string]map[string]any{}
	for _, r := range routes {
		if paths[r.Path] == nil {
			paths[r.Path] = map[string]any{}
		}
		paths[r.Path][strings.ToLower(r.Method)] = s.operation(r, operations[r.Method+" "+r.Path])
	}
	problem := map[string]any{"description": "An error (RFC 9457).", "content": content("application/problem+json", s.of(reflect.TypeFor[Problem]()))}
	var b bytes.Buffer
	b.WriteString(`{"openapi":"3.1.0","info":{"title":"tipring","version":"1","license":{"name":"Apache License 2.0","identifier":"Apache-2.0"},"description":"The HTTP interface of a tipring device. ` +
		`Times are RFC 3339 in UTC; what is absent is null. On control.sock in the state directory no login is needed; x-role says who may use a route elsewhere: anyone, scraper, user or admin."},` + "\n" +
		`"servers":[{"url":"/"}],"security":[{"token":[]},{"session":[]}],` + "\n" + `"paths":{`)
	lines(t, &b, paths)
	b.WriteString(`},"components":{"securitySchemes":{"token":{"type":"http","scheme":"bearer","description":"The token of the file api-token, or one of /api/v1/tokens."},` +
		`"session":{"type":"apiKey","in":"cookie","name":"` + SessionCookie + `","description":"POST /api/v1/session sets it; over HTTPS as __Host-` + SessionCookie + `."}},` + "\n" + `"responses":{`)
	lines(t, &b, map[string]any{"Problem": problem})
	b.WriteString(`},"schemas":{`)
	lines(t, &b, s.known)
	b.WriteString("}}}\n")
	if !json.Valid(b.Bytes()) {
		t.Fatalf("no JSON: %s", &b)
	}
	return b.Bytes()
}

// lines writes the members of an object, each on a line.
func lines[V any](t *testing.T, b *bytes.Buffer, all map[string]V) {
	t.Helper()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			b.WriteByte(',')
		}
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		if err := e.Encode(all[name]); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "\n%q:%s", name, bytes.TrimSpace(text.Bytes()))
	}
	b.WriteByte('\n')
}

func content(media string, schema any) map[string]any {
	if schema == nil {
		return map[string]any{media: map[string]any{}}
	}
	return map[string]any{media: map[string]any{"schema": schema}}
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

// operation is the description of one route.
func (s *schemas) operation(r Route, o op) map[string]any {
	d := map[string]any{"summary": o.is, "x-role": r.For.String(), "operationId": operationID(r)}
	if r.For == Anyone {
		d["security"] = []any{}
	}
	var parameters []any
	for _, m := range inPath.FindAllStringSubmatch(r.Path, -1) {
		schema := map[string]any{"type": "string"}
		if m[1] == "n" {
			schema = map[string]any{"type": "integer", "minimum": 1}
		}
		parameters = append(parameters, map[string]any{"name": m[1], "in": "path", "required": true, "schema": schema})
	}
	for _, p := range o.with {
		parameters = append(parameters, map[string]any{"name": p.name, "in": p.in, "description": p.is, "schema": map[string]any{"type": p.kind}})
	}
	if parameters != nil {
		d["parameters"] = parameters
	}
	if o.takes != nil {
		d["requestBody"] = s.body(o)
	}
	answers := map[string]any{"default": map[string]any{"$ref": "#/components/responses/Problem"}}
	if o.refuses != 0 { // with words that are no problem
		answers[fmt.Sprint(o.refuses)] = map[string]any{"description": o.says, "content": content(o.media, map[string]any{"type": "string"})}
	}
	if o.dry != nil {
		answers["200"] = s.answer(op{gives: o.dry})
	}
	for status, is := range o.fails {
		answers[fmt.Sprint(status)] = map[string]any{"description": is, "content": content("application/problem+json", s.of(reflect.TypeFor[Problem]()))}
	}
	answers[fmt.Sprint(o.status())] = s.answer(o)
	d["responses"] = answers
	return d
}

// operationID names an operation: getLinesN.
func operationID(r Route) string {
	name := strings.ToLower(r.Method)
	for _, w := range regexp.MustCompile(`[A-Za-z]+`).FindAllString(strings.TrimPrefix(r.Path, "/api/v1"), -1) {
		name += strings.ToUpper(w[:1]) + w[1:]
	}
	return name
}

func (s *schemas) body(o op) map[string]any {
	all := map[string]any{}
	switch takes := o.takes.(type) {
	case map[string]string: // media types, each with what it is
		for media, is := range takes {
			all[media] = map[string]any{"schema": map[string]any{"type": "string", "description": is}}
			if strings.HasSuffix(media, "+json") {
				all[media] = map[string]any{"schema": map[string]any{"type": "object", "description": is}}
			}
		}
	default:
		media := "application/json"
		if o.upload {
			media = "multipart/form-data"
		}
		all[media] = map[string]any{"schema": s.object(reflect.TypeOf(takes))}
	}
	return map[string]any{"content": all}
}

func (s *schemas) answer(o op) map[string]any {
	d := map[string]any{"description": o.says}
	if o.says == "" {
		d["description"] = "Done."
	}
	switch {
	case o.gives != nil:
		d["content"] = content("application/json", s.of(reflect.TypeOf(o.gives)))
	case strings.HasPrefix(o.media, "text/"):
		d["content"] = content(o.media, map[string]any{"type": "string"})
	case o.media == "application/json":
		d["content"] = content(o.media, map[string]any{"type": "object"})
	case o.media != "":
		d["content"] = content(o.media, nil)
	}
	return d
}
