package agent

import (
	"sync"

	"tipring/webui/api"
)

// maxWaiting bounds the lines of the log that wait for one listener. Resources need no bound: of
// each, only the latest event waits.
const maxWaiting = 200

// firstLines is how many lines of the log a stream begins with.
const firstLines = 50

// A listener is one stream of events.
type listener struct {
	hub    *hub
	topics api.Topics
	ready  chan struct{}

	mu      sync.Mutex
	events  [][]byte
	waiting map[resource]int // where in events
	lines   int              // of the log, in events
	since   int64            // the newest of them that there was at the beginning
	over    bool
}

// Ready implements api.Listener.
func (l *listener) Ready() <-chan struct{} { return l.ready }

// Take implements api.Listener.
func (l *listener) Take() (events [][]byte, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events, l.events, l.lines = l.events, nil, 0
	clear(l.waiting)
	return events, !l.over
}

// Close implements api.Listener.
func (l *listener) Close() { l.hub.leave(l) }

// hand puts an event in the place of an older one of the resource.
func (l *listener) hand(r resource, text []byte) {
	l.mu.Lock()
	if at, ok := l.waiting[r]; ok {
		l.events[at] = text
	} else {
		l.waiting[r] = len(l.events)
		l.events = append(l.events, text)
	}
	l.mu.Unlock()
	l.signal()
}

// begin hands over the last lines of the log.
func (l *listener) begin(lines []api.LogLine) {
	for _, x := range lines[max(0, len(lines)-firstLines):] {
		if text, err := api.EventText(api.OnLog, x); err == nil {
			l.line(x.ID, text)
		}
	}
	if n := len(lines); n > 0 {
		l.since = lines[n-1].ID
	}
}

// line adds a line of the log. A reader who leaves too many waiting is cut.
func (l *listener) line(id int64, text []byte) {
	l.mu.Lock()
	if id > l.since {
		l.events = append(l.events, text)
		l.lines++
		l.over = l.over || l.lines > maxWaiting
	}
	l.mu.Unlock()
	l.signal()
}

// cut ends the stream, behind what waits.
func (l *listener) cut() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.signal()
}

func (l *listener) signal() {
	select {
	case l.ready <- struct{}{}:
	default:
	}
}
