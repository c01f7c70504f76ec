package features

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Bounds are what a line may call, whoever asks it to: a telephone, a fax, a program, the far
// end by a transfer. Zero values bound nothing.
type Bounds struct {
	AtOnce        int      // calls that go out at the same time
	PerHour       int      // calls begun within any hour
	Blocked       []string // numbers that begin so are not called
	International bool     // nor those of other countries
	Country       string   // where the line is, as [device] country has it
}

// Hold reports that there is anything that the line may not do.
func (b *Bounds) Hold() bool {
	return b.AtOnce > 0 || b.PerHour > 0 || len(b.Blocked) > 0 || b.International
}

// A Guard holds lines to their bounds. The zero value is ready; its methods may be called from
// any goroutine.
type Guard struct {
	mu    sync.Mutex
	lines map[int]*watched
}

// watched is what one line did.
type watched struct {
	begun   []time.Time // calls of the last hour, oldest first
	refusal Refusal
}

// A Refusal is that a line was held back.
type Refusal struct {
	Line  int
	Times int       // in a row, with less than an hour between two
	Why   string    // of the last one
	At    time.Time // of the last one
}

// window is what calls an hour are counted in, and how long a refusal is worth a warning.
const window = time.Hour

// Why a call goes over the bounds of its line.
var (
	errAtOnce  = errors.New("the line makes as many calls as it may at once")
	errPerHour = errors.New("the line has made as many calls as it may within an hour")
)

// Permit is asked before a call goes out, and counts it. running are the calls that the line has
// out already. The error says why the call must not be made.
func (g *Guard) Permit(line int, b Bounds, to string, running int, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.line(line)
	w.begun = slices.DeleteFunc(w.begun, func(at time.Time) bool { return now.Sub(at) >= window })
	err := b.Bars(to)
	switch {
	case err != nil:
	case b.AtOnce > 0 && running >= b.AtOnce:
		err = fmt.Errorf("%w (%d)", errAtOnce, b.AtOnce)
	case b.PerHour > 0 && len(w.begun) >= b.PerHour:
		err = fmt.Errorf("%w (%d)", errPerHour, b.PerHour)
	}
	if err != nil {
		w.refused(line, err, now)
		return err
	}
	if b.PerHour > 0 {
		w.begun = append(w.begun, now)
	}
	return nil
}

func (g *Guard) line(n int) *watched {
	w := g.lines[n]
	if w == nil {
		if g.lines == nil {
			g.lines = map[int]*watched{}
		}
		w = new(watched)
		g.lines[n] = w
	}
	return w
}

func (w *watched) refused(line int, err error, now time.Time) {
	r := &w.refusal
	if now.Sub(r.At) >= window {
		r.Times = 0
	}
	*r = Refusal{line, r.Times + 1, err.Error(), now}
}

// Refusals lists the lines that were held back within the last hour, by their number.
func (g *Guard) Refusals(now time.Time) (list []Refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.lines {
		if w.refusal.Times > 0 && now.Sub(w.refusal.At) < window {
			list = append(list, w.refusal)
		}
	}
	slices.SortFunc(list, func(x, y Refusal) int { return x.Line - y.Line })
	return list
}
