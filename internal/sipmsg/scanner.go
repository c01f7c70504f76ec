package sipmsg

import (
	"strings"
	"unicode/utf8"
)

// A scanner walks one unfolded header value.
type scanner struct {
	s string
	i int
}

func (s *scanner) blanks() {
	for s.i < len(s.s) && isBlank(s.s[s.i]) {
		s.i++
	}
}

func (s *scanner) end() bool { return s.i >= len(s.s) }

// at reports whether the next character is c.
func (s *scanner) at(c byte) bool { return s.i < len(s.s) && s.s[s.i] == c }

// take passes over c when it is next.
func (s *scanner) take(c byte) bool {
	if s.at(c) {
		s.i++
		return true
	}
	return false
}

// run takes the characters of a class.
func (s *scanner) run(class uint16) string {
	from := s.i
	for s.i < len(s.s) && is(s.s[s.i], class) {
		s.i++
	}
	return s.s[from:s.i]
}

// until takes everything before the first of those characters, or all.
func (s *scanner) until(stop string) string {
	rest := s.s[s.i:]
	if n := strings.IndexAny(rest, stop); n >= 0 {
		rest = rest[:n]
	}
	s.i += len(rest)
	return rest
}

// quoted takes a quoted-string, the next character being its quotation mark, and
// returns what it says.
func (s *scanner) quoted() (string, error) {
	from := s.i + 1
	for i := from; i < len(s.s); i++ {
		switch s.s[i] {
		case '\\':
			i++
		case '"':
			s.i = i + 1
			return unquote(s.s[from:i]), nil
		}
	}
	return "", fault("unterminated quoted string")
}

// params reads ;name=value pairs up to the end or a comma.
func (s *scanner) params() (list Params, err error) {
	for {
		s.blanks()
		if s.end() || s.at(',') {
			return list, nil
		}
		if !s.take(';') {
			return nil, fault("text where a parameter should begin")
		}
		p, err := s.param()
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
}

// param reads name or name=value, with blanks wherever the grammar allows them.
func (s *scanner) param() (p Param, err error) {
	s.blanks()
	if p.Name = s.run(tokenChar); p.Name == "" {
		return p, fault("parameter without a name")
	}
	mark := s.i
	s.blanks()
	if !s.take('=') {
		s.i = mark
		return p, nil
	}
	p.HasValue = true
	s.blanks()
	if p.Quoted = s.at('"'); p.Quoted {
		p.Value, err = s.quoted()
	} else {
		p.Value = s.run(valueChar)
	}
	return p, err
}

// collapse makes one blank of each run of them in an unquoted display name.
func collapse(s string) string {
	s = trim(s)
	if !strings.Contains(s, "  ") && strings.IndexByte(s, '\t') < 0 {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// readable takes text that is not UTF-8 for ISO 8859-1, which older peers send, so
// that a name can be shown and written again.
func readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	for i := range len(s) {
		b = utf8.AppendRune(b, rune(s[i]))
	}
	return string(b)
}
