package faxlong

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
)

// TestLongFax sends 20 pages, four minutes, through sessions that live 90 s, once
// refreshed by the agent and once by the far end; and receives 20. Every refresh has T.38.
func TestLongFax(t *testing.T) {
	t.Parallel()
	const pages, rows = 20, 680
	scripts := map[string]faxend.Script{
		"601": {Switch: faxend.AtOnce, Expires: 90, Refresher: "uac"},
		"602": {Switch: faxend.AtOnce, Expires: 90, Refresher: "uas"},
	}
	dir := t.TempDir()
	l := faxlab.New(t, 3, func(number string, nth int) faxend.Script {
		s := scripts[number]
		s.Recv = filepath.Join(dir, "far-"+number)
		return s
	})
	l.Run(3)
	m := faxlab.Mode{ECM: true, Rate: 14400}
	t.Run("calls", func(t *testing.T) {
		for n := 1; n <= 2; n++ {
			number := fmt.Sprint(600 + n)
			t.Run("refresher "+scripts[number].Refresher, func(t *testing.T) {
				t.Parallel()
				d := faxlab.NewDocument(t, pages, rows, uint64(1000*n))
				c := l.Card(t, n, faxcard.Send(d.File, number+"#", m.Options("--log", "1")...))
				sent := c.Wait(8*time.Minute, 1)
				f := l.Far.WaitFax(time.Second, number, 1)
				l.Arrived(t, m, "t38", sent, f, d)
				refreshed(t, f, sent.Call, n == 1)
			})
		}
		t.Run("comes", func(t *testing.T) {
			t.Parallel()
			d := faxlab.NewDocument(t, pages, rows, 3000)
			got := filepath.Join(t.TempDir(), "got.tif")
			c := l.Card(t, 3, faxcard.Receive(got, m.Options("--log", "1")...))
			f := l.Call(3, faxend.Script{Send: d.File, Expires: 90, Refresher: "uas"})
			l.Came(t, m, "t38", c.Wait(8*time.Minute, 1), f, d, got)
		})
	})
	l.WellFormed()
}

// refreshed holds the offers of the agent in a call that lasted so many seconds against its
// session timer.
func refreshed(t *testing.T, f *faxend.Fax, seconds float64, ours bool) {
	t.Helper()
	if seconds < 200 {
		t.Errorf("the fax took %.0f s only, too few for three refreshes", seconds)
	}
	story, refreshes := f.Story(), 0
	for line := range strings.Lines(story) {
		switch {
		case ours && (strings.Contains(line, "INVITE of theirs, T.38") || strings.Contains(line, "UPDATE of theirs")):
			refreshes++
		case !ours && strings.Contains(line, "refreshes the session: 200"):
			refreshes++
		case strings.Contains(line, "of theirs, sound"), strings.Contains(line, "refreshes the session"):
			t.Errorf("in mid-fax: %s", line)
		}
	}
	if refreshes < 3 {
		t.Errorf("%d refreshes in %.0f s, want 3 at least\n%s", refreshes, seconds, story)
	}
}
