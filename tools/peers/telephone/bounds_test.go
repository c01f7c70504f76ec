package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
)

// An emergency is called although the line is not registered; nobody else is.
func TestEmergencyUnregistered(t *testing.T) {
	s := unregistered(t, setting{"port1", "dial_plan", "(E:611|x.)"})

	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("600#")
	s.WaitTone(patience, phone.Busy...)
	s.hungUp()
	if calls := s.far.Calls(); len(calls) != 0 {
		t.Errorf("%s was called", calls[0].Number())
	}

	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("611#")
	c := s.answered(1)
	if c.Number() != "611" {
		t.Errorf("%s was called", c.Number())
	}
	s.talks(c, voices["611"])
	s.hungUp()
	s.ended(c)
	s.WellFormed()
}

// unregistered is a stage whose line no server takes.
func unregistered(t *testing.T, settings ...setting) *stage {
	t.Helper()
	t.Parallel()
	s := &stage{Site: site.New(t, site.Options{Lines: 1, Kamailio: func(k *kamailio.Options) {
		k.Extra = map[string]string{"register": `sl_send_reply("403", "Not You"); exit;`}
	}})}
	for _, v := range settings {
		s.Config.Set(v.section, v.key, v.value)
	}
	s.far = farend.New(t, s.Site.Far, answers)
	s.Agent = agent.Start(t, s.Host, s.Config)
	s.Phone = s.Agent.Phone("p1")
	s.Phones[1] = s.Phone
	s.Agent.WaitLine(patience, 1, "refused", func(l agent.Line) bool { return l.State == "failed" })
	return s
}

// Who was called for help may call back, although nobody is to disturb the telephone; and who
// has hidden the number does not hide it there.
func TestEmergencyCallback(t *testing.T) {
	s := begin(t, site.Options{}, setting{"port1", "dial_plan", "(E:611|x.)"})
	s.code("*78")
	if c := s.calls("611"); c.status != 486 {
		t.Errorf("before there was an emergency: %d, want 486", c.status)
	}
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.presses("*67")
	s.Dial("611#")
	c := s.answered(2)
	if c.Invite().Get("Privacy") != "" {
		t.Errorf("the emergency call hides its number: %s", c.Invite().Get("From"))
	}
	s.talks(c, voices["611"])
	s.Flash() // does nothing
	s.Hold(s.Heard, time.Second)
	s.talks(c, voices["611"])
	if n := len(c.Got("INVITE")); n != 0 {
		t.Errorf("a flash has held the emergency call")
	}
	s.hungUp()
	s.ended(c)

	back := s.lifted("611")
	s.talks(back, voices["611"])
	s.hungUp()
	s.ended(back)
}

// What a line may not call is not called: reorder tone, and a word in the log.
func TestBounds(t *testing.T) {
	s := begin(t, site.Options{Lines: 2}, setting{"sip1", "max_calls", 1}, setting{"sip1", "block_prefixes", "690"}, setting{"port2", "line", 1})
	s.Site.Dial(1, "6901")
	s.refused(1, s.Phone)
	s.hungUp()

	c := s.call("600")
	s.talks(c, 1000)
	s.Site.Dial(2, "601")
	s.refused(2, s.Phones[2])
	s.Phones[2].OnHook()
	s.Agent.WaitPort(patience, 2, "idle")
	s.talks(c, 1000)
	s.hungUp()
	s.ended(c)

	s.Site.Dial(2, "601")
	second := s.answered(2)
	s.Phones[2].WaitTone(patience, 1400)
	s.Phones[2].OnHook()
	s.ended(second)
	if n := len(s.far.Calls()); n != 2 {
		t.Errorf("%d calls came to the far end, want the two that were permitted", n)
	}
}

// A line makes so many calls an hour, not counting those that were refused; emergency calls go on.
func TestCallsAnHour(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip1", "max_calls_per_hour", 2}, setting{"sip1", "block_prefixes", "690"}, setting{"port1", "dial_plan", "(E:611|x.)"})
	s.Site.Dial(1, "6901")
	s.refused(1, s.Phone)
	s.hungUp()
	for _, number := range []string{"600", "601"} {
		c := s.call(number)
		s.talks(c, voices[number])
		s.hungUp()
		s.ended(c)
	}
	s.Site.Dial(1, "602")
	s.refused(2, s.Phone)
	s.hungUp()
	c := s.call("611")
	s.talks(c, voices["611"])
	s.hungUp()
	s.ended(c)
}

// refused waits until a telephone hears that its call was not permitted, for the n-th time.
func (s *stage) refused(n int, p *phone.Phone) {
	s.T.Helper()
	p.WaitTone(patience, phone.Busy...)
	if !netlab.Until(patience, func() bool { return bursts(p.Heard(2*time.Second)) >= 3 }) {
		s.T.Errorf("%d bursts in 2 s, want those of reorder tone", bursts(p.Heard(2*time.Second)))
	}
	if got := len(s.Agent.LogLines("call not permitted")); got != n {
		s.T.Errorf("%d calls are logged as not permitted, want %d", got, n)
	}
}
