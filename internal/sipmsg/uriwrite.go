package sipmsg

import "strings"

// String is the URI as it is written in a message.
func (u URI) String() string { return string(u.append(nil)) }

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
