package modem

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// heardParts writes parts down, too.
type heardParts struct{ heardFrames }

func (h *heardParts) Part(octets []byte) { h.lines = append(h.lines, fmt.Sprintf("part %x", octets)) }

func hearParts(bits string) []string {
	var h heardParts
	var r HDLCReceiver
	r.Start(&h)
	for _, b := range bits {
		r.PutBit(int(b - '0'))
	}
	return h.lines
}

// Octets are told two later than they come, since the last two are the check sequence; and
// none before three, so that noise between flags is none.
func TestHDLCTellsParts(t *testing.T) {
	good := framed(8, []byte("faxes"))
	body := good[8 : len(good)-16]
	flipped := []byte(body)
	flipped[10] ^= 1
	parts := []string{"part 666178", "part 66617865", "part 6661786573"}
	for _, tt := range []struct {
		name, bits string
		want       []string
	}{
		{"a frame", flag + body + flag, append(slices.Clone(parts), "good 6661786573")},
		{"a wrong bit", flag + string(flipped) + flag, []string{"part 666578", "part 66657865", "part 6665786573", "bad 6665786573"}},
		{"aborted", flag + body + "11111111" + flag, append(slices.Clone(parts), "frame aborted")},
		{"aborted within", flag + body[:42] + "11111111" + flag, []string{"part 666178", "frame aborted"}},
		{"too short for a part", flag + body[:33] + "11111111" + flag, nil},
		{"cut off behind a part", flag + body[:40] + flag, []string{"part 666178", "bad 666178"}},
		{"a bit too many", flag + body[:41] + flag, []string{"part 666178", "bad 666178"}},
		{"three octets", framed(8, []byte("fax")), []string{"part 666178", "good 666178"}},
		{"two octets", framed(8, []byte("fa")), []string{"good 6661"}},
	} {
		if got := hearParts(tt.bits); !slices.Equal(got, tt.want) {
			t.Errorf("%s: heard %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A frame that comes octet by octet, soon enough, is sent as any other.
func TestHDLCGrowingFrame(t *testing.T) {
	frame := bytes.Repeat([]byte{0xff, 0x7e, 0x13}, 12)
	want := framed(8, frame, frame[:5])
	var tx HDLCTransmitter
	tx.Start(8)
	if tx.Grow(frame) || !tx.QueuePart(frame[:2]) || tx.QueuePart(frame) || tx.Queue(frame) || tx.Room() > 0 {
		t.Fatal("more than one growing frame")
	}
	got := ""
	for _, o := range frame[2:] {
		for range 8 {
			got += fmt.Sprint(tx.NextBit())
		}
		if !tx.Grow([]byte{o}) {
			t.Fatal("does not grow")
		}
	}
	if tx.Grow(make([]byte, MaxFrame)) {
		t.Error("grew beyond all limits")
	}
	tx.Close()
	if tx.Grow(frame) {
		t.Error("grew after its end")
	}
	tx.Queue(frame[:5])
	tx.Finish()
	if got += hdlcBits(&tx); got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
}

// What does not come in time is aborted, and sent once it is whole.
func TestHDLCGrowingFrameStarves(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*HDLCTransmitter)
		want string
	}{
		{"whole", (*HDLCTransmitter).Close, "good 6661786573"},
		{"damaged", (*HDLCTransmitter).CloseDamaged, "bad 6661786573"},
		{"never whole", (*HDLCTransmitter).Finish, "bad 6661786573"},
	} {
		var tx HDLCTransmitter
		tx.Start(8)
		tx.QueuePart([]byte("faxes"))
		bits := ""
		for range 300 {
			bits += fmt.Sprint(tx.NextBit())
		}
		if strings.Contains(bits, "111111111") {
			t.Errorf("%s: more ones than an abort has", tt.name)
		}
		tt.end(&tx)
		tx.Finish()
		if got, want := hearBits(bits+hdlcBits(&tx)), []string{"frame aborted", "flags", tt.want}; !slices.Equal(got, want) {
			t.Errorf("%s: heard %q, want %q", tt.name, got, want)
		}
	}
}

// Whatever is on the line, parts grow by an octet and end: with the frame that they are the
// beginning of, or with an abort.
func FuzzHDLCParts(f *testing.F) {
	f.Add([]byte{0x7e, 0xff, 0x03, 0x20, 0x01, 0x02, 0x03, 0x7e})
	f.Add([]byte{0x7e, 0xff, 0x03, 0x20, 0x01, 0x02, 0xff, 0xff, 0x7e})
	f.Add(append([]byte{0x7e}, make([]byte, 400)...))
	f.Fuzz(func(t *testing.T, line []byte) {
		h := checkedParts{t: t}
		var r HDLCReceiver
		r.Start(&h)
		for _, o := range line {
			for i := range 8 {
				r.PutBit(int(o >> i & 1))
			}
		}
		r.Status(CarrierDown)
		if h.part != nil {
			t.Errorf("parts %x have no end", h.part)
		}
	})
}

type checkedParts struct {
	t    *testing.T
	part []byte
}

func (c *checkedParts) Part(octets []byte) {
	if len(octets) < minDamaged || c.part != nil && len(octets) != len(c.part)+1 || !bytes.HasPrefix(octets, c.part) {
		c.t.Errorf("part %x after %x", octets, c.part)
	}
	c.part = append(c.part[:0], octets...)
}

func (c *checkedParts) Frame(octets []byte, _ bool) {
	if !bytes.HasPrefix(octets, c.part) {
		c.t.Errorf("frame %x after part %x", octets, c.part)
	}
	c.part = nil
}

func (c *checkedParts) Framing(e HDLCEvent) {
	if e == HDLCAborted {
		c.part = nil
	}
}

func (c *checkedParts) Status(Status) {}
