package call

import (
	"tipring/internal/offer"
	"tipring/lines"
)

// A listener takes what the line tells of a call and posts it to the port. It is the
// handler of a conversation's call. That it is a lines.FaxHandler too means nothing where the
// call's Media have no T.38.
type listener struct{ c *conversation }

// post has fn run on the port's goroutine, unless the conversation is over by then.
func (l listener) post(fn func()) bool {
	return l.c.p.post(func() {
		if !l.c.gone {
			fn()
		}
	})
}

// Started implements lines.Handler.
func (l listener) Started(call *lines.Call) {
	ok := l.c.p.post(func() {
		if l.c.gone { // hung up before the line had begun
			call.Hangup()
			return
		}
		l.c.begun(call)
	})
	if !ok {
		call.Hangup()
	}
}

// Ringing implements lines.Handler.
func (l listener) Ringing(*lines.Call) { l.post(l.c.rings) }

// Media implements lines.Handler.
func (l listener) Media(_ *lines.Call, a *offer.Audio) { l.post(func() { l.c.agreed(a) }) }

// Image implements lines.FaxHandler.
func (l listener) Image(_ *lines.Call, i *offer.Image) { l.post(func() { l.c.image(i) }) }

// SwitchRefused implements lines.FaxHandler.
func (l listener) SwitchRefused(_ *lines.Call, code int) {
	l.post(func() { l.c.switchRefused(code) })
}

// Answered implements lines.Handler.
func (l listener) Answered(*lines.Call) { l.post(l.c.answered) }

// Digit implements lines.Handler.
func (l listener) Digit(_ *lines.Call, digit byte) { l.post(func() { l.c.play(digit) }) }

// Referred implements lines.Handler.
func (l listener) Referred(_ *lines.Call, d lines.Dial) bool { return l.c.refer(d) }

// Ended implements lines.Handler.
func (l listener) Ended(_ *lines.Call, r lines.Reason) { l.post(func() { l.c.ended(r) }) }
