package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// bodyWait is how long a body of JSON may take to come.
const bodyWait = 30 * time.Second

// A field is one member of the JSON object that a route takes.
type field struct {
	name string
	into any // *string, *int, *bool, a pointer to one of them, **Text or a map; left alone when the member is absent
}

// wanted says what a field takes.
func (f field) wanted() string {
	switch f.into.(type) {
	case *bool, **bool:
		return "true or false"
	case *int, **int:
		return "a whole number"
	case **Text:
		return "a text in quotes, or null"
	case *map[string]Text:
		return "an object of texts"
	default:
		return "a text in quotes"
	}
}

// set takes a member's value.
func (f field) set(value json.RawMessage) bool {
	if string(value) == "null" {
		t, ok := f.into.(**Text)
		if ok {
			*t = new(Text)
		}
		return ok
	}
	return json.Unmarshal(value, f.into) == nil
}

// read takes a JSON object from the request's body; an empty body is an empty object.
// Nothing is passed over: a member that the route does not know may be a misspelt one.
func (a *API) read(w http.ResponseWriter, r *http.Request, fields ...field) bool {
	// A connection that cannot have a deadline is a test's.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.bodyWait))
	text, p := body(r)
	if p == nil && len(bytes.TrimSpace(text)) > 0 {
		p = parseObject(text, fields)
	}
	if p != nil {
		a.fail(w, r, p)
		return false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the answer may take longer
	return true
}

// body reads the request's body, which must be JSON if it says what it is.
func body(r *http.Request) ([]byte, *Problem) {
	text, err := io.ReadAll(r.Body)
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("a body has at most %d octets", tooLong.Limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, problem(http.StatusRequestTimeout, "the body did not come in time")
	case err != nil:
		return nil, problem(http.StatusBadRequest, "the body ended early")
	case len(text) == 0:
		return nil, nil
	}
	for _, given := range r.Header.Values("Content-Type") {
		if media, _, err := mime.ParseMediaType(given); err != nil || media != "application/json" {
			return nil, problem(http.StatusUnsupportedMediaType, fmt.Sprintf("the body is %.100q: wanted Content-Type: application/json", given))
		}
	}
	if !utf8.Valid(text) {
		return nil, problem(http.StatusBadRequest, "the body is not UTF-8 text")
	}
	return text, nil
}

// parseObject takes a JSON object apart, of which every member must be one of fields.
func parseObject(text []byte, fields []field) *Problem {
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	switch {
	case err != nil:
		return notJSON(d, text)
	case open != json.Delim('{'):
		return problem(http.StatusBadRequest, "the body is "+kindOf(text)+": wanted an object, "+example(fields))
	}
	var seen []string
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return notJSON(d, text)
		}
		if p := take(name.(string), value, fields, seen); p != nil {
			return p
		}
		seen = append(seen, name.(string))
	}
	if _, err := d.Token(); err != nil {
		return notJSON(d, text)
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return problem(http.StatusBadRequest, fmt.Sprintf("the body goes on after its object, at octet %d: wanted one object", len(text)-len(rest)+1))
	}
	return nil
}

// take puts one member where it belongs.
func take(name string, value json.RawMessage, fields []field, seen []string) *Problem {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	switch {
	case i < 0:
		return memberProblem(name, fmt.Sprintf("there is no field %.60q: wanted %s", name, example(fields)))
	case slices.Contains(seen, name):
		return memberProblem(name, name+" stands there twice: wanted it once")
	case !fields[i].set(value):
		return memberProblem(name, name+" is "+kindOf(value)+": wanted "+fields[i].wanted())
	}
	return nil
}

// memberProblem points to a member of the body, as the example of RFC 9457 section 3 does.
func memberProblem(name, detail string) *Problem {
	p := problem(http.StatusBadRequest, detail)
	p.Errors = []FieldError{{Detail: detail, Pointer: "#/" + pointerEscapes.Replace(name)}}
	return p
}

// notJSON says where the text stops being JSON.
func notJSON(d *json.Decoder, text []byte) *Problem {
	at := d.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(text, new(json.RawMessage)), &syntax) {
		at = syntax.Offset
		if at >= int64(len(bytes.TrimSpace(text))) && strings.HasPrefix(syntax.Error(), "unexpected end") {
			return problem(http.StatusBadRequest, "the body ends in the middle of its JSON")
		}
	}
	return problem(http.StatusBadRequest, fmt.Sprintf("the body is not JSON at octet %d", at))
}

// kindOf names what a JSON value is.
func kindOf(value []byte) string {
	switch value = bytes.TrimSpace(value); value[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// example shows the object that is wanted.
func example(fields []field) string {
	words := make([]string, len(fields))
	for i, f := range fields {
		words[i] = fmt.Sprintf("%q: %s", f.name, f.wanted())
	}
	return "{" + strings.Join(words, ", ") + "}"
}
