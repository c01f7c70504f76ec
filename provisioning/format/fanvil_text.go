package format

import (
	"fmt"
	"strconv"
	"strings"

	"tipring/internal/config"
)

// The first and the last line of Fanvil's text form. The first is filled up with blanks
// to 62 characters by the devices, and by others to another width or to none.
const (
	fanvilHead = "<<VOIP CONFIG FILE>>Version:"
	fanvilEnd  = "<<END OF FILE>>"
)

// fanvilParts maps the parts of a file to the groups of the table.
var fanvilParts = [][2]string{
	{"sip config module", "sip"}, {"mm config module", "mm"}, {"dsp config module", "mm"}, {"autoupdate config module", "ap"},
	{"sip", "sip"}, {"mm", "mm"}, {"ap", "ap"},
}

func fanvilPart(name string) string {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", " "))
	for _, p := range fanvilParts {
		if p[0] == name {
			return p[1]
		}
	}
	return ""
}

// A fanvilLines reads the text form line by line.
type fanvilLines struct {
	t     *translation
	part  string // as the table names it; empty: another
	title string // as the file names it
	ended bool   // the end mark was read
}

func readFanvilText(text string) (File, error) {
	t := newTranslation()
	t.begin(&fanvil, FanvilText)
	s := fanvilLines{t: t}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if len(line) > maxLine {
			return File{}, fmt.Errorf("line %d: more than %d octets", n, maxLine)
		}
		if err := s.line(n, strings.TrimSpace(line)); err != nil {
			return File{}, err
		}
	}
	if !s.ended {
		return File{}, fmt.Errorf("%w: there is no %s", ErrCut, fanvilEnd)
	}
	t.translate(idleFanvil)
	return t.done(), nil
}

func (s *fanvilLines) line(n int, line string) error {
	switch {
	case line == "":
	case s.ended:
		s.t.note(n, config.Mask, "it stands behind the end mark")
	case line == fanvilEnd:
		s.ended = true
	case strings.HasPrefix(line, fanvilHead):
		if s.t.file.Version != "" {
			return fmt.Errorf("line %d: a second first line", n)
		}
		s.t.file.Version = strings.TrimSpace(line[len(fanvilHead):])
	case line[0] == '<' && line[len(line)-1] == '>':
		s.title = strings.Trim(line, "</>")
		s.part = fanvilPart(s.title)
	case strings.HasPrefix(line, "###"):
		name, _, _ := strings.Cut(strings.TrimLeft(line, "# "), ":")
		s.t.note(n, strings.TrimSpace(name), "masked in the export; the secret stays as it is")
	case strings.HasPrefix(line, "--"): // --SIP Line List--  :
	case line[0] == '#' || strings.HasPrefix(line, "//"):
		s.t.note(n, config.Mask, "a comment")
	default:
		return s.item(n, line)
	}
	return nil
}

// item reads NAME:VALUE. Only the first colon divides: values have some of their own.
func (s *fanvilLines) item(n int, line string) error {
	name, value, found := strings.Cut(line, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !found || name == "" || len(name) > 64 {
		s.t.note(n, config.Mask, "neither an item nor a heading")
		return nil
	}
	if number, rest, ok := fanvilLine(name); ok {
		return s.t.add(number, rest, name, value, n)
	}
	part := s.part
	if s.title == "" { // a file of a few items, without parts
		part = fanvilHome(name)
	}
	if part == "" {
		part = s.title
	}
	return s.t.add(0, part+"/"+name, name, value, n)
}

// fanvilLine takes the number off SIP1 Register Port. The global items of SIP have
// blanks behind SIP.
func fanvilLine(name string) (n int, rest string, ok bool) {
	after, ok := strings.CutPrefix(name, "SIP")
	digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
	if !ok || digits == 0 || digits > 4 || digits == len(after) || after[digits] != ' ' {
		return 0, "", false
	}
	n, _ = strconv.Atoi(after[:digits])
	return n, strings.TrimSpace(after[digits:]), n >= 1 && n <= config.MaxNumber
}

// fanvilHome finds the part that an item without one belongs to.
func fanvilHome(name string) string {
	name = fanvilName(name)
	for i := range fanvil.rules {
		for one := range strings.SplitSeq(fanvil.rules[i].items, "|") {
			if part, rest, found := strings.Cut(one, "/"); found && fanvilName(rest) == name {
				return part
			}
		}
	}
	return ""
}
