package ua

import (
	"net/netip"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// A Tap sees every message that crosses the stack: for ladders and captures. It is called on
// several goroutines at a time, and must not block, nor keep or change what it is shown.
type Tap func(s Sight)

// A Sight is a message that crosses the stack. What is received is shown before anybody acts
// on it, what is sent once the flow has taken it or has not.
type Sight struct {
	At    time.Time // when it came, or when it was given to the flow
	Flow  transport.Flow
	Out   bool
	Local netip.AddrPort // our side, as far as it is known
	From  netip.AddrPort // its sender
	Owner int            // EndpointConfig.Owner of the endpoint that it is of; 0: of none
	Err   error          // why it was not sent

	Wire []byte          // of what is sent
	Msg  *sipmsg.Message // what was received; of what is sent nil when it is a repetition
}

// Message is the message.
func (s Sight) Message() *sipmsg.Message {
	if s.Msg != nil {
		return s.Msg
	}
	m, _ := sipmsg.Parse(s.Wire)
	return m
}

// Text is the message as it is on the wire.
func (s Sight) Text() []byte {
	if s.Wire != nil {
		return s.Wire
	}
	return s.Msg.AppendReceived(nil)
}

// SetTap sets who sees every message; nil for nobody.
func (s *Stack) SetTap(t Tap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tap = t
}

func (s *Stack) tapped() Tap {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tap
}

// sawReceived shows a message that came in.
func (s *Stack) sawReceived(f transport.Flow, from netip.AddrPort, m *sipmsg.Message, e *Endpoint) {
	tap := s.tapped()
	if tap == nil || m == nil {
		return
	}
	tap(Sight{At: time.Now(), Flow: f, Local: f.Local(), From: from, Owner: e.owner(), Msg: m})
}

// sawSent shows a message that went out at that time, or did not. Its answer may be shown before.
func (s *Stack) sawSent(at time.Time, f transport.Flow, m *sipmsg.Message, wire []byte, e *Endpoint, err error) {
	if tap := s.tapped(); tap != nil {
		local := f.Local()
		tap(Sight{At: at, Flow: f, Out: true, Local: local, From: local, Owner: e.owner(), Err: err, Wire: wire, Msg: m})
	}
}

// owner is whose endpoint it is; 0 for none.
func (e *Endpoint) owner() int {
	if e == nil {
		return 0
	}
	return e.cfg.Owner
}
