package capture

import (
	"net/netip"
	"strings"
	"time"
)

// registrations are the last exchanges of a line with its registrars. A turn is what leads to
// one registration, or to none: failed turns stay longer than good ones.
type registrations struct {
	trace
	n       int // of the line
	turn    uint16
	settled bool // the turn has its end
	failed  bool // and it was a bad one
	short   bool // texts were cut down to their first lines
	last    int64
}

// lineOverhead is what a line counts besides its entries.
const lineOverhead = 400

// line finds what is kept of a line.
func (s *Store) line(n int) *registrations {
	r := s.lines[n]
	if r == nil {
		if s.lines == nil {
			s.lines = map[int]*registrations{}
		}
		r = &registrations{n: n, settled: true}
		s.lines[n] = r
		s.ofLines += lineOverhead
	}
	return r
}

// registered takes in a REGISTER or its response.
func (s *Store) registered(m Message) {
	r := s.line(m.Line)
	asks := strings.HasPrefix(string(m.Text[:min(len(m.Text), 9)]), "REGISTER ")
	if asks && m.Out && r.settled {
		r.begin()
	}
	s.ofLines += r.message(m)
	r.took(m.At)
	if !asks {
		switch status := shapeOf(string(m.Text)).status; {
		case status < 200 || status == 401 || status == 407 || status == 423: // the turn goes on
		case status < 300:
			r.settled = true
		default:
			r.spoil()
		}
	}
	if m.Err != nil {
		r.spoil()
	}
	s.ofLines -= r.trim()
	s.makeRoomForLines(r)
}

// Registration takes in what happened to a registration of a line and is no message: a server
// that did not answer.
func (s *Store) Registration(at time.Time, line int, remote netip.AddrPort, text string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.line(line)
	s.ofLines += r.event(at, remote, text)
	r.took(at)
	r.spoil()
	s.ofLines -= r.trim()
	s.makeRoomForLines(r)
}

// RegistrarName tells what an address is called in the ladder of a line.
func (s *Store) RegistrarName(line int, remote netip.AddrPort, name string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line(line).name(remote, name)
}

// ForgetLine drops what is kept of a line.
func (s *Store) ForgetLine(n int) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.lines[n]; r != nil {
		s.drop(r)
	}
}

func (s *Store) drop(r *registrations) {
	s.ofLines -= r.size + lineOverhead
	delete(s.lines, r.n)
}

func (r *registrations) begin() {
	r.turn++
	r.settled, r.failed = false, false
}

// took marks the newest entry as one of this turn.
func (r *registrations) took(at time.Time) {
	r.last, r.short = at.UnixNano(), false
	e := &r.entries[r.newest]
	e.turn, e.failed = r.turn, r.failed
}

// spoil marks the turn as one that ended badly.
func (r *registrations) spoil() {
	r.settled, r.failed = true, true
	for i := range r.entries {
		if r.entries[i].turn == r.turn {
			r.entries[i].failed = true
		}
	}
}

// trim keeps to the bounds of a line.
func (r *registrations) trim() (freed int) {
	for len(r.entries) > maxLineSteps || r.size > maxLineText && len(r.entries) > 1 {
		n := r.drop(r.spare())
		r.size -= n
		freed += n
	}
	return freed
}

// spare is the entry that goes first: the oldest of a good turn that is over, else of a bad one,
// else of all.
func (r *registrations) spare() int {
	for i, e := range r.entries {
		if e.turn == r.turn {
			break
		}
		if !e.failed {
			return i
		}
	}
	return 0
}

// shorten cuts the messages of good turns down to their first lines.
func (r *registrations) shorten() (freed int) {
	r.short = true
	for i := range r.entries {
		e := &r.entries[i]
		if e.event || e.failed || e.again {
			continue
		}
		before, was := e.weight(), e.text
		e.text = firstLine(was)
		freed += before - e.weight()
		for j := range r.entries {
			if r.entries[j].again && r.entries[j].text == was {
				r.entries[j].text = e.text
			}
		}
	}
	r.size -= freed
	return freed
}

// makeRoomForLines keeps to the bound of all lines. Those that are well and were heard of longest
// ago are cut short first, then forgotten; after them those that are not.
func (s *Store) makeRoomForLines(now *registrations) {
	for s.ofLines > maxLinesText {
		var victim *registrations
		for _, r := range s.lines {
			if r != now && (victim == nil || less(r, victim)) {
				victim = r
			}
		}
		switch {
		case victim == nil:
			return
		case !victim.short:
			s.ofLines -= victim.shorten()
		default:
			s.drop(victim)
		}
	}
}

func less(a, b *registrations) bool {
	if a.failed != b.failed {
		return !a.failed
	}
	if a.short != b.short {
		return !a.short
	}
	return a.last < b.last
}
