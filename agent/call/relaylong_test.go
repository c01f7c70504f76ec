package call

import (
	"strings"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
)

// Session refreshes of half an hour, or five minutes under the race detector, change nothing in a
// fax: each carries T.38.
func TestRelayOutlivesRefreshes(t *testing.T) {
	x := faxCall{server: true, plain: true, rate: 4800, pages: 78, rows: 2400}
	least := 30 * time.Minute
	if raceEnabled {
		x.pages, least = 13, 5*time.Minute
	}
	x.rig.line = []string{"session_expires_s = 90"}
	relayTest(t, x, func(f *faxRig) {
		f.rig.far.timer = "90;refresher=uac"
		f.begin()
		began := time.Now()
		f.pass(time.Hour)
		o := f.well()
		if d := time.Since(began); d < least || o.Transport != "t38" {
			t.Errorf("%v, %s", d, o.Transport)
		}
		c := f.rig.far.last()
		if n := c.reinvites() + strings.Count(c.heard(), sipmsg.UPDATE); n < int(least/(50*time.Second)) {
			t.Errorf("%d refreshes", n)
		}
	})
}

// The far end's too, however often they come.
func TestRelayOutlivesTheFarEndsRefreshes(t *testing.T) {
	relayTest(t, faxCall{receives: true, pages: 4}, func(f *faxRig) {
		f.begin()
		for at := 8 * time.Second; at < 30*time.Second; at += 2 * time.Second {
			f.events[at] = func() { f.rig.far.last().reinvite(offer.SendRecv) }
		}
		f.pass(10 * time.Minute)
		if o := f.well(); o.Transport != "t38" {
			t.Errorf("%+v", o)
		}
	})
}
