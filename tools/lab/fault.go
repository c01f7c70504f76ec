package lab

import "time"

// faultKind is what is wrong with a server.
type faultKind uint8

const (
	well     faultKind = iota
	silent             // hears nothing, says nothing, timers run on
	refusing           // answers everything by 503
)

type fault struct {
	kind        faultKind
	retryAfterS int // of refusing
}

// setFault changes what is wrong.
func (c *core) setFault(f fault) {
	c.fault = f
	c.dead.Store(f.kind != well)
}

// refuse is the 503 of a server that is overloaded or going down (RFC 3261 section
// 21.5.4).
func (c *core) refuse(now time.Time, in *inbound) {
	res := in.req.Response(503, "")
	if c.fault.retryAfterS > 0 {
		res.Header.Add("Retry-After", seconds(c.fault.retryAfterS))
	}
	c.answer(now, in, res)
}
