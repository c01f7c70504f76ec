package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// An Edit changes one key of one section in the text of a layer, or, without a Key, a
// section: that it is there, or that it is not.
type Edit struct {
	Section, Key string
	Value        string
	Remove       bool // the key, or the section with all its keys
}

// Edit is a layer with other values in its text, of which everything else stays as it was:
// comments, order, spelling. Its error is Faults, which name what the syntax has no way to
// write; then nothing is changed. What a key may hold it does not judge: Load does.
func (l Layer) Edit(edits []Edit) (Layer, error) {
	t := textOf(l.Text)
	var faults Faults
	for _, e := range edits {
		if wanted := e.wanted(); wanted != "" {
			faults = append(faults, Fault{File: l.Name, Section: e.Section, Key: e.Key, Value: e.shown(), Wanted: wanted})
			continue
		}
		t.edit(e)
	}
	if len(faults) > 0 {
		return Layer{}, faults
	}
	l.Text = t.bytes()
	if len(l.Text) > MaxText {
		return Layer{}, Faults{{File: l.Name, Wanted: fmt.Sprintf("at most %d octets", MaxText)}}
	}
	return l, nil
}

// shown is the value of an edit as a fault may tell it.
func (e Edit) shown() string {
	if e.Key == "" || e.Value == "" {
		return ""
	}
	return strings.ToValidUTF8(maskedBy(e.Section, e.Key, e.Value), "?")
}

// wanted says what the syntax asks of an edit; empty: nothing else.
func (e Edit) wanted() string {
	switch {
	case !isName(e.Section):
		return "a section named in lower-case letters, digits and underscores"
	case e.Key != "" && !isName(e.Key):
		return "a key named in lower-case letters, digits and underscores"
	case e.Remove || e.Key == "":
		return ""
	case !utf8.ValidString(e.Value):
		return "text in UTF-8"
	case strings.ContainsFunc(e.Value, isControl):
		return "text in one line, without control characters"
	case strings.TrimSpace(e.Value) != e.Value:
		return "text without blanks at its beginning and end, which the file would lose"
	case len(e.Value) > MaxLine-200:
		return fmt.Sprintf("at most %d octets", MaxLine-200)
	}
	return ""
}

// An iniText is the text of a layer by its lines, as scan understands them.
type iniText struct {
	mark  []byte // the byte order mark, if there is one
	lines []iniLine
}

// An iniLine is one line, with the section that it stands in.
type iniLine struct {
	raw     []byte // with its end
	section string // empty: none, or one that is no name
	key     string // empty: no key line
	head    bool   // it is the section's [section]
}

var byteOrderMark = []byte("\uFEFF")

func textOf(text []byte) *iniText {
	t := &iniText{}
	if rest, found := bytes.CutPrefix(text, byteOrderMark); found {
		t.mark, text = byteOrderMark, rest
	}
	section := ""
	for raw := range bytes.Lines(text) {
		l := parseLine(raw, section)
		section = l.section
		t.lines = append(t.lines, l)
	}
	return t
}

// parseLine tells what a line is, by the rules of scanner.line.
func parseLine(raw []byte, section string) iniLine {
	l := iniLine{raw: raw, section: section}
	text := bytes.TrimSpace(raw)
	if len(raw) > MaxLine || len(text) == 0 || text[0] == '#' || text[0] == ';' || !utf8.Valid(text) || bytes.ContainsFunc(text, isControl) {
		return l
	}
	if text[0] == '[' {
		name, closed := strings.CutSuffix(string(text[1:]), "]")
		if l.section = ""; closed && isName(name) {
			l.section, l.head = name, true
		}
		return l
	}
	if key, _, found := strings.Cut(string(text), "="); found && section != "" {
		if key = strings.TrimSpace(key); isName(key) {
			l.key = key
		}
	}
	return l
}

func (t *iniText) bytes() []byte {
	b := slices.Clone(t.mark)
	for _, l := range t.lines {
		b = append(b, l.raw...)
	}
	return b
}

func (t *iniText) edit(e Edit) {
	switch {
	case e.Remove && e.Key == "":
		t.removeSection(e.Section)
	case e.Remove:
		t.lines = slices.DeleteFunc(t.lines, func(l iniLine) bool { return l.section == e.Section && l.key == e.Key })
	case e.Key == "":
		t.sectionEnd(e.Section)
	default:
		t.set(e)
	}
}

// removeSection takes a section's lines away, and the comments between them. Comments behind
// its last key stay: they may be about what follows.
func (t *iniText) removeSection(name string) {
	for {
		head := slices.IndexFunc(t.lines, func(l iniLine) bool { return l.head && l.section == name })
		if head < 0 {
			return
		}
		last := head
		for i := head + 1; i < len(t.lines) && t.lines[i].section == name && !t.lines[i].head; i++ {
			if t.lines[i].key != "" {
				last = i
			}
		}
		t.lines = slices.Delete(t.lines, head, last+1)
		t.reparse(head)
	}
}

// reparse tells the lines from i on anew in which section they stand.
func (t *iniText) reparse(i int) {
	section := ""
	if i > 0 {
		section = t.lines[i-1].section
	}
	for ; i < len(t.lines) && !t.lines[i].head; i++ {
		t.lines[i] = parseLine(t.lines[i].raw, section)
		if section = t.lines[i].section; section == "" {
			return
		}
	}
}

// set gives a key its value where it stands, or behind the last key of its section.
func (t *iniText) set(e Edit) {
	for i := range t.lines {
		if l := &t.lines[i]; l.section == e.Section && l.key == e.Key {
			if l.raw = withValue(l.raw, e.Value); len(l.raw) > MaxLine {
				l.raw = e.line()
			}
			return
		}
	}
	t.insert(t.sectionEnd(e.Section), iniLine{raw: e.line(), section: e.Section, key: e.Key})
}

// line is the line that sets a key.
func (e Edit) line() []byte { return []byte(strings.TrimRight(e.Key+" = "+e.Value, " ") + "\n") }

// withValue is a key's line with another value: what stands around it stays.
func withValue(raw []byte, value string) []byte {
	at := bytes.IndexByte(raw, '=') + 1
	end := len(bytes.TrimRight(raw, "\r\n"))
	lead := at + len(raw[at:end]) - len(bytes.TrimLeft(raw[at:end], " \t"))
	blank := string(raw[at:lead])
	if blank == "" && at > 1 && raw[at-2] == ' ' || lead == end {
		blank = " "
	}
	if value == "" {
		blank = ""
	}
	return slices.Concat(raw[:at], []byte(blank+value), raw[end:])
}

// sectionEnd is where a section's next key belongs: behind its last, or behind its head. A
// section that is not there is made at the end of the text.
func (t *iniText) sectionEnd(name string) int {
	end := 0
	for i, l := range t.lines {
		if l.section == name && (l.head && end == 0 || l.key != "") {
			end = i + 1
		}
	}
	if end > 0 {
		return end
	}
	if n := len(t.lines); n > 0 && len(bytes.TrimSpace(t.lines[n-1].raw)) > 0 {
		t.insert(n, iniLine{raw: []byte("\n"), section: t.lines[n-1].section})
	}
	t.insert(len(t.lines), iniLine{raw: []byte("[" + name + "]\n"), section: name, head: true})
	return len(t.lines)
}

// insert puts a line in, behind a line that ends.
func (t *iniText) insert(at int, l iniLine) {
	if at > 0 && !bytes.HasSuffix(t.lines[at-1].raw, []byte("\n")) {
		t.lines[at-1].raw = append(slices.Clone(t.lines[at-1].raw), '\n')
	}
	t.lines = slices.Insert(t.lines, at, l)
}
