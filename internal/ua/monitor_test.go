package ua

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
)

// monitored runs a monitor, and notes when the peer goes down and up over p.
func (w *world) monitored(p transport.Proto) *Monitor {
	m := w.stack.NewMonitor(transaction.Default(), "tipring/test", func(_ transport.Flow, at netip.AddrPort) { w.note("mapped %s", at) })
	w.run(func() { m.Run(w.ctx) })
	target := w.peer.host.Target(p).Normal()
	cancel := w.stack.Health.Subscribe(func(t transport.Target) {
		switch down, _, _ := w.stack.Health.State(t); {
		case t != target:
		case down:
			w.note("down")
		default:
			w.note("up")
		}
	})
	w.t.Cleanup(cancel)
	return m
}

func (w *world) watchPeer(m *Monitor, p transport.Proto, kind KeepAlive, interval time.Duration) (remove func()) {
	return m.Add(Watch{
		Target: w.peer.host.Target(p), Kind: kind, Interval: interval, Retransmissions: 3,
		Parties: func() (from, to sipmsg.URI, route []sipmsg.Addr) {
			return sipmsg.URI{Scheme: "sip", User: "1001", Host: "10.0.0.2"}, sipmsg.URI{Scheme: "sip", Host: "10.0.0.2"}, nil
		},
	})
}

// last is the state that the monitor found last.
func last(log string) (state string) {
	for part := range strings.SplitSeq(log, ", ") {
		if what, _, _ := strings.Cut(part, " "); what == "up" || what == "down" {
			state = what
		}
	}
	return state
}

// Each kind of keep-alive finds a dead server, in the time that it says, and finds it
// again when it is back.
func TestKeepAlives(t *testing.T) {
	const interval = 30 * time.Second
	tests := []struct {
		name  string
		kind  KeepAlive
		proto transport.Proto
		fault memnet.Fault
		found time.Duration // at the latest after the fault; 0: never
	}{
		{"OPTIONS", OptionsPing, transport.UDP, memnet.Silent, 33*time.Second + span},
		{"OPTIONS", OptionsPing, transport.UDP, memnet.Refusing, 33 * time.Second},
		{"OPTIONS", OptionsPing, transport.UDP, memnet.Unreachable, 33 * time.Second},
		{"OPTIONS", OptionsPing, transport.TCP, memnet.Silent, 33*time.Second + 2*span},
		{"OPTIONS", OptionsPing, transport.TCP, memnet.Mute, 33*time.Second + span},
		{"OPTIONS", OptionsPing, transport.TLS, memnet.Refusing, 33*time.Second + span},
		{"CRLF", CRLFPing, transport.UDP, memnet.Silent, 0}, // it has no answer to miss
		{"CRLF", CRLFPing, transport.UDP, memnet.Refusing, 33 * time.Second},
		{"CRLF", CRLFPing, transport.TCP, memnet.Silent, 33*time.Second + pongWait},
		{"CRLF", CRLFPing, transport.TCP, memnet.Mute, 33*time.Second + pongWait},
		{"CRLF", CRLFPing, transport.TLS, memnet.Refusing, 66*time.Second + pongWait},
		{"STUN", STUNPing, transport.UDP, memnet.Silent, 33*time.Second + pongWait},
		{"STUN", STUNPing, transport.UDP, memnet.Refusing, 33 * time.Second},
		{"STUN", STUNPing, transport.TCP, memnet.Silent, 33*time.Second + pongWait},
		{"none", NoKeepAlive, transport.UDP, memnet.Refusing, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.proto.String()+" "+tt.fault.String(), func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.peer.answers(200)
				w.peer.host.STUN(true)
				m := w.monitored(tt.proto)
				w.watchPeer(m, tt.proto, tt.kind, interval)
				w.after(10 * time.Minute)
				if got := w.heard(); strings.Contains(got, "down") {
					t.Fatalf("with the server alive: %q", got)
				}
				w.peer.host.Fail(tt.fault)
				w.after(tt.found + time.Second)
				found := last(w.heard()) == "down"
				if found != (tt.found > 0) {
					t.Fatalf("found dead: %v", found)
				}
				w.after(5 * time.Minute)
				w.peer.host.Fail(memnet.Alive)
				w.after(2 * time.Minute)
				answered := tt.kind != CRLFPing || tt.proto.Reliable()
				if got := w.heard(); tt.found > 0 && answered && last(got) != "up" {
					t.Errorf("after the server's return: %q", got)
				}
			})
		})
	}
}

// A connection that turns out to be stale is made anew before the server is blamed.
func TestStaleConnectionIsNotADeadServer(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.peer.answers(200)
		m := w.monitored(transport.TCP)
		w.watchPeer(m, transport.TCP, OptionsPing, 30*time.Second)
		w.after(time.Minute)
		w.peer.heard()
		// The server was restarted without a word: its end is gone, and says so when asked.
		var once sync.Once
		w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
			stale := false
			once.Do(func() { stale = true; w.peer.host.Cut() })
			if !stale {
				w.peer.reply(f, m, 200)
			}
		})
		w.after(40 * time.Second)
		w.want("told", w.heard(), "")
		if heard := strings.Split(w.peer.heard(), ", "); len(heard) < 2 || heard[0] != heard[1] {
			t.Errorf("peer heard %q, want an OPTIONS that is cut and another at once", heard)
		}
	})
}

// One lost STUN request of five is no dead server.
func TestSTUNIsRepeated(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.peer.host.STUN(true)
		m := w.monitored(transport.UDP)
		w.watchPeer(m, transport.UDP, STUNPing, 30*time.Second)
		n := 0
		w.net.Path(w.host, w.peer.host).Drop(func(memnet.Packet) bool { n++; return n%5 != 0 })
		w.after(10 * time.Minute)
		if got := w.heard(); strings.Contains(got, "down") || !strings.Contains(got, "mapped 10.0.0.1:5060") {
			t.Errorf("told %q", got)
		}
	})
}

// However many lines watch a server, it is asked once in the shortest interval, with some
// jitter; and no more when the last watch ends.
func TestOneProbeForManyLines(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		var mu sync.Mutex
		var at []time.Time
		w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
			mu.Lock()
			at = append(at, time.Now())
			mu.Unlock()
			w.peer.reply(f, m, 200)
		})
		m := w.monitored(transport.UDP)
		var ends []func()
		for i := range 256 {
			ends = append(ends, w.watchPeer(m, transport.UDP, OptionsPing, 20*time.Second+time.Duration(i)*time.Second))
		}
		w.after(time.Hour)
		if len(at) < 170 || len(at) > 190 {
			t.Errorf("%d OPTIONS in an hour of 20 s intervals", len(at))
		}
		different := map[time.Duration]bool{}
		for i := 1; i < len(at); i++ {
			d := at[i].Sub(at[i-1])
			if different[d] = true; d < 18*time.Second || d > 22*time.Second {
				t.Errorf("interval %v", d)
			}
		}
		if len(different) < 10 {
			t.Errorf("%d different intervals: no jitter", len(different))
		}
		for _, end := range ends {
			end()
		}
		n := len(at)
		w.after(time.Hour)
		if len(at) != n {
			t.Errorf("%d OPTIONS after the last watch ended", len(at)-n)
		}
	})
}

// Devices that start together do not probe together.
func TestFirstProbesAreSpread(t *testing.T) {
	seconds := map[int]int{}
	for range 200 {
		inWorld(t, nil, func(w *world) {
			w.peer.answers(200)
			w.watchPeer(w.monitored(transport.UDP), transport.UDP, OptionsPing, 30*time.Second)
			w.after(31 * time.Second)
			w.peer.mu.Lock()
			first := w.peer.log[0]
			w.peer.mu.Unlock()
			d, err := time.ParseDuration(first[strings.IndexByte(first, '+')+1:])
			if err != nil || d < 15*time.Second {
				t.Fatalf("first probe %q, want after half an interval", first)
			}
			seconds[int(d.Seconds())]++
		})
	}
	for s, n := range seconds {
		if n > 50 {
			t.Errorf("%d of 200 devices probe in second %d", n, s)
		}
	}
}

// A NAT that forgot its mapping is noticed by the keep-alive, and every line is told.
func TestKeepAliveNoticesANewMapping(t *testing.T) {
	for _, kind := range []KeepAlive{OptionsPing, STUNPing} {
		var ww *world
		inWorld(t, func(c *EndpointConfig) {
			c.Mapped = func(_ time.Time, _ transport.Flow, seen netip.AddrPort) { ww.note("line seen at %s", seen) }
		}, func(w *world) {
			ww = w
			w.peer.answers(200)
			m := w.monitored(transport.UDP)
			w.watchPeer(m, transport.UDP, kind, 30*time.Second)
			w.after(time.Minute)
			w.heard()
			if kind == OptionsPing {
				w.peer.behindNAT("192.0.2.1:42000")
				w.after(time.Minute)
			} else {
				f, err := w.e.Flow(w.peer.host.Target(transport.UDP))
				if err != nil {
					t.Fatal(err)
				}
				w.stack.Pong(f, netip.MustParseAddrPort("192.0.2.1:42000"))
				w.after(0)
			}
			if got := w.heard(); strings.Count(got, "line seen at 192.0.2.1:42000") != 1 {
				t.Errorf("told %q", got)
			}
		})
	}
}

// The monitor's OPTIONS name no contact: nobody has business to call it.
func TestMonitorIsNotReachable(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.peer.answers(200)
		m := w.monitored(transport.UDP)
		w.watchPeer(m, transport.UDP, OptionsPing, time.Second)
		w.after(2 * time.Second)
		if o, _ := w.peer.last(sipmsg.OPTIONS); len(o.Contact) != 0 {
			t.Errorf("Contact %v", o.Contact)
		}
		w.peer.heard()
		w.peer.does(nil)
		w.peer.calls(w.peer.request(sipmsg.OPTIONS, m.e.ContactUser(), "1"))
		w.after(0)
		w.want("peer heard", w.peer.heard(), "")
	})
}

// A server that is down for a reason says it.
func TestWhyAServerIsDown(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		m := w.monitored(transport.UDP)
		w.peer.answers(503)
		w.watchPeer(m, transport.UDP, OptionsPing, time.Second)
		w.after(5 * time.Second)
		down, _, cause := w.stack.Health.State(w.peer.host.Target(transport.UDP))
		if !down || cause == nil || cause.Error() != "503 Service Unavailable" {
			t.Errorf("down %v: %v", down, cause)
		}
		w.peer.host.Fail(memnet.Refusing)
		w.after(5 * time.Second)
		var icmp *transport.ICMPError
		if _, _, cause := w.stack.Health.State(w.peer.host.Target(transport.UDP)); !errors.As(cause, &icmp) {
			t.Errorf("cause %v, want the ICMP error", cause)
		}
	})
}
