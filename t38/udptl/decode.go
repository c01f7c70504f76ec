package udptl

import "bytes"

const (
	// kept is how many sequence numbers a Decoder keeps packets of: those handed on lately,
	// which parity needs and duplicates are known by, and those held back. At 30 ms a
	// packet it is two seconds.
	kept = 64
	// maxHold bounds how many of them are held back.
	maxHold = kept/2 - 1
	// defaultHold is what swapped and delayed datagrams of a usual network need.
	defaultHold = 3
	// meaningful is the jump of the numbers up to which it counts lost packets.
	meaningful = 1000
	// confirming is how far a second datagram may follow a suspect one.
	confirming = 8
)

// A Packet is an IFP packet in its place of the peer's sequence.
type Packet struct {
	Seq       uint16
	IFP       []byte // valid until the function it was handed to returns
	Recovered bool   // it came as a secondary, or from parity
	Lost      int    // packets before it that never came, or came too late
	Resync    bool   // the peer numbers anew: what Lost says is not all
}

// A Decoder reads the datagrams of one direction of a call.
//
// A packet that is missing holds back those after it until Hold newer numbers have been
// seen, or as many as the peer's parity covers: until then its own datagram, out
// of order, or a later one's parity may bring it. Then it is given up; should it still
// come, it is dropped as late. A network that goes silent would leave packets held
// back, so the owner calls Release when nothing has come for a while (Waiting).
//
// The numbers may begin anywhere and wrap. A jump ahead is followed at once. A number
// long past, or a past one with other content, is followed when a second datagram
// agrees with it: the peer began anew.
type Decoder struct {
	Hold int // newer numbers to wait for a missing one: 0 to 31; NewDecoder sets 3

	deliver  func(Packet)
	counters Counters
	begun    bool
	next     uint16 // number to be handed on
	newest   uint16 // newest number seen
	lost     int    // packets given up since the last one handed on
	resync   bool   // the next one handed on begins a new sequence
	packets  [kept]slot
	parity   parityStore
	suspect  []byte   // a datagram that may begin a new sequence; empty: none
	in       datagram // being read
}

// A slot keeps the packet of one number.
type slot struct {
	seq       uint16
	full      bool
	recovered bool
	ifp       []byte
}

// NewDecoder returns a decoder that hands packets to deliver, from within Decode and
// Release, which deliver does not call.
func NewDecoder(deliver func(Packet)) *Decoder {
	return &Decoder{deliver: deliver, Hold: defaultHold}
}

// Counters returns what was met so far.
func (d *Decoder) Counters() Counters { return d.counters }

// Waiting tells whether packets are held back for a missing one.
func (d *Decoder) Waiting() bool { return d.begun && ahead(d.newest, d.next) >= 0 }

// Release gives up what is missing and hands on what is held back.
func (d *Decoder) Release() {
	for d.Waiting() {
		d.step()
	}
}

// Decode reads a datagram and hands on what can be. The only error is ErrMalformed, and
// nothing of such a datagram is used.
func (d *Decoder) Decode(b []byte) error {
	if !d.in.parse(b) {
		d.counters.Malformed++
		return ErrMalformed
	}
	d.counters.Received++
	d.sort(b)
	return nil
}

// sort does with the datagram just read what its number asks for.
func (d *Decoder) sort(b []byte) {
	n := ahead(d.in.seq, d.next)
	switch {
	case !d.begun:
		d.begin()
	case n > maxHold:
		d.jump()
	case n < maxHold-kept+1 || d.contradicted():
		d.doubt(b)
		return
	case d.have(d.in.seq):
		d.counters.Duplicate++
	case n < 0:
		d.counters.Late++
	}
	d.clear()
	d.take()
}

// clear drops the suspect datagram: another one went on with the sequence.
func (d *Decoder) clear() {
	if len(d.suspect) > 0 {
		d.counters.Stray++
	}
	d.suspect = d.suspect[:0]
}

// ahead is how far a number is ahead of another.
func ahead(a, b uint16) int { return int(int16(a - b)) }

// begin starts a sequence with the datagram and the secondaries it brings.
func (d *Decoder) begin() {
	d.begun = true
	d.forget()
	d.newest = d.in.seq
	d.next = d.in.seq - uint16(d.in.secondaries())
}

// jump follows the peer over more missing packets than can be waited for.
func (d *Decoder) jump() {
	d.Release()
	n := ahead(d.in.seq, d.next)
	switch {
	case n <= maxHold: // what was held back was most of it
	case n > meaningful:
		d.renumber()
	default:
		lost := n - min(n, d.in.secondaries())
		d.lost += lost
		d.counters.Lost += uint32(lost)
		d.begin()
	}
}

func (d *Decoder) renumber() {
	d.resync = true
	d.counters.Resynced++
	d.begin()
}

// doubt keeps a datagram that may begin a new sequence until a second one agrees.
func (d *Decoder) doubt(b []byte) {
	if len(d.suspect) > 0 {
		first := uint16(d.suspect[0])<<8 | uint16(d.suspect[1])
		if n := ahead(d.in.seq, first); n >= 0 && n <= confirming {
			d.restart(b)
			return
		}
	}
	d.clear()
	d.suspect = append(d.suspect, b...)
}

// restart begins the new sequence with the suspect datagram and goes on with b.
func (d *Decoder) restart(b []byte) {
	d.Release()
	d.in.parse(d.suspect) // both were well formed when they came
	d.renumber()
	d.take()
	d.suspect = d.suspect[:0]
	d.in.parse(b)
	d.sort(b)
}

// contradicted tells whether the datagram has another packet than the one known by its
// number. A packet restored from parity may have zeros after it.
func (d *Decoder) contradicted() bool {
	if !d.have(d.in.seq) {
		return false
	}
	s := d.slot(d.in.seq)
	known := s.ifp
	if s.recovered && len(known) > len(d.in.primary) {
		known = known[:len(d.in.primary)]
	}
	return !bytes.Equal(known, d.in.primary)
}

// take keeps what the datagram brings and hands on what can be.
func (d *Decoder) take() {
	if ahead(d.in.seq, d.newest) > 0 {
		d.newest = d.in.seq
	}
	d.keep(d.in.seq, d.in.primary, false)
	for i := range d.in.count {
		if d.in.span > 0 {
			d.parity.add(d, d.in.parity(i))
		} else {
			d.keep(d.in.seq-1-uint16(i), d.in.recovery[i], true)
		}
	}
	d.parity.use(d)
	for d.Waiting() && (d.have(d.next) || ahead(d.newest, d.next) > d.hold()) {
		d.step()
	}
}

// keep stores a packet that is still to be handed on. A secondary may be empty: the
// sender had none.
func (d *Decoder) keep(seq uint16, ifp []byte, recovered bool) {
	if len(ifp) == 0 || ahead(seq, d.next) < 0 || d.have(seq) {
		return
	}
	s := d.slot(seq)
	s.seq, s.full, s.recovered = seq, true, recovered
	s.ifp = append(s.ifp[:0], ifp...)
	if recovered {
		d.counters.Recovered++
	}
}

func (d *Decoder) slot(seq uint16) *slot { return &d.packets[seq%kept] }

func (d *Decoder) have(seq uint16) bool {
	s := d.slot(seq)
	return s.full && s.seq == seq
}

// packet returns a packet that is kept, nil if it is not.
func (d *Decoder) packet(seq uint16) []byte {
	if !d.have(seq) {
		return nil
	}
	return d.slot(seq).ifp
}

// hold is how many newer numbers to wait for a missing one.
func (d *Decoder) hold() int {
	return max(0, min(max(d.Hold, d.in.span*d.in.count), maxHold))
}

// step hands on the next packet, or gives it up.
func (d *Decoder) step() {
	if !d.have(d.next) {
		d.next++
		d.lost++
		d.counters.Lost++
		return
	}
	s := d.slot(d.next)
	p := Packet{Seq: d.next, IFP: s.ifp, Recovered: s.recovered, Lost: d.lost, Resync: d.resync}
	d.next++
	d.lost, d.resync = 0, false
	d.deliver(p)
}

func (d *Decoder) forget() {
	for i := range d.packets {
		d.packets[i].full = false
	}
	d.parity.forget()
}
