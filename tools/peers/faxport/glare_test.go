package faxport

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
)

// TestGlare has both sides ask for T.38 at once, whoever asks here and whoever called: both get
// 491, and then T.38 is agreed and the page exact.
func TestGlare(t *testing.T) {
	for _, asks := range []string{"caller", "detector"} {
		t.Run(asks, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			trials := []trial{
				{"calls", false, faxend.Script{Glare: true}, "t38", 500, 0},
				{"is called", true, faxend.Script{Glare: true}, "t38", 500, 0},
				{"calls who asks at once", false, faxend.Script{Switch: faxend.OnPreamble}, "t38", 500, 0},
				{"is called by who asks on a preamble", true, faxend.Script{Switch: faxend.OnPreamble}, "t38", 500, 0},
			}
			l := faxlab.New(t, len(trials), func(number string, nth int) faxend.Script {
				var n int
				_, _ = fmt.Sscan(number, &n)
				s := trials[n-601].far
				s.Recv = filepath.Join(dir, "far-"+number)
				return s
			})
			l.Config.Set("fax", "t38_reinvite", asks)
			l.Run(len(trials))
			t.Run("calls", func(t *testing.T) {
				for i, tt := range trials {
					t.Run(tt.name, func(t *testing.T) {
						t.Parallel()
						try(t, l, i+1, tt)
						number := fmt.Sprint(601 + i)
						if tt.incoming {
							number = faxlab.User(i + 1)
						}
						story := l.Far.WaitFax(time.Second, number, 1).Story()
						if tt.far.Glare && (!strings.Contains(story, "INVITE of theirs, T.38: 491") || !strings.Contains(story, "re-INVITE of ours, T.38: 491")) {
							t.Errorf("the offers did not meet:\n%s", story)
						}
					})
				}
			})
			l.WellFormed()
		})
	}
}
