package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"syscall"
)

// ErrNoPort is wrapped by the error of a Ports that has none left.
var ErrNoPort = errors.New("no free RTP port")

// Ports lends the ports of a range to calls in pairs, an even one for RTP and the next for
// RTCP (RFC 3550 section 11). Its methods may be called from any goroutine.
type Ports struct {
	first, pairs int
	tap          Tap // of all its sockets; nil: none

	mu    sync.Mutex
	how   Manner
	inUse map[int]bool // by the number of the pair
	next  int          // the pair to try first: a port just given back is not lent at once
}

// A Manner is how what crosses sockets is marked, and how sessions on them play it.
type Manner struct {
	DSCP     int // of what is sent: 0 to 63 (RFC 2474)
	Jitter   Jitter
	Learning Learning
}

// expedited is the mark of voice: EF (RFC 3246, RFC 4594 section 4.1).
const expedited = 46

// SetManner is for the sockets that are opened from now on; before, they are marked EF and
// sessions have the default Jitter.
func (p *Ports) SetManner(m Manner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.how = m
}

// NewPorts makes a pool of the ports from min to max.
func NewPorts(min, max int) (*Ports, error) {
	first := min + min&1
	pairs := (max - first + 1) / 2
	if min < 1 || max > 65535 || pairs < 1 {
		return nil, fmt.Errorf("RTP ports %d to %d hold no even port with the next", min, max)
	}
	return &Ports{first: first, pairs: pairs, inUse: map[int]bool{}, next: rand.IntN(pairs), how: Manner{DSCP: expedited}}, nil
}

// SetTap has what crosses the ports shown to tap. It must not be called once Listen was.
func (p *Ports) SetTap(tap Tap) { p.tap = tap }

// Listen opens a pair on the address bind; the zero bind is every address. A device binds
// it to that network interface. What other programs hold is passed over.
func (p *Ports) Listen(bind netip.Addr, device string) (*Pair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.pairs {
		n := p.next
		p.next = (p.next + 1) % p.pairs
		if p.inUse[n] {
			continue
		}
		pair, err := p.open(n, bind, device)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p.inUse[n] = true
		return pair, nil
	}
	return nil, fmt.Errorf("%w in %d to %d: %d of %d pairs in calls, the others taken by other programs",
		ErrNoPort, p.first, p.first+2*p.pairs-1, len(p.inUse), p.pairs)
}

// InUse is how many pairs are lent.
func (p *Ports) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.inUse)
}

func (p *Ports) open(n int, bind netip.Addr, device string) (*Pair, error) {
	port := uint16(p.first + 2*n)
	rtp, err := listenUDP(bind, port, device, p.how.DSCP)
	if err != nil {
		return nil, err
	}
	rtcp, err := listenUDP(bind, port+1, device, p.how.DSCP)
	if err != nil {
		_ = rtp.Close()
		return nil, err
	}
	pair := &Pair{RTP: rtp, RTCP: rtcp, jitter: p.how.Jitter, learning: p.how.Learning, release: func() { p.release(n) }}
	if p.tap != nil {
		pair.RTP, pair.RTCP = tapped{rtp, p.tap}, tapped{rtcp, p.tap}
	}
	return pair, nil
}

func (p *Ports) release(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.inUse, n)
}
