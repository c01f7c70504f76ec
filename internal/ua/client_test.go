package ua

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
)

// How long a request waits for a server, by what is wrong with the server: RFC 3261
// timers with a count, and on a connection the same span for connect and first response.
func TestSpans(t *testing.T) {
	tests := []struct {
		proto  transport.Proto
		fault  memnet.Fault
		method string
		count  int
		want   string // what the endpoint is told
		sent   string // what the peer, were it not deaf, would have heard: sends on the wire
	}{
		{transport.UDP, memnet.Silent, sipmsg.INVITE, 3, "no response +7.5s", "0s 500ms 1.5s 3.5s"},
		{transport.UDP, memnet.Silent, sipmsg.REGISTER, 3, "no response +7.5s", "0s 500ms 1.5s 3.5s"},
		{transport.UDP, memnet.Silent, sipmsg.INVITE, 0, "no response +500ms", "0s"},
		{transport.UDP, memnet.Silent, sipmsg.INVITE, transaction.Unlimited, "no response +32s", "0s 500ms 1.5s 3.5s 7.5s 15.5s 31.5s"},
		{transport.UDP, memnet.Silent, sipmsg.OPTIONS, transaction.Unlimited, "no response +32s", "0s 500ms 1.5s 3.5s 7.5s 11.5s 15.5s 19.5s 23.5s 27.5s 31.5s"},
		{transport.UDP, memnet.Mute, sipmsg.INVITE, 3, "no response +7.5s", "0s 500ms 1.5s 3.5s"},
		{transport.UDP, memnet.Refusing, sipmsg.INVITE, 3, "refused +0s", "0s"},
		{transport.UDP, memnet.Unreachable, sipmsg.INVITE, 3, "no route to host +0s", "0s"},
		{transport.TCP, memnet.Silent, sipmsg.INVITE, 3, "no connection +7.5s", ""},
		{transport.TCP, memnet.Silent, sipmsg.INVITE, transaction.Unlimited, "no connection +32s", ""},
		{transport.TCP, memnet.Mute, sipmsg.INVITE, 3, "no response +7.5s", "0s"},
		{transport.TCP, memnet.Mute, sipmsg.INVITE, 0, "no response +500ms", "0s"},
		{transport.TCP, memnet.Refusing, sipmsg.INVITE, 3, "refused +0s", ""},
		{transport.TCP, memnet.Unreachable, sipmsg.INVITE, 3, "no route to host +0s", ""},
		{transport.TLS, memnet.Silent, sipmsg.INVITE, 3, "no connection +7.5s", ""},
		{transport.TLS, memnet.Mute, sipmsg.REGISTER, 3, "no response +7.5s", "0s"},
		{transport.TLS, memnet.Refusing, sipmsg.INVITE, 3, "refused +0s", ""},
		{transport.TLS, memnet.Unreachable, sipmsg.INVITE, 3, "no route to host +0s", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.proto.String()+" "+tt.fault.String()+" "+strconv.Itoa(tt.count), func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.peer.host.Fail(tt.fault)
				var sent []string
				w.net.Watch(func(p memnet.Packet) {
					if len(p.Wire) > 0 && p.From == w.host {
						sent = append(sent, time.Since(w.begun).String())
					}
				})
				r := w.request(tt.method, tt.proto)
				r.Retransmissions = tt.count
				w.send(r)
				w.after(2 * time.Minute)
				w.want("told", w.heard(), tt.want)
				w.want("sent", strings.Join(sent, " "), tt.sent)
				if down, _, _ := w.stack.Health.State(r.Target); !down {
					t.Error("the server is not known to be down")
				}
			})
		})
	}
}

// The span of a connection covers what connecting took: a server that takes the
// connection late and then says nothing has no more time than a silent one.
func TestSpanCoversConnectAndFirstResponse(t *testing.T) {
	for _, p := range []transport.Proto{transport.TCP, transport.TLS} {
		inWorld(t, nil, func(w *world) {
			w.net.Path(w.host, w.peer.host).Delay(time.Second)
			w.net.Path(w.peer.host, w.host).Delay(time.Second)
			w.peer.host.Fail(memnet.Mute)
			w.send(w.request(sipmsg.INVITE, p))
			w.after(time.Minute)
			w.want("told", w.heard(), "no response +7.5s")
		})
	}
}

// What failed is told once: the request, where it went, and why it did not get there.
func TestErrorsNameTheTargetOnce(t *testing.T) {
	for p, want := range map[transport.Proto]string{
		transport.UDP: "OPTIONS at udp:10.0.0.2:5060: connection refused: ICMP port unreachable (type 3 code 3) from 10.0.0.2",
		transport.TCP: "OPTIONS at tcp:10.0.0.2:5060: connect: connection refused",
		transport.TLS: "OPTIONS at tls:10.0.0.2:5060: connect: connection refused",
	} {
		inWorld(t, nil, func(w *world) {
			w.peer.host.Fail(memnet.Refusing)
			r := w.request(sipmsg.OPTIONS, p)
			var told error
			r.On = func(_ time.Time, a Answer) { told = a.Err }
			w.send(r)
			w.after(time.Second)
			if told == nil || told.Error() != want {
				t.Errorf("got  %v\nwant %s", told, want)
			}
		})
	}
}

// A silent connection is given up, so that the next request makes another one.
func TestSilentConnectionIsNotUsedAgain(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.peer.answers(200)
		w.send(w.request(sipmsg.OPTIONS, transport.TCP))
		w.after(time.Second)
		w.net.Path(w.host, w.peer.host).Drop(memnet.All)
		w.send(w.request(sipmsg.OPTIONS, transport.TCP))
		w.after(9 * time.Second)
		w.net.Path(w.host, w.peer.host).Drop(nil)
		w.send(w.request(sipmsg.OPTIONS, transport.TCP))
		w.after(time.Second)
		w.want("told", w.heard(), "200 +0s, no response +8.5s, 200 +10s")
	})
}

// Silence within a dialog may be the far end's: it condemns no server and no connection.
func TestSilenceInADialogCondemnsNobody(t *testing.T) {
	for _, p := range []transport.Proto{transport.UDP, transport.TCP} {
		inWorld(t, nil, func(w *world) {
			w.peer.answers(200)
			w.send(w.request(sipmsg.OPTIONS, p))
			w.after(0)
			w.peer.does(nil)
			r := w.request(sipmsg.BYE, p)
			r.Msg.To = r.Msg.To.WithTag("to1")
			w.send(r)
			w.after(time.Minute)
			w.want("told", w.heard(), "200 +0s, no response +7.5s")
			if down, _, cause := w.stack.Health.State(r.Target); down {
				t.Errorf("server down: %v", cause)
			}
			f, err := w.e.Flow(r.Target)
			if err != nil || !f.Up() {
				t.Error("the connection was closed")
			}
		})
	}
}

// A connection that is cut ends its requests at once and says so; it proves nothing about
// the server. A call that rings outlives it.
func TestCutConnection(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
			if m.Method == sipmsg.INVITE {
				w.peer.reply(f, m, 180)
			}
		})
		w.send(w.request(sipmsg.INVITE, transport.TCP))
		w.send(w.request(sipmsg.OPTIONS, transport.TCP))
		w.after(time.Second)
		w.peer.host.Cut()
		w.after(time.Minute)
		w.want("told", w.heard(), "180 +0s, cut +1s")
		if down, _, _ := w.stack.Health.State(w.peer.host.Target(transport.TCP)); down {
			t.Error("a cut connection counts as a dead server")
		}
	})
}

// Any answer but 500 and 503 shows that a server lives.
func TestAnswersHeal(t *testing.T) {
	for _, tt := range []struct {
		code int
		down bool
	}{{100, false}, {200, false}, {401, false}, {404, false}, {486, false}, {502, false}, {500, true}, {503, true}} {
		inWorld(t, nil, func(w *world) {
			target := w.peer.host.Target(transport.UDP)
			w.stack.Health.Down(target, errNoPong, time.Now())
			w.peer.answers(tt.code)
			w.send(w.request(sipmsg.OPTIONS, transport.UDP))
			w.after(0)
			if down, _, _ := w.stack.Health.State(target); down != tt.down {
				t.Errorf("after %d down is %v", tt.code, down)
			}
		})
	}
}

// A datagram that this host cannot send is as good as lost: the next repetition may find
// the route again.
func TestUnsendableDatagramIsRepeated(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.peer.answers(200)
		n := &cutOff{Network: w.host, fails: 2}
		w.stack.Attach(n)
		w.send(w.request(sipmsg.OPTIONS, transport.UDP))
		w.after(time.Minute)
		w.want("told", w.heard(), "200 +1.5s")
	})
}

// One too long for any datagram is this program's fault, not the server's.
func TestTooLongIsNotTheServersFault(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		r := w.request(sipmsg.INVITE, transport.UDP)
		w.stack.Health.Down(w.peer.host.Target(transport.TCP), errNoPong, time.Now())
		r.Msg.SetBody("text/plain", make([]byte, sipmsg.MaxDatagram))
		w.send(r)
		w.after(time.Minute)
		if got := w.heard(); !strings.Contains(got, "longer than a datagram") || !strings.HasSuffix(got, "+0s") {
			t.Errorf("told %q", got)
		}
		if down, _, _ := w.stack.Health.State(r.Target); down {
			t.Error("the server is blamed")
		}
	})
}

// A challenge is answered in the same dialog or Call-ID, with the next CSeq, on a new
// branch; the old transaction acknowledges what its server still repeats.
func TestChallenge(t *testing.T) {
	inWorld(t, func(c *EndpointConfig) { c.Credentials = credentials() }, func(w *world) {
		v := digest.NewVerifier("pbx", func(user string) (string, bool) { return "secret", user == "1001" })
		w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
			if m.Method != sipmsg.INVITE {
				return
			}
			if _, err := v.Check(time.Now(), m, digest.UserAgent); err != nil {
				w.peer.send(f, v.Challenge(time.Now(), m, digest.UserAgent, false))
				return
			}
			w.peer.reply(f, m, 486)
		})
		r := w.request(sipmsg.INVITE, transport.UDP)
		callID := r.Msg.CallID
		w.send(r)
		w.after(time.Second)
		w.want("peer heard", w.peer.heard(), "INVITE +0s, ACK +0s, INVITE +0s, ACK +0s")
		w.want("told", w.heard(), "486 +0s")
		first, f := w.peer.msgs[0], w.peer.flows[0]
		second := w.peer.msgs[2]
		if second.CallID != callID || second.CSeq.Seq != 8 || second.Branch() == first.Branch() || second.From.Tag() != first.From.Tag() {
			t.Errorf("repeated as %v %s branch %s", second.CSeq, second.CallID, second.Branch())
		}
		w.peer.send(f, v.Challenge(time.Now(), first, digest.UserAgent, false)) // its ACK was lost
		w.after(0)
		w.want("peer heard", w.peer.heard(), "ACK +1s")
		if ack := w.peer.msgs[len(w.peer.msgs)-1]; ack.CSeq.Seq != 7 || ack.Branch() != first.Branch() {
			t.Errorf("ACK %v on branch %s, want that of the first INVITE", ack.CSeq, ack.Branch())
		}
		w.want("told", w.heard(), "")
	})
}

// A challenge is answered only where the owner says that the target is its own, and the
// owner makes the repetition when it has a dialog.
func TestChallengeIsTheOwnersToAnswer(t *testing.T) {
	for _, own := range []bool{true, false} {
		inWorld(t, func(c *EndpointConfig) { c.Credentials = credentials() }, func(w *world) {
			v := digest.NewVerifier("pbx", func(string) (string, bool) { return "secret", true })
			w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
				if _, err := v.Check(time.Now(), m, digest.Proxy); err != nil {
					w.peer.send(f, v.Challenge(time.Now(), m, digest.Proxy, false))
					return
				}
				w.peer.reply(f, m, 200)
			})
			r := w.request(sipmsg.BYE, transport.UDP)
			r.Own = own
			r.Again = func(req *sipmsg.Message) *sipmsg.Message {
				next := req.Clone()
				next.CSeq.Seq = 40
				return next
			}
			w.send(r)
			w.after(time.Second)
			m, _ := w.peer.last(sipmsg.BYE)
			_, answered := m.Header.Lookup("Proxy-Authorization")
			switch got := w.heard(); {
			case own && (got != "200 +0s" || m.CSeq.Seq != 40 || !answered):
				t.Errorf("own: told %q, CSeq %d, credentials %v", got, m.CSeq.Seq, answered)
			case !own && (!strings.HasPrefix(got, "407 ") || !strings.Contains(got, digest.ErrForeignServer.Error()) || answered):
				t.Errorf("foreign: told %q, credentials %v", got, answered)
			}
		})
	}
}

// A server may close the connection behind its challenge.
func TestChallengeOnAConnectionThatIsClosed(t *testing.T) {
	inWorld(t, func(c *EndpointConfig) { c.Credentials = credentials() }, func(w *world) {
		v := digest.NewVerifier("pbx", func(string) (string, bool) { return "secret", true })
		w.peer.does(func(f transport.Flow, m *sipmsg.Message) {
			if _, err := v.Check(time.Now(), m, digest.UserAgent); err != nil {
				w.peer.send(f, v.Challenge(time.Now(), m, digest.UserAgent, false))
				f.Close(nil)
				return
			}
			w.peer.reply(f, m, 200)
		})
		w.send(w.request(sipmsg.REGISTER, transport.TCP))
		w.after(time.Minute)
		w.want("told", w.heard(), "200 +0s")
	})
}

// A cutOff network has no route for the first datagrams.
type cutOff struct {
	transport.Network
	fails int
}

func (n *cutOff) Flow(t transport.Target) (transport.Flow, error) {
	f, err := n.Network.Flow(t)
	return &cutOffFlow{f, n}, err
}

type cutOffFlow struct {
	transport.Flow
	n *cutOff
}

func (f *cutOffFlow) Send(wire []byte) error {
	if f.n.fails > 0 {
		f.n.fails--
		return errNoRoute
	}
	return f.Flow.Send(wire)
}

var errNoRoute = errors.New("network is unreachable")
