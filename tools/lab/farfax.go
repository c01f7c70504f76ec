package lab

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"tipring/internal/dsp"
	"tipring/internal/offer"
	"tipring/t38/convey"
	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/t38/udptl"
)

// FaxUser is the number of the far fax machine: it answers at once, asks for T.38, and takes
// what comes.
const FaxUser = "800"

// faxOffer is what the far machine does by T.38.
var faxOffer = offer.T38{MaxBitRate: 14400, MaxDatagram: 400, MaxBuffer: 2000, EC: offer.Redundancy}

// A Fax is how a fax of the far machine went.
type Fax struct {
	Result t30.Result
	TIFF   []byte // what it received
	Err    error  // why there was no facsimile at all
}

// A farFax is the machine in a far call. It speaks T.38 alone, on the socket of the call's
// sound, from when that is agreed until it is done.
type farFax struct {
	config t30.Config
	source *pages.Source
	file   *memoryFile
	sink   *pages.Sink

	once  sync.Once
	ended chan Fax // holds one
	work  sync.WaitGroup
}

// newReceiver is a machine that takes a fax.
func newReceiver() (*farFax, error) {
	f := &farFax{file: &memoryFile{}, ended: make(chan Fax, 1)}
	var err error
	if f.sink, err = pages.NewSink(f.file); err != nil {
		return nil, err
	}
	f.config = t30.Config{Sink: f.sink, ECM: true, Ident: FaxUser, MaxWidth: t30.A3Width, MaxLength: t30.Unlimited}
	return f, nil
}

// newFaxSender is a machine that sends a document.
func newFaxSender(ctx context.Context, d pages.Document) *farFax {
	f := &farFax{source: pages.NewSource(ctx, d), ended: make(chan Fax, 1)}
	f.config = t30.Config{Calling: true, Source: f.source, ECM: true, Ident: FaxUser}
	return f
}

// begin begins the facsimile, once: what is agreed later changes nothing of it.
func (f *farFax) begin(conn func() *net.UDPConn, i *offer.Image, over func()) {
	f.once.Do(func() {
		terminal, err := t30.New(f.config)
		if err != nil {
			f.ended <- Fax{Err: err}
			return
		}
		s := convey.NewStation(terminal, convey.LinkConfig{
			Version: i.Version, Limits: udptl.LimitsOf(i.Theirs.MaxDatagram), Control: 5, Image: convey.Adaptive, Alive: convey.KeepAlive,
		})
		socket := conn()
		f.work.Go(func() {
			f.run(socket, s, i.Remote)
			f.finish(s.T30.Result())
			over()
		})
	})
}

// run plays the machine in real time until it is done or its socket is closed.
func (f *farFax) run(conn *net.UDPConn, s *convey.Station, to netip.AddrPort) {
	s.Start()
	began := time.Now()
	buf := make([]byte, 2048)
	for !s.Done() {
		f.say(conn, s, to)
		wait := time.Second
		if samples, ok := s.Deadline(); ok {
			wait = time.Duration(samples) * time.Second / dsp.SampleRate
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait))
		n, _, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		catchUp(s, int64(time.Since(began)*dsp.SampleRate/time.Second))
		if err == nil {
			_ = s.Hear(buf[:n]) // what is none of T.38 is left of the call's sound
		}
	}
	f.say(conn, s, to)
}

// catchUp lets the machine's time pass until now, deadline by deadline.
func catchUp(s *convey.Station, now int64) {
	for s.Now() < now {
		step := now - s.Now()
		if samples, ok := s.Deadline(); ok && samples < step {
			step = max(samples, 1)
		}
		s.Advance(int(step))
	}
}

func (f *farFax) say(conn *net.UDPConn, s *convey.Station, to netip.AddrPort) {
	for {
		datagram, ok := s.Say()
		if !ok {
			return
		}
		_, _ = conn.WriteToUDPAddrPort(datagram, to)
	}
}

// finish tells how it went.
func (f *farFax) finish(r t30.Result) {
	fax := Fax{Result: r}
	if f.sink != nil {
		if f.sink.Pages() > 0 {
			fax.Err = f.sink.Close()
		}
		fax.TIFF = f.file.octets()
	}
	if f.source != nil {
		f.source.Close()
	}
	f.ended <- fax
}

// end is the end of the call, with or without a facsimile.
func (f *farFax) end() {
	f.once.Do(func() { f.ended <- Fax{Err: errors.New("the call ended before T.38 was agreed")} })
	f.work.Wait()
}

// A memoryFile is a file in memory.
type memoryFile struct {
	mu   sync.Mutex
	data []byte
}

// WriteAt implements io.WriterAt.
func (m *memoryFile) WriteAt(p []byte, at int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at < 0 || at > 64<<20 {
		return 0, io.ErrShortWrite
	}
	if grow := int(at) + len(p) - len(m.data); grow > 0 {
		m.data = append(m.data, make([]byte, grow)...)
	}
	return copy(m.data[at:], p), nil
}

func (m *memoryFile) octets() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]byte(nil), m.data...)
}

// Fax is how the fax of this call went; it waits for the end. A call without a fax machine has none.
func (c *FarCall) Fax(ctx context.Context) (Fax, error) {
	if c.fax == nil {
		return Fax{}, errors.New("the call is no fax")
	}
	select {
	case f := <-c.fax.ended:
		c.fax.ended <- f
		return f, nil
	case <-ctx.Done():
		return Fax{}, ctx.Err()
	}
}

// SendFax calls a user through the server at via, as Call does, and sends a document when the
// called side has asked for T.38.
func (f *FarEnd) SendFax(ctx context.Context, via netip.AddrPort, user string, d pages.Document) (*FarCall, error) {
	return f.dial(ctx, via, user, newFaxSender(ctx, d))
}

// faxAgreed begins the facsimile when T.38 is agreed.
func (c *FarCall) faxAgreed() {
	image := c.offer.Image()
	if c.fax == nil || image == nil {
		return
	}
	c.fax.begin(c.sound.release, image, func() {
		if c.in != nil {
			return // the caller hangs up
		}
		c.Hangup()
	})
}

// askForT38 is the re-INVITE of the called machine.
func (c *FarCall) askForT38(now time.Time) {
	c.offer.SetMode(offer.Fax)
	c.reinvite(now, func(error) {}) // refused, it waits for the end of the call
}
