package config

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/ini.v1"
)

// Limits on the text of one layer, so that no file can make this program work for
// ever.
const (
	MaxText   = 1 << 20 // octets of one layer
	MaxLine   = 8 << 10 // octets of one line
	maxFaults = 1000    // faults told of one layer
)

// A Setting is one key of one section as a layer has it.
type Setting struct {
	Section, Key, Value string
	Line                int // 0: the layer has no lines
}

// A document is the text of one layer taken apart, before any key is known.
type document struct {
	heads    []Setting // the [section] lines; Key and Value empty
	settings []Setting // in the order of the text
	faults   []Fault   // lines that are neither, doubled sections and keys
}

// A scanner reads the lines of one layer and writes for ini.v1 what is sound in them.
type scanner struct {
	file    string
	doc     document
	section string            // the one that the next key belongs to
	begun   bool              // some [section] line was read, sound or not
	seen    map[[2]string]int // section and key, to the line that has them
}

// scan takes the text of a layer apart. file names it in faults.
func scan(file string, text []byte) document {
	s := scanner{file: file, seen: make(map[[2]string]int)}
	if len(text) > MaxText {
		s.fault(0, "", "", fmt.Sprintf("at most %d octets", MaxText))
		return s.doc
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	n := 0
	for line := range bytes.Lines(text) {
		n++
		s.line(n, line)
		if len(s.doc.faults) >= maxFaults {
			s.fault(n, "", "", "fewer faults; reading stopped here")
			return s.doc
		}
	}
	s.split()
	sort.SliceStable(s.doc.faults, func(i, j int) bool { return s.doc.faults[i].Line < s.doc.faults[j].Line })
	return s.doc
}

func (s *scanner) fault(line int, key, value, wanted string) {
	s.doc.faults = append(s.doc.faults, Fault{File: s.file, Line: line, Section: s.section, Key: key, Value: value, Wanted: wanted})
}

func (s *scanner) line(n int, raw []byte) {
	switch text := bytes.TrimSpace(raw); {
	case len(raw) > MaxLine:
		s.fault(n, "", "", fmt.Sprintf("a line of at most %d octets", MaxLine))
	case len(text) == 0 || text[0] == '#' || text[0] == ';':
	case !utf8.Valid(text):
		s.fault(n, "", "", "text in UTF-8")
	case bytes.ContainsFunc(text, isControl):
		s.fault(n, "", "", "text without control characters")
	case text[0] == '[':
		s.head(n, string(text))
	default:
		s.key(n, string(text))
	}
}

// isControl matches what may stand in no value: C0 but for the tab, DEL and C1.
func isControl(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7F && r <= 0x9F }

func (s *scanner) head(n int, text string) {
	s.section, s.begun = "", true
	name, closed := strings.CutSuffix(text[1:], "]")
	if !closed || !isName(name) {
		s.fault(n, "", "", "[section] in lower-case letters, digits and underscores")
		return
	}
	s.section = name
	if earlier := s.seen[[2]string{name}]; earlier != 0 {
		s.fault(n, "", "", fmt.Sprintf("each section once; line %d has it already", earlier))
		return
	}
	s.seen[[2]string{name}] = n
	s.doc.heads = append(s.doc.heads, Setting{Section: name, Line: n})
}

func (s *scanner) key(n int, text string) {
	key, value, found := strings.Cut(text, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case !found:
		// The text may be the second half of a secret: it is not shown.
		s.fault(n, "", "", "[section], key = value or a comment line")
		return
	case !isName(key):
		s.fault(n, "", "", "a key in lower-case letters, digits and underscores before =")
		return
	case s.section == "":
		if !s.begun { // else the faulty [section] line has been told
			s.fault(n, key, Mask, "a [section] line first")
		}
		return
	}
	if earlier := s.seen[[2]string{s.section, key}]; earlier != 0 {
		s.fault(n, key, maskedBy(s.section, key, value), fmt.Sprintf("each key once; line %d has it already", earlier))
		return
	}
	s.seen[[2]string{s.section, key}] = n
	s.doc.settings = append(s.doc.settings, Setting{s.section, key, value, n})
}

// isName accepts the lower-case names of sections and keys.
func isName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// maskedBy masks value as the key of that section asks for; the value of an unknown
// key may be a secret under a mistyped name.
func maskedBy(sectionName, key, value string) string {
	if desc, _ := sectionFor(sectionName); desc != nil {
		if k := desc.Key(key); k != nil {
			return k.Masked(value)
		}
	}
	return Mask
}

// split has ini.v1 split the sound lines into keys and values. Each value is given
// to it behind a guard character, because it takes a leading ` or """ for a quote,
// which a password may well begin with.
func (s *scanner) split() {
	const guard = "="
	var clean bytes.Buffer
	section := ""
	settings := append([]Setting(nil), s.doc.settings...)
	sort.SliceStable(settings, func(i, j int) bool { return settings[i].Section < settings[j].Section })
	for _, e := range settings {
		if e.Section != section {
			section = e.Section
			clean.WriteString("[" + section + "]\n")
		}
		clean.WriteString(e.Key + "=" + guard + e.Value + "\n")
	}
	file, err := ini.LoadSources(ini.LoadOptions{
		IgnoreInlineComment:     true,
		IgnoreContinuation:      true,
		PreserveSurroundedQuote: true,
		KeyValueDelimiters:      "=",
	}, clean.Bytes())
	if err != nil {
		s.section = ""
		s.fault(0, "", "", "INI text: "+err.Error())
		return
	}
	s.doc.settings = s.doc.settings[:0]
	for _, sec := range file.Sections() {
		for _, key := range sec.Keys() {
			line := s.seen[[2]string{sec.Name(), key.Name()}]
			value := strings.TrimPrefix(key.Value(), guard)
			s.doc.settings = append(s.doc.settings, Setting{sec.Name(), key.Name(), value, line})
		}
	}
	sort.SliceStable(s.doc.settings, func(i, j int) bool { return s.doc.settings[i].Line < s.doc.settings[j].Line })
}
