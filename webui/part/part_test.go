package part_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"tipring/webui/part"
	"tipring/webui/words"
)

func drawn(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func expect(t *testing.T, c templ.Component, want string) {
	t.Helper()
	if got := drawn(t, c); got != want {
		t.Errorf("drawn: %q\nwanted: %q", got, want)
	}
}

func TestHTMLIsWrittenAsItStandsAndTextEscaped(t *testing.T) {
	expect(t, part.Draw(func(p *part.Page) {
		p.Text("<p>")
		p.Say(`<script>"&'`)
		p.Link(templ.URL("javascript:alert(1)"))
		p.Link(templ.URL("/calls?a=1&b=2"))
		p.Text("</p>")
	}), "<p>&lt;script&gt;&#34;&amp;&#39;about:invalid#TemplFailedSanitizationURL/calls?a=1&amp;b=2</p>")
}

func TestASentenceIsToldInTheVisitorsLanguage(t *testing.T) {
	german := &words.Catalogue{Tag: "de", Sentences: map[string]string{"Calls & faxes": "Anrufe & Faxe"}}
	var b strings.Builder
	tell := part.Draw(func(p *part.Page) { p.Tell("Calls & faxes") })
	if err := tell.Render(words.With(t.Context(), german), &b); err != nil || b.String() != "Anrufe &amp; Faxe" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// box draws its children between brackets, in a box of their own that has none.
var box = part.Draw(func(p *part.Page) {
	inner := p.Children()
	p.Text("[")
	p.Around(part.Draw(func(p *part.Page) { p.Text("("); p.Put(p.Children()); p.Text(")") }), nil)
	p.Put(inner)
	p.Text("]")
})

func TestChildrenAreThoseOfTheComponentAlone(t *testing.T) {
	expect(t, box, "[()]")
	expect(t, part.Draw(func(p *part.Page) {
		p.Around(box, func(p *part.Page) { p.Text("a"); p.Put(box) })
		p.Put(nil)
	}), "[()a[()]]")
}

func TestAComponentOfAnotherKindIsDrawnInItsPlace(t *testing.T) {
	other := templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "other")
		return err
	})
	page := func(children part.Draw) part.Draw {
		return func(p *part.Page) { p.Text("<"); p.Around(other, children); p.Text(">") }
	}
	expect(t, page(nil), "<other>")
	if err := page(box).Render(t.Context(), io.Discard); err == nil {
		t.Error("its children are lost, and nobody is told")
	}
}

func TestTheFirstFailureIsReportedAndEndsThePage(t *testing.T) {
	first := errors.New("first")
	fails := func(err error) templ.Component {
		return templ.ComponentFunc(func(context.Context, io.Writer) error { return err })
	}
	var b strings.Builder
	err := part.Draw(func(p *part.Page) {
		p.Text("a")
		p.Around(box, func(p *part.Page) { p.Put(fails(first)); p.Text("b") })
		p.Put(fails(errors.New("second")))
		p.Text("c")
	}).Render(t.Context(), &b)
	if err != first || b.String() != "a[()" {
		t.Errorf("%v after %q", err, b.String())
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestAFailingWriterIsReported(t *testing.T) {
	gone := errors.New("gone")
	for name, text := range map[string]string{"at the end": "short", "on the way": strings.Repeat("long", 5000)} {
		if err := part.Draw(func(p *part.Page) { p.Text(text) }).Render(t.Context(), broken{gone}); err != gone {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingIsDrawnForAVisitorWhoHasLeft(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	leave()
	var b strings.Builder
	if err := box.Render(ctx, &b); err != context.Canceled || b.String() != "" {
		t.Errorf("%v after %q", err, b.String())
	}
}

func TestAttributesAreInOrderAndEscaped(t *testing.T) {
	expect(t, part.Draw(func(p *part.Page) {
		p.Attributes(templ.Attributes{"name": "a\"b", "id": "x", "disabled": true, "required": false})
	}), ` disabled id="x" name="a&#34;b"`)
	number := part.Draw(func(p *part.Page) { p.Attributes(templ.Attributes{"rows": 3}) })
	if err := number.Render(t.Context(), io.Discard); err == nil {
		t.Error("a number was left out in silence")
	}
}

func TestClassesWithoutTheEmptyOnes(t *testing.T) {
	if got := part.Classes([]string{"card", "", "wide"}); got != "card wide" {
		t.Errorf("%q", got)
	}
}
