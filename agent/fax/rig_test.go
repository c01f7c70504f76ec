package fax

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/internal/media"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
	"tipring/internal/ua/transport/memnet"
	"tipring/lines"
	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/t38/t4"
	"tipring/t38/t4/document"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/testpage"
	"tipring/t38/t4/tiff"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rig is two devices, each with a line and an Engine, that are each other's server. SIP and
// media go through memory, in the time of a synctest bubble.
type rig struct {
	t       *testing.T
	net     *memnet.Net
	packets media.Network
	near    *end // calls
	far     *end
	cancel  context.CancelFunc
	work    sync.WaitGroup
	loses   atomic.Pointer[filter]
	mu      sync.Mutex // over what an end does instead of its line
}

// A filter tells whether a datagram of media arrives.
type filter func(from, to netip.AddrPort, b []byte) bool

// filter asks f about each datagram of media from now on.
func (r *rig) filter(f filter) { r.loses.Store(&f) }

// An end is a device.
type end struct {
	r      *rig
	ip     netip.Addr
	host   *memnet.Host
	line   *lines.Line
	engine *Engine
	memory Memory
	lent   sockets

	settings Settings
	sink     t30.Sink
	anyPaper bool
	// answer takes a call; nil: the Engine receives a fax.
	answer func(c *lines.Call) (lines.Handler, int)
	// instead answers a request in the place of the line; 0: the line does.
	instead func(m *sipmsg.Message) (code int, body string)

	mu       sync.Mutex
	latest   *lines.Call
	received []Outcome
	progress []Progress
	call     *lines.Call
}

// sockets lends those of a network.
type sockets struct {
	n     *media.Network
	ip    netip.Addr
	mu    sync.Mutex
	next  uint16
	fails bool
	pairs []*media.Pair

	devices []string // that they were asked for on
}

// Listen implements Sockets.
func (s *sockets) Listen(_ netip.Addr, device string) (*media.Pair, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices = append(s.devices, device)
	if s.fails {
		return nil, media.ErrNoPort
	}
	s.next += 2
	p, err := s.n.Listen(netip.AddrPortFrom(s.ip, s.next))
	s.pairs = append(s.pairs, p)
	return p, err
}

var _ Sockets = (*media.Ports)(nil)

// newRig makes two devices with the same settings.
func newRig(t *testing.T, s Settings, near, far string) *rig {
	t.Helper()
	r := &rig{t: t, net: memnet.New()}
	r.packets.Clock = time.Now
	r.packets.Filter = func(from, to netip.AddrPort, b []byte) bool {
		f := r.loses.Load()
		return f == nil || (*f)(from, to, b)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.near = r.newEnd(ctx, s, near, far, "near")
	r.far = r.newEnd(ctx, s, far, near, "far")
	time.Sleep(time.Second)
	return r
}

func (r *rig) newEnd(ctx context.Context, s Settings, at, other, name string) *end {
	e := &end{r: r, ip: netip.MustParseAddr(at), settings: s}
	e.lent = sockets{n: &r.packets, ip: e.ip, next: 20000}
	stack := ua.NewStack(nil)
	e.host = r.net.Host(netip.AddrPortFrom(e.ip, 5060).String(), intercept{stack, e})
	stack.Attach(e.host)
	timers := transaction.Default()
	monitor := stack.NewMonitor(timers, "tipring/test", nil)
	r.goWork(func() { monitor.Run(ctx) })
	ini := "[sip1]\nusername = " + name + "\nproxy_addr = " + other + "\nkeepalive = none\naccept_from = any\ncodecs = g722,pcma,pcmu\nsession_expires_s = 90\n"
	c, err := config.Load([]config.Layer{config.FileLayer("test.ini", []byte(ini))}, config.Checks{})
	if err != nil {
		r.t.Fatal(err)
	}
	e.engine = New(Config{RTP: &e.lent, Memory: &e.memory})
	e.line = lines.New(c.Line(1), lines.Device{
		Stack: stack, Monitor: monitor, Resolver: &memnet.Names{}, Timers: timers, UserAgent: "tipring/test",
		Owner: e, Log: slog.New(slog.DiscardHandler), Contact: func(*config.Line) string { return name },
	})
	r.goWork(func() { e.line.Run(ctx) })
	return e
}

func (r *rig) goWork(f func()) {
	r.work.Add(1)
	go func() {
		defer r.work.Done()
		f()
	}()
}

// close ends everything, and checks that nothing is left.
func (r *rig) close() {
	r.t.Helper()
	r.near.engine.Close()
	r.far.engine.Close()
	time.Sleep(time.Minute)
	r.cancel()
	r.work.Wait()
	r.net.Close()
	for _, e := range []*end{r.near, r.far} {
		for _, p := range e.lent.pairs {
			if again, err := r.packets.Listen(p.RTP.Local()); err != nil {
				r.t.Errorf("%v is still open", p.RTP.Local())
			} else {
				_ = again.Close()
			}
		}
	}
}

// mustListen opens a pair of sockets of an end.
func mustListen(t testing.TB, e *end) *media.Pair {
	t.Helper()
	p, err := e.lent.Listen(e.ip, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Incoming implements lines.Owner.
func (e *end) Incoming(c *lines.Call) (lines.Handler, int) {
	e.mu.Lock()
	e.call = c
	e.mu.Unlock()
	if e.answer != nil {
		return e.answer(c)
	}
	return e.engine.Receive(c, Incoming{
		Port: 1, Settings: e.settings, CSID: "222", Sink: e.sink, AnyPaper: e.anyPaper,
		Ended: func(o Outcome) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.received = append(e.received, o)
		},
	})
}

// Changed implements lines.Owner.
func (e *end) Changed(int) {}

// CallChanged implements lines.Owner.
func (e *end) CallChanged(c *lines.Call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.latest = c
}

// dialled is the call that the line made last.
func (e *end) dialled() *lines.Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.latest
}

// dropUDPTL lets RTP and RTCP pass, and nothing else.
func dropUDPTL(_, _ netip.AddrPort, b []byte) bool { return len(b) > 0 && b[0]&0xC0 == 0x80 }

// Messages implements lines.Owner.
func (e *end) Messages(int, lines.Summary)       {}
func (e *end) Text(int, lines.Text, func(error)) {}

// CheckSync implements lines.Owner.
func (e *end) CheckSync(int) {}

// current is the call that came in last.
func (e *end) current() *lines.Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.call
}

// An intercept stands before an end's stack.
type intercept struct {
	*ua.Stack
	e *end
}

// Receive implements transport.Handler.
func (i intercept) Receive(f transport.Flow, from netip.AddrPort, m *sipmsg.Message, err error) {
	if err == nil && i.e.instead != nil && m.Method != "" {
		i.e.r.mu.Lock()
		code, body := i.e.instead(m)
		i.e.r.mu.Unlock()
		if code != 0 {
			i.respond(f, m, code, body)
			return
		}
	}
	i.Stack.Receive(f, from, m, err)
}

func (i intercept) respond(f transport.Flow, req *sipmsg.Message, code int, body string) {
	res := &sipmsg.Message{
		StatusCode: code, Reason: sipmsg.Phrase(code), Via: req.Via, From: req.From, To: req.To, CallID: req.CallID, CSeq: req.CSeq,
	}
	if body != "" {
		res.Contact = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", User: "far", Host: i.e.ip.String()}}}
		res.SetBody("application/sdp", []byte(body))
	}
	wire, err := res.Append(nil)
	if err == nil {
		err = f.Send(wire)
	}
	if err != nil {
		panic(err)
	}
}

// switches tells whether a request is a re-INVITE that offers T.38.
func switches(m *sipmsg.Message) bool {
	return m.Method == sipmsg.INVITE && m.To.Tag() != "" && bytes.Contains(m.Body, []byte("m=image")) && !bytes.Contains(m.Body, []byte("m=image 0"))
}

// A sent is what becomes of a document that is being sent.
type sent struct {
	e       *end
	cancel  context.CancelFunc
	done    chan struct{}
	outcome Outcome
}

// send begins to send a document from the near end to the far one.
func (r *rig) send(source t30.Source, change func(o *Outgoing)) *sent {
	e := r.near
	ctx, cancel := context.WithCancel(context.Background())
	to := "sip:far@" + r.far.ip.String()
	if r.far.ip.Is6() {
		to = "sip:far@[" + r.far.ip.String() + "]"
	}
	o := Outgoing{
		Line: e.line, Port: 1, To: to, ANI: "555", Settings: e.settings, CSID: "111", Source: source,
		Progress: func(p Progress) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.progress = append(e.progress, p)
		},
	}
	if change != nil {
		change(&o)
	}
	s := &sent{e: e, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.outcome = e.engine.Send(ctx, o)
	}()
	return s
}

// wait waits for the end of the call.
func (s *sent) wait() Outcome {
	<-s.done
	s.cancel()
	return s.outcome
}

// until waits until something is so.
func (r *rig) until(what string, so func() bool) {
	r.t.Helper()
	for range 120 * 50 {
		if so() {
			return
		}
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
	}
	r.t.Fatalf("not in two minutes: %s", what)
}

// reached tells whether the near end's progress has come so far.
func (e *end) reached(so func(p Progress) bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.progress {
		if so(p) {
			return true
		}
	}
	return false
}

// took is the outcome at the far end.
func (r *rig) took() Outcome {
	r.t.Helper()
	r.until("the far end's outcome", func() bool {
		r.far.mu.Lock()
		defer r.far.mu.Unlock()
		return len(r.far.received) > 0
	})
	r.far.mu.Lock()
	defer r.far.mu.Unlock()
	return r.far.received[len(r.far.received)-1]
}

// memoryFile is a file.
type memoryFile struct{ octets []byte }

// WriteAt implements io.WriterAt.
func (m *memoryFile) WriteAt(p []byte, at int64) (int, error) {
	if need := int(at) + len(p); need > len(m.octets) {
		m.octets = append(m.octets, make([]byte, need-len(m.octets))...)
	}
	return copy(m.octets[at:], p), nil
}

// A mailbox keeps what is received.
type mailbox struct {
	*pages.Sink
	file memoryFile
}

func newMailbox(t testing.TB) *mailbox {
	t.Helper()
	m := &mailbox{}
	var err error
	if m.Sink, err = pages.NewSink(&m.file); err != nil {
		t.Fatal(err)
	}
	return m
}

// rowsPerPage is short: a page at 14400 bit/s takes some seconds.
const rowsPerPage = 160

// letter makes a TIFF file of so many pages, and opens it.
func letter(t testing.TB, n int) *pages.Source {
	t.Helper()
	name := filepath.Join(t.TempDir(), "letter.tif")
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := tiff.NewWriter(out)
	for i := 0; i < n && err == nil; i++ {
		if err = w.BeginPage(tiff.PageConfig{Columns: 1728, XDPI: 204, YDPI: 98, Coding: t4.MMR}); err == nil {
			_, err = t4.Copy(w, pageOf(t, i), 1728)
		}
		err = errors.Join(err, w.EndPage())
	}
	if err = errors.Join(err, w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return openDocument(t, name)
}

func pageOf(t testing.TB, n int) t4.RowReader {
	t.Helper()
	r, err := testpage.New(testpage.Config{Kind: testpage.Text, Columns: 1728, Rows: rowsPerPage, XDPI: 204, YDPI: 98, Seed: uint64(n + 1)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openDocument(t testing.TB, name string) *pages.Source {
	t.Helper()
	d, err := document.Open(context.Background(), name, pdf.Poppler{})
	if err != nil {
		t.Fatal(err)
	}
	s := pages.NewSource(context.Background(), d)
	t.Cleanup(func() {
		s.Close()
		_ = d.Close()
	})
	return s
}

// mustHold checks that a mailbox holds pages first to last of a letter, counted from 0.
func (m *mailbox) mustHold(t testing.TB, first, last int) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Errorf("the mailbox: %v", err)
		return
	}
	f, err := tiff.Open(bytes.NewReader(m.file.octets), int64(len(m.file.octets)))
	if err != nil {
		t.Fatal(err)
	}
	if f.Pages() != last-first+1 {
		t.Errorf("%d pages were received, want %d", f.Pages(), last-first+1)
		return
	}
	for n := range f.Pages() {
		page, err := f.Page(n)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := allRows(t, page), allRows(t, pageOf(t, first+n)); !bytes.Equal(got, want) {
			t.Errorf("page %d: %d octets of rows, not the %d that were sent", n+1, len(got), len(want))
		}
	}
}

func allRows(t testing.TB, r t4.RowReader) (all []byte) {
	t.Helper()
	row := make([]byte, t4.RowOctets(1728))
	for {
		if err := r.ReadRow(row); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, row...)
	}
}

// mustSend checks that a fax went through.
func mustSend(t testing.TB, sent, received Outcome, pages int, transport string) {
	t.Helper()
	for name, o := range map[string]Outcome{"sent": sent, "received": received} {
		if !o.OK || o.Reason != "" || o.Confirmed() != pages || o.Transport != transport || o.ErrorCode != 0 || !o.Answered || !o.Begun {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if sent.RemoteID != "222" || received.RemoteID != "111" || sent.CalledResult != Success {
		t.Errorf("ids %q and %q, called number: %v", sent.RemoteID, received.RemoteID, sent.CalledResult)
	}
}

// contains is strings.Contains with a report.
func contains(t testing.TB, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q does not say %q", text, part)
	}
}
