package media

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// A Conn is a datagram socket that never waits. One goroutine owns it.
type Conn interface {
	// Read takes the next datagram that has come; ok is false when there is none. One that
	// does not fit into b comes with N = 0.
	Read(b []byte) (d Datagram, ok bool)
	// Write sends b at once or not at all. The error of a closed socket is os.ErrClosed.
	Write(b []byte, to netip.AddrPort) error
	// Local is the address the socket is bound to.
	Local() netip.AddrPort
	Close() error
}

// A Datagram says what Read put into its buffer.
type Datagram struct {
	N    int
	From netip.AddrPort
	At   time.Time // when it came in, not when it was read; zero: not known
}

// A Pair is the sockets of one call: RTP on an even port and RTCP on the next.
type Pair struct {
	RTP, RTCP Conn
	jitter    Jitter // of sessions that say nothing of it
	learning  Learning
	release   func()
	closed    atomic.Bool
}

// Close closes both sockets and gives the port back; a second Close does nothing.
func (p *Pair) Close() error {
	if p.closed.Swap(true) {
		return nil
	}
	err := p.RTP.Close()
	if e := p.RTCP.Close(); err == nil {
		err = e
	}
	if p.release != nil {
		p.release()
	}
	return err
}
