package testpage

import (
	"testing"

	"tipring/t38/t4"
)

// One op is a row of a page, A4 at the fine resolution, coded or decoded.
func BenchmarkCode(b *testing.B) {
	for _, kind := range []Kind{Text, Form, Picture} {
		r, err := New(Config{Kind: kind, Columns: 1728, Rows: 1000, XDPI: 204, YDPI: 196})
		if err != nil {
			b.Fatal(err)
		}
		var rows [][]byte
		for {
			row := make([]byte, 216)
			if r.ReadRow(row) != nil {
				break
			}
			rows = append(rows, row)
		}
		for _, coding := range []t4.Coding{t4.MH, t4.MR, t4.MMR} {
			name := string(kind) + "/" + coding.String()
			e, err := t4.NewEncoder(t4.EncoderConfig{Coding: coding, Columns: 1728})
			if err != nil {
				b.Fatal(err)
			}
			var coded []byte
			for _, row := range rows {
				coded = e.AppendRow(coded, row)
			}
			coded = e.AppendEnd(coded)
			b.Run("encode/"+name, func(b *testing.B) { encode(b, e, rows) })
			b.Run("decode/"+name, func(b *testing.B) { decode(b, coding, coded) })
		}
	}
}

func encode(b *testing.B, e *t4.Encoder, rows [][]byte) {
	out := make([]byte, 0, 2*e.MaxRowOctets())
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		out = e.AppendRow(out[:0], rows[i])
		if i++; i == len(rows) {
			i = 0
		}
	}
}

func decode(b *testing.B, coding t4.Coding, coded []byte) {
	c := t4.DecoderConfig{Coding: coding, Columns: 1728}
	d, err := t4.NewDecoder(c)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if d.Next() {
			continue
		}
		if err := d.Reset(c); err != nil {
			b.Fatal(err)
		}
		d.Feed(coded)
		d.Next()
	}
}
