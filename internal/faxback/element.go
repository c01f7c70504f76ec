package faxback

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// The quotes that end what they begin; the typographic ones may stand for one another.
const typographic = "“”„‟″"

var errElement = errors.New("wanted one empty element QPXml")

// parseElement reads the one empty element of a queue profile, <QPXml name="value" ... />,
// and what follows it if that is only its end.
func parseElement(s string) ([]XMLAttribute, error) {
	switch {
	case len(s) > maxProfile:
		return nil, errors.New("too long")
	case !utf8.ValidString(s):
		return nil, errors.New("not UTF-8")
	}
	s = strings.TrimSpace(strings.TrimPrefix(s, "\uFEFF"))
	if strings.HasPrefix(s, "<?") { // an XML declaration
		if _, rest, ok := strings.Cut(s, "?>"); ok {
			s = strings.TrimSpace(rest)
		}
	}
	rest, ok := strings.CutPrefix(s, "<QPXml")
	if !ok || rest != "" && !isSpace(rest[0]) && rest[0] != '/' && rest[0] != '>' {
		return nil, errElement
	}
	var all []XMLAttribute
	for {
		rest = strings.TrimLeft(rest, " \t\r\n")
		switch rest {
		case "/>", "></QPXml>":
			return all, nil
		}
		var a XMLAttribute
		if a, rest, ok = parseXMLAttribute(rest); !ok {
			return nil, errors.New("wanted name=\"value\" or /> at " + shortened(rest))
		}
		for _, earlier := range all {
			if earlier.Name == a.Name {
				return nil, errors.New(a.Name + " stands twice")
			}
		}
		all = append(all, a)
	}
}

func isSpace(c byte) bool { return strings.IndexByte(" \t\r\n", c) >= 0 }

func shortened(s string) string {
	if len(s) <= 20 {
		return s
	}
	return strings.ToValidUTF8(s[:20], "") + "..."
}

// parseXMLAttribute takes one attribute off the front of s; rest is s when ok is false.
func parseXMLAttribute(s string) (a XMLAttribute, rest string, ok bool) {
	name, after, found := strings.Cut(s, "=")
	name = strings.TrimSpace(name)
	after = strings.TrimLeft(after, " \t\r\n")
	if !found || !isXMLName(name) {
		return a, s, false
	}
	open, size := utf8.DecodeRuneInString(after)
	closing := string(open)
	switch {
	case open == '"' || open == '\'':
	case strings.ContainsRune(typographic, open):
		closing = typographic + `"`
	case open == '‘' || open == '’':
		closing = "‘’'"
	default:
		return a, s, false
	}
	after = after[size:]
	end := strings.IndexAny(after, closing)
	if end < 0 {
		return a, s, false
	}
	_, size = utf8.DecodeRuneInString(after[end:])
	return XMLAttribute{name, unescape(after[:end])}, after[end+size:], true
}

func isXMLName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == ':'
		if !letter && (i == 0 || (r < '0' || r > '9') && r != '-' && r != '.') {
			return false
		}
	}
	return s != ""
}

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

func unescape(s string) string { return entities.Replace(s) }
