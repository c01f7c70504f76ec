package lines

import (
	"strings"
	"time"

	"tipring/internal/sipmsg"
)

// callbackTime is how long after an emergency call whoever was called may call back: then no
// call to the line is kept away by what people have set. RFC 7090 section 1 tells why.
const callbackTime = 30 * time.Minute

// callback reports an INVITE that may be of those who were called in an emergency: because there
// was such a call a while ago, or because a server of the line says so (RFC 7090 section 5).
func (l *Line) callback(now time.Time, req *sipmsg.Message, stranger bool) bool {
	if !l.emergency.IsZero() && now.Sub(l.emergency) < callbackTime {
		return true
	}
	return !stranger && strings.EqualFold(strings.TrimSpace(req.Header.Get("Priority")), "psap-callback")
}
