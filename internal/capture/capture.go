// Package capture keeps in memory what was sent and received for recent calls and for the last
// registrations of each line: SIP messages with the events between them, and packets of media.
// It makes ladders and pcap files of them.
//
// What is kept is bounded, for each call and in all; the first messages of a call and the last
// ones stay, and what had to go is counted. Secrets are overwritten when a message is taken in
// (Redact), and exist here at no time. Nothing is allocated for a line or a call before it has
// said something.
//
// A Store knows which call a message belongs to by the line and the Call-ID, and a packet by
// the port it crossed; its owner tells both with Dialog and Ports. It has no goroutine, and
// reads no clock. All methods may be called from any goroutine, and on a nil Store, which keeps
// nothing.
package capture

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of what is kept, in octets.
const (
	maxCallText  = 64 << 10 // SIP of one call
	maxAllText   = 1 << 20  // SIP of all calls
	maxLineText  = 8 << 10  // registrations of one line
	maxLinesText = 64 << 10 // and of all lines, which are many and mostly well
	maxText      = 16 << 10 // of one message; the rest is cut off
	maxLineSteps = 10       // messages and events of a line
	maxCallMedia = 512 << 10
	maxAllMedia  = 1 << 20
)

// A Transport is what a message went by.
type Transport uint8

// Transports, numbered as package transport does.
const (
	UDP Transport = 0
	TCP Transport = 1
	TLS Transport = 3
)

// String is udp, tcp or tls.
func (t Transport) String() string {
	switch t {
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	}
	return "tls"
}

// A Message is a SIP message that crossed the device's border.
type Message struct {
	At            time.Time
	Line          int // whose endpoint sent or took it; 0: none
	Out           bool
	Transport     Transport
	Local, Remote netip.AddrPort
	CallID        string
	Method        string // of CSeq
	Text          []byte // on the wire; not kept, and not changed
	Err           error  // it was not sent
}

// A dialogKey names a dialog of the device: both sides of a call may be ours, on two lines.
type dialogKey struct {
	line   int
	callID string
}

// A Store keeps traces.
type Store struct {
	digits atomic.Bool
	media  atomic.Uint32 // Media

	mu      sync.Mutex
	calls   map[string]*call
	dialogs map[dialogKey]*call
	ports   map[uint16]*call
	lines   map[int]*registrations
	begun   uint64 // calls, for their order
	text    int    // octets of SIP of all calls
	ofLines int    // and of all lines
	packets int    // octets of media
}

// A call is what is kept of one call.
type call struct {
	id    string
	n     uint64 // in the order of their beginning
	line  int
	ended bool
	trace
	keys    []dialogKey
	local   netip.Addr // of its media
	ports   []uint16
	packets packets
}

// New makes a Store that keeps messages without digits, and of media what Fax says.
func New() *Store {
	s := &Store{}
	s.media.Store(uint32(Fax))
	return s
}

// Configure sets what is taken in from now on: whether digits are kept, and which packets.
func (s *Store) Configure(digits bool, m Media) {
	if s == nil {
		return
	}
	s.digits.Store(digits)
	s.media.Store(uint32(m))
}

// Dialog tells that a dialog of a call begins: its messages on that line are the call's from
// now on. A call may have several.
func (s *Store) Dialog(line int, id, callID string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[id]
	if c == nil {
		if s.calls == nil {
			s.calls, s.dialogs, s.ports = map[string]*call{}, map[dialogKey]*call{}, map[uint16]*call{}
		}
		s.begun++
		c = &call{id: id, n: s.begun, line: line}
		s.calls[id] = c
	}
	key := dialogKey{line, strings.Clone(callID)}
	if s.dialogs[key] == c {
		return
	}
	s.dialogs[key] = c
	c.keys = append(c.keys, key)
}

// Ports tells where the media of a call come in.
func (s *Store) Ports(id string, local netip.Addr, ports ...uint16) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[id]
	if c == nil {
		return
	}
	c.local = local
	for _, p := range ports {
		if p == 0 || s.ports[p] == c {
			continue
		}
		s.ports[p] = c
		c.ports = append(c.ports, p)
	}
}

// Ended tells that a call is over. What still comes of it is kept too.
func (s *Store) Ended(id string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[id]
	if c == nil {
		return
	}
	c.ended = true
	s.release(c) // another call may have them now
	s.packets += c.packets.trim()
}

// release forgets the ports of a call.
func (s *Store) release(c *call) {
	for _, p := range c.ports {
		if s.ports[p] == c {
			delete(s.ports, p)
		}
	}
	c.ports = nil
}

// Forget drops a call.
func (s *Store) Forget(id string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[id]
	if c == nil {
		return
	}
	delete(s.calls, id)
	for _, k := range c.keys {
		if s.dialogs[k] == c {
			delete(s.dialogs, k)
		}
	}
	s.release(c)
	s.text -= c.size
	s.packets -= c.packets.size()
}

// kept is what there is of a call by now, for a ladder or a file. Who carries media waits for the
// lock, so those are made without it: messages and the octets of blocks in use do not change.
func (s *Store) kept(id string) (c call, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := s.calls[id]
	if live == nil {
		return c, false
	}
	c.local, c.dropped = live.local, live.dropped
	c.entries, c.ways, c.names = slices.Clone(live.entries), slices.Clone(live.ways), slices.Clone(live.names)
	c.packets.blocks, c.packets.remotes = slices.Clone(live.packets.blocks), live.packets.remotes
	return c, true
}

// Wants tells whether a message would be kept, so that others need not be put together.
func (s *Store) Wants(line int, callID, method string) bool {
	if s == nil {
		return false
	}
	if method == "REGISTER" {
		return line != 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialogs[dialogKey{line, callID}] != nil
}

// Message takes a message in, if it is of a call or a registration.
func (s *Store) Message(m Message) {
	if !s.Wants(m.Line, m.CallID, m.Method) {
		return
	}
	text := append([]byte(nil), m.Text...)
	Redact(text, s.digits.Load())
	m.Text = text[:min(len(text), maxText)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Method == "REGISTER" {
		s.registered(m)
		return
	}
	if c := s.dialogs[dialogKey{m.Line, m.CallID}]; c != nil {
		s.text += c.message(m)
		s.text -= c.shrink(maxCallText)
		s.makeRoom()
	}
}

// Event takes something in that happened to a call and is no message. remote is the server that
// it is about; zero: none.
func (s *Store) Event(at time.Time, id string, remote netip.AddrPort, text string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[id]; c != nil {
		s.text += c.event(at, remote, text)
		s.text -= c.shrink(maxCallText)
		s.makeRoom()
	}
}

// Server tells what an address is called in the ladder of a call: primary or backup.
func (s *Store) Server(id string, remote netip.AddrPort, name string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[id]; c != nil {
		c.name(remote, name)
	}
}

// makeRoom keeps to the bound of all calls: the oldest ended call loses its messages, or where
// none has ended, the one with the most loses those in its middle.
func (s *Store) makeRoom() {
	for s.text > maxAllText {
		var victim *call
		for _, c := range s.calls {
			if c.size > 0 && (victim == nil || spare(c, victim)) {
				victim = c
			}
		}
		if victim == nil {
			return
		}
		before := victim.size
		if victim.ended {
			s.text -= victim.clear()
		} else {
			s.text -= victim.shrink(victim.size / 2)
		}
		if victim.size == before {
			return
		}
	}
}

// spare tells whether a's messages go before b's.
func spare(a, b *call) bool {
	if a.ended != b.ended {
		return a.ended
	}
	if a.ended {
		return a.n < b.n
	}
	return a.size > b.size
}
