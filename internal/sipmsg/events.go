package sipmsg

import "strings"

// Event is the event package of a SUBSCRIBE or NOTIFY and its id parameter (RFC 6665
// section 8.2.1).
func (m *Message) Event() (pkg, id string, ok bool) {
	pkg, params, ok := parameterized(m.Header.Get("Event"))
	if !ok {
		return "", "", false
	}
	id, _ = params.Get("id")
	return pkg, id, true
}

// A SubscriptionState is the header of that name in a NOTIFY (RFC 6665 section 8.2.3).
type SubscriptionState struct {
	State      string // active, pending, terminated or another, lower case
	Reason     string // why it is terminated: deactivated, probation, timeout, …, lower case
	Expires    int    // seconds; -1: not given
	RetryAfter int    // seconds; -1: not given
}

// SubscriptionState reads the header of that name.
func (m *Message) SubscriptionState() (SubscriptionState, bool) {
	state, params, ok := parameterized(m.Header.Get("Subscription-State"))
	if !ok {
		return SubscriptionState{}, false
	}
	reason, _ := params.Get("reason")
	return SubscriptionState{
		State:      strings.ToLower(state),
		Reason:     strings.ToLower(reason),
		Expires:    params.seconds("expires"),
		RetryAfter: params.seconds("retry-after"),
	}, true
}

func (p Params) seconds(name string) int {
	v, _ := p.Get(name)
	if n, ok := seconds(v); ok {
		return n
	}
	return -1
}

// ReferTo is the Refer-To header (RFC 3515 section 2.1). The URI may carry headers,
// such as Replaces; see URI.Header.
func (m *Message) ReferTo() (Addr, bool) {
	a, err := parseAddr(m.Header.Get("Refer-To"))
	return a, err == nil
}

// ReferredBy is the Referred-By header (RFC 3892 section 3).
func (m *Message) ReferredBy() (Addr, bool) {
	a, err := parseAddr(m.Header.Get("Referred-By"))
	return a, err == nil
}

// Replaces names the dialog that an INVITE is to take the place of (RFC 3891 section 6.1).
type Replaces struct {
	CallID, ToTag, FromTag string
	EarlyOnly              bool
}

// Replaces reads the header of that name.
func (m *Message) Replaces() (Replaces, bool) { return ParseReplaces(m.Header.Get("Replaces")) }

// ParseReplaces reads the value of a Replaces header, also one out of a Refer-To URI.
func ParseReplaces(value string) (Replaces, bool) {
	id, params, ok := parameterized(value)
	to, ok1 := params.Get("to-tag")
	from, ok2 := params.Get("from-tag")
	if !ok || !ok1 || !ok2 || strings.ContainsAny(id, " \t,") {
		return Replaces{}, false
	}
	_, early := params.Get("early-only")
	return Replaces{CallID: id, ToTag: to, FromTag: from, EarlyOnly: early}, true
}

// String is the value of the header.
func (r Replaces) String() string {
	s := r.CallID + ";to-tag=" + r.ToTag + ";from-tag=" + r.FromTag
	if r.EarlyOnly {
		s += ";early-only"
	}
	return s
}

// Header is the value of a header component of the URI, unescaped (RFC 3261 section
// 19.1.1). What it asks for is the peer's wish: check the name before using it.
func (u URI) Header(name string) (value string, ok bool) {
	for rest := u.Headers; rest != ""; {
		var h string
		h, rest, _ = strings.Cut(rest, "&")
		n, v, _ := strings.Cut(h, "=")
		if sameName(unescape(n), name) {
			return unescape(v), true
		}
	}
	return "", false
}

// AddHeader appends a header component, escaped (RFC 3261 section 25.1, hname and hvalue).
func (u *URI) AddHeader(name, value string) {
	if u.Headers != "" {
		u.Headers += "&"
	}
	b := append(appendEscaped(nil, name, headerChar), '=')
	u.Headers += string(appendEscaped(b, value, headerChar))
}
