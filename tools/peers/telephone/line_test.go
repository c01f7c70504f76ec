package telephone

import (
	"testing"

	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
)

// shared is a stage whose two telephones are both of line 1.
func shared(t *testing.T) *stage {
	t.Helper()
	return begin(t, site.Options{Lines: 2}, setting{"port2", "line", 1}, setting{"port2", "call_waiting_caller_id", 0}, setting{"port1", "call_waiting_caller_id", 0})
}

// Both ring, and are lifted in the same moment: one has the call, the other a tone that asks to hang up.
func TestBothAreLifted(t *testing.T) {
	s := shared(t)
	for n := 1; n <= 2; n++ {
		s.Phones[n].Close()
		s.plugged(n, func(p *phone.Phone) { p.AnswerAtOnce = true })
	}
	c := s.calls("602")
	if c.status != 200 {
		t.Fatalf("the call: %d", c.status)
	}
	talks, late := s.Phones[1], s.Phones[2]
	if late.ListenFor(patience/4, phone.Busy...) != nil {
		talks, late = late, talks
	}
	late.WaitTone(patience, phone.Busy...)
	talks.WaitTone(patience, voices["602"])
	if status := c.Bye(); status != 200 {
		t.Errorf("BYE: %d", status)
	}
	talks.WaitTone(patience, phone.Busy...)
	for n := 1; n <= 2; n++ {
		s.Phones[n].OnHook()
		s.Agent.WaitPort(patience, n, "idle")
	}
	s.rests()
}

// A telephone calls the number of its own line: the other one rings. They talk, are joined by 600, and
// who began it leaves.
func TestOwnNumber(t *testing.T) {
	s := shared(t)
	other := s.Phones[2]
	s.Site.Dial(1, "1001")
	other.WaitRing(patience)
	other.OffHook()
	other.Say(1250, -12)
	s.WaitTone(patience, 1250)
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("600#")
	far := s.answered(1)
	s.talks(far, voices["600"])
	s.Flash()
	s.WaitTone(patience, 1250, voices["600"])
	other.WaitTone(patience, mouth, voices["600"])
	s.hears(far, mouth, 1250)
	s.hungUp()
	s.ended(far)
	other.WaitTone(patience, phone.Busy...)
	other.OnHook()
	s.Agent.WaitPort(patience, 2, "idle")
	s.rests()
}

// All are in use, and one call waits for each: the next caller is told so.
func TestEverybodyTalks(t *testing.T) {
	s := shared(t)
	s.Site.Dial(1, "600")
	first := s.answered(1)
	s.Site.Dial(2, "601")
	second := s.answered(2)
	s.Phones[2].WaitTone(patience, voices["601"])
	s.talks(first, voices["600"])
	s.Hush()

	waits := s.rings("602")
	s.waitingTone()
	if c := s.calls("603"); c.status != 486 {
		t.Errorf("another call, while one waits for both: %d, want 486", c.status)
	}
	s.Phones[2].Flash() // takes it
	c := <-waits
	s.Phones[2].WaitTone(patience, voices["602"])
	s.talks(first, voices["600"])
	s.Phones[2].OnHook()
	s.ended(c.Call)
	s.Phones[2].WaitRing(patience) // for the one it had put aside
	s.Phones[2].OffHook()
	s.Phones[2].WaitTone(patience, voices["601"])
	s.Phones[2].OnHook()
	s.ended(second)
	s.hungUp()
	s.ended(first)
	s.Agent.WaitPort(patience, 2, "idle")
	s.rests()
}
