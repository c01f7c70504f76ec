package t38

import (
	"bytes"
	"fmt"
	"testing"

	"tipring/t38/pages"
)

// seen are the rows that somebody saw who looked whenever there was something new, page by page.
type seen struct {
	monitor pages.Monitor
	rows    map[int][]int
	of      int
}

func look() *seen {
	s := &seen{rows: map[int][]int{}}
	s.monitor.Keep = 1 << 20
	s.monitor.Changed = func() {
		p := s.monitor.Progress()
		if list := s.rows[p.Page]; p.Page > 0 && (len(list) == 0 || list[len(list)-1] != p.Rows) {
			s.rows[p.Page] = append(list, p.Rows)
		}
		s.of = max(s.of, p.Of)
	}
	return s
}

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
			watchers := map[string]*seen{"sender": look(), "gateway of the sender": look(), "gateway of the receiver": look(), "receiver": look()}
			f.sends.Onlooker, f.takes.Onlooker = &watchers["sender"].monitor, &watchers["receiver"].monitor
			f.open(t)
			f.a.Watch.Onlooker, f.b.Watch.Onlooker = &watchers["gateway of the sender"].monitor, &watchers["gateway of the receiver"].monitor
			if repairs > 0 {
				f.spoilPages(repairs)
			}
			f.well(t)
			for n := 1; n <= count; n++ {
				var first []byte
				for who, s := range watchers {
					steps := s.rows[n]
					for i := 1; i < len(steps); i++ {
						if steps[i] < steps[i-1] {
							t.Errorf("%s: page %d shrank: %v", who, n, steps)
						}
					}
					least := 10
					if ecm { // 256 octets at once
						least = 5
					}
					if len(steps) < least || steps[0] > rows/4 || steps[len(steps)-1] != rows {
						t.Errorf("%s: page %d grew as %v", who, n, steps)
					}
					var b bytes.Buffer
					if err := s.monitor.WritePNG(n, &b); err != nil {
						t.Errorf("%s: page %d: %v", who, n, err)
					}
					if first == nil {
						first = b.Bytes()
					} else if !bytes.Equal(first, b.Bytes()) {
						t.Errorf("%s: page %d is another picture", who, n)
					}
				}
			}
		})
	}
}
