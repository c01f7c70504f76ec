package media

import (
	"math"
	"testing"
)

// Ratings by hand from the formulas of ITU-T G.107, with the values of G.113 Appendix I.
func TestEModel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		st     Stats
		r, mos float64
	}{
		{"a perfect call", Stats{PacketsReceived: 1000, DelayMS: 25, RTTMS: -1}, 92.0, 4.38},
		{"150 ms one way", Stats{PacketsReceived: 1000, DelayMS: 25, RTTMS: 200}, 89.6, 4.33},
		{"400 ms one way", Stats{PacketsReceived: 1000, DelayMS: 25, RTTMS: 700}, 59.1, 3.05},
		{"1 % lost", Stats{PacketsReceived: 990, Lost: 10, DelayMS: 25, RTTMS: -1, Burst: 1}, 88.4, 4.29},
		{"5 % lost", Stats{PacketsReceived: 950, Lost: 50, DelayMS: 25, RTTMS: -1, Burst: 1}, 76.2, 3.88},
		{"3 % lost and 2 % late", Stats{PacketsReceived: 970, Lost: 30, Late: 20, DelayMS: 25, RTTMS: -1, Burst: 1}, 76.2, 3.88},
		{"5 % lost in bursts", Stats{PacketsReceived: 950, Lost: 50, DelayMS: 25, RTTMS: -1, Burst: 2}, 74.8, 3.82},
		{"5 % of G.722 lost", Stats{PacketsReceived: 950, Lost: 50, DelayMS: 25, RTTMS: -1, Burst: 1, G722: true}, 72.2, 3.71},
		{"half lost, far away", Stats{PacketsReceived: 500, Lost: 500, DelayMS: 200, RTTMS: 2000, Burst: 10}, 0, 1},
		{"nothing came", Stats{RTTMS: -1}, 0, 0},
	} {
		if r, mos := tt.st.R(), tt.st.MOS(); math.Abs(r-tt.r) > 0.1 || math.Abs(mos-tt.mos) > 0.02 {
			t.Errorf("%s: R %.1f and MOS %.2f, want %.1f and %.2f", tt.name, r, mos, tt.r, tt.mos)
		}
	}
}

// Runs of losses are told from as many single ones, and a packet that comes out of order is
// none, nor makes one.
func TestBurstsAreTold(t *testing.T) {
	for _, tt := range []struct {
		name string
		seqs []uint16
		gaps uint32
		want float64
	}{
		{"none", []uint16{1, 2, 3, 4}, 0, 1},
		{"two single losses", []uint16{1, 3, 4, 6, 7, 8, 9, 10}, 2, 1},
		{"a run of four", []uint16{1, 2, 7, 8, 9, 10}, 1, 2.4},
		{"two changed places", []uint16{1, 3, 2, 4}, 0, 1},
		{"the middle of a run came late", []uint16{1, 5, 3, 6}, 2, 1},
		{"an end of a run came late", []uint16{1, 5, 4, 6}, 1, 1.3},
		{"over the wrap", []uint16{65534, 3, 4}, 1, 1},
	} {
		b := newBench(t, Config{}, ulaw20)
		for _, seq := range tt.seqs {
			b.network.Send(rtpPacket(0, seq, uint32(int16(seq))*160, 1, tone20()), peers, ours)
			b.run(20, nil)
		}
		st := b.count()
		st.Late = 0
		if b.source.gaps != tt.gaps {
			t.Errorf("%s: %d runs, want %d", tt.name, b.source.gaps, tt.gaps)
		}
		if got := st.burst(); tt.name != "over the wrap" && math.Abs(got-tt.want) > 0.1 {
			t.Errorf("%s: %.2f, want %.2f", tt.name, got, tt.want)
		}
	}
}

// A session that goes on under another call has two calls' figures.
func TestFiguresOfTheSecondCall(t *testing.T) {
	b := newBench(t, Config{}, ulaw20)
	send := func(seqs ...int) Stats {
		for _, seq := range seqs {
			b.network.Send(rtpPacket(0, uint16(seq), uint32(seq)*160, 1, tone20()), peers, ours)
			b.run(20, nil)
		}
		return b.count()
	}
	first := send(1, 4, 6, 8)
	second := send(9, 10, 13, 14, 7).Since(first)
	if second.PacketsReceived != 5 || second.PacketsSent != 5 || second.Lost != 1 || second.Reordered != 1 || math.Abs(second.LossPct-100./6) > 0.1 {
		t.Errorf("%+v", second)
	}
	if got := first.Since(send(5)); got.Lost != 0 || got.ConcealedMS != 0 {
		t.Errorf("less than nothing: %+v", got)
	}
}
