package transport

import "sync/atomic"

// Counters is what a Layer has seen. The arrays are indexed by Proto.
type Counters struct {
	Received [TLS + 1]atomic.Int64 // messages handed up, well formed or not
	Sent     [TLS + 1]atomic.Int64 // messages given to the system
	Connects [TLS + 1]atomic.Int64 // connections that came up, asked for or accepted

	ParseErrors atomic.Int64 // of Received: did not parse
	KeepAlives  atomic.Int64 // CRLF and empty datagrams, pings and pongs
	ICMPErrors  atomic.Int64
	StreamFails atomic.Int64 // connections that failed or ended

	// Dropped unread, by reason.
	DroppedSource  atomic.Int64 // Accept said no: datagrams and connections
	DroppedTooLong atomic.Int64 // datagrams over sipmsg.MaxDatagram
	DroppedSTUN    atomic.Int64 // STUN that nobody asked for
	DroppedInbound atomic.Int64 // connections over the caps
	DroppedQueue   atomic.Int64 // messages to send that a queue had no room for
}
