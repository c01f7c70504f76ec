package pages

import (
	"bytes"
	"errors"
	"image/png"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"tipring/t38/t30"
)

// coded is a page as the line carries it.
func coded(t testing.TB, s sheet, f t30.Format) []byte {
	t.Helper()
	r, err := open(t, file(t, s)).Open(0, f)
	must(t, err)
	octets, err := io.ReadAll(r)
	must(t, err)
	return octets
}

// shows fails unless a page of the monitor has exactly the first rows of a sheet, which is of
// square pels.
func shows(t *testing.T, m *Monitor, page int, s sheet, rows int) {
	t.Helper()
	var b bytes.Buffer
	must(t, m.WritePNG(page, &b))
	p, err := png.Decode(&b)
	must(t, err)
	if got := p.Bounds().Size(); got.X != s.columns || got.Y != rows {
		t.Fatalf("a picture of %v, want %d rows of %d", got, rows, s.columns)
	}
	want := readRows(t, s.reader(t), s.columns)
	for y := range rows {
		for x := range s.columns {
			black, _, _, _ := p.At(x, y).RGBA()
			if (black == 0) != (want[y][x/8]>>(7-x%8)&1 == 1) {
				t.Fatalf("pel %d of row %d differs", x, y)
			}
		}
	}
}

var square = sheet{2592, 300, 300, 300, 1}

func squareFormat(c t30.Coding, ecm bool) t30.Format {
	return t30.Format{Form: t30.Form{Resolution: t30.R300, Inch: true}, Coding: c, ECM: ecm}
}

// A page without error correction is seen row by row.
func TestMonitorOfOctets(t *testing.T) {
	for _, c := range []t30.Coding{t30.MH, t30.MR} {
		f := squareFormat(c, false)
		octets := coded(t, square, f)
		var m Monitor
		m.Begin(t30.Passing{Format: f, Rows: 300})
		if got := m.Progress(); got != (Progress{1, 0, 300}) {
			t.Errorf("%v: at the beginning %+v", c, got)
		}
		if err := m.WritePNG(1, io.Discard); !errors.Is(err, ErrNoRows) || m.Has(1) {
			t.Errorf("%v: a picture of no rows: %v", c, err)
		}
		before := 0
		for len(octets) > 0 {
			n := min(len(octets), 101)
			m.Octets(octets[:n])
			octets = octets[n:]
			p := m.Progress()
			if p.Rows < before || len(octets) > 0 && p.Rows > before+101 {
				t.Fatalf("%v: %d rows behind %d", c, p.Rows, before)
			}
			if before < 150 && p.Rows >= 150 {
				shows(t, &m, 1, square, p.Rows)
			}
			before = p.Rows
		}
		if before != 300 {
			t.Errorf("%v: %d rows at the end", c, before)
		}
		shows(t, &m, 1, square, 300)
		m.End()
		if got := m.Progress(); got != (Progress{}) || m.Has(1) || m.Size() != 0 {
			t.Errorf("%v: behind the end %+v, %d octets", c, got, m.Size())
		}
	}
}

// Frames of ECM come in any order, more than once and in several blocks. What is behind a hole
// waits for its repair.
func TestMonitorOfFrames(t *testing.T) {
	for _, c := range []t30.Coding{t30.MH, t30.MR, t30.MMR} {
		f := squareFormat(c, true)
		octets := coded(t, square, f)
		var m Monitor
		m.Behind(4).Begin(t30.Passing{Number: 1, Format: f, FrameOctets: 64})
		send := func(base, n int) {
			if at := (base + n) * 64; at < len(octets) {
				m.Frame(n, octets[at:min(at+64, len(octets))])
			}
		}
		frames := (len(octets) + 63) / 64
		for base := 0; base < frames; base += 100 {
			order := rand.New(rand.NewPCG(1, uint64(base))).Perm(100)
			for _, n := range order[:90] {
				send(base, n)
			}
			held := m.Progress().Rows
			for _, n := range order {
				send(base, n)
			}
			if got := m.Progress().Rows; got <= held {
				t.Errorf("%v: %d rows behind the repair, %d before", c, got, held)
			}
			m.Block(100)
			if base == 0 { // the block comes once more, since its answer was not heard
				before := m.Progress().Rows
				for n := range 100 {
					m.Frame(n, octets[n*64:n*64+64])
				}
				m.Block(0)
				if got := m.Progress().Rows; got > before+2 {
					t.Errorf("%v: %d rows by repetition, %d before", c, got, before)
				}
			}
		}
		if got := m.Progress(); got != (Progress{6, 300, 0}) {
			t.Errorf("%v: %+v", c, got)
		}
		shows(t, &m, 6, square, 300)
	}
}

// Frames that never came are fill; in MMR the picture ends there.
func TestMonitorOfHoles(t *testing.T) {
	for c, want := range map[t30.Coding][2]int{t30.MH: {200, 300}, t30.MMR: {20, 250}} {
		f := squareFormat(c, true)
		octets := coded(t, square, f)
		var m Monitor
		m.Begin(t30.Passing{Format: f, FrameOctets: 256})
		hole := len(octets) / 256 / 2
		for n := 0; n*256 < len(octets); n++ {
			if n != hole {
				m.Frame(n, octets[n*256:min(n*256+256, len(octets))])
			}
		}
		m.Block((len(octets) + 255) / 256)
		if got := m.Progress().Rows; got < want[0] || got > want[1] {
			t.Errorf("%v: %d rows, want %v", c, got, want)
		}
	}
}

// Pages that are over are kept as far as there is room, and a page that comes once more takes
// the place of the first.
func TestMonitorKeeps(t *testing.T) {
	f := squareFormat(t30.MR, false)
	octets := coded(t, square, f)
	m := Monitor{Keep: 3 * (len(octets)/monitorChunk + 1) * monitorChunk}
	pass := func(n int) {
		m.Begin(t30.Passing{Number: n, Format: f})
		m.Octets(octets)
		m.End()
	}
	for _, n := range []int{0, 1, 1, 2, 3} {
		pass(n)
	}
	if m.Has(1) || !m.Has(2) || !m.Has(3) || !m.Has(4) || m.Size() > m.Keep {
		t.Errorf("kept %v %v %v %v, %d of %d octets", m.Has(1), m.Has(2), m.Has(3), m.Has(4), m.Size(), m.Keep)
	}
	shows(t, &m, 3, square, 300)
	m.Forget()
	if m.Has(4) || m.Size() != 0 {
		t.Errorf("%d octets behind Forget", m.Size())
	}
}

// A page that never ends, or is none of black and white, costs no more than its bound.
func TestMonitorIsBounded(t *testing.T) {
	m := Monitor{Keep: monitorOctets}
	for n := range 3 {
		m.Begin(t30.Passing{Number: n, Format: squareFormat(t30.MH, false)})
		noise := make([]byte, 4096)
		for i := range noise {
			noise[i] = byte(i*i>>3 ^ i*7)
		}
		for range 3 * monitorOctets / len(noise) {
			m.Octets(noise)
		}
		if m.Size() > monitorOctets || m.Progress().Rows > monitorRows {
			t.Errorf("%d octets, %d rows", m.Size(), m.Progress().Rows)
		}
	}
	m.Begin(t30.Passing{Format: t30.Format{Coding: 9}})
	m.Octets([]byte{1, 2, 3})
	m.Frame(255, []byte{1})
	m.Frame(1000, nil)
	m.Frame(-1, nil)
	if m.Has(1) {
		t.Error("rows of no coding")
	}
}

// Who listens is told once of what is new, until it has looked.
func TestMonitorTells(t *testing.T) {
	told := 0
	m := Monitor{Changed: func() { told++ }}
	m.Begin(t30.Passing{Format: squareFormat(t30.MH, false)})
	m.Octets([]byte{0})
	m.Octets([]byte{0})
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	m.Progress()
	m.Octets([]byte{0})
	m.End()
	if told != 2 {
		t.Errorf("told %d times", told)
	}
}

// Whoever looks does so while the page goes on.
func TestMonitorIsLookedAt(t *testing.T) {
	f := squareFormat(t30.MMR, true)
	octets := coded(t, square, f)
	m := Monitor{Keep: 1 << 18}
	var looking sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		looking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if p := m.Progress(); p.Rows > 0 {
					if err := m.WritePNG(p.Page, io.Discard); err != nil && !errors.Is(err, ErrNoRows) {
						t.Error(err)
					}
				}
			}
		})
	}
	for n := range 20 {
		m.Begin(t30.Passing{Number: n, Format: f, FrameOctets: 256})
		for range 2 {
			for k := 0; k*256 < len(octets); k++ {
				m.Frame(k, octets[k*256:min(k*256+256, len(octets))])
			}
			m.Block(0)
		}
		m.End()
	}
	close(done)
	looking.Wait()
}

// What is told of frames is nothing to rely on.
func FuzzMonitor(f *testing.F) {
	f.Add(uint8(2), []byte{4, 0, 1, 2, 3, 4, 0x80, 2, 4, 1, 0, 0x81, 0})
	f.Add(uint8(0), []byte{0, 1, 2, 3, 0xff, 5, 5, 5})
	f.Fuzz(func(t *testing.T, coding uint8, script []byte) {
		m := Monitor{Keep: 1 << 16}
		m.Begin(t30.Passing{Format: t30.Format{Coding: t30.Coding(coding), ECM: true}, FrameOctets: 64})
		for len(script) > 1 {
			op, n := script[0], int(script[1])
			script = script[2:]
			data := script[:min(n%65, len(script))]
			switch op % 8 {
			case 0, 1, 2, 3:
				m.Frame(n, data)
			case 4:
				m.Octets(data)
			case 5:
				m.Block(n)
			case 6:
				m.Block(0)
			case 7:
				m.End()
				m.Begin(t30.Passing{Number: n % 3, Format: t30.Format{Coding: t30.Coding(coding % 3)}, FrameOctets: 64})
			}
			if p := m.Progress(); p.Rows > monitorRows || p.Rows > 0 && !m.Has(p.Page) {
				t.Fatalf("%+v", p)
			}
		}
		if p := m.Progress(); p.Rows > 0 {
			if err := m.WritePNG(p.Page, io.Discard); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkMonitor is what 20 ms of a page cost at 14400 bit/s.
func BenchmarkMonitor(b *testing.B) {
	m := Monitor{}
	f := squareFormat(t30.MH, false)
	octets := make([]byte, 36)
	b.ReportAllocs()
	for n := range b.N {
		if n%1000 == 0 {
			m.Begin(t30.Passing{Format: f})
		}
		m.Octets(octets)
	}
}

var fine = sheet{1728, 2200, 204, 196, 1}

// BenchmarkMonitorProgress is a look half a second behind the last one.
func BenchmarkMonitorProgress(b *testing.B) {
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MR}
	octets := coded(b, fine, f)
	var m Monitor
	at := len(octets)
	for b.Loop() {
		if at+900 > len(octets) {
			m.Begin(t30.Passing{Format: f})
			at = 0
		}
		m.Octets(octets[at : at+900])
		at += 900
		m.Progress()
	}
}

// BenchmarkMonitorPicture is the picture of a whole page, of its own size and smaller.
func BenchmarkMonitorPicture(b *testing.B) {
	f := t30.Format{Form: t30.Form{Resolution: t30.Fine}, Coding: t30.MR}
	var m Monitor
	m.Begin(t30.Passing{Format: f})
	m.Octets(coded(b, fine, f))
	for _, scale := range []int{1, 4, 8} {
		b.Run(strconv.Itoa(scale), func(b *testing.B) {
			size := 0
			for b.Loop() {
				var out bytes.Buffer
				if err := m.WriteScaled(1, &out, scale); err != nil {
					b.Fatal(err)
				}
				size = out.Len()
			}
			b.ReportMetric(float64(size), "octets")
		})
	}
}
