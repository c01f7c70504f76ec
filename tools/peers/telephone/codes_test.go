package telephone

import (
	"strings"
	"testing"

	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
)

// begins lifts the receiver, dials a code that has a dial tone of its own, and behind it a number.
func (s *stage) begins(code, number string) {
	s.T.Helper()
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.presses(code)
	s.Dial(number + "#")
}

// Calls that are not announced: in the call behind *70, in every one behind *50, until *51.
func TestNoCallWaiting(t *testing.T) {
	s := begin(t, site.Options{}, setting{"port1", "call_waiting_caller_id", 0})
	for _, tt := range []struct {
		before string
		once   bool
		waits  bool
	}{{"*70", true, false}, {"", true, true}, {"*50", false, false}, {"", true, false}, {"*51", false, true}} {
		if !tt.once {
			s.code(tt.before)
		}
		n := len(s.far.Calls()) + 1
		if tt.once && tt.before != "" {
			s.begins(tt.before, "600")
		} else {
			s.Site.Dial(1, "600")
		}
		c := s.answered(n)
		s.talks(c, voices["600"])
		if tt.waits {
			waits := s.rings("602")
			s.waitingTone()
			s.far.Calls()[n].Cancel()
			<-waits
		} else if another := s.calls("602"); another.status != 486 {
			t.Errorf("behind %q another call: %d, want 486", tt.before, another.status)
		}
		s.hungUp()
		s.ended(c)
	}
}

// No call shows the number behind *30, but one behind *82; all do behind *31.
func TestNumberHiddenForGood(t *testing.T) {
	s := begin(t, site.Options{})
	for n, tt := range []struct {
		setting, once string
		hidden        bool
	}{{"*30", "", true}, {"", "*82", false}, {"", "", true}, {"*31", "", false}, {"", "*67", true}} {
		if tt.setting != "" {
			s.code(tt.setting)
		}
		if tt.once != "" {
			s.begins(tt.once, "600")
		} else {
			s.Site.Dial(1, "600")
		}
		c := s.answered(n + 1)
		if from := c.Invite().Get("From"); strings.Contains(from, "1001") == tt.hidden || strings.Contains(from, "anonymous") != tt.hidden {
			t.Errorf("call %d is from %s, hidden is to be %v", n+1, from, tt.hidden)
		}
		s.hungUp()
		s.ended(c)
	}
}

// Numbers that the device knows: the last one again, one of the short numbers, the mailbox.
func TestKnownNumbers(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip1", "voice_message_number", "603"})
	c := s.call("601")
	s.hungUp()
	s.ended(c)
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.presses("*74")
	s.presses("2600#")
	s.hungUp()

	for n, tt := range []struct{ code, number string }{{"*07", "601"}, {"*752", "600"}, {"*97", "603"}} {
		s.OffHook()
		s.WaitTone(patience, phone.DialTone...)
		s.Dial(tt.code)
		c := s.answered(n + 2)
		if c.Number() != tt.number {
			t.Errorf("%s calls %s, want %s", tt.code, c.Number(), tt.number)
		}
		s.talks(c, voices[tt.number])
		s.hungUp()
		s.ended(c)
	}
}

// Who has hidden cannot be called back.
func TestCallReturnToNobody(t *testing.T) {
	s := begin(t, site.Options{})
	s.givesUp("602", "Privacy: id", "P-Asserted-Identity: <sip:602@10.9.0.1>")
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("*69")
	s.WaitTone(patience, phone.Busy...)
	s.hungUp()
	if n := len(s.far.Calls()); n != 1 {
		t.Errorf("%d calls, want none back", n)
	}
}

// Codes may be the server's, others, or none.
func TestWhoseCodes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		setting setting
		number  string // that is called; else reorder tone
	}{
		{"server", setting{"port1", "star_codes", "server"}, "*72601"},
		{"off", setting{"port1", "star_codes", "off"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t, site.Options{Kamailio: func(k *kamailio.Options) {
				k.Extra["invite"] += `
				if ($rU =~ "^\*") {
					record_route();
					$ru = "sip:" + $rU + "@10.9.0.20:5060";
					t_relay();
					exit;
				}`
			}}, tt.setting)
			s.Site.Dial(1, "*72601")
			if tt.number == "" {
				s.WaitTone(patience, phone.Busy...)
			} else if c := s.answered(1); c.Number() != tt.number {
				t.Errorf("%s is called, want %s", c.Number(), tt.number)
			}
			s.hungUp()
			if f := s.features(); f.ForwardAll != nil {
				t.Errorf("calls are forwarded to %s", *f.ForwardAll)
			}
		})
	}
	t.Run("others", func(t *testing.T) {
		s := begin(t, site.Options{}, setting{"port1", "star_code_table", "dnd=*21,dnd_off=#21"})
		s.code("*21")
		if c := s.calls("602"); c.status != 486 {
			t.Errorf("behind *21: %d, want 486", c.status)
		}
		s.code("#21")
		s.givesUp("602")
	})
}
