package call

import (
	"net/netip"

	"tipring/internal/dsp"
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/t38"
	"tipring/t38/udptl"
)

const (
	// packetsBy is when the first packet of a far end must have come that has agreed to T.38, in
	// samples. It may have nothing to say until it has heard the second DIS of the machine.
	packetsBy = 10 * dsp.SampleRate
	// relayBlock is how many samples pass between two looks at the socket.
	relayBlock = dsp.SampleRate / 50
	// preambleHeard is what a preamble is known by, in samples.
	preambleHeard = dsp.SampleRate / 4
	// readLimit is how many datagrams are taken at a time.
	readLimit = 32
)

// A relayNet is a relay's T.38: the gateway between the machine and the packets.
type relayNet struct {
	gateway *t38.Gateway // nil: none runs
	packets *media.Packets
	busyAt  int64 // when the machine last said something to the packets, or they to it
	gone    udptl.Counters
	depth   int // secondaries of image data
	most    int // bit/s that both ends agreed on

	beside *offer.Image   // agreed beside sound, and not begun
	ahead  *media.Packets // its packets, on a socket of their own; what has begun keeps them

	past pastSound

	buf    [udptl.MaxDatagram]byte
	unused [relayBlock]int16 // sound of a gateway that nobody hears, or that is late
}

// start begins T.38 in the place of sound, or with packets that were agreed on before.
func (n *relayNet) start(r *relay, i *offer.Image) {
	if n.packets = n.ahead; n.packets == nil {
		n.packets = r.c.session.Packets(i.Remote)
	}
	n.beside = nil
	n.gateway = t38.NewGateway(r.settings.Link(i), t38.DefaultLevel)
	n.gateway.Policy = r.settings.Policy(i)
	n.gateway.Policy.Ident = r.ident
	n.most = n.gateway.Policy.MaxBitRate
	n.gateway.Policy.MaxBitRate = r.limit.within(n.most)
	n.gateway.Watch = r.watch
	n.busyAt = r.now
	_, n.depth = n.gateway.Link.Depth()
	n.past.fromPreamble()
	n.hearPreamble()
}

// hearPreamble lets the gateway hear at once by what it knows that the machine speaks, before
// the far end can make it speak itself.
func (n *relayNet) hearPreamble() {
	for heard := 0; heard < preambleHeard && n.past.n >= relayBlock; heard += relayBlock {
		n.past.take(n.unused[:])
		n.gateway.Exchange(n.unused[:], n.unused[:])
	}
}

// stop ends it. What was agreed for sound may follow.
func (n *relayNet) stop(r *relay) {
	if n.gateway == nil {
		return
	}
	r.watch = n.gateway.Watch
	c := n.gateway.Link.Counters()
	n.gone.Lost += c.Lost
	n.gone.Recovered += c.Recovered
	n.gone.Received += c.Received
	n.gateway, n.packets, n.ahead = nil, nil, nil
	n.past.forget()
}

// counters are of all packets of the call.
func (n *relayNet) counters() udptl.Counters {
	c := n.gone
	if n.gateway != nil {
		x := n.gateway.Link.Counters()
		c.Lost += x.Lost
		c.Recovered += x.Recovered
		c.Received += x.Received
	}
	return c
}

// move follows a far end that goes elsewhere. One that wants nothing sent, as in a hold, is not
// heeded: the machines go on.
func (n *relayNet) move(to netip.AddrPort) {
	if to.IsValid() && to.Port() != 0 && !to.Addr().IsUnspecified() {
		n.packets.SetRemote(to)
	}
}

// exchange is a frame of T.38.
func (n *relayNet) exchange(r *relay, in, out []int16) {
	r.c.session.Exchange(r.p.quiet(len(in)), out) // its time passes; sound is not used
	for at := 0; at < len(in); at += relayBlock {
		end := min(at+relayBlock, len(in))
		n.hear(r)
		n.pass(in[at:end], out[at:end])
		n.say(r)
	}
}

// pass lets the gateway hear the machine, and the machine the gateway.
func (n *relayNet) pass(in, out []int16) {
	if n.past.n == 0 {
		n.gateway.Exchange(in, out)
		return
	}
	early := n.unused[:min(len(in), n.past.n)]
	n.past.put(in)
	n.past.take(early)
	n.gateway.Exchange(early, out[:len(early)])
	if !silent(out[:len(early)]) { // it has begun to speak: what is past is of no use
		n.past.forget()
		n.gateway.Exchange(in[len(early):], out[len(early):])
		return
	}
	n.past.take(n.unused[:len(in)])
	n.gateway.Exchange(n.unused[:len(in)], out)
}

func silent(pcm []int16) bool {
	for _, s := range pcm {
		if s != 0 {
			return false
		}
	}
	return true
}

// hear takes the packets that have come.
func (n *relayNet) hear(r *relay) {
	for range readLimit {
		k, ok := n.packets.Read(n.buf[:])
		if !ok {
			return
		}
		n.heard(r, n.buf[:k])
	}
}

func (n *relayNet) heard(r *relay, datagram []byte) {
	if n.gateway.Hear(datagram) != nil {
		return
	}
	if r.change.packetBy != 0 {
		r.change.packetBy = 0
		r.p.dev.Memory.Worked(r.number)
	}
	if !idle(datagram) {
		n.busyAt = r.now
	}
}

// say sends the packets that are due. A packet that is not sent is one that is lost.
func (n *relayNet) say(r *relay) {
	for {
		d, ok := n.gateway.Say()
		if !ok {
			return
		}
		if !idle(d) {
			n.busyAt = r.now
		}
		_ = n.packets.Write(d)
	}
}

// idle reports that the packet of a datagram says that there is no signal (ITU-T T.38 table 2):
// it stands behind the number and its own length.
func idle(datagram []byte) bool { return len(datagram) < 4 || datagram[3] == 0 }

// offeredBeside takes T.38 that stands beside sound: it begins when there is a fax.
func (n *relayNet) offeredBeside(r *relay, i *offer.Image) {
	if n.ahead != nil {
		n.ahead.SetRemote(i.Remote)
	} else {
		n.ahead = r.second.Packets(i.Remote)
	}
	n.beside = i
}

func (n *relayNet) noneBeside() { n.beside, n.ahead = nil, nil }

// beginBeside begins with the T.38 beside sound, once it carries more than silence or a sign of
// a fax was heard.
func (n *relayNet) beginBeside(r *relay) {
	if !r.up {
		return
	}
	var first []byte
	for range readLimit {
		k, ok := n.ahead.Read(n.buf[:])
		if !ok {
			break
		}
		if !idle(n.buf[:k]) {
			first = n.buf[:k]
			break
		}
	}
	if first == nil && r.phase == inVoice {
		return
	}
	r.byPackets(n.beside)
	if first != nil {
		n.heard(r, first)
	}
}
