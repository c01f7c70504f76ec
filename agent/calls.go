package agent

import (
	"context"
	"slices"
	"sort"
	"sync"

	"tipring/internal/media"
	"tipring/lines"
)

// keptCalls is how many ended calls are remembered.
const keptCalls = 20

// A callList is the running calls and the last ended ones, of all lines.
type callList struct {
	mu      sync.Mutex
	running map[string]*lines.Call
	ended   []lines.Info            // oldest first
	quality map[string]media.Stats  // of calls whose media have ended
	packets [len(packetKinds)]int64 // of all of them, of those that are forgotten too
	forget  func(id string)         // is told of each ended call that is not remembered any more; may be nil
	empty   chan struct{}           // closed and dropped when the last running call ends; nil: nobody waits
}

func newCallList() *callList { return &callList{running: map[string]*lines.Call{}} }

// changed takes note of a call.
func (l *callList) changed(c *lines.Call) {
	i := c.Info()
	l.mu.Lock()
	defer l.mu.Unlock()
	if i.State != lines.Ended {
		l.running[i.ID] = c
		return
	}
	if _, ok := l.running[i.ID]; !ok {
		return
	}
	delete(l.running, i.ID)
	if len(l.running) == 0 && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
	if len(l.ended) == keptCalls {
		delete(l.quality, l.ended[0].ID)
		if l.forget != nil {
			l.forget(l.ended[0].ID)
		}
		l.ended = slices.Delete(l.ended, 0, 1)
	}
	l.ended = append(l.ended, i)
}

// all lists the running calls, then the ended ones, the newest of each first.
func (l *callList) all() []lines.Info {
	l.mu.Lock()
	defer l.mu.Unlock()
	infos := make([]lines.Info, 0, len(l.running)+len(l.ended))
	for _, c := range l.running {
		infos = append(infos, c.Info())
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Started.After(infos[j].Started) })
	for i := len(l.ended) - 1; i >= 0; i-- {
		infos = append(infos, l.ended[i])
	}
	return infos
}

// find returns a running call.
func (l *callList) find(id string) *lines.Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running[id]
}

// info is how a call is, or ended.
func (l *callList) info(id string) (lines.Info, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.running[id]; c != nil {
		return c.Info(), true
	}
	i := slices.IndexFunc(l.ended, func(i lines.Info) bool { return i.ID == id })
	if i < 0 {
		return lines.Info{}, false
	}
	return l.ended[i], true
}

// count is the number of running calls.
func (l *callList) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.running)
}

// wait returns when no call runs, or ctx is done.
func (l *callList) wait(ctx context.Context) {
	l.mu.Lock()
	if len(l.running) == 0 {
		l.mu.Unlock()
		return
	}
	if l.empty == nil {
		l.empty = make(chan struct{})
	}
	empty := l.empty
	l.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
