package t38

import (
	"runtime"
	"testing"

	"tipring/t38/t30"
)

// BenchmarkGateway is 20 ms of a gateway: idle, and while it hears a page of the machine, whose
// sending is counted too.
func BenchmarkGateway(b *testing.B) {
	b.Run("idle", func(b *testing.B) {
		g := NewGateway(adaptive, DefaultLevel)
		var in, out [tick]int16
		b.ReportAllocs()
		for range b.N {
			g.Exchange(in[:], out[:])
		}
	})
	b.Run("page", func(b *testing.B) {
		e := inPage(b)
		said := 0
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			if e.m.T30.Sending().Kind != t30.Image { // the page is over
				b.StopTimer()
				e = inPage(b)
				b.StartTimer()
			}
			e.step()
			for _, ok := e.Say(); ok; _, ok = e.Say() {
				said++
			}
		}
		if said < b.N/2 {
			b.Errorf("%d datagrams in %d blocks of a page", said, b.N)
		}
	})
}

// inPage returns a machine that sends a page, with its gateway that tells a terminal.
func inPage(b *testing.B) *lineEnd {
	from, to, x, _ := ends(b, t30.Config{Calling: true, Source: leaflet{b, 1, 2000}}, t30.Config{Sink: &tray{t: b}}, true, false, adaptive)
	for now := 0; x.Sending().Kind != t30.Image; now += tick {
		if now > 60*t30.SampleRate {
			b.Fatal("no page")
		}
		from.step()
		to.step()
		for d, ok := from.Say(); ok; d, ok = from.Say() {
			_ = to.Hear(d)
		}
		for d, ok := to.Say(); ok; d, ok = to.Say() {
			_ = from.Hear(d)
		}
	}
	return from.(*lineEnd)
}

// TestGatewayIsSmall: a channel, its link included, takes 256 KB at most.
func TestGatewayIsSmall(t *testing.T) {
	const n = 50
	var before, after runtime.MemStats
	var all [n]*Gateway
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range all {
		all[i] = NewGateway(adaptive, DefaultLevel)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (after.HeapAlloc - before.HeapAlloc) / n
	t.Logf("%d octets a channel", each)
	if each > 256<<10 {
		t.Errorf("%d octets a channel, want 262144 at most", each)
	}
	runtime.KeepAlive(&all)
}
