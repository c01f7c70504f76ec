package features

// A Caller is who calls, as far as it is known.
type Caller struct {
	Number    string
	Anonymous bool // the number is withheld
}

// A Verdict is what becomes of a call that comes in for a port; the zero value: it rings.
type Verdict struct {
	Code    int    // of the refusal; 0: none
	Forward string // where it is sent to; empty: nowhere
}

// SIP statuses.
const (
	busy      = 486
	anonymity = 433 // RFC 5079: Anonymity Disallowed
)

// Judge tells what a port has set about a call from somebody: who hides is refused before
// anything else, as exchanges do it; and who has calls forwarded is reached
// although nobody is to disturb the telephone here.
func (b *Book) Judge(port int, c Caller) Verdict {
	s := b.Settings(port)
	switch {
	case s.RejectAnonymous && c.Anonymous:
		return Verdict{Code: anonymity}
	case s.ForwardAll != "":
		return Verdict{Forward: s.ForwardAll}
	case s.DND:
		return Verdict{Code: busy}
	}
	return Verdict{}
}
