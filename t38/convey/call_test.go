package convey

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"tipring/t38/t30"
	"tipring/t38/udptl"
	"tipring/t38/udptl/netmodel"
)

// A document is pages of octets that mean nothing, the same for each coding. It is both
// what is sent and what is received.
type document struct{ pages [][]byte }

func pages(count, octets int) *document {
	d, r := &document{}, rand.New(rand.NewPCG(1, 1))
	for range count {
		page := make([]byte, octets)
		for i := range page {
			page[i] = byte(r.Uint32()) | 1
		}
		d.pages = append(d.pages, page)
	}
	return d
}

func (d *document) Page(n int) (t30.Form, bool) {
	return t30.Form{Resolution: t30.Fine}, n < len(d.pages)
}

type source struct{ *document }

func (s source) Open(n int, _ t30.Format) (io.Reader, error) {
	return bytes.NewReader(s.pages[n]), nil
}

type sink struct{ *document }

func (s sink) Open(n int, _ t30.Format) (t30.PageWriter, error) {
	s.document.pages = append(s.document.pages[:n], nil)
	return &page{&s.document.pages[n]}, nil
}

type page struct{ octets *[]byte }

func (p *page) Write(b []byte) (int, error) {
	*p.octets = append(*p.octets, b...)
	return len(b), nil
}

func (p *page) Close(bool) (t30.Copy, error) { return t30.Copy{Rows: 1000}, nil }

// A callTest is a call between two stations over a network.
type callTest struct {
	t        testing.TB
	stations [2]*Station // the first one calls and sends
	network  *netmodel.Network
	sent     *document
	got      *document
	change   func(datagram []byte) []byte // of the first one's datagrams; it returns nil for a lost one

	last         t30.Kind
	began, ended int64  // from the sender's first preamble to the end of its last page
	octets       [2]int // of UDP and IPv4 that each end sent meanwhile
}

func newCall(t testing.TB, ecm bool, sent *document, c [2]LinkConfig, n *netmodel.Network, modulations ...t30.Modulation) *callTest {
	call := &callTest{t: t, network: n, sent: sent, got: &document{}}
	for i, config := range []t30.Config{
		{Calling: true, Source: source{sent}, ECM: ecm, Ident: "555 0100"},
		{Sink: sink{call.got}, ECM: true, Ident: "555 0199"},
	} {
		config.Modulations = t30.Modulations(modulations...)
		terminal, err := t30.New(config)
		if err != nil {
			t.Fatal(err)
		}
		call.stations[i] = NewStation(terminal, c[i])
	}
	return call
}

// run lets the call happen, ten minutes at most, and tells whether both ends did well and
// every page arrived as it was sent.
func (c *callTest) run() (ok, exact bool) {
	const tick = 80
	for _, s := range c.stations {
		s.Start()
	}
	for now := int64(tick); now < 600*SampleRate && !(c.stations[0].Done() && c.stations[1].Done()); now += tick {
		c.watch(now)
		for _, s := range c.stations {
			s.Advance(tick)
		}
		c.pass(now)
	}
	ok = c.stations[0].T30.Result().Code == t30.OK && c.stations[1].T30.Result().Code == t30.OK
	exact = len(c.got.pages) == len(c.sent.pages)
	for i := range c.got.pages {
		exact = exact && i < len(c.sent.pages) && bytes.Equal(bytes.TrimRight(c.got.pages[i], "\x00"), c.sent.pages[i])
	}
	return ok, exact
}

// pass carries what the stations say and what has arrived.
func (c *callTest) pass(now int64) {
	paths := [2]*netmodel.Path{c.network.AToB, c.network.BToA}
	for i, s := range c.stations {
		for b, ok := s.Say(); ok; b, ok = s.Say() {
			if c.began > 0 && c.ended == 0 {
				c.octets[i] += len(b) + 28
			}
			if c.change != nil && i == 0 {
				b = c.change(bytes.Clone(b))
			}
			if b != nil {
				paths[i].Send(now, b)
			}
		}
	}
	for i, s := range c.stations {
		for b, ok := paths[1-i].Receive(now); ok; b, ok = paths[1-i].Receive(now) {
			if err := s.Hear(b); err != nil {
				c.t.Fatalf("%x: %v", b, err)
			}
		}
	}
}

// watch notes when the sender's DCS begins and when its last page has ended.
func (c *callTest) watch(now int64) {
	s := c.stations[0]
	if c.began == 0 && s.doing.Kind == t30.V21 {
		c.began = now
	}
	if c.ended == 0 && s.doing.Kind != t30.ECM && c.last == t30.ECM {
		c.ended = now
	}
	if s.doing.Kind != t30.Nothing {
		c.last = s.doing.Kind
	}
}

func (c *callTest) String() string {
	return fmt.Sprintf("%d s: sender %v, receiver %v, %d of %d pages; sender met %+v, receiver %+v",
		c.stations[0].Now()/SampleRate, c.stations[0].T30.Result().Code, c.stations[1].T30.Result().Code,
		len(c.got.pages), len(c.sent.pages), c.stations[0].Link.Counters(), c.stations[1].Link.Counters())
}

func both(c LinkConfig) [2]LinkConfig { return [2]LinkConfig{c, c} }

var adaptive = LinkConfig{Control: Adaptive, Image: Adaptive}

func TestCalls(t *testing.T) {
	for name, c := range map[string]LinkConfig{
		"adaptive":                 adaptive,
		"version 3":                {Version: 3, Control: Adaptive, Image: Adaptive, First: 65000},
		"no redundancy":            {},
		"parity":                   {Span: 3, Entries: 3},
		"a packet each 40 ms":      {Every: 320},
		"a packet each 20 ms":      {Every: 160},
		"IFP packets of 72 octets": {Limits: udptl.LimitsOf(72), Control: 7, Image: 7},
		"datagrams of 40 octets":   {Limits: udptl.LiteralLimits(40), Control: 7, Image: 7},
		"repeats numbered anew":    {Renumber: true},
	} {
		for _, ecm := range []bool{false, true} {
			call := newCall(t, ecm, pages(2, 20000), both(c), netmodel.New(1, netmodel.Config{Delay: 400}))
			if ok, exact := call.run(); !ok || !exact {
				t.Errorf("%s, ECM %v: %v", name, ecm, call)
			}
			for i, s := range call.stations {
				if r := s.T30.Result(); r.Repeats+r.Repairs+r.Failures > 0 || s.Link.Receiver.Malformed() > 0 || s.Link.Sender.Overflow() > 0 {
					t.Errorf("%s, ECM %v, end %d: %+v", name, ecm, i, r)
				}
			}
		}
	}
}

func TestEveryModem(t *testing.T) {
	for m := t30.V27ter2400; m <= t30.V17At14400; m++ {
		for _, ecm := range []bool{false, true} {
			network := netmodel.Config{Delay: 800, Jitter: 480}
			call := newCall(t, ecm, pages(1, 5000), both(adaptive), netmodel.New(1, network), m, t30.V27ter2400)
			ok, exact := call.run()
			r := call.stations[0].T30.Result()
			if !ok || !exact || r.BitRate != m.BitRate() || r.Repeats+r.Repairs+r.Failures > 0 {
				t.Errorf("%v, ECM %v: %v; at %d bit/s", m, ecm, call, r.BitRate)
			}
		}
	}
}
