package transaction

import (
	"runtime"
	"testing"

	"tipring/internal/sipmsg"
)

// The memory of a pending transaction, without the message its owner holds anyway.
// B/op counts what was allocated on the way as well; held-B is what stays.

func BenchmarkPendingClient(b *testing.B) {
	held(b, func() any {
		c, err := NewClient(registerForBench, false, Timers{}, 3)
		if err != nil {
			b.Fatal(err)
		}
		c.Start(t0)
		return c
	})
}

func BenchmarkPendingServer(b *testing.B) {
	res := response(registerForBench, 200)
	held(b, func() any {
		s := NewServer(registerForBench, false, Timers{})
		s.Respond(t0, res)
		return s
	})
}

var registerForBench = request(sipmsg.REGISTER)

func held(b *testing.B, make1 func() any) {
	b.ReportAllocs()
	kept := make([]any, b.N)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	for i := range kept {
		kept[i] = make1()
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/float64(b.N), "held-B")
	runtime.KeepAlive(kept)
}

// A pending transaction of a REGISTER holds less than 1 kB.
func TestPendingTransactionIsSmall(t *testing.T) {
	const n = 2000
	for name, make1 := range map[string]func() any{
		"client": func() any {
			c, err := NewClient(registerForBench, false, Timers{}, 3)
			if err != nil {
				t.Fatal(err)
			}
			c.Start(t0)
			return c
		},
		"server": func() any {
			s := NewServer(registerForBench, false, Timers{})
			s.Respond(t0, response(registerForBench, 200))
			return s
		},
	} {
		kept := make([]any, n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range kept {
			kept[i] = make1()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n; each > 1024 {
			t.Errorf("a pending %s transaction holds %d octets, want at most 1024", name, each)
		}
		runtime.KeepAlive(kept)
	}
}
