package outage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/dns"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/wire"
)

// Every applicable cell of the table.
func TestOutage(t *testing.T) {
	for _, c := range Cases() {
		if c.Outcome == None {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			k := &cell{Case: c, lab: newLab(t, c.Transport, c.Fault == "cut mid-message")}
			k.prepare()
			k.moments()[c.Moment]()
			k.afterwards()
		})
	}
}

// A cell is a lab in which one case is made true.
type cell struct {
	Case
	*lab
	struck time.Time // when the fault began
	expect string    // the server of every call after it
}

func (k *cell) moments() map[Moment]func() {
	return map[Moment]func(){Start: k.start, Idle: k.idle, Register: k.register, Invite: k.invite, Ringing: k.ringing, InCall: k.inCall}
}

// prepare sets the line up for the case.
func (k *cell) prepare() {
	k.t.Helper()
	k.expect = "backup"
	if k.Outcome == Stays {
		k.expect = "primary"
	}
	if k.Moment == Idle {
		k.config.Set("sip1", "keepalive", "options").Set("sip1", "keepalive_interval_s", 1)
	}
	switch k.Fault {
	case "dead neighbour":
		// ARP gives up sooner than the span, as the real three seconds do with the real 7.5 s.
		k.host.Sysctl("ipv4.neigh.eth0.retrans_time_ms", "100")
	case "link flap":
		// The kernel forgets hardware addresses with the link, and asks anew every second: with T1 as
		// short as here that alone is two thirds of a span, and the rest is soon gone on a busy
		// machine. It is made shorter as T1 is.
		k.host.Sysctl("ipv4.neigh.eth0.retrans_time_ms", "200")
	case "NXDOMAIN":
		k.names(k.zone()...)
		k.config.Set("sip1", "register_addr", "primary.test").Set("sip1", "dns_mode", "a")
	case "dead first SRV":
		port := k.config["sip1"]["register_port"]
		service := map[string]string{"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}[k.transport] + ".primary.test"
		k.names(append(k.zone(), dns.A("dead.test", "10.9.0.99"),
			fmt.Sprintf("srv-host=%s,dead.test,%s,10,0", service, port), fmt.Sprintf("srv-host=%s,p.test,%s,20,0", service, port))...)
		k.config.Set("sip1", "register_addr", "primary.test").Set("sip1", "dns_mode", "srv")
	}
}

func (k *cell) zone() []string {
	return []string{dns.A("primary.test", "10.9.0.1"), dns.A("p.test", "10.9.0.1"), dns.A("backup.test", "10.9.0.2")}
}

func (k *cell) names(records ...string) {
	k.t.Helper()
	k.dns = dns.Start(k.t, k.farHost, records)
	k.host.UseDNS(k.farHost.Addr)
}

// strike makes the fault true.
func (k *cell) strike() {
	k.t.Helper()
	k.struck = time.Now()
	switch k.Fault {
	case "black hole both ways":
		k.p.BlackHole(k.host.Addr)
	case "replies lost":
		k.p.LoseReplies(k.host.Addr)
	case "ICMP port unreachable":
		k.p.Reject(k.host.Addr, "icmp-port-unreachable")
	case "ICMP host unreachable":
		k.p.Reject(k.host.Addr, "icmp-host-unreachable")
	case "dead neighbour":
		k.p.Unplug()
		k.host.Forget(k.p.Addr)
	case "TCP refused":
		k.p.RefuseTCP(k.host.Addr)
	case "SYN black hole":
		k.p.DropSYN(k.host.Addr)
	case "accepted then silent":
		k.p.AcceptThenSilence(k.host.Addr)
	case "cut mid-message":
		for _, r := range k.relays {
			r.Cut()
		}
	case "500":
		k.primary.Fail(500, 0)
	case "503":
		k.primary.Fail(503, 0)
	case "503 with Retry-After":
		k.primary.Fail(503, 60)
	case "bad certificate":
		k.primary.Restart(func(o *kamailio.Options) { o.TLS = &k.bad })
	case "NXDOMAIN":
		k.dns.Serve(k.zone()[1:])
		<-time.After(1100 * time.Millisecond) // the record's life, which nobody tells the end of
	case "dead first SRV":
		// It was never alive.
	case "link flap":
		k.host.Unplug()
		timer := time.AfterFunc(3*t1*time.Millisecond, k.host.Plug)
		k.t.Cleanup(func() { timer.Stop() })
	default:
		k.t.Fatalf("no such fault: %s", k.Fault)
	}
}

// begin has the line registered at the primary before the fault.
func (k *cell) begin() {
	k.t.Helper()
	k.run()
	k.agent.WaitRegistered(patience, 1, "primary")
}

func (k *cell) start() {
	k.strike()
	k.run()
	k.agent.WaitRegistered(patience, 1, k.expect)
	k.spanned("REGISTER")
}

func (k *cell) idle() {
	k.begin()
	k.strike()
	if k.Outcome == Stays {
		// Two keep-alive rounds go by and nothing moves.
		from, l := time.Now(), k.agent.Line(1)
		if !netlab.Holds(2500*time.Millisecond, func() bool {
			l = k.agent.Line(1)
			return l.State == "registered" && l.Server == "primary"
		}) {
			k.t.Errorf("%v after the fault: %v", time.Since(from), l)
		}
		return
	}
	k.agent.WaitRegistered(patience, 1, "backup")
}

func (k *cell) register() {
	k.begin()
	k.strike()
	if err := k.agent.Post("/api/v1/lines/1/register", nil); err != nil {
		k.t.Fatalf("register: %v", err)
	}
	if k.Outcome == Stays {
		k.watchRegister()
	}
	k.agent.WaitRegistered(patience, 1, k.expect)
	k.spanned("REGISTER")
}

// watchRegister waits for the answer to the REGISTER that was asked for.
func (k *cell) watchRegister() {
	k.t.Helper()
	if k.transport == "tls" {
		return
	}
	k.watch.Wait(patience, "200 to the REGISTER", k.struck, func(e wire.Event) bool {
		return e.Kind == wire.Response && e.Method == "REGISTER" && e.Status == 200 && e.Dst.Addr() == k.host.Addr
	})
}

func (k *cell) invite() {
	k.begin()
	before := len(k.far.Calls())
	k.dialInto("600")
	c := k.established(k.expect, before)
	k.talk(c)
	k.oneCall()
	k.phone.OnHook()
	if !c.Wait("BYE", patience) {
		k.t.Errorf("the far end gets no BYE")
	}
	k.agent.WaitPort(patience, 1, "idle")
	k.spanned("INVITE")
	if k.Outcome != Stays && k.transport == "udp" {
		k.moved()
	}
	if k.Fault == "replies lost" && k.transport == "udp" {
		k.abandoned(before)
	}
}

// dialInto dials and lets the fault strike before the INVITE goes out.
func (k *cell) dialInto(number string) {
	k.t.Helper()
	k.phone.OffHook()
	k.phone.WaitTone(patience, phone.DialTone...)
	k.phone.Dial(number)
	k.strike()
	k.phone.Dial("#")
}

// oneCall checks that the user's call is one call.
func (k *cell) oneCall() {
	k.t.Helper()
	running := 0
	for _, c := range k.agent.Calls() {
		if c.Ended == nil {
			running++
		}
	}
	if running != 1 {
		k.t.Errorf("the agent tells of %d running calls, want 1", running)
	}
}

// moved checks the order of a call's move on the wire: INVITE to the primary,
// REGISTER to the backup, a new INVITE there with a Call-ID and tag of its own.
func (k *cell) moved() {
	k.t.Helper()
	if k.Fault == "dead neighbour" {
		return // nothing for the primary gets as far as the wire
	}
	first, register, second := k.sent(k.struck, "INVITE", k.p.Addr), k.sent(k.struck, "REGISTER", k.b.Addr), k.sent(k.struck, "INVITE", k.b.Addr)
	if len(first) == 0 || len(register) == 0 || len(second) == 0 {
		k.t.Errorf("sent %d INVITEs to the primary, %d REGISTERs and %d INVITEs to the backup\n%s", len(first), len(register), len(second), k.watch.Dump(k.struck))
		return
	}
	if !first[0].At.Before(register[0].At) || !register[0].At.Before(second[0].At) {
		k.t.Errorf("out of order:\n%s", k.watch.Dump(k.struck))
	}
	if first[0].CallID() == second[0].CallID() || first[0].Tag("From") == second[0].Tag("From") {
		k.t.Errorf("the new INVITE has the Call-ID or the tag of the abandoned one:\n%v\n%v", first[0], second[0])
	}
	if n := count(second, "Call-ID"); n != 1 {
		k.t.Errorf("%d different INVITEs to the backup, want 1", n)
	}
}

// abandoned checks that a late 2xx to the INVITE that the line gave up on is
// ACKed and its call ended.
func (k *cell) abandoned(before int) {
	k.t.Helper()
	k.p.Heal()
	var first *farend.Call
	for _, c := range k.far.Calls()[before:] {
		if k.through(c) == "primary" {
			first = c
		}
	}
	if first == nil {
		k.t.Errorf("the abandoned INVITE did not come to the far end")
		return
	}
	if !first.Wait("ACK", patience) || !first.Wait("BYE", patience) {
		k.t.Errorf("the abandoned call: %d ACK, %d BYE, want both\n%s", len(first.Got("ACK")), len(first.Got("BYE")), k.watch.Dump(k.struck))
	}
}

func (k *cell) ringing() {
	k.begin()
	k.dial("601")
	c := k.far.WaitCall(patience, 1)
	k.phone.WaitTone(patience, phone.Ringback...)
	k.strike()
	if k.Outcome == Stays {
		// The answer falls into the fault and is repeated until it comes through.
		go c.Answer()
		k.talk(c)
		k.phone.OnHook()
		if !c.Wait("BYE", patience) {
			k.t.Errorf("the far end gets no BYE")
		}
		return
	}
	k.phone.OnHook()
	k.agent.WaitPort(patience, 1, "idle")
	if n := len(k.far.Calls()); n != 1 {
		k.t.Errorf("a call that rang was sent again: %d calls at the far end", n)
	}
	if k.Outcome == Silence {
		// The CANCEL's time-out sends the line looking for a server.
		k.agent.WaitRegistered(patience, 1, "backup")
	}
}

func (k *cell) inCall() {
	k.begin()
	k.dial("600")
	c := k.established("primary", 0)
	k.talk(c)
	k.strike()
	k.phone.Say(900, -12)
	if err := c.Media.WaitTone(patience, 900, -12); err != nil {
		k.t.Errorf("the sound did not outlive the server: %v", err)
	}
	k.phone.OnHook()
	if !c.Wait("BYE", patience) {
		k.t.Errorf("the far end gets no BYE\n%s", k.watch.Dump(k.struck))
		return
	}
	k.agent.WaitPort(patience, 1, "idle")
	byes := c.Got("BYE")
	last := byes[len(byes)-1]
	by := netipAddr(last.Get("Via"))
	defer k.spanned("BYE")
	if k.Outcome == Stays {
		if len(byes) != 1 {
			k.t.Errorf("%d BYEs at the far end, want 1", len(byes))
		}
		return
	}
	if k.Fault == "replies lost" || k.Fault == "cut mid-message" {
		// The primary's copy came through and its answer did not.
		if !k.far.Wait(patience, func() bool { return len(c.Got("BYE")) > 1 }) {
			k.t.Errorf("the BYE did not come by the backup too")
			return
		}
		byes = c.Got("BYE")
		last = byes[len(byes)-1]
		by = netipAddr(last.Get("Via"))
		byes = byes[1:]
	}
	if len(byes) != 1 || by != k.b.Addr.String() {
		k.t.Errorf("%d BYEs at the far end, the last from %s, want 1 from the backup", len(byes), by)
	}
	invite := c.Invite()
	if last.CSeq() <= invite.CSeq()+1 && k.transport == "udp" && k.Outcome == Silence {
		k.t.Errorf("the BYE by the backup has CSeq %d, want one more than the BYE to the primary had", last.CSeq())
	}
	if last.Tag("From") != invite.Tag("From") || last.CallID() != invite.CallID() {
		k.t.Errorf("the BYE by the backup is not of the call's dialog: %v", last.Headers)
	}
}

// spanned checks how often and how long the primary was asked before the backup:
// with its whole span when it is silent, at once when it told.
func (k *cell) spanned(method string) {
	k.t.Helper()
	if k.transport != "udp" || k.Fault == "dead first SRV" || k.Fault == "NXDOMAIN" {
		return
	}
	toPrimary := k.sent(k.struck, method, k.p.Addr)
	switch k.Outcome {
	case Stays:
		if n := count(toPrimary, "Via"); n != 1 {
			k.t.Errorf("%d different %s requests to the primary, want 1 and its retransmissions\n%s", n, method, k.watch.Dump(k.struck))
		}
	case Signal:
		// A spoofed ICMP error may be given one more try.
		if n := len(toPrimary); n > 2 && k.Fault != "dead neighbour" || n == 0 && k.Fault != "dead neighbour" {
			k.t.Errorf("%d %s to the primary, want 1\n%s", n, method, k.watch.Dump(k.struck))
		}
	case Silence:
		if n := len(toPrimary); n != 4 || count(toPrimary, "Via") != 1 {
			k.t.Errorf("%d %s to the primary in %d transactions, want 1 and 3 retransmissions\n%s", n, method, count(toPrimary, "Via"), k.watch.Dump(k.struck))
			return
		}
		backup := k.watch.Since(toPrimary[0].At, func(e wire.Event) bool {
			return e.Kind == wire.Request && e.Src.Addr() == k.host.Addr && e.Dst.Addr() == k.b.Addr
		})
		if len(backup) == 0 {
			return // another check says so
		}
		if waited := backup[0].At.Sub(toPrimary[0].At); waited < span*95/100 {
			k.t.Errorf("the backup was asked %v after the primary, before its span of %v ended", waited, span)
		}
	}
}

// afterwards: the next call completes, the line tells where it is, and the
// program is as well as before.
func (k *cell) afterwards() {
	k.completes(k.expect)
	l := k.agent.Line(1)
	failovers := 0
	if k.expect == "backup" {
		failovers = 1
	}
	if k.Moment == Start && k.expect == "backup" && l.Failovers <= 1 {
		failovers = l.Failovers // it never was at the primary to fail over from
	}
	if l.Server != k.expect || l.State != "registered" || l.Failovers != failovers || l.Failbacks != 0 {
		k.t.Errorf("afterwards %v, want registered at the %s after %d failovers", l, k.expect, failovers)
	}
	if l.Why == "" {
		k.t.Error("the line does not say why it is where it is")
	}
	if k.Outcome == Silence && k.transport != "tls" {
		// A call that is dialled once the outage is known does not try the dead server first.
		if n := len(k.sent(k.struck, "INVITE", k.p.Addr)); k.Moment != Invite && n > 0 {
			k.t.Errorf("%d INVITEs went to the dead primary", n)
		}
	}
	sane(k.t, k.agent)
}

func sane(t *testing.T, a *agent.Agent) {
	t.Helper()
	for _, word := range []string{"panic", "DATA RACE", "goroutine "} {
		if lines := a.LogLines(word); len(lines) > 0 {
			t.Errorf("the agent's log: %s", lines[0])
		}
	}
	if lines := a.LogLines(kamailio.Password("1001")); len(lines) > 0 {
		t.Errorf("the agent logged a password: %s", lines[0])
	}
}

// count counts the different values of a header (of Via: the branch).
func count(events []wire.Event, header string) int {
	seen := map[string]bool{}
	for _, e := range events {
		seen[e.Get(header)] = true
	}
	return len(seen)
}

// netipAddr is the host of a Via's sent-by.
func netipAddr(via string) string {
	f := strings.Fields(via)
	if len(f) < 2 {
		return ""
	}
	host, _, _ := strings.Cut(f[1], ";")
	host, _, _ = strings.Cut(host, ":")
	return host
}
