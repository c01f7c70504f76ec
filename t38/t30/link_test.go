package t30

import (
	"bytes"
	"container/heap"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// A link joins two terminals as a line does: each transmission lasts as long as it would on a
// real one, and arrives after a delay, if the other end listens for it. Its faults are functions.
type link struct {
	ends   [2]*linkEnd
	now    int64
	events eventHeap
	seq    int
	delay  int64
	limit  int64 // of the call, samples
	f      linkFaults
}

// linkFaults damage what passes. from is the end that sends: 0 calls, 1 is called. A nil
// function damages nothing.
type linkFaults struct {
	lose    func(from int, x Transmission) bool           // the whole transmission
	frame   func(from int, octets []byte) (keep, ok bool) // a V.21 frame: lost, or with bad FCS
	train   func(from int, x Transmission) bool           // its training fails
	octets  func(from int, x Transmission, p []byte)      // of TCF or image
	ecm     func(from int, x Transmission, n int, octets []byte) bool
	hole    func(from int, x Transmission) int64 // samples into the data at which the carrier goes for 100 ms
	echo    int64                                // after which each end hears its own V.21 again; 0: never
	noFlags bool                                 // carrier of V.21 is never reported
}

type linkEnd struct {
	t       *Terminal
	id      int
	peer    *linkEnd
	serial  uint32
	sending *linkTx
	trained bool // had a long V.17 training
	log     []string
}

// linkTx is a transmission on its way.
type linkTx struct {
	Transmission
	from    *linkEnd
	stage   int
	lost    bool
	heardBy bool // the other end locked on
	n       int  // frames
	hole    int64
	sent    int64 // samples of data
}

type event struct {
	at  int64
	seq int
	do  func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

func newLink(t testing.TB, calling, called Config) *link {
	t.Helper()
	l := &link{limit: 3600 * SampleRate}
	calling.Calling = true
	for i, c := range []Config{calling, called} {
		e := &linkEnd{id: i}
		c.OnState = func(_ int64, s State) { e.log = append(e.log, s.String()) }
		var err error
		if e.t, err = New(c); err != nil {
			t.Fatal(err)
		}
		l.ends[i] = e
	}
	l.ends[0].peer, l.ends[1].peer = l.ends[1], l.ends[0]
	return l
}

func (l *link) after(d int64, do func()) {
	l.seq++
	heap.Push(&l.events, event{l.now + d, l.seq, do})
}

// run lets the call happen. It is false when the call does not end.
func (l *link) run() bool {
	for _, e := range l.ends {
		e.t.Start()
		l.poll(e)
	}
	for l.now < l.limit {
		if l.ends[0].t.Done() && l.ends[1].t.Done() {
			return true
		}
		at := l.limit
		if len(l.events) > 0 {
			at = min(at, l.events[0].at)
		}
		for _, e := range l.ends {
			if d, ok := e.t.Deadline(); ok {
				at = min(at, l.now+d)
			}
		}
		for _, e := range l.ends {
			e.t.Advance(int(at - l.now))
		}
		l.now = at
		for len(l.events) > 0 && l.events[0].at <= l.now {
			heap.Pop(&l.events).(event).do()
			l.poll(l.ends[0])
			l.poll(l.ends[1])
		}
		l.poll(l.ends[0])
		l.poll(l.ends[1])
	}
	return false
}

// poll begins what an end now wants to send.
func (l *link) poll(e *linkEnd) {
	x := e.t.Sending()
	if x.Serial == e.serial {
		return
	}
	e.serial, e.sending = x.Serial, nil
	if x.Kind == Nothing {
		return
	}
	tx := &linkTx{Transmission: x, from: e, lost: l.f.lose != nil && l.f.lose(e.id, x)}
	if l.f.hole != nil {
		tx.hole = l.f.hole(e.id, x)
	}
	e.sending = tx
	l.step(tx)
}

// next goes on with tx after d, unless it was dropped meanwhile.
func (l *link) next(tx *linkTx, d int64) {
	l.after(d, func() {
		if tx.from.sending == tx {
			l.step(tx)
		}
	})
}

func (l *link) deliver(tx *linkTx, do func(to *Terminal)) {
	if !tx.lost {
		l.after(l.delay, func() { do(tx.from.peer.t) })
	}
	if l.f.echo > 0 && tx.Kind == V21 {
		l.after(l.f.echo, func() { do(tx.from.t) })
	}
}

func (l *link) ended(tx *linkTx) {
	tx.from.sending = nil
	tx.from.t.Sent(tx.Serial)
}

func (l *link) step(tx *linkTx) {
	tx.stage++
	switch tx.Kind {
	case Silence, CNG, CED:
		l.stepTone(tx)
	case V21:
		l.stepV21(tx)
	default:
		l.stepFast(tx)
	}
}

func (l *link) stepTone(tx *linkTx) {
	if tx.stage == 1 {
		l.next(tx, int64(tx.Samples))
		return
	}
	switch tx.Kind {
	case CNG:
		l.deliver(tx, func(to *Terminal) { to.Tone(ToneCNG) })
	case CED:
		l.deliver(tx, func(to *Terminal) { to.Tone(ToneCED) })
	}
	l.ended(tx)
}

const flagsHeard = SampleRate * 15 / 100

func (l *link) stepV21(tx *linkTx) {
	switch tx.stage {
	case 1:
		l.next(tx, flagsHeard)
		return
	case 2:
		if !l.f.noFlags {
			l.deliver(tx, func(to *Terminal) { to.Carrier(ChannelV21, CarrierUp) })
		}
		l.next(tx, SampleRate-flagsHeard)
		return
	}
	f := tx.from.t.NextFrame()
	if f == nil {
		if !l.f.noFlags {
			l.deliver(tx, func(to *Terminal) { to.Carrier(ChannelV21, CarrierDown) })
		}
		l.ended(tx)
		return
	}
	octets, keep, ok := bytes.Clone(f), true, true
	if l.f.frame != nil {
		keep, ok = l.f.frame(tx.from.id, octets)
	}
	d := int64(len(f)+3) * 8 * SampleRate / 300
	l.after(d, func() {
		if keep {
			l.deliver(tx, func(to *Terminal) { to.Frame(ChannelV21, octets, ok) })
		}
	})
	l.next(tx, d)
}

// trainingLengths in samples, of the long and the short ones.
func trainingLength(m Modulation, short bool) int64 {
	switch {
	case m.IsV17() && short:
		return SampleRate * 142 / 1000
	case m.IsV17():
		return SampleRate * 1393 / 1000
	case m == V29At7200 || m == V29At9600:
		return SampleRate * 253 / 1000
	case m == V27ter4800:
		return SampleRate * 708 / 1000
	default:
		return SampleRate * 943 / 1000
	}
}

func (l *link) stepFast(tx *linkTx) {
	to := tx.from.peer
	switch tx.stage {
	case 1:
		l.deliver(tx, func(t *Terminal) {
			w := t.Listening()
			if tx.heardBy = w.Fast != Nothing && w.Modulation == tx.Modulation; tx.heardBy {
				t.Carrier(ChannelFast, CarrierUp)
			}
		})
		l.next(tx, trainingLength(tx.Modulation, tx.Short))
		return
	case 2:
		l.deliver(tx, func(t *Terminal) {
			if !tx.heardBy {
				return
			}
			fails := l.f.train != nil && l.f.train(tx.from.id, tx.Transmission) ||
				tx.Short && (!to.trained || !t.Listening().Short)
			if fails {
				tx.heardBy = false
				t.Carrier(ChannelFast, CarrierFailed)
				l.after(0, func() {})
				return
			}
			to.trained = to.trained || !tx.Short
			t.Carrier(ChannelFast, CarrierTrained)
		})
	}
	if tx.hole > 0 && tx.sent >= tx.hole {
		tx.hole = 0
		l.deliver(tx, func(t *Terminal) { t.Carrier(ChannelFast, CarrierDown) })
		l.after(SampleRate/10, func() {
			if tx.from.sending == tx {
				l.deliver(tx, func(t *Terminal) { t.Carrier(ChannelFast, CarrierUp) })
			}
		})
	}
	if d := l.data(tx); d > 0 {
		tx.sent += d
		l.next(tx, d)
		return
	}
	l.deliver(tx, func(t *Terminal) { t.Carrier(ChannelFast, CarrierDown) })
	l.ended(tx)
}

// data sends a piece of data and tells how long it lasts, 0 behind the last.
func (l *link) data(tx *linkTx) int64 {
	perOctet := func(n int) int64 { return int64(n) * 8 * SampleRate / int64(tx.Modulation.BitRate()) }
	if tx.Kind == ECM {
		f := tx.from.t.NextFrame()
		if f == nil {
			return 0
		}
		octets := bytes.Clone(f)
		ok := l.f.ecm == nil || l.f.ecm(tx.from.id, tx.Transmission, tx.n, octets)
		tx.n++
		l.deliver(tx, func(t *Terminal) {
			if tx.heardBy {
				t.Frame(ChannelFast, octets, ok)
			}
		})
		return max(1, perOctet(len(f)+3))
	}
	var buf [90]byte
	n := tx.from.t.ReadOctets(buf[:])
	if n == 0 {
		return 0
	}
	octets := bytes.Clone(buf[:n])
	if l.f.octets != nil {
		l.f.octets(tx.from.id, tx.Transmission, octets)
	}
	l.deliver(tx, func(t *Terminal) {
		if tx.heardBy {
			t.Octets(octets)
		}
	})
	return max(1, perOctet(n))
}

// testDoc is a document of given pages. Each coding has its own octets.
type testDoc struct {
	pages  []testPage
	opened []Format
	fail   int // page whose reading fails; -1: none
}

type testPage struct {
	form   Form
	octets []byte
}

func newDoc(pages ...testPage) *testDoc { return &testDoc{pages: pages, fail: -1} }

// fullPage is a page of n octets that the seed makes.
func fullPage(n int, seed uint64, form Form) testPage {
	r := rand.New(rand.NewPCG(seed, 1))
	p := testPage{form: form, octets: make([]byte, n)}
	for i := range p.octets {
		p.octets[i] = byte(r.Uint32())
	}
	return p
}

func textPages(count, octets int) *testDoc {
	d := newDoc()
	for i := range count {
		d.pages = append(d.pages, fullPage(octets, uint64(i+1), Form{Resolution: Fine}))
	}
	return d
}

func (d *testDoc) Page(n int) (Form, bool) {
	if n >= len(d.pages) {
		return Form{}, false
	}
	return d.pages[n].form, true
}

var errTest = errors.New("test")

func (d *testDoc) Open(n int, f Format) (io.Reader, error) {
	d.opened = append(d.opened, f)
	if n == d.fail {
		return io.MultiReader(bytes.NewReader(d.pages[n].octets[:100]), badReader{}), nil
	}
	return bytes.NewReader(d.pages[n].octets), nil
}

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errTest }

// testSink keeps what it gets. Judging rows is not its business: copies says what to report.
type testSink struct {
	pages  []*sunkPage
	copies []Copy // by opening; good when there are no more
	busy   int    // times to say so
	fail   bool
}

type sunkPage struct {
	sink    *testSink
	n       int // its number
	opened  int // pages before it, numbers that came again too
	format  Format
	octets  []byte
	closed  bool
	damaged bool
}

func (s *testSink) Busy() bool {
	s.busy--
	return s.busy >= 0
}

func (s *testSink) Open(n int, f Format) (PageWriter, error) {
	if s.fail {
		return nil, errTest
	}
	p := &sunkPage{sink: s, n: n, opened: len(s.pages), format: f}
	s.pages = append(s.pages, p)
	return p, nil
}

func (p *sunkPage) Write(b []byte) (int, error) {
	p.octets = append(p.octets, b...)
	return len(b), nil
}

func (p *sunkPage) Close(damaged bool) (Copy, error) {
	p.closed, p.damaged = true, damaged
	if p.opened < len(p.sink.copies) {
		return p.sink.copies[p.opened], nil
	}
	return Copy{Rows: 1000}, nil
}

// sameAs tells whether the page has the octets of want, and behind them only the padding of
// an ECM frame.
func (p *sunkPage) sameAs(want []byte) bool {
	if len(p.octets) < len(want) || !bytes.Equal(p.octets[:len(want)], want) {
		return false
	}
	rest := p.octets[len(want):]
	return len(rest) < 256 && len(bytes.Trim(rest, "\x00")) == 0
}
