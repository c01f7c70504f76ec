package calls

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

// talking sets up a call from telephone 1 to the scripted far end.
func talking(t *testing.T, set func(*lab)) (*lab, *farend.UA, *farend.Call) {
	t.Helper()
	l := newLab(t, site.Options{})
	if set != nil {
		set(l)
	}
	far := farend.New(t, l.Far, nil)
	l.Run()
	l.Dial(1, "600")
	c := far.WaitCall(patience, 1)
	if !c.Wait("ACK", patience) {
		t.Fatal("the far end's answer is not ACKed")
	}
	l.both(c)
	return l, far, c
}

// both checks the sound of a call in both directions.
func (l *lab) both(c *farend.Call) {
	l.T.Helper()
	l.Phones[1].Say(700, -12)
	l.Phones[1].WaitTone(patience, 1000)
	if err := c.Media.WaitTone(patience, 700, -12); err != nil {
		l.T.Errorf("the far end does not hear the telephone: %v", err)
	}
}

// Keys that are pressed in a call go as RFC 4733 events, once each and in order.
func TestDigits(t *testing.T) {
	t.Parallel()
	l, _, c := talking(t, nil)
	l.Phones[1].Hush()
	l.Phones[1].Dial("159#*0")
	if !netlab.Until(patience, func() bool { return c.Media.Digits() == "159#*0" }) {
		t.Errorf("digits at the far end %q, want 159#*0", c.Media.Digits())
	}
	l.Phones[1].OnHook()
	c.Wait("BYE", patience)
	l.WellFormed()
}

// A session refresh by the far end is answered with the media as they are.
func TestRefreshedSession(t *testing.T) {
	t.Parallel()
	l, _, c := talking(t, nil)
	invite := c.Invite()
	offer := c.Media.Offer()
	first := c.Ask("INVITE", []string{fmt.Sprintf("Contact: <sip:far@%s>", "10.9.0.20:5060"), "Session-Expires: 90;refresher=uac", "Supported: timer"}, offer)
	second := c.Ask("INVITE", []string{fmt.Sprintf("Contact: <sip:far@%s>", "10.9.0.20:5060"), "Session-Expires: 90;refresher=uac", "Supported: timer"}, offer)
	if first == nil || second == nil || first.Status != 200 || second.Status != 200 {
		t.Fatalf("answers to the refreshes: %v, %v", first, second)
	}
	if first.Body != second.Body || first.Body == "" {
		t.Errorf("the same offer was answered differently:\n%s\n%s", first.Body, second.Body)
	}
	if wire.Param(";"+strings.ReplaceAll(first.Get("Session-Expires"), " ", ""), "refresher") != "uac" {
		t.Errorf("Session-Expires of the answer %q, want the far end as refresher", first.Get("Session-Expires"))
	}
	if got := origin(first.Body); got == "" || strings.Fields(got)[1] != strings.Fields(origin(invite.Body))[1] {
		t.Errorf("origin %q of the answer, %q of the first offer: not one session", got, origin(invite.Body))
	}
	l.both(c)
	l.Phones[1].OnHook()
	c.Wait("BYE", patience)
	l.WellFormed()
}

func origin(sdp string) string {
	for line := range strings.Lines(sdp) {
		if rest, ok := strings.CutPrefix(line, "o="); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// The device refreshes a session that it must refresh, in time and without a change.
func TestRefreshesSession(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{})
	l.Config.Set("sip1", "session_expires_s", 90)
	far := farend.New(t, l.Far, func(c *farend.Call) { c.Answer("Session-Expires: 90;refresher=uac", "Require: timer") })
	l.Run()
	l.Dial(1, "600")
	c := far.WaitCall(patience, 1)
	if !strings.Contains(c.Invite().Get("Session-Expires"), "90") {
		t.Errorf("Session-Expires of the INVITE %q, want 90", c.Invite().Get("Session-Expires"))
	}
	l.both(c)
	start := time.Now()
	if !far.Wait(60*time.Second, func() bool { return len(c.Got("INVITE"))+len(c.Got("UPDATE")) > 0 }) {
		t.Fatal("no refresh within 60 s of a session of 90")
	}
	if waited := time.Since(start); waited < 30*time.Second {
		t.Errorf("a refresh after %v of a session of 90 s", waited)
	}
	l.both(c)
	l.Phones[1].OnHook()
	c.Wait("BYE", patience)
	l.WellFormed()
}

// A request of the far end that overlaps with one under way is told to come later.
func TestOverlappingInvites(t *testing.T) {
	t.Parallel()
	l, _, c := talking(t, nil)
	contact := []string{fmt.Sprintf("Contact: <sip:far@%s>", "10.9.0.20:5060")}
	// The first re-INVITE's 200 is not ACKed yet when the second comes.
	if res := c.AskUnacked("INVITE", contact, c.Media.Offer()); res == nil || res.Status != 200 {
		t.Fatalf("answer to the first re-INVITE: %v", res)
	}
	if res := c.Ask("INVITE", contact, c.Media.Offer()); res == nil || res.Status != 491 && res.Status != 500 && res.Status != 200 {
		t.Errorf("answer to an overlapping re-INVITE: %+v, want 491 or 500", res)
	}
	c.AckLast()
	l.both(c)
	l.Phones[1].OnHook()
	c.Wait("BYE", patience)
	l.WellFormed()
}

// A REFER of the far end makes the device call the third party and tell how it went.
func TestRefer(t *testing.T) {
	t.Parallel()
	l, far, c := talking(t, nil)
	status := c.Request("REFER", []string{
		"Refer-To: <sip:602@10.9.0.1>", fmt.Sprintf("Contact: <sip:far@%s>", "10.9.0.20:5060"), "Referred-By: <sip:600@10.9.0.1>",
	}, "")
	if status != 202 && status != 200 {
		t.Fatalf("REFER was answered %d, want 202", status)
	}
	second := far.WaitCall(patience, 2)
	if second.Number() != "602" || !second.Wait("ACK", patience) {
		t.Errorf("the new call went to %s and was ACKed %d times", second.Number(), len(second.Got("ACK")))
	}
	if !far.Wait(patience, func() bool {
		for _, n := range c.Got("NOTIFY") {
			if strings.Contains(n.Body, "200") && strings.HasPrefix(n.Get("Event"), "refer") {
				return true
			}
		}
		return false
	}) {
		t.Errorf("no NOTIFY tells of the success: %v", c.Got("NOTIFY"))
	}
	if !c.Ended() {
		c.Bye()
	}
	l.both(second)
	l.Phones[1].OnHook()
	second.Wait("BYE", patience)
	l.WellFormed()
}

// A call whose callee forks: the first answer is the call, another one is ACKed and ended.
func TestForkedAnswer(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{})
	far := farend.New(t, l.Far, func(c *farend.Call) {
		c.Reply(180, "Ringing")
		c.Fork().Answer()
		c.Answer()
	})
	l.Run()
	l.Dial(1, "600")
	far.WaitCall(patience, 2)
	if !far.Wait(patience, func() bool {
		ended, acked := 0, 0
		for _, c := range far.Calls() {
			ended += len(c.Got("BYE"))
			acked += min(1, len(c.Got("ACK")))
		}
		return ended == 1 && acked == 2
	}) {
		for i, c := range far.Calls() {
			t.Errorf("branch %d of the fork: %d ACK, %d BYE", i, len(c.Got("ACK")), len(c.Got("BYE")))
		}
	}
	l.connected(1)
	l.Phones[1].OnHook()
	l.Agent.WaitPort(patience, 1, "idle")
	l.WellFormed()
}

// The telephone's caller hangs up before the answer: the ringing ends and the call is 487.
func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{})
	far := farend.New(t, l.Far, nil)
	l.Run()
	status := make(chan int)
	go func() {
		_, n := far.Dial(netip.AddrPortFrom(l.Server.Addr, 5060), "1001", patience)
		status <- n
	}()
	l.Phones[1].WaitRing(patience)
	far.Calls()[0].Cancel()
	if got := <-status; got != 487 {
		t.Errorf("status %d, want 487", got)
	}
	l.Agent.WaitPort(patience, 1, "idle")
	last := l.Phones[1].Changes()
	if n := len(last); n == 0 || last[n-1].Type == 3 && last[n-1].Value != 0 {
		t.Errorf("the telephone still rings: %v", last)
	}
	l.WellFormed()
}

// A line whose telephone is in a call is busy to the next caller, where calls do not wait.
func TestBusy(t *testing.T) {
	t.Parallel()
	l, far, c := talking(t, func(l *lab) { l.Config.Set("port1", "call_waiting", "0") })
	_, status := far.Dial(netip.AddrPortFrom(l.Server.Addr, 5060), "1001", patience)
	if status != 486 {
		t.Errorf("second call to a busy telephone: %d, want 486", status)
	}
	l.both(c)
	l.Phones[1].OnHook()
	c.Wait("BYE", patience)
}

// Digits without # are sent when the interdigit time is over.
func TestInterdigitTimer(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{})
	far := farend.New(t, l.Far, nil)
	l.Run()
	p := l.Phones[1]
	p.OffHook()
	p.WaitTone(patience, phone.DialTone...)
	p.Dial("600")
	from := time.Now()
	c := far.WaitCall(patience, 1)
	if waited := time.Since(from); waited < 3*time.Second || waited > 8*time.Second {
		t.Errorf("the call went out %v after the last digit, want 4 s", waited)
	}
	p.OnHook()
	c.Wait("BYE", patience)
}
