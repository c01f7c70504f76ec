package transport

import (
	"errors"
	"net/netip"

	"tipring/internal/sipmsg"
)

// A Network opens flows: a Layer over sockets, or memnet's in memory.
type Network interface {
	// Flow returns the flow to t, an existing one or a new one that begins to connect.
	// Its Target is t.Normal().
	Flow(t Target) (Flow, error)
}

// A Flow carries messages to and from one far end: a connected UDP socket, a TCP or
// TLS connection, or the way back to a UDP source that nobody asked for. Flows compare
// with ==, and are safe to use from several goroutines.
type Flow interface {
	// Target is the far side. Of a connection that was accepted, and of the way back
	// to a UDP source, it has no Name.
	Target() Target
	// Local is our side; of TCP and TLS zero before FlowUp.
	Local() netip.AddrPort
	// Reliable reports TCP or TLS.
	Reliable() bool
	// Up reports that it can carry a message now: UDP always, TCP and TLS once
	// connected, shaken hands and verified, and until FlowFailed.
	Up() bool
	// Send never blocks. UDP sends at once; TCP and TLS queue, also while they still
	// connect, and ErrQueueFull or ErrClosed says when they cannot. The caller may use
	// wire again when Send has returned.
	Send(wire []byte) error
	// Ping asks for a sign of life, which comes as Handler.Pong.
	Ping(kind Ping) error
	// Close gives up a TCP or TLS flow, connecting or connected, which all its users
	// learn by FlowFailed with that cause; the next Network.Flow connects anew. It is
	// for an owner that had no answer in time. On UDP it does nothing.
	Close(cause error)
}

// A Ping is a kind of keep-alive (RFC 5626 section 3.5).
type Ping uint8

const (
	// CRLF is the double CRLF, answered on TCP and TLS by a single one. On UDP it
	// keeps a NAT open but no answer comes.
	CRLF Ping = iota
	// STUN is a binding request, over UDP only. Until it is answered, or Close gives it
	// up, Ping repeats it with the same transaction id.
	STUN
)

// A Handler is told what comes in. It is called on the transport's goroutines, several
// at a time, and must not block; it may call every method of a Flow, and Network.Flow,
// but not Layer.Close. FlowUp and FlowFailed can come before the call of Network.Flow
// that caused them has returned.
type Handler interface {
	// Receive takes a message from a peer. f is the flow to answer a request on (RFC
	// 3261 section 18.2.2), whose topmost Via has been stamped with received and rport.
	// err is a *sipmsg.Error when it did not parse; m is then partial or nil.
	Receive(f Flow, from netip.AddrPort, m *sipmsg.Message, err error)
	// FlowUp reports a TCP or TLS flow, asked for or accepted, that carries messages now.
	FlowUp(f Flow)
	// FlowFailed reports a connection that could not be made, was closed or was cut,
	// and is gone; or that a datagram could not be delivered, where f stays usable. err
	// is the cause alone: f has the target.
	FlowFailed(f Flow, err error)
	// Pong reports the answer to a Ping; to a STUN ping with our address as the far end
	// sees it, else with the zero address.
	Pong(f Flow, mapped netip.AddrPort)
}

// What Send and Ping may answer, besides what the system says.
var (
	ErrClosed      = errors.New("flow is closed")
	ErrQueueFull   = errors.New("write queue is full")
	ErrTooLong     = errors.New("message is longer than a datagram may be")
	ErrUnsupported = errors.New("not on this kind of flow")
)
