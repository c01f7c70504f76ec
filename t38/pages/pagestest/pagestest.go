// Package pagestest looks at pages while they pass, for tests of whoever lets them pass.
package pagestest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"tipring/t38/pages"
)

// A Watcher looks whenever there is something new.
type Watcher struct {
	Monitor pages.Monitor

	mu   sync.Mutex
	rows map[int][]int // of each page, as they grew
	of   map[int]int
	last map[int][]byte // picture of each page, from its last look
}

// New makes one. keep tells that the pages stay when they are over.
func New(keep bool) *Watcher {
	w := &Watcher{rows: map[int][]int{}, of: map[int]int{}, last: map[int][]byte{}}
	if keep {
		w.Monitor.Keep = 1 << 20
	}
	w.Monitor.Changed = w.look
	return w
}

func (w *Watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.Monitor.Progress()
	list := w.rows[p.Page]
	if p.Page == 0 || len(list) > 0 && list[len(list)-1] == p.Rows {
		return
	}
	w.rows[p.Page], w.of[p.Page] = append(list, p.Rows), p.Of
	var b bytes.Buffer
	if err := w.Monitor.WritePNG(p.Page, &b); err == nil {
		w.last[p.Page] = b.Bytes()
	}
}

// Picture is the last one of a page.
func (w *Watcher) Picture(page int) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last[page]
}

// Pages are those of which something was seen.
func (w *Watcher) Pages() (list []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := range w.rows {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// Grew tells what was wrong with how a page grew: it is to begin with no more than a quarter of
// its rows, and to have all of them in the end, in steps, without ever becoming less. of is how
// many were announced; 0: it was not known.
func (w *Watcher) Grew(page, rows, steps, of int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.rows[page]
	switch {
	case len(list) < steps, !slices.IsSorted(list), list[0] > rows/4, list[len(list)-1] != rows:
		return fmt.Errorf("page %d grew to %d rows as %v", page, rows, list)
	case w.of[page] != of:
		return fmt.Errorf("page %d was said to have %d rows, want %d", page, w.of[page], of)
	}
	return nil
}
