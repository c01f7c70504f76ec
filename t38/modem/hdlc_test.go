package modem

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// heardFrames writes down what an HDLCReceiver tells, a line each.
type heardFrames struct{ lines []string }

func (h *heardFrames) Frame(octets []byte, good bool) {
	word := "bad"
	if good {
		word = "good"
	}
	h.lines = append(h.lines, fmt.Sprintf("%s %x", word, octets))
}
func (h *heardFrames) Framing(e HDLCEvent) { h.lines = append(h.lines, e.String()) }
func (h *heardFrames) Status(s Status)     { h.lines = append(h.lines, s.String()) }

func hearBits(bits string) []string {
	var h heardFrames
	var r HDLCReceiver
	r.Start(&h)
	for _, b := range bits {
		r.PutBit(int(b - '0'))
	}
	return h.lines
}

func hdlcBits(t *HDLCTransmitter) string {
	var s strings.Builder
	for b := t.NextBit(); b != End; b = t.NextBit() {
		s.WriteByte(byte('0' + b))
	}
	return s.String()
}

func framed(preambleBits int, frames ...[]byte) string {
	var t HDLCTransmitter
	t.Start(preambleBits)
	for _, f := range frames {
		if !t.Queue(f) {
			panic("no room")
		}
	}
	t.Finish()
	return hdlcBits(&t)
}

const flag = "01111110"

// The frame of T.30's DCN: 11111111 00010011 11111011 as T.30 writes it, in the order of
// the line, with its check sequence and stuffing worked out by hand.
func TestHDLCBitsOfAFrame(t *testing.T) {
	dcn := []byte{0xff, 0xc8, 0xdf}
	fcs := fcsOf(dcn)
	raw := ""
	for _, o := range []byte{0xff, 0xc8, 0xdf, byte(fcs), byte(fcs >> 8)} {
		for i := range 8 {
			raw += fmt.Sprint(o >> i & 1)
		}
	}
	want := flag + flag + strings.ReplaceAll(raw, "11111", "111110") + flag + flag
	if got := framed(16, dcn); got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
}

// The check value of CRC-16/X.25 in every catalogue.
func TestFCS(t *testing.T) {
	if got := fcsOf([]byte("123456789")); got != 0x906e {
		t.Errorf("FCS of 123456789: %04x, want 906e", got)
	}
}

func TestHDLCPreambleIsAtLeastAsLongAsAsked(t *testing.T) {
	for _, tt := range []struct{ bits, flags int }{{0, 1}, {1, 1}, {8, 1}, {9, 2}, {300, 38}} {
		got := framed(tt.bits)
		if got != strings.Repeat(flag, tt.flags) {
			t.Errorf("%d bits of preamble: %d flags, want %d", tt.bits, len(got)/8, tt.flags)
		}
	}
}

func TestHDLCSendsFlagsUntilAFrameComes(t *testing.T) {
	var tx HDLCTransmitter
	tx.Start(8)
	sent := ""
	next := func(bits int) {
		for range bits {
			sent += fmt.Sprint(tx.NextBit())
		}
	}
	next(20)
	if !tx.Queue([]byte("abc")) || tx.Pending() != 1 {
		t.Fatal("frame not taken")
	}
	next(100)
	if !tx.Queue([]byte("xyz")) {
		t.Fatal("frame not taken")
	}
	tx.Finish()
	sent += hdlcBits(&tx)
	want := []string{"flags", "good 616263", "good 78797a"}
	got := hearBits(strings.Repeat(flag, 2) + sent)
	if !slices.Equal(slices.DeleteFunc(got, func(s string) bool { return s == "flags" }), want[1:]) {
		t.Errorf("heard %q, want %q", got, want)
	}
	if tx.NextBit() != End || tx.Pending() != 0 {
		t.Error("goes on after the end")
	}
}

func TestHDLCQueueHasLimits(t *testing.T) {
	var tx HDLCTransmitter
	if tx.NextBit() != End {
		t.Error("sends before Start")
	}
	tx.Start(0)
	if tx.Queue(nil) || tx.Queue(make([]byte, MaxFrame+1)) {
		t.Error("took an empty frame or one too long")
	}
	for n := hdlcQueue; n > 0; n-- {
		if tx.Room() != n || !tx.Queue(make([]byte, MaxFrame)) {
			t.Errorf("room for %d frames: not taken", n)
		}
	}
	if tx.Queue([]byte{1}) || tx.Room() != 0 {
		t.Error("took one frame too many")
	}
	tx.Start(0)
	if tx.Room() != hdlcQueue {
		t.Error("Start kept frames")
	}
}

func TestHDLCCarriesEveryLengthAndContent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for length := 1; length <= MaxFrame; length++ {
		frame := make([]byte, length)
		for i := range frame {
			v := random.Uint32()
			frame[i] = byte(v | v>>8) // more ones than zeros: more stuffing
		}
		got := hearBits(framed(40, frame, frame))
		want := fmt.Sprintf("good %x", frame)
		if !slices.Equal(got, []string{"flags", want, want}) {
			t.Fatalf("%d octets: heard %q", length, got)
		}
	}
}

func TestHDLCReceiver(t *testing.T) {
	good := framed(8, []byte("fax"))
	body := good[8 : len(good)-16] // without flags
	flipped := []byte(body)
	flipped[10] ^= 1
	preamble := strings.Repeat(flag, 4)
	shared := "0111111011111101111110111111011111101111110" + "1111110" // flags that share their zeros
	for _, tt := range []struct {
		name, bits string
		want       []string
	}{
		{"one frame", flag + body + flag, []string{"good 666178"}},
		{"no flag before it", body + flag, nil},
		{"no flag after it", flag + body, nil},
		{"one flag between frames", flag + body + flag + body + flag, []string{"good 666178", "good 666178"}},
		{"flags that share a zero", shared + body + flag, []string{"flags", "good 666178"}},
		{"three flags", flag + flag + flag, nil},
		{"preamble", preamble + flag + flag, []string{"flags"}},
		{"preamble after noise", "001101101011101" + preamble, []string{"flags"}},
		{"a wrong bit", flag + string(flipped) + flag, []string{"bad 666578"}},
		{"a bit too many", flag + body + "0" + flag, []string{"bad 666178"}},
		{"an octet and a bit too few, of three", flag + body[:len(body)-9] + flag, nil},
		{"aborted", flag + body + "1111111" + "000" + flag + body + flag, []string{"frame aborted", "good 666178"}},
		{"idle after a frame", preamble + body + flag + strings.Repeat("1", 40), []string{"flags", "good 666178", "flags lost"}},
		{"idle and flags again", preamble + strings.Repeat("1", 40) + preamble, []string{"flags", "flags lost", "flags"}},
		{"nothing between flags but a zero", flag + "0" + flag, nil},
		{"an octet alone", flag + "10101010" + flag, nil},
		{"two octets that are no check sequence", flag + strings.Repeat("10", 8) + flag, nil},
		{"an octet and a wrong check sequence", flag + strings.Repeat("10", 12) + flag, nil},
		{"three octets and a wrong check sequence", flag + strings.Repeat("10", 20) + flag, []string{"bad 555555"}},
		{"zeros for ever", preamble + strings.Repeat("0", 10000) + flag + body + flag,
			[]string{"flags", "frame aborted", "flags lost", "good 666178"}},
	} {
		if got := hearBits(tt.bits); !slices.Equal(got, tt.want) {
			t.Errorf("%s: heard %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A check sequence alone and shorter: what T.30 must never get.
func TestHDLCShortFramesAreNone(t *testing.T) {
	empty := fcsOf(nil)
	bits := ""
	for i := range 16 {
		bits += fmt.Sprint(empty >> i & 1)
	}
	for n := 0; n <= len(bits); n++ {
		if got := hearBits(flag + bits[:n] + flag); got != nil {
			t.Errorf("%d bits between flags: heard %q", n, got)
		}
	}
	if got := hearBits(framed(8, []byte{0x20})); !slices.Equal(got, []string{"good 20"}) {
		t.Errorf("the shortest frame: heard %q", got)
	}
}

func TestHDLCLongestFrame(t *testing.T) {
	octets := func(n int) string { return flag + strings.Repeat("00001000", n) + flag }
	if got := hearBits(octets(MaxFrame + fcsOctets)); len(got) != 1 || got[0] != "bad "+strings.Repeat("10", MaxFrame) {
		t.Errorf("the longest frame, with a wrong check sequence: heard %q", got)
	}
	if got := hearBits(octets(MaxFrame + fcsOctets + 1)); !slices.Equal(got, []string{"frame aborted"}) {
		t.Errorf("an octet more: heard %q", got)
	}
}

func TestHDLCEndsWithTheCarrier(t *testing.T) {
	var h heardFrames
	var r HDLCReceiver
	r.Start(&h)
	r.Status(CarrierUp)
	for _, b := range strings.Repeat(flag, 4) + strings.Repeat("10", 40) {
		r.PutBit(int(b - '0'))
	}
	r.Status(CarrierDown)
	r.PutBit(0)
	want := []string{"carrier up", "flags", "frame aborted", "flags lost", "carrier down"}
	if !slices.Equal(h.lines, want) {
		t.Errorf("heard %q, want %q", h.lines, want)
	}
}

func TestHDLCQueueDamaged(t *testing.T) {
	var tx HDLCTransmitter
	tx.Start(8)
	tx.QueueDamaged([]byte("fax"))
	tx.Queue([]byte("fax"))
	tx.Finish()
	if got := hearBits(hdlcBits(&tx)); !slices.Equal(got, []string{"bad 666178", "good 666178"}) {
		t.Errorf("heard %q", got)
	}
}

func TestHDLCAllocatesNothing(t *testing.T) {
	var tx HDLCTransmitter
	var r HDLCReceiver
	r.Start(nullFrames{})
	frame := bytes.Repeat([]byte{0xff}, 256)
	if n := testing.AllocsPerRun(10, func() {
		tx.Start(300)
		tx.Queue(frame)
		tx.Finish()
		for b := tx.NextBit(); b != End; b = tx.NextBit() {
			r.PutBit(b)
		}
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

type nullFrames struct{}

func (nullFrames) Frame([]byte, bool) {}
func (nullFrames) Framing(HDLCEvent)  {}
func (nullFrames) Status(Status)      {}

// Whatever comes, the receiver tells frames within the limits, and a good frame after it
// is still found.
func FuzzHDLCReceiver(f *testing.F) {
	f.Add([]byte{0x7e, 0x7e, 0x7e, 0x7e, 0xff, 0x03, 0x20, 0x7e})
	f.Add([]byte{0x7e, 0x00, 0x7e, 0x01, 0x02, 0x7e, 0xff, 0xff})
	f.Add(append([]byte{0x7e}, make([]byte, 400)...))
	f.Add([]byte{0xfd, 0xfb, 0xf7, 0xef, 0xdf, 0xbf, 0x7f})
	good := framed(8, []byte("fax"))
	f.Fuzz(func(t *testing.T, line []byte) {
		h := limitedFrames{t: t}
		var r HDLCReceiver
		r.Start(&h)
		for _, o := range line {
			for i := range 8 {
				r.PutBit(int(o >> i & 1))
			}
		}
		for _, b := range good {
			r.PutBit(int(b - '0'))
		}
		if string(h.last) != "fax" {
			t.Errorf("last frame %q", h.last)
		}
	})
}

type limitedFrames struct {
	t    *testing.T
	last []byte
}

func (l *limitedFrames) Frame(octets []byte, good bool) {
	if len(octets) < minFrame || len(octets) > MaxFrame {
		l.t.Errorf("frame of %d octets", len(octets))
	}
	l.last = nil
	if good {
		l.last = append(l.last, octets...)
	}
}
func (l *limitedFrames) Framing(HDLCEvent) {}
func (l *limitedFrames) Status(Status)     {}

// Any frames, whenever they are queued, arrive as they were.
func FuzzHDLCTransmitter(f *testing.F) {
	f.Add([]byte("a frame"), []byte{0xff, 0xff, 0xff}, 300, 12)
	f.Add([]byte{0}, []byte{0x7e}, 0, 0)
	f.Fuzz(func(t *testing.T, one, two []byte, preamble, later int) {
		one, two = one[:min(len(one), MaxFrame)], two[:min(len(two), MaxFrame)]
		if len(one) == 0 || len(two) == 0 {
			return
		}
		var tx HDLCTransmitter
		tx.Start(preamble % 1000)
		tx.Queue(one)
		bits := ""
		for range max(0, later%1000) {
			bits += fmt.Sprint(tx.NextBit())
		}
		tx.Queue(two)
		tx.Finish()
		got := hearBits(bits + hdlcBits(&tx))
		got = slices.DeleteFunc(got, func(s string) bool { return s == "flags" })
		if want := []string{fmt.Sprintf("good %x", one), fmt.Sprintf("good %x", two)}; !slices.Equal(got, want) {
			t.Errorf("heard %q, want %q", got, want)
		}
	})
}
