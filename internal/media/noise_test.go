package media

import (
	"math"
	"testing"

	"tipring/internal/dsp/talker"
)

// dBov is the level of pcm against the overload of G.711 (RFC 3389 section 3.1).
func dBov(pcm []int16) float64 { return 10 * math.Log10(energy(pcm)/overload) }

func dBm0(pcm []int16) float64 { return dBov(pcm) + 6.18 }

func made(n *noise, samples int) []int16 {
	pcm := make([]int16, samples)
	for i := range pcm {
		pcm[i] = n.next(concealFade)
	}
	return pcm
}

func TestComfortNoiseIsAsLoudAsTold(t *testing.T) {
	for _, level := range []byte{20, 40, 50, 60, 70, 78} {
		for _, coefficients := range [][]byte{nil, {127}, {20}, {230}, {40, 180, 100, 150, 120, 127, 130, 90, 140, 127, 110, 160, 5, 5}} {
			var n noise
			n.tell(append([]byte{level}, coefficients...))
			if got := dBov(made(&n, 40000)); math.Abs(got+float64(level)) > 1.2 {
				t.Errorf("level %d with coefficients %d: made at %.1f dBov", level, coefficients, got)
			}
		}
	}
	var n noise
	n.tell([]byte{0x80 | 60}) // the highest bit is not the level's
	if got := dBov(made(&n, 40000)); math.Abs(got+60) > 1 {
		t.Errorf("made at %.1f dBov", got)
	}
	n.tell([]byte{127})
	if got := energy(made(&n, 4000)); got > 1 {
		t.Errorf("-127 dBov: a mean square of %.1f", got)
	}
	n.tell([]byte{0, 254, 255, 0, 255, 0, 255}) // as loud and as steep as can be
	made(&n, 40000)
}

// The first coefficient is minus the correlation of neighbours, as in ITU-T G.711 Appendix II:
// below 127 the noise is dark, above it bright.
func TestComfortNoiseHasItsColour(t *testing.T) {
	for _, tt := range []struct {
		k    byte
		want float64
	}{{27, 100. * 258 / 32768}, {127, 0}, {227, -100. * 258 / 32768}} {
		var n noise
		n.tell([]byte{40, tt.k})
		pcm := made(&n, 80000)
		sum := 0.0
		for i := 1; i < len(pcm); i++ {
			sum += float64(pcm[i]) * float64(pcm[i-1])
		}
		if got := sum / float64(len(pcm)) / energy(pcm); math.Abs(got-tt.want) > 0.03 {
			t.Errorf("coefficient %d: correlation %.2f, want %.2f", tt.k, got, tt.want)
		}
	}
}

// In a gap there is the noise of the far talker's room, of about its colour; never more than
// -45 dBm0 of it, and none where the far end itself is silent between words.
func TestLongGapSoundsLikeTheFarRoom(t *testing.T) {
	for _, room := range []float64{-65, -55, -48, -35} {
		var c concealer
		c.played(talker.Speech(3, talker.Config{NoiseDBm0: room}, 8))
		gap := make([]int16, 16000)
		c.fill(gap)
		want := min(room, loudestFloorDBm0)
		if got := dBm0(gap[concealFade:]); got < want-5 || got > want+2 {
			t.Errorf("room of %v dBm0: %.1f dBm0 in a gap", room, got)
		}
	}
	speech := talker.Speech(3, talker.Config{}, 20)
	for i := range speech {
		speech[i] = speech[i] / 64 * 64
	}
	var c concealer
	c.played(speech)
	gap := make([]int16, 16000)
	c.fill(gap)
	if got := energy(gap[concealFade:]); got > 16 {
		t.Errorf("silence with a mean square of %.0f is made up", got)
	}
}

// A far end that sends comfort noise instead of silence: speech, then noise at the level told,
// updated once, for three seconds, then speech whose first sample is heard. Nothing of it is a loss.
func TestFarEndThatSuppressesSilence(t *testing.T) {
	for _, codec := range []Format{{0, "PCMU"}, {9, "G722"}} {
		p := ulaw20
		p.Send, p.Receive = codec, []Format{codec}
		b := newBench(t, Config{}, p)
		coder, _ := NewCodec(codec.Codec)
		voice := voice(8000, 61)
		seq := uint16(1)
		send := func(pt uint8, at int, payload []byte) {
			b.network.Send(rtpPacket(pt, seq, uint32(at*160), 1, payload), peers, ours)
			seq++
		}
		talk := func(from int) (heard []int16) {
			for i := range 50 {
				payload := make([]byte, 160)
				coder.Encode(payload, voice[i*160:])
				send(codec.PayloadType, from+i, payload)
				heard = append(heard, b.run(20, nil)...)
			}
			return heard
		}
		talk(0)
		send(13, 50, []byte{60, 60, 140})
		b.run(60, nil)
		first := b.run(1000, nil)
		send(13, 103, []byte{50})
		b.run(60, nil)
		second := b.run(1880, nil)
		before := b.count().ConcealedMS
		again := talk(200)
		for name, x := range map[string]struct {
			pcm  []int16
			want float64
		}{"first": {first, -60}, "second": {second, -50}} {
			if got := dBov(x.pcm); math.Abs(got-x.want) > 1.5 {
				t.Errorf("%s: %s noise at %.1f dBov, want %v", codec.Codec, name, got, x.want)
			}
		}
		loudFrom := 0
		for loudFrom < len(again) && again[loudFrom] < 2000 && again[loudFrom] > -2000 {
			loudFrom++
		}
		if wait := msOf(loudFrom); wait > 60 {
			t.Errorf("%s: speech is heard after %.0f ms", codec.Codec, wait)
		}
		if st := b.count(); st.Lost != 0 || st.Late != 0 || st.UnknownType != 0 || st.Malformed != 0 || before > 0 || st.ConcealedMS > 0 {
			t.Errorf("%s: %+v", codec.Codec, st)
		}
	}
}

func BenchmarkComfortNoise(b *testing.B) {
	var n noise
	n.tell([]byte{60, 40, 180, 100, 150, 120, 127, 130, 90, 140})
	b.ReportAllocs()
	for b.Loop() {
		for range 160 {
			n.next(concealFade)
		}
	}
}
