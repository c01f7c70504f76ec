package format

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tipring/internal/config"
)

// decode makes UTF-8 text of a file without its byte order mark: of UTF-8, US-ASCII or,
// where an XML declaration names it, ISO-8859-1. Control characters other than tab and
// line ends are refused.
func decode(data []byte) (string, error) {
	text := string(data)
	switch {
	case strings.HasPrefix(text, "\uFEFF"):
		text = text[len("\uFEFF"):]
	case strings.HasPrefix(text, "\xFF\xFE"), strings.HasPrefix(text, "\xFE\xFF"):
		return "", fmt.Errorf("%w: UTF-16; wanted UTF-8", ErrUnknown)
	}
	switch encoding := strings.ToLower(declaredEncoding(text)); encoding {
	case "", "utf-8", "utf8":
	case "us-ascii", "ascii":
		if i := strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }); i >= 0 {
			return "", fmt.Errorf("line %d: a character outside of US-ASCII, which the file says it is in", lineAt(text, i))
		}
	case "iso-8859-1", "latin1":
		text = fromLatin1(text)
	default:
		return "", fmt.Errorf("%w: encoding %s; wanted UTF-8, ISO-8859-1 or US-ASCII", ErrUnknown, shorten(encoding))
	}
	for i, r := range text {
		switch {
		case r == utf8.RuneError && strings.HasPrefix(text[i:], string(utf8.RuneError)):
			return "", fmt.Errorf("line %d: U+FFFD, left by a broken conversion", lineAt(text, i))
		case r == utf8.RuneError:
			return "", fmt.Errorf("line %d: no UTF-8", lineAt(text, i))
		case r == '\t', r == '\n', r == '\r':
		case r < ' ', r >= 0x7F && r <= 0x9F:
			return "", fmt.Errorf("line %d: the control character U+%04X", lineAt(text, i), r)
		}
	}
	return text, nil
}

// declaredEncoding is what an XML declaration at the beginning says; empty: nothing.
func declaredEncoding(text string) string {
	if !strings.HasPrefix(text, "<?xml") {
		return ""
	}
	declaration, _, _ := strings.Cut(text, "?>")
	_, after, found := strings.Cut(declaration, "encoding")
	after = strings.TrimLeft(after, " \t\r\n=")
	if !found || after == "" {
		return ""
	}
	name, _, _ := strings.Cut(after[1:], after[:1])
	return strings.TrimSpace(name)
}

func fromLatin1(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

// lineAt is the line, from 1, that the octet at i stands in.
func lineAt(text string, i int) int { return 1 + strings.Count(text[:i], "\n") }

func skipBlank(text string) string { return strings.TrimLeft(text, " \t\r\n") }

// looksHTML tells a page, which captive portals and login forms send in the place of a
// file, by its first tag.
func looksHTML(text string) bool {
	for {
		text = skipBlank(text)
		end := ""
		switch {
		case strings.HasPrefix(text, "<!--"):
			end = "-->"
		case strings.HasPrefix(text, "<?"):
			end = "?>"
		default:
			head := strings.ToLower(text[:min(len(text), 256)])
			kind, isType := strings.CutPrefix(head, "<!doctype")
			return isType && strings.HasPrefix(skipBlank(kind), "html") || htmlTag(head)
		}
		_, after, found := strings.Cut(text, end)
		if !found {
			return false
		}
		text = after
	}
}

func htmlTag(head string) bool {
	for _, tag := range []string{"html", "head", "body", "meta", "title", "script", "center", "h1", "p"} {
		rest, found := strings.CutPrefix(head, "<"+tag)
		if found && (rest == "" || strings.ContainsAny(rest[:1], " \t\r\n>/")) {
			return true
		}
	}
	return false
}

// isINI tells INI text by its first line that is no comment.
func isINI(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			return line[0] == '[' && line[len(line)-1] == ']'
		}
	}
	return false
}

// iniSettings takes INI text apart as far as Secrets must know it. What is wrong with
// the text is told by config.Load.
func iniSettings(text string) []config.Setting {
	var all []config.Setting
	section := ""
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		if key, value, found := strings.Cut(line, "="); found && line[0] != '#' && line[0] != ';' {
			all = append(all, config.Setting{Section: section, Key: strings.TrimSpace(key), Value: strings.TrimSpace(value)})
		}
	}
	return all
}
