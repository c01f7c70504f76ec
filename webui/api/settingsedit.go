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
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MergePatch is the media type of RFC 7396.
const MergePatch = "application/merge-patch+json"

// An Edit changes one key of one section of the local layer, or, without a Key, a section:
// that it is there, or that it is not.
type Edit struct {
	Section, Key string
	Value        string // a mask keeps the secret that is there
	Remove       bool
}

// patchLocal changes single settings of the local layer, and leaves the rest of its text.
func (h settingsRoutes) patchLocal(w http.ResponseWriter, r *http.Request) {
	edits, ok := h.readPatch(w, r)
	if !ok {
		return
	}
	h.change(w, r, func(tag string) (Accepted, error) { return h.settings.EditLocal(r.Context(), edits, tag) })
}

// check tells what a text, or a patch of the text that is there, would change. The ETag is
// that of the settings it was compared with.
func (h settingsRoutes) check(w http.ResponseWriter, r *http.Request) {
	var p Proposal
	var err error
	if isPatch(r) {
		edits, ok := h.readPatch(w, r)
		if !ok {
			return
		}
		p, err = h.settings.CheckEdits(edits, r)
	} else {
		text, ok := h.readText(w, r)
		if !ok {
			return
		}
		p, err = h.settings.CheckLocal(text, r)
	}
	if err == nil && p.Tag != "" {
		w.Header().Set("ETag", `"`+p.Tag+`"`)
	}
	h.propose(w, r, p, err)
}

// isPatch tells whether the body says of itself that it is a merge patch.
func isPatch(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == MergePatch
}

// readPatch takes a merge patch (RFC 7396) from the request's body: {"section":{"key":value}},
// null removes.
func (h settingsRoutes) readPatch(w http.ResponseWriter, r *http.Request) ([]Edit, bool) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.bodyWait))
	text, err := io.ReadAll(io.LimitReader(r.Body, maxText+1))
	var edits []Edit
	var p *Problem
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		p = problem(http.StatusRequestTimeout, "the body did not come in time")
	case err != nil:
		p = problem(http.StatusBadRequest, "the body ended early")
	case len(text) > maxText:
		p = problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("a configuration has at most %d octets", maxText))
	case !isPatch(r):
		p = problem(http.StatusUnsupportedMediaType, fmt.Sprintf("the body is %.100q: wanted Content-Type: %s", r.Header.Get("Content-Type"), MergePatch))
	case !utf8.Valid(text):
		p = problem(http.StatusBadRequest, "the body is not UTF-8 text")
	default:
		edits, p = parsePatch(text)
	}
	return edits, h.took(w, r, p)
}

const patchExample = `wanted {"section": {"key": "value"}}, null removes`

// parsePatch makes edits of a merge patch, in its order.
func parsePatch(text []byte) (edits []Edit, p *Problem) {
	p = eachMember(text, "#", func(section string, value json.RawMessage, at string) *Problem {
		switch kindOf(value) {
		case "null":
			edits = append(edits, Edit{Section: section, Remove: true})
			return nil
		case "an object":
			edits = append(edits, Edit{Section: section})
			return eachMember(value, at, func(key string, value json.RawMessage, at string) *Problem {
				e := Edit{Section: section, Key: key}
				if key == "" {
					return patchProblem(at, "a key has no name")
				}
				var ok bool
				if e.Value, e.Remove, ok = plainValue(value); !ok {
					return patchProblem(at, "["+section+"] "+key+" is "+kindOf(value))
				}
				edits = append(edits, e)
				return nil
			})
		}
		return patchProblem(at, section+" is "+kindOf(value))
	})
	return tidy(edits), p
}

// tidy leaves out that a section is to be there where all that is asked of it is that keys
// are not: a merge patch makes it, but an empty section of a file is a line that is switched on.
func tidy(edits []Edit) []Edit {
	sets := map[string]bool{}
	removes := map[string]bool{}
	for _, e := range edits {
		if e.Key != "" {
			sets[e.Section] = sets[e.Section] || !e.Remove
			removes[e.Section] = true
		}
	}
	var kept []Edit
	for _, e := range edits {
		if e.Key != "" || e.Remove || !removes[e.Section] || sets[e.Section] {
			kept = append(kept, e)
		}
	}
	return kept
}

// plainValue is a member's value as a file writes it.
func plainValue(value json.RawMessage) (text string, remove, ok bool) {
	switch value = bytes.TrimSpace(value); kindOf(value) {
	case "a text":
		ok = json.Unmarshal(value, &text) == nil
	case "null":
		return "", true, true
	case "true or false":
		text, ok = "0", true
		if value[0] == 't' {
			text = "1"
		}
	case "a number":
		n, err := strconv.Atoi(string(value))
		text, ok = strconv.Itoa(n), err == nil
	}
	return text, false, ok
}

// eachMember walks a JSON object, of which no member may stand there twice.
func eachMember(text []byte, at string, do func(name string, value json.RawMessage, at string) *Problem) *Problem {
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	switch {
	case err != nil:
		return notJSON(d, text)
	case open != json.Delim('{'):
		return patchProblem(at, "the body is "+kindOf(text))
	}
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return notJSON(d, text)
		}
		member := at + "/" + pointerEscapes.Replace(name.(string))
		if seen[name.(string)] {
			return patchProblem(member, fmt.Sprintf("%.60q stands there twice", name))
		}
		seen[name.(string)] = true
		if p := do(name.(string), value, member); p != nil {
			return p
		}
	}
	if _, err := d.Token(); err != nil {
		return notJSON(d, text)
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return problem(http.StatusBadRequest, fmt.Sprintf("the body goes on after its object, at octet %d: wanted one object", len(text)-len(rest)+1))
	}
	return nil
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1") // RFC 6901 section 3

func patchProblem(pointer, detail string) *Problem {
	detail += ": " + patchExample
	p := problem(http.StatusBadRequest, detail)
	p.Errors = []FieldError{{Detail: detail, Pointer: pointer}}
	return p
}
