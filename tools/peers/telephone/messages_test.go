package telephone

import (
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/sipp"
	"tipring/tools/peers/site"
	"tipring/tools/peers/spandsp"
)

// told waits for data about messages that wait, for the n-th time.
func (s *stage) told(n int, octets string) {
	s.T.Helper()
	// The loop is open for a moment, then there is data, then silence.
	begin := s.WaitChange(patience, phone.Power, 0, n).Sample
	if !netlab.Until(patience, func() bool {
		pcm := s.Heard(time.Hour)
		return len(pcm)-begin > 2*audio.Rate && audio.Power(pcm[begin:]) > -40 && audio.Power(pcm[len(pcm)-audio.Rate:]) < silence
	}) {
		s.T.Fatalf("no data about messages")
	}
	got, err := spandsp.CallerID("class", s.Heard(time.Hour)[begin:])
	if err != nil || len(got) != 1 || len(got[0]) != 2 || got[0][0].Type != 0x82 || got[0][1] != (spandsp.Field{Type: 0x0B, Octets: octets}) {
		s.T.Errorf("messages: %q, %v, want %q", got, err, octets)
	}
}

// stutters lifts the receiver: dial tone begins with ten bursts while messages wait.
func (s *stage) stutters(messages bool) {
	s.T.Helper()
	want := map[bool]int{false: 1, true: 11}[messages]
	before := len(s.Heard(time.Hour)) - 160
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	if n := bursts(s.Heard(time.Hour)[before:]); n != want {
		s.T.Errorf("dial tone begins %d times, want %d", n, want)
	}
	s.hungUp()
}

// lamp reports whether the lamp is lit.
func (s *stage) lamp() (lit bool) {
	for _, c := range s.Changes() {
		if c.Type == phone.Lamp {
			lit = c.Value == 1
		}
	}
	return lit
}

// Messages that wait at the server light the lamp, make the dial tone stutter, and are told to
// telephones with a display.
func TestMessages(t *testing.T) {
	s := begin(t, site.Options{})
	summary := func(waiting string) {
		t.Helper()
		res := s.far.Ask(s.server(), "1001", "NOTIFY", []string{
			"Event: message-summary", "Subscription-State: active", "Content-Type: application/simple-message-summary",
		}, "Messages-Waiting: "+waiting+"\r\nMessage-Account: sip:1001@10.9.0.1\r\n")
		if res == nil || res.Status != 200 {
			t.Fatalf("NOTIFY: %v", res)
		}
	}
	summary("yes")
	s.WaitChange(patience, phone.Lamp, 1, 1)
	s.told(1, "\xff")
	s.stutters(true)

	summary("no")
	if !netlab.Until(patience, func() bool { return !s.lamp() }) {
		t.Error("the lamp is lit still")
	}
	s.told(2, "\x00")
	s.stutters(false)
	s.WellFormed()
}

// The line asks for that news itself, of a mailbox which is another program behind kamailio: it
// subscribes, hears of the messages in that dialog, and takes the subscription back when it is to.
func TestSubscribedMessages(t *testing.T) {
	t.Parallel()
	s := &stage{Site: site.New(t, site.Options{Lines: 1, Algorithm: "MD5", Kamailio: func(k *kamailio.Options) {
		k.Extra = map[string]string{"subscribe": `if (!pv_proxy_authenticate("tipring.test", "pw$fU", "0")) {
			auth_challenge("tipring.test", "1");
			exit;
		}
		consume_credentials();
		record_route();
		$ru = "sip:" + $rU + "@10.9.0.20:5060";
		t_relay();
		exit;`}
	}})}
	s.Config.Set("sip1", "subscribe_for_voice_message", 1)
	mailbox := sipp.Serve(t, s.Site.Far, "uas_mailbox", 1)
	s.Run()
	s.Phone = s.Phones[1]
	s.WaitChange(patience, phone.Lamp, 1, 1)
	s.told(1, "\xff")
	s.stutters(true)
	s.WaitChange(patience, phone.Lamp, 0, 1)
	s.told(2, "\x00")
	s.stutters(false)

	s.Config.Set("sip1", "subscribe_for_voice_message", 0)
	s.Agent.Write(s.Config.String())
	s.Agent.Reload()
	mailbox.Passed(patience)
	s.WellFormed()
}
