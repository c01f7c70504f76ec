package sipmsg

import "strings"

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

func (h *head) endLine(name string, from int) {
	h.b = append(h.b, '\r', '\n')
	if h.lines == nil {
		h.lines = h.room[:0]
	}
	h.lines = append(h.lines, headLine{name, from, len(h.b)})
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
