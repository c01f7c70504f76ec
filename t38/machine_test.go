package t38

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"tipring/t38/t30"
	"tipring/t38/t4"
)

// leaflet is a document of random rows, coded as asked.
type leaflet struct {
	t     testing.TB
	pages int
	rows  int
}

func (l leaflet) Page(n int) (t30.Form, bool) {
	return t30.Form{Resolution: t30.Fine}, n < l.pages
}

func (l leaflet) Open(n int, f t30.Format) (io.Reader, error) {
	return bytes.NewReader(l.coded(n, f)), nil
}

func (l leaflet) coded(n int, f t30.Format) []byte {
	return pageOf(l.t, t4.EncoderConfig{Coding: codings[f.Coding], Columns: 1728, K: 4, MinRowBits: f.MinRowBits()}, l.rows, uint64(n))
}

var codings = [...]t4.Coding{t30.MH: t4.MH, t30.MR: t4.MR, t30.MMR: t4.MMR}

// tray takes pages and keeps their rows.
type tray struct {
	t     testing.TB
	pages [][]string
}

func (y *tray) Open(n int, f t30.Format) (t30.PageWriter, error) {
	d, err := t4.NewDecoder(t4.DecoderConfig{Coding: codings[f.Coding], Columns: f.Width.Pels(f.Resolution)})
	y.pages = append(y.pages[:min(n, len(y.pages))], nil)
	return &sheet{y, n, d}, err
}

type sheet struct {
	y *tray
	n int
	d *t4.Decoder
}

func (s *sheet) Write(p []byte) (int, error) {
	s.d.Feed(p)
	s.take()
	return len(p), nil
}

func (s *sheet) take() {
	for s.d.Next() {
		s.y.pages[s.n] = append(s.y.pages[s.n], string(s.d.Row()))
	}
}

func (s *sheet) Close(bool) (t30.Copy, error) {
	s.d.End()
	s.take()
	q := s.d.Quality()
	return t30.Copy{Rows: q.Rows, BadRows: q.Bad, BadRun: q.LongestBad}, nil
}

// same fails unless the tray holds the leaflet.
func (y *tray) same(l leaflet) {
	y.t.Helper()
	if len(y.pages) != l.pages {
		y.t.Fatalf("%d pages, want %d", len(y.pages), l.pages)
	}
	for n, got := range y.pages {
		want, _ := lines(y.t, t4.MH, l.coded(n, t30.Format{Coding: t30.MH}))
		if len(got) != len(want) {
			y.t.Fatalf("page %d: %d rows, want %d", n+1, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				y.t.Fatalf("page %d: row %d differs", n+1, i+1)
			}
		}
	}
}

func terminal(t testing.TB, c t30.Config) *t30.Terminal {
	t.Helper()
	x, err := t30.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// talk joins two machines until both are done, and returns how many seconds that took.
func talk(t testing.TB, a, b *Machine, limit int) float64 {
	t.Helper()
	var toA, toB, fromA, fromB [tick]int16
	a.Start()
	b.Start()
	n := 0
	for ; !a.Done() || !b.Done(); n++ {
		if n*tick > limit*t30.SampleRate {
			t.Fatalf("after %d s: %v and %v", limit, a.T30.State(), b.T30.State())
		}
		a.Exchange(toA[:], fromA[:])
		b.Exchange(toB[:], fromB[:])
		toA, toB = fromB, fromA
	}
	return float64(n*tick) / t30.SampleRate
}

func TestTwoMachinesOnALine(t *testing.T) {
	for _, m := range []t30.Modulation{t30.V27ter2400, t30.V27ter4800, t30.V29At7200, t30.V29At9600, t30.V17At7200, t30.V17At9600, t30.V17At12000, t30.V17At14400} {
		for _, ecm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v ECM %v", m, ecm), func(t *testing.T) {
				t.Parallel()
				doc := leaflet{t, 2, 60}
				got := &tray{t: t}
				allowed := t30.Modulations(m, t30.V27ter2400)
				a := NewMachine(terminal(t, t30.Config{Calling: true, Source: doc, ECM: ecm, Modulations: allowed, Ident: "+1 555 1"}), DefaultLevel)
				b := NewMachine(terminal(t, t30.Config{Sink: got, ECM: ecm, Modulations: allowed, Ident: "+1 555 2"}), DefaultLevel)
				s := talk(t, a, b, 240)
				if r := a.T30.Result(); r.Code != t30.OK || r.Sent != 2 || r.Peer.Ident != "+1 555 2" || r.BitRate != m.BitRate() || r.ECM != ecm {
					t.Errorf("sender: %+v", r)
				}
				if r := b.T30.Result(); r.Code != t30.OK || r.Received != 2 || r.Repeats != 0 || r.Repairs != 0 || r.Failures != 0 {
					t.Errorf("receiver: %+v", r)
				}
				got.same(doc)
				t.Logf("%.1f s", s)
			})
		}
	}
}
