package sipmsg

import (
	"math"
	"strconv"
	"strings"
)

// A Reason says why a request was sent, a call ended for example (RFC 3326 section 2).
type Reason struct {
	Protocol string // SIP, Q.850 or another
	Cause    int    // 0: not given
	Text     string
}

// Reasons are the values of the Reason header field.
func (m *Message) Reasons() (list []Reason) {
	for _, line := range m.Header.Values("Reason") {
		for _, part := range splitCommas(line) {
			protocol, params, ok := parameterized(line[part.from:part.to])
			if !ok || !all(protocol, tokenChar) {
				continue
			}
			r := Reason{Protocol: protocol}
			cause, _ := params.Get("cause")
			n, _ := number(cause, math.MaxInt32)
			r.Cause = int(n)
			text, _ := params.Get("text")
			r.Text = readable(text)
			list = append(list, r)
		}
	}
	return list
}

// Is compares protocol, without regard to case, and cause.
func (r Reason) Is(protocol string, cause int) bool {
	return strings.EqualFold(r.Protocol, protocol) && r.Cause == cause
}

func (r Reason) String() string {
	p := Params{}
	if r.Cause != 0 {
		p.Set("cause", strconv.Itoa(r.Cause))
	}
	if r.Text != "" {
		p.SetQuoted("text", r.Text)
	}
	return r.Protocol + string(p.append(nil))
}
