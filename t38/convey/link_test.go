package convey

import (
	"math/rand/v2"
	"testing"

	"tipring/t38/ifp"
	"tipring/t38/t30"
	"tipring/t38/udptl"
	"tipring/t38/udptl/netmodel"
)

// datagramOf returns the only datagram that a link says at a time.
func datagramOf(t *testing.T, l *Link, now int64) []byte {
	t.Helper()
	b, ok := l.Say(now)
	if !ok {
		t.Fatalf("nothing is said at %d", now)
	}
	return b
}

// secondaries returns how many a datagram of one short primary has.
func secondaries(b []byte) int { return int(b[2+1+b[2]+1]) }

func TestLinkProtects(t *testing.T) {
	frame := func(f ...byte) []byte { return append([]byte{0xFF, 0x13}, f...) }
	dcs := frame(0x82, 0x00, 0x62, 0xF0, 0x04)
	for _, tt := range []struct {
		name           string
		config         LinkConfig
		do             func(l *Link)
		control, image int
	}{
		{"fixed", LinkConfig{Control: 4, Image: 2}, func(l *Link) {}, 4, 2},
		{"none", LinkConfig{}, func(l *Link) {}, 0, 0},
		{"adaptive, nothing known", adaptive, func(l *Link) {}, 3, 3},
		{"adaptive, ECM by our DCS", adaptive, func(l *Link) { l.Told(dcs) }, 3, 1},
		{"adaptive, PPR", adaptive, func(l *Link) { l.Told(dcs); hear(l, frame(0xBC)) }, 5, 2},
		{"adaptive, PPR and the page good then", adaptive, func(l *Link) { l.Told(dcs); hear(l, frame(0xBC), frame(0x8C)) }, 5, 2},
		{"adaptive, two good pages after that", adaptive, func(l *Link) { l.Told(dcs); hear(l, frame(0xBC), frame(0x8C), frame(0x8C), frame(0x8C)) }, 5, 1},
		{"fixed, PPR", LinkConfig{Control: 4, Image: 2}, func(l *Link) { l.Told(dcs); hear(l, frame(0xBC)) }, 4, 2},
		{"image alone adaptive, RTN", LinkConfig{Control: 2, Image: Adaptive}, func(l *Link) { hear(l, frame(0x4D)) }, 2, 4},
		{"a short frame", adaptive, func(l *Link) { l.Told([]byte{0xFF}); l.Told(frame(0x82)); hear(l, []byte{0xFF}) }, 3, 3},
	} {
		l := NewLink(tt.config, nothing{})
		tt.do(l)
		if control, image := l.Depth(); control != tt.control || image != tt.image {
			t.Errorf("%s: control %d, image %d; want %d, %d", tt.name, control, image, tt.control, tt.image)
		}
		l.Sender = Sender{}
		for i := range 10 { // fills the history
			l.Sender.Tone(ifp.CED)
			datagramOf(t, l, int64(i)*400)
		}
		for ok := true; ok; _, ok = l.Say(6000) { // the repeats of the last
		}
		l.Sender.Octets(6000, ifp.V29Data9600, make([]byte, 40))
		if got := secondaries(datagramOf(t, l, 6000)); got != tt.image {
			t.Errorf("%s: image data goes with %d", tt.name, got)
		}
		l.Sender.Tone(ifp.CNG)
		l.Sender.Cut()
		if got := secondaries(datagramOf(t, l, 8000)); got != tt.control {
			t.Errorf("%s: an indicator goes with %d", tt.name, got)
		}
	}
}

// hear has a link receive frames of V.21.
func hear(l *Link, frames ...[]byte) {
	e := udptl.NewEncoder(udptl.LimitsOf(0), 0)
	for _, f := range frames {
		packet, _ := ifp.AppendData(nil, ifp.Original, ifp.V21Data,
			ifp.Field{Type: ifp.HDLCData, Data: reversed(nil, f)}, ifp.Field{Type: ifp.HDLCFCSOK})
		b, _ := e.Append(nil, packet, udptl.Protection{})
		l.Hear(0, b)
	}
}

// Packets held back for a missing one are let go when nothing comes.
func TestLinkReleases(t *testing.T) {
	var told record
	l := NewLink(adaptive, &told)
	e := udptl.NewEncoder(udptl.LimitsOf(0), 0)
	for i, ind := range []ifp.Indicator{ifp.CNG, ifp.NoSignal, ifp.CED} {
		packet, _ := ifp.AppendIndicator(nil, ind)
		if b, _ := e.Append(nil, packet, udptl.Protection{}); i != 1 && l.Hear(1000, b) != nil {
			t.Fatal("malformed")
		}
	}
	at, ok := l.Deadline()
	if !ok || at != 1000+releaseAfter || len(told.words) != 1 {
		t.Fatalf("due at %d, %v, told %v", at, ok, told.words)
	}
	l.Say(at)
	if len(told.words) != 2 || told.words[1] != "ced" || l.Counters().Lost != 1 {
		t.Errorf("told %v, %+v", told.words, l.Counters())
	}
	if at, ok := l.Deadline(); ok {
		t.Errorf("something is due at %d", at)
	}
	if l.Hear(2000, []byte{1}) != udptl.ErrMalformed {
		t.Error("a malformed datagram")
	}
}

// An owner that sleeps until Deadline has the same call, and does not wake for nothing.
func TestSleepingOwner(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		c := newCall(t, ecm, pages(1, 10000), both(adaptive), netmodel.New(1, netmodel.Config{Delay: 300}))
		for _, s := range c.stations {
			s.Start()
		}
		now, wakes := int64(0), 0
		for !(c.stations[0].Done() && c.stations[1].Done()) && now < 600*SampleRate {
			next := int64(600 * SampleRate)
			for _, s := range c.stations {
				if n, ok := s.Deadline(); ok {
					next = min(next, now+n)
				}
			}
			if at, ok := c.network.Next(); ok {
				next = min(next, at)
			}
			for _, s := range c.stations {
				s.Advance(int(next - now))
			}
			now = next
			c.pass(now)
			wakes++
		}
		sent, received := c.stations[0].T30.Result(), c.stations[1].T30.Result()
		if sent.Code != t30.OK || received.Code != t30.OK || sent.Repeats+received.Repeats > 0 {
			t.Errorf("ECM %v: %v", ecm, c)
		}
		packets := c.network.AToB.Counters().Sent + c.network.BToA.Counters().Sent
		if wakes > 3*packets+100 {
			t.Errorf("ECM %v: %d wakes for %d packets", ecm, wakes, packets)
		}
	}
}

// A station that hears a preamble within its CNG ends the tone.
func TestToneIsCutShort(t *testing.T) {
	c := newCall(t, true, pages(1, 100), both(adaptive), netmodel.New(1, netmodel.Config{}))
	s := c.stations[0]
	s.Start()
	for s.doing.Kind != t30.CNG {
		s.Advance(80)
	}
	b, ok := s.Say()
	if !ok || b[3] != 0x02 {
		t.Fatalf("CNG is %x, %v", b, ok)
	}
	s.T30.Stop()
	s.Advance(80)
	for ok = true; ok; {
		if b, ok = s.Say(); ok && b[3] == 0x00 {
			return
		}
		s.Advance(240)
		ok = s.Now() < SampleRate
	}
	t.Errorf("no silence behind the tone: %x", b)
}

// A page comes though every indicator of its modem is lost.
func TestLostIndicators(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		c := newCall(t, ecm, pages(1, 1000), both(LinkConfig{}), netmodel.New(1, netmodel.Config{}))
		c.change = func(b []byte) []byte {
			if b[3] >= byte(ifp.V27Training2400)<<1 && b[3] <= byte(ifp.V17LongTraining14400)<<1 {
				return nil
			}
			return b
		}
		ok, exact := c.run()
		if r := c.stations[0].T30.Result(); !ok || !exact || r.Failures+r.Repeats > 0 || r.BitRate != 14400 {
			t.Errorf("ECM %v: %v; %d bit/s, %d failures", ecm, c, r.BitRate, r.Failures)
		}
	}
}

// Image data of another modem than was agreed fails, and so does a signal whose data is
// all lost.
func TestWrongSignal(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(b []byte) []byte
	}{
		{"another modem", func(b []byte) []byte {
			switch b[3] {
			case byte(ifp.V17LongTraining14400) << 1:
				b[3] = byte(ifp.V29Training9600) << 1
			case 0xC0 | byte(ifp.V17Data14400)<<1:
				b[3] = 0xC0 | byte(ifp.V29Data9600)<<1
			}
			return b
		}},
		{"no data", func(b []byte) []byte {
			if b[3] == 0xC0|byte(ifp.V17Data14400)<<1 {
				b[3] = 0x40 | byte(ifp.V17Data14400)<<1 // without fields
			}
			return b
		}},
	} {
		c := newCall(t, false, pages(1, 1000), both(LinkConfig{}), netmodel.New(1, netmodel.Config{}))
		c.change = tt.lose
		if ok, exact := c.run(); !ok || !exact {
			t.Errorf("%s: %v", tt.name, c)
		}
		if r := c.stations[0].T30.Result(); r.Failures == 0 || r.BitRate == 14400 {
			t.Errorf("%s: %d failures, %d bit/s, %d repeats", tt.name, r.Failures, r.BitRate, r.Repeats)
		}
	}
}

// Twelve packets that were sent at once and come in any order within 80 ms are all heard, with
// no more than three secondaries.
func TestLinkHearsAMixedBurst(t *testing.T) {
	for seed := range uint64(50) {
		chance := rand.New(rand.NewPCG(seed, 1))
		var heard int
		l := NewLink(LinkConfig{}, &countingSink{frames: &heard})
		e := udptl.NewEncoder(udptl.LimitsOf(0), 0)
		var datagrams [][]byte
		for i := range 12 {
			fields := []ifp.Field{{Type: ifp.HDLCData, Data: []byte{0xff, 0xc0, 0x61}}}
			if i%2 == 1 {
				fields = []ifp.Field{{Type: ifp.HDLCFCSOK}}
			}
			p, err := ifp.AppendData(nil, ifp.Original, ifp.V17Data14400, fields...)
			if err != nil {
				t.Fatal(err)
			}
			d, err := e.Append(nil, p, udptl.Protection{Secondaries: 3})
			if err != nil {
				t.Fatal(err)
			}
			datagrams = append(datagrams, d)
		}
		_ = l.Hear(0, datagrams[0])
		rest := datagrams[1:]
		chance.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		for i, d := range rest {
			_ = l.Hear(int64(i*640/len(rest)), d)
		}
		if heard != 6 {
			t.Errorf("seed %d: %d frames of 6", seed, heard)
		}
	}
}

// A countingSink counts whole frames.
type countingSink struct{ frames *int }

func (s *countingSink) Indicator(ifp.Indicator)     {}
func (s *countingSink) Octets(ifp.DataType, []byte) {}
func (s *countingSink) End(ifp.DataType)            {}
func (s *countingSink) Frame(_ ifp.DataType, b []byte, good bool) {
	if good && len(b) == 3 {
		*s.frames++
	}
}
