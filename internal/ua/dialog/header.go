package dialog

import (
	"strconv"
	"strings"
	"time"

	"tipring/internal/sipmsg"
)

// maxSeconds bounds every lifetime that a peer may ask for: a year.
const maxSeconds = 366 * 24 * 3600

// withParams splits a header value such as "active;expires=60" into what stands before
// the first semicolon and the parameters. Semicolons in quotation marks separate nothing.
func withParams(value string) (first string, params sipmsg.Params) {
	first, rest := cutSemicolon(value)
	for rest != "" {
		var p string
		p, rest = cutSemicolon(rest)
		name, v, has := strings.Cut(p, "=")
		if name = strings.TrimSpace(name); name != "" {
			params = append(params, sipmsg.Param{Name: name, Value: unquote(strings.TrimSpace(v)), HasValue: has})
		}
	}
	return strings.TrimSpace(first), params
}

func cutSemicolon(s string) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`)
}

// seconds reads delta-seconds (RFC 3261 section 20.19), at most a year.
func seconds(s string) (time.Duration, bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n > maxSeconds {
		n = maxSeconds // more digits than any lifetime needs
	}
	return time.Duration(n) * time.Second, true
}

func formatSeconds(d time.Duration) string {
	return strconv.FormatInt(int64(d/time.Second), 10)
}

// supports adds an option tag to Supported unless it is there.
func supports(m *sipmsg.Message, tag string) {
	if !m.OptionTag("Supported", tag) {
		m.Header.Add("Supported", tag)
	}
}

// requires adds an option tag to Require unless it is there.
func requires(m *sipmsg.Message, tag string) {
	if !m.OptionTag("Require", tag) {
		m.Header.Add("Require", tag)
	}
}
