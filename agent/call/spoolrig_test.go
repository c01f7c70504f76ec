package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tipring/agent/fax"
	"tipring/internal/dsp"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/lines/fxs"
	"tipring/t38"
	"tipring/t38/t30"
	"tipring/t38/t4"
)

// A spoolRig is a rig whose port has a fax machine in the place of a telephone, and whose
// device stores faxes.
type spoolRig struct {
	*rig
	*office
	desk  *desk
	clerk *clerk

	duties  []duty
	servers []*farEnd // besides far
}

// inSpoolRig runs a test in one, and checks that nothing is left.
func inSpoolRig(t *testing.T, port FaxPort, test func(r *spoolRig)) {
	t.Helper()
	inSpoolRigWith(t, settings{}, port, test)
}

func inSpoolRigWith(t *testing.T, s settings, port FaxPort, test func(r *spoolRig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		port.Mode = spoolMode
		port.Settings = faxSettings()
		change := s.config
		s.config = func(c *Config) {
			if c.Kind, c.Fax = "fax", func() *FaxPort { return &port }; change != nil {
				change(c)
			}
		}
		r := &spoolRig{rig: newRig(t, s), desk: newDesk(t), clerk: &clerk{}}
		defer r.close()
		defer r.desk.release()
		r.office = &office{rig: r.rig, ph: r.phone(), lastKey: -1}
		r.port = r.ph.port
		r.watchPower()
		r.port.dev.Desk, r.port.dev.Clerk = r.desk, r.clerk
		test(r)
		r.hangUp()
		r.far.hangUpAll()
		r.pass(time.Second)
		r.atRest()
		r.desk.atRest(t)
		r.clerk.atRest(t)
	})
}

// An office is a fax machine, or somebody with a handset, on the line of a telephone.
type office struct {
	rig  *rig
	ph   *telephone
	port *Port

	fax    *t38.Machine // talks while off-hook; nil: somebody with a handset
	answer t30.Config   // of the machine that answers a bell; no Sink: nobody does
	stays  bool         // does not hang up by itself
	sent   t30.Result   // of the last fax
	power  *powerCard
	off    bool

	at      int64 // samples since the beginning
	lastKey int64 // when the last key began; -1: none
	heard   []int16
	ear     dsp.FaxDetector
	cedAt   int64 // when the last CED began
	toneAt  int64 // when busy or reorder tone began
	rung    int   // samples with the bell on
}

// pass lets d pass.
func (r *spoolRig) pass(d time.Duration) {
	for range d / (20 * time.Millisecond) {
		r.tick()
	}
}

// tick lets 20 ms pass.
func (r *spoolRig) tick() {
	r.office.frame()
	synctest.Wait()
	r.far.work()
	for _, f := range r.servers {
		f.work()
	}
	r.perform()
	time.Sleep(20 * time.Millisecond)
	synctest.Wait()
}

// await lets time pass until something is so, a minute at most.
func (r *spoolRig) await(what string, so func() bool) {
	r.rig.t.Helper()
	r.within(time.Minute, what, so)
}

func (r *spoolRig) within(d time.Duration, what string, so func() bool) {
	r.rig.t.Helper()
	for range d / (20 * time.Millisecond) {
		if so() {
			return
		}
		r.tick()
	}
	r.rig.t.Fatalf("not in %v: %s; the port: %+v", d, what, r.port.Snapshot())
}

// frame says and hears 20 ms.
func (o *office) frame() {
	ph := o.ph
	if ph.card == nil {
		return
	}
	pcm := make([]int16, 160)
	switch {
	case !o.off:
	case ph.keys.Busy():
		ph.keys.Read(pcm)
	case o.fax != nil:
		in := make([]int16, 160)
		copy(in, o.heard)
		o.fax.Exchange(in, pcm)
		if o.fax.Done() {
			o.sent = o.fax.T30.Result()
			if !o.stays {
				o.putDown()
			}
		}
	case ph.says != nil:
		ph.says.Read(pcm)
	}
	ph.card.send(said{pcm: pcm})
	synctest.Wait()
	o.at += 160
	o.heard = o.power.heard()
	o.listen()
	ph.ear = append(ph.ear, o.heard...)
	if len(ph.ear) > 8000 {
		ph.ear = append([]int16(nil), ph.ear[len(ph.ear)-1600:]...)
	}
	if ph.card.ringing {
		o.rung += 160
		if o.rung > 8000 && o.answer.Sink != nil && !o.off {
			o.rung = 0
			o.begin(o.answer)
			o.off = true
			ph.loop(fxs.LoopClosed)
		}
	}
}

func (o *office) listen() {
	for _, e := range o.ear.Feed(nil, o.heard) {
		if e.Tone == dsp.CED && !e.Ended {
			o.cedAt = e.Began
		}
	}
	if hz := o.ph.hears(); hz == busyTone || hz == reorderTone {
		if o.toneAt == 0 {
			o.toneAt = o.at
		}
	} else {
		o.toneAt = 0
	}
}

// A powerCard knows whether there is loop current. What the machine hears may come late, when
// the port waits for the disk.
type powerCard struct {
	*testCard
	off bool

	mu  sync.Mutex
	ear []int16
}

// Write implements fxs.Card.
func (c *powerCard) Write(pcm []int16) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ear = append(c.ear, pcm...)
	return nil
}

// heard is what has come since it was last asked for.
func (c *powerCard) heard() []int16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	pcm := c.ear
	c.ear = nil
	return pcm
}

// Power implements fxs.Card.
func (c *powerCard) Power(on bool) error { c.off = !on; return nil }

// watchPower takes the place of the telephone's card.
func (r *spoolRig) watchPower() {
	r.ph.unplug()
	r.ph.card = &testCard{mouth: make(chan said), gone: make(chan struct{})}
	r.power = &powerCard{testCard: r.ph.card}
	r.ph.cards <- r.power
	synctest.Wait()
}

// begin gives the machine something to do.
func (o *office) begin(c t30.Config) {
	t, err := t30.New(c)
	if err != nil {
		o.rig.t.Fatalf("%v", err)
	}
	o.fax = t38.NewMachine(t, t38.DefaultLevel)
	o.fax.Start()
}

// lift takes the machine off-hook.
func (o *office) lift() {
	o.off = true
	o.ph.loop(fxs.LoopClosed)
}

// putDown puts it on-hook.
func (o *office) putDown() {
	o.off, o.fax, o.ph.says = false, nil, nil
	o.ph.loop(fxs.LoopOpen)
}

// hangUp puts it on-hook, and waits until that is no flash.
func (r *spoolRig) hangUp() {
	if r.off {
		r.putDown()
	}
	r.pass(500 * time.Millisecond)
}

// dial lifts and dials. # ends the number.
func (r *spoolRig) dial(number string) {
	r.lift()
	r.pass(100 * time.Millisecond)
	for _, k := range []byte(number) {
		r.ph.keys.Press(k, 640, 640)
		r.lastKey = r.at
		for r.ph.keys.Busy() {
			r.tick()
		}
	}
}

// send dials with a document in the machine.
func (r *spoolRig) send(number string, doc leaflet) {
	r.dial(number)
	r.begin(t30.Config{Calling: true, Source: doc, ECM: true, Ident: "+1 555 1"})
}

// since is how many seconds after the last key something was, that is given in samples.
func (o *office) since(at int64) float64 { return float64(at-o.lastKey) / dsp.SampleRate }

// A leaflet is a document of random rows, the same ones in each test.
type leaflet struct{ pages int }

func (l leaflet) Page(n int) (t30.Form, bool) {
	return t30.Form{Resolution: t30.Fine}, n < l.pages
}

func (l leaflet) Open(n int, f t30.Format) (io.Reader, error) {
	e, err := t4.NewEncoder(t4.EncoderConfig{Coding: t4Codings[f.Coding], Columns: 1728, K: 4, MinRowBits: f.MinRowBits()})
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, row := range l.rows(n) {
		out = e.AppendRow(out, row)
	}
	return bytes.NewReader(e.AppendEnd(out)), nil
}

var t4Codings = [...]t4.Coding{t30.MH: t4.MH, t30.MR: t4.MR, t30.MMR: t4.MMR}

const leafletRows = 40

func (l leaflet) rows(n int) [][]byte {
	rnd := rand.New(rand.NewPCG(uint64(n), 1))
	rows := make([][]byte, leafletRows)
	for i := range rows {
		rows[i] = make([]byte, 216)
		for x := 20; x < 200; x += 5 + rnd.IntN(30) {
			rows[i][x] = byte(rnd.Uint32())
		}
	}
	return rows
}

// A tray takes pages.
type tray struct {
	pages [][][]byte

	mu      sync.Mutex
	kept    int // by Keep
	refuses error
	takes   time.Duration // that Keep lasts
}

func (y *tray) Open(n int, f t30.Format) (t30.PageWriter, error) {
	d, err := t4.NewDecoder(t4.DecoderConfig{Coding: t4Codings[f.Coding], Columns: f.Width.Pels(f.Resolution)})
	y.pages = append(y.pages[:min(n, len(y.pages))], nil)
	return &traySheet{y, n, d}, err
}

// Keep implements t30.Keeper.
func (y *tray) Keep(bool) error {
	time.Sleep(y.takes)
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.refuses != nil {
		return y.refuses
	}
	y.kept++
	return nil
}

type traySheet struct {
	y *tray
	n int
	d *t4.Decoder
}

func (s *traySheet) Write(p []byte) (int, error) {
	s.d.Feed(p)
	s.take()
	return len(p), nil
}

func (s *traySheet) take() {
	for s.d.Next() {
		s.y.pages[s.n] = append(s.y.pages[s.n], bytes.Clone(s.d.Row()))
	}
}

func (s *traySheet) Close(bool) (t30.Copy, error) {
	s.d.End()
	s.take()
	q := s.d.Quality()
	return t30.Copy{Rows: q.Rows, BadRows: q.Bad, BadRun: q.LongestBad}, nil
}

// holds tells in what the tray differs from a document; empty: in nothing.
func (y *tray) holds(l leaflet) string {
	if len(y.pages) != l.pages {
		return fmt.Sprintf("%d pages, want %d", len(y.pages), l.pages)
	}
	for n, got := range y.pages {
		want := l.rows(n)
		if len(got) != len(want) {
			return fmt.Sprintf("page %d: %d rows, want %d", n+1, len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				return fmt.Sprintf("page %d: row %d differs", n+1, i+1)
			}
		}
	}
	return ""
}

// A desk is scripted, and notes what it is asked and told.
type desk struct {
	ahead bool          // what CallAhead answers
	takes time.Duration // that it lasts
	hangs bool          // it hears nothing of the end of its time

	refuses error         // of Receive
	opens   time.Duration // that it lasts
	tray    tray
	commits error

	mu       sync.Mutex
	asked    []string // numbers
	called   []string
	received []fax.Attempt
	permits  []fax.Permit
	done     []fax.Outcome // committed
	failed   []fax.Outcome // abandoned
	open     int           // intakes
	hung     chan struct{}
	until    context.Context // of each intake
	cancel   context.CancelFunc
}

func newDesk(t *testing.T) *desk {
	d := &desk{hung: make(chan struct{})}
	d.until, d.cancel = context.WithCancel(t.Context())
	return d
}

// release ends what hangs.
func (d *desk) release() { close(d.hung) }

// CallAhead implements Desk.
func (d *desk) CallAhead(ctx context.Context, a fax.Attempt) (bool, string) {
	d.mu.Lock()
	d.asked = append(d.asked, a.Number)
	d.mu.Unlock()
	if d.hangs {
		<-d.hung
	}
	select {
	case <-time.After(d.takes):
		return d.ahead, "scripted"
	case <-ctx.Done():
		return true, "no answer"
	}
}

// Called implements Desk.
func (d *desk) Called(number string, r fax.CalledNumberResult) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.called = append(d.called, number+" "+r.String())
}

// Receive implements Desk.
func (d *desk) Receive(a fax.Attempt, p fax.Permit) (Intake, error) {
	time.Sleep(d.opens)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.received, d.permits = append(d.received, a), append(d.permits, p)
	if d.refuses != nil {
		return nil, d.refuses
	}
	d.open++
	return deskIntake{d}, nil
}

type deskIntake struct{ d *desk }

func (i deskIntake) Sink() t30.Sink { return &i.d.tray }

func (i deskIntake) Until() context.Context { return i.d.until }

func (i deskIntake) Commit(o fax.Outcome) error {
	i.d.mu.Lock()
	defer i.d.mu.Unlock()
	i.d.open--
	i.d.done = append(i.d.done, o)
	return i.d.commits
}

func (i deskIntake) Abandon(o fax.Outcome) {
	i.d.mu.Lock()
	defer i.d.mu.Unlock()
	i.d.open--
	i.d.failed = append(i.d.failed, o)
}

// seen is what the desk has done, in words.
func (d *desk) seen() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var s []string
	for _, x := range []struct {
		what string
		n    int
	}{{"asked", len(d.asked)}, {"received", len(d.received)}, {"committed", len(d.done)}, {"abandoned", len(d.failed)}} {
		if x.n > 0 {
			s = append(s, fmt.Sprintf("%s %d", x.what, x.n))
		}
	}
	return strings.Join(append(s, d.called...), ", ")
}

func (d *desk) committed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.done)
}

func (d *desk) abandoned() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.failed)
}

func (d *desk) atRest(t tester) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != 0 {
		t.Errorf("%d intakes are neither committed nor abandoned", d.open)
	}
}

// A clerk permits what it is asked for, and keeps account of it.
type clerk struct {
	permit fax.Permit // to give, with a session
	takes  time.Duration
	hangs  chan struct{} // nil: it does not; else until it is closed, whatever its time

	mu    sync.Mutex
	begun []fax.Attempt
	lives int
	stops []fax.Outcome
}

// Begin implements fax.Clerk.
func (c *clerk) Begin(ctx context.Context, a fax.Attempt) fax.Permit {
	select {
	case <-time.After(c.takes):
	case <-ctx.Done():
	}
	if c.hangs != nil {
		<-c.hangs
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.permit
	if p.Refused == "" {
		c.begun = append(c.begun, a)
		p.Session = c
	}
	return p
}

// Account implements fax.Clerk.
func (c *clerk) Account(a fax.Attempt) fax.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = append(c.begun, a)
	return c
}

// ID implements fax.Session.
func (c *clerk) ID() string { return "session" }

// Alive implements fax.Session.
func (c *clerk) Alive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lives++
}

// Stop implements fax.Session.
func (c *clerk) Stop(o fax.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stops = append(c.stops, o)
}

// atRest checks that each session was stopped once.
func (c *clerk) atRest(t tester) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.stops) != len(c.begun) {
		t.Errorf("%d sessions, of which %d were stopped: %+v", len(c.begun), len(c.stops), c.stops)
	}
}

// last is how the last session was stopped.
func (c *clerk) last(t tester) fax.Outcome {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.stops) == 0 {
		t.Fatalf("no session was stopped")
	}
	return c.stops[len(c.stops)-1]
}

var errDiskFull = errors.New("no space left")

// wantT38 has the far end ask for T.38, as it would on hearing its machine.
func (c *farCall) wantT38() {
	c.o.SetCapabilities(offer.Capabilities{
		Codecs: c.f.codecs, Events: c.f.events, PtimeMS: 20,
		T38: &offer.T38{MaxBitRate: 14400, MaxDatagram: 400, EC: offer.Redundancy},
	})
	c.o.SetMode(offer.Fax)
	body, err := c.o.Offer()
	if err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
	m := c.d.Request(sipmsg.INVITE)
	m.SetBody("application/sdp", body.Bytes())
	c.f.e.Send(time.Now(), &ua.Request{
		Msg: m, Target: c.f.agent(), Contact: true, Retransmissions: 3,
		On: func(_ time.Time, a ua.Answer) {
			if a.Response == nil || a.Response.IsProvisional() {
				return
			}
			c.statuses = append(c.statuses, a.Response.StatusCode)
			if a.Response.IsSuccess() {
				c.ack(a, m)
			}
		},
	})
}

// play has the far end say a signal.
func (c *farCall) play(s *dsp.Signal) {
	c.says = new(dsp.Tone)
	c.says.Start(s)
}

// ced has the far end say CED.
func (c *farCall) ced() { c.play(dsp.CEDSignal(-15, 3*dsp.SampleRate)) }

// flags has the far end say flags in V.21 channel 2, for ever.
func (c *farCall) flags() {
	mark, space := dsp.Partial{Hz: 1650, DBm0: -15}, dsp.Partial{Hz: 1850, DBm0: -15}
	c.play(dsp.NewSignal(0,
		dsp.Segment{Partials: []dsp.Partial{mark}, Samples: 160},
		dsp.Segment{Partials: []dsp.Partial{space}, Samples: 53},
	))
}

// A duty is something that is to happen in a call, if that is not over by then.
type duty struct {
	call *farCall
	at   time.Time
	do   func()
}

// after has something happen s seconds after now.
func (r *spoolRig) after(c *farCall, s float64, do func()) {
	r.duties = append(r.duties, duty{c, time.Now().Add(time.Duration(s * float64(time.Second))), do})
}

// perform does what is due.
func (r *spoolRig) perform() {
	list := r.duties
	r.duties = nil
	for _, d := range list {
		switch {
		case d.call.over:
		case time.Now().Before(d.at):
			r.duties = append(r.duties, d)
		default:
			d.do()
		}
	}
}

func (r *spoolRig) sayCED(far *farCall) { far.ced() }

// backup is the line's second server. Its calls are at the far end like all others, once they
// are answered.
func (r *spoolRig) backup(onInvite func(*farCall)) *farEnd {
	f := &farEnd{r: r.rig, rtp: r.far.rtp, codecs: r.far.codecs, events: true}
	f.onInvite = func(c *farCall) {
		r.far.calls = append(r.far.calls, c)
		f.calls = nil
		onInvite(c)
	}
	stack := ua.NewStack(nil)
	f.host = r.net.Host("127.0.0.3:5060", stack)
	stack.Attach(f.host)
	f.e = stack.NewEndpoint(ua.EndpointConfig{Fallback: true, Incoming: f.incoming, Acknowledged: f.acknowledged})
	r.servers = append(r.servers, f)
	return f
}
