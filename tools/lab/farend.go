package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport"
)

// maxFarCalls bounds the calls of a far end that nobody has asked for with Next.
const maxFarCalls = 64

// A FarEnd is a telephone without a registration: it rings, answers, and sends back what
// it hears; and it calls, and hangs up, when told to.
type FarEnd struct {
	ringFor time.Duration
	layer   *transport.Layer
	ep      *ua.Endpoint
	addr    netip.AddrPort
	log     *slog.Logger
	timers  transaction.Timers
	quit    chan struct{}
	ended   sync.WaitGroup

	mu    sync.Mutex
	taken []*FarCall    // calls that came in, for Next; the oldest first
	news  chan struct{} // closed and made anew with each of them

	calls map[*FarCall]struct{} // owned by run
}

// NewFarEnd starts a telephone at an address, on a free UDP port.
func NewFarEnd(at netip.Addr, timers transaction.Timers, log *slog.Logger) (*FarEnd, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	f := &FarEnd{
		ringFor: time.Second, log: log, timers: timers,
		news: make(chan struct{}), quit: make(chan struct{}), calls: map[*FarCall]struct{}{},
	}
	stack := ua.NewStack(log)
	layer, err := transport.New(transport.Config{Bind: at, TCPPort: -1, TLSPort: -1, Log: log}, stack)
	if err != nil {
		return nil, fmt.Errorf("lab far end: %w", err)
	}
	stack.Attach(layer)
	f.layer = layer
	f.addr = netip.AddrPortFrom(at, uint16(layer.Port(transport.UDP)))
	f.ep = stack.NewEndpoint(ua.EndpointConfig{
		Timers: timers, UserAgent: "tipring lab telephone", Fallback: true,
		Incoming: f.incoming, Acknowledged: f.acknowledged, Log: log,
	})
	f.ended.Add(1)
	go f.run()
	return f, nil
}

// Addr is where it listens.
func (f *FarEnd) Addr() netip.AddrPort { return f.addr }

// RingFor sets how long it rings before it answers.
func (f *FarEnd) RingFor(d time.Duration) {
	f.ep.Post(func(time.Time) { f.ringFor = d })
}

// Next is the next call that was answered.
func (f *FarEnd) Next(ctx context.Context) (*FarCall, error) {
	return f.NextOf(ctx, func(*FarCall) bool { return true })
}

// NextOf is the next call that was answered of those that match; the others are left to who
// asks for them.
func (f *FarEnd) NextOf(ctx context.Context, match func(*FarCall) bool) (*FarCall, error) {
	for {
		c, news := f.take(match)
		if c != nil {
			return c, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.quit:
			return nil, errClosed
		}
	}
}

// take is a call that matches, if there is one; else news tells of others.
func (f *FarEnd) take(match func(*FarCall) bool) (c *FarCall, news <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.IndexFunc(f.taken, match); i >= 0 {
		c = f.taken[i]
		f.taken = slices.Delete(f.taken, i, i+1)
	}
	return c, f.news
}

// give lets Next have a call; the oldest is forgotten when nobody asks.
func (f *FarEnd) give(c *FarCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.taken) == maxFarCalls {
		f.taken = slices.Delete(f.taken, 0, 1)
	}
	f.taken = append(f.taken, c)
	close(f.news)
	f.news = make(chan struct{})
}

var errClosed = errors.New("the far end is closed")

// Close ends it, without a word to anybody, and waits.
func (f *FarEnd) Close() error {
	select {
	case <-f.quit:
		return nil
	default:
	}
	close(f.quit)
	f.ended.Wait()
	return f.layer.Close()
}

func (f *FarEnd) run() {
	defer f.ended.Done()
	defer func() {
		for c := range f.calls {
			c.over()
		}
		f.ep.Close()
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		f.ep.Work(now)
		next := f.ep.Deadline()
		for c := range f.calls {
			c.expire(now)
			next = earlier(next, c.deadline())
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = max(0, time.Until(next))
		}
		timer.Reset(wait)
		select {
		case <-f.quit:
			return
		case <-f.ep.Ready():
		case <-timer.C:
		}
	}
}

// incoming takes every new request but ACK and CANCEL.
func (f *FarEnd) incoming(now time.Time, in *ua.Incoming) {
	m := in.Req
	if tags := m.Header.Values("Require"); len(tags) > 0 {
		res := in.Response(420, "")
		for _, t := range tags {
			res.Header.Add("Unsupported", t)
		}
		in.RespondWith(now, res)
		return
	}
	if m.To.Tag() != "" {
		c := f.call(dialog.RequestID(m))
		if c == nil {
			in.Respond(now, 481, "")
			return
		}
		c.request(now, in)
		return
	}
	switch m.Method {
	case sipmsg.INVITE:
		f.ring(now, in)
	case sipmsg.OPTIONS:
		in.Respond(now, 200, "")
	default:
		res := in.Response(405, "")
		res.Header.Add("Allow", farAllow)
		in.RespondWith(now, res)
	}
}

// farAllow lists the methods of the far telephone.
const farAllow = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE"

func (f *FarEnd) call(id dialog.ID) *FarCall {
	for c := range f.calls {
		if c.d != nil && c.d.ID == id {
			return c
		}
	}
	return nil
}

func (f *FarEnd) acknowledged(now time.Time, ack *sipmsg.Message) {
	if c := f.call(dialog.RequestID(ack)); c != nil {
		c.acknowledged(ack)
	}
}

// newCall begins a call with its sound, of a fax machine or, with nil, a telephone.
func (f *FarEnd) newCall(fax *farFax) (*FarCall, error) {
	sound, err := newSound(f.addr.Addr())
	if err != nil {
		return nil, err
	}
	c := &FarCall{f: f, sound: sound, fax: fax, up: make(chan struct{}), ended: make(chan struct{})}
	able := offer.Capabilities{Codecs: []offer.Codec{offer.PCMU, offer.PCMA, offer.G722}, Events: true, PtimeMS: 20}
	if fax != nil {
		able.T38 = &faxOffer
	}
	c.offer = offer.New(able, offer.Local{RTP: sound.addr()})
	f.calls[c] = struct{}{}
	return c, nil
}

// ring takes a call: 180 now, 200 later.
func (f *FarEnd) ring(now time.Time, in *ua.Incoming) {
	var fax *farFax
	ring, err := f.ringFor, error(nil)
	if in.Req.RequestURI.User == FaxUser {
		fax, err = newReceiver()
		ring = 0
	}
	var c *FarCall
	if err == nil {
		c, err = f.newCall(fax)
	}
	if err != nil {
		f.log.Error("no sound for a call", "err", err)
		in.Respond(now, 500, "")
		return
	}
	c.in, c.flow, c.Peer, c.Number = in, in.Flow, in.Req.From.URI.User, in.Req.RequestURI.User
	in.OnCancel = func(now time.Time) {
		in.Respond(now, 487, "")
		c.over()
	}
	in.OnLost = func(time.Time, error) { c.over() }
	res := in.Response(180, "")
	res.Contact = []sipmsg.Addr{f.ep.Contact(in.Flow)}
	in.RespondWith(now, res)
	c.answerAt = now.Add(ring)
}

// Call calls a user through the server at via and waits for the answer. It is not
// challenged where the server routes calls to it.
func (f *FarEnd) Call(ctx context.Context, via netip.AddrPort, user string) (*FarCall, error) {
	return f.dial(ctx, via, user, nil)
}

func (f *FarEnd) dial(ctx context.Context, via netip.AddrPort, user string, fax *farFax) (*FarCall, error) {
	outcome := newOutcome()
	var c *FarCall
	ok := f.ep.Post(func(now time.Time) {
		var err error
		if c, err = f.newCall(fax); err == nil {
			err = c.invite(now, via, user, outcome.is)
		}
		if err != nil {
			outcome.is(err)
		}
	})
	if !ok {
		return nil, errClosed
	}
	select {
	case err := <-outcome:
		if err != nil {
			return nil, err
		}
		return c, nil
	case <-ctx.Done():
		f.ep.Post(func(now time.Time) {
			if c != nil && c.req != nil {
				f.ep.Cancel(now, c.req, transaction.Unlimited, nil)
			}
		})
		return nil, ctx.Err()
	case <-f.quit:
		return nil, errClosed
	}
}
