package lines

import (
	"strconv"
	"strings"

	"tipring/internal/sipmsg"
)

// maxDiversions is how often a call may have been sent on before it is not sent on any more.
const maxDiversions = 5

// goesRound reports a call that is not to be sent on: it was too often, or by this line before.
func (l *Line) goesRound(req *sipmsg.Message, me sipmsg.URI) bool {
	n := 0
	for _, line := range req.Header.Values("Diversion") { // RFC 5806
		all, err := sipmsg.ParseAddrs(line)
		if err != nil {
			n++
			continue
		}
		for _, a := range all {
			if a.URI.User == me.User && strings.EqualFold(a.URI.Host, me.Host) {
				return true
			}
			n++
			if times, ok := a.Params.Get("counter"); ok {
				more, _ := strconv.Atoi(times)
				n += max(0, more-1)
			}
		}
	}
	return n >= maxDiversions || historyOf(req) > maxDiversions
}

// historyOf counts the entries of History-Info (RFC 7044), the first of which is no diversion.
func historyOf(req *sipmsg.Message) (n int) {
	for _, line := range req.Header.Values("History-Info") {
		n += len(outsideQuotes(line, ','))
	}
	return n
}
