package call

import (
	"fmt"
	"testing"
	"time"
)

// A page passes between a machine on the port and a far end, by T.38 and in sound, in both
// directions, with and without ECM, at each rate.
func TestRelayPasses(t *testing.T) {
	for _, receives := range []bool{false, true} {
		for _, far := range []string{"server", "gateway", "sound"} {
			for _, plain := range []bool{false, true} {
				for _, rate := range []int{14400, 9600, 4800} {
					if raceEnabled && rate == 9600 {
						continue
					}
					x := faxCall{receives: receives, server: far == "server", noT38: far == "sound", plain: plain, rate: rate, rows: 100}
					t.Run(fmt.Sprintf("receives %v, %s, plain %v, %d", receives, far, plain, rate), func(t *testing.T) {
						relayTest(t, x, func(f *faxRig) {
							if !receives && far == "gateway" {
								f.rig.far.asks = time.Second * 5
							}
							f.begin()
							f.pass(3 * time.Minute)
							o := f.well()
							want := map[bool]string{true: "audio", false: "t38"}[far == "sound"]
							if o.Transport != want || o.Rate != rate || o.ECM == plain || o.RemoteID == "" || o.LocalID == "" {
								t.Errorf("%+v", o)
							}
							if o.PacketsLost != o.PacketsHealed || o.V21Errors != 0 {
								t.Errorf("%d packets lost, %d errors of V.21", o.PacketsLost, o.V21Errors)
							}
						})
					})
				}
			}
		}
	}
}
