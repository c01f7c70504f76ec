// Command templates measures what the pages' components, compiled by templ and tools/pages, cost beside
// html/template: the time and memory of a page of settings drawn by either, and what
// either takes of a MIPS router's flash.
//
//	go run ./tools/templates
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tipring/webui/frame"
	"tipring/webui/part"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "templates:", err)
		os.Exit(1)
	}
}

func run() error {
	a, b, err := drawn()
	if err != nil {
		return err
	}
	if a != b {
		return fmt.Errorf("the two pages differ:\n%s\n%s", a, b)
	}
	fmt.Printf("a page of %d fields, %d octets:\n", len(fields), len(a))
	for _, d := range drawers {
		r := testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				if err := d.draw(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
		fmt.Printf("  %-14s %6.0f µs %6d allocations %7d octets\n", d.name, float64(r.T.Microseconds())/float64(r.N), r.AllocsPerOp(), r.AllocedBytesPerOp())
	}
	return sizes()
}

// fields are of every kind that the pages of settings have.
var fields = makeFields(60)

func makeFields(n int) (all []frame.Field) {
	least, most := 1, 65535
	for i := range n {
		f := frame.Field{Name: fmt.Sprintf("key_%d", i), Label: "Server Address", Help: "Primary server: IP address or domain name. Empty: no registration.", Source: "built-in"}
		switch i % 4 {
		case 0:
			f.Value, f.MaxLength = `<"pbx.example">`, 255
		case 1:
			f.Type, f.Value, f.Unit, f.Hint, f.Min, f.Max = "number", "5060", "s", "1 – 65535; default 5060", &least, &most
		case 2:
			f.Type, f.Value, f.Hint = "select", "tcp", "default UDP"
			f.Options = []frame.Option{{Value: "udp", Text: "UDP"}, {Value: "tcp", Text: "TCP"}, {Value: "tls", Text: "TLS"}}
		case 3:
			f.Type, f.Value, f.Hint, f.Error = "checkbox", "1", "default off", "wanted 0 or 1"
		}
		all = append(all, f)
	}
	return all
}

//go:embed field.html
var text string

var parsed = template.Must(template.New("field").Parse(text))

var drawers = []struct {
	name string
	draw func(io.Writer) error
}{
	{"templ", func(w io.Writer) error {
		return part.Draw(func(p *part.Page) {
			for _, f := range fields {
				p.Put(frame.FieldRow(f))
			}
		}).Render(context.Background(), w)
	}},
	{"html/template", func(w io.Writer) error { return parsed.Execute(w, fields) }},
}

// drawn is the page as each of them draws it, without the space between elements.
func drawn() (a, b string, err error) {
	var pages [2]bytes.Buffer
	for i, d := range drawers {
		if err := d.draw(&pages[i]); err != nil {
			return "", "", fmt.Errorf("%s: %w", d.name, err)
		}
	}
	space := regexp.MustCompile(`>\s+|\s+<`)
	plain := func(page string) string {
		return space.ReplaceAllStringFunc(page, strings.TrimSpace)
	}
	return plain(pages[0].String()), plain(pages[1].String()), nil
}

// place is what the agent asks of the pages besides: where settings are.
const place = `
func Place(string, int, string) string { return "" }
`

// programs are what stands in the place of webui/pages/pages.go.
var programs = []struct{ name, pages string }{
	{"without a page", `package pages

import "tipring/webui/api"

func Add(*api.API, ...any) {}
` + place},
	{"with html/template, and one page of one word", `package pages

import (
	"html/template"
	"net/http"

	"tipring/webui/api"
)

func Add(a *api.API, _ ...any) {
	t := template.Must(template.New("").Parse("<p>{{.Name}}"))
	a.Handle(api.Route{Method: "GET", Path: "/", For: api.User, Handle: func(w http.ResponseWriter, r *http.Request) {
		t.Execute(w, api.VisitorOf(r.Context()))
	}})
}
` + place},
	{"as it is, with all pages by templ", ""},
}

// sizes builds the program for a MIPS router as it is shipped, and packs it as flash is.
func sizes() error {
	dir, err := os.MkdirTemp("", "templates")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Println("the program for mipsle, and packed (squashfs, xz, blocks of 1 MiB):")
	for i, p := range programs {
		root := filepath.Join(dir, fmt.Sprint(i))
		file, packed, err := build(root, p.pages)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Printf("  %-46s %9d %9d\n", p.name, file, packed)
	}
	return nil
}

// build builds the program into a new directory with other pages, or its own; it returns the
// size of the file and what it takes when it is packed.
func build(root, pages string) (file, packed int64, err error) {
	overlay, err := overlaid(".", root, pages)
	if err != nil {
		return 0, 0, err
	}
	binary := filepath.Join(root, "tipring")
	make := exec.Command("tools/setup/build.sh", binary)
	make.Env = append(os.Environ(), "GOARCH=mipsle", "GOMIPS=softfloat", "LDFLAGS=-s -w", "TAGS=nodemo", "GOFLAGS=-overlay="+overlay)
	pack := exec.Command("mksquashfs", root, root+".squashfs", "-comp", "xz", "-b", "1M", "-no-progress", "-quiet", "-nopad")
	for _, c := range []*exec.Cmd{exec.Command("mkdir", root), make, pack} {
		if out, err := c.CombinedOutput(); err != nil {
			return 0, 0, fmt.Errorf("%v: %w\n%s", c.Args, err, out)
		}
	}
	a, err := os.Stat(binary)
	if err != nil {
		return 0, 0, err
	}
	b, err := os.Stat(root + ".squashfs")
	if err != nil {
		return 0, 0, err
	}
	return a.Size(), b.Size(), nil
}

// overlaid writes the overlay with which the sources in top have those pages, beside root; it has none in
// it where pages is empty.
func overlaid(top, root, pages string) (file string, err error) {
	file, other := root+".json", root+".go"
	replace := map[string]string{}
	if pages != "" {
		own, err := filepath.Abs(filepath.Join(top, "webui/pages/pages.go"))
		if err != nil {
			return "", err
		}
		replace[own] = other
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	for name, text := range map[string][]byte{file: list, other: []byte(pages)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return "", err
		}
	}
	return file, nil
}
