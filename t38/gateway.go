package t38

import (
	"tipring/t38/convey"
	"tipring/t38/ifp"
	"tipring/t38/modem"
	"tipring/t38/t30"
)

// Times of a Gateway, in samples.
const (
	turnaround = t30.SampleRate * 75 / 1000   // of silence before each signal (T.30 clause 5, notes 3 and 4)
	spoofAfter = t30.SampleRate * 2300 / 1000 // T4 is 3 s less 15 % (T.30 clause 5.4.3.1)
)

// A net is what a Gateway says to the packet network: convey.Sender, with the time.
// Octets have the bit that is first on the line as their least significant.
type net interface {
	Tone(i ifp.Indicator)                           // CNG or CED began
	Silence()                                       // a tone has ended
	Signal(d ifp.DataType, short bool)              // the preamble of V.21 was heard, or a training began
	Part(octets []byte)                             // what there is of a frame of V.21, from its beginning
	Break()                                         // it will not come to its end
	Frame(d ifp.DataType, octets []byte, good bool) // a frame of the signal, whole
	Octets(d ifp.DataType, octets []byte)           // of an image or TCF
	End(d ifp.DataType, hdlc bool)                  // the signal has ended
}

// A Gateway stands between a fax machine on a telephone line and the packets of T.38
// (clause 6): it hears the machine and tells the network, and it says to the machine what
// the network tells. Each signal of T.30 is made anew, so that neither lost packets nor
// their delay reach a modem. It watches the procedure as far as it must: which modem comes
// next, and when a machine would lose patience.
//
// Frames of ECM pass whole. Those of V.21 pass while they come, since a machine that hears
// flags has no patience for the whole of a PPR at each gateway. What the machines offer each
// other is cut to the Policy, and to what packets carry: no V.34, no non-standard facilities.
//
// Its owner exchanges samples with the line, in blocks of up to 200 ms, and between two blocks
// gives it the datagrams that came (Hear) and sends those that are due (Say). It may be dropped
// at any moment: there is nothing to close.
type Gateway struct {
	Policy Policy
	Link   *convey.Link
	// Watch has the call's record: read it between two blocks. Its local machine is the one on
	// the line. What the machines offer is there as the gateway passed it on.
	Watch Watch

	net  net
	now  int64 // samples
	last int64 // when a signal of a fax sounded or waited
	ear  gatewayEar
	tell teller
	plan plan
}

// NewGateway makes a gateway whose signals on the line have so much power: -43 to 0 dBm0.
func NewGateway(c convey.LinkConfig, dBm0 float64) *Gateway {
	g := newGateway(nil, dBm0)
	g.Link = convey.NewLink(c, (*fromNet)(g))
	g.net = (*toLink)(g)
	return g
}

func newGateway(n net, dBm0 float64) *Gateway {
	g := &Gateway{net: n}
	g.ear.init(g)
	g.tell.init(dBm0)
	return g
}

// Hear takes a datagram of the peer. The error is udptl.ErrMalformed; the datagram is then
// not used.
func (g *Gateway) Hear(datagram []byte) error { return g.Link.Hear(g.now, datagram) }

// Say returns a datagram that is due; ok is false if none is. It is valid until the next call.
func (g *Gateway) Say() (datagram []byte, ok bool) { return g.Link.Say(g.now) }

// Exchange takes what the line says and fills out, which is as long, with what it is to hear.
func (g *Gateway) Exchange(in, out []int16) {
	for len(in) > 0 {
		n := min(block, len(in), len(out))
		if n == 0 {
			return
		}
		// A machine hears nothing while it speaks, and its own echo is no signal.
		if g.tell.silent() {
			g.ear.hear(in[:n])
		}
		g.tell.hold = g.ear.busy()
		g.tell.say(out[:n])
		g.now += int64(n)
		g.spoof()
		g.mark()
		in, out = in[n:], out[n:]
	}
}

// Recall lets a new gateway hear what the line has said before, the oldest first: a call
// becomes one of fax by the machine's first signal, which is not to be lost. It is to hold the
// whole of that signal, and nothing of the other side's: two or three seconds are usual. Call
// it before the first Exchange.
func (g *Gateway) Recall(heard []int16) {
	for len(heard) > 0 {
		n := min(block, len(heard))
		g.ear.hear(heard[:n])
		g.now += int64(n)
		g.mark()
		heard = heard[n:]
	}
}

// Quiet returns for how many samples neither side has said anything of a fax, and nothing waits
// to be said. Behind a DCN a moment of it is the end; without one, machines give up before a
// minute of it has passed (T.30 clause 5.4: the longest silence is that of T1, 35 s + 5 s).
func (g *Gateway) Quiet() int64 { return g.now - g.last }

// mark notes that a signal sounds, if one does.
func (g *Gateway) mark() {
	if g.ear.busy() || g.ear.tone != 0 || !g.tell.idle() || g.Link != nil && g.Link.Sender.Queued() > 0 {
		g.last = g.now
	}
}

// spoof keeps a machine waiting that has asked something and would soon ask again: flags
// tell it that the answer is on its way (T.30 clause 5.4.3.1: T4 is reset by them). A peer
// that was never heard promises nothing.
func (g *Gateway) spoof() {
	if g.Link != nil && g.Link.Counters().Received == 0 {
		return
	}
	if at := g.plan.askedAt; at != 0 && g.now-at >= spoofAfter && g.tell.idle() && !g.ear.busy() {
		g.plan.askedAt = 0
		g.tell.spoof()
	}
}

// openFast begins a fast signal. Of what kind it is the plan says.
func (g *Gateway) openFast(d ifp.DataType, short bool) {
	check := g.plan.netTraining()
	g.tell.open(d, short, g.plan.ecm && !check, check)
}

// answered ends the machine's waiting. If it is just asking again, that is not passed on:
// the answer to its question is here.
func (g *Gateway) answered() {
	if g.plan.asked && g.ear.slowUp {
		g.ear.hush()
	}
	g.plan.asked, g.plan.askedAt = false, 0
}

// dataTypes are the T30_DATA of the modems.
var dataTypes = [...]ifp.DataType{
	modem.V21: ifp.V21Data, modem.V27ter2400: ifp.V27Data2400, modem.V27ter4800: ifp.V27Data4800,
	modem.V29At7200: ifp.V29Data7200, modem.V29At9600: ifp.V29Data9600,
	modem.V17At7200: ifp.V17Data7200, modem.V17At9600: ifp.V17Data9600,
	modem.V17At12000: ifp.V17Data12000, modem.V17At14400: ifp.V17Data14400,
}

// modeOf is the modem of a T30_DATA; 0 for those that the gateway does not have.
func modeOf(d ifp.DataType) modem.Mode {
	for m, x := range dataTypes {
		if m > 0 && x == d {
			return modem.Mode(m)
		}
	}
	return 0
}
