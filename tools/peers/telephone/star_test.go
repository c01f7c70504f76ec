package telephone

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/audio"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/tshark"
	"tipring/tools/peers/wire"
)

// features is what a telephone has set, as the device tells it.
type features struct {
	ForwardAll      *string `json:"forward_all"`
	ForwardBusy     *string `json:"forward_busy"`
	ForwardNoAnswer *string `json:"forward_no_answer"`
	DND             bool    `json:"dnd"`
	RejectAnonymous bool    `json:"reject_anonymous"`
}

func (s *stage) features() (f features) {
	s.T.Helper()
	if err := s.Agent.Get("/api/v1/ports/1/features", &f); err != nil {
		s.T.Fatalf("features: %v", err)
	}
	return f
}

// Calls are sent on by 302, which kamailio follows: always, when the telephone is in use, and when
// nobody answers.
func TestForward(t *testing.T) {
	s := begin(t, site.Options{Kamailio: func(k *kamailio.Options) { k.Redirects = true }})

	// All calls; the number behind the code's own dial tone.
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.presses("*72")
	s.presses("601#")
	s.hungUp()
	if f := s.features(); f.ForwardAll == nil || *f.ForwardAll != "601" {
		t.Errorf("behind *72 601: %+v", f)
	}
	s.sentOn("unconditional", 0)
	s.code("*73")
	s.givesUp("602")

	// When it is in use.
	s.code("*90601#")
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.sentOn("user-busy", 0)
	s.hungUp()
	s.givesUp("602")
	s.code("*91")

	// When nobody answers.
	if err := s.Agent.Patch("/api/v1/ports/1/features", map[string]any{"no_answer_s": 1}); err != nil {
		t.Fatalf("no_answer_s: %v", err)
	}
	s.code("*92601#")
	s.sentOn("no-answer", 1)
	s.Agent.WaitPort(patience, 1, "idle")
	s.code("*93")
	if f := s.features(); f.ForwardAll != nil || f.ForwardBusy != nil || f.ForwardNoAnswer != nil {
		t.Errorf("all taken back: %+v", f)
	}
	s.givesUp("602")
	s.WellFormed()
}

// sentOn has a number call, which reaches 601 instead, after so many rings here.
func (s *stage) sentOn(reason string, rings int) {
	s.T.Helper()
	from, rung := time.Now(), len(s.rung())
	n := len(s.far.Calls())
	c := s.calls("602")
	if c.status != 200 {
		s.T.Fatalf("%s: %d, want the answer of 601", reason, c.status)
	}
	other := s.answered(n + 2)
	if other.Number() != "601" {
		s.T.Errorf("%s: %s answers, want 601", reason, other.Number())
	}
	s.hears(c.Call, voices["601"])
	s.hears(other, voices["602"])
	if from := other.Invite().Get("From"); !strings.Contains(from, "sip:602@") {
		s.T.Errorf("%s: 601 sees a call from %s, want 602", reason, from)
	}
	res := s.Watch.Wait(patience, "302", from, func(e wire.Event) bool {
		return e.Kind == wire.Response && e.Status == 302 && e.Src.Addr() == s.Host.Addr
	})
	if d := res.Get("Diversion"); !strings.Contains(d, "<sip:1001@10.9.0.1>") || !strings.Contains(d, ";reason="+reason) || !strings.Contains(res.Get("Contact"), "sip:601@10.9.0.1") {
		s.T.Errorf("302 with Diversion %s, Contact %s, want reason %s and 601", d, res.Get("Contact"), reason)
	}
	if got := len(s.rung()) - rung; got != rings {
		s.T.Errorf("%s: the telephone rang %d times, want %d", reason, got, rings)
	}
	if status := c.Bye(); status != 200 {
		s.T.Errorf("BYE: %d", status)
	}
}

// rung are the rings so far.
func (s *stage) rung() (all []phone.Change) {
	for _, c := range s.Changes() {
		if c.Type == phone.Ring && c.Value == 1 {
			all = append(all, c)
		}
	}
	return all
}

// Who must not disturb, and who hides when that is not wanted, is told so.
func TestRefusals(t *testing.T) {
	s := begin(t, site.Options{})
	for _, tt := range []struct {
		on, off string
		headers []string
		status  int
	}{
		{"*78", "*79", nil, 486},
		{"*77", "*87", []string{"Privacy: id", "P-Asserted-Identity: <sip:602@10.9.0.1>"}, 433},
	} {
		s.givesUp("602", tt.headers...)
		s.code(tt.on)
		rung := len(s.rung())
		if c := s.calls("602", tt.headers...); c.status != tt.status {
			t.Errorf("behind %s: %d, want %d", tt.on, c.status, tt.status)
		}
		if len(s.rung()) != rung {
			t.Errorf("behind %s the telephone rings", tt.on)
		}
		if tt.status == 433 {
			s.givesUp("602") // who shows the number
		}
		s.code(tt.off)
		s.givesUp("602", tt.headers...)
	}
	want := [][]string{{"SIP/2.0 486 Busy Here"}, {"SIP/2.0 433 Anonymity Disallowed"}}
	if got := tshark.Of(t, s.Watch).Fields("sip.Status-Code >= 400 && sip.Status-Code != 487 && ip.src == 10.9.0.10", "sip.Status-Line"); !reflect.DeepEqual(got, want) {
		t.Errorf("tshark sees refusals %q, want %q", got, want)
	}
}

// *67 hides the number in one call, and in no other.
func TestHiddenNumber(t *testing.T) {
	s := begin(t, site.Options{})
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.presses("*67")
	s.Dial("600#")
	c := s.answered(1)
	invite := c.Invite()
	if from := invite.Get("From"); !strings.Contains(from, "<sip:anonymous@anonymous.invalid>") || strings.Contains(from, "1001") || !strings.Contains(invite.Get("Privacy"), "id") {
		t.Errorf("hidden: From %s, Privacy %q", from, invite.Get("Privacy"))
	}
	s.talks(c, 1000)
	s.hungUp()
	s.ended(c)

	c = s.call("600")
	if from := c.Invite().Get("From"); !strings.Contains(from, "sip:1001@") || c.Invite().Get("Privacy") != "" {
		t.Errorf("the next call: From %s, Privacy %q", from, c.Invite().Get("Privacy"))
	}
	s.hungUp()
	s.ended(c)
	s.WellFormed()

	// The same by another's eyes.
	want := [][]string{{"anonymous", "anonymous.invalid", "id"}, {"1001", "10.9.0.1", ""}}
	if got := tshark.Of(t, s.Watch).Fields("sip.Method == INVITE && ip.src == 10.9.0.10", "sip.from.user", "sip.from.host", "sip.Privacy"); !reflect.DeepEqual(got, want) {
		t.Errorf("tshark sees calls from %q, want %q", got, want)
	}
}

// *69 calls back who has called last.
func TestCallReturn(t *testing.T) {
	s := begin(t, site.Options{})
	s.givesUp("603")
	s.givesUp("602")
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("*69")
	c := s.answered(3)
	if c.Number() != "602" {
		t.Errorf("*69 calls %s, want 602", c.Number())
	}
	s.talks(c, 1800)
	s.hungUp()
	s.ended(c)
}

// A hotline calls as soon as the receiver is lifted; a warm one after a while, if nothing is dialled.
func TestHotline(t *testing.T) {
	s := begin(t, site.Options{Lines: 2},
		setting{"sip1", "enable_hotline", 1}, setting{"sip1", "hotline_number", "600"},
		setting{"sip2", "enable_hotline", 1}, setting{"sip2", "hotline_number", "601"}, setting{"sip2", "hotline_delay", 2})
	s.OffHook()
	c := s.answered(1)
	s.talks(c, 1000)
	s.hungUp()
	s.ended(c)

	warm := s.Phones[2]
	warm.OffHook()
	warm.WaitTone(patience, phone.DialTone...)
	c = s.answered(2)
	warm.WaitTone(patience, 1400)
	warm.OnHook()
	s.ended(c)
	s.Agent.WaitPort(patience, 2, "idle")

	s.Site.Dial(2, "602")
	c = s.answered(3)
	warm.WaitTone(patience, 1800)
	warm.OnHook()
	s.ended(c)
	for i, want := range []string{"600", "601", "602"} {
		if got := s.far.Calls()[i].Number(); got != want {
			t.Errorf("call %d is to %s, want %s", i+1, got, want)
		}
	}
}

// Behind *** somebody speaks, as loud as people do; a key has something else said, and a flash
// leaves it.
func TestVoiceMenu(t *testing.T) {
	s := begin(t, site.Options{})
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.Dial("***")
	s.speech()
	s.Dial("1")
	s.Hold(s.Heard, 1500*time.Millisecond)
	s.speech()
	s.Flash()
	s.WaitTone(patience, phone.DialTone...)
	s.hungUp()
	if calls := s.far.Calls(); len(calls) != 0 {
		t.Errorf("the menu has called %s", calls[0].Number())
	}
}

// speech waits for a second of what may be speech: of its level, which rises and falls, and
// in no one place of the spectrum.
func (s *stage) speech() {
	s.T.Helper()
	what := ""
	if !netlab.Until(patience, func() bool {
		pcm := s.Heard(time.Second)
		loud, quiet := -99.0, 99.0
		for at := 0; at+400 <= len(pcm); at += 400 {
			level := audio.Power(pcm[at : at+400])
			loud, quiet = max(loud, level), min(quiet, level)
		}
		level := audio.Power(pcm)
		what = fmt.Sprintf("%.1f dBm0 in all, between %.1f and %.1f", level, quiet, loud)
		tone := max(audio.Level(pcm, 350), audio.Level(pcm, 440), audio.Level(pcm, 480), audio.Level(pcm, 620))
		return len(pcm) == audio.Rate && level > -30 && level < -6 && loud-quiet > 10 && tone < level-6
	}) {
		s.T.Errorf("no speech: %s", what)
	}
}
