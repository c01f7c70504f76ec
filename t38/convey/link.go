package convey

import (
	"errors"

	"tipring/t38/ifp"
	"tipring/t38/t30"
	"tipring/t38/udptl"
)

const (
	// releaseAfter is how long packets are held back for a missing one: longer than the
	// spacing of image data, and than what a network swaps.
	releaseAfter = SampleRate / 10
	// holdNumbers is how many newer ones are waited for within that time: some peers send
	// the last frames of a block, and the end, all at once, for a network to mix.
	holdNumbers = 16
)

// LinkConfig is what two ends of a call agreed on, and what this one wants.
type LinkConfig struct {
	Version  int          // T38FaxVersion agreed on
	Limits   udptl.Limits // of the peer; the zero value is that of a peer that says nothing
	First    uint16       // sequence number to begin with
	Every    int64        // samples between packets of image data, 160 to 320; 0 is 240
	Renumber bool         // repeats of indicators and ends have numbers of their own
	// Alive is how long nothing is said before silence is told once more, in samples, as it is
	// at the very beginning: firewalls and address translators let the peer's packets in while
	// they see some of this end. KeepAlive is usual; 0: never.
	Alive int64

	// Secondaries of control packets and of image data, 0 to 7; Adaptive leaves their
	// number to udptl.Depth.
	Control, Image int
	// Span and Entries, if not 0, send parity instead.
	Span, Entries int
}

// KeepAlive is shorter than the 30 s after which the most impatient of the usual translators
// forget who talks to whom (RFC 4787 section 4.3 asks for 2 minutes).
const KeepAlive = 15 * SampleRate

// Adaptive as a number of secondaries is one that follows from loss and repairs.
const Adaptive = -1

// A Link sends the packets of a Sender as datagrams and gives a Receiver what comes.
type Link struct {
	Sender   Sender
	Receiver *Receiver

	config   LinkConfig
	encoder  *udptl.Encoder
	decoder  *udptl.Decoder
	depth    udptl.Depth
	repaired bool // the page under way was
	sink     Sink
	parts    PartSink // the sink, if it is one
	now      int64
	held     int64 // since when packets are held back; the last one was handed on then, or none was
	datagram []byte
}

// NewLink returns a link that tells a sink of what comes.
func NewLink(c LinkConfig, s Sink) *Link {
	if c.Limits == (udptl.Limits{}) {
		c.Limits = udptl.LimitsOf(0)
	}
	l := &Link{config: c, sink: s, encoder: udptl.NewEncoder(c.Limits, c.First)}
	l.parts, _ = s.(PartSink)
	l.Receiver = NewReceiver((*observed)(l))
	l.decoder = udptl.NewDecoder(func(p udptl.Packet) {
		l.held = l.now
		l.Receiver.Take(l.now, p)
	})
	l.decoder.Hold = holdNumbers
	l.Receiver.Coding = ifp.CodingOf(c.Version)
	l.Sender = Sender{Coding: ifp.CodingOf(c.Version), Every: c.Every, MaxIFP: c.Limits.IFP, Renumber: c.Renumber, Alive: c.Alive}
	return l
}

// Counters returns what was met of the peer's datagrams.
func (l *Link) Counters() udptl.Counters { return l.decoder.Counters() }

// Depth returns how many secondaries control packets and image data have now.
func (l *Link) Depth() (control, image int) {
	return l.secondaries(l.config.Control, l.depth.Control()), l.secondaries(l.config.Image, l.depth.Image())
}

func (l *Link) secondaries(fixed, adaptive int) int {
	if fixed == Adaptive {
		return adaptive
	}
	return fixed
}

// Hear takes a datagram of the peer. The error is udptl.ErrMalformed; the datagram is
// then not used.
func (l *Link) Hear(now int64, datagram []byte) error {
	l.expire(now)
	if !l.decoder.Waiting() {
		l.held = now
	}
	err := l.decoder.Decode(datagram)
	l.depth.LossSeen(l.decoder.Counters())
	return err
}

// Say returns a datagram that is due by now. ok is false if none is. It is valid until the
// next call.
func (l *Link) Say(now int64) (datagram []byte, ok bool) {
	l.expire(now)
	p, ok := l.Sender.Next(now)
	if !ok {
		return nil, false
	}
	protection := udptl.Protection{Span: l.config.Span, Entries: l.config.Entries}
	control, image := l.Depth()
	if protection.Secondaries = image; p.Control {
		protection.Secondaries = control
	}
	if p.Repeat {
		l.datagram = l.encoder.Repeat(l.datagram[:0], protection)
		return l.datagram, true
	}
	var err error
	l.datagram, err = l.encoder.Append(l.datagram[:0], p.IFP, protection)
	return l.datagram, err == nil
}

func (l *Link) expire(now int64) {
	l.now = now
	if at, ok := l.hearing(); ok && now >= at {
		l.decoder.Release()
	}
	l.Receiver.Expire(now)
}

func (l *Link) hearing() (at int64, ok bool) { return l.held + releaseAfter, l.decoder.Waiting() }

// Deadline returns when Say is to be called next. ok is false if nothing is due.
func (l *Link) Deadline() (at int64, ok bool) {
	at, ok = l.Sender.Deadline()
	if next, is := l.hearing(); is && (!ok || next < at) {
		at, ok = next, true
	}
	if next, is := l.Receiver.Deadline(); is && (!ok || next < at) {
		at, ok = next, true
	}
	return at, ok
}

// Told is to be called with each frame that the Sender is given: from DCS the link knows
// whether errors are corrected.
func (l *Link) Told(octets []byte) {
	if f, ok := t30.ParseFrame(octets); ok && f.FCF == t30.DCS {
		if c, err := t30.ParseCommand(f.Info); err == nil || errors.Is(err, t30.ErrMode) {
			l.depth.SetECM(c.ECM)
		}
	}
}

// observed is the link as the receiver's sink: it learns from frames what the peer wants
// repaired, and passes all on.
type observed Link

func (o *observed) Indicator(i ifp.Indicator)            { o.sink.Indicator(i) }
func (o *observed) Octets(d ifp.DataType, octets []byte) { o.sink.Octets(d, octets) }
func (o *observed) End(d ifp.DataType)                   { o.sink.End(d) }
func (o *observed) Part(octets []byte) {
	if o.parts != nil {
		o.parts.Part(octets)
	}
}
func (o *observed) Frame(d ifp.DataType, b []byte, ok bool) {
	if f, parsed := t30.ParseFrame(b); ok && parsed && d == ifp.V21Data {
		switch f.FCF {
		case t30.PPR, t30.RTN:
			o.depth.Repair(1)
			o.repaired = true
		case t30.MCF:
			if !o.repaired {
				o.depth.PageEnded(0)
			}
			o.repaired = false
		}
	}
	o.sink.Frame(d, b, ok)
}
