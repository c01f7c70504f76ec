package audio

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/spandsp"
)

// newLeaves is newCall for pages that have each its own resolution.
func newLeaves(t *testing.T, pages ...spandsp.Page) *call {
	t.Helper()
	c := newCall(t, pages...)
	out, err := os.Create(c.sent)
	c.must(err)
	defer out.Close()
	w, err := tiff.NewWriter(out)
	c.must(err)
	for _, p := range pages {
		c.must(w.BeginPage(tiff.PageConfig{Columns: p.Width, XDPI: p.X, YDPI: p.Y, Coding: t4.MMR}))
		for row := range slices.Chunk(p.Pixels, p.Width/8) {
			c.must(w.WriteRow(row))
		}
		c.must(w.EndPage())
	}
	c.must(w.Close())
	return c
}

// mixed is a document whose pages are of several resolutions: each change is a return to
// phase B, with DCS and a training check of its own.
func mixed() []spandsp.Page {
	return []spandsp.Page{spandsp.TextPage(400, 98, 1), spandsp.TextPage(800, 196, 2), spandsp.TextPage(810, 196, 3), spandsp.TextPage(300, 98, 4), spandsp.TextPage(1000, 391, 5)}
}

// drawn is a page of any size.
func drawn(t *testing.T, columns, rows, x, y int) spandsp.Page {
	t.Helper()
	r, err := testpage.New(testpage.Config{Kind: testpage.Form, Columns: columns, Rows: rows, XDPI: x, YDPI: y, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := spandsp.Page{Width: columns, Rows: rows, X: x, Y: y, Pixels: make([]byte, rows*columns/8)}
	for row := range slices.Chunk(p.Pixels, columns/8) {
		if err := r.ReadRow(row); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestWidthsAndResolutions(t *testing.T) {
	for _, p := range []spandsp.Page{
		drawn(t, 2048, 300, 204, 98), drawn(t, 2432, 300, 204, 196), drawn(t, 1728, 600, 204, 391),
		drawn(t, 2592, 500, 300, 300), drawn(t, 3456, 600, 408, 391), drawn(t, 1728, 1600, 204, 98),
	} {
		for _, m := range withECM {
			for _, weSend := range []bool{true, false} {
				t.Run(fmt.Sprintf("%dx%d at %dx%d, %v, we send %v", p.Width, p.Rows, p.X, p.Y, m, weSend), func(t *testing.T) {
					t.Parallel()
					c := newLeaves(t, p)
					from, to, _ := c.pair(weSend, m)
					c.well(from, to, nil, nil)
				})
			}
		}
	}
}

// Rows without ECM last as long as a receiver asks.
func TestMinimumScanTime(t *testing.T) {
	for _, ms := range []int{5, 10, 20, 40} {
		for _, coding := range []t30.Coding{t30.MH, t30.MR} {
			for _, weSend := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d ms %v, we send %v", ms, coding, weSend), func(t *testing.T) {
					t.Parallel()
					m := fax.Plain(coding, 14400)
					c := newCall(t, fax.Text(2, 300)...)
					their := c.theirs(!weSend, append(m.Options(), "--scan", fmt.Sprint(ms))...)
					our := c.ours(weSend, m, func(c *t30.Config) { c.MinScan = ms })
					var from, to end = our, their
					if !weSend {
						from, to = their, our
					}
					c.well(from, to, nil, nil)
					if f := our.T30.Result().Format; f.MinScan != ms {
						t.Errorf("%+v", f)
					}
				})
			}
		}
	}
}

// ECM with frames of 64 octets, whose blocks are of 16 kB: some pages have several.
func TestShortFrames(t *testing.T) {
	for _, rows := range []int{300, 2200} {
		c := newCall(t, fax.Text(1, rows)...)
		m := fax.ECM(t30.MMR, 14400)
		c.well(c.ours(true, m, func(c *t30.Config) { c.ECM64 = true }), c.theirs(false, m.Options()...), nil, nil)
	}
}

// A return to phase B in mid-fax lowers no rate, and T1, which runs from the beginning of a
// call to its first DCS, does not end it.
func TestResolutionsInOneCall(t *testing.T) {
	for _, m := range withECM {
		for _, from := range []string{"ours", "theirs", "both ours"} {
			t.Run(fmt.Sprintf("%v %s", m, from), func(t *testing.T) {
				t.Parallel()
				c := newLeaves(t, mixed()...)
				var a, b end
				if from == "theirs" {
					a = c.theirs(true, m.Options()...)
				} else {
					a = c.ours(true, m)
				}
				if from == "ours" {
					b = c.theirs(false, m.Options()...)
				} else {
					b = c.ours(false, m)
				}
				c.well(a, b, nil, nil)
				for _, e := range []end{a, b} {
					if r := c.result(e); r.Rate != 14400 || r.Pages != 5 {
						t.Errorf("%+v", r)
					}
					if our, ok := e.(*Fax); ok {
						if r := our.T30.Result(); r.Failures > 0 || r.Repeats > 0 || r.Trainings < 4 {
							t.Errorf("%+v", r)
						}
					}
				}
			})
		}
	}
}
