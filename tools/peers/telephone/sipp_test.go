package telephone

import (
	"fmt"
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/sipp"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
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

// Sound and keys go by the payload types that sipp has given them, and in packets as long as it
// asks for. It echoes both.
func TestFormatsOfSipp(t *testing.T) {
	for _, tt := range []struct{ format, event, ptime int }{{0, 101, 10}, {0, 96, 20}, {107, 98, 30}, {97, 127, 40}} {
		t.Run(fmt.Sprintf("%d and %d, %d ms", tt.format, tt.event, tt.ptime), func(t *testing.T) {
			t.Parallel()
			s := &stage{Site: site.New(t, site.Options{Lines: 1})}
			s.Watch.KeepRTP()
			s.Run()
			s.Phone = s.Phones[1]
			call := sipp.Call(t, s.Site.Far, "uac_formats", "10.9.0.1:5060", "1001", 1,
				"-key", "format", fmt.Sprint(tt.format), "-key", "event", fmt.Sprint(tt.event), "-key", "ptime", fmt.Sprint(tt.ptime))
			s.WaitRing(patience)
			s.OffHook()
			s.Say(mouth, -12)
			s.WaitTone(patience, mouth)
			s.Hush()
			s.Dial("5")
			if err := s.Listen(patience, 30*time.Millisecond, audio.DTMF('5')...); err != nil {
				t.Errorf("the echo of the key: %v", err)
			}
			s.Say(mouth, -12)
			s.WaitTone(patience, mouth)
			s.sent(tt.format, tt.event, tt.ptime)
			call.Passed(patience)
			s.hungUp()
			s.WellFormed()
		})
	}
}

// sent checks the packets that the device has sent: of these types alone, and the sound in pieces of
// so many milliseconds.
func (s *stage) sent(format, event, ptime int) {
	s.T.Helper()
	types := map[int]int{}
	for _, e := range s.Watch.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == s.Host.Addr }) {
		types[int(e.RTP.PayloadType)]++
		if int(e.RTP.PayloadType) == format && len(e.RTP.Payload) != 8*ptime {
			s.T.Errorf("%d octets of sound in a packet, want %d", len(e.RTP.Payload), 8*ptime)
			return
		}
	}
	if len(types) != 2 || types[format] < 10 || types[event] < 3 {
		s.T.Errorf("packets by payload type: %v, want sound by %d and keys by %d", types, format, event)
	}
}
