package sipmsg

import "strings"

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
