package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// QueueConfig says how a Queue delivers.
type QueueConfig struct {
	Store *Store

	// Deliver makes one try: a call to Peer over Line, or, for a Kind that is ToPort, a call to the
	// machine on Port. It returns soon after ctx ends, and may be called for several faxes at once.
	Deliver func(ctx context.Context, j *Job) Result

	// Hindered tells, before a try, why none can be begun now: no line is up, no machine is there.
	// Such a fax is put off without a word to the disk, which flash is thankful for: it may be looked
	// at hundreds of times. It must not wait. Empty: nothing is in the way; nil: nothing ever is.
	Hindered func(r Record) (why string)

	Retries  int           // of a call, after the first try
	BusyWait time.Duration // after busy; 0: 60 s
	Wait     time.Duration // after any other failure; 0: 15 s

	PortTries    int           // of a delivery to the machine on a port; 0: 300, which last a day
	PortWait     time.Duration // between the first ten; 0: 60 s
	PortLongWait time.Duration // between the others; 0: 5 minutes

	PerLine  int // calls of a line at once; 0: 2. A port has one
	Parallel int // deliveries at once in all; 0: 4

	Zone *time.Location // of the times in notices; nil: local
}

func (c *QueueConfig) setDefaults() {
	setDefault(&c.BusyWait, 60*time.Second)
	setDefault(&c.Wait, 15*time.Second)
	setDefault(&c.PortTries, 300)
	setDefault(&c.PortWait, 60*time.Second)
	setDefault(&c.PortLongWait, 5*time.Minute)
	setDefault(&c.PerLine, 2)
	setDefault(&c.Parallel, 4)
	if c.Zone == nil {
		c.Zone = time.Local
	}
	if c.Hindered == nil {
		c.Hindered = func(Record) string { return "" }
	}
}

// A Queue delivers the faxes of a Store that wait. Faxes to one number, or to one port, go
// in the order of their acceptance: one that is tried again holds those behind it.
type Queue struct {
	retries atomic.Int32
	zone    atomic.Pointer[time.Location]

	cfg   QueueConfig
	store *Store
	wake  chan struct{}

	telling sync.Mutex // one notice is made at a time

	mu       sync.Mutex
	running  map[string]*running
	paused   bool
	finished chan struct{} // closed and made anew whenever a delivery ends
}

// running is a delivery under way.
type running struct {
	lane      string
	cancel    context.CancelFunc
	cancelled bool // by Cancel
}

// NewQueue makes the Queue of a Store, which has one.
func NewQueue(c QueueConfig) *Queue {
	c.setDefaults()
	q := &Queue{
		cfg: c, store: c.Store, wake: make(chan struct{}, 1),
		running: map[string]*running{}, finished: make(chan struct{}),
	}
	q.Set(c.Retries, c.Zone)
	q.store.mu.Lock()
	q.store.waiting = q.poke
	q.store.mu.Unlock()
	return q
}

// Set changes how often a call is tried again, and the zone of the times in notices, from the
// next one on.
func (q *Queue) Set(retries int, zone *time.Location) {
	q.retries.Store(int32(retries))
	q.zone.Store(zone)
}

// poke makes Run look what there is to do.
func (q *Queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends, and returns when no delivery is left running: those that
// ctx cut short are tried again by the next Run.
func (q *Queue) Run(ctx context.Context) {
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	q.tellAll()
	for {
		next, ok := q.start(ctx, &deliveries)
		if !q.rest(ctx, next, ok) {
			return
		}
	}
}

// rest waits for something to do, until next at most if that is set, and is false when ctx has
// ended.
func (q *Queue) rest(ctx context.Context, next time.Time, set bool) bool {
	var timer <-chan time.Time
	if set {
		t := time.NewTimer(max(0, next.Sub(q.now())))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-q.wake:
	case <-timer:
	}
	return true
}

func (q *Queue) now() time.Time { return q.store.cfg.Now() }

// start begins what is due, and tells when it wants to be called again.
func (q *Queue) start(ctx context.Context, deliveries *sync.WaitGroup) (next time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ctx.Err() != nil || q.paused {
		return time.Time{}, false
	}
	p := q.plan()
	for _, r := range p.due {
		q.begin(ctx, r, deliveries)
	}
	if len(q.store.stale()) > 0 { // the disk did not take them
		deliveries.Go(func() { _ = q.store.SaveStale() })
		p.at(q.now().Add(time.Minute))
	}
	return p.next, !p.next.IsZero()
}

// begin makes a try. Called with mu.
func (q *Queue) begin(ctx context.Context, r Record, deliveries *sync.WaitGroup) {
	ctx, cancel := context.WithCancel(ctx)
	lane, _ := q.lane(r)
	q.running[r.ID] = &running{lane: lane, cancel: cancel}
	deliveries.Go(func() {
		defer cancel()
		q.try(ctx, r.ID)
		q.mu.Lock()
		cancelled := q.running[r.ID].cancelled && q.drop(r.ID) == nil
		delete(q.running, r.ID)
		close(q.finished)
		q.finished = make(chan struct{})
		q.mu.Unlock()
		if cancelled {
			_ = q.store.save(r.ID) // logged, and tried again
		}
		q.poke()
	})
}

// try makes one try of a fax, from the record of its beginning to that of its end.
func (q *Queue) try(ctx context.Context, id string) {
	if q.putOff(id) {
		return
	}
	waiting := false
	r, err := q.store.change(id, func(r *Record) {
		if waiting = r.State == Queued; !waiting { // cancelled meanwhile
			return
		}
		r.State, r.NextTry, r.Error = Dialling, time.Time{}, ""
		if r.Kind.ToPort() {
			r.State = Delivering
		}
		r.Tries++
	})
	if err != nil || !waiting {
		return
	}
	_ = q.store.save(id) // logged; a fax is not held up by that
	result := q.cfg.Deliver(ctx, &Job{Record: r, store: q.store})
	q.end(ctx, id, result)
}

// putOff plans another look at a fax for which no try can be begun.
func (q *Queue) putOff(id string) bool {
	r, err := q.store.Get(id)
	if err != nil {
		return false
	}
	why := q.cfg.Hindered(r)
	if why == "" {
		return false
	}
	r, err = q.store.note(id, func(r *Record) {
		if r.State == Queued { // not cancelled meanwhile
			r.Tries++ // which again takes back
			r.Error = clip(why, maxLong)
			q.again(r, Result{NotTried: true})
		}
	})
	if err == nil && r.State == Failed {
		_ = q.store.save(id) // logged, and tried again
		q.tellAll()
	}
	return true
}

// Pause begins no more tries, and has the store refuse new faxes; those running go on. Resume
// takes it back.
func (q *Queue) Pause() { q.pause(true) }

// Resume goes on after Pause.
func (q *Queue) Resume() { q.pause(false) }

func (q *Queue) pause(yes bool) {
	q.store.Refuse(yes)
	q.mu.Lock()
	q.paused = yes
	q.mu.Unlock()
	q.poke()
}

// Wait returns when no delivery is running, or ctx has ended.
func (q *Queue) Wait(ctx context.Context) error {
	for {
		q.mu.Lock()
		n, finished := len(q.running), q.finished
		q.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-finished:
		}
	}
}

// Running is how many deliveries are under way.
func (q *Queue) Running() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.running)
}

// Cancel ends a fax that waits or is being delivered. One whose last page was confirmed
// meanwhile is sent all the same.
func (q *Queue) Cancel(id string) error {
	if q.interrupt(id) {
		return nil
	}
	err := q.drop(id)
	if err == nil {
		q.poke()
		return q.store.save(id)
	}
	if errors.Is(err, ErrState) && q.interrupt(id) { // begun meanwhile
		return nil
	}
	return err
}

// drop ends a fax that waits.
func (q *Queue) drop(id string) error {
	return q.alter(id, "cancel", func(r *Record) bool {
		if r.State != Queued {
			return false
		}
		r.finish(q.store, Cancelled)
		return true
	})
}

// interrupt cancels a delivery under way.
func (q *Queue) interrupt(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := q.running[id]
	if d == nil {
		return false
	}
	d.cancelled = true
	d.cancel()
	return true
}

// Resend sends a finished fax once more, from its first page.
func (q *Queue) Resend(id string) error {
	return q.replan(id, "resend", func(r *Record) bool {
		if !r.State.Finished() || r.Kind == Mailbox || r.PageCount == 0 {
			return false
		}
		r.State, r.NextTry, r.Ended = Queued, q.now().UTC(), time.Time{}
		r.Tries, r.Untried, r.Interrupted, r.FirstPage, r.Pages = 0, 0, 0, 0, nil
		r.Error, r.Uncertain, r.CalledNumberResult = "", false, ""
		return true
	})
}

// replan changes what becomes of a fax, if it is in a state for that.
func (q *Queue) replan(id, what string, f func(*Record) bool) error {
	if err := q.alter(id, what, f); err != nil {
		return err
	}
	q.poke()
	return q.store.save(id)
}

// alter changes a record, if it is in a state for that.
func (q *Queue) alter(id, what string, f func(*Record) bool) error {
	done, state := false, State("")
	_, err := q.store.change(id, func(r *Record) {
		state = r.State
		done = f(r)
	})
	if err != nil {
		return err
	}
	if !done {
		return fmt.Errorf("%s fax %s, which is %s: %w", what, id, state, ErrState)
	}
	return nil
}

// PortReady tells that a port's machine can be reached again: what waits for it is tried at once.
func (q *Queue) PortReady(port int) {
	q.tryNow(func(r *Record) bool { return r.Kind.ToPort() && r.Port == port })
}

// LineReady tells that a line can be called over again: what waits for any is tried at once.
func (q *Queue) LineReady() {
	q.tryNow(func(r *Record) bool { return !r.Kind.ToPort() && r.Untried > 0 })
}

func (q *Queue) tryNow(waits func(*Record) bool) {
	for _, r := range q.store.List() {
		if r.State != Queued || !waits(&r) {
			continue
		}
		_, _ = q.store.change(r.ID, func(r *Record) {
			if r.State == Queued {
				r.NextTry = q.now().UTC()
			}
		})
	}
	q.poke()
}

// end decides what becomes of a fax after a try.
func (q *Queue) end(ctx context.Context, id string, result Result) {
	q.mu.Lock()
	cancelled := q.running[id].cancelled
	q.mu.Unlock()
	r, err := q.store.change(id, func(r *Record) {
		result.enter(r)
		r.advance()
		switch {
		case result.OK || r.FirstPage == r.PageCount:
			r.delivered(q.store)
		case cancelled:
			r.Error = "cancelled"
			r.finish(q.store, Cancelled)
		case ctx.Err() != nil:
			q.stopped(r)
		default:
			q.again(r, result)
		}
		r.Committing = false
	})
	if err != nil {
		return
	}
	_ = q.store.save(id) // logged, and tried again
	if r.State.Finished() {
		q.tellAll()
	}
}

// stopped is for a try that the program's end cut short.
func (q *Queue) stopped(r *Record) {
	r.Uncertain = r.Uncertain || r.Committing
	r.State, r.NextTry, r.Tries = Queued, q.now().UTC(), max(r.Tries-1, 0)
}

// again plans the next try, if there is one.
func (q *Queue) again(r *Record, result Result) {
	if r.Error == "" {
		r.Error = "the fax was not confirmed"
	}
	switch {
	case result.NotTried:
		r.Tries--
		r.Untried++
	case !r.Kind.ToPort(): // it waits for the number now, and not for a line
		r.Untried = 0
	}
	wait, ok := q.wait(r, result)
	if !ok || result.Permanent {
		r.fail(q.store, r.Error)
		return
	}
	r.State, r.NextTry = Queued, q.now().Add(min(max(wait, result.After), longestWait)).UTC()
}
