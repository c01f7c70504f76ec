package call

import (
	"testing"

	"tipring/agent/fax"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/t38"
	"tipring/t38/convey"
	"tipring/t38/t30"
)

// A replayed is a port in a fax call, worked by hand, whose machine says again and again what
// it said in the middle of a page.
type replayed struct {
	*connected
	card *machineCard
	page [][]int16
	at   int
}

// A machineCard says frames and keeps what it hears.
type machineCard struct {
	benchCard
	heard []int16
}

// Write implements fxs.Card.
func (c *machineCard) Write(pcm []int16) error {
	copy(c.heard, pcm)
	return nil
}

// replay brings a call between a machine that sends and a server into a page.
func replay(tb testing.TB, ecm bool) *replayed {
	tb.Helper()
	b := &replayed{connected: connect(tb, "auto")}
	b.card = &machineCard{benchCard{testCard{gone: make(chan struct{})}, make([]int16, 160)}, make([]int16, 160)}
	b.connected.card = b.p.plug(b.card)
	port := FaxPort{Mode: relayMode, Settings: faxSettings()}
	b.p.cfg.Fax, b.p.mode = func() *FaxPort { return &port }, relayMode
	r := b.p.relay(b.p.now, &port, fax.Attempt{Send: true, Number: "600"}, nil)
	r.image(&offer.Image{
		Remote: b.far.RTP.Local(), MaxBitRate: 14400, Theirs: offer.T38{MaxDatagram: 400, EC: offer.Redundancy},
		Ours: offer.T38{EC: offer.Redundancy},
	})
	sends := terminal(tb.(tester), t30.Config{Calling: true, Source: paperSource{newPaper(1, 20000)}, ECM: ecm})
	takes := terminal(tb.(tester), t30.Config{Sink: paperSink{&paper{}}, ECM: true})
	machine, station := t38.NewMachine(sends, t38.DefaultLevel), convey.NewStation(takes, farLink)
	machine.Start()
	station.Start()
	want := map[bool]t30.Kind{true: t30.ECM, false: t30.Image}[ecm]
	for frames := 0; len(b.page) < 800; frames++ {
		if frames > 10000 {
			tb.Fatalf("no page: %v, %v", sends.State(), takes.State())
		}
		machine.Exchange(b.card.heard, b.card.pcm)
		if sends.Sending().Kind == want {
			b.page = append(b.page, append([]int16(nil), b.card.pcm...))
		}
		b.turn(tb)
		for d, ok := station.Say(); ok; d, ok = station.Say() {
			if err := b.far.RTP.Write(d, b.p.now.pair.RTP.Local()); err != nil {
				tb.Fatal(err)
			}
		}
		station.Advance(160)
		var buf [1500]byte
		for d, ok := b.far.RTP.Read(buf[:]); ok; d, ok = b.far.RTP.Read(buf[:]) {
			_ = station.Hear(buf[:d.N])
		}
	}
	return b
}

func (b *replayed) turn(tb testing.TB) {
	if err := b.p.turn(b.connected.card); err != nil {
		tb.Fatal(err)
	}
}

func (b *replayed) frame(tb testing.TB) {
	copy(b.card.pcm, b.page[b.at])
	b.at = (b.at + 1) % len(b.page)
	b.turn(tb)
}

// inSound makes the call one in voice, or one in data mode.
func (b *replayed) inSound(data bool) {
	c := b.p.now
	c.fax.(*relay).close(lines.Reason{})
	r := b.p.relay(c, b.p.cfg.Fax(), fax.Attempt{Send: true, Number: "600"}, nil)
	c.agreed(b.agreed())
	if data {
		r.begin("a test")
		r.began = -decidedBy
	}
}

func relayFrames(f func(name string, prepare func(tb testing.TB) *replayed)) {
	for _, ecm := range []bool{true, false} {
		f(map[bool]string{true: "T.38 ECM", false: "T.38"}[ecm], func(tb testing.TB) *replayed { return replay(tb, ecm) })
	}
	for _, data := range []bool{false, true} {
		f(map[bool]string{true: "data", false: "voice"}[data], func(tb testing.TB) *replayed {
			b := replay(tb, true)
			b.inSound(data)
			if !data {
				for i := range b.page {
					clear(b.page[i])
				}
			}
			return b
		})
	}
}

// BenchmarkRelay is 20 ms of a fax call, the line card's side and the socket included: the machine
// sends a page at 14400 bit/s by T.38, or in sound; and a silent call that may become a fax.
func BenchmarkRelay(b *testing.B) {
	relayFrames(func(name string, prepare func(tb testing.TB) *replayed) {
		b.Run(name, func(b *testing.B) {
			r := prepare(b)
			defer r.close(b)
			b.ReportAllocs()
			for b.Loop() {
				r.frame(b)
			}
		})
	})
}

// Twice a second a fax is looked at as a whole and shown; a frame between two looks allocates
// nothing.
func TestRelayFrameAllocatesNothing(t *testing.T) {
	relayFrames(func(name string, prepare func(tb testing.TB) *replayed) {
		r := prepare(t)
		defer r.close(t)
		for range 100 {
			r.frame(t)
		}
		if n := testing.AllocsPerRun(400, func() {
			r.p.now.fax.(*relay).lookAt = 1 << 60
			r.frame(t)
		}); n != 0 {
			t.Errorf("%s: %v allocations a frame", name, n)
		}
	})
}

// blind sees nothing.
type blind struct{}

func (blind) Begin(t30.Passing) {}
func (blind) Octets([]byte)     {}
func (blind) Frame(int, []byte) {}
func (blind) Block(int)         {}
func (blind) End()              {}

// BenchmarkRelaySeen is BenchmarkRelay by T.38 without anybody who could look, with nobody who
// does, and with somebody who is told how far the page is twice a second.
func BenchmarkRelaySeen(b *testing.B) {
	for _, who := range []string{"impossible", "nobody", "somebody"} {
		b.Run(who, func(b *testing.B) {
			r := replay(b, true)
			defer r.close(b)
			relay := r.p.now.fax.(*relay)
			if who == "impossible" {
				relay.net.gateway.Watch.Onlooker = blind{}
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				r.frame(b)
				if who == "somebody" && n%25 == 0 {
					relay.shown.Progress()
				}
			}
		})
	}
}
