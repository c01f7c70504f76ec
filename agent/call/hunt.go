package call

import (
	"time"

	"tipring/internal/media"
)

// A hunt has the ports of a group ring one after the other instead of all at once. Its fields are
// under the group's lock.
type hunt struct {
	every time.Duration // that each rings; 0: there is no hunt
	rest  []*Port       // that have not rung yet
	timer *time.Timer
}

// hunting leaves ports for later.
func (g *group) hunting(every time.Duration, later []*Port) {
	g.hunt = hunt{every: every, rest: later}
	for _, p := range later {
		p.lookAtOffer() // whoever calls meanwhile finds them free
	}
}

// begin has the sockets of a port wait for who answers.
func (g *group) begin(home *Port, pair *media.Pair) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.home, g.pair = home, pair
	if g.hunt.every > 0 {
		g.hunt.timer = time.AfterFunc(g.hunt.every, g.huntOn)
	}
}

func (h *hunt) stop() {
	h.rest = nil
	if h.timer != nil {
		h.timer.Stop()
	}
}

// huntOn has the next port ring in place of the one that does; the last rings on.
func (g *group) huntOn() {
	g.mu.Lock()
	silent, rang := g.others(nil), g.ringing
	g.ringing = map[*Port]*conversation{}
	if !g.ringNext() {
		silent, g.ringing = nil, rang
	}
	g.mu.Unlock()
	g.stop(silent)
}

// ringNext has the next port ring that is free, and reports that there is one. The lock is held.
func (g *group) ringNext() bool {
	for g.winner == nil && !g.over && len(g.hunt.rest) > 0 {
		p := g.hunt.rest[0]
		g.hunt.rest = g.hunt.rest[1:]
		if p.offer(roomToRing) != 0 {
			continue
		}
		g.ringing[p] = nil
		if !p.post(func() { p.ring(g) }) {
			delete(g.ringing, p)
			continue
		}
		g.hunt.timer.Reset(g.hunt.every)
		return true
	}
	return false
}
