package lines

import (
	"fmt"
	"time"

	"tipring/internal/sipmsg"
)

// Why a call is sent on, as Diversion says it (RFC 5806).
const (
	DivertAlways   = "unconditional"
	DivertBusy     = "user-busy"
	DivertNoAnswer = "no-answer"
)

// Redirect sends the caller on to a number, or an address, instead of answering (302). The reason is
// one of the words of Diversion.
func (c *Call) Redirect(to, reason string) {
	c.post(func(now time.Time) {
		if c.in != nil {
			c.redirect(now, to, reason)
		}
	})
}

func (c *Call) redirect(now time.Time, to, reason string) {
	srv := c.l.servers[c.info.Server]
	if srv == nil {
		c.refuse(now, 480, Reason{Code: 480, Text: "cannot be sent on: the line has no server", Local: true})
		return
	}
	if cause := c.keptHere(now, to, srv); cause != "" {
		c.refuse(now, 480, Reason{Code: 480, Text: "cannot be sent on: " + cause, Local: true})
		return
	}
	res := c.in.Response(302, "")
	res.Contact = []sipmsg.Addr{{URI: c.uriAt(to, srv)}}
	me := sipmsg.Addr{Display: c.l.cfg.DisplayName, URI: c.l.aor(srv)}
	res.Header.Add("Diversion", fmt.Sprintf("%s;reason=%s", me, reason))
	c.in.RespondWith(now, res)
	c.pending, c.in = nil, nil
	c.finish(now, Reason{Code: 302, Text: "sent on to " + to, Local: true})
}

// keptHere tells why a call is not sent on; empty: it may be.
func (c *Call) keptHere(now time.Time, to string, srv *server) string {
	if c.l.goesRound(c.in.Req, c.l.aor(srv)) {
		return "it was sent on too often"
	}
	if err := c.l.permit(now, to); err != nil {
		return err.Error()
	}
	return ""
}
