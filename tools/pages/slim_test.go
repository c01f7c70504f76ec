package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const templ = "github.com/a-h/templ/cmd/templ@v0.3.977"

// made is what a file of components becomes.
func made(t *testing.T, components string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	source := "package x\n\nimport (\n\t\"tipring/webui/frame\"\n\t\"tipring/webui/words\"\n)\n\n" + components
	if err := os.WriteFile(filepath.Join(dir, "x.templ"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(templ, dir); err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "x_templ.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "\n)\n")
	return strings.TrimSpace(body), nil
}

func expect(t *testing.T, components, want string) {
	t.Helper()
	got, err := made(t, components)
	if err != nil {
		t.Fatal(err)
	}
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("made:\n%s\nwanted:\n%s", got, want)
	}
}

func TestComponentsBecomeCallsOfAPage(t *testing.T) {
	expect(t, `
templ page(title, href, look string, all frame.Attributes) {
	@frame.Layout(frame.View{
		Title: title,
	}) {
		<h2 class={ "head", look }>{ words.T(ctx, "Lines") }</h2>
		<a href={ templ.URL(href) } title={ words.T(ctx, "To %s", title) }>{ title }</a>
		@frame.Card(title)
		<input { all... }/>
		if title != "" {
			{ children... }
		}
	}
}
`, `
func page(title, href, look string, all frame.Attributes) templ.Component {
	return part.Draw(func(ctx *part.Page) {
		inner1 := ctx.Children()
		inner2 := part.Draw(func(ctx *part.Page) {
			classes3 := []string{"head", look}
			ctx.Text("<h2 class=\"")
			ctx.Say(part.Classes(classes3))
			ctx.Text("\">")
			ctx.Tell("Lines")
			ctx.Text("</h2><a href=\"")
			ctx.Link(templ.URL(href))
			ctx.Text("\" title=\"")
			ctx.Say(words.T(ctx, "To %s", title))
			ctx.Text("\">")
			ctx.Say(title)
			ctx.Text("</a>")
			ctx.Put(frame.Card(title))
			ctx.Text(" <input")
			ctx.Attributes(all)
			ctx.Text("> ")
			if title != "" {
				ctx.Put(inner1)
			}
		})
		ctx.Around(frame.Layout(frame.View{
			Title: title,
		}), inner2)
	})
}
`)
}

func TestChildrenWithinChildren(t *testing.T) {
	expect(t, `
templ page() {
	@frame.Cards() {
		@frame.Card("a") {
			b
		}
	}
}
`, `
func page() templ.Component {
	return part.Draw(func(ctx *part.Page) {
		inner2 := part.Draw(func(ctx *part.Page) {
			inner3 := part.Draw(func(ctx *part.Page) {
				ctx.Text("b")
			})
			ctx.Around(frame.Card("a"), inner3)
		})
		ctx.Around(frame.Cards(), inner2)
	})
}
`)
}

func TestWhatHasAShapeOfItsOwnIsRefused(t *testing.T) {
	dir := t.TempDir()
	refused := map[string]string{
		"style":    "templ x(s string) {\n\t<p style={ s }></p>\n}",
		"onclick":  "templ x() {\n\t<p onclick={ templ.JSFuncCall(\"alert\") }></p>\n}",
		"script":   "script x() {\n\talert(1)\n}\ntempl y() {\n\t@x()\n}",
		"css":      "css x() {\n\tcolor: red;\n}",
		"name":     "templ x(s string) {\n\t<p { s }={ s }></p>\n}",
		"inscript": "templ x(s string) {\n\t<script>let a = {{ s }}</script>\n}",
	}
	for name, components := range refused {
		if err := os.WriteFile(filepath.Join(dir, name+".templ"), []byte("package x\n\n"+components), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := generate(templ, dir); err != nil {
		t.Fatal(err)
	}
	for name := range refused {
		if err := slimFile(filepath.Join(dir, name+"_templ.go")); err == nil || !strings.Contains(err.Error(), "of a shape that is not known") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThePagesAreAsThisProgramWritesThem(t *testing.T) {
	files, err := filepath.Glob("../../webui/pages/*/*_templ.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no components found", err)
	}
	more, _ := filepath.Glob("../../webui/*/*_templ.go")
	for _, path := range append(files, more...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "templruntime") {
			t.Errorf("%s was not made by `make pages`", path)
		}
	}
}
