package t38

import (
	"fmt"
	"slices"
	"testing"

	"tipring/t38/ifp"
	"tipring/t38/modem"
	"tipring/t38/t30"
	"tipring/t38/udptl/netmodel"
)

// A patience is a machine's: it notes how long V.21 lasted until each frame, and counts PPR.
type patience struct {
	now     int64 // samples
	since   int64 // when the flags or the frame before came; 0: there is no signal
	longest int64
	repairs int

	rx   *modem.Receiver
	hdlc modem.HDLCReceiver
}

func newPatience() *patience {
	p := &patience{rx: modem.NewReceiver()}
	p.hdlc.Start(p)
	p.rx.Start(modem.V21, false, &p.hdlc)
	return p
}

func (p *patience) listen(_ int64, samples []int16) {
	p.rx.Feed(samples)
	p.now += int64(len(samples))
}

func (p *patience) Frame(octets []byte, good bool) {
	if p.since > 0 {
		p.longest = max(p.longest, p.now-p.since)
	}
	p.since = p.now
	if f, ok := t30.ParseFrame(octets); good && ok && f.FCF == t30.PPR {
		p.repairs++
	}
}

func (p *patience) Framing(e modem.HDLCEvent) {
	switch e {
	case modem.HDLCFlags:
		p.since = p.now
	case modem.HDLCLost:
		p.since = 0
	}
}

func (p *patience) Status(modem.Status) {}

// Many machines end a call when they hear V.21 for three seconds without a frame, and a PPR
// alone lasts more than one, after a second of preamble. Behind half a second of network the
// gateway's own flags come first.
func TestGatewayTriesNobodysPatience(t *testing.T) {
	for _, tt := range []struct {
		name string
		net  netmodel.Config
		ms   int64 // at most
	}{
		{"clean", netmodel.Config{}, 2700},
		{"jitter 80 ms", netmodel.Config{Delay: 800, Jitter: 640, InOrder: true}, 2800},
		{"loss 3 %", netmodel.Config{Loss: 0.03}, 2800},
		{"delay 500 ms", netmodel.Config{Delay: 4000}, 3200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFaxTest(t, 2, true)
			f.net = tt.net
			f.doc.rows = 400
			f.sends.Source = f.doc
			f.open(t)
			p := newPatience()
			f.a.toMachine = p.listen
			f.spoilPages(2)
			f.well(t)
			if ms := p.longest * 1000 / t30.SampleRate; p.repairs != 2 || ms > tt.ms {
				t.Errorf("%d repairs, waited for %d ms", p.repairs, ms)
			}
		})
	}
}

// A heardSignal writes down what is heard of V.21.
type heardSignal struct{ words []string }

func (h *heardSignal) Frame(octets []byte, good bool) {
	h.words = append(h.words, fmt.Sprintf("%x %v", octets, good))
}
func (h *heardSignal) Framing(e modem.HDLCEvent) {
	if e == modem.HDLCAborted {
		h.words = append(h.words, e.String())
	}
}
func (h *heardSignal) Status(modem.Status) {}

// A frame that comes by packets is begun before it is whole. When the rest is later than a
// head start makes good, it is broken off and said again whole; what is lost of it makes it
// wrong, whether its end comes or not.
func TestGatewayFramesInParts(t *testing.T) {
	ppr := append([]byte{0xff, 0x13, 0xbc}, make([]byte, 32)...)
	csi := append([]byte{0xff, 0x03, 0x40}, make([]byte, 20)...)
	const second = t30.SampleRate
	part := func(octets []byte) func(*fromNet) { return func(n *fromNet) { n.Part(octets) } }
	frame := func(octets []byte, good bool) func(*fromNet) {
		return func(n *fromNet) { n.Frame(ifp.V21Data, octets, good) }
	}
	end := func(n *fromNet) { n.End(ifp.V21Data) }
	for _, tt := range []struct {
		name string
		does map[int]func(*fromNet) // at a sample
		want []string
	}{
		{"in time", map[int]func(*fromNet){second: part(ppr[:7]), second * 13 / 10: part(ppr[:21]), second * 17 / 10: frame(ppr, true), second * 2: end},
			[]string{fmt.Sprintf("%x true", ppr)}},
		{"too late", map[int]func(*fromNet){second: part(ppr[:7]), second * 2: part(ppr[:21]), second * 25 / 10: frame(ppr, true), second * 3: end},
			[]string{"frame aborted", fmt.Sprintf("%x true", ppr)}},
		{"wrong", map[int]func(*fromNet){second: part(ppr[:7]), second * 12 / 10: part(ppr[:14]), second * 14 / 10: frame(ppr[:21], false), second * 2: end},
			[]string{fmt.Sprintf("%x false", ppr[:21])}},
		{"without its end", map[int]func(*fromNet){second: part(ppr[:7]), second * 12 / 10: part(ppr[:14]), second * 14 / 10: end},
			[]string{fmt.Sprintf("%x false", ppr[:14])}},
		{"another behind it", map[int]func(*fromNet){second: part(csi[:7]), second * 12 / 10: frame(csi, true), second * 15 / 10: part(ppr[:9]), second * 18 / 10: frame(ppr, true), second * 2: end},
			[]string{fmt.Sprintf("%x true", csi), fmt.Sprintf("%x true", ppr)}},
		{"within an NSF that is masked", map[int]func(*fromNet){second: part([]byte{0xff, 0x03, 0x20, 1, 2, 3, 4}), second * 12 / 10: frame([]byte{0xff, 0x03, 0x20, 1, 2, 3, 4, 5, 6}, true), second * 2: end},
			[]string{"ff0320ffffffffffff true"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(&cable{}, DefaultLevel)
			var h heardSignal
			var hdlc modem.HDLCReceiver
			hdlc.Start(&h)
			rx := modem.NewReceiver()
			rx.Start(modem.V21, false, &hdlc)
			net := (*fromNet)(g)
			net.Indicator(ifp.V21Preamble)
			var line, none [80]int16
			for now := 0; now < 6*second; now += len(line) {
				if do := tt.does[now]; do != nil {
					do(net)
				}
				g.Exchange(none[:], line[:])
				rx.Feed(line[:])
			}
			if !slices.Equal(h.words, tt.want) {
				t.Errorf("heard %q, want %q", h.words, tt.want)
			}
			if !g.tell.idle() {
				t.Error("the line is not silent")
			}
		})
	}
}

// What a machine says reaches the network while it is said, edited; a frame that is broken
// off is told so.
func TestGatewayTellsParts(t *testing.T) {
	nsf := append([]byte{0xff, 0x03, 0x20}, 1, 2, 3, 4, 5, 6, 7)
	p := &partPeeker{cable: &cable{}}
	g := newGateway(p, DefaultLevel)
	tx := modem.NewTransmitter(DefaultLevel)
	var hdlc modem.HDLCTransmitter
	hdlc.Start(300)
	hdlc.QueuePart(nsf) // and no more: it is aborted
	tx.Start(modem.V21, false, &hdlc)
	var line, out [tick]int16
	for n := range 3 * t30.SampleRate / tick {
		if n == 2*t30.SampleRate/tick {
			hdlc.Close()
			hdlc.Finish()
		}
		clear(line[:])
		tx.Read(line[:])
		g.Exchange(line[:], out[:])
	}
	want := []string{"ff0320", "ff0320ff", "ff0320ffff", "ff0320ffffff", "ff0320ffffffff", "ff0320ffffffffff"}
	want = append(want, "broken")
	want = append(want, "ff0320", "ff0320ff", "ff0320ffff", "ff0320ffffff", "ff0320ffffffff", "ff0320ffffffffff", "ff0320ffffffffffff", "ff0320ffffffffffffff", "frame")
	if !slices.Equal(p.told, want) {
		t.Errorf("told %q, want %q", p.told, want)
	}
}

// A partPeeker takes what a gateway tells of frames.
type partPeeker struct {
	*cable
	told []string
}

func (p *partPeeker) Part(octets []byte)               { p.told = append(p.told, fmt.Sprintf("%x", octets)) }
func (p *partPeeker) Break()                           { p.told = append(p.told, "broken") }
func (p *partPeeker) Frame(ifp.DataType, []byte, bool) { p.told = append(p.told, "frame") }

// Nothing is allocated for a frame that passes, in either direction.
func TestGatewayPartsAllocateNothing(t *testing.T) {
	ppr := append([]byte{0xff, 0x13, 0xbc}, make([]byte, 32)...)
	g := NewGateway(adaptive, DefaultLevel)
	tx := modem.NewTransmitter(DefaultLevel)
	var hdlc modem.HDLCTransmitter
	var line, out [tick]int16
	net := (*fromNet)(g)
	pass := func() {
		hdlc.Start(preambleBits)
		hdlc.Queue(ppr)
		hdlc.Finish()
		for tx.Start(modem.V21, false, &hdlc); tx.Busy(); {
			clear(line[:])
			tx.Read(line[:])
			g.Exchange(line[:], out[:])
			for _, ok := g.Say(); ok; _, ok = g.Say() {
			}
		}
		net.Indicator(ifp.V21Preamble)
		for n := editable; n < len(ppr); n += 7 {
			net.Part(ppr[:n])
		}
		net.Frame(ifp.V21Data, ppr, true)
		net.End(ifp.V21Data)
		clear(line[:])
		for range 5 * t30.SampleRate / tick {
			g.Exchange(line[:], out[:])
			for _, ok := g.Say(); ok; _, ok = g.Say() {
			}
		}
	}
	for range 3 {
		pass()
	}
	if n := testing.AllocsPerRun(5, pass); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
