package outage

import (
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/phone"
)

// With every server gone, each gets its span and the last one 64*T1; then the
// user hears it and the line says why. When the servers come back, the line
// comes back by itself.
func TestAllDown(t *testing.T) {
	t.Parallel()
	l := newLab(t, "udp", false)
	l.run()
	l.agent.WaitRegistered(patience, 1, "primary")
	l.phone.OffHook()
	l.phone.WaitTone(patience, phone.DialTone...)
	l.phone.Dial("600")
	from := time.Now()
	l.p.BlackHole(l.host.Addr)
	l.b.BlackHole(l.host.Addr)
	l.phone.Dial("#")
	l.phone.WaitTone(patience, phone.Busy...)
	if waited := time.Since(from); waited < 64*t1*time.Millisecond {
		t.Errorf("the call failed after %v; the last server gets 64*T1 = %v", waited, 64*t1*time.Millisecond)
	}
	line := l.agent.WaitLine(patience, 1, "failed", func(line agent.Line) bool { return line.State != "registered" })
	if line.LastError == nil || line.Why == "" {
		t.Errorf("the line does not say why: %v", line)
	}
	invites, registers := l.sent(from, "INVITE", l.p.Addr), l.sent(from, "REGISTER", l.b.Addr)
	if len(invites) != 4 || len(registers) < 4 {
		t.Errorf("%d INVITEs to the primary and %d REGISTERs to the backup, want 4 and its whole time\n%s", len(invites), len(registers), l.watch.Dump(from))
	}
	l.phone.OnHook()
	l.agent.WaitPort(patience, 1, "idle")
	l.p.Heal()
	l.b.Heal()
	l.agent.WaitRegistered(2*time.Minute, 1, "") // RFC 5626 section 4.5: half of 30 s at least
	l.completes(l.agent.Line(1).Server)
	sane(t, l.agent)
}
