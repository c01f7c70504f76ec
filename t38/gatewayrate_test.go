package t38

import (
	"fmt"
	"testing"
)

// A gateway keeps the limit of its policy exactly, whether its machine sends or takes the pages and
// though the other gateway knows nothing of it. What a DIS cannot say costs one training.
func TestGatewayKeepsTheRate(t *testing.T) {
	for _, tt := range []struct{ limit, rate, failures int }{
		{0, 14400, 0}, {14400, 14400, 0}, {33600, 14400, 0}, {14399, 12000, 1}, {12000, 12000, 1}, {9600, 9600, 0},
		{7200, 7200, 1}, {4800, 4800, 0}, {2400, 2400, 0}, {1200, 2400, 0},
	} {
		for _, ecm := range []bool{true, false} {
			for _, where := range []string{"sender's", "receiver's"} {
				if tt.limit != tt.rate && !(ecm && where == "sender's") {
					continue
				}
				t.Run(fmt.Sprintf("%d bit/s at the %s gateway, ECM %v", tt.limit, where, ecm), func(t *testing.T) {
					t.Parallel()
					f := newFaxTest(t, 2, ecm)
					f.open(t)
					if f.a.Policy.MaxBitRate = tt.limit; where != "sender's" {
						f.a.Policy.MaxBitRate, f.b.Policy.MaxBitRate = 0, tt.limit
					}
					s, r := f.well(t)
					if s.BitRate != tt.rate || r.BitRate != tt.rate || s.Failures != tt.failures || s.Repeats+r.Repeats+r.Repairs > 0 {
						t.Errorf("sender %+v, receiver %+v: want %d bit/s after %d failures", s, r, tt.rate, tt.failures)
					}
					for _, p := range f.a.Watch.Record().Pages {
						if p.BitRate != tt.rate {
							t.Errorf("%v", p)
						}
					}
				})
			}
		}
	}
}

// A limit at both gateways, and packets that take half a second.
func TestGatewaysKeepTheRateOverDelay(t *testing.T) {
	f := newFaxTest(t, 2, true)
	f.net = delays[1]
	f.policy.MaxBitRate = 12000
	f.open(t)
	if s, r := f.well(t); s.BitRate != 12000 || s.Failures != 1 || r.Repairs+s.Repeats > 0 {
		t.Errorf("sender %+v, receiver %+v", s, r)
	}
}
