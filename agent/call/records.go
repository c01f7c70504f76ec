package call

import (
	"sync"

	"tipring/internal/media"
)

// records keeps the figures of ended calls as long as the device shows them.
type records struct {
	mu   sync.Mutex
	list []record // oldest first
}

type record struct {
	id    string
	stats media.Stats
}

// keptRecords is enough for every ended call that is shown to be this port's.
const keptRecords = 20

// keepRecord keeps the figures of the conversation's call.
func (c *conversation) keepRecord() {
	if c.id == "" || c.session == nil {
		return
	}
	st := c.session.Stats().Since(c.counted)
	c.p.records.keep(c.id, st)
	if c.p.dev.Measured != nil {
		c.p.dev.Measured(c.id, st)
	}
}

func (r *records) keep(id string, s media.Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) == keptRecords {
		r.list = append(r.list[:0], r.list[1:]...)
	}
	r.list = append(r.list, record{id, s})
}

func (r *records) find(id string) (media.Stats, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.list {
		if x.id == id {
			return x.stats, true
		}
	}
	return media.Stats{}, false
}

// live is the media of a call that runs, for who asks how it goes.
type live struct {
	id      string
	session *media.Session
	before  media.Stats // what of its figures is another call's
}

// showLive lets other goroutines find the running calls' figures.
func (p *Port) showLive() {
	var old []live
	if l := p.live.Load(); l != nil {
		old = *l
	}
	n, same := 0, true
	for _, c := range p.conversations() {
		if c.session != nil {
			same = same && n < len(old) && old[n] == live{c.id, c.session, c.counted}
			n++
		}
	}
	switch {
	case same && n == len(old):
	case n == 0:
		p.live.Store(nil)
	default:
		p.storeLive(n)
	}
}

func (p *Port) storeLive(n int) {
	list := make([]live, 0, n)
	for _, c := range p.conversations() {
		if c.session != nil {
			list = append(list, live{c.id, c.session, c.counted})
		}
	}
	p.live.Store(&list)
}

// Quality is how a call of this port went, or goes. Any goroutine may ask.
func (p *Port) Quality(id string) (media.Stats, bool) {
	if l := p.live.Load(); l != nil {
		for _, x := range *l {
			if x.id == id {
				return x.session.Stats().Since(x.before), true
			}
		}
	}
	return p.records.find(id)
}
