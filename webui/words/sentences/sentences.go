// Package sentences finds what the pages say, for catalogues and for tests of them. It is
// no part of the product.
package sentences

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tipring/internal/config"
	"tipring/webui/words"
)

// All lists what the pages under a folder say, what the device beside it tells of itself, and the
// settings' own description, in order.
func All(dir string) ([]string, error) {
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if s, ok := said(call); ok {
					found[s] = true
				}
			}
			return true
		})
		return nil
	})
	if err := told(filepath.Join(dir, ".."), found); err != nil {
		return nil, err
	}
	for _, s := range config.Sections() {
		found[s.Title], found[s.Help] = true, true
		for _, k := range s.Keys {
			found[k.Label], found[k.Help] = true, true
			for _, c := range k.Choices() {
				found[c.Label] = true
			}
		}
	}
	delete(found, "")
	all := make([]string, 0, len(found))
	for s := range found {
		all = append(all, s)
	}
	slices.Sort(all)
	return all, err
}

// said is the sentence of words.T(ctx, "…"), of ctx.Tell("…"), which is the same in a
// component, and of words.N("…"), which a package may call n.
func said(call *ast.CallExpr) (string, bool) {
	at := -1
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			at = map[string]int{"words.T": 2, "words.N": 1, "ctx.Tell": 1}[x.Name+"."+f.Sel.Name] - 1
		}
	case *ast.Ident:
		at = map[string]int{"n": 1}[f.Name] - 1
	}
	if at < 0 || at >= len(call.Args) {
		return "", false
	}
	return text(call.Args[at])
}

// text is a string that stands there, in one piece or in several.
func text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, ok := text(e.X)
		b, ok2 := text(e.Y)
		return a + b, ok && ok2 && e.Op == token.ADD
	case *ast.ParenExpr:
		return text(e.X)
	}
	return "", false
}

// Pseudo is a language in which every sentence is itself in brackets, so that whatever
// stands outside of them was not said by words.T.
func Pseudo(all []string) *words.Catalogue {
	c := &words.Catalogue{Tag: "x-pseudo", Sentences: map[string]string{}}
	for _, s := range all {
		c.Sentences[s] = "⟦" + s + "⟧"
	}
	return c
}
