package lab

import (
	"slices"
	"sync"
	"time"

	"tipring/internal/sipmsg"
)

// maxContacts bounds the bindings of one user.
const maxContacts = 8

// A Binding is one contact of a user at a server (RFC 3261 section 10.3).
type Binding struct {
	Contact sipmsg.Addr
	Until   time.Time
	CallID  string
	Seq     uint32

	way way // that its REGISTER came
}

// A location is a server's table of bindings, the latest of a user last. The other
// server looks into it too.
type location struct {
	mu    sync.Mutex
	users map[string][]Binding
}

// of lists the bindings of a user that are good at now.
func (l *location) of(user string, now time.Time) []Binding {
	l.mu.Lock()
	defer l.mu.Unlock()
	var good []Binding
	for _, b := range l.users[user] {
		if now.Before(b.Until) {
			good = append(good, b)
		}
	}
	return good
}

// latest is the binding to send a request to.
func (l *location) latest(user string, now time.Time) (Binding, bool) {
	all := l.of(user, now)
	if len(all) == 0 {
		return Binding{}, false
	}
	return all[len(all)-1], true
}

func (l *location) set(user string, bindings []Binding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(bindings) == 0 {
		delete(l.users, user)
		return
	}
	l.users[user] = bindings
}

// expire takes out what has run out by now, tells it, and says when to call again.
func (l *location) expire(now time.Time, gone func(user string, b Binding)) (next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for user, bindings := range l.users {
		l.users[user] = slices.DeleteFunc(bindings, func(b Binding) bool {
			if now.Before(b.Until) {
				next = earlier(next, b.Until)
				return false
			}
			gone(user, b)
			return true
		})
		if len(l.users[user]) == 0 {
			delete(l.users, user)
		}
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// unplug takes out what was reached by a connection that has ended (RFC 5626 section 4.3).
func (l *location) unplug(conn *connection, gone func(user string, b Binding)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for user, bindings := range l.users {
		l.users[user] = slices.DeleteFunc(bindings, func(b Binding) bool {
			if b.way.conn != conn {
				return false
			}
			gone(user, b)
			return true
		})
	}
}
