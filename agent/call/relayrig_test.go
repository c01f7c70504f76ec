package call

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tipring/agent/fax"
	"tipring/internal/dsp"
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/t38"
	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/t38/t4"
)

// A paper is pages of random rows, coded as asked, and their rows as they arrive.
type paper struct{ pages []*leaf }

type leaf struct{ rows []string }

// newPaper makes pages of so many rows.
func newPaper(pages, rows int) *paper {
	d := &paper{}
	for n := range pages {
		random := rand.New(rand.NewPCG(uint64(n), 1))
		row, l := make([]byte, t4.RowOctets(1728)), &leaf{}
		for range rows {
			switch random.IntN(3) {
			case 0:
				clear(row)
			case 1:
				row[random.IntN(len(row))] ^= byte(random.Uint32())
			}
			l.rows = append(l.rows, string(row))
		}
		d.pages = append(d.pages, l)
	}
	return d
}

func (d *paper) equal(x *paper) bool {
	return slices.EqualFunc(d.pages, x.pages, func(a, b *leaf) bool { return slices.Equal(a.rows, b.rows) })
}

type paperSource struct{ *paper }

func (s paperSource) Page(n int) (t30.Form, bool) {
	return t30.Form{Resolution: t30.Fine}, n < len(s.pages)
}

var codings = [...]t4.Coding{t30.MH: t4.MH, t30.MR: t4.MR, t30.MMR: t4.MMR}

func (s paperSource) Open(n int, f t30.Format) (io.Reader, error) {
	e, err := t4.NewEncoder(t4.EncoderConfig{Coding: codings[f.Coding], Columns: 1728, K: 4, MinRowBits: f.MinRowBits()})
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, row := range s.pages[n].rows {
		out = e.AppendRow(out, []byte(row))
	}
	return bytes.NewReader(e.AppendEnd(out)), nil
}

type paperSink struct{ *paper }

func (s paperSink) Open(n int, f t30.Format) (t30.PageWriter, error) {
	d, err := t4.NewDecoder(t4.DecoderConfig{Coding: codings[f.Coding], Columns: 1728})
	l := &leaf{}
	s.pages = append(s.pages[:min(n, len(s.pages))], l)
	return &paperPage{l, d}, err
}

type paperPage struct {
	*leaf
	d *t4.Decoder
}

func (p *paperPage) Write(b []byte) (int, error) {
	p.d.Feed(b)
	p.take()
	return len(b), nil
}

func (p *paperPage) take() {
	for p.d.Next() {
		p.rows = append(p.rows, string(p.d.Row()))
	}
}

func (p *paperPage) Close(bool) (t30.Copy, error) {
	p.d.End()
	p.take()
	q := p.d.Quality()
	return t30.Copy{Rows: q.Rows, BadRows: q.Bad, BadRun: q.LongestBad}, nil
}

// A faxCall is what a test of the relay begins with.
type faxCall struct {
	receives  bool // the machine on the port is called, and receives; else it calls and sends
	server    bool // the far end is one that speaks T.38 alone, and asks for it when it is called
	noT38     bool // of the far end
	plain     bool // no ECM
	rate      int  // of the near machine, bit/s; 0: 14400
	pages     int  // 0: 1
	rows      int  // of a page; 0: 200
	delimiter string
	settings  func(*fax.Settings)
	rig       settings
}

// faxSettings are the defaults of [fax].
func faxSettings() fax.Settings {
	return fax.Settings{
		T38: true, MaxRate: 14400, ECM: true, Control: 5, Image: -1, EC: "redundancy", MaxDatagram: 400,
		Reinvite: "callee", CNG: true, CED: true, Preamble: true,
	}
}

// A faxRig is a rig whose telephone is a fax machine.
type faxRig struct {
	*rig
	test      faxCall
	near, far *t30.Terminal
	sent, got *paper
	memory    fax.Memory
	clerk     *testClerk
	ends      []fax.Outcome
	attempts  []fax.Attempt
	statuses  []FaxStatus // each that was new
	events    map[time.Duration]func()
	asked     int // how often the machine said DIS
	number    string
	started   time.Time
}

func newFaxRig(t tester, x faxCall) *faxRig {
	t.Helper()
	f := &faxRig{test: x, number: "600", started: time.Now(), events: map[time.Duration]func(){}}
	s := faxSettings()
	if x.settings != nil {
		x.settings(&s)
	}
	set := x.rig
	set.config = func(c *Config) {
		port := FaxPort{Mode: relayMode, Settings: s, CSID: "555", Delimiter: x.delimiter}
		c.Kind, c.Fax = "fax", func() *FaxPort { return &port }
	}
	set.device = func(d *Device) {
		d.Memory = &f.memory
		if f.clerk != nil {
			d.Clerk = f.clerk
		}
		d.FaxEnded = func(_ int, a fax.Attempt, o fax.Outcome) {
			f.attempts, f.ends = append(f.attempts, a), append(f.ends, o)
		}
	}
	f.clerk = &testClerk{}
	set.t38 = s.Offer()
	f.rig = newRig(t, set)
	f.rig.far.t38 = &offer.T38{MaxBitRate: 14400, MaxDatagram: 400, EC: offer.Redundancy}
	if x.noT38 {
		f.rig.far.t38 = nil
	}
	f.sent, f.got = newPaper(max(x.pages, 1), cmpOr(x.rows, 200)), &paper{}
	sender := t30.Config{Calling: true, Source: paperSource{f.sent}, ECM: !x.plain, Ident: "111"}
	receiver := t30.Config{Sink: paperSink{f.got}, ECM: true, Ident: "222"}
	nearConfig, farConfig := sender, receiver
	if x.receives {
		nearConfig, farConfig = receiver, sender
	}
	nearConfig.MaxBitRate = x.rate
	nearConfig.OnFrame = func(sent bool, octets []byte, _ bool) {
		if fr, ok := t30.ParseFrame(octets); ok && sent && fr.FCF == t30.DIS {
			f.asked++
		}
	}
	f.near, f.far = terminal(t, nearConfig), terminal(t, farConfig)
	f.phone().fax = t38.NewMachine(f.near, t38.DefaultLevel)
	f.rig.far.onCall = func(c *farCall) {
		c.fax = &farFax{c: c, server: x.server, link: farLink}
		if x.server {
			c.fax.terminal = f.far
		} else {
			c.fax.machine = t38.NewMachine(f.far, t38.DefaultLevel)
		}
	}
	return f
}

func cmpOr(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func terminal(t tester, c t30.Config) *t30.Terminal {
	x, err := t30.New(c)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return x
}

// begin has the call up: the machine dials, or it is called and answers.
func (f *faxRig) begin() {
	f.t.Helper()
	if f.test.receives {
		f.rig.far.call()
		f.until("the machine rings", func() bool { return f.phone().card.ringing })
		f.run(2 * time.Second)
		f.phone().lift()
	} else {
		f.phone().dial(f.number)
	}
	f.phone().fax.Start()
}

// pass lets the fax pass until both machines are done, or limit is over, and hangs up.
func (f *faxRig) pass(limit time.Duration) {
	f.t.Helper()
	var last string
	for at := time.Duration(0); at < limit && !(f.near.Done() && f.phone().fax.Done()); at += 20 * time.Millisecond {
		if do := f.events[at]; do != nil {
			do()
		}
		if f.phone().port.Snapshot().State.String() == "parked" {
			break
		}
		f.frame()
		if s := f.phone().port.Fax(); fmt.Sprint(s) != last {
			last = fmt.Sprint(s)
			f.statuses = append(f.statuses, s)
		}
	}
	f.phone().hangUp()
}

// well checks that the fax arrived, and returns how the call went.
func (f *faxRig) well() fax.Outcome {
	f.t.Helper()
	if c := f.near.Result().Code; c != t30.OK {
		f.t.Errorf("the near machine: %v", c)
	}
	if c := f.far.Result().Code; c != t30.OK {
		f.t.Errorf("the far end: %v", c)
	}
	if !f.got.equal(f.sent) {
		f.t.Errorf("%d pages arrived of %d, or others", len(f.got.pages), len(f.sent.pages))
	}
	o := f.outcome()
	if !o.OK || o.Confirmed() != len(f.sent.pages) || !o.Begun || !o.Answered || o.Reason != "" {
		f.t.Errorf("%+v", o)
	}
	return o
}

func (f *faxRig) outcome() fax.Outcome {
	f.t.Helper()
	if len(f.ends) != 1 {
		f.t.Fatalf("%d outcomes", len(f.ends))
	}
	return f.ends[0]
}

// now is how long the rig has run.
func (f *faxRig) now() time.Duration { return time.Since(f.started) }

// done ends everything.
func (f *faxRig) done() {
	f.t.Helper()
	f.settle()
	f.close()
	if s := f.phone().port.Fax(); s.Call != "" {
		f.t.Errorf("a fax is shown at rest: %+v", s)
	}
	f.clerk.check(f.t)
}

// relayTest runs a test in a bubble.
func relayTest(t *testing.T, x faxCall, run func(f *faxRig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFaxRig(t, x)
		run(f)
		f.done()
	})
}

// A farFax is what the far end of a fax call does: a machine in sound, and behind a gateway
// where T.38 is agreed; or a server that speaks T.38 alone.
type farFax struct {
	c        *farCall
	server   bool
	machine  *t38.Machine
	terminal *t30.Terminal

	station *convey.Station
	gateway *t38.Gateway
	packets *media.Packets
	image   *offer.Image
	begun   bool
	now     int64
	asked   bool
	asks    time.Duration // after the answer a gateway asks for T.38; 0: never
	silent  bool          // sends no packet of T.38
	loses   func() bool   // a packet that it sends
	reads   func([]byte)  // is shown each datagram that comes; nil: nobody looks
	link    convey.LinkConfig
	from    *media.Pair // where its packets come from, if not from where it said
	buf     [1500]byte
}

var farLink = convey.LinkConfig{Control: 5, Image: 3, Alive: convey.KeepAlive}

// agreed takes what is agreed now.
func (x *farFax) agreed(i *offer.Image) {
	switch {
	case i == nil:
		x.gateway, x.packets, x.image = nil, nil, nil
		return
	case x.image != nil:
		x.packets.SetRemote(i.Remote)
	default:
		x.packets = x.c.media.Packets(i.Remote)
		if x.from != nil {
			x.packets = media.NewPackets(x.from.RTP, i.Remote, media.LearnNAT)
		}
		if !x.server {
			x.gateway = t38.NewGateway(x.link, t38.DefaultLevel)
		} else if x.station == nil {
			x.station = convey.NewStation(x.terminal, x.link)
			x.station.Start()
		}
	}
	x.image = i
}

// frame is 20 ms.
func (x *farFax) frame() {
	x.begin()
	in, out := make([]int16, 160), make([]int16, 160)
	if x.image == nil {
		x.c.media.Exchange(x.says(), out)
		x.hear(out)
		return
	}
	x.c.media.Exchange(in, out)
	for {
		n, ok := x.packets.Read(x.buf[:])
		if !ok {
			break
		}
		if x.reads != nil {
			x.reads(x.buf[:n])
		}
		if x.server {
			_ = x.station.Hear(x.buf[:n])
		} else {
			_ = x.gateway.Hear(x.buf[:n])
		}
	}
	if x.server {
		x.station.Advance(160)
	} else {
		x.gateway.Exchange(x.says(), out)
		x.hear(out)
	}
	x.say()
}

func (x *farFax) says() []int16 {
	out, heard := make([]int16, 160), make([]int16, 160)
	if x.machine != nil && x.begun {
		copy(heard, x.c.ear[max(0, len(x.c.ear)-160):])
		x.machine.Exchange(heard, out)
	}
	return out
}

// hear keeps the last two frames.
func (x *farFax) hear(out []int16) {
	x.c.ear = append(x.c.ear[max(0, len(x.c.ear)-160):], out...)
}

func (x *farFax) say() {
	for {
		var d []byte
		var ok bool
		if x.server {
			d, ok = x.station.Say()
		} else {
			d, ok = x.gateway.Say()
		}
		if !ok {
			return
		}
		if !x.silent && (x.loses == nil || !x.loses()) {
			_ = x.packets.Write(d)
		}
	}
}

// begin begins once the call is up.
func (x *farFax) begin() {
	if !x.c.confirmed() {
		return
	}
	x.now += 160
	if !x.begun {
		x.begun = true
		x.c.media.DataMode(true)
		if x.machine != nil {
			x.machine.Start()
		}
	}
	after := x.asks
	if x.server && x.c.in != nil && after == 0 {
		after = 100 * time.Millisecond
	}
	if after > 0 && !x.asked && x.image == nil && x.now >= int64(after/time.Millisecond)*dsp.SampleRate/1000 && !x.c.o.Pending() {
		x.asked = true
		x.c.switchTo(offer.Fax)
	}
}

// switchTo asks for T.38, or for sound.
func (c *farCall) switchTo(m offer.Mode) {
	c.o.SetMode(m)
	body, err := c.o.Offer()
	if err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
	c.ask(sipmsg.INVITE, func(r *sipmsg.Message) { r.SetBody("application/sdp", body.Bytes()) })
}

// A testClerk counts what it permits.
type testClerk struct {
	permit   fax.Permit
	attempts []fax.Attempt
	sessions []*testSession
	takes    time.Duration
}

type testSession struct {
	alive, stops int
	outcome      fax.Outcome
}

func (s *testSession) ID() string { return "1" }
func (s *testSession) Alive()     { s.alive++ }
func (s *testSession) Stop(o fax.Outcome) {
	s.stops++
	s.outcome = o
}

func (c *testClerk) check(t tester) {
	t.Helper()
	for i, s := range c.sessions {
		if s.stops != 1 {
			t.Errorf("session %d was stopped %d times", i+1, s.stops)
		}
	}
}

// Account implements fax.Clerk.
func (c *testClerk) Account(a fax.Attempt) fax.Session {
	c.attempts, c.sessions = append(c.attempts, a), append(c.sessions, &testSession{})
	return c.sessions[len(c.sessions)-1]
}

// Begin implements fax.Clerk.
func (c *testClerk) Begin(ctx context.Context, a fax.Attempt) fax.Permit {
	select {
	case <-time.After(c.takes):
	case <-ctx.Done():
	}
	c.attempts = append(c.attempts, a)
	s := &testSession{}
	c.sessions = append(c.sessions, s)
	p := c.permit
	p.Session = s
	return p
}
