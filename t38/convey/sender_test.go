package convey

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tipring/t38/ifp"
)

// saidBy runs a sender to its end, packet by packet, and writes for each the millisecond,
// what it holds, and "again" for a repeat.
func saidBy(t *testing.T, s *Sender) string {
	t.Helper()
	var lines []string
	var p ifp.Packet
	for now := int64(0); len(lines) < 200; {
		at, ok := s.Deadline()
		if !ok {
			break
		}
		now = max(now, at)
		if _, early := s.Next(now - 1); early && at == now {
			t.Errorf("packet before its time %d", now)
		}
		out, ok := s.Next(now)
		if !ok {
			t.Fatalf("no packet when one was due at %d", now)
		}
		if _, err := p.Decode(out.IFP, s.Coding); err != nil {
			t.Fatalf("%x: %v", out.IFP, err)
		}
		lines = append(lines, line(now, &p, out))
		if s.MaxIFP > 0 && len(out.IFP) > s.MaxIFP {
			t.Errorf("packet of %d octets", len(out.IFP))
		}
	}
	return strings.Join(lines, "; ")
}

func line(now int64, p *ifp.Packet, out Packet) string {
	what := p.Indicator.String()
	if p.IsData {
		what = p.Data.String()
		for _, f := range p.Fields {
			what += " " + f.Type.String()
			if len(f.Data) > 0 {
				what += fmt.Sprintf("[%d]", len(f.Data))
			}
		}
	}
	if out.Repeat {
		what += " again"
	}
	if !out.Control {
		what += " (image)"
	}
	return fmt.Sprintf("%d %s", now/8, what)
}

var (
	dis   = append([]byte{0xFF, 0x13, 0x80}, make([]byte, 7)...)
	csi   = append([]byte{0xFF, 0x03, 0x40}, make([]byte, 20)...)
	image = append([]byte{0xFF, 0x03, 0x06, 0}, make([]byte, 256)...)
)

func TestSender(t *testing.T) {
	const v21, v17, v29 = ifp.V21Data, ifp.V17Data14400, ifp.V29Data7200
	for _, tt := range []struct {
		name string
		do   func(s *Sender)
		want string
	}{
		{"nothing", func(s *Sender) {}, ""},
		{"a tone, three times", func(s *Sender) { s.Tone(ifp.CED) }, "0 ced; 30 ced again; 90 ced again"},
		{"a tone that ends at once", func(s *Sender) { s.Tone(ifp.CNG); s.Silence() },
			"0 cng; 20 no-signal; 50 no-signal again; 110 no-signal again"},
		{"a final frame: a second of preamble, 300 bit/s, silence behind the end", func(s *Sender) {
			s.Signal(v21, false)
			s.Frame(0, v21, dis, true)
			s.End(0, v21, true)
		}, "0 v21-preamble; 30 v21-preamble again; 90 v21-preamble again; 1000 v21 hdlc-data[7]; 1246 v21 hdlc-data[3]; 1353 v21 hdlc-fcs-OK-sig-end; 1373 no-signal; 1403 no-signal again; 1463 no-signal again"},
		{"two frames", func(s *Sender) {
			s.Signal(v21, false)
			s.Frame(0, v21, csi, true)
			s.Frame(0, v21, dis[:3], true)
			s.End(0, v21, true)
		}, "0 v21-preamble; 30 v21-preamble again; 90 v21-preamble again; 1000 v21 hdlc-data[7]; 1210 v21 hdlc-data[7]; 1423 v21 hdlc-data[7]; 1636 v21 hdlc-data[2]; 1699 v21 hdlc-fcs-OK; 1699 v21 hdlc-data[3]; 1866 v21 hdlc-fcs-OK-sig-end; 1886 no-signal; 1916 no-signal again; 1976 no-signal again"},
		{"a frame whose end comes late: not twice an end", func(s *Sender) {
			s.Signal(v21, false)
			s.Frame(0, v21, dis[:3], true)
		}, "0 v21-preamble; 30 v21-preamble again; 90 v21-preamble again; 1000 v21 hdlc-data[3]; 1286 v21 hdlc-fcs-OK"},
		{"a frame with a wrong FCS", func(s *Sender) {
			s.Frame(0, v21, dis[:3], false)
			s.End(0, v21, true)
		}, "0 v21 hdlc-data[3]; 166 v21 hdlc-fcs-BAD-sig-end; 186 no-signal; 216 no-signal again; 276 no-signal again"},
		{"a preamble without frames", func(s *Sender) { s.Signal(v21, false); s.End(0, v21, true) },
			"0 v21-preamble; 30 v21-preamble again; 90 v21-preamble again; 1000 v21 hdlc-sig-end; 1020 no-signal; 1050 no-signal again; 1110 no-signal again"},
		{"an image of 100 octets, zeros behind it", func(s *Sender) {
			s.Signal(v17, true)
			s.Octets(0, v17, make([]byte, 40))
			s.Octets(0, v17, make([]byte, 60))
			s.End(0, v17, false)
		}, "0 v17-14400-short-training; 30 v17-14400-short-training again; 90 v17-14400-short-training again; 142 v17-14400 t4-non-ecm-data[54] (image); 172 v17-14400 t4-non-ecm-data[54] (image); 202 v17-14400 t4-non-ecm-data[54] (image); 232 v17-14400 t4-non-ecm-data[10] (image); 252 v17-14400 t4-non-ecm-sig-end; 272 no-signal; 302 no-signal again; 362 no-signal again"},
		{"two ECM frames", func(s *Sender) {
			s.Signal(v29, false)
			s.Frame(0, v29, image[:40], true)
			s.Frame(0, v29, image[:30], false)
			s.End(0, v29, true)
		}, "0 v29-7200-training; 30 v29-7200-training again; 90 v29-7200-training again; 253 v29-7200 hdlc-data[27] (image); 285 v29-7200 hdlc-data[13] hdlc-fcs-OK (image); 300 v29-7200 hdlc-data[27] (image); 334 v29-7200 hdlc-data[3] hdlc-fcs-BAD-sig-end; 354 no-signal; 384 no-signal again; 444 no-signal again"},
		{"cut short", func(s *Sender) { s.Signal(v17, false); s.Octets(0, v17, make([]byte, 40)); s.Cut() },
			"0 no-signal; 30 no-signal again; 90 no-signal again"},
		{"cut short when nothing was begun", func(s *Sender) { s.Cut() }, ""},
		{"numbered anew", func(s *Sender) { s.Renumber = true; s.Tone(ifp.CED) }, "0 ced; 30 ced; 90 ced"},
		{"small packets", func(s *Sender) { s.MaxIFP = 32; s.Octets(0, v17, make([]byte, 60)) },
			"0 v17-14400 t4-non-ecm-data[25] (image); 13 v17-14400 t4-non-ecm-data[25] (image); 73 v17-14400 t4-non-ecm-data[10] (image)"},
		{"what is not carried", func(s *Sender) {
			s.Signal(ifp.V8Data, false)
			s.Frame(0, ifp.V8Data, dis, true)
			s.Octets(0, ifp.V34PrimaryRate, dis)
			s.End(0, ifp.V33Data14400, false)
			s.Frame(0, v21, nil, true)
			s.Frame(0, v21, make([]byte, MaxFrame+1), true)
		}, ""},
	} {
		s := &Sender{}
		tt.do(s)
		if got := saidBy(t, s); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

// Who has nothing to say says so at once and from time to time, but not into a tone or burst.
func TestKeptAlive(t *testing.T) {
	s := &Sender{Alive: 10 * SampleRate}
	var said []string
	var p ifp.Packet
	for now := int64(0); now < 40*SampleRate; now++ {
		switch now {
		case 2 * SampleRate:
			s.Tone(ifp.CED)
		case 17 * SampleRate:
			s.Silence()
		}
		if at, ok := s.Deadline(); !ok || at > now {
			continue
		}
		out, ok := s.Next(now)
		if !ok {
			t.Fatalf("nothing is said at the deadline %d", now)
		}
		p.Decode(out.IFP, s.Coding)
		if !out.Repeat {
			said = append(said, line(now, &p, out))
		}
	}
	if got, want := strings.Join(said, "; "), "0 no-signal; 2000 ced; 17000 no-signal; 27000 no-signal; 37000 no-signal"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A frame that comes whole from a line, and its end a little later.
func TestEndAfterTheFrame(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  int64 // when the end comes
		want string
	}{
		{"before the FCS is told", 1800 * 8, "1866 v21 hdlc-fcs-OK-sig-end; 1886 no-signal; 1916 no-signal again; 1976 no-signal again"},
		{"too late for that", 2100 * 8, "1986 v21 hdlc-fcs-OK; 2100 v21 hdlc-sig-end; 2120 no-signal; 2150 no-signal again; 2210 no-signal again"},
	} {
		s := &Sender{}
		s.Frame(1700*8, ifp.V21Data, dis[:3], true)
		s.Next(1700 * 8)
		var said []string
		var p ifp.Packet
		for now := int64(1700 * 8); now < 3000*8; now++ {
			if now == tt.end {
				s.End(now, ifp.V21Data, true)
			}
			if out, ok := s.Next(now); ok {
				p.Decode(out.IFP, s.Coding)
				said = append(said, line(now, &p, out))
			}
		}
		if got := strings.Join(said, "; "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A frame that is told while it comes, octet by octet at V.21's rate: each packet goes when
// it is full, the last with the end.
func TestFrameInParts(t *testing.T) {
	const octet = 8 * SampleRate / 300
	for _, tt := range []struct {
		name string
		end  func(s *Sender, now int64)
		want string
	}{
		{"good", func(s *Sender, now int64) { s.Frame(now, ifp.V21Data, csi[:18], true) },
			"186 v21 hdlc-data[7]; 372 v21 hdlc-data[7]; 479 v21 hdlc-data[4]; 479 v21 hdlc-fcs-OK"},
		{"bad", func(s *Sender, now int64) { s.Frame(now, ifp.V21Data, csi[:18], false) },
			"186 v21 hdlc-data[7]; 372 v21 hdlc-data[7]; 479 v21 hdlc-data[4]; 479 v21 hdlc-fcs-BAD"},
		{"broken off", func(s *Sender, now int64) { s.Break() },
			"186 v21 hdlc-data[7]; 372 v21 hdlc-data[7]; 479 v21 hdlc-data[3]; 479 v21 hdlc-fcs-BAD"},
		{"broken off by the end", func(s *Sender, now int64) { s.End(now, ifp.V21Data, true) },
			"186 v21 hdlc-data[7]; 372 v21 hdlc-data[7]; 479 v21 hdlc-data[3]; 479 v21 hdlc-fcs-BAD-sig-end; 499 no-signal; 529 no-signal again; 589 no-signal again"},
		{"never", func(s *Sender, now int64) {}, "186 v21 hdlc-data[7]; 372 v21 hdlc-data[7]"},
		{"another one instead", func(s *Sender, now int64) { s.Signal(ifp.V21Data, false) },
			"186 v21 hdlc-data[7]; 372 v21 hdlc-data[7]; 479 v21 hdlc-data[3]; 479 v21 hdlc-fcs-BAD; 499 v21-preamble; 529 v21-preamble again; 589 v21-preamble again"},
		{"cut", func(s *Sender, now int64) { s.Cut() },
			"186 v21 hdlc-data[7]; 372 v21 hdlc-data[7]; 479 no-signal; 509 no-signal again; 569 no-signal again"},
	} {
		s := &Sender{}
		var said []string
		var p ifp.Packet
		for now := int64(0); now < 2000*8; now++ {
			if n := now / octet; now%octet == 0 && 0 < n && n <= 17 {
				s.Part(now, ifp.V21Data, csi[:n])
			} else if now == 18*octet {
				tt.end(s, now)
			}
			if out, ok := s.Next(now); ok {
				p.Decode(out.IFP, s.Coding)
				said = append(said, line(now, &p, out))
			}
		}
		if got := strings.Join(said, "; "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// An owner that wakes late does not slow the data down, and one that sleeps long does not
// make it burst.
func TestLateOwner(t *testing.T) {
	for tick, want := range map[int64]int64{80: 1000, 200: 1000, 239: 1000} {
		s := &Sender{}
		octets, now := 0, int64(0)
		s.Octets(0, ifp.V17Data14400, make([]byte, 1800)) // a second of it
		for ; !s.Idle(now); now += tick {
			for out, ok := s.Next(now); ok; out, ok = s.Next(now) {
				octets += len(out.IFP) - 5
			}
		}
		if ms := now / 8; octets != 1800 || ms < want || ms > want+100 {
			t.Errorf("every %d samples: %d octets in %d ms", tick, octets, ms)
		}
	}
}

// What comes faster than it can leave is dropped, not kept without end.
func TestBacklog(t *testing.T) {
	s := &Sender{}
	for range 1000 {
		s.Octets(0, ifp.V27Data2400, make([]byte, 100))
		s.Frame(0, ifp.V27Data2400, image, true)
	}
	if s.Queued() > backlog || s.Overflow() != 1000*(100+len(image))-s.Queued() {
		t.Errorf("%d queued, %d dropped", s.Queued(), s.Overflow())
	}
}

func TestHDLCBits(t *testing.T) {
	for _, tt := range []struct {
		octets []byte
		want   int
	}{{nil, 0}, {[]byte{0}, 8}, {[]byte{0x1F}, 9}, {[]byte{0xFF}, 9}, {[]byte{0xFF, 0x03}, 18}, {[]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, 48}, {[]byte{0xF0, 0x01}, 17}} {
		var whole, parts item
		whole.grow(tt.octets)
		for i := range tt.octets {
			parts.grow(tt.octets[i : i+1])
		}
		if whole.bits != tt.want || parts.bits != tt.want {
			t.Errorf("%x takes %d bits, %d in parts, want %d", tt.octets, whole.bits, parts.bits, tt.want)
		}
	}
}

func TestSenderAllocatesNothing(t *testing.T) {
	s, now := &Sender{}, int64(0)
	pass := func() {
		s.Signal(ifp.V17Data14400, true)
		for range 4 {
			s.Frame(now, ifp.V17Data14400, image, true)
		}
		s.End(now, ifp.V17Data14400, true)
		s.Signal(ifp.V21Data, false)
		for n := range csi {
			s.Part(now, ifp.V21Data, csi[:n+1])
		}
		s.Frame(now, ifp.V21Data, csi, true)
		s.End(now, ifp.V21Data, true)
		for !s.Idle(now) {
			now += 160
			s.Next(now)
		}
	}
	for range 10 {
		pass()
	}
	if n := testing.AllocsPerRun(100, pass); n != 0 {
		t.Errorf("%v allocations for a signal", n)
	}
}

func TestOctetsAreReversed(t *testing.T) {
	s := &Sender{}
	s.Frame(0, ifp.V21Data, []byte{0xFF, 0x13, 0x80}, true)
	out, _ := s.Next(0)
	if !bytes.HasSuffix(out.IFP, []byte{0xFF, 0xC8, 0x01}) {
		t.Errorf("%x", out.IFP)
	}
}
