package fetch

import (
	"fmt"
	"strconv"
	"strings"

	"tipring/internal/config"
)

// Macros are what a URL may name of the device.
type Macros struct {
	MAC      config.MAC
	Serial   string
	Account  string // as RADIUS told it
	Arg      string // FB-Provisioning-Arg that is neither a URL nor settings
	Model    string
	Version  string // of the program
	Hardware string // version of the hardware
}

// UserAgent is the device as it names itself to a provisioning server, which may choose
// a file by it: tipring/1.4.0 RB760 (0c383e000001). Characters that have no place in
// the header become hyphens.
func UserAgent(m Macros) string {
	token := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return strings.Map(func(r rune) rune {
			if unreserved(byte(r)) && r < 0x80 {
				return r
			}
			return '-'
		}, s)
	}
	return "tipring/" + token(m.Version, "unknown") + " " + token(m.Model, "unknown") + " (" + m.MAC.String() + ")"
}

// macros are all that Expand knows, by every spelling: the product's own in braces, and
// those with a dollar sign of Cisco ($MA, $(MA), ${MA}) and Fanvil ($mac, $input).
var macros = []struct {
	own, dollar string
	value       func(m Macros) string
}{
	{"mac", "MA", func(m Macros) string { return m.MAC.String() }},
	{"MAC", "MAU", func(m Macros) string { return m.MAC.Upper() }},
	{"", "MAC", withColons},
	{"", "mac", func(m Macros) string { return m.MAC.String() }},
	{"", "input", func(m Macros) string { return m.MAC.String() + ".cfg" }},
	{"serial", "SN", func(m Macros) string { return m.Serial }},
	{"account", "", func(m Macros) string { return m.Account }},
	{"arg", "", func(m Macros) string { return m.Arg }},
	{"model", "PN", func(m Macros) string { return m.Model }},
	{"version", "SWVER", func(m Macros) string { return m.Version }},
	{"", "HWVER", func(m Macros) string { return m.Hardware }},
}

func withColons(m Macros) string {
	s := m.MAC.String()
	return s[0:2] + ":" + s[2:4] + ":" + s[4:6] + ":" + s[6:8] + ":" + s[8:10] + ":" + s[10:12]
}

// Expand puts the macros' values into a URL, percent-encoded, so that a value can end
// no path segment and add no parameter. A macro in the scheme, host or port is refused:
// whoever gives the value would say who is asked. So is one that is unknown, or whose
// value is. $$ is a dollar sign. Cisco's $(NAME:p:q) is q characters from the p-th on.
//
// The error wraps ErrURL and holds none of the URL's secrets.
func Expand(url string, m Macros) (string, error) {
	url = strings.TrimSpace(url)
	if len(url) > maxURL {
		return "", fmt.Errorf("%w: longer than 2048 octets", ErrURL)
	}
	server, credentials, target := split(url)
	if strings.ContainsAny(server, "{}$") {
		return "", fmt.Errorf("%w: no macro may stand in the scheme, host or port: %s", ErrURL, short(server))
	}
	for _, part := range []*string{&credentials, &target} {
		text, err := expand(*part, m)
		if err != nil {
			return "", fmt.Errorf("%w: %s/…: %w", ErrURL, short(server), err)
		}
		*part = text
	}
	whole := target
	if server != "" {
		scheme, host, _ := strings.Cut(server, "://")
		whole = scheme + "://" + credentials + host + target
	}
	if _, err := parseURL(whole); err != nil {
		return "", err
	}
	return whole, nil
}

// split takes a URL apart: scheme://host:port, user:password@, and the rest.
func split(url string) (server, credentials, target string) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url, "", ""
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@') + 1
	return scheme + "://" + rest[at:end], rest[:at], rest[end:]
}

// expand replaces the macros of one part.
func expand(s string, m Macros) (string, error) {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, "{$")
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		name, rest, err := macroAt(s[i:])
		if err != nil {
			return "", err
		}
		if name == "" { // a dollar sign that begins no macro
			b.WriteByte('$')
		} else {
			value, err := valueOf(name, m)
			if err != nil {
				return "", err
			}
			encode(&b, value)
		}
		s = rest
	}
}

// macroAt cuts a macro off, its spelling kept: {mac}, $MA, or $MA for $(MA) and ${MA}.
func macroAt(s string) (name, rest string, err error) {
	bracketed := func(open string, closing string) (string, string, error) {
		inside, rest, ok := strings.Cut(s[len(open):], closing)
		if !ok {
			return "", "", fmt.Errorf("%s without %s", open, closing)
		}
		return inside, rest, nil
	}
	switch {
	case s[0] == '{':
		name, rest, err = bracketed("{", "}")
		return "{" + name + "}", rest, err
	case strings.HasPrefix(s, "$("):
		name, rest, err = bracketed("$(", ")")
		return "$" + name, rest, err
	case strings.HasPrefix(s, "${"):
		name, rest, err = bracketed("${", "}")
		return "$" + name, rest, err
	case strings.HasPrefix(s, "$$"):
		return "", s[2:], nil
	}
	end := 1
	for end < len(s) && (isLetter(s[end]) || end > 1 && isDigit(s[end])) {
		end++
	}
	if end == 1 {
		return "", s[1:], nil
	}
	return s[:end], s[end:], nil
}

// valueOf looks a macro up. An empty value is refused: http://host/.cfg is nobody's
// file. {arg} alone may be empty, being free text for the server.
func valueOf(name string, m Macros) (string, error) {
	own, isOwn := strings.CutPrefix(strings.TrimSuffix(name, "}"), "{")
	dollar, cut := strings.TrimPrefix(name, "$"), ""
	if !isOwn {
		dollar, cut, _ = strings.Cut(dollar, ":")
	}
	for _, known := range macros {
		if isOwn && (known.own == "" || own != known.own) || !isOwn && (known.dollar == "" || dollar != known.dollar) {
			continue
		}
		value := known.value(m)
		if cut != "" {
			var err error
			if value, err = substring(name, value, cut); err != nil {
				return "", err
			}
		}
		return value, usable(name, value, known.own == "arg")
	}
	return "", fmt.Errorf("unknown macro %s", short(name))
}

func usable(name, value string, mayBeEmpty bool) error {
	switch {
	case value == "" && !mayBeEmpty:
		return fmt.Errorf("macro %s: this device knows no value for it", short(name))
	case value == "." || value == "..":
		return fmt.Errorf("macro %s: its value %q is no name", short(name), value)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("macro %s: a control character in its value", short(name))
	}
	return nil
}

// substring is Cisco's p or p:q.
func substring(name, value, cut string) (string, error) {
	first, count, counted := strings.Cut(cut, ":")
	p, err := strconv.ParseUint(first, 10, 16)
	q := uint64(len(value))
	if err == nil && counted {
		q, err = strconv.ParseUint(count, 10, 16)
	}
	if err != nil {
		return "", fmt.Errorf("macro %s: want two numbers after the name", short(name))
	}
	from := min(int(p), len(value))
	return value[from:min(from+int(q), len(value))], nil
}

// encode writes a value percent-encoded (RFC 3986 section 2.1), all but unreserved
// characters.
func encode(b *strings.Builder, value string) {
	for i := range len(value) {
		if c := value[i]; unreserved(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(b, "%%%02X", c)
		}
	}
}

func unreserved(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
