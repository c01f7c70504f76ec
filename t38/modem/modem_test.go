package modem

import (
	"encoding/binary"
	"testing"
	"unsafe"
)

func TestModesHaveNames(t *testing.T) {
	for _, m := range Modes() {
		if got, err := ParseMode(m.String()); err != nil || got != m {
			t.Errorf("ParseMode(%q) = %v, %v", m.String(), got, err)
		}
		if m.BitRate() == 0 {
			t.Errorf("%v has no rate", m)
		}
	}
	for name, want := range map[string]Mode{"v27-2400": V27ter2400, "v27-4800": V27ter4800, "v17-14400": V17At14400} {
		if got, err := ParseMode(name); err != nil || got != want {
			t.Errorf("ParseMode(%q) = %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "v17", "v34-33600", "v27-9600", "V21"} {
		if got, err := ParseMode(name); err == nil {
			t.Errorf("ParseMode(%q) = %v, want an error", name, got)
		}
	}
}

// fails is a source and a sink that nobody may ask.
type fails struct{ *testing.T }

func (f fails) NextBit() int    { f.Error("a bit is asked for"); return End }
func (f fails) PutBit(int)      { f.Error("a bit is heard") }
func (f fails) Status(s Status) { f.Errorf("status %d", s) }

// A value that is no mode is silence, and listens for nothing: also behind one that is a mode.
func TestNoModeIsSilence(t *testing.T) {
	tx, rx, out := NewTransmitter(-12), NewReceiver(), make([]int16, 8000)
	for _, m := range []Mode{0, V17At14400 + 1, 255} {
		tx.Start(V21, false, fails{t})
		tx.Start(m, false, fails{t})
		if n := tx.Read(out); n != 0 || tx.Busy() {
			t.Errorf("%v: %d samples", m, n)
		}
		rx.Start(m, true, fails{t})
		for i := range out {
			out[i] = int16(i * 1000)
		}
		rx.Feed(out)
		if rx.Quality() != 0 {
			t.Errorf("%v: quality %v", m, rx.Quality())
		}
	}
}

// A channel of a gateway has a few of these and may take 256 KB in all.
func TestModemsAreSmall(t *testing.T) {
	const most = 40 << 10
	if n := unsafe.Sizeof(Receiver{}) + unsafe.Sizeof(Transmitter{}); n > most {
		t.Errorf("a receiver and a transmitter take %d octets, want %d at most", n, most)
	}
}

func TestBurstsAllocateNothing(t *testing.T) {
	for _, m := range qamModes() {
		tx, r := NewTransmitter(-14), NewReceiver()
		source, sink := &endless{}, nobody{}
		block := make([]int16, 160)
		for _, short := range []bool{false, true} {
			n := testing.AllocsPerRun(1, func() {
				tx.Start(m, short, source)
				r.Start(m, short, sink)
				for range 120 {
					tx.Read(block)
					r.Feed(block)
				}
			})
			if n != 0 {
				t.Errorf("%v, short %v: %v allocations in a burst", m, short, n)
			}
		}
	}
}

// statusOrder fails a test when what a receiver tells is not in the order that it
// promises.
type statusOrder struct {
	t       *testing.T
	up      bool
	trained bool
}

func (s *statusOrder) PutBit(bit int) {
	if !s.trained || bit&^1 != 0 {
		s.t.Fatalf("bit %d, trained %v", bit, s.trained)
	}
}

func (s *statusOrder) Status(st Status) {
	if s.up == (st == CarrierUp) {
		s.t.Fatalf("%v, but the carrier is up: %v", st, s.up)
	}
	s.up, s.trained = st != CarrierDown, st == TrainingSucceeded
}

// Whatever comes, a receiver goes on, and tells what it hears in order.
func FuzzReceiver(f *testing.F) {
	pcm := burst(V29At7200, false, false, -14, v21Random(600, 1))
	seed := make([]byte, 0, 2*len(pcm))
	for _, v := range pcm[1600:] {
		seed = binary.LittleEndian.AppendUint16(seed, uint16(v))
	}
	f.Add(uint8(V29At7200), uint8(1), seed)
	f.Add(uint8(V17At14400), uint8(90), []byte{0xFF, 0x7F, 0, 0x80, 0xFF, 0x7F, 0, 0x80})
	f.Add(uint8(V27ter2400), uint8(200), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	bursts := map[Mode][]int16{}
	for _, m := range qamModes() {
		bursts[m] = burst(m, false, false, -14, v21Random(500, 1))
	}
	f.Fuzz(func(t *testing.T, mode, times uint8, data []byte) {
		m := qamModes()[int(mode)%len(qamModes())]
		data = data[:min(len(data), 8000)]
		pcm := make([]int16, 0, len(data)/2)
		for ; len(data) > 1; data = data[2:] {
			pcm = append(pcm, int16(binary.LittleEndian.Uint16(data)))
		}
		r := NewReceiver()
		r.Start(m, false, &statusOrder{t: t})
		r.Feed(bursts[m])
		for range times % 8 {
			r.Feed(pcm)
		}
		r.LevelDBm0()
		r.Quality()
	})
}
