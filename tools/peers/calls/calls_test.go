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
	"tipring/tools/peers/certs"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/tshark"
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
const patience = 20 * time.Second

// A lab is a device with two lines and two telephones at one kamailio.
type lab struct {
	t      *testing.T
	lan    *netlab.Lan
	host   *netlab.Host
	server *netlab.Host
	far    *netlab.Host
	k      *kamailio.Server
	watch  *wire.Watch
	config agent.Ini
	agent  *agent.Agent
	phones []*phone.Phone // by port, from 1
	tls    bool
}

type options struct {
	transport string // udp tcp tls
	port      int    // of the server
	algorithm string
	relayed   bool // media through rtpengine
	codecs    string
	address   string // of the server, if not its IPv4 address
}

func newLab(t *testing.T, o options) *lab {
	t.Helper()
	if o.transport == "" {
		o.transport = "udp"
	}
	if o.port == 0 {
		o.port = 5060
	}
	if o.codecs == "" {
		o.codecs = "pcmu"
	}
	lan := netlab.New(t)
	l := &lab{
		t: t, lan: lan, host: lan.Host("agent", 10), server: lan.Host("server", 1), far: lan.Host("far", 20), tls: o.transport == "tls",
		phones: make([]*phone.Phone, 3),
	}
	l.watch = wire.Listen(t, lan, netlab.WorkDir(t))
	ca := certs.NewAuthority(t, netlab.WorkDir(t), "ca")
	pair := ca.Server("server", certs.Good, l.server.Addr.String(), l.server.Addr6.String())
	k := kamailio.Options{TLS: &pair, Algorithm: o.algorithm, Far: netip.AddrPortFrom(l.far.Addr, 5060)}
	if o.relayed {
		k.RTPEngine = kamailio.RTPEngine(t, l.server)
	}
	l.k = kamailio.Start(t, l.server, k)
	if o.address == "" {
		o.address = l.server.Addr.String()
	}
	l.config = agent.Base(500).Set("sip", "tls_ca_file", ca.File)
	for n := 1; n <= 2; n++ {
		line, port, user := fmt.Sprintf("sip%d", n), fmt.Sprintf("port%d", n), fmt.Sprintf("100%d", n)
		l.config.
			Set(line, "username", user).
			Set(line, "auth_password", kamailio.Password(user)).
			Set(line, "register_addr", o.address).
			Set(line, "register_port", o.port).
			Set(line, "transport", o.transport).
			Set(line, "codecs", o.codecs).
			Set(port, "line", n).
			Set(port, "driver", fmt.Sprintf("unix:p%d", n))
	}
	return l
}

// run starts the agent, registers both lines and connects the telephones.
func (l *lab) run() {
	l.t.Helper()
	l.agent = agent.Start(l.t, l.host, l.config)
	for n := 1; n <= 2; n++ {
		l.agent.WaitRegistered(patience, n, "primary")
		l.phones[n] = l.agent.Phone(fmt.Sprintf("p%d", n))
	}
}

// dial lifts the receiver of a telephone, waits for dial tone and dials.
func (l *lab) dial(n int, number string) {
	l.t.Helper()
	l.phones[n].OffHook()
	l.phones[n].WaitTone(patience, phone.DialTone...)
	l.phones[n].Dial(number + "#")
}

// crossed waits until so many messages have passed the switch.
func (l *lab) crossed(n int, what string, match func(wire.Event) bool) {
	l.t.Helper()
	if !netlab.Until(patience, func() bool { return len(l.watch.Events(match)) >= n }) {
		l.t.Errorf("%d %s, want %d", len(l.watch.Events(match)), what, n)
	}
}

// wellFormed has tshark look at everything that the agent sent.
func (l *lab) wellFormed() {
	l.t.Helper()
	for _, bad := range tshark.Of(l.t, l.watch).Malformed(l.host.Addr.String()) {
		l.t.Errorf("tshark about what the agent sent: %s", bad)
	}
	l.unbroken()
}

// unbroken has a look at the log alone: tshark takes SRTCP that was agreed beside plain RTP for
// malformed RTCP, and sees nothing of SIP by TLS.
func (l *lab) unbroken() {
	l.t.Helper()
	for _, word := range []string{"panic", "goroutine "} {
		if lines := l.agent.LogLines(word); len(lines) > 0 {
			l.t.Errorf("the agent's log: %s", lines[0])
		}
	}
}

// payloads are the RTP payload types that the agent sent.
func (l *lab) payloads() map[uint8]int {
	seen := map[uint8]int{}
	for _, e := range l.watch.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == l.host.Addr }) {
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
	for _, way := range []options{{transport: "udp"}, {transport: "tcp"}, {transport: "tls", port: 5061}, {transport: "tls", port: 5051}} {
		for _, algorithm := range []string{"MD5", "SHA-256"} {
			for _, relayed := range []bool{false, true} {
				o := way
				o.algorithm, o.relayed, o.codecs = algorithm, relayed, codecs[i%len(codecs)]
				i++
				name := fmt.Sprintf("%s-%d/%s/relay=%v/%s", o.transport, o.port, o.algorithm, o.relayed, o.codecs)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					l := newLab(t, o)
					l.watch.KeepRTP()
					l.run()
					l.between(1, 2, o)
					if pt := l.payloads(); o.relayed && pt[payload[o.codecs]] == 0 {
						t.Errorf("payload types sent: %v, want %d (%s)", pt, payload[o.codecs], o.codecs)
					}
					if o.relayed {
						for _, e := range l.watch.Events(func(e wire.Event) bool { return e.Kind == wire.RTP && e.Src.Addr() == l.host.Addr }) {
							if e.Dst.Addr() != l.server.Addr {
								t.Errorf("media went to %v, not to the relay", e.Dst)
								break
							}
						}
					}
					l.wellFormed()
				})
			}
		}
	}
}

// between has one telephone call the other's line and checks all that the two hear.
func (l *lab) between(from, to int, o options) {
	l.t.Helper()
	a, b := l.phones[from], l.phones[to]
	l.dial(from, fmt.Sprintf("100%d", to))
	b.WaitRing(patience)
	a.WaitTone(patience, phone.Ringback...)
	b.OffHook()
	a.Say(700, -12)
	b.Say(1300, -15)
	b.WaitTone(patience, 700)
	a.WaitTone(patience, 1300)
	calls := 0
	for _, c := range l.agent.Calls() {
		if c.State == "connected" && c.Codec == o.codecs {
			calls++
		}
	}
	if calls != 2 {
		l.t.Errorf("calls: %+v, want 2 connected with %s", l.agent.Calls(), o.codecs)
	}
	a.OnHook()
	l.agent.WaitPort(patience, from, "idle")
	b.OnHook()
	l.agent.WaitPort(patience, to, "idle")
	for _, c := range l.agent.Calls() {
		if c.Ended == nil || c.Reason == nil {
			l.t.Errorf("a call that ended does not say when and why: %+v", c)
		}
	}
}

// The same over IPv6.
func TestBetweenLinesIPv6(t *testing.T) {
	t.Parallel()
	o := options{address: "fd09::1", codecs: "pcmu", algorithm: "MD5"}
	l := newLab(t, o)
	l.run()
	l.between(1, 2, o)
	l.wellFormed()
}

// A registration is refreshed in time, in one dialog, and removed at the end.
func TestRefresh(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, options{transport: transport, algorithm: "MD5"})
			l.config.Set("sip1", "register_ttl", 4)
			l.run()
			registers := func() []wire.Event {
				return l.watch.Events(func(e wire.Event) bool {
					return e.Kind == wire.Request && e.Method == "REGISTER" && e.Src.Addr() == l.host.Addr && strings.Contains(e.Get("To"), "1001")
				})
			}
			if !netlab.Until(patience, func() bool { return len(registers()) >= 6 }) {
				t.Fatalf("%d REGISTERs within %v of bindings that live 4 s", len(registers()), patience)
			}
			first, last := registers()[0], registers()[len(registers())-1]
			if first.CallID() != last.CallID() || last.CSeq() <= first.CSeq() || first.Get("Contact") == "" {
				t.Errorf("the refreshes are not one dialog: %v, %v", first, last)
			}
			if line := l.agent.Line(1); line.State != "registered" || line.ExpiresS == nil || *line.ExpiresS > 4 {
				t.Errorf("line %v", line)
			}
			end := time.Now()
			l.agent.Stop()
			l.watch.Wait(patience, "REGISTER that removes the binding", end, func(e wire.Event) bool {
				return e.Kind == wire.Request && e.Method == "REGISTER" && e.Src.Addr() == l.host.Addr &&
					(e.Get("Expires") == "0" || wire.Param(e.Get("Contact"), "expires") == "0")
			})
			if code, err := l.agent.Wait(time.Second); code != 0 || err != nil {
				t.Errorf("exit status %d, %v after SIGTERM, want 0", code, err)
			}
			l.wellFormed()
		})
	}
}

// A stranger's requests are dropped without an answer; the servers' are served.
func TestStrangers(t *testing.T) {
	t.Parallel()
	l := newLab(t, options{})
	l.run()
	stranger := farend.New(t, l.lan.Host("stranger", 66), nil)
	from := time.Now()
	for _, number := range []string{"1001", "100", "1000"} {
		if _, status := stranger.Dial(netip.AddrPortFrom(l.host.Addr, 5060), number, 1200*time.Millisecond); status != 0 {
			t.Errorf("a stranger's INVITE to %s was answered %d", number, status)
		}
	}
	out, err := l.lan.Host("scanner", 67).Run("sipsak", "-s", "sip:1001@10.9.0.10", "-D", "3")
	if err == nil {
		t.Errorf("a stranger's OPTIONS was answered:\n%s", out)
	}
	if answers := l.watch.Since(from, func(e wire.Event) bool {
		return e.Kind == wire.Response && e.Src.Addr() == l.host.Addr && e.Dst.Addr() != l.server.Addr
	}); len(answers) != 0 {
		t.Errorf("answers to strangers: %v", answers)
	}
	if p := l.agent.Port(1); p.State != "idle" {
		t.Errorf("port 1 is %s", p.State)
	}
	// Through the server the same OPTIONS is answered.
	if out, err := l.far.Run("sipsak", "-s", "sip:1001@10.9.0.1", "-vv"); err != nil || !strings.Contains(out, "200") {
		t.Errorf("OPTIONS through the server: %v\n%s", err, out)
	}
	l.wellFormed()
}

// A request too large for a datagram goes by TCP (RFC 3261 section 18.1.1).
func TestLargeRequest(t *testing.T) {
	t.Parallel()
	l := newLab(t, options{})
	l.config.Set("sip1", "caller_id", "pai").Set("sip1", "display_name", strings.Repeat("Long Name ", 25))
	far := farend.New(t, l.far, nil)
	l.run()
	from := time.Now()
	l.phones[1].OffHook()
	if err := l.agent.Post("/api/v1/ports/1/call", map[string]string{"to": "6" + strings.Repeat("0123456789", 20)}); err != nil {
		t.Fatalf("call: %v", err)
	}
	c := far.WaitCall(patience, 1)
	invite := l.watch.Wait(patience, "INVITE", from, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "INVITE" && e.Src.Addr() == l.host.Addr
	})
	if invite.Proto != "tcp" || !strings.Contains(invite.Get("Via"), "/TCP") {
		t.Errorf("an INVITE of more than 1300 octets went by %s with Via %s", invite.Proto, invite.Get("Via"))
	}
	l.phones[1].WaitTone(patience, 1000)
	l.phones[1].OnHook()
	if !c.Wait("BYE", patience) {
		t.Error("the far end gets no BYE")
	}
}
