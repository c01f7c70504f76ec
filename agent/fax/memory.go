package fax

import (
	"container/list"
	"strings"
	"sync"
	"time"

	"tipring/internal/sipmsg"
)

const (
	// memorySize is how many destinations are remembered, the ones last met.
	memorySize = 500
	// memoryFor is how long: a gateway gets T.38 one day, and until then each day costs
	// one re-INVITE that is refused.
	memoryFor = 24 * time.Hour
)

// A Memory remembers the destinations that refused T.38, or agreed to it and sent no packet:
// faxes there go in sound at once. What they offer by themselves is taken all the same. The
// zero value is empty. Its methods may be called from any goroutine, and of a nil
// Memory: it remembers nothing.
type Memory struct {
	mu      sync.Mutex
	entries map[string]*list.Element
	order   list.List // of refusal, the latest in front
}

type refusal struct {
	number string
	at     time.Time
}

// anonymous is the user of a caller who withholds his number (RFC 3323 section 4.1.1.3).
const anonymous = "anonymous"

// Refused notes that T.38 with a destination came to nothing.
func (m *Memory) Refused(number string, now time.Time) {
	key := Normal(number)
	if m == nil || key == "" || key == anonymous {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(key)
	if m.entries == nil {
		m.entries = map[string]*list.Element{}
	}
	m.entries[key] = m.order.PushFront(refusal{key, now})
	if m.order.Len() > memorySize {
		m.forget(m.order.Back().Value.(refusal).number)
	}
}

// Worked notes that packets of T.38 came from a destination.
func (m *Memory) Worked(number string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(Normal(number))
}

// Refuses tells whether T.38 need not be offered to a destination.
func (m *Memory) Refuses(number string, now time.Time) bool {
	if m == nil {
		return false
	}
	key := Normal(number)
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[key]
	if e == nil {
		return false
	}
	if now.Sub(e.Value.(refusal).at) >= memoryFor {
		m.forget(key)
		return false
	}
	return true
}

func (m *Memory) forget(key string) {
	if e := m.entries[key]; e != nil {
		m.order.Remove(e)
		delete(m.entries, key)
	}
}

// Normal is a number in the form in which numbers are compared: of a SIP or tel URI the
// user, and without the marks that people put between digits (RFC 3966 section 5.1.1) nor the
// plus sign of a global number, which some networks leave out. Names are compared without
// regard to case.
func Normal(number string) string {
	number = sipmsg.UserOf(strings.ToLower(strings.TrimSpace(number)))
	if strings.Trim(number, "0123456789+*# -.()/") != "" {
		return number
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()/+", r) {
			return -1
		}
		return r
	}, number)
}
