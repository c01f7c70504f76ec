package t4

import "testing"

// One op is a row of a drawing, A4 at R8: some 33 black runs whose edges move from row to row.
func BenchmarkDecode(b *testing.B) { each(b, benchmarkDecode) }
func BenchmarkEncode(b *testing.B) { each(b, benchmarkEncode) }

func each(b *testing.B, bench func(*testing.B, string, Coding)) {
	for _, kind := range []string{"drawing", "blank", "noise"} {
		for _, c := range []Coding{MH, MR, MMR} {
			b.Run(kind+"/"+c.String(), func(b *testing.B) { bench(b, kind, c) })
		}
	}
}

func benchmarkDecode(b *testing.B, kind string, coding Coding) {
	p := page(kind, 1728, 400)
	coded := encode(b, EncoderConfig{Coding: coding, Columns: 1728}, p)
	c := DecoderConfig{Coding: coding, Columns: 1728}
	d, _ := NewDecoder(c)
	rows := 0
	b.ReportAllocs()
	for b.Loop() {
		if !d.Next() {
			if err := d.Reset(c); err != nil {
				b.Fatal(err)
			}
			d.Feed(coded)
			d.Next()
		}
		if rows++; d.Bad() {
			b.Fatal("bad row")
		}
	}
}

func benchmarkEncode(b *testing.B, kind string, coding Coding) {
	p := page(kind, 1728, 400)
	e, _ := NewEncoder(EncoderConfig{Coding: coding, Columns: 1728})
	out := make([]byte, 0, 2*e.MaxRowOctets())
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		out = e.AppendRow(out[:0], p[i])
		if i++; i == len(p) {
			i = 0
		}
	}
}
