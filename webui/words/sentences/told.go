package sentences

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// tellers are the files, below the top of the tree, whose texts people read: of each what it says
// is a sentence for the catalogues.
var tellers = []string{
	"registrar/status.go", "lines/status.go", "agent/warnings.go", "agent/warningplaces.go", "agent/disturbs.go", "agent/settingsedit.go",
	"agent/pending.go", "agent/reconcile.go", "agent/ports.go", "webui/shut.go", "internal/config/key.go",
}

// failers are the folders whose errors people read, as the reason for something.
var failers = []string{"registrar", "lines", "agent", "provisioning", "t38/spool", "t38/t30", "internal/config", "internal/ua", "webui/access", "webui/api"}

// told collects what the device tells of itself, in the files below its top: sentences of tellers,
// and errors of failers. What stands in a sentence is a verb in it.
func told(top string, found map[string]bool) error {
	for _, name := range tellers {
		path := filepath.Join(top, filepath.FromSlash(name))
		f, err := parse(path)
		if err != nil {
			return err
		}
		texts(f, found)
	}
	for _, dir := range failers {
		err := filepath.WalkDir(filepath.Join(top, filepath.FromSlash(dir)), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parse(path)
			if err == nil {
				failures(f, found)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func parse(path string) (*ast.File, error) {
	return parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
}

// texts collects every text of a file but those of imports, of tags and of the log.
func texts(f *ast.File, found map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && isLog[s.Sel.Name] {
				return false
			}
		case *ast.BasicLit, *ast.BinaryExpr:
			e := n.(ast.Expr)
			if s, ok := pattern(e); ok {
				keep(s, found)
				return false
			}
		}
		return true
	})
}

var isLog = map[string]bool{"Debug": true, "Info": true, "Warn": true, "Error": true}

// failures collects what errors.New and fmt.Errorf are given, and the texts of problems.
func failures(f *ast.File, found map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			if name == "New" || name == "Errorf" || name == "problem" {
				for _, a := range n.Args {
					if s, ok := pattern(a); ok {
						keep(s, found)
					}
				}
			}
		case *ast.CompositeLit:
			if name, ok := n.Type.(*ast.Ident); ok && (name.Name == "InvalidError" || name.Name == "Fault") {
				texts(&ast.File{Name: ast.NewIdent("x"), Decls: []ast.Decl{&ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{&ast.ValueSpec{Names: []*ast.Ident{ast.NewIdent("x")}, Values: []ast.Expr{n}}}}}}, found)
			}
		}
		return true
	})
}

// pattern is a text with %s for what is not known before: of a literal, a sum, or fmt.Sprintf.
func pattern(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return text(e)
	case *ast.ParenExpr:
		return pattern(e.X)
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		a, known := pattern(e.X)
		b, known2 := pattern(e.Y)
		if !known && !known2 {
			return "", false
		}
		if !known {
			a = "%s"
		}
		if !known2 {
			b = "%s"
		}
		return a + b, true
	case *ast.CallExpr:
		if s, ok := e.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return pattern(e.Args[0])
		}
	}
	return "", false
}

// keep takes a text that says something, without what joins it to another one.
func keep(s string, found map[string]bool) {
	s = strings.TrimLeft(s, " ;:,.")
	s = strings.TrimRight(s, " ;:,")
	if saysSomething.MatchString(verbsOut.ReplaceAllString(s, "")) {
		found[s] = true
	}
}

var (
	verbsOut      = regexp.MustCompile(`%[-+# 0-9.\[\]]*[a-zA-Z]`)
	saysSomething = regexp.MustCompile(`[A-Za-z]{2}.* .*[A-Za-z]{2}|[a-z]{4}`)
)
