package media

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// octets is a codec whose samples are its payload's octets. It keeps the first octet of each
// payload, so that a test sees in which order packets are played.
type octets struct {
	above int16 // added to every sample
	order []int
}

func (*octets) Encode(dst []byte, pcm []int16) int {
	for i, s := range pcm {
		dst[i] = byte(s)
	}
	return len(pcm)
}

func (c *octets) Decode(dst []int16, payload []byte) int {
	c.order = append(c.order, int(payload[0]))
	for i, b := range payload {
		dst[i] = int16(b) + c.above
	}
	return len(payload)
}

// A coming is one packet on its way: when it arrives (in samples of our clock), what it carries.
type coming struct {
	at   int
	ts   uint32
	size int
	mark byte // every octet of its payload
}

// A listener plays what comes and keeps what the port hears.
type listener struct {
	player
	frame   int
	results map[putResult]int
	heard   []int16
	codec   octets
}

func listen(j Jitter, frame int) *listener {
	l := &listener{frame: frame, results: map[putResult]int{}}
	l.configure(j)
	l.player.frame = int32(frame)
	return l
}

// play lets the packets arrive and the port take frames until they are over, and for a second more.
func (l *listener) play(packets []coming) *listener {
	slices.SortStableFunc(packets, func(a, b coming) int { return a.at - b.at })
	if len(packets) == 0 {
		return l
	}
	var scratch [maxPayload]byte
	end := packets[len(packets)-1].at + 8000
	for clock := packets[0].at / l.frame * l.frame; clock < end; clock += l.frame {
		for len(packets) > 0 && packets[0].at <= clock {
			p := packets[0]
			packets = packets[1:]
			payload := make([]byte, p.size)
			for i := range payload {
				payload[i] = p.mark
			}
			l.results[l.add(p.ts, 0, payload)]++
		}
		frame := make([]int16, l.frame)
		l.read(frame, []Codec{&l.codec}, scratch[:])
		l.heard = append(l.heard, frame...)
	}
	return l
}

// stream is n packets of ms milliseconds that arrive delay(i) samples after they are due.
func stream(n, ms int, firstTS uint32, delay func(i int) int) []coming {
	size := ms * samplesPerMS
	packets := make([]coming, n)
	for i := range packets {
		packets[i] = coming{at: 80000 + i*size + delay(i), ts: firstTS + uint32(i*size), size: size, mark: byte(1 + i%250)}
	}
	return packets
}

func at(samples int) func(int) int { return func(int) int { return samples } }

// msOf is a length of samples in milliseconds.
func msOf(samples int) float64 { return float64(samples) / samplesPerMS }

func TestSteadyStreamIsPlayedWholeAndSettlesAtTheLeastDelay(t *testing.T) {
	for _, ptime := range []int{10, 20, 30, 40, 60} {
		for _, frame := range []int{80, 160, 240, 800, 1600} {
			t.Run(fmt.Sprintf("%d ms packets, frames of %d", ptime, frame), func(t *testing.T) {
				n := 60000 / ptime
				l := listen(Jitter{}, frame).play(stream(n, ptime, 1<<32-5000, at(37)))
				if l.results[stored] != n {
					t.Errorf("results %v, want %d stored", l.results, n)
				}
				want := msOf(max(160, frame))
				if got := msOf(int(l.delay)); got < want-10 || got > want+20 {
					t.Errorf("delay %v ms, want about %v", got, want)
				}
				if got := msOf(int(l.concealed)); got > 80 { // the end of the stream fades for 60 ms
					t.Errorf("%v ms made up", got)
				}
			})
		}
	}
}

func TestFirstPacketWaitsTheStartDelay(t *testing.T) {
	for _, tt := range []struct {
		jitter Jitter
		wantMS int
	}{
		{Jitter{}, 40}, {Jitter{StartMS: 100}, 100}, {Jitter{StartMS: 20}, 20}, {Jitter{StartMS: 60, Fixed: true}, 60},
		{Jitter{StartMS: 500}, 200}, {Jitter{StartMS: 80, MaxMS: 60}, 60}, {Jitter{StartMS: 150, MaxMS: 100, Fixed: true}, 150},
		{Jitter{MinMS: 80}, 80}, {Jitter{MinMS: 120, MaxMS: 60}, 60},
	} {
		l := listen(tt.jitter, 160).play(stream(1, 20, 7, at(0)))
		first := slices.IndexFunc(l.heard, func(s int16) bool { return s == 1 })
		if first != tt.wantMS*samplesPerMS {
			t.Errorf("%+v: heard after %v ms, want %d", tt.jitter, msOf(first), tt.wantMS)
		}
	}
}

func TestJitterIsCovered(t *testing.T) {
	for _, tt := range []struct {
		jitterMS       int
		minMS, maxMS   float64 // of the delay at the end
		lossAtMost     float64
		reorderedInNet bool
	}{
		{0, 20, 25, 0, false}, {10, 20, 45, 0.001, false}, {30, 20, 60, 0.002, true}, {60, 40, 90, 0.002, true}, {120, 100, 160, 0.005, true},
	} {
		t.Run(fmt.Sprintf("%d ms", tt.jitterMS), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(tt.jitterMS)))
			const n = 6000
			l := listen(Jitter{}, 160).play(stream(n, 20, 0, func(int) int { return random.IntN(tt.jitterMS*samplesPerMS + 1) }))
			if loss := float64(l.results[late]) / n; loss > tt.lossAtMost {
				t.Errorf("%d of %d packets late", l.results[late], n)
			}
			if got := msOf(int(l.delay)); got < tt.minMS || got > tt.maxMS {
				t.Errorf("delay %v ms, want %v to %v", got, tt.minMS, tt.maxMS)
			}
		})
	}
}

func TestLossIsFilledAndTimeKept(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	packets := stream(3000, 20, 0, at(0))
	packets[2999].mark = 255
	kept := packets[:0:0]
	for i, p := range packets {
		if i == 0 || i == len(packets)-1 || random.IntN(20) > 0 {
			kept = append(kept, p)
		}
	}
	l := listen(Jitter{Fixed: true}, 160).play(kept)
	if l.results[stored] != len(kept) {
		t.Errorf("results %v, want %d stored", l.results, len(kept))
	}
	first := slices.Index(l.heard, 1)
	if got := slices.Index(l.heard, 255) - first; got != 2999*160 {
		t.Errorf("the 3000th packet is heard after %v ms, want 59980", msOf(got))
	}
}

func TestOrderIsRestored(t *testing.T) {
	packets := stream(12, 20, 1<<32-800, at(0))
	packets[4].at, packets[5].at = packets[5].at+1, packets[4].at // 20 ms late, 40 ms waited for
	packets[8].at += 240
	want := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	if got := listen(Jitter{}, 160).play(packets).codec.order; !slices.Equal(got, want) {
		t.Errorf("heard %v", got)
	}
}

func TestSamePacketTwice(t *testing.T) {
	packets := stream(50, 20, 0, at(0))
	again := append(packets, packets...)
	l := listen(Jitter{}, 160).play(again)
	if l.results[stored] != 50 || l.results[twice]+l.results[late] != 50 {
		t.Errorf("results %v", l.results)
	}
	if got := len(l.codec.order); got != 50 {
		t.Errorf("%d packets heard, want 50", got)
	}
}

func TestOneStrayPacketDoesNotDelayTheOthers(t *testing.T) {
	packets := stream(500, 20, 0, at(0))
	packets[250].at += 1000
	l := listen(Jitter{}, 160).play(packets)
	if l.results[late] != 1 || l.delay > 200 {
		t.Errorf("results %v, delay %v ms", l.results, msOf(int(l.delay)))
	}
}

func TestStallGrowsTheDelayAndItComesBack(t *testing.T) {
	packets := stream(4000, 20, 0, func(i int) int {
		if i >= 100 && i < 107 { // the network holds seven packets back and lets them go together
			return (107 - i) * 160
		}
		return 0
	})
	l := listen(Jitter{}, 160)
	l.play(packets[:300])
	if l.results[late] > 0 {
		t.Errorf("%d packets lost though the delay may grow", l.results[late])
	}
	l = listen(Jitter{}, 160).play(packets)
	if got := msOf(int(l.delay)); got > 30 {
		t.Errorf("delay still %v ms a minute later", got)
	}
}

func TestDelayNeverExceedsItsLimit(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	for _, limit := range []int{60, 100, 200} {
		l := listen(Jitter{MaxMS: limit}, 160)
		l.play(stream(2000, 20, 0, func(int) int { return random.IntN(3200) }))
		if got := msOf(int(l.delay)); got > float64(limit)+30 {
			t.Errorf("limit %d ms, delay %v ms", limit, got)
		}
	}
}

func TestNetworkThatBecomesSlowerForGood(t *testing.T) {
	// 600 ms more from packet 200 on: more than any delay covers, so the stream begins anew.
	l := listen(Jitter{}, 160).play(stream(1000, 20, 0, func(i int) int {
		if i >= 200 {
			return 4800
		}
		return 0
	}))
	if got := l.results[stored] + l.results[moved]; got < 985 {
		t.Errorf("%d packets played, results %v", got, l.results)
	}
}

// The path becomes slower by more than the delay, by less than that and a packet: of each packet
// the beginning is over when it comes. That is not for ever.
func TestSlowerByAPartOfAPacketForGood(t *testing.T) {
	for j, slowerMS := range map[Jitter]int{{Fixed: true, StartMS: 40}: 50, {Fixed: true, StartMS: 100}: 110, {MaxMS: 60, StartMS: 60}: 80} {
		l := listen(j, 80)
		l.data = true // what is missing is silent
		l.play(stream(1000, 20, 0, func(i int) int {
			if i >= 200 {
				return slowerMS * samplesPerMS
			}
			return 0
		}))
		if l.results[moved] > 1 {
			t.Errorf("%+v: results %v", j, l.results)
		}
		missing := 0
		for _, s := range l.heard[240*160 : 1000*160] {
			if s == 0 {
				missing++
			}
		}
		if missing > 0 {
			t.Errorf("%+v: %d samples are not played", j, missing)
		}
	}
}

func TestTimestampsThatJump(t *testing.T) {
	for _, tt := range []struct {
		name string
		jump uint32
	}{
		{"forward an hour", 3600 * 8000}, {"back an hour", 1<<32 - 3600*8000}, {"back a second", 1<<32 - 8000}, {"half way round", 1 << 31},
	} {
		t.Run(tt.name, func(t *testing.T) {
			packets := stream(400, 20, 1000, at(0))
			for i := range packets[200:] {
				packets[200+i].ts += tt.jump
			}
			l := listen(Jitter{}, 160).play(packets)
			if got := l.results[stored] + l.results[moved]; got < 390 || l.results[moved] != 1 {
				t.Errorf("results %v", l.results)
			}
		})
	}
}

func TestPauses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples int
		counted bool // the timestamp goes on through the pause
	}{
		{"200 ms of silence", 1600, true}, {"5 s of silence", 40000, true}, {"200 ms not counted", 1600, false}, {"5 s not counted", 40000, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			packets := stream(400, 20, 1000, at(0))
			for i := range packets[200:] {
				packets[200+i].at += tt.samples
				if tt.counted {
					packets[200+i].ts += uint32(tt.samples)
				}
			}
			l := listen(Jitter{}, 160).play(packets)
			if got := l.results[stored] + l.results[moved]; got != 400 {
				t.Errorf("results %v", l.results)
			}
			if got := msOf(int(l.delay)); got > 220 {
				t.Errorf("delay %v ms", got)
			}
		})
	}
}

func TestClocksThatDrift(t *testing.T) {
	for _, j := range []Jitter{{}, {Fixed: true, StartMS: 60}} {
		for _, ppm := range []int{-200, 50, 200} {
			t.Run(fmt.Sprintf("fixed %v, %d ppm", j.Fixed, ppm), func(t *testing.T) {
				const n = 15000 // five minutes
				l := listen(j, 160).play(stream(n, 20, 0, func(i int) int { return 2000 + i*160*ppm/1e6 }))
				if l.results[late] > 0 {
					t.Errorf("results %v", l.results)
				}
				low, high := 15.0, 65.0
				if j.Fixed {
					low, high = 45, 75
				}
				if got := msOf(int(l.delay)); got < low || got > high {
					t.Errorf("delay %v ms", got)
				}
				// 200 ppm over five minutes are 60 ms; what is made up is not much more.
				if got := msOf(int(l.concealed)); got > 200 {
					t.Errorf("%v ms made up", got)
				}
			})
		}
	}
}

func TestFixedDelayStaysUnderJitter(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	l := listen(Jitter{Fixed: true, StartMS: 100}, 160).play(stream(3000, 20, 0, func(int) int { return random.IntN(640) }))
	if l.results[late] > 0 || msOf(int(l.delay)) < 85 || msOf(int(l.delay)) > 120 {
		t.Errorf("results %v, delay %v ms", l.results, msOf(int(l.delay)))
	}
	l = listen(Jitter{Fixed: true, StartMS: 40}, 160).play(stream(3000, 20, 0, func(int) int { return random.IntN(1600) }))
	if l.results[late] == 0 || msOf(int(l.delay)) > 60 {
		t.Errorf("with more jitter than delay: results %v, delay %v ms", l.results, msOf(int(l.delay)))
	}
}

// Who takes the samples pauses for 80 ms, again and again, at times more often, and makes up
// for it at once: what came meanwhile seems to be early. A fixed buffer plays all the same what
// it plays without.
func TestFixedDelayStaysWhereSamplesAreTakenInBursts(t *testing.T) {
	j := Jitter{Fixed: true, StartMS: 100}
	const n = 3010
	loudly := func(packets []coming) *listener {
		l := listen(j, 160)
		l.codec.above = 1000
		return l.play(packets)
	}
	want := loudly(stream(n, 20, 0, at(0)))
	got := loudly(stream(n, 20, 0, func(i int) int {
		every := 137
		if i > 1000 {
			every = 31
		}
		if in := i % every; in >= 20 && in < 24 {
			return -160 * (in - 19)
		}
		return 0
	}))
	if !slices.Equal(got.heard, want.heard) {
		at := 0
		for at < min(len(got.heard), len(want.heard)) && got.heard[at] == want.heard[at] {
			at++
		}
		t.Errorf("other samples are heard from %d of %d or %d on; delay %v ms", at, len(got.heard), len(want.heard), msOf(int(got.delay)))
	}
}

func TestOddPackets(t *testing.T) {
	l := listen(Jitter{}, 160)
	var packets []coming
	ts := uint32(0)
	for i := range 500 { // sizes change all the time
		size := []int{1, 80, 160, 333, maxPayload}[i%5]
		packets = append(packets, coming{at: 80000 + int(ts), ts: ts, size: size, mark: byte(1 + i%250)})
		ts += uint32(size)
	}
	l.play(packets)
	if got := l.results[stored]; got != 500 {
		t.Errorf("results %v", l.results)
	}
	flood := make([]coming, 1000)
	for i := range flood {
		flood[i] = coming{at: 80000, ts: uint32(i), size: 1, mark: 1}
	}
	l = listen(Jitter{}, 160).play(flood)
	if l.n > maxQueued {
		t.Errorf("%d packets held", l.n)
	}
}

func TestSpliceKeepsATone(t *testing.T) {
	pcm := make([]int16, 160)
	for i := range pcm {
		pcm[i] = int16(8000 * ((i % 40) - 20) / 20) // a period of 40 samples
	}
	want := slices.Clone(pcm)
	rest := splice(pcm, 50)
	if cut := 160 - len(rest); cut != 40 {
		t.Fatalf("%d samples cut, want a period of 40", cut)
	}
	if !slices.Equal(rest, want[:120]) {
		t.Errorf("got %v, want %v", rest, want[:120])
	}
	longer := make([]int16, 300)
	copy(longer, want)
	if n := stretch(longer, 160, 50); n != 200 || !slices.Equal(longer[:160], want) || !slices.Equal(longer[160:200], want[:40]) {
		t.Errorf("stretched to %d: %v", n, longer)
	}
	if got := splice(make([]int16, 50), 80); len(got) != 50 {
		t.Errorf("a stretch of 50 samples was cut to %d", len(got))
	}
}

// An hour with a peer whose clock is off by 200 ppm, 720 ms in all, and some jitter: nothing
// comes too late, nothing is made up but a few milliseconds, and the delay stays what it was.
func TestAnHourOfDrift(t *testing.T) {
	for _, j := range []Jitter{{}, {Fixed: true, StartMS: 60}} {
		for _, ppm := range []int{-200, 200} {
			t.Run(fmt.Sprintf("fixed %v, %d ppm", j.Fixed, ppm), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(60, 60))
				const part = 3000 // packets, a minute
				l := listen(j, 160)
				var scratch [maxPayload]byte
				frame, payload := make([]int16, 160), make([]byte, 160)
				results, clock, sent := map[putResult]int{}, 0, 0
				least, most := 1000.0, 0.0
				for sent < 60*part {
					for clock >= 2000+sent*160+sent*160/1000*ppm/1000+random.IntN(24) {
						for i := range payload {
							payload[i] = byte(128 + i%40)
						}
						results[l.add(uint32(sent*160), 0, payload)]++
						sent++
					}
					l.read(frame, []Codec{&l.codec}, scratch[:])
					l.codec.order = l.codec.order[:0]
					clock += 160
					if sent > part {
						least, most = min(least, msOf(int(l.delay))), max(most, msOf(int(l.delay)))
					}
				}
				if results[stored] != sent {
					t.Errorf("results %v of %d", results, sent)
				}
				low, high := 9.0, 50.0 // an estimate, a frame off at a time
				if j.Fixed {
					low, high = 44, 76
				}
				if least < low || most > high {
					t.Errorf("delay %.0f to %.0f ms, want %.0f to %.0f", least, most, low, high)
				}
				if got := msOf(int(l.concealed)); got > 40 {
					t.Errorf("%.0f ms made up in an hour", got)
				}
			})
		}
	}
}

// A peer may change its packet time at any packet, and change it all the time.
func TestPacketTimesMix(t *testing.T) {
	for _, frame := range []int{80, 160, 320} {
		random := rand.New(rand.NewPCG(11, 11))
		var packets []coming
		ts := 0
		for i := range 5000 {
			size := 80 * (1 + random.IntN(4)) // sent when its last sample is there
			packets = append(packets, coming{at: 80000 + ts + size, ts: uint32(ts), size: size, mark: byte(1 + i%250)})
			ts += size
		}
		l := listen(Jitter{}, frame).play(packets)
		if l.results[stored] != 5000 || msOf(int(l.concealed)) > 100 || msOf(int(l.delay)) > 80 {
			t.Errorf("frames of %d: results %v, %.0f ms made up, delay %.0f ms", frame, l.results, msOf(int(l.concealed)), msOf(int(l.delay)))
		}
	}
}

// The buffer is fixed, as for modems, and nothing comes any more before its block is over.
func TestFixedAndThenSilence(t *testing.T) {
	for _, j := range []Jitter{{}, {Fixed: true}} {
		var b jitterBuffer
		b.configure(j)
		dst := make([]byte, maxPayload)
		b.put(0, 0, make([]byte, 160))
		b.take(160, dst)
		b.configure(Jitter{Fixed: true})
		for range block / 160 * 3 {
			if p := b.take(160, dst); p.size > 160 {
				t.Fatalf("%+v: %+v", j, p)
			}
		}
		if got := b.put(3*block, 0, make([]byte, 160)); got == late {
			t.Errorf("%+v: the next packet is late", j)
		}
	}
}
