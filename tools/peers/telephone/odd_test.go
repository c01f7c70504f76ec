package telephone

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/audio"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

// What people do out of turn, and what happens to them meanwhile. Whatever it was, the telephone rests
// when it is put down: see rests.
func TestOddOrders(t *testing.T) {
	for _, tt := range []struct {
		what string
		do   func(s *stage)
	}{
		{"hung up in a star code", func(s *stage) {
			s.OffHook()
			s.WaitTone(patience, phone.DialTone...)
			s.Dial("*7")
			s.Hold(s.Heard, 500*time.Millisecond)
			s.hungUp()
			c := s.call("601") // neither *72 nor 2601
			s.talks(c, voices["601"])
		}},
		{"hung up before the number behind a code", func(s *stage) {
			s.OffHook()
			s.WaitTone(patience, phone.DialTone...)
			s.presses("*72")
			s.Dial("60")
			s.Hold(s.Heard, 500*time.Millisecond)
			s.hungUp()
			if f := s.features(); f.ForwardAll != nil {
				s.T.Errorf("forwards to %s", *f.ForwardAll)
			}
			s.givesUp("602")
		}},
		{"flash while it rings", func(s *stage) {
			done := s.rings("602")
			s.WaitRing(patience)
			s.Flash()
			s.Hold(s.Heard, 500*time.Millisecond)
			s.OffHook()
			c := <-done
			s.talks(c.Call, voices["602"])
		}},
		{"flash before the answer", func(s *stage) {
			answer := make(chan struct{})
			s.far.OnCall(func(c *farend.Call) {
				c.Reply(180, "Ringing")
				<-answer
				answers(c)
			})
			s.Site.Dial(1, "600")
			s.WaitTone(patience, phone.Ringback...)
			s.Flash()
			s.Hold(s.Heard, time.Second)
			close(answer)
			s.talks(s.answered(1), voices["600"])
		}},
		{"a second call that waits", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Hush()
			waits := s.rings("602")
			s.waitingTone()
			if second := s.calls("603"); second.status != 486 {
				s.T.Errorf("another call, while one waits: %d, want 486", second.status)
			}
			s.Flash()
			first := <-waits
			s.talks(first.Call, voices["602"])
			if third := s.calls("603"); third.status != 486 {
				s.T.Errorf("another call, while one is held: %d, want 486", third.status)
			}
		}},
		{"the call that waits gives up", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Hush()
			waits := s.rings("602")
			s.waitingTone()
			s.far.Calls()[1].Cancel()
			if w := <-waits; w.status != 487 {
				s.T.Errorf("cancelled: %d", w.status)
			}
			s.Flash() // as if it were there: holds the first
			s.put(c, 1, "sendonly")
			s.WaitTone(patience, phone.DialTone...)
			s.Flash()
			s.talks(c, voices["600"])
		}},
		{"hung up while a call waits", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Hush()
			waits := s.rings("602")
			s.waitingTone()
			s.OnHook()
			s.ended(c)
			s.WaitRing(patience)
			s.OffHook()
			w := <-waits
			s.talks(w.Call, voices["602"])
		}},
		{"the far end hangs up while a call waits", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Hush()
			waits := s.rings("602")
			s.waitingTone()
			if status := c.Bye(); status != 200 {
				s.T.Errorf("BYE: %d", status)
			}
			s.WaitTone(patience, phone.Busy...)
			s.Flash()
			w := <-waits
			s.talks(w.Call, voices["602"])
		}},
		{"the first leaves a conference", func(s *stage) {
			first, second := s.conference()
			if status := first.Bye(); status != 200 {
				s.T.Errorf("BYE: %d", status)
			}
			s.talks(second, voices["601"])
			s.Flash() // of the one call that is left: holds it
			s.put(second, 1, "sendonly")
			s.WaitTone(patience, phone.DialTone...)
			s.Flash()
			s.talks(second, voices["601"])
		}},
		{"the second leaves a conference", func(s *stage) {
			first, second := s.conference()
			if status := second.Bye(); status != 200 {
				s.T.Errorf("BYE: %d", status)
			}
			s.talks(first, voices["600"])
		}},
		{"a call for a conference", func(s *stage) {
			first, second := s.conference()
			if third := s.calls("603"); third.status != 486 {
				s.T.Errorf("another call in a conference: %d, want 486", third.status)
			}
			s.hears(first, mouth, voices["601"])
			s.hears(second, mouth, voices["600"])
		}},
		{"many flashes", func(s *stage) {
			first := s.call("600")
			s.talks(first, voices["600"])
			second := s.consult(2, "601")
			for range 9 { // joined, dropped, held, back, held ...
				s.Flash()
				s.Hold(s.Heard, 100*time.Millisecond)
			}
			s.ended(second)
			s.Hold(s.Heard, time.Second)
			if s.ListenFor(0, voices["600"]) != nil {
				s.Flash()
			}
			s.talks(first, voices["600"])
		}},
		{"the held end hangs up", func(s *stage) {
			first := s.call("600")
			s.talks(first, voices["600"])
			second := s.consult(2, "601")
			if status := first.Bye(); status != 200 {
				s.T.Errorf("BYE: %d", status)
			}
			s.talks(second, voices["601"])
		}},
		{"the held end hangs up in dial tone", func(s *stage) {
			first := s.call("600")
			s.talks(first, voices["600"])
			s.Hush()
			s.Flash()
			s.WaitTone(patience, phone.DialTone...)
			if status := first.Bye(); status != 200 {
				s.T.Errorf("BYE: %d", status)
			}
			s.Dial("601#")
			s.talks(s.answered(2), voices["601"])
		}},
		{"hung up with a held call", func(s *stage) {
			first := s.call("600")
			s.talks(first, voices["600"])
			s.Hush()
			s.Flash()
			s.WaitTone(patience, phone.DialTone...)
			s.Dial("60")
			s.OnHook()
			s.WaitRing(patience)
			s.OffHook()
			s.talks(first, voices["600"])
		}},
		{"the held end hangs up while it rings for it", func(s *stage) {
			first := s.call("600")
			s.talks(first, voices["600"])
			s.Hush()
			s.Flash()
			s.WaitTone(patience, phone.DialTone...)
			s.OnHook()
			s.WaitRing(patience)
			if status := first.Bye(); status != 200 {
				s.T.Errorf("BYE: %d", status)
			}
			s.Agent.WaitPort(patience, 1, "idle")
		}},
		{"not to be disturbed in a call", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Hush()
			waits := s.rings("602")
			s.waitingTone()
			if err := s.Agent.Patch("/api/v1/ports/1/features", map[string]any{"dnd": true}); err != nil {
				s.T.Fatalf("dnd: %v", err)
			}
			s.Flash() // the call that was announced before
			w := <-waits
			s.talks(w.Call, voices["602"])
			if status := w.Bye(); status != 200 {
				s.T.Errorf("BYE: %d", status)
			}
			s.WaitTone(patience, phone.Busy...)
			s.Flash()
			s.talks(c, voices["600"])
			if another := s.calls("603"); another.status != 486 {
				s.T.Errorf("a call that is not wanted: %d, want 486", another.status)
			}
			s.talks(c, voices["600"])
		}},
		{"transferred to itself", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			asked := s.refers(c)
			s.Hush()
			s.Flash()
			s.WaitTone(patience, phone.DialTone...)
			s.presses("*98")
			s.Dial("1001#")
			<-asked
			back := s.calls("600")
			if back.status != 486 {
				s.T.Fatalf("the telephone takes a call while it waits for its transfer: %d", back.status)
			}
			s.notify(c, "486 Busy Here", over)
			s.talks(c, voices["600"])
		}},
		{"the far end hangs up before its transfer is done", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.blind(c)
			if status := c.Bye(); status != 200 {
				s.T.Errorf("BYE: %d", status)
			}
			s.Hold(s.Heard, time.Second)
		}},
		{"the card is cut in a conference", func(s *stage) {
			first, second := s.conference()
			s.Phone.Close()
			s.ended(first)
			s.ended(second)
			s.plugged(1)
			s.talks(s.call("602"), voices["602"])
		}},
		{"the card is cut with a held call", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Hush()
			s.Flash()
			s.WaitTone(patience, phone.DialTone...)
			s.Phone.Close()
			s.ended(c)
			s.plugged(1)
			s.talks(s.call("602"), voices["602"])
		}},
		{"settings read in a held call", func(s *stage) {
			first := s.call("600")
			s.talks(first, voices["600"])
			s.Hush()
			s.Flash()
			s.put(first, 1, "sendonly")
			s.WaitTone(patience, phone.DialTone...)
			s.reload("configuration change waits", setting{"port1", "flash_style", "etsi"}, setting{"sip1", "max_calls", 3})
			s.Dial("601#")
			second := s.answered(2)
			s.talks(second, voices["601"])
			s.Flash() // as it was before
			s.WaitTone(patience, voices["600"], voices["601"])
			s.OnHook()
			s.plugged(1)
		}},
		{"settings read in a conference", func(s *stage) {
			first, second := s.conference()
			s.reload("configuration changed", setting{"port1", "star_code_table", "menu=*55"}, setting{"device", "country", "gb"})
			s.hears(first, mouth, voices["601"])
			s.hears(second, mouth, voices["600"])
			s.OnHook()
			s.plugged(1) // the port is made anew, now that nobody talks
			s.OffHook()
			s.WaitTone(patience, 350, 440)
		}},
		{"the server is broken in a held call", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Hush()
			s.Flash()
			s.put(c, 1, "sendonly")
			s.WaitTone(patience, phone.DialTone...)
			s.K.Fail(503, 1)
			s.Flash()
			s.Hold(s.Heard, 3*time.Second)
			s.K.Fail(0, 0)
			s.put(c, 2, "sendrecv")
			s.talks(c, voices["600"])
		}},
		{"left off the hook, with a held call", func(s *stage) {
			c := s.call("600")
			s.talks(c, voices["600"])
			s.Hush()
			s.Flash()
			s.WaitTone(patience, phone.DialTone...)
			s.WaitTone(patience, phone.Busy...) // 16 s later
			s.Flash()
			s.talks(c, voices["600"])
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s := begin(t, site.Options{}, setting{"port1", "call_waiting_caller_id", 0})
			tt.do(s)
			s.rests()
		})
	}
}

// conference has the telephone, 600 and 601 hear each other.
func (s *stage) conference() (first, second *farend.Call) {
	s.T.Helper()
	first = s.call("600")
	s.talks(first, voices["600"])
	second = s.consult(2, "601")
	s.Flash()
	s.WaitTone(patience, voices["600"], voices["601"])
	s.hears(first, mouth, voices["601"])
	s.hears(second, mouth, voices["600"])
	return first, second
}

// plugged connects another telephone to a port whose telephone is gone.
func (s *stage) plugged(n int, set ...func(*phone.Phone)) {
	s.T.Helper()
	if !netlab.Until(patience, func() bool { return !s.Agent.Port(n).Card }) {
		s.T.Fatalf("the telephone is not gone")
	}
	s.Phones[n] = s.Agent.PhoneWith(fmt.Sprintf("p%d", n), func(p *phone.Phone) {
		for _, f := range set {
			f(p)
		}
	})
	s.Phone = s.Phones[1]
}

// reload has the device read its settings again, and waits for what it says of that.
func (s *stage) reload(says string, settings ...setting) {
	s.T.Helper()
	for _, v := range settings {
		s.Config.Set(v.section, v.key, v.value)
	}
	s.Agent.Write(s.Config.String())
	s.Agent.Reload()
	if !netlab.Until(patience, func() bool { return len(s.Agent.LogLines(says)) > 0 }) {
		s.T.Errorf("the settings are not read: %q", s.Agent.LogLines("configuration"))
	}
}

// rests puts the telephone down and checks that nothing is left: no call here or at a far end, no ring,
// no sound, no socket for media.
func (s *stage) rests() {
	s.T.Helper()
	s.OnHook()
	ports := []int{}
	if !netlab.Until(patience, func() bool {
		if s.Agent.Port(1).State == "ringing" { // for a held call: it is wanted no more
			s.OffHook()
			s.Hold(s.Heard, 500*time.Millisecond)
			s.OnHook()
			s.Hold(s.Heard, time.Second)
		}
		ports = s.media()
		return s.Agent.Port(1).State == "idle" && len(ports) == 0 && !slices.ContainsFunc(s.Agent.Calls(), goesOn) && len(s.lasting()) == 0
	}) {
		s.T.Errorf("no rest: port %+v, media at %v, calls %+v, without BYE %q", s.Agent.Port(1), ports, s.Agent.Calls(), s.lasting())
	}
	s.Hold(s.Heard, time.Second)
	if level := audio.Power(s.Heard(500 * time.Millisecond)); level > silence {
		s.T.Errorf("a telephone at rest hears %.1f dBm0", level)
	}
}

func goesOn(c agent.Call) bool { return c.Ended == nil }

// lasting are the calls, by Call-ID, that were answered and not ended, as the switch has seen it.
func (s *stage) lasting() (ids []string) {
	last := map[string]bool{}
	for _, e := range s.Watch.Events(func(e wire.Event) bool { return e.Message != nil }) {
		switch id := e.CallID(); {
		case e.Kind == wire.Response && e.Method == "INVITE" && e.Status == 200 && e.Src.Addr() != s.Server.Addr:
			last[id] = true
		case e.Kind == wire.Request && e.Method == "BYE":
			delete(last, id)
		}
	}
	return slices.Collect(maps.Keys(last))
}

// media lists the device's open UDP ports of the range for media.
func (s *stage) media() (ports []int) {
	_ = s.Host.Do(func() error {
		text, err := os.ReadFile("/proc/thread-self/net/udp")
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 2 {
				continue
			}
			_, hex, _ := strings.Cut(f[1], ":")
			if port, err := strconv.ParseInt(hex, 16, 32); err == nil && port >= 16384 && port <= 16583 {
				ports = append(ports, int(port))
			}
		}
		return err
	})
	return ports
}

// A number that is forwarded to itself: its caller is told that nobody is there, after a few tries.
func TestForwardToItself(t *testing.T) {
	s := begin(t, site.Options{Kamailio: func(k *kamailio.Options) { k.Redirects = true }})
	s.OffHook()
	s.WaitTone(patience, phone.DialTone...)
	s.presses("*72")
	s.presses("1001#")
	s.hungUp()
	c := s.calls("602")
	if c.status != 482 && c.status != 480 {
		t.Errorf("the call: %d, want 482 of kamailio or 480 of the device", c.status)
	}
	if n := len(s.rung()); n != 0 {
		t.Errorf("the telephone rings %d times", n)
	}
	s.code("*73")
	s.givesUp("602")
	s.rests()
}

// The server dies while a call is held: it is taken back by way of the other one, and so is what follows.
func TestServerDiesInAHeldCall(t *testing.T) {
	t.Parallel()
	backup := netip.MustParseAddr("10.9.0.2")
	both := func(other netip.Addr) func(*kamailio.Options) {
		return func(k *kamailio.Options) { k.Other, k.Extra = other, map[string]string{"invite": outbound} }
	}
	s := &stage{Site: site.New(t, site.Options{Lines: 1, Kamailio: both(backup)})}
	o := kamailio.Options{Far: netip.AddrPortFrom(s.Site.Far.Addr, 5060)}
	both(s.Server.Addr)(&o)
	kamailio.Start(t, s.Lan.Host("backup", 2), o)
	s.Config.Set("sip", "t1_ms", 100).Set("sip1", "backup_addr", backup.String())
	s.far = farend.New(t, s.Site.Far, answers)
	s.Run()
	s.Phone = s.Phones[1]

	held := s.call("600")
	s.talks(held, voices["600"])
	second := s.consult(2, "601")
	s.K.Kill()
	s.Flash()
	s.put(held, 2, "sendrecv")
	s.WaitTone(patience, voices["600"], voices["601"])
	s.hears(held, mouth, voices["601"])
	s.hears(second, mouth, voices["600"])
	s.Agent.WaitRegistered(patience, 1, "backup")
	s.Flash()
	s.ended(second)
	s.talks(held, voices["600"])
	s.OnHook()
	s.ended(held)
	s.Agent.WaitPort(patience, 1, "idle")
}
