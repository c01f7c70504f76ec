// Package calls proves registrations and calls of the agent with foreign
// programs: kamailio as registrar and proxy, coturn as STUN server, rtpengine, baresip,
// sipp and sipgo as the other end, tshark as the judge of what is on the wire. Sound is compared in
// both directions.
package calls

import (
	"flag"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

func TestMain(m *testing.M) {
	netlab.Main(agent.Build, func() int {
		flag.Parse()
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
		return m.Run()
	})
}

// patience bounds every wait.
const patience = site.Patience

// A lab is a device with two lines and two telephones at one kamailio.
type lab struct{ *site.Site }

func newLab(t *testing.T, o site.Options) *lab {
	t.Helper()
	return &lab{site.New(t, o)}
}

// payloads are the RTP payload types that the agent sent.
func (l *lab) payloads() map[uint8]int {
	seen := map[uint8]int{}
	for _, e := range l.Watch.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == l.Host.Addr }) {
		seen[e.RTP.PayloadType]++
	}
	return seen
}

// Two lines of the device call each other through kamailio, over every
// transport, with every digest, with and without a media relay.
func TestBetweenLines(t *testing.T) {
	codecs := []string{"pcmu", "pcma", "g722"}
	payload := map[string]uint8{"pcmu": 0, "pcma": 8, "g722": 9}
	i := 0
	for _, way := range []site.Options{{Transport: "udp"}, {Transport: "tcp"}, {Transport: "tls", Port: 5061}, {Transport: "tls", Port: 5051}} {
		for _, algorithm := range []string{"MD5", "SHA-256"} {
			for _, relayed := range []bool{false, true} {
				o := way
				o.Algorithm, o.Relayed, o.Codecs = algorithm, relayed, codecs[i%len(codecs)]
				i++
				name := fmt.Sprintf("%s-%d/%s/relay=%v/%s", o.Transport, o.Port, o.Algorithm, o.Relayed, o.Codecs)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					l := newLab(t, o)
					l.Watch.KeepRTP()
					l.Run()
					l.between(1, 2, o)
					if pt := l.payloads(); o.Relayed && pt[payload[o.Codecs]] == 0 {
						t.Errorf("payload types sent: %v, want %d (%s)", pt, payload[o.Codecs], o.Codecs)
					}
					if o.Relayed {
						for _, e := range l.Watch.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == l.Host.Addr }) {
							if e.Dst.Addr() != l.Server.Addr {
								t.Errorf("media went to %v, not to the relay", e.Dst)
								break
							}
						}
					}
					l.WellFormed()
				})
			}
		}
	}
}

// between has one telephone call the other's line and checks all that the two hear.
func (l *lab) between(from, to int, o site.Options) {
	l.T.Helper()
	a, b := l.Phones[from], l.Phones[to]
	l.Dial(from, fmt.Sprintf("100%d", to))
	b.WaitRing(patience)
	a.WaitTone(patience, phone.Ringback...)
	b.OffHook()
	a.Say(700, -12)
	b.Say(1300, -15)
	b.WaitTone(patience, 700)
	a.WaitTone(patience, 1300)
	calls := 0
	for _, c := range l.Agent.Calls() {
		if c.State == "connected" && c.Codec == o.Codecs {
			calls++
		}
	}
	if calls != 2 {
		l.T.Errorf("calls: %+v, want 2 connected with %s", l.Agent.Calls(), o.Codecs)
	}
	a.OnHook()
	l.Agent.WaitPort(patience, from, "idle")
	b.OnHook()
	l.Agent.WaitPort(patience, to, "idle")
	for _, c := range l.Agent.Calls() {
		if c.Ended == nil || c.Reason == nil {
			l.T.Errorf("a call that ended does not say when and why: %+v", c)
		}
	}
}

// The same over IPv6.
func TestBetweenLinesIPv6(t *testing.T) {
	t.Parallel()
	o := site.Options{Address: "fd09::1", Codecs: "pcmu", Algorithm: "MD5"}
	l := newLab(t, o)
	l.Run()
	l.between(1, 2, o)
	l.WellFormed()
}

// A registration is refreshed in time, in one dialog, and removed at the end.
func TestRefresh(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, site.Options{Transport: transport, Algorithm: "MD5"})
			l.Config.Set("sip1", "register_ttl", 4)
			l.Run()
			registers := func() []wire.Event {
				return l.Watch.Events(func(e wire.Event) bool {
					return e.Kind == wire.Request && e.Method == "REGISTER" && e.Src.Addr() == l.Host.Addr && strings.Contains(e.Get("To"), "1001")
				})
			}
			if !netlab.Until(patience, func() bool { return len(registers()) >= 6 }) {
				t.Fatalf("%d REGISTERs within %v of bindings that live 4 s", len(registers()), patience)
			}
			first, last := registers()[0], registers()[len(registers())-1]
			if first.CallID() != last.CallID() || last.CSeq() <= first.CSeq() || first.Get("Contact") == "" {
				t.Errorf("the refreshes are not one dialog: %v, %v", first, last)
			}
			if line := l.Agent.Line(1); line.State != "registered" || line.ExpiresS == nil || *line.ExpiresS > 4 {
				t.Errorf("line %v", line)
			}
			end := time.Now()
			l.Agent.Stop()
			l.Watch.Wait(patience, "REGISTER that removes the binding", end, func(e wire.Event) bool {
				return e.Kind == wire.Request && e.Method == "REGISTER" && e.Src.Addr() == l.Host.Addr &&
					(e.Get("Expires") == "0" || wire.Param(e.Get("Contact"), "expires") == "0")
			})
			if code, err := l.Agent.Wait(time.Second); code != 0 || err != nil {
				t.Errorf("exit status %d, %v after SIGTERM, want 0", code, err)
			}
			l.WellFormed()
		})
	}
}

// A stranger's requests are dropped without an answer; the servers' are served.
func TestStrangers(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{})
	l.Run()
	stranger := farend.New(t, l.Lan.Host("stranger", 66), nil)
	from := time.Now()
	for _, number := range []string{"1001", "100", "1000"} {
		if _, status := stranger.Dial(netip.AddrPortFrom(l.Host.Addr, 5060), number, 1200*time.Millisecond); status != 0 {
			t.Errorf("a stranger's INVITE to %s was answered %d", number, status)
		}
	}
	out, err := l.Lan.Host("scanner", 67).Run("sipsak", "-s", "sip:1001@10.9.0.10", "-D", "3")
	if err == nil {
		t.Errorf("a stranger's OPTIONS was answered:\n%s", out)
	}
	if answers := l.Watch.Since(from, func(e wire.Event) bool {
		return e.Kind == wire.Response && e.Src.Addr() == l.Host.Addr && e.Dst.Addr() != l.Server.Addr
	}); len(answers) != 0 {
		t.Errorf("answers to strangers: %v", answers)
	}
	if p := l.Agent.Port(1); p.State != "idle" {
		t.Errorf("port 1 is %s", p.State)
	}
	// Through the server the same OPTIONS is answered.
	if out, err := l.Far.Run("sipsak", "-s", "sip:1001@10.9.0.1", "-vv"); err != nil || !strings.Contains(out, "200") {
		t.Errorf("OPTIONS through the server: %v\n%s", err, out)
	}
	l.WellFormed()
}

// A request too large for a datagram goes by TCP (RFC 3261 section 18.1.1).
func TestLargeRequest(t *testing.T) {
	t.Parallel()
	l := newLab(t, site.Options{})
	l.Config.Set("sip1", "caller_id", "pai").Set("sip1", "display_name", strings.Repeat("Long Name ", 25))
	far := farend.New(t, l.Far, nil)
	l.Run()
	from := time.Now()
	l.Phones[1].OffHook()
	if err := l.Agent.Post("/api/v1/ports/1/call", map[string]string{"to": "6" + strings.Repeat("0123456789", 20)}); err != nil {
		t.Fatalf("call: %v", err)
	}
	c := far.WaitCall(patience, 1)
	invite := l.Watch.Wait(patience, "INVITE", from, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "INVITE" && e.Src.Addr() == l.Host.Addr
	})
	if invite.Proto != "tcp" || !strings.Contains(invite.Get("Via"), "/TCP") {
		t.Errorf("an INVITE of more than 1300 octets went by %s with Via %s", invite.Proto, invite.Get("Via"))
	}
	l.Phones[1].WaitTone(patience, 1000)
	l.Phones[1].OnHook()
	if !c.Wait("BYE", patience) {
		t.Error("the far end gets no BYE")
	}
}
