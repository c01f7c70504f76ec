package t30

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Damaged ECM frames are asked for again, and the page arrives exact.
func TestDamagedFramesAreRepaired(t *testing.T) {
	for _, frame64 := range []bool{false, true} {
		for _, octets := range []int{1, 255, 256, 257, 16384, 65536, 65537, 150000} {
			doc, sink := textPages(2, octets), &testSink{}
			l := newLink(t, Config{Source: doc, ECM: true, ECM64: frame64}, Config{Sink: sink, ECM: true})
			r := rand.New(rand.NewPCG(7, uint64(octets)))
			l.f.ecm = func(int, Transmission, int, []byte) bool { return r.IntN(10) > 0 }
			t.Run(fmt.Sprintf("%d octets, 64 %v", octets, frame64), func(t *testing.T) {
				mustSend(t, l, doc, sink)
				s, g := l.ends[0].t.Result(), l.ends[1].t.Result()
				if s.Repairs != g.Repairs || s.Frames != g.Frames || octets > 16384 && s.Repairs == 0 {
					t.Errorf("sent %d repairs of %d frames, received %d of %d", s.Repairs, s.Frames, g.Repairs, g.Frames)
				}
			})
		}
	}
}

// After the fourth PPR the sender continues to correct at lower rates, each with a long
// training first, then with short ones.
func TestContinueToCorrectAtLowerRates(t *testing.T) {
	l, doc, sink := ecmCall(t, 2, 30000)
	var signals []string
	l.observe(func(_ int, x Transmission) {
		if x.Kind == ECM {
			signals = append(signals, fmt.Sprint(x.Modulation, x.Short))
		}
	})
	l.f.ecm = func(_ int, x Transmission, n int, _ []byte) bool { return x.Modulation.BitRate() <= 9600 }
	mustSend(t, l, doc, sink)
	want := []string{"v17-14400 true", "v17-14400 true", "v17-14400 true", "v17-14400 true",
		"v17-12000 false", "v17-12000 true", "v17-12000 true", "v17-12000 true", "v17-9600 false", "v17-9600 true"}
	if !slices.Equal(signals, want) {
		t.Errorf("page signals %v\nwant %v", signals, want)
	}
	for _, e := range l.ends {
		if r := e.t.Result(); r.BitRate != 9600 || r.Repairs != 8 {
			t.Errorf("%+v", r)
		}
	}
}

// Where repair makes no progress down to the lowest rate the sender gives up with EOR. The
// receiver keeps what it has, and says that it is damaged.
func TestEndOfRetransmission(t *testing.T) {
	for _, coding := range []Coding{MH, MMR} {
		doc, sink := textPages(1, 3000), &testSink{}
		l := newLink(t, Config{Source: doc, ECM: true, Codings: Codings(coding)}, Config{Sink: sink, ECM: true})
		l.f.ecm = func(_ int, _ Transmission, _ int, octets []byte) bool {
			return octets[2] != byte(FCD) || octets[3] != 5 && octets[3] != 6
		}
		if !l.run() {
			t.Fatal("does not end")
		}
		if r := l.ends[0].t.Result(); r.Code != TooManyRepairs || r.Sent != 0 {
			t.Errorf("sender: %+v", r)
		}
		if r := l.ends[1].t.Result(); r.Code != BadPages || r.Received != 0 || r.Rejected != 1 {
			t.Errorf("receiver: %+v", r)
		}
		want := doc.pages[0].octets[:5*256]
		if coding == MH {
			want = append(append(bytes.Clone(want), make([]byte, 512)...), doc.pages[0].octets[7*256:]...)
		}
		if p := sink.pages[0]; !p.damaged || !p.sameAs(want) {
			t.Errorf("%v: damaged %v, %d octets", coding, p.damaged, len(p.octets))
		}
	}
}

func TestReceiverNotReady(t *testing.T) {
	l, doc, sink := ecmCall(t, 3, 3000)
	sink.busy = 5
	mustSend(t, l, doc, sink)

	l, _, sink = ecmCall(t, 3, 3000)
	sink.busy = 1 << 30
	if !l.run() {
		t.Fatal("does not end")
	}
	if c := l.ends[0].t.Result().Code; c != NotReady {
		t.Errorf("held by RNR for ever: %v", c)
	}
}
