package targets

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sort"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tipring/internal/ua/transport"
)

const (
	maxCache   = 256                     // questions remembered
	failureTTL = 5 * time.Second         // nobody is asked again for so long after a failure
	staleTTL   = 30 * time.Second        // RFC 8767 section 4
	staleAfter = 1800 * time.Millisecond // RFC 8767 section 5, client response timer
	maxStale   = 3 * 24 * time.Hour      // how long an answer may be used after it ran out (RFC 8767 section 6)
)

// An entry is a question that is being asked, or its answer.
type entry struct {
	done    chan struct{} // closed when there is an outcome
	answer  *answer       // nil with err
	err     error
	expires time.Time
	kept    *answer // the last good one, for when nobody answers
	keptTil time.Time
}

// ask answers a question from the cache or by the name servers. Who asks the same at the
// same time waits for the first. An answer without records of that type is an error.
func (r *Resolver) ask(ctx context.Context, q question) (*answer, error) {
	for {
		e, mine := r.claim(q)
		if mine {
			a, err := r.askInTime(ctx, q, e)
			r.settle(q, e, a, err)
			return r.result(q, e)
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if !isContext(e.err) {
			return r.result(q, e)
		}
		// Who asked was called off; this one is not.
	}
}

// askInTime asks, but waits not long when there is an old answer to go on with.
func (r *Resolver) askInTime(ctx context.Context, q question, e *entry) (*answer, error) {
	if e.kept != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, staleAfter)
		defer cancel()
	}
	return r.askAlong(ctx, q)
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// claim finds the entry of a question, or makes one that the caller has to settle.
func (r *Resolver) claim(q question) (e *entry, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.cache[q]
	if old != nil {
		select {
		case <-old.done:
			if r.now().Before(old.expires) {
				return old, false
			}
		default:
			return old, false
		}
	}
	e = &entry{done: make(chan struct{})}
	if old != nil && r.now().Before(old.keptTil) {
		e.kept, e.keptTil = old.kept, old.keptTil
	}
	r.cache[q] = e
	r.shrink()
	return e, true
}

// shrink is called with mu held. It forgets what runs out first.
func (r *Resolver) shrink() {
	if len(r.cache) <= maxCache {
		return
	}
	var first question
	var found *entry
	for q, e := range r.cache {
		select {
		case <-e.done:
		default:
			continue
		}
		if found == nil || e.expires.Before(found.expires) {
			first, found = q, e
		}
	}
	if found != nil {
		delete(r.cache, first)
	}
}

// settle gives an entry its outcome.
func (r *Resolver) settle(q question, e *entry, a *answer, err error) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(e.done)
	e.answer, e.err = a, err
	switch {
	case err == nil:
		e.expires = now.Add(a.ttl)
		e.kept, e.keptTil = nil, time.Time{}
		if !a.empty() {
			e.kept, e.keptTil = a, e.expires.Add(maxStale)
		}
	case errors.Is(err, context.Canceled), isContext(err) && e.kept == nil:
		e.expires = now // with what it keeps
	case e.kept != nil:
		r.cfg.Log.Warn("name servers do not answer: an old answer is used on", "name", q.name, "type", q.typ.String(), "err", err)
		stale := *e.kept
		stale.ttl = staleTTL
		e.answer, e.err = &stale, nil
		e.expires = now.Add(staleTTL)
	default:
		e.expires = now.Add(failureTTL)
	}
}

// result is what an entry says now, its time to live counted down.
func (r *Resolver) result(q question, e *entry) (*answer, error) {
	if e.err != nil {
		return nil, e.err
	}
	switch {
	case e.answer.rcode == dnsmessage.RCodeNameError:
		return nil, &transport.LookupError{Host: q.name, Fault: transport.NotFound}
	case e.answer.empty():
		return nil, &transport.LookupError{Host: q.name, Fault: transport.NoAddress}
	}
	a := *e.answer
	a.ttl = max(e.expires.Sub(r.now()), time.Second)
	return &a, nil
}

// askAlong asks the servers, and again for the alias where an answer ends with one.
func (r *Resolver) askAlong(ctx context.Context, q question) (*answer, error) {
	ttl := maxTTL
	for range maxChain {
		a, err := r.askServers(ctx, q)
		if err != nil {
			return nil, err
		}
		a.ttl = min(a.ttl, ttl)
		if a.next == "" || a.rcode != dnsmessage.RCodeSuccess {
			return a, nil
		}
		q.name, ttl = a.next, a.ttl
	}
	return nil, &transport.LookupError{Host: q.name, Fault: transport.ServerFailure, Err: errors.New("too many aliases")}
}

// askServers asks one server after the other, those that were silent lately last, until
// one answers. When all were, each has one chance.
func (r *Resolver) askServers(ctx context.Context, q question) (*answer, error) {
	servers, timeout, attempts := r.plan()
	failure := &transport.LookupError{Host: q.name, Fault: transport.Timeout}
	for range attempts {
		var again []netip.AddrPort
		for _, s := range servers {
			a, err := r.exchange(ctx, s, q, timeout)
			if err == nil {
				return a, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if errors.Is(err, errRefusal) {
				failure.Fault, failure.Err = transport.ServerFailure, err
				continue
			}
			if failure.Fault == transport.Timeout {
				failure.Err = err
			}
			r.silent(s)
			again = append(again, s)
		}
		servers = again
	}
	return nil, failure
}

func (r *Resolver) plan() (servers []netip.AddrPort, timeout time.Duration, attempts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	wasSilent := func(s netip.AddrPort) int {
		if now.Before(r.servers.silent[s]) {
			return 1
		}
		return 0
	}
	servers = slices.Clone(r.servers.addrs)
	sort.SliceStable(servers, func(i, j int) bool { return wasSilent(servers[i]) < wasSilent(servers[j]) })
	if wasSilent(servers[0]) == 1 {
		return servers, r.servers.timeout, 1
	}
	return servers, r.servers.timeout, r.servers.attempts
}

// silent notes that a server did not answer.
func (r *Resolver) silent(s netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers.silent[s] = r.now().Add(30 * time.Second)
}

// answered notes that it did.
func (r *Resolver) answered(s netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.servers.silent, s)
}

// patience is how long an answer for IPv6 is waited for when that for IPv4 is there.
const patience = 300 * time.Millisecond

// addresses asks for IPv4 and IPv6 addresses at the same time.
func (r *Resolver) addresses(ctx context.Context, name string) ([]netip.Addr, time.Duration, error) {
	type outcome struct {
		*answer
		err error
	}
	ctx6, cancel := context.WithCancel(ctx)
	defer cancel()
	six := make(chan outcome, 1)
	want4, want6 := r.wants(netip.IPv4Unspecified()), r.wants(netip.IPv6Unspecified()) && r.ipv6()
	if want6 {
		go func() {
			a, err := r.ask(ctx6, question{name, typeAAAA})
			six <- outcome{a, err}
		}()
	}
	var v4, v6 outcome
	if want4 {
		v4.answer, v4.err = r.ask(ctx, question{name, typeA})
	}
	if want6 {
		if want4 && v4.err == nil {
			stop := time.AfterFunc(patience, cancel)
			defer stop.Stop()
		}
		v6 = <-six
	}
	var addrs []netip.Addr
	ttl := maxTTL
	for _, o := range []outcome{v4, v6} {
		if o.answer != nil {
			addrs = append(addrs, o.addrs...)
			ttl = min(ttl, o.ttl)
		}
	}
	switch {
	case len(addrs) > 0:
		return addrs, ttl, nil
	case v4.err != nil && (v6.err == nil || !isAbsent(v4.err) || isAbsent(v6.err)):
		return nil, 0, v4.err
	case v6.err != nil:
		return nil, 0, v6.err
	}
	return nil, 0, &transport.LookupError{Host: name, Fault: transport.NoAddress}
}
