package transport

import (
	"sync"
	"time"
)

// maxHealth bounds the targets remembered; beyond it the server that has been up
// longest is forgotten, which changes nothing as an unknown one counts as up.
const maxHealth = 1024

// Health is what is known of each server, shared by all lines, so that they leave a
// dead one together. It reads no clock. A target not heard of is up.
type Health struct {
	mu      sync.Mutex
	targets map[Target]*condition
	hooks   map[int]func(Target)
	nextID  int
}

type condition struct {
	down  bool
	since time.Time // of down, or of up again
	cause error     // of down
}

// NewHealth returns a Health in which every target is up.
func NewHealth() *Health {
	return &Health{targets: make(map[Target]*condition), hooks: make(map[int]func(Target))}
}

// Down records that t is unavailable. When it was already, since stays and the cause
// becomes the newer one.
func (h *Health) Down(t Target, cause error, now time.Time) {
	h.change(t, now, func(c *condition) { c.down, c.cause = true, cause })
}

// Up records an answer from t.
func (h *Health) Up(t Target, now time.Time) {
	h.change(t, now, func(c *condition) { c.down, c.cause = false, nil })
}

// State is t's condition, and since when; cause is why it is down.
func (h *Health) State(t Target) (down bool, since time.Time, cause error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.targets[t.Normal()]; c != nil {
		return c.down, c.since, c.cause
	}
	return false, time.Time{}, nil
}

// Subscribe has hook called after each change between up and down, with the target's
// normal form. Two changes in quick succession may be told in either order: ask State.
// hook must not block; cancel ends the calls.
func (h *Health) Subscribe(hook func(Target)) (cancel func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := h.nextID
	h.nextID++
	h.hooks[id] = hook
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.hooks, id)
	}
}

func (h *Health) change(t Target, now time.Time, set func(*condition)) {
	t = t.Normal()
	h.mu.Lock()
	c := h.targets[t]
	if c == nil {
		c = &condition{since: now}
		h.targets[t] = c
		h.forgetOldest()
	}
	was := c.down
	set(c)
	var hooks []func(Target)
	if c.down != was {
		c.since = now
		for _, hook := range h.hooks {
			hooks = append(hooks, hook)
		}
	}
	h.mu.Unlock()
	for _, hook := range hooks {
		hook(t)
	}
}

func (h *Health) forgetOldest() {
	if len(h.targets) <= maxHealth {
		return
	}
	var oldest Target
	var found *condition
	for t, c := range h.targets {
		if found == nil || older(c, found) {
			oldest, found = t, c
		}
	}
	delete(h.targets, oldest)
}

// older orders what to forget first: servers that are up, then those longest so.
func older(a, b *condition) bool {
	if a.down != b.down {
		return !a.down
	}
	return a.since.Before(b.since)
}
