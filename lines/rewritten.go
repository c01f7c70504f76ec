package lines

import "tipring/internal/sipmsg"

// rewritten reports a response whose topmost Via does not name the host and port that the request
// was sent with. Servers leave these alone, and add what they see instead as received and rport
// (RFC 3261 section 18.2.1, RFC 3581 section 4): somebody between has changed them, and has not
// changed them back.
func rewritten(req, res *sipmsg.Message) bool {
	if len(req.Via) == 0 || len(res.Via) == 0 {
		return false
	}
	was, is := req.Via[0], res.Via[0]
	return !sameAddress(sipmsg.URI{Host: was.Host, Port: was.Port}, sipmsg.URI{Host: is.Host, Port: is.Port})
}
