package telephone

import (
	"fmt"
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/baresip"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/site"
	"tipring/tools/peers/spandsp"
	"tipring/tools/peers/wire"
)

// Keys that are pressed in a call with baresip, and those that it presses, by every dtmf_type and
// with every codec. Calls without keys, and with SRTP, are in package calls.
func TestKeysWithBaresip(t *testing.T) {
	for _, tt := range []struct {
		dtmf, codec string
		told        bool   // as keys; else they are heard
		pressed     string // by baresip, which knows RFC 4733 alone
	}{
		{"auto", "pcmu", true, "27"},
		{"rfc4733", "pcma", true, "27"},
		{"info", "g722", true, ""},
		{"inband", "pcmu", false, ""},
	} {
		t.Run(tt.dtmf+" "+tt.codec, func(t *testing.T) {
			s := begin(t, site.Options{Codecs: tt.codec, Algorithm: "MD5"}, setting{"sip1", "dtmf_type", tt.dtmf}, setting{"sip1", "dtmf_sip_info_mode", "*/#"})
			module := "g711"
			if tt.codec == "g722" {
				module = "g722"
			}
			b := baresip.Start(t, s.Lan.Host("baresip", 30), baresip.Options{
				Accounts: []string{baresip.Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60)},
				Freq:     800, Codecs: []string{module},
			})
			b.WaitRegistered(patience, 1)

			s.Site.Dial(1, "2001")
			b.Wait(patience, "CALL_ESTABLISHED", 1)
			s.WaitTone(patience, 800)
			s.Say(1200, -12)
			s.Hold(s.Heard, time.Second)
			s.Hush()
			const keys = "159#*0"
			s.Dial(keys)
			s.Hold(s.Heard, 1200*time.Millisecond)
			if tt.told && !netlab.Until(patience, func() bool { return b.Digits() == keys }) {
				t.Errorf("baresip was told %q, want %q", b.Digits(), keys)
			}
			for _, key := range tt.pressed {
				b.Command("sndcode", string(key))
				if err := s.Listen(patience, 30*time.Millisecond, audio.DTMF(byte(key))...); err != nil {
					t.Errorf("baresip's key %c is not heard: %v", key, err)
				}
			}
			s.WaitTone(patience, 800)
			s.hungUp()
			b.Wait(patience, "CALL_CLOSED", 1)
			s.Recorded(b, 1200)
			want, heard := map[bool]string{false: keys}[tt.told], ""
			if !netlab.Until(patience, func() bool {
				heard = s.keys(b.Heard())
				return heard == want
			}) {
				t.Errorf("in baresip's recording are the keys %q, want %q", heard, want)
			}
			if !tt.told && b.Digits() != "" {
				t.Errorf("baresip was told %q", b.Digits())
			}
			s.WellFormed()
		})
	}
}

// Packets of every length that baresip wants, with each codec. It sends the like itself.
func TestPacketTimesOfBaresip(t *testing.T) {
	for _, tt := range []struct {
		ptime int
		codec string
	}{{10, "pcmu"}, {20, "g722"}, {30, "pcma"}, {40, "pcmu"}} {
		t.Run(fmt.Sprintf("%d ms %s", tt.ptime, tt.codec), func(t *testing.T) {
			s := begin(t, site.Options{Codecs: tt.codec})
			s.Watch.KeepRTP()
			module := "g711"
			if tt.codec == "g722" {
				module = "g722"
			}
			b := baresip.Start(t, s.Lan.Host("baresip", 30), baresip.Options{
				Accounts: []string{baresip.Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60, fmt.Sprintf("ptime=%d", tt.ptime))},
				Freq:     800, Codecs: []string{module},
			})
			b.WaitRegistered(patience, 1)
			b.Command("dial", "1001")
			s.WaitRing(patience)
			s.OffHook()
			b.Wait(patience, "CALL_ESTABLISHED", 1)
			s.WaitTone(patience, 800)
			s.Say(1200, -12)
			s.Hold(s.Heard, time.Second)
			s.WaitTone(patience, 800)
			s.hungUp()
			b.Wait(patience, "CALL_CLOSED", 1)
			s.Recorded(b, 1200)
			s.packets(b, tt.ptime)
		})
	}
}

// The line's own packet time is asked of baresip, which keeps to it.
func TestOwnPacketTime(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip1", "ptime_ms", 40})
	s.Watch.KeepRTP()
	b := baresip.Start(t, s.Lan.Host("baresip", 30), baresip.Options{
		Accounts: []string{baresip.Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60)}, Freq: 800,
	})
	b.WaitRegistered(patience, 1)
	s.Site.Dial(1, "2001")
	s.WaitTone(patience, 800)
	s.Say(1200, -12)
	s.Hold(s.Heard, time.Second)
	s.hungUp()
	b.Wait(patience, "CALL_CLOSED", 1)
	s.Recorded(b, 1200)
	s.packets(b, 40)
}

// packets checks that what the device and baresip have sent of sound is in pieces of so many milliseconds.
func (s *stage) packets(b *baresip.Baresip, ptime int) {
	s.T.Helper()
	for _, host := range []*netlab.Host{s.Host, b.Host()} {
		lengths := map[int]int{}
		for _, e := range s.Watch.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == host.Addr }) {
			lengths[len(e.RTP.Payload)]++
		}
		if len(lengths) != 1 || lengths[8*ptime] == 0 {
			s.T.Errorf("%s sends packets by octets of sound: %v, want %d", host.Name, lengths, 8*ptime)
		}
	}
}

// What a far end presses is heard by the telephone when it comes in the sound, too: once each. One is a
// script, the other baresip.
func TestKeysInSound(t *testing.T) {
	s := begin(t, site.Options{})
	c := s.call("600")
	s.talks(c, 1000)
	s.Hush()
	keys, err := spandsp.SendDTMF("159#*0", 70, 70)
	if err != nil {
		t.Fatal(err)
	}
	c.Media.Say(1000, -90)
	c.Media.Play(keys)
	s.Hold(s.Heard, time.Second)
	heard := ""
	if !netlab.Until(patience, func() bool {
		heard = s.keys(s.Heard(3 * time.Second))
		return heard == "159#*0"
	}) {
		t.Errorf("the telephone hears %q", heard)
	}
	s.hungUp()
	s.ended(c)
}

func TestKeysInSoundOfBaresip(t *testing.T) {
	s := begin(t, site.Options{})
	keys, err := spandsp.SendDTMF("159#*0", 70, 70)
	if err != nil {
		t.Fatal(err)
	}
	b := baresip.Start(t, s.Lan.Host("baresip", 30), baresip.Options{
		Accounts: []string{baresip.Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60)},
		Freq:     800, Says: append(make([]int16, audio.Rate), keys...),
	})
	b.WaitRegistered(patience, 1)
	b.Command("dial", "1001")
	s.WaitRing(patience)
	s.OffHook()
	s.WaitTone(patience, 800)
	if heard := s.keys(s.Heard(5 * time.Second)); heard != "159#*0" {
		t.Errorf("the telephone hears %q", heard)
	}
	s.hungUp()
	b.Wait(patience, "CALL_CLOSED", 1)
}

// keys are those in samples, as the library hears them.
func (s *stage) keys(pcm []int16) string {
	s.T.Helper()
	keys, err := spandsp.HearDTMF(pcm)
	if err != nil {
		s.T.Errorf("%v", err)
	}
	return keys
}
