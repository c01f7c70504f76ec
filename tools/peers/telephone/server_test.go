package telephone

import (
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
)

// A flash that is the server's goes there, by event or by INFO, and does nothing here; a call that waits
// is taken by it all the same, and the two are exchanged.
func TestFlashOfTheServer(t *testing.T) {
	for _, style := range []string{"rfc4733", "info"} {
		t.Run(style, func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"port1", "flash_style", style}, setting{"port1", "call_waiting_caller_id", 0})
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Flash()
			if style == "info" {
				if m := s.has(c, "INFO", 1); !strings.Contains(m.Body, "Signal=16") {
					t.Errorf("INFO: %q", m.Body)
				}
			} else if !netlab.Until(patience, func() bool { return c.Media.Digits() == "!" }) {
				t.Errorf("events %q", c.Media.Digits())
			}
			s.Hold(s.Heard, time.Second)
			s.talks(c, voices["600"])
			if n := len(c.Got("INVITE")); n != 0 {
				t.Error("the far end is held")
			}
			s.Hush()

			waits := s.rings("602")
			s.waitingTone()
			s.Flash()
			w := <-waits
			s.talks(w.Call, voices["602"])
			s.Flash()
			s.talks(c, voices["600"])
			if got := len(c.Got("INFO")) + len(c.Media.Digits()); got != 1 {
				t.Errorf("%d flashes went to the server, want the first alone", got)
			}
			s.hungUp2()
			s.rests()
		})
	}
}

// hungUp2 puts the telephone down twice: it rings for the call that is held.
func (s *stage) hungUp2() {
	s.T.Helper()
	s.OnHook()
	s.WaitRing(patience)
	s.OffHook()
	s.Hold(s.Heard, 500*time.Millisecond)
	s.hungUp()
}

// A port's own hotline goes before its line's.
func TestHotlineOfThePort(t *testing.T) {
	s := begin(t, site.Options{Lines: 2},
		setting{"sip1", "enable_hotline", 1}, setting{"sip1", "hotline_number", "600"},
		setting{"port2", "line", 1}, setting{"port2", "hotline_number", "601"}, setting{"port2", "hotline_delay", 2})
	s.OffHook()
	c := s.answered(1)
	if c.Number() != "600" {
		t.Errorf("port 1 calls %s, want 600", c.Number())
	}
	s.talks(c, voices["600"])
	p := s.Phones[2]
	p.OffHook()
	p.WaitTone(patience, phone.DialTone...)
	second := s.answered(2)
	if second.Number() != "601" {
		t.Errorf("port 2 calls %s, want 601", second.Number())
	}
	p.OnHook()
	s.ended(second)
	s.hungUp()
	s.ended(c)
	s.Agent.WaitPort(patience, 2, "idle")
	s.rests()
}

// A far end that is gone without a word: the call ends after rtp_timeout_s, but not while it is held.
func TestNoSoundAnyMore(t *testing.T) {
	s := begin(t, site.Options{}, setting{"port1", "rtp_timeout_s", 5})
	c := s.call("600")
	s.talks(c, voices["600"])
	s.Hush()
	s.Flash()
	s.put(c, 1, "sendonly")
	s.WaitTone(patience, phone.DialTone...)
	s.Hold(s.Heard, 7*time.Second)
	s.Flash()
	s.talks(c, voices["600"])
	c.Media.Pause(true)
	from := time.Now()
	s.ended(c)
	if took := time.Since(from); took < 4500*time.Millisecond || took > 8*time.Second {
		t.Errorf("the call ends after %v of silence, want 5 s", took)
	}
	s.WaitTone(patience, phone.Busy...)
	s.hungUp()
	s.rests()
}

// The telephones of a line ring one after the other, for hunt_s each.
func TestHunt(t *testing.T) {
	s := begin(t, site.Options{Lines: 2}, setting{"sip1", "hunt_s", 5}, setting{"port2", "line", 1})
	done := s.rings("602")
	s.WaitRing(patience)
	p := s.Phones[2]
	p.WaitRing(patience)
	if ms := (p.Changes()[0].At.Sub(s.rung()[0].At)).Milliseconds(); ms < 4800 || ms > 6500 {
		t.Errorf("the second rings %d ms after the first, want 5000", ms)
	}
	before := len(s.rung())
	s.Hold(s.Heard, 2500*time.Millisecond)
	if n := len(s.rung()) - before; n != 0 {
		t.Errorf("the first rings on, %d times", n)
	}
	p.OffHook()
	c := <-done
	p.WaitTone(patience, voices["602"])
	p.OnHook()
	s.ended(c.Call)
	s.Agent.WaitPort(patience, 2, "idle")
	s.rests()
}

// A telephone shows the time of a call by the zone that is set.
func TestZoneOfTheTime(t *testing.T) {
	s := begin(t, site.Options{}, setting{"device", "time_zone", "XXX-9:30"})
	done := s.rings("602")
	s.WaitChange(patience, phone.Ring, 1, 2)
	now := time.Now().UTC().Add(9*time.Hour + 30*time.Minute)
	pcm := s.Heard(time.Minute)
	if shown := s.clock(pcm); shown != now.Format("01021504") && shown != now.Add(-time.Minute).Format("01021504") {
		t.Errorf("the telephone shows %s, want %s", shown, now.Format("01021504"))
	}
	s.far.Calls()[0].Cancel()
	<-done
}

// A port without rotary dials takes no interruption of the loop for a digit.
func TestNoPulseDialling(t *testing.T) {
	s := begin(t, site.Options{}, setting{"port1", "pulse_dialling", 0}, setting{"port1", "dial_plan", "(6xxS0)"})
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.Rotary("3")
	s.Hold(s.Heard, 2*time.Second)
	s.Dial("601")
	c := s.answered(1)
	if c.Number() != "601" {
		t.Errorf("%s is called", c.Number())
	}
	s.talks(c, voices["601"])
	s.Hush()
	s.silent(c)
	before := len(c.Media.Heard(time.Hour))
	s.Rotary("1") // nor in a call
	s.Hold(s.Heard, 1500*time.Millisecond)
	if told, level := c.Media.Digits(), audio.Power(c.Media.Heard(time.Hour)[before:]); told != "" || level > silence {
		t.Errorf("the far end is told %q, and hears %.1f dBm0", told, level)
	}
	s.talks(c, voices["601"])
	s.hungUp()
	s.ended(c)
}
