package main

import (
	"fmt"
	"go/format"
	"regexp"
	"strings"
)

// A change rewrites one shape of templ's text. In a pattern, ¤ stands for templ_7745c5c3_,
// with which templ begins all names of its own, a blank for any blanks, № for a number that
// is kept and § for one that is not, ¶ for a string literal, and … for an expression.
type change struct {
	from *regexp.Regexp
	to   string
}

func shape(from, to string) change {
	quoted := regexp.QuoteMeta(from)
	quoted = strings.NewReplacer("¤", "templ_7745c5c3_", " ", `\s+`, "№", `(\d+)`, "§", `\d+`, "¶", `("(?:[^"\\]|\\.)*")`, "…", "(.*?)", "FILE", "`[^`]*`").Replace(quoted)
	return change{regexp.MustCompile("(?s)" + quoted), to}
}

// apply rewrites what has the shape. What looks like an expression with an error in it is
// several statements, of a shape that is not known.
func (c change) apply(s string) string {
	return c.from.ReplaceAllStringFunc(s, func(found string) string {
		at := c.from.FindStringSubmatchIndex(found)
		for i := 2; i < len(at); i += 2 {
			if strings.Contains(found[at[i]:at[i+1]], "templ_7745c5c3_Err") {
				return found
			}
		}
		return string(c.from.ExpandString(nil, c.to, found, at))
	})
}

// Failed writes and components are no business of each line: a Page keeps what failed first.
const checked = " if ¤Err != nil { return ¤Err }"

const (
	drawn  = "templruntime.GeneratedTemplate(func(¤Input templruntime.GeneratedComponentInput) (¤Err error) { ¤W, ctx := ¤Input.Writer, ¤Input.Context "
	ended  = "if ¤CtxErr := ctx.Err(); ¤CtxErr != nil { return ¤CtxErr } "
	opened = "¤Buffer, ¤IsBuffer := templruntime.GetBuffer(¤W) if !¤IsBuffer { defer func() { ¤BufErr := templruntime.ReleaseBuffer(¤Buffer) if ¤Err == nil { ¤Err = ¤BufErr } }() } ctx = templ.InitializeContext(ctx)"
	draw   = "part.Draw(func(ctx *part.Page) {"
)

var changes = []change{
	shape(`import templruntime "github.com/a-h/templ/runtime"`, `import "tipring/webui/part"`),
	shape("var _ = templruntime.GeneratedTemplate", ""),
	shape(drawn+ended+opened, draw),
	shape(drawn+opened, draw),
	shape(" return nil })", "\n})"),
	shape("¤Var№ := templ.GetChildren(ctx) if ¤Var§ == nil { ¤Var§ = templ.NopComponent } ctx = templ.ClearChildren(ctx)", "inner$1 := ctx.Children()"),

	shape("¤Err = templruntime.WriteString(¤Buffer, §, ¶)"+checked, "ctx.Text($1)"),
	shape("var ¤Var§ string ¤Var§, ¤Err = templ.JoinStringErrs(…) if ¤Err != nil { return templ.Error{Err: ¤Err, FileName: FILE, Line: §, Col: §} } _, ¤Err = ¤Buffer.WriteString(templ.EscapeString(¤Var§))"+checked, "ctx.Say($1)"),
	shape("var ¤Var§ templ.SafeURL ¤Var§, ¤Err = templ.JoinURLErrs(…) if ¤Err != nil { return templ.Error{Err: ¤Err, FileName: FILE, Line: §, Col: §} } _, ¤Err = ¤Buffer.WriteString(templ.EscapeString(¤Var§))"+checked, "ctx.Link($1)"),
	shape("var ¤Var№ = []any{…} ¤Err = templ.RenderCSSItems(ctx, ¤Buffer, ¤Var§...)"+checked, "classes$1 := []string{$2}"),
	shape("ctx.Say(templ.CSSClasses(¤Var№).String())", "ctx.Say(part.Classes(classes$1))"),
	shape("¤Err = templ.RenderAttributes(ctx, ¤Buffer, …)"+checked, "ctx.Attributes($1)"),

	shape("¤Var№ := "+draw, "inner$1 := "+draw),
	shape("¤Err = ¤Var№.Render(ctx, ¤Buffer)"+checked, "ctx.Put(inner$1)"),
}

// rendered ends the drawing of a component, whose expression may be of several lines.
var (
	begun    = "templ_7745c5c3_Err = "
	rendered = shape(".Render(ctx, ¤Buffer)"+checked, "").from
	wrapped  = shape(".Render(templ.WithChildren(ctx, ¤Var№), ¤Buffer)"+checked, "").from
	sentence = regexp.MustCompile(`ctx\.Say\(words\.T\(ctx, ("(?:[^"\\]|\\.)*")\)\)`)
	unused   = regexp.MustCompile(`\n\s*(inner\d+) := ctx\.Children\(\)`)
	left     = regexp.MustCompile(`templ_7745c5c3_\w*|templruntime\S*|templ\.ComponentScript`)
)

// Slim rewrites a file that templ has generated. It refuses text of a shape that it does
// not know.
func Slim(text []byte) ([]byte, error) {
	s := string(text)
	for _, c := range changes {
		s = c.apply(s)
	}
	s = components(s)
	s = sentence.ReplaceAllString(s, "ctx.Tell($1)")
	s = childless(s)
	if !strings.Contains(s, "words.") {
		s = strings.Replace(s, "\t\"tipring/webui/words\"\n", "", 1)
	}
	if at := left.FindStringIndex(s); at != nil {
		return nil, fmt.Errorf("line %d: %q of a shape that is not known", 1+strings.Count(s[:at[0]], "\n"), s[at[0]:at[1]])
	}
	return format.Source([]byte(s))
}

// components rewrites the drawing of others, from the last to the first.
func components(s string) string {
	for {
		at := strings.LastIndex(s, begun)
		if at < 0 {
			return s
		}
		expression := s[at+len(begun):]
		one, other := rendered.FindStringIndex(expression), wrapped.FindStringSubmatchIndex(expression)
		switch {
		case one != nil && (other == nil || one[0] < other[0]):
			s = s[:at] + "ctx.Put(" + expression[:one[0]] + ")" + expression[one[1]:]
		case other != nil:
			s = s[:at] + "ctx.Around(" + expression[:other[0]] + ", inner" + expression[other[2]:other[3]] + ")" + expression[other[1]:]
		default:
			return s
		}
	}
}

// childless leaves out the children of components that have none.
func childless(s string) string {
	return unused.ReplaceAllStringFunc(s, func(line string) string {
		name := unused.FindStringSubmatch(line)[1]
		if len(regexp.MustCompile(name+`\b`).FindAllString(s, 2)) < 2 {
			return ""
		}
		return line
	})
}
