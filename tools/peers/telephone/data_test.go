package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
)

// The far end's own sound comes back from the hybrid; the canceller takes it away. Behind the answer
// tone of a modem it does not any more, and keys are sent as what they sound like.
func TestDataMode(t *testing.T) {
	s := stageWithHybrid(t)
	c := s.call("600")
	s.echo(c, -99, -36)
	c.Media.Play(plain()) // of a fax machine: nothing changes
	s.WaitTone(patience, 2100)
	s.echo(c, -99, -36)
	if n := len(s.Agent.LogLines("the call carries data")); n != 0 {
		t.Errorf("data mode behind 2100 Hz without reversals")
	}

	c.Media.Play(reversing())
	if !netlab.Until(patience, func() bool { return len(s.Agent.LogLines("the call carries data")) == 1 }) {
		t.Fatal("the device hears no modem")
	}
	s.echo(c, -20, -12) // 6 dB below what it says

	before := len(c.Media.Heard(time.Hour))
	c.Media.Say(1000, -90)
	s.Dial("159#")
	if !netlab.Until(patience, func() bool {
		return s.keys(c.Media.Heard(time.Hour)[before:]) == "159#"
	}) {
		t.Error("the keys are not in what the far end hears")
	}
	if got := c.Media.Digits(); got != "" {
		t.Errorf("keys as events: %s", got)
	}
	s.hungUp()
	s.ended(c)

	// The next call is one for people again.
	c = s.call("601")
	c.Media.Say(1000, -10)
	s.echo(c, -99, -36)
	s.hungUp()
	s.ended(c)
}

// stageWithHybrid is a stage whose telephone gives back half of what it hears.
func stageWithHybrid(t *testing.T) *stage {
	t.Helper()
	s := begin(t, site.Options{})
	s.Phone.Close()
	s.plugged(1, func(p *phone.Phone) { p.Hybrid = true })
	return s
}

// echo waits until so much comes back to the far end, in dBm0, of the 1000 Hz that it says at -10 dBm0.
func (s *stage) echo(c *farend.Call, low, high float64) {
	s.T.Helper()
	s.WaitTone(patience, 1000)
	level := 0.0
	if !netlab.Until(patience, func() bool {
		level = audio.Level(c.Media.Heard(200*time.Millisecond), 1000)
		return level >= low && level <= high && s.ListenFor(0, 1000) == nil
	}) {
		s.T.Errorf("the echo is at %.1f dBm0, want %.1f to %.1f", level, low, high)
	}
}

// plain is the answer tone of a fax machine (ITU-T T.30), reversing that of a modem: its
// phase is reversed every 450 ms (ITU-T V.25).
func plain() []int16 { return audio.Sine(2100, -12, 2*audio.Rate) }

func reversing() []int16 {
	pcm := audio.Sine(2100, -12, 3*audio.Rate)
	for i := range pcm {
		if i/(audio.Rate*450/1000)%2 == 1 {
			pcm[i] = -pcm[i]
		}
	}
	return pcm
}
