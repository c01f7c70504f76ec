package registrar

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// epoch is when every simulation begins.
var epoch = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

const (
	span     = 7500 * time.Millisecond // n = 3, T1 = 500 ms
	lastSpan = 32 * time.Second        // 64*T1
	rtt      = 20 * time.Millisecond
)

// No line may send more REGISTERs than this, whatever befalls it.
const (
	stormSize = 60
	stormTime = 10 * time.Second
)

// documentConfig has the document's defaults and both servers.
func documentConfig() Config {
	return Config{
		Register: true, HasBackup: true,
		PrimaryTTL: time.Hour, BackupTTL: time.Hour,
		Failback: true, FailbackInterval: 30 * time.Minute,
		GoodProbes: 1,
	}
}

// A fate is what a simulated server does with a REGISTER.
type fate struct {
	silent     bool
	code       int // 0: 200
	granted    time.Duration
	minExpires time.Duration
	raises     bool // the least lifetime is always more than what was asked for
	retryAfter time.Duration
	lasting    bool
}

// A rig runs one Machine against two simulated servers in its own time.
type rig struct {
	t        *testing.T
	m        *Machine
	now      time.Time
	fates    [3]fate
	pending  results
	sent     []Action    // every Register action, in order
	sentAt   []time.Time // when
	switched []Action
	settled  int
	bindings [3]bool // as the servers see them
}

func newRig(t *testing.T, cfg Config) *rig {
	rnd := rand.New(rand.NewPCG(1, 2))
	return &rig{t: t, m: New(cfg, rnd.Float64), now: epoch}
}

// do carries out actions as the line would.
func (r *rig) do(actions []Action) {
	for _, a := range actions {
		switch a.Kind {
		case Register:
			r.sent, r.sentAt = append(r.sent, a), append(r.sentAt, r.now)
			if n := len(r.sentAt); n > stormSize && r.now.Sub(r.sentAt[n-stormSize]) < stormTime {
				r.t.Fatalf("%d REGISTERs in %v: %s", stormSize, stormTime, r.m.Status().Why)
			}
			heap.Push(&r.pending, r.answer(a))
		case Abandon:
			r.pending.drop(a.Attempt)
		case Switched:
			r.switched = append(r.switched, a)
		case Settled:
			r.settled++
		}
	}
}

func (r *rig) answer(a Action) result {
	f := r.fates[a.Server]
	if f.silent {
		wait := span
		if a.Last {
			wait = lastSpan
		}
		return result{r.now.Add(wait), a, Result{Outcome: Unavailable, Cause: fmt.Errorf("%s: no answer in %v", a.Server, wait)}}
	}
	res := Result{Outcome: OK, Expires: f.granted, Code: 200}
	switch {
	case f.code == 500 || f.code == 503:
		res = Result{Outcome: Unavailable, Code: f.code, RetryAfter: f.retryAfter, Cause: fmt.Errorf("%s: %d", a.Server, f.code)}
	case f.raises:
		res = Result{Outcome: Refused, Code: 423, MinExpires: a.Expires + time.Second, Cause: errors.New("423 Interval Too Brief")}
	case f.code == 423 && a.Expires > 0 && a.Expires < f.minExpires:
		res = Result{Outcome: Refused, Code: 423, MinExpires: f.minExpires, Cause: errors.New("423 Interval Too Brief")}
	case f.code != 0 && f.code != 423:
		res = Result{Outcome: Refused, Code: f.code, Lasting: f.lasting, RetryAfter: f.retryAfter, Cause: fmt.Errorf("%s: %d", a.Server, f.code)}
	}
	return result{r.now.Add(rtt), a, res}
}

// run lets d pass.
func (r *rig) run(d time.Duration) {
	end := r.now.Add(d)
	for steps := 0; ; steps++ {
		if steps > 1_000_000 {
			r.t.Fatalf("machine spins at %v", r.now)
		}
		next := r.m.Deadline()
		if len(r.pending) > 0 && (next.IsZero() || r.pending[0].at.Before(next)) {
			next = r.pending[0].at
		}
		if next.IsZero() || next.After(end) {
			r.now = end
			return
		}
		if next.After(r.now) {
			r.now = next
		}
		if len(r.pending) > 0 && !r.pending[0].at.After(r.now) {
			x := heap.Pop(&r.pending).(result)
			if x.res.Outcome == OK && x.action.Purpose != Verify {
				r.bindings[x.action.Server] = x.action.Purpose != Unbind
			}
			r.do(r.m.Result(r.now, x.action.Attempt, x.res))
			continue
		}
		r.do(r.m.Expire(r.now))
	}
}

// log renders what was sent since the n-th REGISTER: "bind primary +0s".
func (r *rig) log(from int) []string {
	var out []string
	for i := from; i < len(r.sent); i++ {
		a := r.sent[i]
		last := ""
		if a.Last {
			last = " last"
		}
		out = append(out, fmt.Sprintf("%s %s%s", a.Purpose, a.Server, last))
	}
	return out
}

func (r *rig) wantLog(from int, want ...string) {
	r.t.Helper()
	got := r.log(from)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Fatalf("REGISTERs:\n got %q\nwant %q", got, want)
	}
}

func (r *rig) wantCurrent(s Server) {
	r.t.Helper()
	if got := r.m.Current(); got != s {
		r.t.Fatalf("at +%v: current server is %v, want %v (%s)", r.now.Sub(epoch), got, s, r.m.Status().Why)
	}
}

// results are answers on their way, soonest first.
type result struct {
	at     time.Time
	action Action
	res    Result
}
type results []result

func (q results) Len() int           { return len(q) }
func (q results) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q results) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *results) Push(x any)        { *q = append(*q, x.(result)) }
func (q *results) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
func (q *results) drop(attempt uint64) {
	for i, x := range *q {
		if x.action.Attempt == attempt {
			heap.Remove(q, i)
			return
		}
	}
}
