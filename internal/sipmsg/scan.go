package sipmsg

import (
	"strings"
	"unicode/utf8"
)

// A head is the message that gosip is given to parse: a start line and the address
// headers, in the one plain spelling that its grammar takes. Each method below reads
// a value as peers write it, appends the plain spelling to b, and returns the frame
// of the result: what gosip cannot hold or would alter (schemes other than sip, URI
// headers, how a parameter was quoted). gosip fills in the rest; see fill.
type head struct {
	b     []byte
	lines []headLine
	room  [7]headLine // all that a message can have
}

// A headLine is one header of a head, or its start line.
type headLine struct {
	name     string
	from, to int // where it is in the head
}

// requestURI begins the head of a request.
func (h *head) requestURI(text string) (URI, error) {
	h.b = append(h.b, "S "...)
	u, err := h.uri(text)
	if err != nil {
		h.b = h.b[:0]
		return u, err
	}
	h.b = append(h.b, " SIP/2.0"...)
	h.endLine(hRequestURI, 0)
	return u, nil
}

// plainStart begins a head whose start line tells gosip nothing: that of a response,
// the phrase of which gosip must not see, or one without a readable Request-URI.
func (h *head) plainStart() { h.b = append(h.b[:0], "SIP/2.0 200 OK\r\n"...) }

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

// addresses adds a line of addresses to the head: all lines of that name joined, for
// gosip walks its list anew at every line.
func (h *head) addresses(name string, values []string) (list []Addr, err error) {
	from := len(h.b)
	h.b = append(append(h.b, name...), ':')
	for _, v := range values {
		s := scanner{s: v}
		for more := true; more; more = s.take(',') {
			if len(list) == MaxAddresses {
				h.b = h.b[:from]
				return nil, fault("too many addresses")
			}
			if len(list) > 0 {
				h.b = append(h.b, ',')
			}
			a, err := h.address(&s, false)
			if err != nil {
				h.b = h.b[:from]
				return nil, err
			}
			list = append(list, a)
		}
	}
	h.endLine(name, from)
	return list, nil
}

// party adds the line of From or To.
func (h *head) party(name, value string) (a Addr, err error) {
	from := len(h.b)
	h.b = append(append(h.b, name...), ':')
	s := scanner{s: value}
	if a, err = h.address(&s, true); err == nil && !s.end() {
		err = fault("more than one address")
	}
	if err != nil {
		h.b = h.b[:from]
		return Addr{}, err
	}
	h.endLine(name, from)
	return a, nil
}

func (h *head) endLine(name string, from int) {
	h.b = append(h.b, '\r', '\n')
	if h.lines == nil {
		h.lines = h.room[:0]
	}
	h.lines = append(h.lines, headLine{name, from, len(h.b)})
}

// address reads one name-addr or addr-spec with its parameters (RFC 3261 section
// 25.1). In a header that holds exactly one, a comma separates nothing.
func (h *head) address(s *scanner, one bool) (a Addr, err error) {
	s.blanks()
	display := ""
	angled := false
	if s.at('"') {
		if display, err = s.quoted(); err != nil {
			return a, err
		}
		s.blanks()
		if !s.at('<') {
			return a, fault("display name without an address in angle brackets")
		}
		angled = true
	} else {
		stop := `<";,`
		if one {
			stop = `<";`
		}
		mark := s.i
		if text := s.until(stop); s.at('<') {
			display, angled = collapse(text), true
		} else {
			s.i = mark
		}
	}
	a.Display = readable(display)
	if a.Display != "" {
		h.b = append(appendQuoted(h.b, a.Display), ' ')
	}
	text := ""
	if angled {
		s.i++
		text = trim(s.until(">"))
		if !s.take('>') {
			return a, fault("unclosed angle bracket")
		}
	} else {
		text = s.until("; \t,<>\"")
		if strings.IndexByte(text, '?') >= 0 {
			return a, fault("address with a question mark outside angle brackets")
		}
	}
	h.b = append(h.b, '<')
	if a.URI, err = h.uri(text); err != nil {
		return a, err
	}
	h.b = append(h.b, '>')
	a.Params, err = h.params(s)
	return a, err
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

// params reads the parameters of an address or a Via. Their values are gosip's to give.
func (h *head) params(s *scanner) (list Params, err error) {
	if list, err = s.params(); err != nil {
		return nil, err
	}
	for i := range list {
		p := &list[i]
		h.b = append(append(h.b, ';'), p.Name...)
		switch {
		case !p.HasValue:
		case all(p.Value, tokenChar):
			h.b = append(append(h.b, '='), p.Value...)
		default:
			h.b = appendQuoted(append(h.b, '='), p.Value)
		}
	}
	return list, nil
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

// vias adds the Via line to the head.
func (h *head) vias(values []string) (list []Via, err error) {
	from := len(h.b)
	h.b = append(h.b, "v:"...)
	for _, value := range values {
		s := scanner{s: value}
		for more := true; more; more = s.take(',') {
			if len(list) == MaxAddresses {
				h.b = h.b[:from]
				return nil, fault("too many Via values")
			}
			if len(list) > 0 {
				h.b = append(h.b, ',')
			}
			v, err := h.via(&s)
			if err != nil {
				h.b = h.b[:from]
				return nil, err
			}
			list = append(list, v)
		}
	}
	h.endLine(hVia, from)
	return list, nil
}

// via reads sent-protocol LWS sent-by and the parameters (RFC 3261 section 25.1).
func (h *head) via(s *scanner) (v Via, err error) {
	if v, err = h.hop(s); err == nil {
		v.Params, err = h.params(s)
	}
	return v, err
}

// hop reads a Via up to its parameters.
func (h *head) hop(s *scanner) (v Via, err error) {
	for part := range 3 {
		s.blanks()
		if part > 0 {
			if !s.take('/') {
				return v, fault("no SIP/2.0/transport")
			}
			s.blanks()
			h.b = append(h.b, '/')
		}
		token := s.run(tokenChar)
		if token == "" {
			return v, fault("no SIP/2.0/transport")
		}
		h.b = append(h.b, token...)
	}
	if !s.at(' ') && !s.at('\t') {
		return v, fault("no blank before the host")
	}
	s.blanks()
	h.b = append(h.b, ' ')
	if v.Host, err = h.host(s); err != nil {
		return v, err
	}
	s.blanks()
	if s.take(':') {
		s.blanks()
		err = h.port(s)
	}
	return v, err
}

// host reads a name, an IPv4 address or an IPv6 reference. It is returned only when
// gosip is given another in its place.
func (h *head) host(s *scanner) (kept string, err error) {
	if s.take('[') {
		// RFC 5118 section 4.10: the grammar of RFC 3261 allows a third colon before
		// an IPv4 address, and both forms must be tolerated.
		text := strings.Replace(s.until("]"), ":::", "::", 1)
		if !s.take(']') || !ipv6(text) {
			return "", fault("bad IPv6 reference")
		}
		h.b = append(append(append(h.b, '['), text...), ']')
		return "", nil
	}
	text := s.run(hostChar)
	if text == "" {
		return "", fault("no host")
	}
	if strings.IndexByte(text, '_') >= 0 {
		h.b = append(h.b, 'h')
		return text, nil
	}
	h.b = append(h.b, text...)
	return "", nil
}

// port reads the digits after the colon. gosip's port is a uint16 that wraps.
func (h *head) port(s *scanner) error {
	from := s.i
	for s.i < len(s.s) && isDigit(s.s[s.i]) {
		s.i++
	}
	n, ok := number(s.s[from:s.i], 65535)
	if !ok || n == 0 {
		return fault("bad port")
	}
	h.b = append(append(h.b, ':'), s.s[from:s.i]...)
	return nil
}
