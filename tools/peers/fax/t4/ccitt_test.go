package t4

import (
	"bytes"
	"io"
	"testing"

	"golang.org/x/image/ccitt"

	"tipring/t38/t4"
)

// Golang.org/x/image/ccitt reads our MMR and our MH (it has no MR).
func TestCCITTReadsOurs(t *testing.T) {
	for coding, format := range map[t4.Coding]ccitt.SubFormat{t4.MH: ccitt.Group3, t4.MMR: ccitt.Group4} {
		for order, theirs := range map[t4.BitOrder]ccitt.Order{t4.LSBFirst: ccitt.LSB, t4.MSBFirst: ccitt.MSB} {
			for _, kind := range kinds {
				e, err := t4.NewEncoder(t4.EncoderConfig{Coding: coding, Columns: columns, Order: order})
				if err != nil {
					t.Fatal(err)
				}
				var coded []byte
				for _, row := range page(t, kind) {
					coded = e.AppendRow(coded, row)
				}
				r := ccitt.NewReader(bytes.NewReader(e.AppendEnd(coded)), theirs, format, columns, rows, &ccitt.Options{Invert: true})
				pels, err := io.ReadAll(r)
				if err != nil {
					t.Errorf("%v %v %s: %v", coding, order, kind, err)
					continue
				}
				if want := bytes.Join(page(t, kind), nil); !bytes.Equal(pels, want) {
					t.Errorf("%v %v %s: other pels", coding, order, kind)
				}
			}
		}
	}
}
