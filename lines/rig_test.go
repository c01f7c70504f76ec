package lines

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/capture"
	"tipring/internal/config"
	"tipring/internal/offer"
	"tipring/internal/ua"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is one line at 10.0.0.1 with its primary at .2 and its backup at .3, in
// memory, under the simulated clock.
type world struct {
	t       testing.TB
	net     *memnet.Net
	agent   *memnet.Host
	stack   *ua.Stack
	monitor *ua.Monitor
	line    *Line
	names   *memnet.Names
	primary *fakeServer
	backup  *fakeServer
	phone   *fakePhone
	trace   *capture.Store        // of lines made from now on; nil: none
	permit  func(r Request) error // the same

	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	packets []packet
	book    io.Writer // takes the log of lines made from now on; nil: testLog does
}

// A packet is something that the agent sent, whether it arrived or not.
type packet struct {
	to   *memnet.Host
	what string // the method or status; SYN
	at   time.Time
}

// inWorld runs a test in a bubble. Settings are lines of [sip1], which come before those
// that give addresses and identity. The line is registered when test begins.
func inWorld(t *testing.T, settings []string, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settings...)
		w.after(time.Second)
		test(w)
	})
}

// newWorld begins a world whose line runs.
func newWorld(t testing.TB, settings ...string) *world {
	t.Helper()
	w := makeWorld(t)
	w.start(settings...)
	return w
}

// makeWorld makes one without a line yet.
func makeWorld(t testing.TB) *world {
	w := &world{t: t, net: memnet.New(), names: &memnet.Names{}, phone: &fakePhone{}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.primary = w.newServer("10.0.0.2:5060")
	w.backup = w.newServer("10.0.0.3:5060")
	w.stack = ua.NewStack(testLog(t))
	w.agent = w.net.Host("10.0.0.1:5060", w.stack)
	w.stack.Attach(w.agent)
	w.net.Watch(w.watch)
	w.monitor = w.stack.NewMonitor(transaction.Default(), "tipring/test", nil)
	w.run(func() { w.monitor.Run(w.ctx) })
	t.Cleanup(w.close)
	return w
}

// close ends the world; a second time it does nothing.
func (w *world) close() {
	w.cancel()
	w.done.Wait()
	w.net.Close()
}

// start makes the line and works it.
func (w *world) start(settings ...string) {
	w.t.Helper()
	w.line = w.newLine(lineConfig(w.t, settings...))
	w.phone.line = w.line
	w.run(func() { w.line.Run(w.ctx) })
}

func (w *world) newLine(c *config.Line) *Line {
	log := testLog(w.t)
	if w.book != nil {
		log = slog.New(slog.NewTextHandler(w.book, nil))
	}
	return New(c, Device{
		Stack: w.stack, Monitor: w.monitor, Resolver: w.names, Timers: transaction.Default(),
		UserAgent: "tipring/test", Owner: w.phone, Log: log, Trace: w.trace, Permit: w.permit,
	})
}

func (w *world) run(f func()) {
	w.done.Add(1)
	go func() {
		defer w.done.Done()
		f()
	}()
}

func (w *world) watch(p memnet.Packet) {
	if p.From != w.agent {
		return
	}
	what := "SYN"
	if len(p.Wire) > 0 {
		first, rest, _ := bytes.Cut(p.Wire, []byte(" "))
		if what = string(first); what == "SIP/2.0" {
			what = string(rest[:3])
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.packets = append(w.packets, packet{p.To, what, time.Now()})
}

// sent lists when the agent sent something to a server since a moment, lost or not.
func (w *world) sent(to *fakeServer, what string, since time.Time) (at []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.packets {
		if p.to == to.host && p.what == what && !p.at.Before(since) {
			at = append(at, p.at.Sub(since))
		}
	}
	return at
}

func lineConfig(t testing.TB, settings ...string) *config.Line {
	t.Helper()
	base := []string{"username = 1001", "auth_password = secret", "register_addr = 10.0.0.2", "backup_addr = 10.0.0.3", "keepalive = none"}
	seen := map[string]bool{}
	var text []string
	for _, s := range append(append([]string{}, settings...), base...) {
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
	return c.Line(1)
}

func testLog(t testing.TB) *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.DiscardHandler)
}

// A fakePhone owns the line and handles its calls: it writes down what it is told.
type fakePhone struct {
	line *Line

	mu       sync.Mutex
	log      []string
	calls    []*Call
	reasons  []Reason
	messages []string
	texts    []Text
	full     error // that no text can be kept for
	ended    map[*Call]int
	asked    int // to look for settings
	incoming func(c *Call) (Handler, int)
	referred func(c *Call, d Dial) bool
}

func (p *fakePhone) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, fmt.Sprintf(format, args...))
}

// heard is all that was told so far.
func (p *fakePhone) heard() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, " ")
}

// news is what was told since the last call of news.
func (p *fakePhone) news() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.log, " ")
	p.log = nil
	return s
}

// call is the latest call.
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
func (p *fakePhone) Changed(int)       {}
func (p *fakePhone) CallChanged(*Call) {}
func (p *fakePhone) Messages(_ int, s Summary) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = append(p.messages, fmt.Sprint(s.Waiting, " ", s))
}
func (p *fakePhone) Text(_ int, t Text, kept func(error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full == nil {
		p.texts = append(p.texts, t)
	}
	kept(p.full)
}
func (p *fakePhone) CheckSync(int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
}
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
func (p *fakePhone) Answered(*Call)        { p.note("answered") }
func (p *fakePhone) Digit(_ *Call, d byte) { p.note("digit:%c", d) }
func (p *fakePhone) Referred(c *Call, d Dial) bool {
	return p.referred != nil && p.referred(c, d)
}
func (p *fakePhone) Ended(c *Call, r Reason) {
	p.mu.Lock()
	p.reasons = append(p.reasons, r)
	if p.ended == nil {
		p.ended = map[*Call]int{}
	}
	p.ended[c]++
	p.mu.Unlock()
	p.note("ended")
}

// media is what the telephone opened for a call.
var media = Media{RTPPort: 16384, RTCPPort: 16385}

func (w *world) dial(to string) {
	w.line.Dial(Dial{To: to, Port: 1, Media: media, Handler: w.phone})
}

// talking has a call to 600 up.
func (w *world) talking() *Call {
	w.t.Helper()
	w.dial("600")
	w.after(time.Second)
	c := w.phone.call()
	if c == nil || c.Info().State != Connected {
		w.t.Fatalf("no call: %s; %s", w.phone.heard(), w.why())
	}
	w.phone.news()
	return c
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

// wantNews is wantPhone for what was told since it was last asked.
func (w *world) wantNews(want string) {
	w.t.Helper()
	if got := w.phone.news(); got != want {
		w.t.Fatalf("telephone heard %q, want %q (%s)", got, want, w.why())
	}
}

func (w *world) wantServer(name string, s *fakeServer, from int, want string) {
	w.t.Helper()
	if got := s.heard(from); got != want {
		w.t.Fatalf("%s heard %q, want %q (%s)", name, got, want, w.why())
	}
}

// onLine runs fn on the line's goroutine and waits for it.
func (w *world) onLine(fn func()) {
	w.line.ep.Post(func(time.Time) { fn() })
	synctest.Wait()
}

// wantIdle checks that nothing is left of any call.
func (w *world) wantIdle() {
	w.t.Helper()
	w.onLine(func() {
		if c, t := len(w.line.calls), len(w.line.tours); c != 0 || t != 0 {
			w.t.Errorf("left over: %d calls, %d requests to servers", c, t)
		}
	})
	w.phone.mu.Lock()
	defer w.phone.mu.Unlock()
	for _, c := range w.phone.calls {
		if n := w.phone.ended[c]; n != 1 {
			w.t.Errorf("call %s ended %d times", c.Info().ID, n)
		}
	}
}

func (w *world) why() string { return w.line.Snapshot().Told().Why }
