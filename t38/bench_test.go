package t38

import (
	"runtime"
	"testing"

	"tipring/t38/t30"
)

// BenchmarkGateway is 20 ms of a gateway: idle, and while it hears a page.
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
		doc := leaflet{b, 1000, 2000}
		m := NewMachine(terminal(b, t30.Config{Calling: true, Source: doc}), DefaultLevel)
		far := NewMachine(terminal(b, t30.Config{Sink: &tray{t: b}}), DefaultLevel)
		g := NewGateway(adaptive, DefaultLevel)
		var toM, toFar, fromM, fromFar, out [tick]int16
		m.Start()
		far.Start()
		for m.T30.Sending().Kind != t30.Image { // the gateway overhears the line
			m.Exchange(toM[:], fromM[:])
			far.Exchange(toFar[:], fromFar[:])
			toM, toFar = fromFar, fromM
			g.Exchange(fromM[:], out[:])
		}
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			m.Exchange(toM[:], fromM[:])
			g.Exchange(fromM[:], out[:])
			for _, ok := g.Say(); ok; _, ok = g.Say() {
			}
		}
	})
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
