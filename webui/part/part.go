// Package part is what components are drawn with. The Go that templ generates repeats in
// each component what is the same in all of them; tools/pages (`make pages`) rewrites it
// into calls of this package, which makes the pages less than half as large.
package part

import (
	"bufio"
	"context"
	"errors"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"tipring/webui/words"
)

// A Page is the context of the components that are drawn, with what is written for it. The
// first failure stays: nothing is written after it, and whoever renders is told.
type Page struct {
	context.Context
	*sheet
	children Draw
}

type sheet struct {
	out *bufio.Writer
	err error
}

// Draw is a component: it writes itself to a page.
type Draw func(*Page)

// Render writes the component to w, or tells what failed first: a component within, the
// writer, or the context.
func (d Draw) Render(ctx context.Context, w io.Writer) error {
	s := &sheet{out: bufio.NewWriter(w), err: ctx.Err()}
	(&Page{Context: ctx, sheet: s}).Around(d, nil)
	if err := s.out.Flush(); s.err == nil {
		s.err = err
	}
	return s.err
}

// Text writes HTML.
func (p *Page) Text(literal string) { _, _ = p.WriteString(literal) }

// Say writes a text, escaped.
func (p *Page) Say(text string) { p.Text(html.EscapeString(text)) }

// Tell writes an English sentence in the visitor's language, escaped.
func (p *Page) Tell(english string) { p.Say(words.T(p.Context, english)) }

// Link writes an address, escaped.
func (p *Page) Link(to templ.SafeURL) { p.Say(string(to)) }

// Put draws another component; nil draws nothing.
func (p *Page) Put(c templ.Component) { p.Around(c, nil) }

// Around draws another component with these children.
func (p *Page) Around(c templ.Component, children Draw) {
	d, ours := c.(Draw)
	switch {
	case p.err != nil || c == nil || ours && d == nil:
	case ours:
		d(&Page{Context: p.Context, sheet: p.sheet, children: children})
	case children != nil:
		p.err = errChildren
	default:
		if err := c.Render(p.Context, p); p.err == nil {
			p.err = err
		}
	}
}

var errChildren = errors.New("part: a component that tools/pages did not write has no place for children")

// Children are what the component is drawn around.
func (p *Page) Children() Draw { return p.children }

// Write and WriteString take HTML from a component of another kind.
func (p *Page) Write(b []byte) (int, error) { return p.WriteString(string(b)) }

// WriteString is Write for a string.
func (p *Page) WriteString(s string) (n int, err error) {
	if p.err != nil {
		return 0, p.err
	}
	n, p.err = p.out.WriteString(s)
	return n, p.err
}

// Attributes writes them in the order of their names: a string with its value, true as the
// name alone, and false not at all.
func (p *Page) Attributes(all templ.Attributes) {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch v := all[name].(type) {
		case string:
			p.Text(" " + name + `="`)
			p.Say(v)
			p.Text(`"`)
		case bool:
			if v {
				p.Text(" " + name)
			}
		default:
			p.err = errors.New("part: attribute " + name + " is neither a string nor a bool")
		}
	}
}

// Classes are names of classes as an attribute has them; the empty ones are left out.
func Classes(names []string) string {
	return strings.Join(slices.DeleteFunc(names, func(s string) bool { return s == "" }), " ")
}
