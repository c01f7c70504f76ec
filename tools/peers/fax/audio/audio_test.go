package audio

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/t38/t30"
	"tipring/tools/internal/faxjob"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// callLimit is how long a call may last.
const callLimit = 15 * time.Minute

// A call is a document under way from one machine to another.
type call struct {
	lockstep.Call
	t          *testing.T
	pages      []spandsp.Page
	sent, recv string
}

// An end is ours or spandsp's.
type end interface {
	lockstep.PCMEnd
	Result() (spandsp.Result, error)
}

func newCall(t *testing.T, pages ...spandsp.Page) *call {
	t.Helper()
	dir := t.TempDir()
	c := &call{t: t, pages: pages, sent: filepath.Join(dir, "sent.tif"), recv: filepath.Join(dir, "received.tif")}
	if err := spandsp.WriteTIFF(c.sent, "mmr", pages...); err != nil {
		t.Fatal(err)
	}
	return c
}

// ours puts our machine at an end; change has the last word on what it may do.
func (c *call) ours(sends bool, m mode, change ...func(*t30.Config)) *Fax {
	c.t.Helper()
	o := faxjob.Options{Recv: c.recv, Rate: m.Rate, Ident: "+1 555 0100", TimeoutS: 3600}
	if sends {
		o.Send, o.Recv = c.sent, ""
	}
	if m.ECM {
		o.ECM = 1
	}
	f, err := NewFax(c.t.Context(), o, func(config *t30.Config) {
		config.Codings = m.Codings()
		for _, f := range change {
			f(config)
		}
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _, _ = f.Result() })
	return f
}

func (c *call) theirs(sends bool, options ...string) end {
	c.t.Helper()
	way, file := "--recv", c.recv
	if sends {
		way, file = "--send", c.sent
	}
	f, err := spandsp.StartFax(c.t.Context(), append(options, way, file)...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _, _ = f.Result() })
	return f
}

// pair is our machine and theirs, in the order of sender and receiver.
func (c *call) pair(weSend bool, m mode) (from, to end, our *Fax) {
	c.t.Helper()
	our = c.ours(weSend, m)
	if weSend {
		return our, c.theirs(false, m.Options()...), our
	}
	return c.theirs(true, m.Options()...), our, our
}

// run lets the call happen over a line, there and back; nil is a perfect one.
func (c *call) run(from, to end, there, back lockstep.Line) (sender, receiver spandsp.Result) {
	c.t.Helper()
	c.Line(c.Machine("sender", from), c.Machine("receiver", to), there, back)
	if err := c.Run(callLimit); err != nil {
		c.t.Fatal(err)
	}
	return c.result(from), c.result(to)
}

func (c *call) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *call) result(e end) spandsp.Result {
	c.t.Helper()
	r, err := e.Result()
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// same tells how the received pages differ from those that were sent, "" if they do not.
func (c *call) same() string { return fax.Differ(c.recv, c.pages) }
