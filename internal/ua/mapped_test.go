package ua

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
)

// behindNAT has the peer see the agent at another address.
func (p *peer) behindNAT(at string) {
	seen := netip.MustParseAddrPort(at)
	p.does(func(f transport.Flow, m *sipmsg.Message) {
		p.reply(f, m, 200, func(res *sipmsg.Message) {
			res.Via[0].Params.Set("received", seen.Addr().String())
			res.Via[0].Params.Set("rport", strconv.Itoa(int(seen.Port())))
		})
	})
}

// What the Via of a response says of our address (RFC 3581) is where the Contact points
// from then on; all endpoints learn it, once for each change.
func TestMappedAddress(t *testing.T) {
	tell := func(w **world, who string) func(c *EndpointConfig) {
		return func(c *EndpointConfig) {
			c.Mapped = func(_ time.Time, _ transport.Flow, seen netip.AddrPort) { (*w).note("%s seen at %s", who, seen) }
		}
	}
	var world1 *world
	inWorld(t, tell(&world1, "first"), func(w *world) {
		world1 = w
		var cfg EndpointConfig
		tell(&world1, "second")(&cfg)
		second := w.endpoint(cfg)
		f, err := w.e.Flow(w.peer.host.Target(transport.UDP))
		if err != nil {
			t.Fatal(err)
		}
		w.want("Contact", w.e.Contact(f).URI.HostPort(), "10.0.0.1:5060")

		w.peer.answers(200)
		w.send(w.request(sipmsg.OPTIONS, transport.UDP))
		w.after(0)
		w.want("told without a NAT", w.heard(), "200 +0s")

		w.peer.behindNAT("192.0.2.1:41000")
		for range 2 {
			w.send(w.request(sipmsg.OPTIONS, transport.UDP))
			w.after(time.Second)
		}
		heard := strings.Split(w.heard(), ", ")
		slices.Sort(heard)
		w.want("told", strings.Join(heard, ", "),
			"200 +0s, 200 +1s, first seen at 192.0.2.1:41000 +0s, second seen at 192.0.2.1:41000 +0s")
		w.want("Contact", w.e.Contact(f).URI.HostPort(), "192.0.2.1:41000")
		w.want("Contact of the other", second.Contact(f).URI.HostPort(), "192.0.2.1:41000")
		m, _ := w.peer.last(sipmsg.OPTIONS)
		w.want("Contact sent", m.Contact[0].URI.HostPort(), "192.0.2.1:41000")
		w.want("Via sent", m.Via[0].SentBy(), "10.0.0.1:5060")
	})
}

// What says nothing of our address, or what cannot be read, changes nothing.
func TestMappedAddressIsNotGuessed(t *testing.T) {
	for name, change := range map[string]func(v *sipmsg.Via){
		"neither":         func(v *sipmsg.Via) { v.Params.Del("received"); v.Params.Del("rport") },
		"no port":         func(v *sipmsg.Via) { v.Params.Set("rport", "70000") },
		"port zero":       func(v *sipmsg.Via) { v.Params.Set("rport", "0") },
		"not an address":  func(v *sipmsg.Via) { v.Params.Set("received", "nat.example") },
		"rport as we had": func(v *sipmsg.Via) { v.Params.Del("received") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
					w.peer.reply(f, m, 200, func(res *sipmsg.Message) { change(&res.Via[0]) })
				})
				w.send(w.request(sipmsg.OPTIONS, transport.UDP))
				w.after(0)
				f, err := w.e.Flow(w.peer.host.Target(transport.UDP))
				if err != nil {
					t.Fatal(err)
				}
				w.want("address", w.e.Address(f).String(), "10.0.0.1:5060")
			})
		})
	}
}

// On a connection the Contact is our end of it.
func TestContactOnAConnection(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.peer.behindNAT("192.0.2.1:41000")
		for _, p := range []transport.Proto{transport.TCP, transport.TLS} {
			w.send(w.request(sipmsg.REGISTER, p))
			w.after(0)
			m, f := w.peer.last(sipmsg.REGISTER)
			c := m.Contact[0].URI
			if at := netip.AddrPortFrom(netip.MustParseAddr(c.Host), uint16(c.Port)); at != f.Target().Addr {
				t.Errorf("%s: Contact %s, connection from %s", p, c, f.Target().Addr)
			}
			w.want("transport", c.Transport(), p.String())
		}
	})
}

// A sighting holds for the address it was made with: when this host has moved, the new
// one counts until a server has said otherwise.
func TestMappedAddressOfAHostThatMoves(t *testing.T) {
	s := NewStack(nil)
	f := &movingFlow{local: netip.MustParseAddrPort("10.0.0.1:5060")}
	s.learn(f, netip.MustParseAddrPort("192.0.2.1:41000"))
	if at := s.address(f); at.String() != "192.0.2.1:41000" {
		t.Errorf("seen at %s", at)
	}
	f.local = netip.MustParseAddrPort("10.7.7.7:5060")
	if at := s.address(f); at != f.local {
		t.Errorf("after the move %s", at)
	}
	e := s.NewEndpoint(EndpointConfig{})
	e.SetAddress(f, f.local)
	if mail := e.take(); len(mail) != 1 || mail[0].kind != mapped {
		t.Errorf("nobody is told of the move: %v", mail)
	}
}

// The sightings are bounded.
func TestSightingsAreBounded(t *testing.T) {
	s := NewStack(nil)
	for i := range 10 * maxSeen {
		s.learn(&movingFlow{local: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(i))}, netip.MustParseAddrPort("192.0.2.1:5060"))
	}
	if len(s.seen) > maxSeen {
		t.Errorf("%d sightings", len(s.seen))
	}
}

// Who is known needs no room: the next response from a server of as many as are remembered
// makes nobody forget where the others see us.
func TestKnownSightingMakesNobodyForget(t *testing.T) {
	s, outside := NewStack(nil), netip.MustParseAddrPort("192.0.2.1:5060")
	flows := make([]*movingFlow, maxSeen)
	for i := range flows {
		flows[i] = &movingFlow{local: netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(i))}
		s.learn(flows[i], outside)
	}
	s.learn(flows[7], outside)
	for i, f := range flows {
		if at := s.address(f); at != outside {
			t.Fatalf("server %d sees us at %v, want %v", i, at, outside)
		}
	}
}

type movingFlow struct {
	transport.Flow // nil: nothing else is asked of it
	local          netip.AddrPort
}

func (f *movingFlow) Local() netip.AddrPort { return f.local }
