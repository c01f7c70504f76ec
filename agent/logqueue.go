package agent

import (
	"io"
	"sync"
	"time"
)

// logQueueSize bounds the octets of the log that wait for their reader.
const logQueueSize = 64 << 10

// A logQueue stands between the log and whoever reads it: one who has stopped reading stops
// nobody who logs. What finds no room is lost, and counted. Its goroutine lives only while
// there is something to write.
type logQueue struct {
	w io.Writer

	mu      sync.Mutex
	waiting []byte
	lost    int           // lines for which there was no room; no other is taken before they are told
	tell    func(n int)   // logs how many were lost; nil: not yet
	idle    chan struct{} // closed when all is written; nil: it is
}

func newLogQueue(w io.Writer) *logQueue { return &logQueue{w: w} }

// Write takes one line. It neither waits nor fails.
func (s *logQueue) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 || len(s.waiting)+len(line) > logQueueSize {
		s.lost++
		return len(line), nil
	}
	s.waiting = append(s.waiting, line...)
	if s.idle == nil {
		s.idle = make(chan struct{})
		go s.drain()
	}
	return len(line), nil
}

// drain writes until nothing waits.
func (s *logQueue) drain() {
	for {
		lines, lost, tell := s.next()
		if lines == nil {
			return
		}
		_, _ = s.w.Write(lines) // there is nobody to tell that there is nobody
		if lost > 0 && tell != nil {
			tell(lost)
		}
	}
}

// next takes what waits; nil: nothing, and drain is over.
func (s *logQueue) next() (lines []byte, lost int, tell func(n int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines, lost, tell = s.waiting, s.lost, s.tell
	s.waiting = nil
	if tell != nil {
		s.lost = 0
	}
	if lines == nil {
		close(s.idle)
		s.idle = nil
	}
	return lines, lost, tell
}

// tellsWith says how the number of lost lines is logged.
func (s *logQueue) tellsWith(tell func(n int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell = tell
}

// flush waits until all is written, but no longer than limit. A writer that hangs beyond
// it ends with the process: nothing else ends a write.
func (s *logQueue) flush(limit time.Duration) {
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	if idle == nil {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
	}
}
