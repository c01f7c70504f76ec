package agent

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tipring/webui/api"
)

// A resource is one thing of the device that events tell of.
type resource struct {
	topic api.Topic
	id    string // as its address ends; empty: there is one of the topic
}

// An eventSource shows the resources of the device.
type eventSource interface {
	// all lists what there is of a topic.
	all(t api.Topic) []resource
	// show tells how a resource is, and after what time it has something new to show by itself;
	// 0: when it is said to have changed. It is nil when there is no such resource.
	show(r resource) (data any, again time.Duration)
	// gone is the last event of a resource that is no more, of which last was told, or nil; nil:
	// there is nothing to tell.
	gone(r resource, last []byte) []byte
}

// maxStreams is how many may listen at once.
const maxStreams = 64

// eventGap is the least time between two events of one resource.
func eventGap(t api.Topic) time.Duration {
	switch t {
	case api.OnWarning:
		return time.Second
	case api.OnFax:
		return 500 * time.Millisecond
	}
	return 200 * time.Millisecond
}

// A hub tells listeners what changes. Whoever changes something says no more than that; how it
// is then is found out once for all listeners, by the hub's goroutine, which there is only as
// long as somebody listens.
type hub struct {
	source eventSource
	recent func() []api.LogLine // of the log; nil: there is none

	wanted atomic.Uint32 // the api.Topics that somebody listens to

	mu        sync.Mutex
	listeners map[*listener]struct{}
	fresh     []*listener // that were told nothing yet
	changed   map[resource]struct{}
	running   bool
	closed    bool
	wake      chan struct{} // holds a token when the goroutine has something to do
	work      sync.WaitGroup
}

func newHub(source eventSource) *hub {
	return &hub{source: source, listeners: map[*listener]struct{}{}, changed: map[resource]struct{}{}, wake: make(chan struct{}, 1)}
}

// Changed says that a resource has something new. It never waits, and does nothing while
// nobody listens.
func (h *hub) Changed(t api.Topic, id string) {
	if !h.wants(t) {
		return
	}
	h.mu.Lock()
	h.changed[resource{t, id}] = struct{}{}
	h.mu.Unlock()
	h.stir()
}

func (h *hub) wants(t api.Topic) bool { return api.Topics(h.wanted.Load()).Has(t) }

func (h *hub) stir() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Listen implements api.Events.
func (h *hub) Listen(topics api.Topics) (api.Listener, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, errEnding
	case len(h.listeners) >= maxStreams:
		return nil, fmt.Errorf("%d streams of events are open: %w", maxStreams, api.ErrUnavailable)
	}
	l := &listener{hub: h, topics: topics, ready: make(chan struct{}, 1), waiting: map[resource]int{}}
	h.listeners[l] = struct{}{}
	h.fresh = append(h.fresh, l)
	h.count()
	if topics.Has(api.OnLog) && h.recent != nil {
		l.begin(h.recent())
	}
	if !h.running {
		h.running = true
		h.work.Add(1)
		go h.run()
	}
	h.stir()
	return l, nil
}

// count finds out who wants to hear of what. The lock is held.
func (h *hub) count() {
	var all api.Topics
	for l := range h.listeners {
		all |= l.topics
	}
	h.wanted.Store(uint32(all))
}

// log tells a line of the log. Like Changed it never waits.
func (h *hub) log(line api.LogLine) {
	if !h.wants(api.OnLog) {
		return
	}
	text, err := api.EventText(api.OnLog, line)
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		if l.topics.Has(api.OnLog) {
			l.line(line.ID, text)
		}
	}
}

// leave forgets a listener.
func (h *hub) leave(l *listener) {
	h.mu.Lock()
	delete(h.listeners, l)
	h.count()
	h.mu.Unlock()
	h.stir()
}

// close ends every stream. Nobody may listen any more.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for l := range h.listeners {
		l.cut()
	}
	clear(h.listeners)
	h.count()
	h.mu.Unlock()
	h.stir()
	h.work.Wait()
}

// told is what the listeners were told of a resource.
type told struct {
	at   time.Time
	text []byte
}

// A teller is the state of the hub's goroutine.
type teller struct {
	h    *hub
	due  map[resource]time.Time // when to look at it
	told map[resource]told
	most int // of told, before those that are no more are forgotten
}

// run tells until nobody listens.
func (h *hub) run() {
	defer h.work.Done()
	t := teller{h, map[resource]time.Time{}, map[resource]told{}, leastTold}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		fresh, listeners := t.collect(now)
		if listeners == nil {
			return
		}
		t.welcome(now, fresh, listeners)
		next := t.tell(now, listeners)
		t.forget()
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
		select {
		case <-h.wake:
		case <-timer.C:
		}
	}
}

// collect takes over who has come and what has changed. Without listeners there are nil, and the
// goroutine is over.
func (t *teller) collect(now time.Time) (fresh, listeners []*listener) {
	h := t.h
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) == 0 {
		h.running, h.fresh = false, nil
		clear(h.changed)
		return nil, nil
	}
	for l := range h.listeners {
		listeners = append(listeners, l)
	}
	fresh, h.fresh = h.fresh, nil
	for r := range h.changed {
		t.dueBy(r, laterOf(now, t.told[r].at.Add(eventGap(r.topic))))
	}
	clear(h.changed)
	return fresh, listeners
}

func laterOf(x, y time.Time) time.Time {
	if x.After(y) {
		return x
	}
	return y
}

// dueBy has a resource be looked at, unless it is to be sooner.
func (t *teller) dueBy(r resource, at time.Time) {
	if old, ok := t.due[r]; !ok || at.Before(old) {
		t.due[r] = at
	}
}

// welcome tells who has come how everything is.
func (t *teller) welcome(now time.Time, fresh, listeners []*listener) {
	var wanted api.Topics
	for _, l := range fresh {
		wanted |= l.topics
	}
	for topic := api.OnLine; topic < api.OnLog; topic++ {
		if !wanted.Has(topic) {
			continue
		}
		for _, r := range t.h.source.all(topic) {
			text := t.look(now, r)
			if text == nil {
				continue
			}
			if steady(topic) && !bytes.Equal(text, t.told[r].text) {
				t.pass(now, r, text, listeners) // it has changed for everybody
				continue
			}
			t.pass(now, r, text, fresh)
		}
	}
}

// steady reports a topic whose resources read the same as long as nothing has happened: no
// member counts down.
func steady(t api.Topic) bool { return t != api.OnLine && t != api.OnCall }

// tell tells of what is due, and when there is more.
func (t *teller) tell(now time.Time, listeners []*listener) (next time.Time) {
	for r, at := range t.due {
		if at.After(now) {
			continue
		}
		delete(t.due, r)
		if !t.h.wants(r.topic) {
			continue
		}
		text := t.look(now, r)
		if text == nil {
			text = t.h.source.gone(r, t.told[r].text)
		}
		if text != nil && !(steady(r.topic) && bytes.Equal(text, t.told[r].text)) {
			t.pass(now, r, text, listeners)
		}
	}
	for _, at := range t.due {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// look finds out how a resource is; nil: there is none.
func (t *teller) look(now time.Time, r resource) []byte {
	data, again := t.h.source.show(r)
	if data == nil {
		return nil
	}
	if again > 0 {
		t.dueBy(r, now.Add(again))
	}
	text, err := api.EventText(r.topic, data)
	if err != nil {
		return nil // a figure that JSON has no word for: the next one will do
	}
	return text
}

// pass hands an event to those who want it.
func (t *teller) pass(now time.Time, r resource, text []byte, to []*listener) {
	t.told[r] = told{now, text}
	for _, l := range to {
		if l.topics.Has(r.topic) {
			l.hand(r, text)
		}
	}
}

// leastTold is how many resources a hub remembers at least.
const leastTold = 256

// forget drops what was told of resources that are no more, once that is worth it.
func (t *teller) forget() {
	if len(t.told) <= t.most {
		return
	}
	there := map[resource]told{}
	for topic := api.OnLine; topic < api.OnLog; topic++ {
		for _, r := range t.h.source.all(topic) {
			if x, ok := t.told[r]; ok {
				there[r] = x
			}
		}
	}
	t.told, t.most = there, max(leastTold, 2*len(there))
}
