package call

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/config"
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/internal/ua"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport/memnet"
	"tipring/lines"
	"tipring/lines/fxs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tester is a testing.T or a rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// A rig is some ports with their telephones, the line they share, and the far end, which
// is the line's server too. SIP goes through memory, RTP over loopback, and nothing runs
// but by frame: telephones, far end and clock move on together.
type rig struct {
	t      tester
	net    *memnet.Net
	agent  *memnet.Host
	line   *lines.Line
	owner  *owner
	far    *farEnd
	rtp    *media.Ports // of the ports
	phones []*telephone

	drains atomic.Bool
	noLine atomic.Bool
	rested atomic.Int32 // how often a port told that it rests

	cancel context.CancelFunc
	work   sync.WaitGroup
}

// settings of a rig; the zero value is one telephone on a plain line.
type settings struct {
	ports    int      // 0: one
	line     []string // more of [sip1]
	config   func(*Config)
	device   func(*Device)
	rtpPairs int        // of the device; 0: eight
	place    int        // among rigs that run at once, 0 to 3: each has RTP ports of its own
	t38      *offer.T38 // of the device; nil: it has none
}

// RTP ports of the tests: of a range of each process's own, for several may run at once.
var (
	portsRTP = 26000 + os.Getpid()%30*200
	farRTP   = portsRTP + 100
)

// placeRTP is how many of each belong to one rig.
const placeRTP = 24

const testTones = `
[tt]
name = Test
dial = 300
ringback = 500
busy = 700
reorder = 900
waiting = 1100
howler = 1900
recall = 300
confirm = 300
ring = 1000,1000
flash = 100-400
emergency = 112
`

// What can be heard, by its frequency.
const (
	nothing      = 0
	dialTone     = 300
	ringbackTone = 500
	busyTone     = 700
	reorderTone  = 900
	farVoice     = 1300
	otherVoice   = 1500
	nearVoice    = 1700
	howler       = 1900
)

func newRig(t tester, s settings) *rig {
	t.Helper()
	pairs := s.rtpPairs
	if pairs == 0 {
		pairs = 8
	}
	r := &rig{t: t, net: memnet.New(), owner: &owner{infos: map[string]lines.Info{}}}
	r.rtp = newPool(t, portsRTP+s.place*placeRTP, pairs)
	r.far = newFarEnd(r, s.place)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	stack := ua.NewStack(nil)
	r.agent = r.net.Host("127.0.0.1:5060", stack)
	stack.Attach(r.agent)
	timers := transaction.Default()
	monitor := stack.NewMonitor(timers, "tipring/test", nil)
	r.goWork(func() { monitor.Run(ctx) })
	r.line = lines.New(lineConfig(t, s.line), lines.Device{
		Stack: stack, Monitor: monitor, Resolver: &memnet.Names{}, Timers: timers,
		UserAgent: "tipring/test", Owner: r.owner, Log: slog.New(slog.DiscardHandler), T38: func() *offer.T38 { return s.t38 },
	})
	r.goWork(func() { r.line.Run(ctx) })
	for n := range max(s.ports, 1) {
		r.addPhone(n+1, s.config, s.device)
	}
	r.owner.set(r.phones)
	r.run(100 * time.Millisecond)
	if r.far.contact.URI.Host == "" {
		t.Fatalf("the line has not registered")
	}
	return r
}

func newPool(t tester, first, pairs int) *media.Ports {
	p, err := media.NewPorts(first, first+2*pairs-1)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return p
}

func (r *rig) goWork(f func()) {
	r.work.Add(1)
	go func() {
		defer r.work.Done()
		f()
	}()
}

func lineConfig(t tester, more []string) *config.Line {
	ini := "[sip1]\nusername = 1001\nregister_addr = 127.0.0.2\nkeepalive = none\n" + strings.Join(more, "\n") + "\n"
	c, err := config.Load([]config.Layer{config.FileLayer("test.ini", []byte(ini))}, config.Checks{})
	if err != nil {
		t.Fatalf("%s\n%v", ini, err)
	}
	return c.Line(1)
}

func (r *rig) addPhone(n int, change func(*Config), equip func(*Device)) {
	country, err := fxs.LoadCountry(testTones, "tt")
	if err != nil {
		r.t.Fatalf("%v", err)
	}
	cfg := Config{Number: n, Kind: "phone", Line: 1, Driver: "test", Country: country, DTMFType: "auto"}
	if change != nil {
		change(&cfg)
	}
	ph := &telephone{r: r, cards: make(chan fxs.Card), closed: make(chan struct{})}
	dev := Device{
		Line: func(n int) *lines.Line {
			if n != 1 || r.noLine.Load() {
				return nil
			}
			return r.line
		},
		RTP: r.rtp, Clock: time.Now, Refuse: r.drains.Load, Rested: func() { r.rested.Add(1) }, Log: slog.New(slog.DiscardHandler),
	}
	if equip != nil {
		equip(&dev)
	}
	ph.port, err = New(cfg, ph, dev)
	if err != nil {
		r.t.Fatalf("%v", err)
	}
	r.phones = append(r.phones, ph)
	r.goWork(ph.port.Run)
	ph.plug()
}

// frame lets 20 ms pass.
func (r *rig) frame() {
	for _, ph := range r.phones {
		ph.frame()
	}
	synctest.Wait()
	r.far.work()
	time.Sleep(20 * time.Millisecond)
	synctest.Wait()
}

// still lets d pass without a frame of any telephone.
func (r *rig) still(d time.Duration) {
	for range d / (20 * time.Millisecond) {
		r.far.work()
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
	}
}

// run lets d pass.
func (r *rig) run(d time.Duration) {
	for range d / (20 * time.Millisecond) {
		r.frame()
	}
}

// until lets time pass until something is so.
func (r *rig) until(what string, so func() bool) {
	r.t.Helper()
	for range 500 {
		if so() {
			return
		}
		r.frame()
	}
	r.t.Fatalf("not in ten seconds: %s", what)
}

// slow makes every message take that long from now on.
func (r *rig) slow(d time.Duration) {
	r.net.Path(r.agent, r.far.host).Delay(d)
	r.net.Path(r.far.host, r.agent).Delay(d)
}

// phone is the first telephone.
func (r *rig) phone() *telephone { return r.phones[0] }

// settle hangs everything up and checks that nothing is left of it.
func (r *rig) settle() {
	r.t.Helper()
	for _, ph := range r.phones {
		if ph.card != nil && ph.off {
			ph.hangUp()
		}
	}
	r.far.hangUpAll()
	r.run(time.Second)
	r.atRest()
}

// atRest checks that no port does anything.
func (r *rig) atRest() {
	r.t.Helper()
	for i, ph := range r.phones {
		p := ph.port
		s := p.Snapshot()
		if s.OffHook || s.State != fxs.Idle || s.Call != "" {
			r.t.Errorf("port %d at rest: %+v", i+1, s)
		}
		if p.busy.Load() || ph.offered() {
			r.t.Errorf("port %d at rest is still taken: busy %v, offered %v", i+1, p.busy.Load(), ph.offered())
		}
		if p.held != nil || p.waiting != nil || len(p.transfers) > 0 || p.joined || p.commands || p.follows != nil || p.asks.step != 0 {
			r.t.Errorf("port %d at rest: held %v, waiting %v, %d transfers, joined %v, commands %v, follows %v, asks %v", i+1, p.held, p.waiting, len(p.transfers), p.joined, p.commands, p.follows, p.asks)
		}
		if p.now != nil || p.virtual || p.digits.Busy() || p.live.Load() != nil {
			r.t.Errorf("port %d at rest: conversation %v, virtual %v, digits %v", i+1, p.now, p.virtual, p.digits.Busy())
		}
		if ph.card != nil && (ph.card.ringing || ph.hears() != nothing) {
			r.t.Errorf("telephone %d at rest rings (%v) or hears %d Hz", i+1, ph.card.ringing, ph.hears())
		}
	}
	if n := r.rtp.InUse(); n != 0 {
		r.t.Errorf("%d pairs of RTP ports are in use at rest", n)
	}
	if n := r.far.running(); n != 0 {
		r.t.Errorf("%d calls are still up at the far end", n)
	}
	r.owner.atRest(r.t)
}

// close ends everything.
func (r *rig) close() {
	r.t.Helper()
	for _, ph := range r.phones {
		if err := ph.port.Close(); err != nil {
			r.t.Errorf("%v", err)
		}
	}
	synctest.Wait()
	r.cancel()
	r.work.Wait()
	r.far.close()
	r.net.Close()
	if n := r.rtp.InUse(); n != 0 {
		r.t.Errorf("%d pairs of RTP ports are in use after the end", n)
	}
	r.owner.atRest(r.t)
}

// An owner of the line offers its calls to all ports, and counts beginnings and ends.
type owner struct {
	mu    sync.Mutex
	ports []*Port
	infos map[string]lines.Info
	ends  []ends
}

// ends counts how often a call's handler was told that it is over.
type ends struct {
	lines.FaxHandler
	told *atomic.Int32
}

func (e ends) Ended(c *lines.Call, r lines.Reason) {
	e.told.Add(1)
	e.FaxHandler.Ended(c, r)
}

func (o *owner) set(phones []*telephone) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, ph := range phones {
		o.ports = append(o.ports, ph.port)
	}
}

// Incoming implements lines.Owner.
func (o *owner) Incoming(c *lines.Call) (lines.Handler, int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	h, code := Incoming(c, o.ports)
	if h == nil {
		return nil, code
	}
	e := ends{h.(lines.FaxHandler), new(atomic.Int32)}
	o.ends = append(o.ends, e)
	return e, 0
}

// Changed implements lines.Owner.
func (o *owner) Changed(int) {}

// CallChanged implements lines.Owner.
func (o *owner) CallChanged(c *lines.Call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.infos[c.Info().ID] = c.Info()
}

// Messages implements lines.Owner.
func (o *owner) Messages(int, lines.Summary)       {}
func (o *owner) Text(int, lines.Text, func(error)) {}
func (o *owner) CheckSync(int)                     {}

func (o *owner) info(id string) lines.Info {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.infos[id]
}

func (o *owner) atRest(t tester) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, i := range o.infos {
		if i.State != lines.Ended {
			t.Errorf("call %s is %v at rest", id, i.State)
		}
	}
	for i, e := range o.ends {
		if n := e.told.Load(); n != 1 {
			t.Errorf("the handler of incoming call %d was told its end %d times", i+1, n)
		}
	}
}
