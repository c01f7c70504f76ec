package outage

import (
	"fmt"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
)

// An answer is an answer: a refused call fails, for the caller to hear, and the
// line stays where it is.
func TestRefusedCallStays(t *testing.T) {
	for _, transport := range Transports {
		for _, status := range []int{403, 404, 486} {
			t.Run(fmt.Sprintf("%s/%d", transport, status), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, transport, false)
				l.far.OnCall(func(c *farend.Call) { c.Reply(status, "No") })
				l.run()
				l.agent.WaitRegistered(patience, 1, "primary")
				from := time.Now()
				l.dial("600")
				l.phone.WaitTone(patience, phone.Busy...)
				l.phone.OnHook()
				l.agent.WaitPort(patience, 1, "idle")
				if n := len(l.far.Calls()); n != 1 {
					t.Errorf("%d calls came to the far end, want 1", n)
				}
				l.stayed(from)
			})
		}
	}
}

// A refused REGISTER is not repeated elsewhere.
func TestRefusedRegisterStays(t *testing.T) {
	for _, status := range []int{403, 404} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "udp", false, func(o *kamailio.Options) {
				o.Extra = map[string]string{"register": fmt.Sprintf(`sl_send_reply("%d", "No"); exit;`, status)}
			})
			from := time.Now()
			l.run()
			got := l.agent.WaitLine(patience, 1, "failed", func(line agent.Line) bool { return line.State == "failed" })
			if got.LastError == nil {
				t.Errorf("the line does not tell the refusal: %v", got)
			}
			// As long as a wrong failover or a tight loop would need.
			registers, failover := 0, 0
			if !netlab.Holds(2*time.Second, func() bool {
				registers, failover = len(l.sent(from, "REGISTER", l.p.Addr)), len(l.backup.Received())
				return registers == 1 && failover == 0
			}) {
				t.Errorf("%d REGISTERs to the primary, want 1 for now, and %d requests at the backup, want none", registers, failover)
			}
		})
	}
}

// 401 with the right password is how every registration goes; with a wrong one
// it is a refusal: no failover, and no loop.
func TestChallengeStays(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "udp", false, func(o *kamailio.Options) { o.Algorithm = algorithm })
			l.run()
			l.agent.WaitRegistered(patience, 1, "primary")
			l.completes("primary")
			l.stayed(time.Time{})
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, "udp", false, func(o *kamailio.Options) { o.Algorithm = "MD5" })
		l.config.Set("sip1", "auth_password", "wrong")
		l.run()
		l.agent.WaitLine(patience, 1, "failed", func(line agent.Line) bool { return line.State == "failed" && line.LastError != nil })
		n := 0
		if !netlab.Holds(3*time.Second, func() bool { n = len(l.sent(time.Time{}, "REGISTER", l.p.Addr)); return n <= 3 }) {
			t.Errorf("%d REGISTERs with a wrong password within 3 s, want 3 at most", n)
		}
		l.nothingAtBackup()
	})
}

// stayed checks that the line is at the primary and the backup was never asked.
func (l *lab) stayed(from time.Time) {
	l.t.Helper()
	if line := l.agent.Line(1); line.Server != "primary" || line.State != "registered" || line.Failovers != 0 {
		l.t.Errorf("afterwards %v, want registered at the primary without failover", line)
	}
	l.nothingAtBackup()
}

func (l *lab) nothingAtBackup() {
	l.t.Helper()
	for _, r := range l.backup.Received() {
		if r.Method != "OPTIONS" {
			l.t.Errorf("the backup was asked: %+v", r)
		}
	}
}

// A 503 to an INVITE moves that call to the backup; a primary that still
// registers keeps the line.
func TestRefusedInviteMovesTheCallAlone(t *testing.T) {
	for _, status := range []int{500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "udp", false, func(o *kamailio.Options) {
				o.Extra = map[string]string{"invite": fmt.Sprintf(`sl_send_reply("%d", "Not Today"); exit;`, status)}
			})
			l.run()
			l.agent.WaitRegistered(patience, 1, "primary")
			l.dial("600")
			c := l.established("backup", 0)
			l.talk(c)
			if line := l.agent.Line(1); line.Server != "primary" || line.Failovers != 0 {
				t.Errorf("during the call %v, want the line at the primary", line)
			}
			l.phone.OnHook()
			if !c.Wait("BYE", patience) {
				t.Error("the far end gets no BYE")
			}
			l.agent.WaitPort(patience, 1, "idle")
		})
	}
}
