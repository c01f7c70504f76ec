package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// confined are packages that only some folders of the product import: what starts other programs
// or speaks HTTP is where one looks for it, and what is large is nowhere.
var confined = map[string][]string{
	"os/exec":       {"t38/t4/pdf"}, // pdfinfo and pdftoppm, with fixed arguments and bounds
	"net/http":      {"agent", "agent/cli", "provisioning/fetch", "webui"},
	"plugin":        nil,
	"html/template": nil,
	"text/template": nil,
}

// starters start a program without os/exec.
var starters = []string{"os.StartProcess", "syscall.ForkExec", "syscall.StartProcess", "syscall.Exec", "unix.Exec"}

func TestWhoImportsWhat(t *testing.T) {
	files := token.NewFileSet()
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (path == "tools" || path == "build" || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		seen++
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err == nil {
			judgeImports(t, filepath.ToSlash(filepath.Dir(path)), f)
		}
		return err
	})
	if err != nil || seen < 300 {
		t.Errorf("%d files were read: %v", seen, err)
	}
}

func judgeImports(t *testing.T, dir string, f *ast.File) {
	t.Helper()
	for _, i := range f.Imports {
		name, _ := strconv.Unquote(i.Path.Value) // the parser has seen to it
		where, is := confined[name]
		if is && !slices.ContainsFunc(where, func(w string) bool { return dir == w || w == "webui" && strings.HasPrefix(dir, "webui/") }) {
			t.Errorf("%s imports %s, which is for %q alone", dir, name, where)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := s.X.(*ast.Ident); ok && slices.Contains(starters, of.Name+"."+s.Sel.Name) {
				t.Errorf("%s starts a program by %s.%s", dir, of.Name, s.Sel.Name)
			}
		}
		return true
	})
}
