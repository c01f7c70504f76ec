package faxport

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
)

// TestIPv6 has a relay port send a page and receive one where SIP, sound and T.38 have IPv6
// alone.
func TestIPv6(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := faxlab.New6(t, 1, func(number string, nth int) faxend.Script {
		return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, "far-"+number), Options: []string{"--ident", number}}
	})
	l.Run(1)
	thereAndBack(t, l, 1, faxlab.Mode{ECM: true, Rate: 14400}, faxlab.Ways[0])
	for _, f := range l.Far.To("601") {
		r, err := f.Wait(time.Second)
		if err != nil || r.Met.Received < 50 || len(r.Met.From) != 1 || r.Met.From[0].Addr() != l.Host.Addr {
			t.Errorf("T.38 came to the far end as %+v, %v", r.Met, err)
		}
		for _, sdp := range f.Offers() {
			if !strings.Contains(sdp, "c=IN IP6 "+l.Host.Addr.String()) || strings.Contains(sdp, "IP4") {
				t.Errorf("the agent describes a session as\n%s", sdp)
			}
		}
	}
	l.WellFormed() // tshark follows T.38 by session descriptions for IPv4 alone
}
