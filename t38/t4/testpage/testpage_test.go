package testpage

import (
	"bytes"
	"hash/crc32"
	"math/bits"
	"testing"

	"tipring/t38/t4"
)

// The pages are the same everywhere: their sums are the specification.
func TestPagesAreTheSameEverywhere(t *testing.T) {
	for _, tt := range []struct {
		kind  Kind
		black int // per cent
		sum   uint32
	}{
		{Text, 8, 0xae0373d3}, {Form, 2, 0xbf9dec18}, {Picture, 50, 0x78cbf4c4}, {Blank, 0, 0x34abd827}, {Black, 100, 0x27350ba8}, {Noise, 49, 0x97338de6},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			c := Config{Kind: tt.kind, Columns: 1725, Rows: 700, XDPI: 204, YDPI: 196, Seed: 1}
			r, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			sum, black := crc32.NewIEEE(), 0
			row := make([]byte, t4.RowOctets(c.Columns))
			rows := 0
			for ; r.ReadRow(row) == nil; rows++ {
				_, _ = sum.Write(row)
				for _, octet := range row {
					black += bits.OnesCount8(octet)
				}
				if row[len(row)-1]&7 != 0 {
					t.Fatal("pels behind the last")
				}
			}
			if rows != c.Rows || sum.Sum32() != tt.sum || black*100/(rows*c.Columns) != tt.black {
				t.Errorf("%d rows, %d %% black, %#x", rows, black*100/(rows*c.Columns), sum.Sum32())
			}
		})
	}
}

func TestSeedsDiffer(t *testing.T) {
	for _, kind := range []Kind{Text, Form, Picture, Noise} {
		var rows [2][]byte
		for seed := range rows {
			r, err := New(Config{Kind: kind, Columns: 1728, Rows: 300, XDPI: 204, YDPI: 98, Seed: uint64(seed)})
			if err != nil {
				t.Fatal(err)
			}
			row := make([]byte, 216)
			for r.ReadRow(row) == nil {
				rows[seed] = append(rows[seed], row...)
			}
		}
		if bytes.Equal(rows[0], rows[1]) {
			t.Errorf("%s: seeds 0 and 1 are one page", kind)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []Config{{}, {Kind: Text, Columns: 1728, Rows: 1}, {Kind: "x", Columns: 1, Rows: 1}, {Kind: Blank, Columns: 1}, {Kind: Blank, Columns: 1 << 20, Rows: 1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v: taken", c)
		}
	}
}
