package api

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// schemas makes JSON schemas of Go types: their names, members and comments.
type schemas struct {
	t        *testing.T
	known    map[string]any
	comments map[string]string // of Type and Type.Field
}

func newSchemas(t *testing.T) *schemas {
	t.Helper()
	s := &schemas{t, map[string]any{}, map[string]string{}}
	for _, dir := range []string{".", "../../internal/faxback/lookup"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, s.note)
		}
	}
	return s
}

// note takes the comments of a type and its fields.
func (s *schemas) note(n ast.Node) bool {
	d, ok := n.(*ast.GenDecl)
	if !ok || d.Tok != token.TYPE {
		return true
	}
	for _, spec := range d.Specs {
		named := spec.(*ast.TypeSpec)
		s.comments[named.Name.Name] = oneLine(d.Doc)
		fields, ok := named.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range fields.Fields.List {
			for _, name := range f.Names {
				s.comments[named.Name.Name+"."+name.Name] = oneLine(f.Comment)
			}
		}
	}
	return true
}

func oneLine(g *ast.CommentGroup) string { return strings.Join(strings.Fields(g.Text()), " ") }

// of is the schema of a type; a struct with a name is described once.
func (s *schemas) of(t reflect.Type) any {
	switch t {
	case reflect.TypeFor[Text]():
		return map[string]any{"type": []string{"string", "null"}}
	case reflect.TypeFor[Time]():
		return map[string]any{"type": []string{"string", "null"}, "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{"type": "object"}
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Pointer:
		return nullable(s.of(t.Elem()))
	case reflect.Struct:
		if t.Name() == "" {
			return s.object(t)
		}
		name := nameOf(t)
		if _, ok := s.known[name]; !ok {
			s.known[name] = nil // it may hold itself
			s.known[name] = s.object(t)
		}
		return map[string]any{"$ref": "#/components/schemas/" + name}
	}
	s.t.Fatalf("no schema for %v", t)
	return nil
}

func nameOf(t reflect.Type) string {
	if strings.HasSuffix(t.PkgPath(), "/lookup") {
		return "Lookup" + t.Name()
	}
	return t.Name()
}

func nullable(schema any) any {
	m := schema.(map[string]any)
	if kind, ok := m["type"].(string); ok {
		m["type"] = []string{kind, "null"}
		return m
	}
	return map[string]any{"anyOf": []any{m, map[string]any{"type": "null"}}}
}

// object is the schema of a struct: nothing may stand in it that is not a member.
func (s *schemas) object(t reflect.Type) map[string]any {
	members := map[string]any{}
	required := []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, more, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		member := s.of(f.Type)
		if m, ok := member.(map[string]any); ok {
			s.explain(m, t.Name()+"."+f.Name)
		}
		if is := f.Tag.Get("is"); is != "" {
			member.(map[string]any)["description"] = is
		}
		members[name] = member
		if more != "omitempty" {
			required = append(required, name)
		}
	}
	d := map[string]any{"type": "object", "properties": members, "additionalProperties": false}
	if len(required) > 0 {
		d["required"] = required
	}
	if is := s.comments[t.Name()]; is != "" && t.Name() != "" {
		d["description"] = is
	}
	return d
}

// explain adds the comment of a field, and the words that its value is one of.
func (s *schemas) explain(m map[string]any, field string) {
	is := s.comments[field]
	if is == "" {
		return
	}
	m["description"] = is
	if !slices.Contains(enumerations, field) {
		return
	}
	words := []any{}
	for _, w := range strings.Fields(regexp.MustCompile(`[;:(].*`).ReplaceAllString(is, "")) {
		words = append(words, w)
	}
	if kinds, ok := m["type"].([]string); ok && slices.Contains(kinds, "null") {
		words = append(words, nil)
	}
	m["enum"] = words
}

// enumerations are the fields whose comments list the words that they may hold.
var enumerations = []string{
	"Provisioning.State", "Provisioning.AccountState", "Source.Result", "Line.State", "Line.Server", "Line.Transport", "Port.Kind", "Port.Hook", "Port.State",
	"Call.Direction", "Call.State", "Call.Codec", "DialResult.State", "Generation.By", "Generation.Verdict", "Change.Kind",
	"Fax.Direction", "Fax.Kind", "Fax.State", "Fax.Transport", "FaxPage.Result", "Fax.CalledNumberResult", "CalledNumber.Result",
	"RadiusServer.State", "Restored.State", "BackupPart.Name", "LogLine.Level", "Warning.Severity", "LadderMessage.Kind", "LadderMessage.Transport",
	"Session.Via", "Account.Role", "Token.Role", "Key.Kind", "Key.Scope", "Clock.Source",
}
