package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/sipp"
	"tipring/tools/peers/site"
)

// sipp presses keys by INFO, which the telephone hears, and hangs up. Its other calls are in package calls.
func TestKeysOfSipp(t *testing.T) {
	t.Parallel()
	s := &stage{Site: site.New(t, site.Options{Lines: 1})}
	s.Run()
	s.Phone = s.Phones[1]
	call := sipp.Call(t, s.Site.Far, "uac_info", "10.9.0.1:5060", "1001", 1)
	s.WaitRing(patience)
	s.OffHook()
	s.Say(mouth, -12)
	s.WaitTone(patience, mouth) // sipp echoes
	s.Hush()
	call.Passed(patience)
	s.WaitTone(patience, phone.Busy...)
	if heard := s.keys(s.Heard(time.Minute)); heard != "5#" {
		t.Errorf("the telephone hears the keys %q, want 5#", heard)
	}
	s.hungUp()
	if !netlab.Until(patience, func() bool { return s.Agent.Calls()[0].Ended != nil }) {
		t.Errorf("%+v", s.Agent.Calls())
	}
	s.WellFormed()
}
