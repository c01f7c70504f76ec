package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

// With flash_style = etsi a flash gives a tone, and a digit says what becomes of two calls: of the
// handset's with 601 and the held one with 600.
func TestFlashAndDigit(t *testing.T) {
	for _, tt := range []struct {
		what, digit string
		becomes     func(s *stage, held, second *farend.Call, refers <-chan wire.Message)
	}{
		{"the held one ends", "0", func(s *stage, held, second *farend.Call, _ <-chan wire.Message) {
			s.ended(held)
			s.last(second)
		}},
		{"the handset's ends", "1", func(s *stage, held, second *farend.Call, _ <-chan wire.Message) {
			s.ended(second)
			s.last(held)
		}},
		{"exchanged", "2", func(s *stage, held, second *farend.Call, _ <-chan wire.Message) {
			s.put(second, 1, "sendonly")
			s.talks(held, voices["600"])
			s.silent(second)
			s.digit("1")
			s.ended(held)
			s.last(second)
		}},
		{"conference", "3", func(s *stage, held, second *farend.Call, _ <-chan wire.Message) {
			s.Say(mouth, -12)
			s.WaitTone(patience, voices["600"], voices["601"])
			s.hears(held, mouth, voices["601"])
			s.hears(second, mouth, voices["600"])
			s.digit("2") // the first is held again
			s.talks(second, voices["601"])
			s.silent(held)
			s.digit("0")
			s.ended(held)
			s.last(second)
		}},
		{"connected with each other", "4", func(s *stage, held, second *farend.Call, refers <-chan wire.Message) {
			s.replaces(<-refers, held, second)
			s.WaitTone(patience, phone.DialTone...) // behind the confirmation
			s.hungUp()
		}},
		{"nothing", "", func(s *stage, held, second *farend.Call, _ <-chan wire.Message) {
			s.talks(second, voices["601"])
			s.silent(held)
			s.digit("9") // no command: goes on, and nobody gets it
			s.last(second)
			s.WaitRing(patience) // for the held one
			s.OffHook()
			s.last(held)
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"port1", "flash_style", "etsi"}, setting{"port1", "transfer_on_hangup", 0})
			held := s.call("600")
			s.talks(held, voices["600"])
			refers := s.refers(held)
			second := s.consult(2, "601")
			s.digit(tt.digit)
			tt.becomes(s, held, second, refers)
			if told := held.Media.Digits() + second.Media.Digits(); told != "" {
				t.Errorf("the far ends are told the keys %q", told)
			}
		})
	}
}

// digit presses the hook and then a digit. In between neither far end is heard.
func (s *stage) digit(digit string) {
	s.T.Helper()
	s.Hush()
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial(digit)
	if !netlab.Until(patience, func() bool { return s.ListenFor(0, phone.DialTone...) != nil }) {
		s.T.Fatalf("the tone goes on behind %q", digit)
	}
}

// last is the one call that is left: it goes on, and ends when the telephone is hung up.
func (s *stage) last(c *farend.Call) {
	s.T.Helper()
	s.talks(c, voices[c.Number()])
	s.OnHook()
	s.ended(c)
}

// The same while a call of 602 waits, and the handset's is with 600.
func TestFlashAndDigitWithCallWaiting(t *testing.T) {
	for _, tt := range []struct {
		what, digit string
		status      int // of the call that waits
		becomes     func(s *stage, first *farend.Call, second caller)
	}{
		{"refused", "0", 486, func(s *stage, first *farend.Call, _ caller) { s.last(first) }},
		{"the first ends", "1", 200, func(s *stage, first *farend.Call, second caller) {
			s.ended(first)
			s.talks(second.Call, voices["602"])
			s.hungUp()
			s.ended(second.Call)
		}},
		{"the first is held", "2", 200, func(s *stage, first *farend.Call, second caller) {
			s.put(first, 1, "sendonly")
			s.talks(second.Call, voices["602"])
			s.silent(first)
			s.digit("1")
			s.ended(second.Call)
			s.last(first)
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"port1", "flash_style", "etsi"}, setting{"port1", "call_waiting_caller_id", 0})
			first := s.call("600")
			s.talks(first, voices["600"])
			waits := s.rings("602")
			s.waitingTone()
			s.digit(tt.digit)
			second := <-waits
			if second.status != tt.status {
				t.Fatalf("the call that waits: %d, want %d", second.status, tt.status)
			}
			tt.becomes(s, first, second)
		})
	}
}

// waitingTone waits for the tone that tells of another call.
func (s *stage) waitingTone() {
	s.T.Helper()
	if err := s.Listen(patience, 200*time.Millisecond, 440); err != nil {
		s.T.Fatalf("no call-waiting tone: %v", err)
	}
}

// A second call that is not answered yet is given up by a flash and 1.
func TestFlashAndDigitBeforeTheAnswer(t *testing.T) {
	s := begin(t, site.Options{}, setting{"port1", "flash_style", "etsi"})
	held := s.call("600")
	s.talks(held, voices["600"])
	s.far.OnCall(func(c *farend.Call) { c.Reply(180, "Ringing") })
	s.Hush()
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("601#")
	second := s.far.WaitCall(patience, 2)
	s.WaitTone(patience, phone.Ringback...)
	s.digit("1")
	s.has(second, "CANCEL", 1)
	s.last(held)
}
