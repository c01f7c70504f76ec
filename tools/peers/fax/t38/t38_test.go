package t38

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/tools/internal/faxjob"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/fax/audio"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// callLimit is how long a call may last.
const callLimit = 20 * time.Minute

// A call is a document under way from one machine to another, and what the network carries.
type call struct {
	lockstep.Call
	t          *testing.T
	mode       mode
	pages      []spandsp.Page
	sent, recv string
	network    lockstep.Network // both ways
	maxBitRate int              // of our gateway's policy
	from, to   ender
}

// An ender is a machine of either make.
type ender interface {
	Result() (spandsp.Result, error)
}

func newCall(t *testing.T, m mode, pages ...spandsp.Page) *call {
	t.Helper()
	dir := t.TempDir()
	c := &call{t: t, mode: m, pages: pages, sent: filepath.Join(dir, "sent.tif"), recv: filepath.Join(dir, "received.tif")}
	c.must(spandsp.WriteTIFF(c.sent, "mmr", pages...))
	return c
}

func (c *call) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// job is what one of our machines is to do.
func (c *call) job(sends bool) (o faxjob.Options) {
	o = faxjob.Options{Rate: c.mode.Rate, Ident: "+1 555 0100", TimeoutS: int(callLimit.Seconds())}
	if c.mode.ECM {
		o.ECM = 1
	}
	if sends {
		o.Send = c.sent
	} else {
		o.Recv = c.recv
	}
	return o
}

// options are what one of theirs is to do.
func (c *call) options(sends bool, more ...string) []string {
	list := append(c.mode.Options(), more...)
	if sends {
		return append(list, "--send", c.sent)
	}
	return append(list, "--recv", c.recv)
}

// known keeps an end for the call's end.
func (c *call) known(sends bool, e ender) {
	c.t.Cleanup(func() { _, _ = e.Result() })
	if sends {
		c.from = e
	} else {
		c.to = e
	}
}

func (c *call) ourTerminal(sends bool, link convey.LinkConfig) *lockstep.Node {
	c.t.Helper()
	e, err := NewTerminal(c.t.Context(), c.job(sends), link, c.limit)
	c.must(err)
	c.known(sends, e)
	return c.Terminal("our terminal", e)
}

func (c *call) theirTerminal(sends bool, more ...string) *lockstep.Node {
	c.t.Helper()
	e, err := spandsp.StartTerminal(c.t.Context(), c.options(sends, append(more, "--wire", "udptl", "--ident", "202")...)...)
	c.must(err)
	c.known(sends, e)
	return c.Terminal("their terminal", e)
}

// ourGateway is ours with a fax machine on its line.
func (c *call) ourGateway(link convey.LinkConfig, machine *lockstep.Node) *lockstep.Node {
	g := NewGateway(link)
	g.Policy.MaxBitRate = c.maxBitRate
	n := c.Gateway("our gateway", g)
	c.Line(machine, n, nil, nil)
	return n
}

// theirGateway is theirs with a fax machine on its line.
func (c *call) theirGateway(machine *lockstep.Node, more ...string) *lockstep.Node {
	c.t.Helper()
	g, err := spandsp.StartGateway(c.t.Context(), append(more, "--wire", "udptl")...)
	c.must(err)
	c.t.Cleanup(func() { _, _ = g.Result() })
	n := c.Gateway("their gateway", g)
	c.Line(machine, n, nil, nil)
	return n
}

func (c *call) theirFax(sends bool, more ...string) *lockstep.Node {
	c.t.Helper()
	e, err := spandsp.StartFax(c.t.Context(), c.options(sends, append(more, "--ident", "202")...)...)
	c.must(err)
	c.known(sends, e)
	return c.Machine("their fax machine", e)
}

func (c *call) ourFax(sends bool) *lockstep.Node {
	c.t.Helper()
	e, err := audio.NewFax(c.t.Context(), c.job(sends), c.limit)
	c.must(err)
	c.known(sends, e)
	return c.Machine("our fax machine", e)
}

// exact lets the call happen between two nodes of a network and fails unless the pages pass
// without a fault.
func (c *call) exact(a, b *lockstep.Node) (sender, receiver spandsp.Result) {
	c.t.Helper()
	there, back := c.network, c.network
	there.Seed, back.Seed = 1, 2
	return c.exactOver(a, b, there, back)
}

// exactOver is exact over a network that is not the same both ways.
func (c *call) exactOver(a, b *lockstep.Node, there, back lockstep.Network) (sender, receiver spandsp.Result) {
	c.t.Helper()
	c.Network(a, b, there, back)
	if err := c.Run(callLimit); err != nil {
		c.t.Error(err)
	}
	list := [2]spandsp.Result{}
	for i, e := range []ender{c.from, c.to} {
		r, err := e.Result()
		c.must(err)
		if !r.OK || r.Pages != len(c.pages) || r.ECM != c.mode.ECM || r.Rate != c.mode.Rate || r.BadRows != 0 || r.Malformed != 0 {
			c.t.Errorf("%+v", r)
		}
		if r.Coding != c.mode.Name() && r.Coding != c.mode.Coding.String() {
			c.t.Errorf("%s, want %v", r.Coding, c.mode.Coding)
		}
		list[i] = r
	}
	c.same()
	return list[0], list[1]
}

// same fails unless the pages arrived as they were.
func (c *call) same() {
	c.t.Helper()
	if d := fax.Differ(c.recv, c.pages); d != "" {
		c.t.Error(d)
	}
}

// limit keeps our machine from a better coding.
func (c *call) limit(config *t30.Config) { config.Codings = c.mode.Codings() }

// A mode is what two machines are to agree on.
type mode = fax.Mode

// way names who sends.
func way(weSend bool) string {
	if weSend {
		return "we send"
	}
	return "they send"
}
