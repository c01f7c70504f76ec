package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/farend"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/spandsp"
)

// A flash holds the far end, which then hears nothing, and gives dial tone; another takes it back.
func TestHold(t *testing.T) {
	s := begin(t, site.Options{})
	c := s.call("600")
	s.talks(c, 1000)

	s.press(300 * time.Millisecond)
	s.put(c, 1, "sendonly")
	s.WaitTone(patience, phone.DialTone...)
	s.silent(c)
	if p := s.Agent.Port(1); p.Call != nil {
		t.Errorf("the call of the handset while one is held: %v", *p.Call)
	}

	s.Flash()
	s.put(c, 2, "sendrecv")
	s.talks(c, 1000)
	s.hungUp()
	s.ended(c)
	s.WellFormed()
}

// press opens the loop for a moment.
func (s *stage) press(open time.Duration) {
	s.T.Helper()
	s.OnHook()
	s.Hold(s.Heard, open)
	s.OffHook()
}

// A call that comes in is announced to who talks, with its number and name. A flash
// answers it, and holds the first; each further one exchanges them.
func TestCallWaiting(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip1", "caller_id", "pai"})
	first := s.call("600")
	s.talks(first, 1000)
	s.Hush()

	waits := s.rings("602", `P-Asserted-Identity: "Anna" <sip:602@10.9.0.1>`)
	if err := s.Listen(patience, 40*time.Millisecond, 2130, 2750); err != nil {
		t.Fatalf("no alert for caller ID: %v", err)
	}
	s.Dial("D")
	s.WaitTone(patience, 1000) // the far end is heard again
	s.shown("class", s.Heard(5*time.Second), "602", "Anna")
	if heard, told := s.keys(first.Media.Heard(5*time.Second)), first.Media.Digits(); heard+told != "" {
		t.Errorf("of the telephone's answer the far end hears %q and is told %q", heard, told)
	}

	s.Flash()
	second := <-waits
	if second.status != 200 {
		t.Fatalf("the call that waited: %d", second.status)
	}
	s.put(first, 1, "sendonly")
	s.talks(second.Call, 1800)
	s.silent(first)

	s.Flash()
	s.put(second.Call, 1, "sendonly")
	s.put(first, 2, "sendrecv")
	s.talks(first, 1000)
	s.silent(second.Call)

	s.Flash()
	s.talks(second.Call, 1800)
	if status := second.Bye(); status != 200 {
		t.Errorf("BYE of the second: %d", status)
	}
	s.WaitTone(patience, phone.Busy...)
	s.Flash()
	s.talks(first, 1000)
	s.hungUp()
	s.ended(first)
}

// shown checks that samples hold one message of caller ID, as the library's receiver reads it.
func (s *stage) shown(standard string, pcm []int16, number, name string) {
	s.T.Helper()
	got, err := spandsp.CallerID(standard, pcm)
	if err != nil || len(got) != 1 {
		s.T.Fatalf("caller ID: %d messages, %v: %v", len(got), err, got)
	}
	seen := map[byte]string{}
	for _, f := range got[0] {
		seen[f.Type] = f.Octets
	}
	if standard == "dtmf" {
		if seen['A'] != number {
			s.T.Errorf("caller ID: %v, want %s", got[0], number)
		}
		return
	}
	at, err := time.ParseInLocation("01021504", seen[1], time.Local)
	now := time.Now()
	at = at.AddDate(now.Year(), 0, 0)
	if err != nil || now.Sub(at) > 2*time.Minute || at.After(now.Add(time.Minute)) {
		s.T.Errorf("caller ID of %v says %q, %v", now, seen[1], err)
	}
	if seen[2] != number || seen[7] != name {
		s.T.Errorf("caller ID: %v, want %s and %s", got[0], number, name)
	}
}

// clock is the date and time that samples of caller ID show, as month, day, hour and minute.
func (s *stage) clock(pcm []int16) string {
	s.T.Helper()
	got, err := spandsp.CallerID("class", pcm)
	if err != nil || len(got) != 1 {
		s.T.Fatalf("caller ID: %d messages, %v: %v", len(got), err, got)
	}
	for _, f := range got[0] {
		if f.Type == 1 {
			return f.Octets
		}
	}
	return ""
}

// A second number is called while the first is held; a flash joins them, and each of the three
// hears the two others. Another flash drops the second.
func TestThreeWay(t *testing.T) {
	s := begin(t, site.Options{})
	first := s.call("600")
	s.talks(first, 1000)
	second := s.consult(2, "601")
	s.silent(first)

	s.Flash()
	s.put(first, 2, "sendrecv")
	s.WaitTone(patience, 1000, 1400)
	s.hears(first, mouth, 1400)
	s.hears(second, mouth, 1000)

	s.Flash()
	s.ended(second)
	s.talks(first, 1000)
	s.hungUp()
	s.ended(first)
}

// consult holds a call and calls another number, which is the far end's n-th call.
func (s *stage) consult(n int, number string) *farend.Call {
	s.T.Helper()
	s.Hush()
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial(number + "#")
	c := s.answered(n)
	s.talks(c, voices[number])
	return c
}

// Who has dialled *23 behind the flash is joined when the second number answers; hung up,
// the conference ends, or goes on without the telephone.
func TestConferenceByCode(t *testing.T) {
	for _, ends := range []bool{true, false} {
		name, hangup := "goes on", "transfer"
		if ends {
			name, hangup = "ends", "end"
		}
		t.Run(name, func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"port1", "conference_hangup", hangup})
			first := s.call("600")
			s.talks(first, 1000)
			refers := s.refers(first)
			s.Hush()
			s.Flash()
			s.WaitTone(patience, phone.DialTone...)
			s.presses("*23")
			s.Dial("601#")
			second := s.answered(2)
			s.Say(mouth, -12)
			s.WaitTone(patience, 1000, 1400)
			s.hears(first, mouth, 1400)
			s.hears(second, mouth, 1000)
			s.OnHook()
			if !ends {
				s.replaces(<-refers, first, second)
			}
			s.ended(first)
			s.hungUp()
		})
	}
}
