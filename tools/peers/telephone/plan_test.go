package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
)

// What becomes of keys by the dial plan, and when: at once, or after a time without another one.
func TestDialPlan(t *testing.T) {
	const soon, long, short = 1500 * time.Millisecond, 4 * time.Second, 2 * time.Second
	for _, tt := range []struct {
		name, plan, keys string
		number           string // empty: reorder tone
		after            time.Duration
	}{
		{"complete", "(60x)", "601", "601", 0},
		{"ended by #", "(6x.)", "601#", "601", 0},
		{"no more keys", "(6x.)", "601", "601", long},
		{"short time", "(6x.S2)", "601", "601", short},
		{"at once, though it could go on", "(60xS0|6x.)", "601", "601", 0},
		{"a longer one goes on", "(60x|60xx)", "6010", "6010", 0},
		{"prefix", "(<:60>x)", "1", "601", 0},
		{"replaced", "(<9:6>0x)", "901", "601", 0},
		{"set", "(60[13])", "603", "603", 0},
		{"blocked", "(602!|60x)", "602", "", 0},
		{"none of them", "(60x)", "7", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"port1", "dial_plan", tt.plan})
			s.OffHook()
			s.WaitTone(patience, phone.DialTone...)
			s.Dial(tt.keys)
			dialled := time.Now().Add(time.Duration(len(tt.keys)) * 120 * time.Millisecond)
			if tt.number == "" {
				s.WaitTone(patience, phone.Busy...)
				s.hungUp()
				if n := len(s.far.Calls()); n != 0 {
					t.Errorf("%d calls", n)
				}
				return
			}
			c := s.far.WaitCall(patience, 1)
			if took := time.Since(dialled); c.Number() != tt.number || took < tt.after-soon/2 || took > tt.after+soon {
				t.Errorf("%s was called %v behind the last key, want %s after %v", c.Number(), took, tt.number, tt.after)
			}
			s.hungUp()
		})
	}
}
