package lines

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tipring/internal/sipmsg"
)

// Limits of multipart bodies, so that no peer can make this program work for ever.
const (
	maxParts      = 16 // of one multipart
	maxPartNests  = 3  // multiparts in one another
	maxPartHeader = 32 // lines before a part's body
	maxBoundary   = 70 // characters (RFC 2046 section 5.1.1)
)

// multiparts are the types of the bodies of several parts that are read (RFC 5621 section 4).
const multiparts = "multipart/mixed, multipart/alternative"

// errParts is a multipart body that cannot be taken apart.
var errParts = errors.New("multipart body")

// An unknownBody is a body that is not understood.
type unknownBody struct {
	kind   string // its type
	coding string // its Content-Encoding, if that is why
}

func (e *unknownBody) Error() string {
	if e.coding != "" {
		return fmt.Sprintf("body in %.20s", e.coding)
	}
	return fmt.Sprintf("body of type %.60q", e.kind)
}

// A bodyReader finds, in a body of one part or of several, the one that is of a type it wants.
type bodyReader struct {
	want []string // types, in lower case
	lax  bool     // what is not understood is passed over, whatever its sender says of it
}

// read returns the body or the part of one that is wanted, with its type and what else its
// header says of it; nil where there is nothing but what may be ignored. The error is an
// unknownBody or errParts.
func (r bodyReader) read(m *sipmsg.Message, depth int) (*sipmsg.Message, error) {
	kind, params := m.ContentType()
	if coding := encoding(m); coding != "" {
		return nil, &unknownBody{kind, coding}
	}
	if !strings.HasPrefix(kind, "multipart/") {
		if !slices.Contains(r.want, kind) || depth > 0 && !plain(m, kind) {
			return nil, &unknownBody{kind: kind}
		}
		return m, nil
	}
	if depth == maxPartNests {
		return nil, fmt.Errorf("%w: more than %d in one another", errParts, maxPartNests)
	}
	boundary, _ := params.Get("boundary")
	parts, err := split(m.Body, boundary)
	if err != nil {
		return nil, err
	}
	if kind == "multipart/alternative" {
		return r.last(parts, depth)
	}
	return r.only(parts, depth)
}

// only reads multipart/mixed, and every other multipart that is not known (RFC 2046 section
// 5.1.7): each part counts. One that is not understood may be ignored where its sender calls it
// optional (RFC 3261 section 20.11).
func (r bodyReader) only(parts []*sipmsg.Message, depth int) (found *sipmsg.Message, err error) {
	for _, p := range parts {
		switch got, err := r.read(p, depth+1); {
		case r.lax || optional(p):
			if found == nil && err == nil {
				found = got
			}
		case err != nil:
			return nil, err
		case got != nil && found != nil:
			return nil, fmt.Errorf("%w: two parts of type %s", errParts, got.Header.Get("Content-Type"))
		case got != nil:
			found = got
		}
	}
	return found, nil
}

// last reads multipart/alternative: the parts say the same, the best one last, and one that is
// understood will do (RFC 2046 section 5.1.4). How the parts are to be handled does not count,
// but how the whole is.
func (r bodyReader) last(parts []*sipmsg.Message, depth int) (*sipmsg.Message, error) {
	for _, p := range slices.Backward(parts) {
		if got, err := r.read(p, depth+1); err == nil && got != nil {
			return got, nil
		}
	}
	return nil, &unknownBody{kind: "multipart/alternative"}
}

// plain tells whether a part is as it is, and is for what its type is for: a description of
// an early session (RFC 3959) is not one of the session.
func plain(m *sipmsg.Message, kind string) bool {
	use, _ := m.Disposition()
	switch strings.ToLower(m.Header.Get("Content-Transfer-Encoding")) {
	case "", "7bit", "8bit", "binary": // RFC 5621 section 3.1: SIP is 8-bit clean
		return kind != sdpType || use == "session" || m.Header.Get("Content-Disposition") == ""
	}
	return false
}

// optional tells whether a body may be ignored by who does not understand it.
func optional(m *sipmsg.Message) bool {
	_, params := m.Disposition()
	handling, _ := params.Get("handling")
	return strings.EqualFold(handling, "optional")
}

// split takes a multipart body apart (RFC 2046 section 5.1.1). Lines may end in LF alone.
func split(body []byte, boundary string) (parts []*sipmsg.Message, err error) {
	if boundary == "" || len(boundary) > maxBoundary {
		return nil, fmt.Errorf("%w: boundary of %d characters", errParts, len(boundary))
	}
	begin := -1 // of a part; before the first there is none
	for at := 0; at < len(body); {
		line, next := lineAt(body, at)
		delimits, ends := delimiter(line, boundary)
		if delimits && begin >= 0 {
			p, err := parsePart(withoutEnd(body[begin:at]))
			if err != nil {
				return nil, err
			}
			parts = append(parts, p)
		}
		switch {
		case ends && begin >= 0:
			return parts, nil
		case delimits && len(parts) == maxParts:
			return nil, fmt.Errorf("%w: more than %d parts", errParts, maxParts)
		case delimits:
			begin = next
		}
		at = next
	}
	return nil, fmt.Errorf("%w: cut short", errParts)
}

// delimiter tells whether a line stands between two parts, and whether it is behind the last.
func delimiter(line []byte, boundary string) (delimits, ends bool) {
	rest, ok := bytes.CutPrefix(line, []byte("--"+boundary))
	if !ok {
		return false, false
	}
	rest, ends = bytes.CutPrefix(rest, []byte("--"))
	if len(bytes.Trim(rest, " \t")) > 0 {
		return false, false
	}
	return true, ends
}

// lineAt is the line that begins at an offset, without its end, and where the next begins.
func lineAt(b []byte, at int) (line []byte, next int) {
	n := bytes.IndexByte(b[at:], '\n')
	if n < 0 {
		return b[at:], len(b)
	}
	return bytes.TrimSuffix(b[at:at+n], []byte("\r")), at + n + 1
}

// withoutEnd takes off the line end that belongs to the delimiter behind it.
func withoutEnd(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

// parsePart reads a part's header; what comes behind the empty line is its body.
func parsePart(data []byte) (*sipmsg.Message, error) {
	p := &sipmsg.Message{}
	for at, lines := 0, 0; at < len(data); lines++ {
		line, next := lineAt(data, at)
		if at = next; len(line) == 0 {
			p.Body = data[at:]
			break
		}
		if lines == maxPartHeader {
			return nil, fmt.Errorf("%w: more than %d lines before a part", errParts, maxPartHeader)
		}
		if n := len(p.Header); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			p.Header[n-1].Value += " " + strings.Trim(string(line), " \t")
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		if !ok {
			return nil, fmt.Errorf("%w: line %.20q before a part", errParts, line)
		}
		p.Header.Add(strings.Trim(name, " \t"), strings.Trim(value, " \t"))
	}
	return p, nil
}
