package t30

import (
	"bytes"
	"strings"
	"testing"
)

// The octets of T.30 table 2 and clause 5.3, the first bit on the line as the least significant.
func TestFramesAsTheRecommendationPrintsThem(t *testing.T) {
	for _, tt := range []struct {
		fcf  FCF
		bits string // as printed, X taken as 0
	}{
		{DIS, "00000001"}, {CSI, "00000010"}, {NSF, "00000100"},
		{DTC, "10000001"}, {CIG, "10000010"}, {NSC, "10000100"}, {PWD, "10000011"}, {SEP, "10000101"},
		{DCS, "01000001"}, {TSI, "01000010"}, {NSS, "01000100"}, {SUB, "01000011"}, {SID, "01000101"},
		{CFR, "00100001"}, {FTT, "00100010"}, {CTR, "00100011"}, {CSA, "00100100"},
		{EOM, "01110001"}, {MPS, "01110010"}, {EOP, "01110100"}, {EOS, "01111000"},
		{PRIEOM, "01111001"}, {PRIMPS, "01111010"}, {PRIEOP, "01111100"},
		{PPS, "01111101"}, {EOR, "01110011"}, {RR, "01110110"}, {CTC, "01001000"},
		{MCF, "00110001"}, {RTN, "00110010"}, {RTP, "00110011"}, {PIN, "00110100"}, {PIP, "00110101"},
		{FDM, "00111111"}, {PPR, "00111101"}, {RNR, "00110111"}, {ERR, "00111000"},
		{DCN, "01011111"}, {CRP, "01011000"}, {FNV, "01010011"}, {TNR, "01010111"}, {TR, "01010110"},
		{FCD, "01100000"}, {RCP, "01100001"},
	} {
		var octet byte
		for i, bit := range tt.bits {
			octet |= byte(bit-'0') << i
		}
		if byte(tt.fcf) != octet {
			t.Errorf("%v is %02X, want %02X", tt.fcf, byte(tt.fcf), octet)
		}
		for _, x := range []bool{false, true} {
			f := Frame{FCF: tt.fcf, X: x && takesX(octet), Final: x, Info: []byte{1, 2}}
			got, ok := ParseFrame(f.Append(nil))
			if !ok || got.FCF != f.FCF || got.X != f.X || got.Final != f.Final || !bytes.Equal(got.Info, f.Info) {
				t.Errorf("%v with X %v comes back as %+v", tt.fcf, x, got)
			}
		}
	}
	if got := (Frame{FCF: DCS, X: true, Final: true, Info: []byte{0, 0x12}}).Append(nil); !bytes.Equal(got, []byte{0xFF, 0x13, 0x83, 0, 0x12}) {
		t.Errorf("DCS is % X", got)
	}
}

// Frames whose lengths lie, and those that are too short for what they are (spandsp issue 38,
// CVE-2014-6610's class): none does any harm in any state.
func TestShortFramesAndLyingLengths(t *testing.T) {
	var frames [][]byte
	for fcf := range fcfNames {
		for n := range 6 {
			frames = append(frames, append([]byte{Address, ControlFinal, byte(fcf)}, bytes.Repeat([]byte{0xFF}, n)...))
		}
		frames = append(frames, append([]byte{Address, ControlFinal, byte(fcf)}, bytes.Repeat([]byte{0xFF}, 5000)...))
	}
	for n := range 3 {
		frames = append(frames, []byte{Address, ControlFinal, 0}[:n])
	}
	for _, c := range []Config{{Calling: true, Source: textPages(1, 500), ECM: true}, {Sink: &testSink{}, ECM: true}} {
		for _, octets := range frames {
			for _, good := range []bool{false, true} {
				x, err := New(c)
				if err != nil {
					t.Fatal(err)
				}
				x.Start()
				for range 80 {
					x.Advance(SampleRate)
					x.Frame(ChannelV21, octets, good)
					x.Frame(ChannelFast, octets, good)
					drain(x)
				}
			}
		}
	}
}

// drain takes what the terminal sends.
func drain(x *Terminal) {
	for range 20 {
		s := x.Sending()
		if s.Kind == Nothing {
			return
		}
		for x.NextFrame() != nil {
		}
		var buf [100]byte
		for x.ReadOctets(buf[:]) > 0 {
		}
		x.Sent(s.Serial)
	}
}

func TestECMFramesThatAreNone(t *testing.T) {
	var b rxBlock
	for _, o := range [][]byte{nil, {0xFF}, {0xFF, 3, 6}, {0xFF, 3, 6, 9}, {0xFF, 0x13, 6, 9, 1}, {0, 3, 6, 9, 1},
		append([]byte{0xFF, 3, 6, 255}, make([]byte, 257)...)} {
		b.put(o, true, 256)
	}
	b.put(append([]byte{0xFF, 3, 6, 1}, make([]byte, 65)...), true, 64)
	b.put([]byte{0xFF, 3, 6, 255, 1}, false, 256)
	if b.frames != 0 {
		t.Errorf("%d frames were taken", b.frames)
	}
	b.put([]byte{0xFF, 3, 6, 255, 1, 2, 3}, true, 256)
	b.put([]byte{0xFF, 3, 6, 255, 4}, true, 256)
	if b.frames != 1 || b.most != 256 || !bytes.Equal(b.frame(255), []byte{4}) {
		t.Errorf("a short last frame: %d frames, % X", b.frames, b.frame(255))
	}
	if _, n := b.missing(256); n != 255 {
		t.Errorf("%d missing", n)
	}
}

func TestBitsOfTable2(t *testing.T) {
	var b Bits
	b.Set(BitPassword)
	if want := (Bits{0, 0, 0x80, 0x80, 0x80, 0x80, 2}); !bytes.Equal(b, want) {
		t.Errorf("bit 50 makes % X, want % X", b, want)
	}
	if !b.Has(BitPassword) || b.Has(BitSubaddress) || b.Has(0) || b.Has(255) {
		t.Error("bit 50 is not what is set")
	}
	b.Clear(BitPassword)
	if b.Has(BitPassword) || len(b) != 7 {
		t.Error("bit 50 stays")
	}
	if (Bits{0, 0, 0, 0xFF}).Has(BitECM) {
		t.Error("an octet behind an extend bit of 0 counts")
	}
	for n := Bit(1); n < 128; n++ {
		var b Bits
		if b.Set(n); n > 24 && n%8 == 0 {
			continue // an extend bit
		}
		if !b.Has(n) || n.String() == "" {
			t.Errorf("bit %d is not set in % X", n, b)
		}
	}
}

func TestCapabilitiesSurviveTheirBits(t *testing.T) {
	for set := ModulationSet(0); set < 4; set++ {
		c := Capabilities{Receives: true, Codings: Codings(), Resolutions: Resolutions(), Modulations: []ModulationSet{
			Modulations(V27ter2400), SetV27ter, SetV27ter | SetV29, SetAll}[set]}
		for _, scan := range scanTimes {
			for _, w := range []Width{A4Width, B4Width, A3Width} {
				for _, l := range []Length{A4Length, B4Length, Unlimited} {
					for _, r := range []Resolution{Standard, Fine, Superfine, R300, Ultrafine} {
						c.MinScan, c.HalfFine, c.Width, c.Length, c.Resolutions = scan.ms, scan.half, w, l, Resolutions(r, Fine)
						c.ECM, c.Inch, c.HalfSuper = r == R300, w == B4Width, l == Unlimited
						c.Codings = Codings(MR)
						if c.ECM {
							c.Codings |= Codings(MMR)
						}
						if got, ok := ParseCapabilities(c.Bits()); !ok || got != c {
							t.Fatalf("%+v\ncomes back as\n%+v", c, got)
						}
					}
				}
			}
		}
	}
}

func TestCommandSurvivesItsBits(t *testing.T) {
	for m := V27ter2400; m <= V17At14400; m++ {
		for r := Standard; r <= Ultrafine; r++ {
			for _, scan := range []int{0, 5, 10, 20, 40} {
				c := Command{Modulation: m, MinScan: scan, Coding: MR, Form: Form{Resolution: r, Inch: r == R300, Width: A3Width, Length: B4Length}, Secret: true}
				if got, err := ParseCommand(c.Bits()); err != nil || got != c {
					t.Fatalf("%+v\ncomes back as\n%+v, %v", c, got, err)
				}
				c.ECM, c.Frame64, c.Coding, c.Subaddress = true, true, MMR, true
				if got, err := ParseCommand(c.Bits()); err != nil || got != c {
					t.Fatalf("%+v\ncomes back as\n%+v, %v", c, got, err)
				}
			}
		}
	}
}

// The times of T.30 table 2, bits 21 to 23 and 46.
func TestMinimumScanTimes(t *testing.T) {
	for _, tt := range []struct {
		ms        int
		half, sup bool
		want      [5]int // standard, fine, superfine, 300, ultrafine
	}{
		{20, false, false, [5]int{20, 20, 20, 20, 20}},
		{20, true, false, [5]int{20, 10, 10, 10, 10}},
		{20, true, true, [5]int{20, 10, 5, 10, 5}},
		{40, true, true, [5]int{40, 20, 10, 20, 10}},
		{10, true, true, [5]int{10, 5, 5, 5, 5}},
		{5, false, false, [5]int{5, 5, 5, 5, 5}},
		{0, false, true, [5]int{}},
	} {
		c := Capabilities{MinScan: tt.ms, HalfFine: tt.half, HalfSuper: tt.sup}
		for r := Standard; r <= Ultrafine; r++ {
			if got := c.MinScanAt(r); got != tt.want[r] {
				t.Errorf("%+v: %v rows last %d ms, want %d", tt, r, got, tt.want[r])
			}
		}
	}
	if got := (Format{MinScan: 5, BitRate: 14400}).MinRowBits(); got != 72 {
		t.Errorf("5 ms at 14400 are %d bits", got)
	}
}

func TestNegotiation(t *testing.T) {
	all := Resolutions(Fine, Superfine, R300, Ultrafine)
	page := Form{Resolution: Ultrafine, Width: A3Width, Length: Unlimited}
	for _, tt := range []struct {
		name string
		form Form
		own  Config
		caps Capabilities
		want string
	}{
		{"the least common", page, Config{ECM: true, Codings: Codings(MR, MMR)}, Capabilities{MinScan: 20}, "none MH standard 20ms"},
		{"all of it", page, Config{ECM: true, Codings: Codings(MR, MMR)},
			Capabilities{ECM: true, Codings: Codings(MR, MMR), Resolutions: all, Width: A3Width, Length: Unlimited},
			"none MMR ultrafine ECM A3-width unlimited-length"},
		{"no T.6 without error correction", page, Config{Codings: Codings(MR, MMR)},
			Capabilities{ECM: true, Codings: Codings(MR, MMR), Resolutions: all}, "none MR ultrafine 0ms"},
		{"no more than the page has", Form{Resolution: Fine}, Config{}, Capabilities{Resolutions: all, Width: B4Width}, "none MH fine 0ms"},
		{"300 is in inches", Form{Resolution: R300}, Config{}, Capabilities{Resolutions: Resolutions(R300)}, "none MH 300 inch 0ms"},
		{"300 becomes 200 by 400", Form{Resolution: R300, Inch: true}, Config{}, Capabilities{Resolutions: Resolutions(Superfine), Inch: true}, "none MH superfine inch 0ms"},
		{"metric where inches are not wanted", Form{Resolution: Fine, Inch: true}, Config{}, Capabilities{Resolutions: all}, "none MH fine 0ms"},
		{"a width between", page, Config{}, Capabilities{Width: B4Width}, "none MH standard B4-width 0ms"},
	} {
		if got := tt.own.choose(tt.form, tt.caps, 0).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestIdentities(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"+49 30 1234567", "+49 30 1234567"},
		{"", ""},
		{"(555) 010-0", "555 0100"},
		{"123456789012345678901234", "12345678901234567890"},
		{"tel:\x00\xff5", "5"},
	} {
		field := encodeIdent(tt.in, "+")
		if got := ParseIdent(field); len(field) != identOctets || got != tt.want {
			t.Errorf("%q comes back as %q", tt.in, got)
		}
	}
	if got := encodeIdent("123", ""); string(got) != "321                 " {
		t.Errorf("123 is sent as %q: want the last digit first", got)
	}
	if got := ParseIdent([]byte("\x00\x1b[31m\xff\xe4x")); got != "x??m13[??" {
		t.Errorf("unsafe text becomes %q", got)
	}
	if got := ParseIdent(bytes.Repeat([]byte("9"), 200)); len(got) != identOctets {
		t.Errorf("a long one has %d characters", len(got))
	}
}

func TestPasswordsAreNotInTheText(t *testing.T) {
	for _, fcf := range []FCF{PWD, SID} {
		if s := (Frame{FCF: fcf, Info: encodeIdent("4711", "")}).String(); strings.Contains(s, "4711") {
			t.Errorf("%v says %q", fcf, s)
		}
	}
}

func TestEveryCodeHasItsOwnText(t *testing.T) {
	seen := map[string]Code{}
	for _, c := range Codes() {
		s := c.String()
		if other, twice := seen[s]; twice || s == "" {
			t.Errorf("%d and %d are both %q", c, other, s)
		}
		seen[s] = c
	}
	if len(seen) != len(codeTexts) || Code(399).String() != "code 399" {
		t.Errorf("%d codes", len(seen))
	}
}

func TestBadConfigurations(t *testing.T) {
	for _, c := range []Config{
		{}, {Sink: &testSink{}, Modulations: SetV17}, {Sink: &testSink{}, MaxBitRate: 1200},
		{Sink: &testSink{}, MinScan: 7}, {Sink: &testSink{}, MaxWidth: 9},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// What a fax machine's service manual prints of a line: 16 frames were sent, 4 to 7 were lost,
// and the bits behind the last are 1.
func TestPartialPageAsMachinesHaveIt(t *testing.T) {
	f, ok := ParseFrame([]byte{0xFF, 0x13, 0xBF, 0x4F, 0x00, 0x00, 0x0F})
	if got := f.String(); !ok || !f.X || got != "PPS-MPS page=0 block=0 frames=16" {
		t.Errorf("it is %s, X %v", got, f.X)
	}
	var b rxBlock
	for n := range byte(16) {
		b.put(append([]byte{0xFF, 0x03, 0x06, n}, make([]byte, 256)...), n < 4 || n > 7, 256)
	}
	ppr, n := b.missing(16)
	if want := append([]byte{0xF0, 0x00}, bytes.Repeat([]byte{0xFF}, 30)...); n != 4 || !bytes.Equal(ppr, want) {
		t.Errorf("PPR asks for %d frames: % X", n, ppr)
	}
}

func TestPelsOfARow(t *testing.T) {
	for _, tt := range []struct {
		width Width
		want  [5]int
	}{
		{A4Width, [5]int{1728, 1728, 1728, 2592, 3456}},
		{B4Width, [5]int{2048, 2048, 2048, 3072, 4096}},
		{A3Width, [5]int{2432, 2432, 2432, 3648, 4864}},
		{A3Width + 1, [5]int{}},
	} {
		for r := Standard; r <= Ultrafine; r++ {
			if got := tt.width.Pels(r); got != tt.want[r] {
				t.Errorf("%v at %v: %d pels, want %d", tt.width, r, got, tt.want[r])
			}
		}
	}
}
