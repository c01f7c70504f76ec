// Package telephone proves what a person with a telephone on a port can do: each feature is driven
// from the line-card socket by a scripted telephone, with kamailio between it and the other ends, and
// both ends' sound is checked. Calls with SRTP are in package calls.
package telephone

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/audio"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

func TestMain(m *testing.M) {
	netlab.Main(agent.Build, func() int {
		// Tests wait much more than they compute.
		flag.Parse()
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
		code := m.Run()
		if err := goleak.Find(); code == 0 && err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}

// Dial presses keys; Site.Dial lifts the receiver before.
func (s *stage) Dial(keys string) { s.Phone.Dial(keys) }

// patience bounds every wait.
const patience = site.Patience

// What the telephone says, and what the numbers say, in Hz; far is whoever is called by its contact.
const mouth = 700

var voices = map[string]float64{"600": 1000, "601": 1400, "602": 1800, "603": 1150, "611": 1600, "far": 1250}

// A stage is a telephone, and at the other end of its line numbers that answer at once, each
// with a voice of its own.
type stage struct {
	*site.Site
	*phone.Phone
	far *farend.UA
}

// begin makes a stage with settings of the device and of the server.
func begin(t *testing.T, o site.Options, settings ...setting) *stage {
	t.Helper()
	t.Parallel()
	if o.Lines == 0 {
		o.Lines = 1
	}
	more := o.Kamailio
	o.Kamailio = func(k *kamailio.Options) {
		k.Extra = map[string]string{"invite": outbound}
		if more != nil {
			more(k)
		}
	}
	s := &stage{Site: site.New(t, o)}
	for _, v := range settings {
		s.Config.Set(v.section, v.key, v.value)
	}
	s.far = farend.New(t, s.Site.Far, answers)
	s.Run()
	s.Phone = s.Phones[1]
	t.Cleanup(s.Unbroken)
	return s
}

// outbound has kamailio take requests for other places, as an outbound proxy does: those for a
// contact, which a transferred call goes to.
const outbound = `if ($rd != "10.9.0.1") {
			record_route();
			t_relay();
			exit;
		}`

type setting struct {
	section, key string
	value        any
}

func answers(c *farend.Call) {
	c.Media.Say(voices[c.Number()], -10)
	c.Answer()
}

// call has the telephone call a number, which answers.
func (s *stage) call(number string) *farend.Call {
	s.T.Helper()
	n := len(s.far.Calls()) + 1
	s.Site.Dial(1, number)
	return s.answered(n)
}

// answered is the far end's n-th call, which is up.
func (s *stage) answered(n int) *farend.Call {
	s.T.Helper()
	c := s.far.WaitCall(patience, n)
	if !c.Wait("ACK", patience) {
		s.T.Fatalf("the answer of %s is not ACKed", c.Number())
	}
	return c
}

// A caller is a call of the far end to the telephone, with its final response.
type caller struct {
	*farend.Call
	status int
}

// calls has a number call the telephone and returns when that has answered, or refused.
func (s *stage) calls(user string, headers ...string) caller {
	c, status := s.far.DialWith(s.server(), "1001", patience, func(c *farend.Call) string {
		c.User = user
		c.Media.Say(voices[user], -10)
		return c.Media.Offer()
	}, headers...)
	return caller{c, status}
}

// rings is calls, meanwhile.
func (s *stage) rings(user string, headers ...string) <-chan caller {
	done := make(chan caller, 1)
	go func() { done <- s.calls(user, headers...) }()
	return done
}

// lifted is a call of a number's to the telephone, which is lifted for it.
func (s *stage) lifted(user string) *farend.Call {
	s.T.Helper()
	done := s.rings(user)
	s.WaitRing(patience)
	s.OffHook()
	c := <-done
	if c.status != 200 {
		s.T.Fatalf("the call of %s to the telephone: %d", user, c.status)
	}
	return c.Call
}

// givesUp has a number call, and cancel while the telephone rings.
func (s *stage) givesUp(user string, headers ...string) {
	s.T.Helper()
	n := len(s.far.Calls()) + 1
	done := s.rings(user, headers...)
	s.WaitRing(patience)
	s.far.Calls()[n-1].Cancel()
	if c := <-done; c.status != 487 {
		s.T.Errorf("the cancelled call of %s: %d, want 487", user, c.status)
	}
	s.hungUp()
}

func (s *stage) server() netip.AddrPort { return netip.AddrPortFrom(s.Server.Addr, 5060) }

// hungUp waits until the telephone, which is put down, is idle.
func (s *stage) hungUp() {
	s.T.Helper()
	s.OnHook()
	s.Agent.WaitPort(patience, 1, "idle")
}

// talks checks the sound between the telephone and a voice, both ways.
func (s *stage) talks(c *farend.Call, voice float64) {
	s.T.Helper()
	s.Say(mouth, -12)
	s.WaitTone(patience, voice)
	s.hears(c, mouth)
}

// hears checks that a far end hears these frequencies, and nothing else.
func (s *stage) hears(c *farend.Call, freqs ...float64) {
	s.T.Helper()
	err := fmt.Errorf("nothing")
	if !netlab.Until(patience, func() bool {
		pcm := c.Media.Heard(200 * time.Millisecond)
		if len(pcm) == 1600 {
			err = phone.Sounds(pcm, freqs...)
		}
		return err == nil
	}) {
		s.T.Errorf("the far end does not hear %v Hz: %v", freqs, err)
	}
}

// silence is what nobody hears.
const silence = -50

// silent checks that a far end hears nothing any more.
func (s *stage) silent(c *farend.Call) {
	s.T.Helper()
	if !netlab.Until(patience, func() bool {
		before := len(c.Media.Heard(time.Hour))
		return netlab.Holds(300*time.Millisecond, func() bool { return audio.Power(c.Media.Heard(time.Hour)[before:]) < silence })
	}) {
		s.T.Errorf("the far end is not silent: %.1f dBm0", audio.Power(c.Media.Heard(200*time.Millisecond)))
	}
}

// presses dials keys behind which there is a dial tone.
func (s *stage) presses(keys string) {
	s.T.Helper()
	s.Hush()
	s.Dial(keys)
	if !netlab.Until(patience, func() bool { return s.ListenFor(0, phone.DialTone...) != nil }) {
		s.T.Fatalf("dial tone goes on behind %s", keys)
	}
	s.WaitTone(patience, phone.DialTone...)
}

// code lifts the receiver and dials a star code that is confirmed, with what follows it.
func (s *stage) code(keys string) {
	s.T.Helper()
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	before := len(s.Heard(time.Hour))
	s.presses(keys)
	if n := bursts(s.Heard(time.Hour)[before:]); n < 3 || n > 5 {
		s.T.Errorf("%s: dial tone began %d times, want those of the confirmation tone", keys, n)
	}
	s.hungUp()
}

// bursts counts how often sound begins.
func bursts(pcm []int16) (n int) {
	const window = audio.Rate / 50
	sounds := true
	for ; len(pcm) >= window; pcm = pcm[window:] {
		loud := audio.Power(pcm[:window]) > -30
		if loud && !sounds {
			n++
		}
		sounds = loud
	}
	return n
}

// has waits until a far end's call got the n-th request of a method, counted from 1.
func (s *stage) has(c *farend.Call, method string, n int) wire.Message {
	s.T.Helper()
	if !s.far.Wait(patience, func() bool { return len(c.Got(method)) >= n }) {
		s.T.Fatalf("%s got %d %s, want %d", c.Number(), len(c.Got(method)), method, n)
	}
	return c.Got(method)[n-1]
}

// put checks what the n-th re-INVITE of a call makes of its media.
func (s *stage) put(c *farend.Call, n int, direction string) {
	s.T.Helper()
	body := s.has(c, "INVITE", n).Body
	got := "sendrecv"
	for _, d := range []string{"sendonly", "recvonly", "inactive"} {
		if strings.Contains(body, "a="+d) {
			got = d
		}
	}
	if got != direction {
		s.T.Errorf("re-INVITE %d to %s is %s, want %s", n, c.Number(), got, direction)
	}
}

// ended waits for the BYE to a far end.
func (s *stage) ended(c *farend.Call) { s.T.Helper(); s.has(c, "BYE", 1) }
