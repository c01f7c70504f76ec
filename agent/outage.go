package agent

import (
	"context"
	"sync/atomic"
	"time"

	"tipring/internal/aaa"
)

// outageBudget is what a lookup may take while no RADIUS server answers.
const outageBudget = time.Second

// An outage asks RADIUS in one look for settings. A lookup has all the transmissions of
// all the servers, half a minute each; a look asks about the account and each of its
// numbers. Once one lookup was answered from disk, the others wait for as long as one
// transmission, or the time of the look would be over before its file is fetched.
type outage struct {
	aaa.Cached
	on atomic.Bool
}

// Exchange is Cached's.
func (o *outage) Exchange(ctx context.Context, r aaa.Request) (aaa.Response, error) {
	if o.on.Load() && (r.Budget == 0 || r.Budget > outageBudget) {
		r.Budget = outageBudget
	}
	answer, err := o.Cached.Exchange(ctx, r)
	o.on.Store(err == nil && answer.Stored)
	return answer, err
}
