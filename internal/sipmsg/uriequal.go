package sipmsg

import (
	"net/netip"
	"slices"
	"strings"
)

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
