package calls

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"tipring/tools/peers/agent"
	"tipring/tools/peers/coturn"
	"tipring/tools/peers/farend"
	"tipring/tools/peers/kamailio"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/phone"
	"tipring/tools/peers/site"
	"tipring/tools/peers/wire"
)

// stunned is a device whose line keeps watch over its server by STUN.
func stunned(server netip.Addr, t1 int) agent.Ini {
	return agent.Base(t1).
		Set("sip1", "username", "1001").
		Set("sip1", "auth_password", kamailio.Password("1001")).
		Set("sip1", "register_addr", server).
		Set("sip1", "keepalive", "stun").
		Set("sip1", "keepalive_interval_s", 1).
		Set("sip1", "codecs", "pcmu").
		Set("port1", "line", 1).
		Set("port1", "driver", "unix:p1")
}

// A home is a device behind a router that forgets a mapping which rests for 3 s. Its SIP
// server, which is kamailio, answers STUN on the SIP port; coturn is [sip] stun_server.
type home struct {
	*lab
	router *netlab.Host
	stun   *coturn.Server
}

func newHome(t *testing.T) *home {
	t.Helper()
	lan := netlab.New(t)
	h := &home{
		lab: &lab{&site.Site{
			T: t, Lan: lan, Server: lan.Host("server", 1), Far: lan.Host("far", 20),
			Phones: make([]*phone.Phone, 2),
		}},
		router: lan.Host("router", 30),
	}
	h.Host = h.router.Behind("agent")
	for _, key := range []string{"udp_timeout", "udp_timeout_stream"} {
		h.router.Sysctl("netfilter.nf_conntrack_"+key, "3")
	}
	h.Watch = wire.Listen(t, lan, netlab.WorkDir(t))
	h.stun = coturn.Start(t, lan.Host("stun", 3))
	h.K = kamailio.Start(t, h.Server, kamailio.Options{STUN: true, Far: netip.AddrPortFrom(h.Far.Addr, 5060)})
	h.Config = stunned(h.Server.Addr, 200).
		Set("sip", "stun_server", h.stun.Addr).
		Set("sip1", "use_stun", 1)
	return h
}

func (h *home) run() {
	h.T.Helper()
	h.Agent = agent.Start(h.T, h.Host, h.Config)
	h.Agent.WaitRegistered(patience, 1, "primary")
	h.Phones[1] = h.Agent.Phone("p1")
}

// told are the addresses that a STUN server has told the device since a moment.
func (h *home) told(by netip.AddrPort, from time.Time) []netip.AddrPort {
	var all []netip.AddrPort
	for _, e := range h.Watch.Since(from, func(e wire.Event) bool {
		return e.Kind == wire.STUN && e.STUN.Type == wire.BindingSuccess && e.Src == by
	}) {
		all = append(all, e.STUN.Mapped)
	}
	return all
}

// wantOutside checks that a session description has the sound sent to one of the addresses
// that coturn has told, which is none of this side of the router.
func (h *home) wantOutside(sdp string, from time.Time) {
	h.T.Helper()
	for _, at := range h.told(h.stun.Addr, from) {
		if strings.Contains(sdp, fmt.Sprintf("c=IN IP4 %s\r\n", at.Addr())) &&
			strings.Contains(sdp, fmt.Sprintf("m=audio %d ", at.Port())) && at.Addr() == h.router.Addr {
			return
		}
	}
	h.T.Errorf("no address of those that the STUN server told, %v, is offered:\n%s", h.told(h.stun.Addr, from), sdp)
}

// Behind a router the device is called, and calls, by the addresses that STUN tells, and its
// keep-alive holds the way in open when nothing else is said for longer than the router remembers.
func TestBehindNAT(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	far := farend.New(t, h.Far, nil)
	h.run()
	server := netip.AddrPortFrom(h.Server.Addr, 5060)
	outside := h.Watch.Wait(patience, "STUN answer", time.Time{}, func(e wire.Event) bool {
		return e.Kind == wire.STUN && e.Src == server && e.STUN.Type == wire.BindingSuccess
	}).STUN.Mapped
	if outside.Addr() != h.router.Addr || outside.Port() < netlab.MappedFirst || outside.Port() > netlab.MappedLast {
		t.Fatalf("kamailio sees the device at %v", outside)
	}
	contact := "@" + outside.String()
	register := h.Watch.Wait(patience, "REGISTER of the outside address", time.Time{}, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "REGISTER" && strings.Contains(e.Get("Contact"), contact)
	})
	if register.Src != outside {
		t.Errorf("REGISTERs come from %v, the binding requests from %v: not one socket", register.Src, outside)
	}

	// Nothing but binding requests for twice as long as the router remembers.
	quiet := time.Now()
	h.Watch.Wait(patience, "keep-alive after 6 s", quiet.Add(6*time.Second), func(e wire.Event) bool {
		return e.Kind == wire.STUN && e.Src == server && e.STUN.Type == wire.BindingSuccess
	})
	if said := h.Watch.Since(quiet.Add(time.Second), func(e wire.Event) bool { return e.Kind == wire.Request }); len(said) != 0 {
		t.Errorf("meanwhile: %v", said)
	}
	for _, at := range h.told(server, quiet) {
		if at != outside {
			t.Errorf("the router maps the SIP socket to %v, then to %v: the way in was closed", outside, at)
		}
	}

	start := time.Now()
	answered := make(chan *farend.Call)
	go func() {
		c, status := far.Dial(server, "1001", patience)
		if status != 200 {
			t.Errorf("the call to the device: %d", status)
		}
		answered <- c
	}()
	h.Phones[1].WaitRing(patience)
	h.Phones[1].OffHook()
	c := <-answered
	if t.Failed() {
		return
	}
	h.wantOutside(c.Answered().Body, start)
	if got := c.Answered().Get("Contact"); !strings.Contains(got, contact) {
		t.Errorf("Contact of the answer %s, want %s", got, contact)
	}
	h.both(c)
	c.Bye()
	h.Phones[1].OnHook()
	h.Agent.WaitPort(patience, 1, "idle")

	start = time.Now()
	h.Dial(1, "600")
	c = far.WaitCall(patience, 2)
	h.wantOutside(c.Invite().Body, start)
	if got := c.Invite().Get("Contact"); !strings.Contains(got, contact) {
		t.Errorf("Contact of the INVITE %s, want %s", got, contact)
	}
	h.both(c)
	h.Phones[1].OnHook()
	c.Wait("BYE", patience)
}

// A STUN server that has gone costs a call less than a second. Then the address is offered
// at which the SIP server sees the device, with the local port: most routers keep it.
func TestSTUNServerGone(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	far := farend.New(t, h.Far, nil)
	h.stun.Kill()
	h.run()
	h.Phones[1].OffHook()
	h.Phones[1].WaitTone(patience, phone.DialTone...)
	start := time.Now()
	if err := h.Agent.Post("/api/v1/ports/1/call", map[string]string{"to": "600"}); err != nil {
		t.Fatal(err)
	}
	c := far.WaitCall(patience, 1)
	asked := h.Watch.Wait(patience, "binding request", start, func(e wire.Event) bool { return e.Kind == wire.STUN && e.Dst == h.stun.Addr })
	invite := h.Watch.Wait(patience, "INVITE", start, func(e wire.Event) bool {
		return e.Kind == wire.Request && e.Method == "INVITE" && e.Src.Addr() == h.router.Addr
	})
	if waited := invite.At.Sub(asked.At); waited > time.Second {
		t.Errorf("called %v after the STUN server was asked", waited)
	}
	body := c.Invite().Body
	if want := fmt.Sprintf("c=IN IP4 %s\r\n", h.router.Addr); !strings.Contains(body, want) || !localPort.MatchString(body) {
		t.Errorf("offered, want %q and a port from 16384 to 16583:\n%s", want, body)
	}
	h.Phones[1].OnHook()
	c.Wait("BYE", patience)
}

var localPort = regexp.MustCompile(`m=audio 16[345]\d\d `)

// A server that answers no binding request any more is found dead and left before anybody
// dials: RFC 5626 section 4.4.1 allows it ten seconds.
func TestSTUNKeepAliveFindsADeadServer(t *testing.T) {
	t.Parallel()
	lan := netlab.New(t)
	host, primary, backup := lan.Host("agent", 10), lan.Host("primary", 1), lan.Host("backup", 2)
	watch := wire.Listen(t, lan, netlab.WorkDir(t))
	for _, s := range []*netlab.Host{primary, backup} {
		kamailio.Start(t, s, kamailio.Options{STUN: true})
	}
	a := agent.Start(t, host, stunned(primary.Addr, 100).Set("sip1", "backup_addr", backup.Addr))
	a.WaitRegistered(patience, 1, "primary")
	asks := func(s *netlab.Host) func(wire.Event) bool {
		return func(e wire.Event) bool {
			return e.Kind == wire.STUN && e.STUN.Type == wire.BindingRequest && e.Dst.Addr() == s.Addr
		}
	}
	first := watch.Wait(patience, "binding request", time.Time{}, asks(primary))
	if first.Src.Port() != 5060 || first.Dst.Port() != 5060 {
		t.Errorf("asked from %v to %v, want the SIP ports", first.Src, first.Dst)
	}
	watch.Wait(patience, "answer", first.At, func(e wire.Event) bool {
		return e.Kind == wire.STUN && e.STUN == wire.STUNMessage{Type: wire.BindingSuccess, ID: first.STUN.ID, Mapped: first.Src}
	})

	dead := time.Now()
	primary.BlackHole(host.Addr)
	a.WaitRegistered(patience, 1, "backup")
	took := time.Since(dead)
	if took < 9*time.Second || took > 14*time.Second {
		t.Errorf("at the backup %v after the primary's end, want 10 s after the next keep-alive", took)
	}
	// RFC 8489 section 6.2.1: the same request again, after T1, then twice as long each time.
	var sent []wire.Event
	for _, e := range watch.Since(dead, asks(primary)) {
		if len(sent) == 0 || e.STUN.ID == sent[0].STUN.ID && e.At.Sub(sent[0].At) < 9900*time.Millisecond {
			sent = append(sent, e)
		}
	}
	if len(sent) != 7 {
		t.Fatalf("the last binding request was sent %d times in 10 s with T1 of 100 ms, want 7", len(sent))
	}
	for i, want := 1, 100*time.Millisecond; i < len(sent); i, want = i+1, 2*want {
		if gap := sent[i].At.Sub(sent[i-1].At); gap < want-20*time.Millisecond || gap > want+want/2+100*time.Millisecond {
			t.Errorf("repeat %d after %v, want %v", i, gap, want)
		}
	}
	watch.Wait(patience, "keep-alive to the backup", dead, asks(backup))
}
