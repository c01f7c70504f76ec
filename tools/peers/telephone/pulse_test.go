package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
)

// A number that is dialled by turning: pulses of the loop, or digits that the card's chip has counted.
// Dial tone ends with the first of them.
func TestPulseDialling(t *testing.T) {
	for name, dial := range map[string]func(*stage){
		"rotary": func(s *stage) { s.Rotary("601") },
		"chip": func(s *stage) {
			for _, digit := range []byte{6, 0, 1} {
				s.Pulse(digit)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"port1", "dial_plan", "(6xxS0)"})
			s.OffHook()
			s.WaitTone(patience, phone.DialTone...)
			dial(s)
			if !netlab.Until(patience, func() bool { return s.ListenFor(0, phone.DialTone...) != nil }) {
				t.Error("dial tone goes on")
			}
			c := s.answered(1)
			if c.Number() != "601" {
				t.Errorf("%s is called, want 601", c.Number())
			}
			s.talks(c, voices["601"])
			s.press(300 * time.Millisecond) // a flash still is one
			s.put(c, 1, "sendonly")
			s.WaitTone(patience, phone.DialTone...)
			s.Flash()
			s.put(c, 2, "sendrecv")
			s.hungUp()
			s.ended(c)
		})
	}
}
