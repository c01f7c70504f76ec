package fax

import (
	"net/netip"
	"testing"
	"time"

	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/t38/t30"
)

// A quietWay counts its frames.
type quietWay struct {
	terminal *t30.Terminal
	frames   int
}

func (w *quietWay) frame()             { w.frames++ }
func (w *quietWay) t30() *t30.Terminal { return w.terminal }
func (w *quietWay) done() bool         { return false }

// alone is a call whose packets go nowhere.
func alone(t testing.TB, s Settings) *call {
	t.Helper()
	n := &media.Network{Filter: func(_, _ netip.AddrPort, _ []byte) bool { return false }}
	lent := &sockets{n: n, ip: netip.MustParseAddr("127.0.0.1"), next: 20000}
	pair, err := lent.Listen(netip.Addr{}, "")
	if err != nil {
		t.Fatal(err)
	}
	c := New(Config{RTP: lent}).newCall(s, pair, nil, nil)
	c.calling, c.upAt = true, epoch
	c.terminal = t30.Config{Calling: true, Source: letter(t, 1)}
	t.Cleanup(func() { _ = c.session.Close() })
	return c
}

// The samples keep pace with the clock. A call that was not worked for long makes up for 200 ms.
func TestPace(t *testing.T) {
	c := alone(t, usual())
	w := &quietWay{}
	c.way, c.lifeAt = w, epoch
	at := epoch
	for _, step := range []struct {
		passes time.Duration
		frames int
	}{
		{0, 0}, {19 * time.Millisecond, 0}, {time.Millisecond, 1}, {50 * time.Millisecond, 2}, {10 * time.Millisecond, 1},
		{200 * time.Millisecond, 10}, {time.Second, 10}, {20 * time.Millisecond, 1}, {time.Hour, 10},
	} {
		at = at.Add(step.passes)
		before := w.frames
		c.pass(at)
		if got := w.frames - before; got != step.frames {
			t.Errorf("%v later: %d frames, want %d", step.passes, got, step.frames)
		}
	}
	if want := 800*time.Millisecond + time.Hour - 200*time.Millisecond; c.missed != want {
		t.Errorf("missed %v, want %v", c.missed, want)
	}
}

// ways begins a call in sound and by T.38.
func ways(t testing.TB, run func(name string, c *call)) {
	t.Helper()
	remote := netip.MustParseAddrPort("127.0.0.2:30000")
	for _, name := range []string{"audio", "t38"} {
		c := alone(t, usual())
		c.params = media.Params{
			Remote: remote, Send: media.Format{Codec: "PCMU"}, Receive: []media.Format{{Codec: "PCMU"}},
			EventSend: -1, EventReceive: -1, PtimeMS: 20, Sends: true, Receives: true,
		}
		if err := c.session.Update(c.params); err != nil {
			t.Fatal(err)
		}
		if name == "t38" {
			c.image = &offer.Image{Remote: remote, MaxBitRate: 14400}
		}
		c.back, c.sip = true, &lines.Call{}
		c.changeWay()
		run(name, c)
	}
}

// A frame allocates nothing.
func TestNoMemoryForFrames(t *testing.T) {
	ways(t, func(name string, c *call) {
		now := epoch
		frame := func() {
			now = now.Add(tickTime)
			c.frame(now)
			c.tellProgress()
		}
		for range 100 {
			frame()
		}
		if n := testing.AllocsPerRun(500, frame); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	ways(b, func(name string, c *call) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				c.frame(epoch)
			}
		})
	})
}
