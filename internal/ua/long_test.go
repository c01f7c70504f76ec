package ua

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
)

// long makes a request too long for a datagram.
func long(r *Request, octets int) *Request {
	body := make([]byte, octets)
	for i := range body {
		body[i] = 'x'
	}
	r.Msg.SetBody("text/plain", body)
	return r
}

// A request of more than 1300 octets goes by TCP (RFC 3261 section 18.1.1), says so in
// its Via, and comes back to UDP where TCP is refused, slow or of no use.
func TestLongRequests(t *testing.T) {
	tcpOnly := func(lose bool) func(memnet.Packet) bool {
		return func(p memnet.Packet) bool { return lose && p.Proto == transport.TCP }
	}
	tests := []struct {
		name  string
		setup func(w *world)
		told  string
		heard string
	}{
		{"TCP works", func(*world) {}, "200 +0s", "INVITE/tcp +0s, ACK/tcp +0s"},
		{"TCP is known to be down", func(w *world) {
			w.stack.Health.Down(w.peer.host.Target(transport.TCP), errNoPong, time.Now())
		}, "200 +0s", "INVITE +0s, ACK +0s"},
		{"TCP is refused", func(w *world) { w.stack.Attach(refusing{w.host, w.stack}) }, "200 +0s", "INVITE +0s, ACK +0s"},
		// A quarter of the span for the connection, and UDP gets the rest.
		{"connection is slow", func(w *world) { w.net.Path(w.host, w.peer.host).Drop(tcpOnly(true)) },
			"200 +1.875s", "INVITE +1.875s, ACK +1.875s"},
		{"connection is mute", func(w *world) { w.net.Path(w.peer.host, w.host).Drop(mute) },
			"200 +7.5s", "INVITE/tcp +0s, INVITE +7.5s, ACK +7.5s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				tt.setup(w)
				w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
					if m.Method == sipmsg.INVITE {
						w.peer.reply(f, m, 200)
					}
				})
				r := long(w.request(sipmsg.INVITE, transport.UDP), 1300)
				on := r.On
				r.On = func(now time.Time, a Answer) {
					on(now, a)
					if a.Response != nil {
						ack := a.Request.Clone()
						ack.Method, ack.CSeq.Method, ack.Body = sipmsg.ACK, sipmsg.ACK, nil
						if _, err := w.e.SendAck(a.Flow, ack); err != nil {
							t.Error(err)
						}
					}
				}
				w.send(r)
				w.after(time.Minute)
				w.want("told", w.heard(), tt.told)
				w.want("peer heard", w.peer.heard(), tt.heard)
				if m, f := w.peer.last(sipmsg.INVITE); m.Via[0].Transport != f.Target().Proto.Via() {
					t.Errorf("Via %s on %s", m.Via[0].Transport, f.Target().Proto)
				}
			})
		})
	}
}

// mute loses what a server says on a connection, not that it accepts it.
func mute(p memnet.Packet) bool { return p.Proto == transport.TCP && len(p.Wire) > 0 }

// Of a server that is dead altogether, the detour by TCP costs no time: the span ends
// when it would have ended.
func TestLongRequestToADeadServerKeepsItsSpan(t *testing.T) {
	for _, count := range []int{0, 1, 3} {
		inWorld(t, nil, func(w *world) {
			w.peer.host.Fail(memnet.Silent)
			r := long(w.request(sipmsg.INVITE, transport.UDP), 1300)
			r.Retransmissions = count
			w.send(r)
			w.after(time.Minute)
			want := []string{"no response +500ms", "no response +1.5s", "", "no response +7.5s"}[count]
			w.want("told", w.heard(), want)
		})
	}
}

// What was learned of TCP is remembered: the next long request goes by UDP at once.
func TestLongRequestsRememberThatTCPDoesNotWork(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.net.Path(w.host, w.peer.host).Drop(func(p memnet.Packet) bool { return p.Proto == transport.TCP })
		w.peer.answers(200)
		w.send(long(w.request(sipmsg.OPTIONS, transport.UDP), 2000))
		w.after(10 * time.Second)
		w.send(long(w.request(sipmsg.OPTIONS, transport.UDP), 2000))
		w.after(time.Second)
		w.want("told", w.heard(), "200 +1.875s, 200 +10s")
		if down, _, _ := w.stack.Health.State(w.peer.host.Target(transport.UDP)); down {
			t.Error("the server itself is blamed")
		}
	})
}

// One that was taken by TCP and not answered has another CSeq by UDP: the server must not
// take it for the same request by another way.
func TestLongRequestTakenByTCPIsANewOneByUDP(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.net.Path(w.peer.host, w.host).Drop(mute)
		w.send(long(w.request(sipmsg.INVITE, transport.UDP), 2000))
		w.after(8 * time.Second)
		first, second := w.peer.msgs[0], w.peer.msgs[1]
		if second.CSeq.Seq != first.CSeq.Seq+1 || second.Branch() == first.Branch() || second.CallID != first.CallID {
			t.Errorf("by UDP %v branch %s, by TCP %v branch %s", second.CSeq, second.Branch(), first.CSeq, first.Branch())
		}
	})
}

// refusing is a network in which nobody listens for TCP.
type refusing struct {
	transport.Network
	s *Stack
}

func (n refusing) Flow(t transport.Target) (transport.Flow, error) {
	if t.Proto != transport.TCP {
		return n.Network.Flow(t)
	}
	f := &refusedFlow{target: t}
	time.AfterFunc(0, func() { n.s.FlowFailed(f, syscall.ECONNREFUSED) })
	return f, nil
}

type refusedFlow struct {
	transport.Flow // nil: nothing else is asked of it
	target         transport.Target
}

func (f *refusedFlow) Target() transport.Target { return f.target }
func (f *refusedFlow) Local() netip.AddrPort    { return netip.AddrPort{} }
func (f *refusedFlow) Reliable() bool           { return true }
func (f *refusedFlow) Up() bool                 { return false }
