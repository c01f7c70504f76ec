package sipmsg

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseURI reads one URI.
func ParseURI(s string) (URI, error) {
	u, err := parseURI(s)
	if err != nil {
		return URI{}, fmt.Errorf("URI %q: %w", s, err)
	}
	return u, nil
}

func parseURI(s string) (URI, error) {
	var h head
	u, err := h.requestURI(s)
	if err != nil {
		return u, err
	}
	m, err := h.parse()
	if err != nil {
		return u, err
	}
	err = fillURI(&u, m.Request)
	return u, err
}

// uri reads a URI and appends the spelling that gosip takes. A tel number goes to it
// as a user, and any other scheme stays with us, a placeholder in its stead.
func (h *head) uri(text string) (u URI, err error) {
	colon := strings.IndexByte(text, ':')
	if colon <= 0 || !all(text[:colon], schemeChar) || text[0]|0x20 < 'a' || text[0]|0x20 > 'z' {
		return u, fault("URI without a scheme")
	}
	if !all(text, uriChar) {
		return u, fault("character that no URI may hold")
	}
	u.Scheme = strings.ToLower(text[:colon])
	s := scanner{s: text, i: colon + 1}
	switch u.Scheme {
	case "sip", "sips":
		h.b = append(append(h.b, u.Scheme...), ':')
		if at := strings.IndexByte(text[s.i:], '@'); at >= 0 {
			if u.raw, err = h.userinfo(text[s.i : s.i+at]); err != nil {
				return u, err
			}
			s.i += at + 1
		}
		if u.Host, err = h.host(&s); err != nil {
			return u, err
		}
		u.Host = strings.ToLower(u.Host)
		if s.take(':') {
			if err = h.port(&s); err != nil {
				return u, err
			}
		}
	case "tel":
		number := s.until(";")
		if !all(strings.ReplaceAll(number, "%", ""), telChar) {
			return u, fault("tel URI without a number")
		}
		h.b = append(h.b, "sip:"...)
		if h.b, err = appendStrict(h.b, number, userChar); err != nil {
			return u, err
		}
		u.raw = number
		h.b = append(h.b, "@tel"...)
	default:
		if u.Opaque = text[s.i:]; u.Opaque == "" {
			return u, fault("URI with nothing after the scheme")
		}
		h.b = append(h.b, "sip:opaque"...)
		return u, nil
	}
	if u.Params, err = h.uriParams(&s); err != nil {
		return u, err
	}
	if u.Scheme != "tel" && s.take('?') {
		u.Headers = s.s[s.i:]
	} else if !s.end() {
		return u, fault("text after the host of a URI")
	}
	return u, nil
}

// userinfo appends user:password@ and returns its text.
func (h *head) userinfo(text string) (string, error) {
	user, password, _ := strings.Cut(text, ":")
	if user == "" {
		return "", fault("URI with an empty user")
	}
	var err error
	if h.b, err = appendStrict(h.b, user, userChar); err != nil {
		return "", err
	}
	if password != "" {
		h.b = append(h.b, ':')
		if h.b, err = appendStrict(h.b, password, passwordChar); err != nil {
			return "", err
		}
	}
	h.b = append(h.b, '@')
	return text, nil
}

// appendStrict escapes what gosip does not take bare, and keeps the escapes there are.
func appendStrict(b []byte, s string, class uint16) ([]byte, error) {
	for i := 0; i < len(s); i++ {
		switch {
		case escapeAt(s, i):
			b = append(b, s[i:i+3]...)
			i += 2
		case s[i] == '%':
			return b, fault("bad escape in a URI")
		case is(s[i], class):
			b = append(b, s[i])
		default:
			b = appendHex(b, s[i])
		}
	}
	return b, nil
}

// uriParams reads ;name=value pairs up to a question mark or the end.
func (h *head) uriParams(s *scanner) (list Params, err error) {
	for s.take(';') {
		name, value, hasValue := strings.Cut(s.until(";?"), "=")
		if name == "" {
			return nil, fault("URI parameter without a name")
		}
		h.b = append(h.b, ';')
		if h.b, err = appendStrict(h.b, name, paramChar); err != nil {
			return nil, err
		}
		if value != "" {
			h.b = append(h.b, '=')
			if h.b, err = appendStrict(h.b, value, paramChar); err != nil {
				return nil, err
			}
		}
		list = append(list, Param{HasValue: hasValue, raw: value})
	}
	return list, nil
}

// ipv6 reports a legal IPv6 address without a zone.
func ipv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}
