package lines

import (
	"time"
	"unicode/utf8"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

// A Text is a message to the people of a line (RFC 3428).
type Text struct {
	From string // who sent it, as callers are shown
	Text string // UTF-8
}

const (
	// plainType is the only kind of message that is taken.
	plainType = "text/plain"
	// maxText bounds a message, in octets.
	maxText = 4 << 10
)

// texted takes a MESSAGE. That its sender may send the line anything has been found out by then.
func (l *Line) texted(now time.Time, in *ua.Incoming) {
	switch body := in.Req.Body; {
	case !l.cfg.Enabled || l.stopping:
		in.Respond(now, 480, "")
	case len(body) > maxText:
		in.Respond(now, 413, "")
	case !utf8.Valid(body):
		(&refusal{code: 415, field: sipmsg.Field{Name: "Accept", Value: plainType + ";charset=utf-8"}}).answer(now, in)
	default:
		// RFC 3428 section 7: a 200 says that the message was delivered to the user; an empty one
		// leaves nothing to deliver.
		if len(body) == 0 {
			in.Respond(now, 200, "")
			return
		}
		from, _ := caller(l.identitySource(in.From.Addr()), in.Req)
		l.dev.Owner.Text(l.cfg.N, Text{From: from, Text: string(body)}, func(err error) {
			l.ep.Post(func(now time.Time) {
				if err != nil {
					l.log.Error("message not kept", "err", err)
					in.Respond(now, 500, "")
					return
				}
				in.Respond(now, 200, "")
			})
		})
	}
}
