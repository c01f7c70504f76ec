package lines

import (
	"slices"
	"strconv"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

const (
	// overtakenWait is how long a re-INVITE that has overtaken the 2xx to our INVITE waits for
	// it. UDP keeps no order, and a fax machine that answers asks for T.38 at once.
	overtakenWait = 4 * time.Second
	maxOvertaken  = 2 // of one INVITE
)

// legOf finds the INVITE of ours, not answered yet, that a request takes for answered: one with a
// new offer in the dialog, or in one of the dialogs, that will come of it.
func (l *Line) legOf(req *sipmsg.Message) *leg {
	if req.Method != sipmsg.INVITE && (req.Method != sipmsg.UPDATE || len(req.Body) == 0) {
		return nil
	}
	for c := range l.calls {
		for _, g := range c.legs {
			if m := g.req.Msg; !g.abandoned && m.CallID == req.CallID && m.From.Tag() == req.To.Tag() {
				return g
			}
		}
	}
	return nil
}

// overtaken keeps a request until the 2xx has come.
func (g *leg) overtaken(now time.Time, in *ua.Incoming) {
	if len(g.overtaking) == maxOvertaken {
		tryLater(now, in)
		return
	}
	in.OnCancel = func(now time.Time) {
		g.overtaking = slices.DeleteFunc(g.overtaking, func(x *ua.Incoming) bool { return x == in })
		in.Respond(now, 487, "")
	}
	g.overtaking = append(g.overtaking, in)
	if g.overtakenBy.IsZero() {
		g.overtakenBy = now.Add(overtakenWait)
	}
}

// takeOvertaken lets in what has waited: the dialog it is for is there, or never will be.
func (g *leg) takeOvertaken(now time.Time) {
	waiting := g.overtaking
	g.overtaking, g.overtakenBy = nil, time.Time{}
	for _, in := range waiting {
		in.OnCancel = nil
		if c := g.c; !c.over && c.s != nil && c.s.d.ID == dialog.RequestID(in.Req) {
			g.c.l.inDialog(now, in)
		} else {
			tryLater(now, in)
		}
	}
}

// tryLater refuses an offer that comes while another has no answer (RFC 3261 section 14.2).
func tryLater(now time.Time, in *ua.Incoming) {
	res := in.Response(500, "")
	res.Header.Add("Retry-After", strconv.Itoa(int(overtakenWait/time.Second)))
	in.RespondWith(now, res)
}
