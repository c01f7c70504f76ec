package telephone

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/baresip"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

// refers has a far end accept to be sent to somebody else, and tells by which REFER.
func (s *stage) refers(c *farend.Call) <-chan wire.Message {
	asked := make(chan wire.Message, 1)
	c.Intercept(func(m *wire.Message, from netip.AddrPort) bool {
		if m.Method != "REFER" {
			return false
		}
		c.Respond(m, from, 202, "Accepted", "")
		asked <- *m
		return true
	})
	return asked
}

// follows has a far end call where it was sent to. The two then hear each other.
func (s *stage) follows(refer wire.Message) (to string, call, other *farend.Call) {
	s.T.Helper()
	n := len(s.far.Calls())
	to, call = s.goes(refer)
	other = s.answered(n + 2)
	s.hears(call, voices[to])
	s.hears(other, 1000)
	return to, call, other
}

// goes has a far end call where it was sent to.
func (s *stage) goes(refer wire.Message) (to string, call *farend.Call) {
	s.T.Helper()
	address, query, _ := strings.Cut(strings.TrimPrefix(strings.Trim(refer.Get("Refer-To"), "<>"), "sip:"), "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		s.T.Errorf("Refer-To: %s: %v", refer.Get("Refer-To"), err)
	}
	var headers []string
	for name, value := range values {
		headers = append(headers, name+": "+value[0])
	}
	call, status := s.far.DialWith(s.server(), address, patience, func(c *farend.Call) string {
		c.User = "600"
		return c.Media.Offer()
	}, headers...)
	if status != 200 {
		s.T.Fatalf("the transferred call to %s: %d", address, status)
	}
	to, _, _ = strings.Cut(address, "@")
	return to, call
}

// notify tells how a transfer goes (RFC 3515 section 2.4.5).
func (s *stage) notify(c *farend.Call, status, state string) {
	s.T.Helper()
	if code := c.Request("NOTIFY", []string{
		"Event: refer", "Subscription-State: " + state, "Content-Type: message/sipfrag;version=2.0",
		fmt.Sprintf("Contact: <sip:far@%s>", s.far.Addr),
	}, "SIP/2.0 "+status+"\r\n"); code != 200 {
		s.T.Errorf("NOTIFY of %s: %d", status, code)
	}
}

const over = "terminated;reason=noresource"

// blind sends the far end of a call to 601 and returns the REFER.
func (s *stage) blind(c *farend.Call) wire.Message {
	s.T.Helper()
	asked := s.refers(c)
	s.Hush()
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.presses("*98")
	s.Dial("601#")
	select {
	case m := <-asked:
		return m
	case <-s.T.Context().Done():
		return wire.Message{}
	}
}

// Behind a flash *98 sends the far end to a number: the telephone hears how that goes, and is
// out of it.
func TestBlindTransfer(t *testing.T) {
	s := begin(t, site.Options{})
	c := s.call("600")
	s.talks(c, 1000)
	refer := s.blind(c)
	s.notify(c, "180 Ringing", "active;expires=60")
	s.WaitTone(patience, phone.Ringback...)
	if to, _, _ := s.follows(refer); to != "601" {
		t.Errorf("the far end was sent to %s, want 601", to)
	}
	s.notify(c, "200 OK", over)
	s.ended(c)
	s.WaitTone(patience, phone.DialTone...)
	s.hungUp()
	s.WellFormed()
}

// baresip, which is nobody's script, is sent to another number.
func TestBlindTransferOfBaresip(t *testing.T) {
	s := begin(t, site.Options{})
	b := baresip.Start(t, s.Lan.Host("baresip", 30), baresip.Options{
		Accounts: []string{baresip.Account("2001", "10.9.0.1", "udp", kamailio.Password("2001"), 60)}, Freq: 800,
	})
	b.WaitRegistered(patience, 1)
	s.Site.Dial(1, "2001")
	s.WaitTone(patience, 800)
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.presses("*98")
	s.Dial("601#")
	c := s.answered(1)
	s.hears(c, 800)
	s.WaitTone(patience, phone.DialTone...)
	s.hungUp()
}

// A transfer that comes to nothing: a telephone that waits has its call back at once, one that
// was put down rings for it.
func TestTransferFails(t *testing.T) {
	for _, waits := range []bool{true, false} {
		t.Run(fmt.Sprintf("waits=%v", waits), func(t *testing.T) {
			s := begin(t, site.Options{})
			c := s.call("600")
			s.talks(c, 1000)
			s.blind(c)
			if !waits {
				s.OnHook()
				s.Agent.WaitPort(patience, 1, "idle")
			}
			s.notify(c, "486 Busy Here", over)
			if !waits {
				s.WaitRing(patience)
				s.OffHook()
			}
			s.talks(c, 1000)
			if n := len(c.Got("BYE")); n != 0 {
				t.Errorf("the call has ended")
			}
			s.hungUp()
			s.ended(c)
		})
	}
}

// Hung up with a second call, the telephone connects the two with each other.
func TestAttendedTransfer(t *testing.T) {
	s := begin(t, site.Options{})
	first := s.call("600")
	s.talks(first, 1000)
	asked := s.refers(first)
	second := s.consult(2, "601")
	s.OnHook()
	s.replaces(<-asked, first, second)
	s.hungUp()
	s.WellFormed()
}

// replaces has the far end of the first call take the place of the telephone in the second.
func (s *stage) replaces(refer wire.Message, first, second *farend.Call) {
	s.T.Helper()
	_, _, b := s.follows(refer)
	// RFC 3891 section 3: the tags as who is replaced sees them.
	id, tags, _ := strings.Cut(b.Invite().Get("Replaces"), ";")
	ack := second.Got("ACK")[0]
	if id != second.ID || wire.Param(";"+tags, "to-tag") != ack.Tag("To") || wire.Param(";"+tags, "from-tag") != ack.Tag("From") {
		s.T.Errorf("Replaces: %s, want the call %s from %s to %s", b.Invite().Get("Replaces"), second.ID, ack.Tag("From"), ack.Tag("To"))
	}
	if status := second.Bye(); status != 200 {
		s.T.Errorf("BYE of who was replaced: %d", status)
	}
	s.notify(first, "200 OK", over)
	s.ended(first)
}

// Hung up before the second number answers, the telephone gives up calling it and sends the
// first far end there.
func TestTransferWhileRinging(t *testing.T) {
	s := begin(t, site.Options{})
	first := s.call("600")
	s.talks(first, 1000)
	asked := s.refers(first)
	s.far.OnCall(func(c *farend.Call) { c.Reply(180, "Ringing") })
	s.Hush()
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("601#")
	second := s.far.WaitCall(patience, 2)
	s.WaitTone(patience, phone.Ringback...)
	s.far.OnCall(answers)
	s.OnHook()
	s.has(second, "CANCEL", 1)
	to, _, b := s.follows(<-asked)
	if to != "601" || b.Invite().Get("Replaces") != "" {
		t.Errorf("the far end was sent to %s with Replaces %q", to, b.Invite().Get("Replaces"))
	}
	s.notify(first, "200 OK", over)
	s.ended(first)
	s.hungUp()
}

// A second telephone of the device, on a line of its own, is who the far end is connected with.
func TestAttendedTransferToOurs(t *testing.T) {
	s := begin(t, site.Options{Lines: 2})
	q := s.Phones[2]
	first := s.call("600")
	s.talks(first, 1000)
	asked := s.refers(first)
	s.Hush()
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("1002#")
	q.WaitRing(patience)
	q.OffHook()
	q.Say(1250, -12)
	s.WaitTone(patience, 1250)
	s.OnHook()
	_, a := s.goes(<-asked)
	s.notify(first, "200 OK", over)
	s.ended(first)
	s.hears(a, 1250)
	q.WaitTone(patience, 1000)
	s.hungUp()
	if status := a.Bye(); status != 200 {
		t.Errorf("BYE: %d", status)
	}
	q.OnHook()
	s.Agent.WaitPort(patience, 2, "idle")
	if !netlab.Until(patience, func() bool { return audio.Power(q.Heard(100*time.Millisecond)) < silence }) {
		t.Error("the second telephone hears something yet")
	}
}

// All three are telephones of ours, each on a line of its own at kamailio: the first two talk, the
// first asks the third, and is hung up. What becomes of the REFER, and of Replaces, is the device's.
func TestAttendedTransferAmongOurs(t *testing.T) {
	s := begin(t, site.Options{Lines: 3})
	second, third := s.Phones[2], s.Phones[3]
	voice := func(p *phone.Phone, freq float64) {
		p.OffHook()
		p.Say(freq, -12)
		s.WaitTone(patience, freq)
	}
	s.Site.Dial(1, "1002")
	second.WaitRing(patience)
	voice(second, 1000)
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("1003#")
	third.WaitRing(patience)
	rings := len(third.Changes())
	voice(third, 1250)
	s.hungUp()
	second.WaitTone(patience, 1250)
	third.WaitTone(patience, 1000)
	s.Crossed(1, "NOTIFY of the transfer's end", func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "NOTIFY" && strings.Contains(e.Body, "SIP/2.0 200")
	})
	for _, c := range third.Changes()[rings:] {
		if c.Type == phone.Ring && c.Value == 1 {
			t.Error("the third telephone rings again")
		}
	}
	calls := 0
	for _, c := range s.Agent.Calls() {
		if c.Ended == nil {
			calls++
		}
	}
	if calls != 2 {
		t.Errorf("%d calls, want the two ends of one: %+v", calls, s.Agent.Calls())
	}
	third.OnHook()
	s.Agent.WaitPort(patience, 3, "idle")
	second.WaitTone(patience, phone.Busy...)
	second.OnHook()
	s.Agent.WaitPort(patience, 2, "idle")
	s.WellFormed()
}
