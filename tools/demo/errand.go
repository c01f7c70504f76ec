package demo

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// An errand is something that goes on beside the story until a step waits for it.
type errand struct {
	done     chan struct{}
	sentence string // these when it is done
	err      error
}

// errands are those of the fax machines. Faxing takes its time: they go on side by side.
type errands struct {
	cancel                            context.CancelFunc // nil: not begun
	work                              sync.WaitGroup
	relay, document, callAhead, comes errand
}

// faxLimit is how long they may take, all side by side.
const faxLimit = 80 * time.Second

// begin sends the fax machines off.
func (e *errands) begin(s *story) {
	var ctx context.Context
	ctx, e.cancel = context.WithTimeout(context.Background(), faxLimit)
	for _, x := range []struct {
		errand *errand
		do     func(context.Context) (string, error)
	}{
		{&e.relay, s.faxRelay}, {&e.document, s.faxDocument}, {&e.callAhead, s.faxCallAhead}, {&e.comes, s.faxIn},
	} {
		x.errand.done = make(chan struct{})
		e.work.Go(func() {
			defer close(x.errand.done)
			x.errand.sentence, x.errand.err = x.do(ctx)
		})
	}
}

// end ends what is still under way.
func (e *errands) end() {
	if e.cancel != nil {
		e.cancel()
		e.work.Wait()
	}
}

// await is the step that waits for an errand.
func (e *errand) await(ctx context.Context) (string, error) {
	select {
	case <-e.done:
		return e.sentence, e.err
	case <-ctx.Done():
		return "", fmt.Errorf("the fax is not through: %w", ctx.Err())
	}
}
