package udptl

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// unhex reads octets written with spaces between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// A golden is one line of testdata/golden.txt.
type golden struct {
	octets []byte
	says   string
}

func goldens(t testing.TB) (list []golden) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		octets, says, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		list = append(list, golden{unhex(t, octets), says})
	}
	return list
}

// says writes a datagram as golden.txt does.
func says(d *datagram) string {
	var words []string
	if d.span > 0 {
		words = append(words, strconv.Itoa(d.span)+":")
	}
	for _, b := range d.recovery[:d.count] {
		word := hex.EncodeToString(b)
		if word == "" {
			word = "-"
		}
		words = append(words, word)
	}
	return fmt.Sprintf("%d\t%x\t%s", d.seq, d.primary, strings.Join(words, " "))
}

func TestGolden(t *testing.T) {
	list := goldens(t)
	if len(list) < 8 {
		t.Fatalf("%d lines in golden.txt", len(list))
	}
	for _, g := range list {
		var d datagram
		if ok := d.parse(g.octets); !ok || says(&d) != g.says {
			t.Errorf("%x: %v, %q; want %q", g.octets, ok, says(&d), g.says)
		}
	}
}

// What cannot be, is dropped whole, and what lies about lengths and counts harms nothing.
func TestMalformed(t *testing.T) {
	long := func(b ...byte) []byte { return append(b, make([]byte, MaxDatagram)...) }
	for _, tt := range []struct {
		name   string
		octets []byte
	}{
		{"nothing", nil},
		{"half a sequence number", unhex(t, "00")},
		{"a sequence number alone", unhex(t, "0001")},
		{"an empty primary", unhex(t, "0001 00 00 00")},
		{"a primary that claims more octets than came", unhex(t, "0001 7f 06 00 00")},
		{"a primary of 16383 octets", unhex(t, "0001 bfff 06 00 00")},
		{"a fragmented primary", unhex(t, "0001 c1 06 00 00")},
		{"a two-octet length cut off", unhex(t, "0001 80")},
		{"no error recovery", unhex(t, "0001 01 06")},
		{"no count of secondaries", unhex(t, "0001 01 06 00")},
		{"more secondaries than came", unhex(t, "0001 01 06 00 02 01 06")},
		{"17 secondaries", unhex(t, "0001 01 06 00 11 "+strings.Repeat("01 06", 17))},
		{"16383 secondaries", unhex(t, "0001 01 06 00 bfff 01 06")},
		{"a fragmented count of secondaries", unhex(t, "0001 01 06 00 c1 01 06")},
		{"a secondary that claims more octets than came", unhex(t, "0001 01 06 00 01 7f 06")},
		{"a secondary of fragmented length", unhex(t, "0001 01 06 00 01 c4 06")},
		{"no span", unhex(t, "0001 01 06 80")},
		{"a span without octets", unhex(t, "0001 01 06 80 00 01 01 06")},
		{"a span of 0", unhex(t, "0001 01 06 80 01 00 01 01 06")},
		{"a span of -1", unhex(t, "0001 01 06 80 01 ff 01 01 06")},
		{"a span of 65", unhex(t, "0001 01 06 80 01 41 01 01 06")},
		{"a span of 2^32+1", unhex(t, "0001 01 06 80 05 0100000001 01 01 06")},
		{"a span that claims more octets than came", unhex(t, "0001 01 06 80 7f 01")},
		{"no count of entries", unhex(t, "0001 01 06 80 01 03")},
		{"more entries than came", unhex(t, "0001 01 06 80 01 03 03 01 06")},
		{"17 entries", unhex(t, "0001 01 06 80 01 03 11 "+strings.Repeat("01 06", 17))},
		{"255 entries of a span of 255", unhex(t, "0001 01 06 80 02 00ff 80ff 01 06")},
		{"an entry that claims more octets than came", unhex(t, "0001 01 06 80 01 03 01 7f 06")},
		{"a datagram over 1400 octets", long(unhex(t, "0001 01 06 00 00")...)},
	} {
		d := NewDecoder(func(p Packet) { t.Errorf("%s: handed on %x", tt.name, p.IFP) })
		if err := d.Decode(tt.octets); err != ErrMalformed {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got, want := d.Counters(), (Counters{Malformed: 1}); got != want {
			t.Errorf("%s: counted %+v", tt.name, got)
		}
	}
}

// Faults of other programs' UDPTL, by what became known of them (CVE-2011-1147,
// CVE-2016-2232 and later ones): lengths of error recovery that ran over a buffer, a
// secondary of no octets for a packet that was lost, parity over packets that are not
// there. A stream goes on after each.
func TestAdvisories(t *testing.T) {
	for _, tt := range []struct {
		name   string
		octets string
		lost   int // before the packet that follows it
	}{
		{"count of parity entries past the array", "0003 01 06 80 01 05 bf 01 06", 2},
		{"parity of a span past the array", "0003 01 06 80 01 3f 01 01 06", 1},
		{"parity entries of no octets", "0003 01 06 80 01 02 02 00 00", 1},
		{"zero-length secondary for the lost packet", "0003 01 06 00 01 00", 1},
		{"16 zero-length secondaries", "0003 01 06 00 10 " + strings.Repeat("00", 16), 1},
		{"secondaries before the first packet", "0003 01 06 00 05 00 00 01 aa 01 bb 01 cc", 1},
		{"parity longer than any packet", "0003 01 06 80 01 01 01 " + "8400" + strings.Repeat("00", 1024), 0},
	} {
		var got []Packet
		d := NewDecoder(func(p Packet) { got = append(got, Packet{Seq: p.Seq, Lost: p.Lost}) })
		for _, b := range []string{"0000 01 00 00 00", "0001 01 02 00 00", tt.octets, "0004 01 0a 00 00", "0005 01 0a 00 00"} {
			d.Decode(unhex(t, b))
		}
		d.Release()
		lost := 0
		for _, p := range got {
			lost += p.Lost
		}
		if last := got[len(got)-1]; last.Seq != 5 || lost != tt.lost {
			t.Errorf("%s: handed on %v, want %d lost and 5 last", tt.name, got, tt.lost)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		name         string
		maxDatagram  int
		any, literal Limits
	}{
		{"absent", 0, Limits{400, 394}, Limits{400, 394}},
		{"negative", -72, Limits{400, 394}, Limits{400, 394}},
		{"absurd", 1, Limits{400, 394}, Limits{400, 394}},
		{"least", 32, Limits{275, 32}, Limits{32, 27}},
		{"FaxBack's default", 72, Limits{595, 72}, Limits{72, 67}},
		{"most that is an IFP size", 149, Limits{1211, 149}, Limits{149, 143}},
		{"least that is a datagram", 150, Limits{150, 144}, Limits{150, 144}},
		{"usual", 400, Limits{400, 394}, Limits{400, 394}},
		{"largest", 1400, Limits{1400, 1394}, Limits{1400, 1394}},
		{"huge", 1 << 30, Limits{1400, 1394}, Limits{1400, 1394}},
	} {
		if got := LimitsOf(tt.maxDatagram); got != tt.any {
			t.Errorf("%s, %d: %+v, want %+v", tt.name, tt.maxDatagram, got, tt.any)
		}
		if got := LiteralLimits(tt.maxDatagram); got != tt.literal {
			t.Errorf("%s, %d, literally: %+v, want %+v", tt.name, tt.maxDatagram, got, tt.literal)
		}
	}
}

// Whatever a peer says, its largest packet can be sent and no datagram is over its limit.
func TestLimitsAreKept(t *testing.T) {
	for figure := range 1600 {
		for _, l := range []Limits{LimitsOf(figure), LiteralLimits(figure)} {
			e := NewEncoder(l, 0)
			for i := range 20 {
				protection := []Protection{{Secondaries: 7}, {Span: 3, Entries: 3}, {Span: 2, Entries: 1}, {}}[i%4]
				b, err := e.Append(nil, bytes.Repeat([]byte{byte(i)}, max(1, l.IFP-i%3)), protection)
				if err != nil || len(b) > l.Datagram || len(b) > MaxDatagram {
					t.Fatalf("figure %d, %+v: packet %d takes %d octets, %v", figure, l, i, len(b), err)
				}
			}
			if _, err := e.Append(nil, make([]byte, l.IFP+1), Protection{}); err != ErrTooLong {
				t.Fatalf("figure %d: a packet over the limit: %v", figure, err)
			}
		}
	}
}
