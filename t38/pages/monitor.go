package pages

import (
	"slices"
	"sync"

	"tipring/t38/t30"
	"tipring/t38/t4"
)

// A Monitor shows the page of a fax that is on its way, as far as it has come. What passes is
// kept as it is coded; rows are made of it by whoever looks, on their own goroutine. So a fax
// at which nobody looks costs a copy of its octets, and one who comes in the middle of a page
// sees it from its beginning.
//
// It is the t30.Onlooker of a t30.Terminal or of a t38.Watch. Begin to End belong to their
// goroutine, the other methods to any.
type Monitor struct {
	// Changed, if it is not nil, is called when there is something new behind the last call of
	// Progress: once, until that is asked again. It is called where octets are, and waits for
	// nothing. It is set before the first page.
	Changed func()
	// Keep is how many octets of pages that are over are kept; 0: none.
	Keep int
	// First is how many pages of the fax are before the first one that is told of.
	First int

	mu     sync.Mutex
	pages  []*passing // the last one is under way while open
	open   bool
	octets int // of all pages
	quiet  bool
}

// Bounds of a Monitor.
const (
	monitorOctets = 1 << 20 // of all pages, as they are coded
	monitorChunk  = 16 << 10
	monitorRows   = 20000
)

// Progress is how far the page under way has come.
type Progress struct {
	Page int // from 1; 0: none is under way
	Rows int
	Of   int // rows of the page; 0: not known
}

// A passing is a page as it passes. Octets in front of ready do not change any more.
type passing struct {
	number int // from 1
	of     int
	config t4.DecoderConfig
	x, y   int // pels and lines per inch
	frame  int // octets of a frame

	chunks [][]byte
	ready  int // octets, from the beginning, without a hole
	base   int // where the block under way begins
	next   int // the first frame of it that has not come
	have   [256 / 64]uint64
	stuck  bool // what follows cannot be read, or is too much

	look    sync.Mutex // for the below
	decoder *t4.Decoder
	era     int // of decoder
	fed     int
	rows    int

	undone int // times that octets in front of ready were taken back; of Monitor.mu
}

// Begin implements t30.Onlooker.
func (m *Monitor) Begin(p t30.Passing) { m.begin(p, 0) }

func (m *Monitor) begin(p t30.Passing, first int) {
	s := &passing{number: m.First + first + p.Number + 1, of: p.Rows, frame: p.FrameOctets}
	if columns := p.Format.Width.Pels(p.Format.Resolution); columns > 0 && int(p.Format.Coding) < len(codings) {
		s.config = t4.DecoderConfig{Coding: codings[p.Format.Coding], Columns: columns}
		s.x, s.y = dpi(p.Format)
	} else {
		s.stuck = true
	}
	m.mu.Lock()
	m.over()
	if i := m.index(s.number); i >= 0 { // once more
		m.drop(i)
	}
	m.pages, m.open = append(m.pages, s), true
	m.mu.Unlock()
	m.tell()
}

// index is where a page is, or -1. Called with mu.
func (m *Monitor) index(page int) int {
	return slices.IndexFunc(m.pages, func(s *passing) bool { return s.number == page })
}

// tell calls Changed, if what it tells of is news.
func (m *Monitor) tell() {
	m.mu.Lock()
	quiet := m.quiet
	m.quiet = true
	m.mu.Unlock()
	if !quiet && m.Changed != nil {
		m.Changed()
	}
}

// under is the page under way; nil: there is none. Called with mu.
func (m *Monitor) under() *passing {
	if !m.open {
		return nil
	}
	return m.pages[len(m.pages)-1]
}

// Octets implements t30.Onlooker.
func (m *Monitor) Octets(octets []byte) {
	m.mu.Lock()
	if s := m.under(); s != nil && m.room(s, s.ready+len(octets)) {
		s.put(s.ready, octets)
		s.ready += len(octets)
	}
	m.mu.Unlock()
	m.tell()
}

// room makes a page one of so many octets at least. It reports false when it cannot be. Called
// with mu.
func (m *Monitor) room(s *passing, octets int) bool {
	if s.stuck = s.stuck || octets > monitorOctets; s.stuck {
		return false
	}
	for len(s.chunks)*monitorChunk < octets {
		for m.octets+monitorChunk > monitorOctets && len(m.pages) > 1 {
			m.drop(0)
		}
		s.chunks = append(s.chunks, make([]byte, monitorChunk))
		m.octets += monitorChunk
	}
	return true
}

// put keeps octets of a page, which has room for them.
func (s *passing) put(at int, octets []byte) {
	for len(octets) > 0 {
		n := copy(s.chunks[at/monitorChunk][at%monitorChunk:], octets)
		octets, at = octets[n:], at+n
	}
}

// Frame implements t30.Onlooker.
func (m *Monitor) Frame(n int, octets []byte) {
	m.mu.Lock()
	if s := m.under(); s != nil && s.lacks(n) && len(octets) <= s.frame && m.room(s, s.base+(n+1)*s.frame) {
		s.put(s.base+n*s.frame, octets)
		s.have[n/64] |= 1 << (n % 64)
		s.advance(256)
	}
	m.mu.Unlock()
	m.tell()
}

// lacks tells that a frame of the block has not come.
func (s *passing) lacks(n int) bool { return n >= 0 && n < 256 && s.have[n/64]>>(n%64)&1 == 0 }

// advance takes the frames that stand behind those that are ready.
func (s *passing) advance(frames int) {
	for s.next < frames && !s.lacks(s.next) {
		s.next++
		s.ready = s.base + s.next*s.frame
	}
}

// Block implements t30.Onlooker.
func (m *Monitor) Block(frames int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.under()
	switch {
	case s == nil:
		return
	case frames <= 0:
		m.undo(s)
	default:
		m.close(s, min(frames, 256))
	}
	s.have, s.next = [4]uint64{}, 0
}

// close goes on behind a block. Frames that are missing are zeros, which are fill; in MMR
// nothing behind them can be read.
func (m *Monitor) close(s *passing, frames int) {
	end := s.base + frames*s.frame
	if s.next < frames {
		if s.config.Coding == t4.MMR {
			s.stuck = true
		} else if m.room(s, end) {
			s.ready = end
		}
	}
	s.base = end
}

// undo takes back what came of the block. Who looks at the page may be reading it: it gets
// chunks of its own.
func (m *Monitor) undo(s *passing) {
	if s.next == 0 && s.have == [4]uint64{} {
		return
	}
	kept := (s.base + monitorChunk - 1) / monitorChunk
	m.octets -= (len(s.chunks) - min(kept, len(s.chunks))) * monitorChunk
	s.chunks = append([][]byte(nil), s.chunks[:min(kept, len(s.chunks))]...)
	if last := len(s.chunks) - 1; last >= 0 {
		fresh := make([]byte, monitorChunk)
		copy(fresh, s.chunks[last][:(s.base-1)%monitorChunk+1])
		s.chunks[last] = fresh
	}
	s.ready, s.undone = s.base, s.undone+1
}

// End implements t30.Onlooker.
func (m *Monitor) End() {
	m.mu.Lock()
	m.over()
	m.mu.Unlock()
	m.tell()
}

// over ends the page under way, and forgets the oldest ones that there is no room for.
func (m *Monitor) over() {
	m.open = false
	for len(m.pages) > 0 && (m.octets > m.Keep || m.Keep == 0) {
		m.drop(0)
	}
}

func (m *Monitor) drop(i int) {
	m.octets -= len(m.pages[i].chunks) * monitorChunk
	m.pages = append(m.pages[:i], m.pages[i+1:]...)
}

// Behind is the Monitor of a fax that goes on behind so many pages.
func (m *Monitor) Behind(pages int) t30.Onlooker { return behindPages{m, pages} }

type behindPages struct {
	*Monitor
	pages int
}

// Begin implements t30.Onlooker.
func (b behindPages) Begin(p t30.Passing) { b.begin(p, b.pages) }
