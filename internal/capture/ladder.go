package capture

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// A Ladder is a trace for people: who said what to whom, and what happened between.
type Ladder struct {
	Participants []Participant
	Steps        []Step
	Dropped      int // messages that were not kept
}

// A Participant is one column. The first is the device.
type Participant struct {
	ID, Name string
	Address  netip.AddrPort // zero: not known
}

// A Kind is what a step is.
type Kind uint8

// Kinds.
const (
	Request Kind = iota
	Response
	Event
)

func (k Kind) String() string { return [...]string{"request", "response", "event"}[k] }

// A Step is one row.
type Step struct {
	At             time.Time
	From, To       string // ids of participants; empty: nobody's
	Kind           Kind
	Method         string
	Status         int
	Summary        string
	Text           string // of a message, without its secrets
	Retransmission bool
	Transport      Transport
}

// device is the id of the first participant.
const device = "device"

// Ladder is what is kept of a call; ok is false when nothing ever was.
func (s *Store) Ladder(id string) (l Ladder, ok bool) {
	if s == nil {
		return l, false
	}
	c, ok := s.kept(id)
	if !ok {
		return l, false
	}
	return c.ladder(), true
}

// Registrations is what is kept of a line's registrations.
func (s *Store) Registrations(line int) Ladder {
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r := s.lines[line]; r != nil {
			return r.ladder()
		}
	}
	return (&trace{}).ladder()
}

// Traced lists the calls that something is kept of.
func (s *Store) Traced() (ids []string) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.calls {
		ids = append(ids, id)
	}
	return ids
}

func (t *trace) ladder() Ladder {
	l := Ladder{Participants: []Participant{{ID: device, Name: "this device"}}, Dropped: t.dropped}
	ids := map[netip.AddrPort]string{}
	for _, e := range t.entries {
		w := t.ways[e.way]
		if !l.Participants[0].Address.IsValid() && w.local.Addr().IsValid() {
			l.Participants[0].Address = w.local
		}
		other, known := ids[w.remote]
		if !known && w.remote.IsValid() {
			other = "p" + strconv.Itoa(len(l.Participants))
			ids[w.remote] = other
			l.Participants = append(l.Participants, Participant{other, t.nameOf(w.remote), w.remote})
		}
		l.Steps = append(l.Steps, e.step(w.transport, other))
	}
	return l
}

func (t *trace) nameOf(a netip.AddrPort) string {
	for _, n := range t.names {
		if n.addr == a {
			return n.name
		}
	}
	return a.Addr().String()
}

func (e *entry) step(by Transport, other string) Step {
	st := Step{At: time.Unix(0, e.at), From: device, To: other, Kind: Event, Summary: e.note, Transport: by}
	if e.event {
		return st
	}
	if !e.out {
		st.From, st.To = st.To, st.From
	}
	shape := shapeOf(e.text)
	st.Kind, st.Method, st.Status, st.Summary = Request, shape.method, shape.status, shape.summary
	if st.Status != 0 {
		st.Kind = Response
	}
	st.Text, st.Retransmission = e.text, e.again
	if e.note != "" {
		st.Summary = fmt.Sprintf("%s: not sent: %s", st.Summary, e.note)
	}
	return st
}
