package sipmsg

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// seconds reads delta-seconds (RFC 3261 section 25.1). What is larger than this
// program can count is the largest it can; anything but digits is no number.
func seconds(s string) (int, bool) {
	if s == "" {
		return 0, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return math.MaxInt32, true
	}
	return int(n), true
}

func (m *Message) seconds(name string) (int, bool) { return seconds(m.Header.Get(name)) }

// Expires is the Expires header in seconds (RFC 3261 section 20.19). A malformed one
// is as good as none: the caller's default applies.
func (m *Message) Expires() (int, bool) { return m.seconds("Expires") }

// MinExpires is the Min-Expires header of a 423, in seconds (RFC 3261 section 20.23).
func (m *Message) MinExpires() (int, bool) { return m.seconds("Min-Expires") }

// MaxForwards is the Max-Forwards header (RFC 3261 section 20.22).
func (m *Message) MaxForwards() (int, bool) { return m.seconds(hMaxForwards) }

// RetryAfter is the Retry-After header, at most a year, its comment and parameters left
// out: 18000;duration=3600, or 120 (I'm in a meeting) (RFC 3261 section 20.33).
func (m *Message) RetryAfter() (time.Duration, bool) {
	value := m.Header.Get("Retry-After")
	if i := strings.IndexAny(value, " \t(;"); i >= 0 {
		value = value[:i]
	}
	n, ok := seconds(value)
	return time.Duration(min(n, maxRetryAfter)) * time.Second, ok
}

// maxRetryAfter is a year in seconds: what is longer means never, and fits every sum of times.
const maxRetryAfter = 366 * 24 * 3600

// Expires is the expires parameter of a Contact in seconds (RFC 3261 section 10.2.1.1).
func (a Addr) Expires() (int, bool) {
	v, _ := a.Params.Get("expires")
	return seconds(v)
}

// A SessionTimer is a Session-Expires header (RFC 4028 section 4).
type SessionTimer struct {
	Seconds   int
	Refresher string // uac, uas, or empty when it is not said
}

// SessionExpires reads the Session-Expires header.
func (m *Message) SessionExpires() (SessionTimer, bool) {
	value, params, ok := parameterized(m.Header.Get("Session-Expires"))
	if !ok {
		return SessionTimer{}, false
	}
	n, ok := seconds(value)
	refresher, _ := params.Get("refresher")
	return SessionTimer{n, strings.ToLower(refresher)}, ok
}

func (t SessionTimer) String() string {
	s := strconv.Itoa(t.Seconds)
	if t.Refresher != "" {
		s += ";refresher=" + t.Refresher
	}
	return s
}

// MinSE is the Min-SE header in seconds (RFC 4028 section 5).
func (m *Message) MinSE() (int, bool) {
	value, _, ok := parameterized(m.Header.Get("Min-SE"))
	if !ok {
		return 0, false
	}
	return seconds(value)
}

// RSeq is the number of a reliable provisional response (RFC 3262 section 7.1).
func (m *Message) RSeq() (uint32, bool) {
	n, ok := number(m.Header.Get("RSeq"), math.MaxUint32)
	return uint32(n), ok && n > 0
}

// RAck names the reliable provisional response that a PRACK acknowledges: its RSeq
// and the CSeq of the request it answered (RFC 3262 section 7.2).
func (m *Message) RAck() (rseq uint32, cseq CSeq, ok bool) {
	first, rest, _ := strings.Cut(m.Header.Get("RAck"), " ")
	n, ok1 := number(first, math.MaxUint32)
	cseq, ok2 := parseCSeq(trim(rest))
	if !ok1 || !ok2 || n == 0 {
		return 0, CSeq{}, false
	}
	return uint32(n), cseq, true
}

// parameterized splits a header value into what stands before the first semicolon and
// the parameters after it.
func parameterized(value string) (first string, params Params, ok bool) {
	s := scanner{s: value}
	first = trim(s.until(";"))
	params, err := s.params()
	return first, params, err == nil && s.end() && first != ""
}
