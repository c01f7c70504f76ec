package t38

import (
	"tipring/t38/ifp"
)

// fromNet is a gateway as it takes what the network tells: a convey.Sink.
type fromNet Gateway

// Indicator implements convey.Sink.
func (n *fromNet) Indicator(i ifp.Indicator) {
	g := (*Gateway)(n)
	switch i {
	case ifp.NoSignal:
		g.tell.close()
	case ifp.CNG, ifp.CED, ifp.V8ANSam: // an ANSam would only begin what packets cannot carry
		g.tell.begins(i)
	case ifp.V21Preamble:
		g.answered()
		g.tell.open(ifp.V21Data, false, true, false)
	default:
		if d, short, ok := i.Training(); ok {
			g.answered()
			g.openFast(d, short)
		}
	}
}

// Part implements convey.PartSink.
func (n *fromNet) Part(octets []byte) {
	g := (*Gateway)(n)
	g.Policy.edit(n.part(ifp.V21Data, octets))
}

// part gives the teller what there is of a frame, and returns its copy.
func (n *fromNet) part(d ifp.DataType, octets []byte) []byte {
	g := (*Gateway)(n)
	if !g.tell.takes(d, true) { // the beginning was lost, or the plan was wrong
		g.tell.open(d, !g.plan.long, true, false)
	}
	return g.tell.part(octets)
}

// Frame implements convey.Sink.
func (n *fromNet) Frame(d ifp.DataType, octets []byte, good bool) {
	g := (*Gateway)(n)
	f := n.part(d, octets)
	g.tell.endFrame(good)
	if d != ifp.V21Data {
		g.Watch.ImageFrame(false, good)
		if good {
			g.Watch.ImageData(false, octets)
		}
		return
	}
	if f == nil {
		return
	}
	g.Policy.edit(f)
	g.Watch.Frame(false, f, good)
	if good {
		g.plan.fromNet(f)
		g.ear.tune()
	}
}

// Octets implements convey.Sink.
func (n *fromNet) Octets(d ifp.DataType, octets []byte) {
	g := (*Gateway)(n)
	if !g.tell.takes(d, false) {
		g.tell.open(d, !g.plan.long, false, g.plan.netTraining())
	}
	if !g.plan.netTraining() {
		g.Watch.Image(false)
		g.Watch.ImageOctets(false, octets)
	} else if g.Policy.tooFast(d.BitRate()) {
		for left := len(octets); left > 0; left -= len(spoilt) {
			g.tell.octets(spoilt[:min(left, len(spoilt))])
		}
		return
	}
	g.tell.octets(octets)
}

// End implements convey.Sink.
func (n *fromNet) End(ifp.DataType) { (*Gateway)(n).tell.close() }

// toLink is a gateway as it tells its Link.
type toLink Gateway

func (n *toLink) Tone(i ifp.Indicator)              { n.Link.Sender.Tone(i) }
func (n *toLink) Silence()                          { n.Link.Sender.Silence() }
func (n *toLink) Signal(d ifp.DataType, short bool) { n.Link.Sender.Signal(d, short) }
func (n *toLink) Part(octets []byte)                { n.Link.Sender.Part(n.now, ifp.V21Data, octets) }
func (n *toLink) Break()                            { n.Link.Sender.Break() }
func (n *toLink) Octets(d ifp.DataType, o []byte)   { n.Link.Sender.Octets(n.now, d, o) }
func (n *toLink) End(d ifp.DataType, hdlc bool)     { n.Link.Sender.End(n.now, d, hdlc) }
func (n *toLink) Frame(d ifp.DataType, o []byte, good bool) {
	if good && d == ifp.V21Data {
		n.Link.Told(o)
	}
	n.Link.Sender.Frame(n.now, d, o, good)
}
