package lines

import (
	"strings"

	"tipring/internal/sipmsg"
)

// missed reports a call that came in and that somebody here would have wanted to know of: it was
// neither answered, here or elsewhere, nor sent on, nor refused for what it was.
func (c *Call) missed(r Reason) bool {
	if !c.info.Incoming || !c.info.Answered.IsZero() || c.elsewhere {
		return false
	}
	switch r.Code {
	case 408, 480, 486, 487:
		return true
	}
	return false
}

// takenElsewhere reports a CANCEL that says that somebody else has answered (RFC 3326 section 2).
func takenElsewhere(cancel *sipmsg.Message) bool {
	if cancel == nil {
		return false
	}
	for _, line := range cancel.Header.Values("Reason") {
		for _, value := range outsideQuotes(line, ',') {
			parts := outsideQuotes(value, ';')
			if len(parts) > 0 && strings.EqualFold(strings.TrimSpace(parts[0]), "SIP") && causeParam(parts[1:]) == 200 {
				return true
			}
		}
	}
	return causeOf(cancel) == nonSelected
}

// nonSelected is the cause of Q.850 by which telephones that ring are told that another one was
// lifted: 26, non-selected user clearing.
const nonSelected = 26
