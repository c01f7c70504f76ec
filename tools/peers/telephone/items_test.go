package telephone

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/tshark"
	"tipring/tools/peers/wire"
)

// The items of the document's page Basic Settings that have no test of their own elsewhere.

// Calls that nobody answered are listed, unless the line keeps none.
func TestMissedCalls(t *testing.T) {
	for _, kept := range []int{1, 0} {
		t.Run(fmt.Sprint(kept), func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"sip1", "enable_missed_call_log", kept})
			c := s.lifted("603")
			s.hungUp()
			s.ended(c)
			s.givesUp("602")
			var missed []struct {
				Line   int    `json:"line"`
				Number string `json:"number"`
			}
			if !netlab.Until(patience, func() bool {
				return s.Agent.Get("/api/v1/missed", &missed) == nil && len(missed) == kept
			}) || kept == 1 && (missed[0].Line != 1 || missed[0].Number != "602") {
				t.Errorf("missed: %+v", missed)
			}
		})
	}
}

// The line's own do-not-disturb, by its settings.
func TestLineNotToBeDisturbed(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip1", "enable_dnd", 1})
	if c := s.calls("602"); c.status != 486 {
		t.Errorf("a call: %d, want 486", c.status)
	}
	c := s.call("600")
	s.talks(c, voices["600"])
	s.hungUp()
	s.ended(c)
}

// Calls go out of a line that is not registered, when they may.
func TestDialWithoutRegistered(t *testing.T) {
	for _, may := range []int{0, 1} {
		t.Run(fmt.Sprint(may), func(t *testing.T) {
			s := unregistered(t, setting{"sip1", "dial_without_registered", may})
			s.Site.Dial(1, "600")
			if may == 0 {
				s.WaitTone(patience, phone.Busy...)
			} else {
				s.talks(s.answered(1), voices["600"])
			}
			s.hungUp()
			if n := len(s.far.Calls()); n != may {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// The port of a server that is not the usual one is written into addresses, or is not.
func TestRequestWithPort(t *testing.T) {
	for with, want := range []string{"sip:10.9.0.1", "sip:10.9.0.1:5051"} {
		t.Run(fmt.Sprint(with), func(t *testing.T) {
			s := begin(t, site.Options{Transport: "tls", Port: 5051}, setting{"sip1", "request_with_port", with})
			for _, r := range s.K.Received() {
				if uri, _, _ := strings.Cut(r.URI, ";"); r.Method == "REGISTER" && uri != want {
					t.Errorf("REGISTER %s, want %s", r.URI, want)
				}
			}
		})
	}
}

// A line that is bound to a network interface sends through that one alone.
func TestBoundToAnInterface(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip1", "use_vpn", "eth0"})
	c := s.call("600")
	s.talks(c, voices["600"])
	s.hungUp()
	s.ended(c)

	s = &stage{Site: site.New(t, site.Options{Lines: 1})}
	if out, err := s.Host.Run("ip", "link", "add", "vpn0", "type", "veth", "peer", "name", "vpn1"); err != nil {
		t.Fatalf("vpn0: %v %s", err, out)
	}
	if out, err := s.Host.Run("ip", "link", "set", "vpn0", "up"); err != nil {
		t.Fatalf("vpn0: %v %s", err, out)
	}
	s.Config.Set("sip1", "use_vpn", "vpn0")
	from := time.Now()
	s.Agent = agent.Start(t, s.Host, s.Config)
	if !netlab.Holds(2*time.Second, func() bool {
		return s.Agent.Line(1).State != "registered" && len(s.Watch.Since(from, func(e wire.Event) bool { return e.Method == "REGISTER" && e.Src.Addr() == s.Host.Addr })) == 0
	}) {
		t.Errorf("a line of another interface: %v", s.Agent.Line(1))
	}
}

// A text is answered and shown.
func TestTextMessage(t *testing.T) {
	s := begin(t, site.Options{})
	res := s.far.Ask(s.server(), "1001", "MESSAGE", []string{"Content-Type: text/plain"}, "Back at five.")
	if res == nil || res.Status != 200 {
		t.Fatalf("MESSAGE: %v", res)
	}
	var messages []struct {
		Line int    `json:"line"`
		Kind string `json:"kind"`
		Text string `json:"text"`
	}
	if err := s.Agent.Get("/api/v1/messages", &messages); err != nil || len(messages) != 1 || messages[0].Line != 1 || messages[0].Kind != "text" || messages[0].Text != "Back at five." {
		t.Errorf("messages: %+v, %v", messages, err)
	}
}

// Sound that comes from elsewhere is not heard, and does not draw the call's away; what is sent is marked
// as both kinds of packets are to be; and the record of the call tells how good it was.
func TestForeignSound(t *testing.T) {
	s := begin(t, site.Options{}, setting{"sip", "sip_dscp", 40})
	s.Watch.KeepRTP()
	c := s.call("600")
	s.talks(c, voices["600"])
	stranger := farend.NewMedia(t, s.Lan.Host("stranger", 66))
	stranger.Say(2000, -3)
	stranger.Direct(c.Invite().Body)
	from := time.Now()
	if !netlab.Until(patience, func() bool {
		return len(s.Watch.Since(from, func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == stranger.Addr.Addr() })) > 150
	}) {
		t.Error("the stranger says nothing")
	}
	for at, pcm := 0, s.Heard(3*time.Second); at+1600 <= len(pcm); at += 1600 {
		if err := phone.Sounds(pcm[at:at+1600], voices["600"]); err != nil {
			t.Errorf("the telephone hears something else: %v", err)
			break
		}
	}
	s.talks(c, voices["600"])
	if n := stranger.Packets(); n != 0 {
		t.Errorf("the stranger was sent %d packets", n)
	}
	s.hungUp()
	s.ended(c)
	if q := s.Agent.Calls()[0].Quality; q == nil || q.LossPct != 0 || q.MOS < 4 || q.MOS > 4.5 {
		t.Errorf("quality: %+v", q)
	}
	for filter, want := range map[string]string{"sip": "40", "rtp": "46"} {
		rows := tshark.Of(t, s.Watch).Fields(filter+" && !icmp && ip.src == 10.9.0.10", "ip.dsfield.dscp")
		for _, row := range rows {
			if row[0] != want {
				t.Errorf("a packet of %s is marked %s, want %s", filter, row[0], want)
				break
			}
		}
		if len(rows) < 3 {
			t.Errorf("%d packets of %s", len(rows), filter)
		}
	}
}
