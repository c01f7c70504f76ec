package ua

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is one endpoint at 10.0.0.1 and a peer at 10.0.0.2, in memory and under the
// simulated clock.
type world struct {
	t     *testing.T
	net   *memnet.Net
	host  *memnet.Host
	stack *Stack
	e     *Endpoint
	peer  *peer
	begun time.Time

	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	log      []string // what the endpoint was told
	incoming []*Incoming
	handle   func(now time.Time, in *Incoming) // nil: nothing is answered
}

// inWorld runs a test in a bubble. change may alter what the endpoint is made with.
func inWorld(t *testing.T, change func(c *EndpointConfig), test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: memnet.New(), stack: NewStack(nil), begun: time.Now()}
		w.ctx, w.cancel = context.WithCancel(context.Background())
		w.host = w.net.Host("10.0.0.1:5060", w.stack)
		w.stack.Attach(w.host)
		w.peer = w.newPeer("10.0.0.2:5060")
		cfg := EndpointConfig{
			UserAgent: "tipring/test",
			Accepts:   func(a netip.Addr) bool { return a == netip.MustParseAddr("10.0.0.2") },
			Incoming: func(now time.Time, in *Incoming) {
				w.note("incoming %s", in.Req.Method)
				w.mu.Lock()
				w.incoming = append(w.incoming, in)
				handle := w.handle
				w.mu.Unlock()
				if handle != nil {
					handle(now, in)
				}
			},
			Acknowledged: func(_ time.Time, ack *sipmsg.Message) { w.note("acknowledged") },
		}
		if change != nil {
			change(&cfg)
		}
		w.e = w.endpoint(cfg)
		defer func() {
			w.cancel()
			w.done.Wait()
			w.net.Close()
		}()
		test(w)
	})
}

// endpoint adds an endpoint and works it until the end of the test.
func (w *world) endpoint(cfg EndpointConfig) *Endpoint {
	e := w.stack.NewEndpoint(cfg)
	w.run(func() {
		defer e.Close()
		e.Run(w.ctx, func(time.Time) {}, func() time.Time { return time.Time{} })
	})
	return e
}

func (w *world) run(f func()) {
	w.done.Add(1)
	go func() {
		defer w.done.Done()
		f()
	}()
}

// note writes down what the endpoint tells, with the time since the beginning.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...)+" +"+time.Since(w.begun).String())
}

// heard is all that was told since the last call.
func (w *world) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.log, ", ")
	w.log = nil
	return s
}

// after lets d pass and everything settle.
func (w *world) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) want(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// request is a request for the peer, over p, whose end is noted.
func (w *world) request(method string, p transport.Proto) *Request {
	m := &sipmsg.Message{
		Method: method, RequestURI: sipmsg.URI{Scheme: "sip", User: "600", Host: "10.0.0.2"},
		From:   sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "1001", Host: "10.0.0.2"}}.WithTag("from1"),
		To:     sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "600", Host: "10.0.0.2"}},
		CallID: NewTag(), CSeq: sipmsg.CSeq{Seq: 7, Method: method},
	}
	m.Header.Add("Max-Forwards", "70")
	return &Request{
		Msg: m, Target: w.peer.host.Target(p), Retransmissions: 3, Contact: true, Own: true, Server: "primary",
		On: func(_ time.Time, a Answer) {
			switch {
			case a.Late:
				w.note("late %d", a.Response.StatusCode)
			case a.Response != nil && a.Err != nil:
				w.note("%d %v", a.Response.StatusCode, a.Err)
			case a.Response != nil:
				w.note("%d", a.Response.StatusCode)
			case a.Cut:
				w.note("cut")
			default:
				w.note("%s", reason(a.Err))
			}
		},
	}
}

// reason shortens an error to what the tests look at.
func reason(err error) string {
	text := strings.Replace(err.Error(), "connect: no answer in time", "no connection", 1)
	for _, known := range []string{"no response", "no connection", "refused", "no route to host", "cancelled"} {
		if strings.Contains(text, known) {
			return known
		}
	}
	return text
}

// send sends a request from inside Work.
func (w *world) send(r *Request) { w.e.Post(func(now time.Time) { w.e.Send(now, r) }) }

// A peer is the other side: it writes down what comes in and answers by its script.
type peer struct {
	w    *world
	host *memnet.Host

	mu     sync.Mutex
	log    []string
	msgs   []*sipmsg.Message
	flows  []transport.Flow
	script func(f transport.Flow, m *sipmsg.Message)
}

func (w *world) newPeer(at string) *peer {
	p := &peer{w: w}
	p.host = w.net.Host(at, p)
	return p
}

func (p *peer) Receive(f transport.Flow, _ netip.AddrPort, m *sipmsg.Message, err error) {
	if err != nil {
		p.w.t.Errorf("peer received what cannot be read: %v", err)
		return
	}
	what := m.Method
	if !m.IsRequest() {
		what = fmt.Sprint(m.StatusCode)
	}
	if f.Reliable() {
		what += "/" + f.Target().Proto.String()
	}
	p.mu.Lock()
	p.log = append(p.log, what+" +"+time.Since(p.w.begun).String())
	p.msgs, p.flows = append(p.msgs, m), append(p.flows, f)
	script := p.script
	p.mu.Unlock()
	if script != nil {
		script(f, m)
	}
}

func (p *peer) FlowUp(transport.Flow)               {}
func (p *peer) FlowFailed(transport.Flow, error)    {}
func (p *peer) Pong(transport.Flow, netip.AddrPort) {}

// does sets the script.
func (p *peer) does(script func(f transport.Flow, m *sipmsg.Message)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script = script
}

// answers has every request but ACK answered with a status.
func (p *peer) answers(code int) {
	p.does(func(f transport.Flow, m *sipmsg.Message) {
		if m.IsRequest() && m.Method != sipmsg.ACK {
			p.reply(f, m, code)
		}
	})
}

// reply answers a request; change, when given, alters the response first.
func (p *peer) reply(f transport.Flow, m *sipmsg.Message, code int, change ...func(res *sipmsg.Message)) {
	res := m.Response(code, "")
	if code > 100 {
		res.To = res.To.WithTag("to1")
	}
	for _, c := range change {
		c(res)
	}
	p.send(f, res)
}

func (p *peer) send(f transport.Flow, m *sipmsg.Message) {
	wire, err := m.Append(nil)
	if err != nil {
		p.w.t.Errorf("peer: %v", err)
		return
	}
	if err := f.Send(wire); err != nil {
		p.w.t.Errorf("peer: %v", err)
	}
}

// heard is all that came in since the last call.
func (p *peer) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.log, ", ")
	p.log = nil
	return s
}

// last is the latest message of a method, and the flow it came by.
func (p *peer) last(method string) (*sipmsg.Message, transport.Flow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.msgs) - 1; i >= 0; i-- {
		if p.msgs[i].Method == method {
			return p.msgs[i], p.flows[i]
		}
	}
	p.w.t.Fatalf("peer received no %s", method)
	return nil, nil
}

// request is one that the peer sends to the endpoint's contact, or to another user there.
func (p *peer) request(method, user, branch string) *sipmsg.Message {
	at := p.host.Addr()
	m := &sipmsg.Message{
		Method: method, RequestURI: sipmsg.URI{Scheme: "sip", User: user, Host: "10.0.0.1"},
		Via:    []sipmsg.Via{{Transport: "UDP", Host: at.Addr().String(), Port: int(at.Port())}},
		From:   sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "600", Host: "10.0.0.2"}}.WithTag("their1"),
		To:     sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "1001", Host: "10.0.0.2"}},
		CallID: "their-call", CSeq: sipmsg.CSeq{Seq: 1, Method: method},
	}
	m.Via[0].Params.Set("branch", "z9hG4bK"+branch)
	m.Header.Add("Max-Forwards", "70")
	return m
}

// calls sends a request to the agent over UDP.
func (p *peer) calls(m *sipmsg.Message) {
	f, err := p.host.Flow(p.w.host.Target(transport.UDP))
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.send(f, m)
}

func credentials() *digest.Client {
	return digest.NewClient(digest.Credentials{Username: "1001", Password: "secret"}, digest.Credentials{})
}

// span is what a server gets with three retransmissions.
var span = transaction.Span(transaction.Default(), sipmsg.INVITE, 3)
