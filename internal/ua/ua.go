// Package ua is the core of a SIP user agent (RFC 3261 section 8): it joins the flows
// of package transport, the machines of package transaction and the credentials of
// package digest.
//
// A Stack takes what the transport receives and gives it to the Endpoint it is for: a
// response by the branch, a request by the user part of our own Contact. An Endpoint
// belongs to one goroutine, its owner's, which calls Run, or waits on Ready and on
// Deadline and calls Work; all that an Endpoint reports, it reports from inside Work.
// What a request is for, where it goes next when nobody answers, and what a dialog
// remembers is the owner's business. A Monitor keeps watch over the servers.
package ua

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// A Stack hands what comes in to the endpoints of the device. It is the transport's
// Handler.
type Stack struct {
	log    *slog.Logger
	Health *transport.Health // one state per server, for all endpoints
	Counts StackCounts

	overTag string // To tag of every stateless 503

	mu        sync.Mutex
	network   transport.Network
	byNumber  map[int]*Endpoint
	byContact map[string]*Endpoint
	fallback  *Endpoint // takes requests for no contact of ours; nil: they are dropped
	next      int
	pong      func(transport.Flow, netip.AddrPort)
	tap       Tap
	seen      map[transport.Flow]sighting
}

// A sighting is our address as the far end of a UDP flow sees it. It holds as long as
// the flow's own end stays where it was.
type sighting struct{ at, local netip.AddrPort }

// StackCounts are totals since the start.
type StackCounts struct {
	StrayResponses  atomic.Int64 // for no transaction
	ForeignRequests atomic.Int64 // for no contact, or from a source that a line does not accept
	Malformed       atomic.Int64
	OverloadRefused atomic.Int64 // INVITEs answered 503 because a line has too many in hand
	OverloadDropped atomic.Int64 // requests dropped for the same reason
	Unread          atomic.Int64 // messages for an owner who had too many unread
}

// maxSeen bounds the flows whose mapped address is remembered. Beyond it all are
// forgotten, and learned anew from the next responses.
const maxSeen = 256

// NewStack makes a stack without a network; Attach gives it one.
func NewStack(log *slog.Logger) *Stack {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Stack{
		log: log, Health: transport.NewHealth(), overTag: randomToken(),
		byNumber: map[int]*Endpoint{}, byContact: map[string]*Endpoint{},
		seen: map[transport.Flow]sighting{},
	}
}

// Attach sets the network to send through. A transport.Layer needs its Handler first,
// hence two steps; nothing can be sent before.
func (s *Stack) Attach(n transport.Network) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.network = n
}

var errNoNetwork = errors.New("no network yet")

func (s *Stack) flow(t transport.Target) (transport.Flow, error) {
	s.mu.Lock()
	n := s.network
	s.mu.Unlock()
	if n == nil {
		return nil, errNoNetwork
	}
	return n.Flow(t)
}

// add gives an endpoint its number and its contact user, which nobody can guess.
func (s *Stack) add(e *Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	e.number = s.next
	e.contact = e.cfg.Contact
	if e.contact == "" || s.byContact[e.contact] != nil {
		e.contact = randomToken()
	}
	s.byNumber[e.number] = e
	s.byContact[e.contact] = e
	if e.cfg.Fallback {
		s.fallback = e
	}
}

func (s *Stack) remove(e *Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byNumber, e.number)
	delete(s.byContact, e.contact)
	if s.fallback == e {
		s.fallback = nil
	}
}

// randomToken is 64 random bits: the user part of a Contact, a tag.
func randomToken() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// endpointOf finds whose transaction a branch names: its number stands after the last
// dot (see Endpoint.newBranch).
func (s *Stack) endpointOf(branch string) *Endpoint {
	i := strings.LastIndexByte(branch, '.')
	if i < 0 {
		return nil
	}
	n, err := strconv.Atoi(branch[i+1:])
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byNumber[n]
}

func (s *Stack) endpointFor(user string) *Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byContact[user]; e != nil {
		return e
	}
	return s.fallback
}

// Receive implements transport.Handler.
func (s *Stack) Receive(f transport.Flow, from netip.AddrPort, m *sipmsg.Message, err error) {
	var e *Endpoint
	switch {
	case m == nil:
	case m.IsRequest():
		e = s.endpointFor(m.RequestURI.User)
	default:
		e = s.endpointOf(m.Branch())
	}
	s.sawReceived(f, from, m, e)
	if err != nil || m == nil {
		s.malformed(f, from, m, e, err)
		return
	}
	if !m.IsRequest() {
		if e == nil {
			s.Counts.StrayResponses.Add(1)
			return
		}
		s.give(e, event{kind: received, flow: f, from: from, msg: m})
		return
	}
	if e == nil || !e.accepts(from.Addr()) {
		s.Counts.ForeignRequests.Add(1)
		return
	}
	s.give(e, event{kind: received, flow: f, from: from, msg: m})
}

// give hands a message to its endpoint.
func (s *Stack) give(e *Endpoint, ev event) {
	if !e.post(ev) {
		s.Counts.Unread.Add(1)
	}
}

// malformed answers a request that did not parse, when it is from a source that would
// be heard and enough of it can be read; ACK is never answered.
func (s *Stack) malformed(f transport.Flow, from netip.AddrPort, m *sipmsg.Message, e *Endpoint, err error) {
	s.Counts.Malformed.Add(1)
	var fault *sipmsg.Error
	if !errors.As(err, &fault) || fault.Code == 0 || m == nil || !m.IsRequest() || m.Method == sipmsg.ACK || len(m.Via) == 0 {
		return
	}
	if e == nil || !e.accepts(from.Addr()) {
		return
	}
	res := m.Response(fault.Code, fault.Reason)
	if res.To.Tag() == "" {
		res.To = res.To.WithTag(randomToken())
	}
	wire, werr := res.Append(nil)
	if werr != nil {
		return
	}
	at := time.Now()
	serr := f.Send(wire)
	s.sawSent(at, f, res, wire, e, serr)
	if serr != nil {
		s.log.Debug("answer to a malformed request not sent", "to", from, "err", serr)
	}
}

// FlowUp implements transport.Handler.
func (s *Stack) FlowUp(f transport.Flow) { s.broadcast(event{kind: flowUp, flow: f}) }

// FlowFailed implements transport.Handler.
func (s *Stack) FlowFailed(f transport.Flow, err error) {
	s.broadcast(event{kind: flowFailed, flow: f, err: err})
}

// Pong implements transport.Handler.
func (s *Stack) Pong(f transport.Flow, mapped netip.AddrPort) {
	s.mu.Lock()
	pong := s.pong
	s.mu.Unlock()
	if pong != nil {
		pong(f, mapped)
	}
}

// address is where the far end of f sees us.
func (s *Stack) address(f transport.Flow) netip.AddrPort {
	local := f.Local()
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.seen[f]; ok && known.local == local {
		return known.at
	}
	return local
}

// learn notes where the far end of f sees us, and tells every endpoint when that is new:
// they share the flow, and so what its NAT does, or that this host has moved.
func (s *Stack) learn(f transport.Flow, at netip.AddrPort) {
	local := f.Local()
	s.mu.Lock()
	known, ok := s.seen[f]
	if !ok {
		known.at = local
	}
	if !ok && len(s.seen) >= maxSeen {
		clear(s.seen)
	}
	s.seen[f] = sighting{at, local}
	s.mu.Unlock()
	if at != known.at {
		s.broadcast(event{kind: mapped, flow: f, from: at})
	}
}

// broadcast tells every endpoint: which of them use a flow only they know.
func (s *Stack) broadcast(ev event) {
	s.mu.Lock()
	all := make([]*Endpoint, 0, len(s.byNumber))
	for _, e := range s.byNumber {
		all = append(all, e)
	}
	s.mu.Unlock()
	for _, e := range all {
		e.post(ev)
	}
}
