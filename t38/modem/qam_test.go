package modem

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func qamModes() []Mode { return Modes()[1:] }

func v17Modes() []Mode { return []Mode{V17At7200, V17At9600, V17At12000, V17At14400} }

// listener is one end of a line on which bursts come.
type burstListener struct {
	receiver *Receiver
	bits     []byte
	statuses []Status
}

func (l *burstListener) PutBit(bit int)  { l.bits = append(l.bits, byte(bit)) }
func (l *burstListener) Status(s Status) { l.statuses = append(l.statuses, s) }

func (l *burstListener) start(m Mode, short bool) {
	if l.receiver == nil {
		l.receiver = NewReceiver()
	}
	l.bits, l.statuses = nil, nil
	l.receiver.Start(m, short, l)
}

func (l *burstListener) hear(pcm []int16) {
	for len(pcm) > 0 {
		n := min(160, len(pcm))
		l.receiver.Feed(pcm[:n])
		pcm = pcm[n:]
	}
}

// errors counts the bits that are wrong or missing. What follows them are those of the
// end of the burst.
func (l *burstListener) errors(sent []byte) (n int) {
	for i, b := range sent {
		if i >= len(l.bits) || l.bits[i] != b {
			n++
		}
	}
	return n
}

// burst is one with 0.2 s of silence on both sides.
func burst(m Mode, short, tep bool, dBm0 float64, bits []byte) []int16 {
	t := NewTransmitter(dBm0)
	t.TEP = tep
	source := v21Bits(bits)
	t.Start(m, short, &source)
	out := make([]int16, 1600)
	block := make([]int16, 160)
	for t.Busy() {
		out = append(out, block[:t.Read(block)]...)
	}
	return append(out, make([]int16, 1600)...)
}

// onePage is what a burst that was understood is told as.
var onePage = []Status{CarrierUp, TrainingSucceeded, CarrierDown}

func checkBurst(t *testing.T, l *burstListener, sent []byte, what string) {
	t.Helper()
	if !slices.Equal(l.statuses, onePage) {
		t.Errorf("%s: %v, want %v", what, l.statuses, onePage)
	}
	if n := l.errors(sent); n != 0 {
		t.Errorf("%s: %d of %d bits wrong or missing", what, n, len(sent))
	}
}

func TestBurstsAreHeard(t *testing.T) {
	for _, m := range qamModes() {
		for _, tep := range []bool{false, true} {
			sent := v21Random(5000, uint64(m))
			var l burstListener
			l.start(m, false)
			l.hear(burst(m, false, tep, -14, sent))
			checkBurst(t, &l, sent, fmt.Sprintf("%v, TEP %v", m, tep))
			if got := l.receiver.LevelDBm0(); math.Abs(got+14) > 0.7 {
				t.Errorf("%v: level %.1f dBm0, want -14", m, got)
			}
			if q := l.receiver.Quality(); q > -35 {
				t.Errorf("%v: quality %.1f dB on a perfect line", m, q)
			}
		}
	}
}

func TestPatternsOfDataAreHeard(t *testing.T) {
	patterns := map[string]func(i int) byte{
		"zeros": func(int) byte { return 0 },
		"ones":  func(int) byte { return 1 },
		"pairs": func(i int) byte { return byte(i >> 1 & 1) },
	}
	for _, m := range qamModes() {
		for name, bit := range patterns {
			sent := make([]byte, 6000)
			for i := range sent {
				sent[i] = bit(i)
			}
			var l burstListener
			l.start(m, false)
			l.hear(burst(m, false, false, -14, sent))
			checkBurst(t, &l, sent, fmt.Sprintf("%v, %s", m, name))
		}
	}
}

func TestShortTrainingFollowsALongOne(t *testing.T) {
	for _, m := range v17Modes() {
		sent := v21Random(3000, uint64(m))
		var l burstListener
		l.start(m, false)
		l.hear(burst(m, false, false, -14, sent))
		for _, short := range []bool{true, false} {
			l.start(m, true)
			l.hear(burst(m, short, false, -14, sent))
			checkBurst(t, &l, sent, fmt.Sprintf("%v, short %v", m, short))
		}
	}
}

type nobody struct{}

func (nobody) PutBit(int)    {}
func (nobody) Status(Status) {}

// endless is a source that never ends.
type endless struct{ word uint32 }

func (e *endless) NextBit() int {
	e.word = e.word*1664525 + 1013904223
	return int(e.word >> 31)
}

func BenchmarkTransmit(b *testing.B) {
	for _, m := range Modes() {
		b.Run(m.String(), func(b *testing.B) {
			t := NewTransmitter(-14)
			t.Start(m, false, &endless{})
			out := make([]int16, 160)
			for range 100 {
				t.Read(out)
			}
			b.ReportAllocs()
			for b.Loop() {
				t.Read(out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/160, "ns/sample")
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, m := range Modes() {
		b.Run(m.String(), func(b *testing.B) {
			t := NewTransmitter(-14)
			t.Start(m, false, &endless{1})
			pcm := make([]int16, 160*1000)
			t.Read(pcm)
			r := NewReceiver()
			r.Start(m, false, nobody{})
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				if at += 160; at >= len(pcm)-160 {
					at = 0
					b.StopTimer()
					r.Start(m, false, nobody{})
					b.StartTimer()
				}
				r.Feed(pcm[at:][:160])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/160, "ns/sample")
		})
	}
}
