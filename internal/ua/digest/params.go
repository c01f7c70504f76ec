package digest

import (
	"errors"
	"strings"
)

// Limits on an authentication header value.
const (
	maxValue   = 4096
	maxParams  = 32
	maxSchemes = 8
)

// A param is one auth-param. Its name is in lower case, its value as received without
// the quotes, escapes left in place, so that it can be sent back unchanged.
type param struct {
	name, raw string
}

// A statement is a scheme with its parameters: a challenge, or credentials.
type statement struct {
	scheme string
	params []param
}

func (s *statement) raw(name string) string {
	for _, p := range s.params {
		if p.name == name {
			return p.raw
		}
	}
	return ""
}

func (s *statement) value(name string) string { return unescape(s.raw(name)) }

// parseStatements reads the value of an authentication header (RFC 7235 section 2.1,
// RFC 3261 section 25.1). It takes what servers really send: commas too many, blanks
// round the equals sign, names in any case, an unquoted nonce of base64, several
// challenges in one value.
func parseStatements(value string) ([]statement, error) {
	if len(value) > maxValue {
		return nil, errors.New("longer than 4096 octets")
	}
	var all []statement
	rest := skip(value)
	for rest != "" {
		word := upTo(rest, " \t,=\"")
		if word == "" {
			return nil, errors.New("a name is missing")
		}
		rest = strings.TrimLeft(rest[len(word):], " \t\r\n")
		if !strings.HasPrefix(rest, "=") {
			if len(all) == maxSchemes {
				return nil, errors.New("more than 8 challenges")
			}
			all = append(all, statement{scheme: word})
			rest = skip(rest)
			continue
		}
		if len(all) == 0 {
			return nil, errors.New("a parameter without a scheme")
		}
		raw, after, err := parameterValue(strings.TrimLeft(rest[1:], " \t\r\n"))
		if err != nil {
			return nil, err
		}
		if err := all[len(all)-1].add(strings.ToLower(word), raw); err != nil {
			return nil, err
		}
		rest = skip(after)
	}
	return all, nil
}

// parseParams reads parameters that follow no scheme: Authentication-Info.
func parseParams(value string) (statement, error) {
	all, err := parseStatements("Info " + value)
	if err != nil || len(all) != 1 {
		return statement{}, errors.New("not a list of parameters")
	}
	return all[0], nil
}

func (s *statement) add(name, raw string) error {
	for _, p := range s.params {
		if p.name == name {
			return errors.New("parameter twice")
		}
	}
	if len(s.params) == maxParams {
		return errors.New("more than 32 parameters")
	}
	s.params = append(s.params, param{name, raw})
	return nil
}

// skip drops white space and commas.
func skip(s string) string { return strings.TrimLeft(s, " \t\r\n,") }

// upTo is what stands before the first octet of stop.
func upTo(s, stop string) string {
	if i := strings.IndexAny(s, stop); i >= 0 {
		return s[:i]
	}
	return s
}

// parameterValue reads a quoted string or a run of other octets.
func parameterValue(s string) (raw, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		raw = upTo(s, " \t\r\n,")
		if strings.ContainsAny(raw, `"\`) || !printable(raw) {
			return "", "", errors.New("an odd octet in a value")
		}
		return raw, s[len(raw):], nil
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			if raw = s[1:i]; !printable(raw) {
				return "", "", errors.New("a control octet in a value")
			}
			return raw, s[i+1:], nil
		}
	}
	return "", "", errors.New("an open quotation")
}

// printable refuses control octets: the value will be sent back.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// unescape resolves quoted pairs.
func unescape(raw string) string {
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) {
			i++
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

// quote makes a quoted string.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
