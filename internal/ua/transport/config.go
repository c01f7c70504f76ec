package transport

import (
	"crypto/tls"
	"log/slog"
	"net/netip"
	"time"
)

// Config is what a Layer needs to know. The zero value of every field works.
type Config struct {
	Bind    netip.Addr // address to listen on and send from; zero: every, IPv4 and IPv6
	UDPPort int        // 0: any free one, as for the next two
	TCPPort int        // negative: no listener
	TLSPort int        // negative, or without ServerCert: no listener

	TLS        *tls.Config      // base for connections out: RootCAs (nil: the system's), Certificates
	ServerCert *tls.Certificate // ours, for connections in

	// Accept is asked whether to take what comes from an address nobody here sends
	// to, before it is looked at. Nil takes all.
	Accept func(netip.Addr) bool
	Log    *slog.Logger // nil: none

	ConnectTimeout time.Duration // connect and TLS handshake together; 0: 32 s, which is 64*T1
	WriteTimeout   time.Duration // for a message to leave a stream; 0: 10 s
	UserTimeout    time.Duration // unacknowledged data ends a stream (TCP_USER_TIMEOUT); 0: the system's
	InboundIdle    time.Duration // an accepted connection without a message is closed; 0: 10 min
	DSCP           int           // of all that is sent: 0 to 63 (RFC 2474)
	MaxInbound     int           // accepted connections; 0: 64
	MaxPerSource   int           // accepted connections of one address; 0: 16
	MaxFlows       int           // UDP sockets, and connections out, before the longest unused is closed; 0: 256
}

func (c Config) withDefaults() Config {
	duration := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	number := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	duration(&c.ConnectTimeout, 32*time.Second)
	duration(&c.WriteTimeout, 10*time.Second)
	duration(&c.InboundIdle, 10*time.Minute)
	number(&c.MaxInbound, 64)
	number(&c.MaxPerSource, 16)
	number(&c.MaxFlows, 256)
	if c.Accept == nil {
		c.Accept = func(netip.Addr) bool { return true }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
