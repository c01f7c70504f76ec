package sipmsg

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

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

// complete reports that the URI has what its scheme cannot do without.
func (u *URI) complete() bool {
	switch u.Scheme {
	case "*":
		return true
	case "sip", "sips":
		return u.Host != ""
	case "tel":
		return u.User != ""
	}
	return u.Opaque != ""
}

// writable reports that the URI is complete and that the parts which are written
// without escapes hold nothing but what may stand there.
func (u *URI) writable() bool {
	switch u.Scheme {
	case "sip", "sips":
		return (all(u.Host, hostChar) || ipv6(u.Host)) && (u.Headers == "" || all(u.Headers, uriChar))
	case "*", "tel":
		return u.complete()
	case "":
		return u.Opaque != "" // unreadable, written as received
	}
	return all(u.Scheme, schemeChar) && all(u.Opaque, uriChar)
}

// append writes the URI, its parts escaped where its grammar wants it.
func (u *URI) append(b []byte) []byte {
	switch u.Scheme {
	case "*":
		return append(b, '*')
	case "":
		return append(b, u.Opaque...)
	}
	b = append(append(b, u.Scheme...), ':')
	switch u.Scheme {
	case "sip", "sips":
		if u.User != "" {
			b = append(u.appendUser(b), '@')
		}
		b = appendHostPort(b, u.Host, u.Port)
	case "tel":
		b = u.appendUser(b)
	default:
		return append(b, u.Opaque...)
	}
	for _, p := range u.Params {
		b = appendEscaped(append(b, ';'), p.Name, paramChar)
		switch {
		case p.raw != "" && unescape(p.raw) == p.Value:
			b = append(append(b, '='), p.raw...)
		case p.HasValue || p.Value != "":
			b = appendEscaped(append(b, '='), p.Value, paramChar)
		}
	}
	if u.Headers != "" {
		b = append(append(b, '?'), u.Headers...)
	}
	return b
}

// appendUser writes user and password as they came, if they still are what came:
// an escape may matter to the peer that made it (RFC 3261 section 19.1.4 holds a
// reserved character and its escape for different).
func (u *URI) appendUser(b []byte) []byte {
	if u.raw != "" {
		user, password, _ := u.cutRaw()
		if unescape(user) == u.User && unescape(password) == u.Password {
			return append(b, u.raw...)
		}
	}
	return u.appendPlainUser(b)
}

func (u *URI) cutRaw() (user, password string, found bool) {
	if u.Scheme == "tel" {
		return u.raw, "", false
	}
	return strings.Cut(u.raw, ":")
}

func (u *URI) appendPlainUser(b []byte) []byte {
	if u.Scheme == "tel" {
		return appendEscaped(b, u.User, telChar)
	}
	b = appendEscaped(b, u.User, userChar)
	if u.Password != "" {
		b = appendEscaped(append(b, ':'), u.Password, passwordChar)
	}
	return b
}

// String is the URI as it is written in a message.
func (u URI) String() string { return string(u.append(nil)) }

// Equal compares two URIs by RFC 3261 section 19.1.4, tel URIs by RFC 3966 section 5,
// and others by their text.
func (u URI) Equal(o URI) bool {
	if !strings.EqualFold(u.Scheme, o.Scheme) {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "sip", "sips":
		return u.User == o.User && u.Password == o.Password && sameHost(u.Host, o.Host) &&
			u.Port == o.Port && sameParams(u.Params, o.Params) && sameParams(o.Params, u.Params) &&
			sameHeaders(u.Headers, o.Headers)
	case "tel":
		return strings.EqualFold(digits(u.User), digits(o.User)) &&
			len(u.Params) == len(o.Params) && allParams(u.Params, o.Params)
	}
	return u.Opaque == o.Opaque
}

func sameHost(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	x, err1 := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	return err1 == nil && err2 == nil && x == y
}

// sameParams: a parameter in both must match, one in only one URI is ignored unless it
// is user, ttl, method, transport or maddr.
func sameParams(a, b Params) bool {
	for _, p := range a {
		v, ok := b.Get(p.Name)
		if ok && !strings.EqualFold(v, p.Value) {
			return false
		}
		if !ok {
			switch strings.ToLower(p.Name) {
			case "user", "ttl", "method", "transport", "maddr":
				return false
			}
		}
	}
	return true
}

func allParams(a, b Params) bool {
	for _, p := range a {
		if v, ok := b.Get(p.Name); !ok || !strings.EqualFold(v, p.Value) {
			return false
		}
	}
	return true
}

// sameHeaders: header components are never ignored; their order does not matter.
func sameHeaders(a, b string) bool {
	if a == b {
		return true
	}
	if a == "" || b == "" {
		return false
	}
	x, y := splitHeaders(a), splitHeaders(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

func splitHeaders(s string) []string {
	list := strings.Split(s, "&")
	for i, x := range list {
		name, value, _ := strings.Cut(x, "=")
		list[i] = strings.ToLower(unescape(name)) + "=" + unescape(value)
	}
	slices.Sort(list)
	return list
}

// digits takes the visual separators out of a telephone number.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '-', '.', '(', ')':
			return -1
		}
		return r
	}, s)
}

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
	return u, fillURI(&u, m.Request)
}
