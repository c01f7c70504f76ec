package faxport

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/netlab"
)

// TestEndings has calls end in mid-page, each by another hand: port and line are free again
// within the times that docs/fax.md states, and what happened is told.
func TestEndings(t *testing.T) {
	t.Parallel()
	middle := 18 * time.Second // of the page, whoever answers when
	type ending struct {
		name   string
		far    faxend.Script
		card   []string
		kill   bool          // of the card, in the middle
		within time.Duration // the end of the call, from the middle
	}
	endings := []ending{
		{"the far end says BYE", faxend.Script{Switch: faxend.AtOnce, Then: []faxend.Action{faxlab.At(middle, (*faxend.Fax).Bye)}}, nil, false, 2 * time.Second},
		{"the far end dies", faxend.Script{Switch: faxend.AtOnce, Then: []faxend.Action{faxlab.At(middle, (*faxend.Fax).Die)}}, nil, false, 65 * time.Second},
		{"the far end dies in sound", faxend.Script{Then: []faxend.Action{faxlab.At(middle, (*faxend.Fax).Die)}}, nil, false, 65 * time.Second},
		{"the machine goes on-hook", faxend.Script{Switch: faxend.AtOnce}, []string{"--hang-up", "18"}, false, 3 * time.Second},
		{"the machine is pulled out", faxend.Script{Switch: faxend.AtOnce}, nil, true, 5 * time.Second},
	}
	dir := t.TempDir()
	l := faxlab.New(t, len(endings), func(number string, nth int) faxend.Script {
		var n int
		_, _ = fmt.Sscan(number, &n)
		s := endings[n-601].far
		s.Recv = filepath.Join(dir, "far-"+number)
		return s
	})
	l.Run(len(endings))
	t.Run("calls", func(t *testing.T) {
		for i, tt := range endings {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				n := i + 1
				d := faxlab.NewDocument(t, 3, 1100, uint64(n))
				c := l.Card(t, n, faxcard.Send(d.File, fmt.Sprint(600+n)+"#", append(tt.card, "--log", "1")...), faxcard.Idle(90*time.Second))
				f := l.Far.WaitFax(time.Minute, fmt.Sprint(600+n), 1)
				select {
				case <-f.Up():
				case <-time.After(20 * time.Second):
					t.Fatalf("the call is not answered:\n%s", f.Story())
				}
				<-time.After(middle) // the page is under way, and nothing but its machines knows how far
				if tt.kill {
					c.Kill()
				}
				start := time.Now()
				if !netlab.Until(tt.within, func() bool { return l.Agent.Port(n).Call == nil }) {
					t.Errorf("the call is up %v after its middle: %+v\n%s", tt.within, l.Agent.Port(n), f.Story())
				}
				t.Logf("over %v after the middle", time.Since(start).Round(100*time.Millisecond))
				if tt.kill || strings.HasPrefix(tt.name, "the machine") {
					if r, err := f.Wait(5 * time.Second); err != nil || r.OK {
						t.Errorf("the far end: %+v, %v", r, err)
					}
				}
				if !tt.kill {
					if r := c.Wait(2*time.Minute, 1); r.OK {
						t.Errorf("the machine believes that all went well: %+v", r)
					}
					l.Agent.WaitPort(10*time.Second, n, "idle")
				}
			})
		}
	})
	l.WellFormed()
}
