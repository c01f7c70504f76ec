package socket

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// How guessing tokens is slowed down.
const (
	guessTime   = time.Minute // over which wrong tokens are counted, and the longest time away
	guesses     = 3           // wrong tokens of one address, and each further one lengthens its time away
	guessesAll  = 30          // of all addresses
	firstAway   = 2 * time.Second
	maxGuessers = 64 // addresses that are remembered
)

// A guard turns away who guesses at the token: an address, and beyond guessesAll every
// address but the one that knew the token last. It reads no clock.
type guard struct {
	by    map[netip.Addr]guesser
	all   guesser
	known netip.Addr // knew the token last
}

// A guesser is what is remembered of wrong tokens.
type guesser struct {
	wrong int
	last  time.Time
	until time.Time // turned away until then
}

// party is whom an address stands for: itself, or the network of an IPv6 one.
func party(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return addr
}

// refuses tells whether a party is turned away unheard.
func (g *guard) refuses(a netip.Addr, now time.Time) bool {
	return now.Before(g.by[a].until) || a != g.known && now.Before(g.all.until)
}

// wrong notes a wrong token.
func (g *guard) wrong(a netip.Addr, now time.Time) {
	if g.by == nil {
		g.by = make(map[netip.Addr]guesser)
	}
	if _, ok := g.by[a]; !ok && len(g.by) >= maxGuessers {
		g.forget()
	}
	g.by[a] = g.by[a].again(guesses, now)
	g.all = g.all.again(guessesAll, now)
}

// right notes who knew the token.
func (g *guard) right(a netip.Addr) {
	g.known = a
	delete(g.by, a)
}

// forget makes room: who was heard of longest ago goes.
func (g *guard) forget() {
	var oldest netip.Addr
	for a, x := range g.by {
		if !oldest.IsValid() || x.last.Before(g.by[oldest].last) {
			oldest = a
		}
	}
	delete(g.by, oldest)
}

// again counts one more. The time away doubles with each beyond the limit; what lies
// guessTime behind the end of the last one is forgotten.
func (x guesser) again(limit int, now time.Time) guesser {
	if now.Sub(x.last) > guessTime && now.Sub(x.until) > guessTime {
		x = guesser{}
	}
	x.wrong, x.last = x.wrong+1, now
	if over := x.wrong - limit; over >= 0 {
		x.until = now.Add(min(guessTime, firstAway<<min(over, 5)))
	}
	return x
}

// refused logs the first refusal, then their number once a minute: anybody may connect as often
// as he likes. A wrong token counts against who said it.
func (d *Driver) refused(conn net.Conn, err error) {
	d.mu.Lock()
	if errors.Is(err, errToken) {
		d.guard.wrong(party(conn.RemoteAddr()), time.Now())
	}
	first := d.telling == nil
	d.mu.Unlock()
	if first {
		d.log.Warn("line card refused", "from", conn.RemoteAddr(), "reason", err)
	}
	d.count(err, first)
}

// count counts what is not logged by itself, until the minute is over.
func (d *Driver) count(err error, logged bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !logged {
		d.untold++
		d.why = err
	}
	if d.telling == nil {
		d.telling = time.AfterFunc(guessTime, d.tellRefused)
	}
}

func (d *Driver) tellRefused() {
	d.mu.Lock()
	n, why := d.untold, d.why
	d.untold, d.telling = 0, nil
	d.mu.Unlock()
	if n > 0 {
		d.log.Warn("line cards refused", "reason", why, "times", n)
	}
}

// stopTelling leaves untold what the minute had.
func (d *Driver) stopTelling() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.telling != nil {
		d.telling.Stop()
	}
}
