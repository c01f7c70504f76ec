package call

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"runtime"
	"testing"

	"tipring/internal/dsp"
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/lines/fxs"
)

// A benchCard says the same frame as fast as it is listened to.
type benchCard struct {
	testCard
	pcm []int16
}

// Read implements fxs.Card.
func (c *benchCard) Read() ([]int16, fxs.Loop, error) { return c.pcm, fxs.LoopSame, nil }

// Write implements fxs.Card.
func (c *benchCard) Write([]int16) error { return nil }

// A connected is a port in a G.711 call on loopback, worked by hand.
type connected struct {
	p      *Port
	card   fxs.Card
	pool   *media.Ports
	far    *media.Pair
	packet [12 + 160]byte
}

func connect(tb testing.TB, dtmfType string) *connected {
	return connectAs(tb, Config{DTMFType: dtmfType})
}

// connectFull is connect with all that a telephone's calls have: canceller and detectors.
func connectFull(tb testing.TB) *connected {
	return connectAs(tb, Config{DTMFType: "auto", EchoCanceller: true, DataMode: "auto", CallWaiting: true})
}

// conferAlso adds a second far end, and joins them.
func (b *connected) conferAlso(tb testing.TB) {
	c := b.talk(tb)
	c.agreed(b.agreed())
	b.p.held, b.p.joined = c, true
}

func connectAs(tb testing.TB, cfg Config) *connected {
	tb.Helper()
	country, err := fxs.LoadCountry(testTones, "tt")
	if err != nil {
		tb.Fatal(err)
	}
	b := &connected{pool: newPool(tb, portsRTP, 40)}
	cfg.Number, cfg.Line, cfg.Country = 1, 1, country
	b.p, err = New(cfg, nil, Device{
		Line: func(int) *lines.Line { return nil }, RTP: b.pool, Bind: netip.MustParseAddr("127.0.0.1"), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	card := &benchCard{testCard: testCard{gone: make(chan struct{})}, pcm: make([]int16, 160)}
	voice(nearVoice).Read(card.pcm)
	b.card = b.p.plug(card)
	b.p.fx.Loop(fxs.LoopClosed)
	b.p.fx.Place()
	b.p.fx.Talk()
	b.p.now = b.talk(tb)
	b.far = b.listen(tb)
	b.p.now.agreed(b.agreed())
	b.packet[0] = 0x80
	for i := range b.packet[12:] {
		b.packet[12+i] = dsp.ULawEncode(int16(1000 * (i%8 - 4)))
	}
	return b
}

func (b *connected) listen(tb testing.TB) *media.Pair {
	pair, err := b.pool.Listen(netip.MustParseAddr("127.0.0.1"), "")
	if err != nil {
		tb.Fatal(err)
	}
	return pair
}

// talk is a conversation that is up.
func (b *connected) talk(tb testing.TB) *conversation {
	c := b.p.converse(up)
	c.open(b.listen(tb))
	return c
}

func (b *connected) agreed() *offer.Audio {
	pcmu := offer.Format{PayloadType: 0, Codec: offer.PCMU}
	return &offer.Audio{
		Remote: b.far.RTP.Local(), RTCP: b.far.RTCP.Local(), Send: pcmu, Receive: []offer.Format{pcmu},
		EventSend: 101, EventReceive: 101, PtimeMS: 20, Direction: offer.SendRecv,
	}
}

// frame is 20 ms: the far end's packet, and a turn of the port.
func (b *connected) frame(tb testing.TB) {
	h := b.packet[:12]
	binary.BigEndian.PutUint16(h[2:], binary.BigEndian.Uint16(h[2:])+1)
	binary.BigEndian.PutUint32(h[4:], binary.BigEndian.Uint32(h[4:])+160)
	if err := b.far.RTP.Write(b.packet[:], b.p.now.pair.RTP.Local()); err != nil {
		tb.Fatal(err)
	}
	if err := b.p.turn(b.card); err != nil {
		tb.Fatal(err)
	}
}

func (b *connected) close(tb testing.TB) {
	b.p.unplug(b.card, nil)
	if err := b.far.Close(); err != nil {
		tb.Fatal(err)
	}
	if n := b.pool.InUse(); n != 0 {
		tb.Errorf("%d RTP ports in use", n)
	}
}

// BenchmarkFrame is 20 ms of a connected G.711 call, both ways over loopback; the far
// end's one packet is in it.
func BenchmarkFrame(b *testing.B) {
	c := connect(b, "auto")
	defer c.close(b)
	for range 100 {
		c.frame(b)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.frame(b)
	}
}

// BenchmarkFullFrame is BenchmarkFrame with echo canceller and detectors.
func BenchmarkFullFrame(b *testing.B) { benchFull(b, false) }

// BenchmarkConferenceFrame is the same in a conference of three.
func BenchmarkConferenceFrame(b *testing.B) { benchFull(b, true) }

func benchFull(b *testing.B, conference bool) {
	c := connectFull(b)
	defer c.close(b)
	if conference {
		c.conferAlso(b)
	}
	for range 100 {
		c.frame(b)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.frame(b)
	}
}

// BenchmarkIdleFrame is 20 ms of a telephone that is on-hook.
func BenchmarkIdleFrame(b *testing.B) {
	c := connect(b, "auto")
	c.close(b)
	card := c.p.plug(&benchCard{testCard: testCard{gone: make(chan struct{})}, pcm: make([]int16, 160)})
	b.ReportAllocs()
	for b.Loop() {
		if err := c.p.turn(card); err != nil {
			b.Fatal(err)
		}
	}
}

func TestFrameAllocatesNothing(t *testing.T) {
	for _, kind := range []string{"auto", "info", "inband"} {
		c := connect(t, kind)
		for range 100 {
			c.frame(t)
		}
		if n := testing.AllocsPerRun(500, func() { c.frame(t) }); n != 0 {
			t.Errorf("%s: %v allocations a frame", kind, n)
		}
		if st := c.p.now.session.Stats(); st.PacketsSent < 500 || st.PacketsReceived < 500 || st.SendErrors != 0 {
			t.Errorf("%s: %+v", kind, st)
		}
		c.close(t)
	}
}

func TestFullFrameAllocatesNothing(t *testing.T) {
	for _, conference := range []bool{false, true} {
		c := connectFull(t)
		if conference {
			c.conferAlso(t)
		}
		for range 100 {
			c.frame(t)
		}
		if n := testing.AllocsPerRun(500, func() { c.frame(t) }); n != 0 {
			t.Errorf("conference %v: %v allocations a frame", conference, n)
		}
		c.close(t)
	}
}

// The packet that a frame completes is in the far end's socket when the port has dealt
// with the frame: nothing else has to run first.
func TestPacketLeavesWithTheFrameThatCompletesIt(t *testing.T) {
	c := connect(t, "auto")
	defer c.close(t)
	var buf [1500]byte
	for range 50 {
		c.frame(t)
		if _, ok := c.far.RTP.Read(buf[:]); !ok {
			t.Fatal("no packet after the turn of its frame")
		}
		if _, ok := c.far.RTP.Read(buf[:]); ok {
			t.Fatal("two packets for a frame")
		}
	}
}

// callMemory is what a call may add to the heap: sockets, jitter buffer, codecs.
const callMemory = 16 << 10

func TestMemoryOfACall(t *testing.T) {
	c := connect(t, "auto")
	defer c.close(t)
	const n = 30
	calls := make([]*conversation, n)
	before := heap()
	for i := range calls {
		calls[i] = c.talk(t)
		calls[i].agreed(c.agreed())
	}
	per := (heap() - before) / n
	for _, x := range calls {
		x.over(nil)
	}
	t.Logf("%d octets a call", per)
	if per > callMemory {
		t.Errorf("%d octets a call, at most %d", per, callMemory)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
