package dsp

import "testing"

// The tables of ITU-T G.711 in their own units (14-bit samples for µ-law, 13-bit for
// A-law): each chord by its last decision value and its step. Everything else in
// tables 1 and 2 follows by counting, which is what decisionValues does.
var (
	ulawChords = []chordSpec{{31, 2}, {95, 4}, {223, 8}, {479, 16}, {991, 32}, {2015, 64}, {4063, 128}, {8159, 256}}
	alawChords = []chordSpec{{64, 2}, {128, 4}, {256, 8}, {512, 16}, {1024, 32}, {2048, 64}, {4096, 128}}
)

type chordSpec struct{ end, step int }

// decisionValues returns x(1) to x(129) of a table, and the quantised value between each and the next.
func decisionValues(chords []chordSpec, x int) (decision, quantised []int) {
	decision = append(decision, 0)
	if x > 0 { // µ-law: the first interval is half a step, its value 0
		decision, quantised = append(decision, x), append(quantised, 0)
	}
	for _, c := range chords {
		for x < c.end {
			quantised = append(quantised, x+c.step/2)
			x += c.step
			decision = append(decision, x)
		}
	}
	return decision, quantised
}

// law is one of the two codes as the standard defines it.
type law struct {
	name     string
	chords   []chordSpec
	first    int            // the first decision value
	unit     int            // 16-bit steps in one of the table's units
	code     func(int) byte // character signal of positive interval n, counted from 0
	negative byte           // bits that differ in the negative one
	encode   func(int16) byte
	decode   func(byte) int16
}

var laws = []law{
	{"µ-law", ulawChords, 1, 4, func(n int) byte { return byte(255 - n) }, 0x80, ULawEncode, ULawDecode},
	{"A-law", alawChords, 0, 8, func(n int) byte { return byte(128+n) ^ 0x55 }, 0x80, ALawEncode, ALawDecode},
}

func TestG711EveryCodeDecodesToItsQuantisedValue(t *testing.T) {
	for _, l := range laws {
		decision, quantised := decisionValues(l.chords, l.first)
		if len(quantised) != 128 || len(decision) != 129 {
			t.Fatalf("%s: %d values, %d decision values; the standard has 128 and 129", l.name, len(quantised), len(decision))
		}
		for n, q := range quantised {
			want := int16(q * l.unit)
			if got := l.decode(l.code(n)); got != want {
				t.Errorf("%s: code %#02x: got %d, want %d", l.name, l.code(n), got, want)
			}
			if got := l.decode(l.code(n) ^ l.negative); got != -want {
				t.Errorf("%s: code %#02x: got %d, want %d", l.name, l.code(n)^l.negative, got, -want)
			}
		}
	}
}

func TestG711EverySampleEncodesToTheIntervalItLiesIn(t *testing.T) {
	for _, l := range laws {
		decision, _ := decisionValues(l.chords, l.first)
		n := 0
		for s := 0; s <= 32767; s++ {
			for n < 127 && s >= decision[n+1]*l.unit {
				n++
			}
			if got, want := l.encode(int16(s)), l.code(n); got != want {
				t.Fatalf("%s: sample %d: got %#02x, want %#02x", l.name, s, got, want)
			}
			// ^s is the mirror image of s: a negative sample on a decision value
			// belongs to the interval nearer to zero, which is the one above it.
			if got, want := l.encode(int16(^s)), l.code(n)^l.negative; got != want {
				t.Fatalf("%s: sample %d: got %#02x, want %#02x", l.name, ^s, got, want)
			}
		}
	}
}

func TestG711SurvivesReencoding(t *testing.T) {
	for _, l := range laws {
		for c := range 256 {
			if c == 0x7f && l.name == "µ-law" {
				continue // negative zero, which no sample of value 0 encodes to
			}
			if got := l.encode(l.decode(byte(c))); got != byte(c) {
				t.Errorf("%s: code %#02x comes back as %#02x", l.name, c, got)
			}
		}
	}
}

func BenchmarkULaw(b *testing.B) {
	var code byte
	for i := 0; b.Loop(); i++ {
		code = ULawEncode(ULawDecode(code) + int16(i))
	}
}

func BenchmarkALaw(b *testing.B) {
	var code byte
	for i := 0; b.Loop(); i++ {
		code = ALawEncode(ALawDecode(code) + int16(i))
	}
}
