package audio

import (
	"testing"

	"tipring/t38/t30"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/spandsp"
)

// pageTime is how long a page takes the sender, from its first DCS to the page's
// confirmation.
func (c *call) pageTime(from, to end) float64 {
	c.t.Helper()
	s, _ := c.run(from, to, nil, nil)
	if !s.OK || len(s.PageEnds) != 1 || c.same() != "" {
		c.t.Fatalf("%+v", s)
	}
	return s.PageEnds[0] - s.DCS
}

// A page takes us no more than 3 per cent longer than spandsp, with ourselves and with spandsp
// at the other end.
func TestPageTime(t *testing.T) {
	page := spandsp.TextPage(1188, 98, 2)
	for _, m := range []mode{
		fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 14400), fax.Plain(t30.MH, 14400),
		fax.ECM(t30.MMR, 9600), fax.Plain(t30.MR, 9600), fax.ECM(t30.MMR, 4800), fax.Plain(t30.MR, 4800),
	} {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			var times [2][2]float64
			for i := range 2 {
				for j := range 2 {
					c := newCall(t, page)
					ends := [2]end{}
					for k, ours := range []bool{i == 1, j == 1} {
						if sends := k == 0; ours {
							ends[k] = c.ours(sends, m, func(c *t30.Config) { c.Ident = "" }) // as spandsp has it
						} else {
							ends[k] = c.theirs(sends, m.Options()...)
						}
					}
					times[i][j] = c.pageTime(ends[0], ends[1])
				}
			}
			for i, from := range []string{"spandsp", "tipring"} {
				for j, to := range []string{"spandsp", "tipring"} {
					if times[i][j] > times[0][0]*1.03 {
						t.Errorf("%s to %s: %.1f s; spandsp alone %.1f s", from, to, times[i][j], times[0][0])
					}
				}
			}
			t.Logf("%.1f", times)
		})
	}
}
