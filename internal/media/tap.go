package media

import (
	"net/netip"
	"time"

	"tipring/internal/capture"
)

// A Tap takes the datagrams of calls into their captures. Takes is asked before, so that what
// is not captured costs no more than that question.
type Tap interface {
	Takes(kind capture.PacketKind) bool
	// Packet is shown what crossed the port local. It must not block, nor keep or change b.
	Packet(at time.Time, kind capture.PacketKind, out bool, local uint16, remote netip.AddrPort, b []byte)
}

// tapped is a Conn whose datagrams are shown to a Tap.
type tapped struct {
	Conn
	tap Tap
}

// tapOf is the Tap of a socket; nil: none.
func tapOf(c Conn) Tap {
	if t, ok := c.(tapped); ok {
		return t.tap
	}
	return nil
}

// kind is what a packet of RTP is to a capture. An event that is encrypted counts as one that
// nobody knows: who has the key could read the digit.
func (s *Session) kind(event, agreed bool) capture.PacketKind {
	switch {
	case !agreed, event && s.secure != nil:
		return capture.Strange
	case event:
		return capture.TelephoneEvent
	}
	return capture.RTP
}

// show shows a datagram to the Tap, if there is one that wants it. at zero is now.
func show(tap Tap, c Conn, kind capture.PacketKind, out bool, at time.Time, remote netip.AddrPort, b []byte) {
	if tap == nil || !tap.Takes(kind) {
		return
	}
	if at.IsZero() {
		at = time.Now()
	}
	tap.Packet(at, kind, out, c.Local().Port(), remote, b)
}
