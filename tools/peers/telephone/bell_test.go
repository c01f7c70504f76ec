package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/spandsp"
)

// Who calls is read by spandsp's receiver from the sound between the rings.
func TestCallerID(t *testing.T) {
	for standard, receiver := range map[string]string{"bellcore": "class", "etsi": "clip", "dtmf": "dtmf"} {
		t.Run(standard, func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"sip1", "caller_id", "pai"}, setting{"port1", "caller_id_standard", standard})
			done := s.rings("602", `P-Asserted-Identity: "Anna" <sip:602@10.9.0.1>`)
			s.WaitChange(patience, phone.Ring, 1, 2)
			s.shown(receiver, s.Heard(time.Minute), "602", "Anna")
			s.OffHook()
			c := <-done
			if c.status != 200 {
				t.Fatalf("the call: %d", c.status)
			}
			s.talks(c.Call, 1800)
			s.hungUp()
			s.ended(c.Call)
		})
	}
}

// Who hides is shown as that.
func TestPrivateCaller(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip1", "caller_id", "pai"})
	done := s.rings("602", "Privacy: id", `P-Asserted-Identity: "Anna" <sip:602@10.9.0.1>`)
	s.WaitChange(patience, phone.Ring, 1, 2)
	got, err := spandsp.CallerID("class", s.Heard(time.Minute))
	if err != nil || len(got) != 1 || len(got[0]) != 4 || got[0][2] != (spandsp.Field{Type: 4, Octets: "P"}) || got[0][3] != (spandsp.Field{Type: 8, Octets: "P"}) {
		t.Errorf("caller ID: %q, %v, want a private number and name", got, err)
	}
	s.far.Calls()[0].Cancel()
	if c := <-done; c.status != 487 {
		t.Errorf("cancelled: %d", c.status)
	}
}

// Alert-Info chooses the cadence, and before it the port's own list of callers does.
func TestDistinctiveRing(t *testing.T) {
	for name, settings := range map[string][]setting{
		"Alert-Info": nil,
		"caller":     {{"port1", "ring_by_number", "601=bellcore-dr2,60*=bellcore-dr4"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t, site.Options{}, append(settings, setting{"port1", "caller_id_standard", "off"})...)
			alert := "Alert-Info: <http://127.0.0.1/Bellcore-dr4>"
			if settings != nil {
				alert = "Alert-Info: <http://127.0.0.1/Bellcore-dr3>"
			}
			done := s.rings("602", alert)
			s.WaitChange(patience, phone.Ring, 0, 3)
			var at []int
			for _, c := range s.Changes() {
				if c.Type == phone.Ring {
					at = append(at, c.Sample)
				}
			}
			for i, want := range []int{300, 200, 1000, 200, 300} { // ms on and off (GR-506)
				if got := (at[i+1] - at[i]) * 1000 / audio.Rate; got < want-40 || got > want+40 {
					t.Errorf("step %d of the cadence lasts %d ms, want %d", i+1, got, want)
				}
			}
			s.OffHook()
			c := <-done
			s.talks(c.Call, 1800)
			s.hungUp()
			s.ended(c.Call)
		})
	}
}

// Nobody lifts the receiver: the caller is told so after ring_time_s.
func TestRingTime(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip1", "ring_time_s", 5})
	from := time.Now()
	c := s.calls("602")
	if took := time.Since(from); c.status != 480 || took < 4500*time.Millisecond || took > 8*time.Second {
		t.Errorf("%d after %v, want 480 after 5 s", c.status, took)
	}
	s.Agent.WaitPort(patience, 1, "idle")
}

// Tip and ring are reversed when the far end answers; when it hangs up, they are as before, the
// loop has no current for half a second, and a tone asks to hang up.
func TestSupervision(t *testing.T) {
	s := begin(t, site.Options{}, setting{"port1", "polarity_reversal", 1})
	answer := make(chan struct{})
	s.far.OnCall(func(c *farend.Call) {
		c.Reply(180, "Ringing")
		select {
		case <-answer:
			answers(c)
		case <-t.Context().Done():
		}
	})
	s.Site.Dial(1, "600")
	s.WaitTone(patience, phone.Ringback...)
	for _, c := range s.Changes() {
		if c.Type == phone.Polarity && c.Value == 1 {
			t.Errorf("reversed before the answer: %+v", c)
		}
	}
	close(answer)
	c := s.answered(1)
	s.WaitChange(patience, phone.Polarity, 1, 1)
	s.talks(c, 1000)

	if status := c.Bye(); status != 200 {
		t.Errorf("BYE: %d", status)
	}
	off := s.WaitChange(patience, phone.Power, 0, 1)
	back := s.WaitChange(patience, phone.Power, 1, s.powered(off.Sample)+1)
	if ms := (back.Sample - off.Sample) * 1000 / audio.Rate; ms < 460 || ms > 560 {
		t.Errorf("no current for %d ms, want 500", ms)
	}
	s.WaitTone(patience, phone.Busy...)
	normal := false
	for _, c := range s.Changes() {
		if c.Type == phone.Polarity {
			normal = c.Value == 0
		}
	}
	if !normal {
		t.Error("reversed still")
	}
	s.hungUp()
}

// powered counts how often current came before a moment.
func (s *stage) powered(sample int) (n int) {
	for _, c := range s.Changes() {
		if c.Type == phone.Power && c.Value == 1 && c.Sample < sample {
			n++
		}
	}
	return n
}
