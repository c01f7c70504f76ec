package faxend

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tipring/t38/udptl/netmodel"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// A terminal is spandsp's T.38 terminal on UDP, in real time.
type terminal struct {
	*spandsp.Terminal
	mute  bool
	ended chan struct{} // the machine has hung up, or the terminal was closed
	stop  chan struct{}
	once  sync.Once

	mu      sync.Mutex
	start   time.Time
	in, out *netmodel.Path
	send    func(b []byte, to netip.AddrPort)
	to      netip.AddrPort
	Met     Met
}

// Met is what a terminal met on the network.
type Met struct {
	Sent, Received int // datagrams
	Octets         int // sent, with 28 of IPv4 and UDP each
	ReceivedOctets int // the same
	From           []netip.AddrPort
	First, Last    time.Time // of those received
	LongestGap     time.Duration
}

func newTerminal(t *spandsp.Terminal, s Script, to netip.AddrPort, send func([]byte, netip.AddrPort)) *terminal {
	network := netmodel.Config{}
	if s.Network != nil {
		network = *s.Network
	}
	k := &terminal{
		Terminal: t, mute: s.Mute, ended: make(chan struct{}), stop: make(chan struct{}), start: time.Now(),
		in: netmodel.NewPath(s.Seed, 1, network), out: netmodel.NewPath(s.Seed, 2, network), send: send, to: to,
	}
	go k.run()
	return k
}

func (k *terminal) now() int64 { return int64(time.Since(k.start) * 8000 / time.Second) }

// arrived takes a datagram of the network.
func (k *terminal) arrived(b []byte, from netip.AddrPort) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if k.Met.Received == 0 {
		k.Met.First = now
	} else {
		k.Met.LongestGap = max(k.Met.LongestGap, now.Sub(k.Met.Last))
	}
	k.Met.Last = now
	k.Met.Received++
	k.Met.ReceivedOctets += len(b) + 28
	if !slices.Contains(k.Met.From, from) {
		k.Met.From = append(k.Met.From, from)
	}
	k.in.Send(k.now(), b)
}

func (k *terminal) met() Met {
	k.mu.Lock()
	defer k.mu.Unlock()
	m := k.Met
	m.From = slices.Clone(m.From)
	return m
}

// move sends from elsewhere, to elsewhere; nil and the zero address leave things as they are.
func (k *terminal) move(send func([]byte, netip.AddrPort), to netip.AddrPort) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if send != nil {
		k.send = send
	}
	if to.IsValid() {
		k.to = to
	}
}

func (k *terminal) run() {
	defer close(k.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := time.Duration(1); ; n++ {
		timer.Reset(time.Until(k.start.Add(n * lockstep.TickTime)))
		select {
		case <-timer.C:
		case <-k.stop:
			return
		}
		out, err := k.Exchange(k.due())
		if err != nil {
			return
		}
		k.say(out)
	}
}

func (k *terminal) due() []lockstep.Packet {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []lockstep.Packet
	for {
		b, ok := k.in.Receive(k.now())
		if !ok {
			return list
		}
		list = append(list, lockstep.Packet{Copies: 1, Octets: b})
	}
}

func (k *terminal) say(out []lockstep.Packet) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range out {
		for range max(p.Copies, 1) {
			k.out.Send(k.now(), p.Octets)
		}
	}
	for {
		b, ok := k.out.Receive(k.now())
		if !ok {
			return
		}
		if k.mute || k.to.Addr().IsUnspecified() {
			continue
		}
		k.Met.Sent++
		k.Met.Octets += len(b) + 28
		k.send(b, k.to)
	}
}

// close ends the terminal and waits for it; its Result may be asked afterwards.
func (k *terminal) close() {
	k.once.Do(func() { close(k.stop) })
	<-k.ended
}

// A port is a UDP socket for a terminal.
type port struct {
	conn *net.UDPConn
	addr netip.AddrPort
}

func (f *Fax) openPort() (*port, error) {
	p := &port{}
	err := f.end.host.Do(func() (err error) {
		p.conn, err = net.ListenUDP("udp", &net.UDPAddr{IP: f.end.host.Addr.AsSlice()})
		return err
	})
	if err != nil {
		return nil, err
	}
	p.addr = p.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	f.mu.Lock()
	f.ports = append(f.ports, p)
	f.mu.Unlock()
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := p.conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			f.datagram(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		}
	}()
	return p, nil
}

func (p *port) send(b []byte, to netip.AddrPort) { _, _ = p.conn.WriteToUDPAddrPort(b, to) }
