package frame

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tipring/webui/api"
)

// A Refused form is one that its route did not take.
type Refused struct {
	Form    string // its name on the page; empty: none was refused
	Problem *api.Problem
}

// Wrong is what is wrong with a field of a form.
func (f Refused) Wrong(form, name string) string {
	if f.Form != form || f.Problem == nil {
		return ""
	}
	for _, e := range f.Problem.Errors {
		if e.Pointer == "#/"+name {
			return e.Detail
		}
	}
	return ""
}

// General is what is wrong with a form, and with no field in particular, as a sentence.
func (f Refused) General(form string) string {
	if f.Form != form || f.Problem == nil || len(f.Problem.Errors) > 0 {
		return ""
	}
	first, size := utf8.DecodeRuneInString(f.Problem.Error())
	if size == 0 {
		return f.Problem.Title
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(f.Problem.Error()[size:], ".") + "."
}
