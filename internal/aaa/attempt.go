package aaa

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// An attempt is what happened while one server was asked.
type attempt struct {
	server  *server
	sent    int           // transmissions
	refused atomic.Int32  // answers that were not believed
	why     atomic.Uint32 // a Refusal: of the first of them, but Unsigned before all others
}

func (a *attempt) transmitted() {
	if a.sent++; a.sent == 1 {
		a.server.counts.sent.Add(1)
	} else {
		a.server.counts.retransmitted.Add(1)
	}
}

func (a *attempt) refuse(why Refusal) {
	a.server.counts.refused[why].Add(1)
	a.refused.Add(1)
	if why == Unsigned {
		a.why.Store(uint32(why))
	} else {
		a.why.CompareAndSwap(0, uint32(why))
	}
}

// failure describes an attempt without an answer that could be believed.
func (a *attempt) failure(err error, after time.Duration) error {
	text := fmt.Sprintf("after %d transmissions and %v", a.sent, after.Round(10*time.Millisecond))
	if n := a.refused.Load(); n > 0 {
		text += fmt.Sprintf(", %d answers refused (%v)", n, Refusal(a.why.Load()))
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("no answer %s", text)
	}
	return fmt.Errorf("%w %s", err, text)
}

const unsignedCure = "make the server sign its answers: FreeRADIUS before 3.2.5: `update reply { Message-Authenticator := 0x00 }` in post-auth, and in its Post-Auth-Type REJECT; " +
	"from 3.2.5: require_message_authenticator = yes for this client"

var cures = map[Refusal]string{
	Unsigned:         unsignedCure + "; or, insecure, mark the server ;legacy",
	BadAuthenticator: "is the shared secret the same on both sides?",
}

// tell logs, once an attempt, that answers were refused.
func (x *exchange) tell(a *attempt) {
	n := a.refused.Load()
	if n == 0 {
		return
	}
	why := Refusal(a.why.Load())
	facts := []any{"server", a.server.Addr, "reason", why.String(), "answers", n}
	if cure := cures[why]; cure != "" {
		facts = append(facts, "cure", cure)
	}
	x.log.Warn("RADIUS answers refused", facts...)
}
