package lines

import (
	"context"
	"slices"
	"sort"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
	"tipring/registrar"
)

const (
	// lookupTimeout bounds a DNS lookup with all its records.
	lookupTimeout = 10 * time.Second

	// staleTimeout bounds one whose answer of before can serve. It is the client
	// response timer of RFC 8767 section 5, and staleLife its failure recheck timer.
	staleTimeout = 1800 * time.Millisecond
	staleLife    = 30 * time.Second
)

// resolve sees to it that s.targets are fresh and calls then, at once when they are. A
// lookup that fails leaves the old ones in use for a while: name servers go down too.
func (l *Line) resolve(now time.Time, s *server, then func(now time.Time, err error)) {
	if s.literal() || len(s.targets) > 0 && now.Before(s.freshTil) {
		then(now, nil)
		return
	}
	s.asking = append(s.asking, then)
	if len(s.asking) > 1 {
		return
	}
	limit := lookupTimeout
	if len(s.targets) > 0 {
		limit = staleTimeout
	}
	l.lookup(s.query, limit, func(now time.Time, targets []transport.Target, ttl time.Duration, err error) {
		switch {
		case err == nil:
			s.freshTil = now.Add(ttl)
			l.relocate(s, targets)
		case len(s.targets) > 0:
			l.log.Warn("the addresses of before serve on", "server", s.id, "err", err)
			s.freshTil, err = now.Add(staleLife), nil
		}
		asking := s.asking
		s.asking = nil
		for _, then := range asking {
			then(now, err)
		}
	})
}

// relocate takes the answer of a lookup. The same targets in another order are no news:
// SRV records of one priority come shuffled.
func (l *Line) relocate(s *server, targets []transport.Target) {
	same := len(targets) == len(s.targets) && !slices.ContainsFunc(targets, func(t transport.Target) bool { return !s.has(t.Normal()) })
	if same {
		return
	}
	s.targets = targets
	l.publishSources()
	l.noteCurrent()
	l.watch()
}

// lookup resolves in the background and tells the line.
func (l *Line) lookup(q transport.Query, limit time.Duration, then func(time.Time, []transport.Target, time.Duration, error)) {
	l.lookups.Add(1)
	go func() {
		defer l.lookups.Done()
		ctx, cancel := context.WithTimeout(l.ctx, limit)
		defer cancel()
		targets, ttl, err := l.dev.Resolver.Lookup(ctx, q)
		l.ep.Post(func(now time.Time) {
			if !l.ended {
				then(now, targets, ttl, err)
			}
		})
	}()
}

func (l *Line) isDown(t transport.Target) bool {
	down, _, _ := l.dev.Stack.Health.State(t)
	return down
}

// livingFirst orders targets so that those known to be dead come last.
func livingFirst(targets []transport.Target, dead func(transport.Target) bool) []transport.Target {
	targets = slices.Clone(targets)
	sort.SliceStable(targets, func(i, j int) bool { return !dead(targets[i]) && dead(targets[j]) })
	return targets
}

// callOrder is how the targets of s are asked for a call: the one that the line is
// registered at, then the others, and the dead ones last.
func (l *Line) callOrder(s *server) []transport.Target {
	list := []transport.Target{s.target()}
	for _, t := range s.targets {
		if t.Normal() != list[0].Normal() {
			list = append(list, t)
		}
	}
	return livingFirst(list, l.isDown)
}

// registerOrder is how they are asked for a registration: in the order of their records,
// so that the line comes back to the first one. One known to be dead is last, but for a
// try in each Failback Interval, as nobody else looks whether it has returned.
func (l *Line) registerOrder(now time.Time, s *server) []transport.Target {
	interval := time.Duration(l.cfg.FailbackInterval) * time.Second
	tried := false
	list := livingFirst(s.targets, func(t transport.Target) bool {
		down, since, _ := l.dev.Stack.Health.State(t)
		old := down && now.Sub(since) >= interval && now.Sub(s.regained) >= interval
		tried = tried || old
		return down && !old
	})
	if tried {
		s.regained = now
	}
	return list
}

// ownerOf is the server of the line that a URI of a route set names; nil: none. at is the one
// whose dialog it is.
func (l *Line) ownerOf(at registrar.Server, u sipmsg.URI) *server {
	for _, match := range []func(*server, sipmsg.URI) bool{(*server).names, (*server).mayName} {
		for _, id := range []registrar.Server{at, at.Other()} {
			if s := l.servers[id]; s != nil && len(s.targets) > 0 && match(s, u) {
				return s
			}
		}
	}
	return nil
}

// hopTarget finds where a URI of a route set leads. at is the server whose dialog it is;
// own is the server of the line that the URI names, None when it is somebody else's. One
// that is the line's own is reached at the address in use, over the connection that
// stands.
func (l *Line) hopTarget(now time.Time, at registrar.Server, u sipmsg.URI, then func(now time.Time, t transport.Target, own registrar.Server, err error)) {
	if s := l.ownerOf(at, u); s != nil {
		then(now, s.targetOf(u), s.id, nil)
		return
	}
	q := transport.Query{Host: u.Host, Port: u.Port, Proto: protoOf(u), Device: l.cfg.UseVPN}
	if s := l.servers[at]; s != nil && u.Transport() == "" && u.Scheme != "sips" {
		q.Proto = s.query.Proto
	}
	if t, ok := literalTarget(q); ok {
		then(now, t, registrar.None, nil)
		return
	}
	l.lookup(q, lookupTimeout, func(now time.Time, targets []transport.Target, _ time.Duration, err error) {
		if err != nil {
			then(now, transport.Target{}, registrar.None, err)
			return
		}
		then(now, livingFirst(targets, l.isDown)[0], registrar.None, nil)
	})
}
