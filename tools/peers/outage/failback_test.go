package outage

import (
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/wire"
)

// onBackup has the line at the backup after a silent outage of the primary.
func (l *lab) onBackup() {
	l.t.Helper()
	l.run()
	l.agent.WaitRegistered(patience, 1, "primary")
	l.p.BlackHole(l.host.Addr)
	if err := l.agent.Post("/api/v1/lines/1/register", nil); err != nil {
		l.t.Fatal(err)
	}
	l.agent.WaitRegistered(patience, 1, "backup")
}

// The line comes home by itself: a probe with a Call-ID of its own finds the
// primary, and the binding at the backup is removed.
func TestFailback(t *testing.T) {
	for _, transport := range Transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, transport, false)
			l.config.Set("sip1", "failback_interval", 1)
			l.onBackup()
			healed := time.Now()
			l.p.Heal()
			line := l.agent.WaitRegistered(patience, 1, "primary")
			if line.Failovers != 1 || line.Failbacks != 1 {
				t.Errorf("%v, want 1 failover and 1 failback", line)
			}
			if transport != "tls" {
				removal := l.watch.Wait(patience, "removal of the backup binding", healed, func(e wire.Event) bool {
					return e.Kind == wire.Request && e.Method == "REGISTER" && e.Dst.Addr() == l.b.Addr && expiresZero(e)
				})
				probes := l.sent(healed, "REGISTER", l.p.Addr)
				if len(probes) == 0 || probes[len(probes)-1].CallID() == removal.CallID() {
					t.Errorf("the probe does not have a Call-ID of its own:\n%s", l.watch.Dump(healed))
				}
			}
			l.completes("primary")
			sane(t, l.agent)
		})
	}
}

func expiresZero(e wire.Event) bool {
	return e.Get("Expires") == "0" || wire.Param(e.Get("Contact"), "expires") == "0"
}

// A call that is up is not moved under: the line goes home when it has ended.
func TestFailbackWaitsForCalls(t *testing.T) {
	t.Parallel()
	l := newLab(t, "udp", false)
	l.config.Set("sip1", "failback_interval", 1)
	l.onBackup()
	l.dial("600")
	c := l.established("backup", 0)
	l.talk(c)
	l.p.Heal()
	// Two intervals and more.
	if !netlab.Holds(3*time.Second, func() bool { return l.agent.Line(1).Server == "backup" }) {
		t.Errorf("during a call: %v", l.agent.Line(1))
	}
	l.phone.OnHook()
	if !c.Wait("BYE", patience) {
		t.Error("the far end gets no BYE")
	}
	l.agent.WaitRegistered(patience, 1, "primary")
}

// A primary that answers a probe with a refusal is alive and of no use.
func TestFailbackNotToARefusal(t *testing.T) {
	t.Parallel()
	l := newLab(t, "udp", false)
	l.config.Set("sip1", "failback_interval", 1)
	l.onBackup()
	l.primary.Restart(func(o *kamailio.Options) {
		o.Extra = map[string]string{"register": `sl_send_reply("403", "Not You"); exit;`}
	})
	from := time.Now()
	l.p.Heal()
	for _, n := range []int{1, 2} { // two probes, each refused
		l.watch.Wait(patience, "403 to a probe", from, func(e wire.Event) bool {
			return e.Status == 403 && len(l.watch.Since(from, func(e wire.Event) bool { return e.Status == 403 })) >= n
		})
	}
	if line := l.agent.Line(1); line.Server != "backup" || line.State != "registered" {
		t.Errorf("after two refused probes: %v, want registered at the backup", line)
	}
	l.completes("backup")
}

// signal_failback: on the backup, a new INVITE tries the primary first.
func TestSignalFailback(t *testing.T) {
	t.Parallel()
	l := newLab(t, "udp", false)
	l.config.Set("sip1", "signal_failback", 1)
	l.onBackup()
	l.p.Heal()
	before := len(l.far.Calls())
	l.dial("600")
	c := l.established("primary", before)
	l.talk(c)
	l.phone.OnHook()
	if !c.Wait("BYE", patience) {
		t.Error("the far end gets no BYE")
	}
}

// warm_backup: both bindings are there, so the call that meets a dead primary
// needs no REGISTER first, and after the failback both are there again.
func TestWarmBackup(t *testing.T) {
	t.Parallel()
	l := newLab(t, "udp", false)
	l.config.Set("sip1", "warm_backup", 1).Set("sip1", "failback_interval", 1)
	l.run()
	l.agent.WaitRegistered(patience, 1, "primary")
	l.watch.Wait(patience, "200 of the backup to a REGISTER", time.Time{}, func(e wire.Event) bool {
		return e.Status == 200 && e.Method == "REGISTER" && e.Src.Addr() == l.b.Addr
	})
	k := &cell{lab: l, Case: Case{Fault: "black hole both ways", Transport: "udp", Moment: Invite, Outcome: Silence}}
	k.dialInto("600")
	c := l.established("backup", 0)
	first := k.sent(k.struck, "INVITE", l.b.Addr)
	for _, r := range k.sent(k.struck, "REGISTER", l.b.Addr) {
		if len(first) > 0 && r.At.Before(first[0].At) {
			t.Errorf("a REGISTER went before the INVITE although the backup was bound:\n%s", l.watch.Dump(k.struck))
		}
	}
	l.talk(c)
	l.phone.OnHook()
	l.agent.WaitPort(patience, 1, "idle")
	l.p.Heal()
	l.agent.WaitRegistered(patience, 1, "primary")
	for _, e := range l.sent(k.struck, "REGISTER", l.b.Addr) {
		if expiresZero(e) {
			t.Errorf("the warm binding was removed:\n%s", l.watch.Dump(k.struck))
		}
	}
}

// A late 180 to the INVITE that the line gave up on is answered by a CANCEL.
func TestLateProvisionalIsCancelled(t *testing.T) {
	t.Parallel()
	l := newLab(t, "udp", false)
	l.far.OnCall(func(c *farend.Call) {
		if l.through(c) == "primary" {
			for range 12 { // a provisional response again and again, as RFC 3261 section 13.3.1.1 allows
				c.Reply(180, "Ringing")
				if c.Wait("CANCEL", 500*time.Millisecond) {
					return
				}
			}
			return
		}
		c.Answer()
	})
	l.run()
	l.agent.WaitRegistered(patience, 1, "primary")
	k := &cell{lab: l, Case: Case{Fault: "replies lost", Transport: "udp", Moment: Invite, Outcome: Silence}}
	k.dialInto("600")
	l.established("backup", 0)
	l.p.Heal()
	first := l.far.Calls()[0]
	if !first.Wait("CANCEL", patience) {
		t.Errorf("the abandoned call that rings was not cancelled:\n%s", l.watch.Dump(k.struck))
	}
}

// keepalive = options: a dead primary is known before anybody dials, so that
// the call goes to the backup at once.
func TestKeepaliveFindsOutFirst(t *testing.T) {
	t.Parallel()
	l := newLab(t, "udp", false)
	l.config.Set("sip1", "keepalive", "options").Set("sip1", "keepalive_interval_s", 1)
	l.run()
	l.agent.WaitRegistered(patience, 1, "primary")
	l.p.BlackHole(l.host.Addr)
	from := time.Now()
	l.agent.WaitRegistered(patience, 1, "backup")
	l.completes("backup")
	if n := len(l.sent(from, "INVITE", l.p.Addr)); n != 0 {
		t.Errorf("%d INVITEs to the dead primary", n)
	}
	line := l.agent.WaitLine(patience, 1, "explained", func(line agent.Line) bool { return line.Why != "" })
	if line.FailbackIn == nil {
		t.Errorf("the line does not tell when it will try to go home: %v", line)
	}
}
