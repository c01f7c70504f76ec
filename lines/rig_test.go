package lines

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is one line at 10.0.0.1 with its primary at .2 and its backup at .3, in
// memory, under the simulated clock.
type world struct {
	t       *testing.T
	net     *memnet.Net
	agent   *memnet.Host
	stack   *ua.Stack
	line    *Line
	names   *memnet.Names
	primary *fakeServer
	backup  *fakeServer
	phone   *fakePhone

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// newWorld begins a bubble's world; settings are lines of [sip1], which come after
// addresses and identity.
func newWorld(t *testing.T, settings ...string) *world {
	t.Helper()
	w := &world{t: t, net: memnet.New(), names: &memnet.Names{}, phone: &fakePhone{}}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.primary = w.newServer(ctx, "10.0.0.2:5060")
	w.backup = w.newServer(ctx, "10.0.0.3:5060")

	w.stack = ua.NewStack(testLog(t))
	w.agent = w.net.Host("10.0.0.1:5060", w.stack)
	w.stack.Attach(w.agent)
	timers := transaction.Default()
	monitor := w.stack.NewMonitor(timers, "tipring/test", nil)
	w.run(func() { monitor.Run(ctx) })
	w.line = New(lineConfig(t, settings...), Device{
		Stack: w.stack, Monitor: monitor, Resolver: w.names, Timers: timers,
		UserAgent: "tipring/test", Owner: w.phone, Log: testLog(t),
	})
	w.phone.line = w.line
	w.run(func() { w.line.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		w.done.Wait()
		w.net.Close()
	})
	return w
}

func (w *world) run(f func()) {
	w.done.Add(1)
	go func() {
		defer w.done.Done()
		f()
	}()
}

func lineConfig(t *testing.T, settings ...string) config.Line {
	t.Helper()
	base := []string{"username = 1001", "auth_password = secret", "register_addr = 10.0.0.2", "backup_addr = 10.0.0.3"}
	seen := map[string]bool{}
	var text []string
	all := append(append([]string{}, settings...), base...)
	for _, s := range all {
		key, _, _ := strings.Cut(s, " ")
		if !seen[key] {
			seen[key] = true
			text = append(text, s)
		}
	}
	ini := "[sip1]\n" + strings.Join(text, "\n") + "\n"
	c, err := config.Load([]config.Layer{config.FileLayer("test.ini", []byte(ini))}, config.Checks{})
	if err != nil {
		t.Fatalf("%s\n%v", ini, err)
	}
	return *c.Line(1)
}

func testLog(t *testing.T) *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.DiscardHandler)
}

// A fakeServer is a registrar and called party in one: it says what its script says.
type fakeServer struct {
	host *memnet.Host
	e    *ua.Endpoint

	mu       sync.Mutex
	log      []string // "REGISTER", "INVITE", …, with "+binding" and so on
	at       []time.Time
	requests []*sipmsg.Message
	// answer, when set for a method, replaces the usual 200.
	answer map[string]func(now time.Time, in *ua.Incoming)
}

func (w *world) newServer(ctx context.Context, addr string) *fakeServer {
	s := &fakeServer{answer: map[string]func(time.Time, *ua.Incoming){}}
	stack := ua.NewStack(nil)
	s.host = w.net.Host(addr, stack)
	stack.Attach(s.host)
	s.e = stack.NewEndpoint(ua.EndpointConfig{
		Fallback: true, Incoming: s.incoming,
		Acknowledged: func(_ time.Time, ack *sipmsg.Message) { s.note("ACK", ack) },
	})
	w.run(func() {
		defer s.e.Close()
		timer := time.NewTimer(time.Hour)
		defer timer.Stop()
		for {
			now := time.Now()
			s.e.Work(now)
			wait := time.Hour
			if d := s.e.Deadline(); !d.IsZero() {
				wait = max(0, d.Sub(now))
			}
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-s.e.Ready():
			case <-timer.C:
			}
		}
	})
	return s
}

func (s *fakeServer) note(what string, m *sipmsg.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.at, s.requests = append(s.log, what), append(s.at, time.Now()), append(s.requests, m)
}

// heard is what the server got since the n-th request: a list of methods.
func (s *fakeServer) heard(from int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from > len(s.log) {
		return ""
	}
	return strings.Join(s.log[from:], " ")
}

func (s *fakeServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.log)
}

// last is the latest request of a method.
func (s *fakeServer) last(method string) *sipmsg.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.requests) - 1; i >= 0; i-- {
		if s.requests[i].Method == method {
			return s.requests[i]
		}
	}
	return nil
}

// on sets the answer to a method; nil brings the usual one back.
func (s *fakeServer) on(method string, f func(now time.Time, in *ua.Incoming)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer[method] = f
}

func (s *fakeServer) incoming(now time.Time, in *ua.Incoming) {
	s.note(in.Req.Method, in.Req)
	s.mu.Lock()
	f := s.answer[in.Req.Method]
	s.mu.Unlock()
	switch {
	case f != nil:
		f(now, in)
	case in.Req.Method == sipmsg.REGISTER:
		res := in.Response(200, "")
		res.Contact = in.Req.Contact
		in.RespondWith(now, res)
	case in.Req.Method == sipmsg.INVITE:
		s.ring(now, in)
		s.take(now, in)
	default:
		in.Respond(now, 200, "")
	}
}

// ring answers 180.
func (s *fakeServer) ring(now time.Time, in *ua.Incoming) {
	res := in.Response(180, "")
	res.Contact = []sipmsg.Addr{s.contact()}
	in.RespondWith(now, res)
}

// take answers 200 with a session description and the server in the route set.
func (s *fakeServer) take(now time.Time, in *ua.Incoming) {
	res := in.Response(200, "")
	res.Contact = []sipmsg.Addr{s.contact()}
	rr := sipmsg.URI{Scheme: "sip", Host: s.host.Addr().Addr().String()}
	rr.Params.SetFlag("lr")
	res.RecordRoute = []sipmsg.Addr{{URI: rr}}
	res.SetBody("application/sdp", s.describe(in.Req))
	in.RespondWith(now, res)
}

func (s *fakeServer) contact() sipmsg.Addr {
	return sipmsg.Addr{URI: sipmsg.URI{Scheme: "sip", User: "far", Host: "10.0.0.9"}}
}

func (s *fakeServer) describe(req *sipmsg.Message) []byte {
	o := offer.New(offer.Capabilities{Codecs: []offer.Codec{offer.PCMU}, Events: true, PtimeMS: 20},
		offer.Local{RTP: netip.MustParseAddrPort("10.0.0.9:40000")})
	theirs, err := offer.Parse(req.Body)
	if err != nil {
		panic(err)
	}
	d, err := o.Answer(theirs)
	if err != nil {
		panic(err)
	}
	return d.Bytes()
}

// A fakePhone owns the line and handles its calls: it writes down what it is told.
type fakePhone struct {
	line *Line

	mu       sync.Mutex
	log      []string
	calls    []*Call
	reasons  []Reason
	incoming func(c *Call) (Handler, int)
}

func (p *fakePhone) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, fmt.Sprintf(format, args...))
}

func (p *fakePhone) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, " ")
}

func (p *fakePhone) call() *Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.calls) == 0 {
		return nil
	}
	return p.calls[len(p.calls)-1]
}

func (p *fakePhone) reason() Reason {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.reasons) == 0 {
		return Reason{}
	}
	return p.reasons[len(p.reasons)-1]
}

func (p *fakePhone) Incoming(c *Call) (Handler, int) {
	if p.incoming != nil {
		return p.incoming(c)
	}
	return p, 0
}
func (p *fakePhone) Changed(int)                {}
func (p *fakePhone) CallChanged(*Call)          {}
func (p *fakePhone) Messages(int, bool, string) {}
func (p *fakePhone) Started(c *Call) {
	p.mu.Lock()
	p.calls = append(p.calls, c)
	p.mu.Unlock()
	p.note("started")
}
func (p *fakePhone) Ringing(*Call) { p.note("ringing") }
func (p *fakePhone) Media(_ *Call, a *offer.Audio) {
	if a == nil {
		p.note("silence")
		return
	}
	p.note("%s:%s", strings.ToLower(a.Send.Codec.String()), a.Direction)
}
func (p *fakePhone) Answered(*Call)            { p.note("answered") }
func (p *fakePhone) Digit(_ *Call, d byte)     { p.note("digit:%c", d) }
func (p *fakePhone) Referred(*Call, Dial) bool { return false }
func (p *fakePhone) Ended(_ *Call, r Reason) {
	p.mu.Lock()
	p.reasons = append(p.reasons, r)
	p.mu.Unlock()
	p.note("ended")
}

func (w *world) dial(to string) {
	w.line.Dial(Dial{To: to, Port: 1, Media: Media{RTPPort: 16384, RTCPPort: 16385}, Handler: w.phone})
}

// after lets d pass in the bubble and everything settle.
func (w *world) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) wantPhone(want string) {
	w.t.Helper()
	if got := w.phone.heard(); got != want {
		w.t.Fatalf("telephone heard %q, want %q (%s)", got, want, w.why())
	}
}

func (w *world) wantServer(name string, s *fakeServer, from int, want string) {
	w.t.Helper()
	if got := s.heard(from); got != want {
		w.t.Fatalf("%s heard %q, want %q (%s)", name, got, want, w.why())
	}
}

func (w *world) why() string { return w.line.Snapshot().At(time.Now()).Why }
