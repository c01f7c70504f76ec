package spool

import (
	"fmt"
	"strings"
	"time"
)

// longestWait bounds the wait for a try: what is later was planned by a clock that was wrong.
const longestWait = time.Hour

// A plan is what a Queue does next.
type plan struct {
	due  []Record
	next time.Time // when it looks again; zero: when it is woken
}

func (p *plan) at(t time.Time) {
	if p.next.IsZero() || t.Before(p.next) {
		p.next = t
	}
}

// plan chooses what is due. Called with mu.
func (q *Queue) plan() (p plan) {
	now, all := q.now(), len(q.running)
	used := map[string]int{}
	for _, d := range q.running {
		used[d.lane]++
	}
	before := map[string]bool{} // an earlier fax goes there
	for _, r := range q.store.List() {
		if r.State != Queued && !r.State.underWay() {
			continue
		}
		to := destination(r)
		first := !before[to]
		before[to] = true
		lane, most := q.lane(r)
		switch {
		case !first || r.State != Queued || q.running[r.ID] != nil:
		case r.NextTry.After(now) && r.NextTry.Sub(now) <= longestWait:
			p.at(r.NextTry)
		case used[lane] < most && all < q.cfg.Parallel:
			used[lane]++
			all++
			p.due = append(p.due, r)
		}
	}
	return p
}

// lane is what a delivery occupies, and how many it takes.
func (q *Queue) lane(r Record) (name string, most int) {
	if r.Kind.ToPort() {
		return fmt.Sprint("port ", r.Port), 1
	}
	return fmt.Sprint("line ", r.Line), q.cfg.PerLine
}

// destination is where faxes arrive in the order in which they were accepted.
func destination(r Record) string {
	if r.Kind.ToPort() {
		return fmt.Sprint("port ", r.Port)
	}
	if number := Normalise(r.Peer); number != "" {
		return "number " + number
	}
	return "name " + strings.ToLower(r.Peer)
}

// mostUntried bounds how often a call cannot even be begun: for a day.
const mostUntried = 300

// wait is how long a fax waits for its next try; ok is false when there is none.
func (q *Queue) wait(r *Record, result Result) (wait time.Duration, ok bool) {
	switch {
	case r.Kind.ToPort():
		n := r.Tries + r.Untried
		if n > 10 {
			return q.cfg.PortLongWait, n < q.cfg.PortTries
		}
		return q.cfg.PortWait, n < q.cfg.PortTries
	case result.NotTried:
		return min(q.cfg.Wait<<min(r.Untried-1, 5), 5*time.Minute), r.Untried < mostUntried
	case result.Busy:
		return q.cfg.BusyWait, r.Tries <= int(q.retries.Load())
	default:
		return q.cfg.Wait, r.Tries <= int(q.retries.Load())
	}
}
