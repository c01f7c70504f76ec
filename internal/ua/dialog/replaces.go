package dialog

import "tipring/internal/sipmsg"

// A Replaces names a dialog that a new call is to take the place of (RFC 3891), as the
// side sees it that gets it: its own tag is the to-tag.
type Replaces struct{ sipmsg.Replaces }

// ReplacesOf reads the Replaces header of an INVITE. nil without one. code is 400 for one
// that cannot be read, for two of them, and for one in another request (RFC 3891 section 3).
func ReplacesOf(req *sipmsg.Message) (r *Replaces, code int) {
	values := req.Header.Values("Replaces")
	if len(values) == 0 {
		return nil, 0
	}
	if len(values) > 1 || req.Method != sipmsg.INVITE {
		return nil, 400
	}
	parsed, ok := ParseReplaces(values[0])
	if !ok {
		return nil, 400
	}
	return &parsed, 0
}

// ParseReplaces reads the value of a Replaces header.
func ParseReplaces(value string) (Replaces, bool) {
	r, ok := sipmsg.ParseReplaces(value)
	return Replaces{r}, ok
}

// ReplacesFor names a dialog of ours to its far end, or by way of a REFER to a third
// party that will call the far end.
func ReplacesFor(d *Dialog) Replaces {
	return Replaces{sipmsg.Replaces{CallID: d.CallID, ToTag: orZero(d.RemoteTag), FromTag: orZero(d.LocalTag)}}
}

// orZero: RFC 3891 section 6.1: a tag of 0 stands for none, which RFC 2543 allowed.
func orZero(tag string) string {
	if tag == "" {
		return "0"
	}
	return tag
}

// Match reports whether it names that dialog of ours.
func (r Replaces) Match(d *Dialog) bool {
	return r.CallID == d.CallID && r.ToTag == orZero(d.LocalTag) && r.FromTag == orZero(d.RemoteTag)
}

// Judge says what an INVITE that names d, nil for no dialog of ours, is to be answered
// with: 0 when it may take d's place (RFC 3891 section 3).
func (r Replaces) Judge(d *Dialog) (code int) {
	switch {
	case d == nil:
		return 481
	case d.State() == Ended:
		return 603
	case d.State() == Confirmed && r.EarlyOnly:
		return 486
	case d.State() == Early && !d.Caller():
		return 481
	}
	return 0
}
