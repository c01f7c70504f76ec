package t38

import (
	"bytes"
	"fmt"
	"testing"

	"tipring/t38/pages/pagestest"
)

// Whoever sends, passes on or receives a page sees it grow row by row, and whole in the end.
func TestPagesAreSeenAsTheyPass(t *testing.T) {
	for _, repairs := range []int{-1, 0, 2, 5} {
		ecm := repairs >= 0
		t.Run(fmt.Sprintf("ECM %v, %d repairs", ecm, repairs), func(t *testing.T) {
			t.Parallel()
			const count, rows = 2, 400
			f := newFaxTest(t, count, ecm)
			f.doc.rows = rows
			f.sends.Source = f.doc
			watchers := map[string]*pagestest.Watcher{}
			for _, who := range []string{"sender", "gateway of the sender", "gateway of the receiver", "receiver"} {
				watchers[who] = pagestest.New(true)
			}
			f.sends.Onlooker, f.takes.Onlooker = &watchers["sender"].Monitor, &watchers["receiver"].Monitor
			f.open(t)
			f.a.Watch.Onlooker, f.b.Watch.Onlooker = &watchers["gateway of the sender"].Monitor, &watchers["gateway of the receiver"].Monitor
			if repairs > 0 {
				f.spoilPages(repairs)
			}
			f.well(t)
			steps := 10
			if ecm { // 256 octets at once
				steps = 5
			}
			for n := 1; n <= count; n++ {
				first := watchers["sender"].Picture(n)
				for who, w := range watchers {
					if err := w.Grew(n, rows, steps, 0); err != nil {
						t.Errorf("%s: %v", who, err)
					}
					var b bytes.Buffer
					if err := w.Monitor.WritePNG(n, &b); err != nil {
						t.Errorf("%s: page %d: %v", who, n, err)
					}
					if !bytes.Equal(first, b.Bytes()) || !bytes.Equal(first, w.Picture(n)) {
						t.Errorf("%s: page %d is another picture", who, n)
					}
				}
			}
		})
	}
}
