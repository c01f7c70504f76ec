package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

// A job is pages in a TIFF file that are to be sent, and where they are to arrive.
type job struct {
	dir   string
	pages []spandsp.Page
}

func newJob(pages ...spandsp.Page) (*job, error) {
	dir, err := os.MkdirTemp("", "faxbench")
	if err != nil {
		return nil, err
	}
	j := &job{dir, pages}
	return j, spandsp.WriteTIFF(j.sent(), "mmr", pages...)
}

func (j *job) sent() string     { return filepath.Join(j.dir, "sent.tif") }
func (j *job) received() string { return filepath.Join(j.dir, "received.tif") }
func (j *job) close()           { _ = os.RemoveAll(j.dir) }

// exact says whether every page has arrived with every pixel.
func (j *job) exact() bool {
	got, err := spandsp.ReadTIFF(j.received())
	if err != nil || len(got) != len(j.pages) {
		return false
	}
	for i, p := range got {
		if !p.Equal(j.pages[i]) {
			return false
		}
	}
	return true
}

// A mode is what two machines are to agree on.
type mode struct {
	ecm    bool
	coding string
	rate   int
}

var codings = []struct {
	name string
	mode mode
}{{"ECM MMR", mode{true, "mmr", 0}}, {"MR no ECM", mode{false, "mr", 0}}, {"MH no ECM", mode{false, "mh", 0}}}

// callLimit is how long a simulated call may last.
const callLimit = 10 * time.Minute

// A pair is who sends and who receives.
type pair struct{ from, to maker }

func (p pair) String() string { return p.from.name + " to " + p.to.name }

// pairs are all of those makers that have what a call needs.
func (b *bench) pairs(has func(maker) bool) (all []pair) {
	for _, from := range b.makers {
		for _, to := range b.makers {
			if has(from) && has(to) {
				all = append(all, pair{from, to})
			}
		}
	}
	return all
}

// audioCall sends a job over a perfect line and returns what the sender says of it.
func (b *bench) audioCall(p pair, j *job, m mode) (spandsp.Result, error) {
	var none spandsp.Result
	from, err := p.from.fax(b.ctx, order{mode: m, sends: true, file: j.sent()})
	if err != nil {
		return none, err
	}
	to, err := p.to.fax(b.ctx, order{mode: m, file: j.received()})
	if err != nil {
		return none, err
	}
	var c lockstep.Call
	c.Line(c.Machine("sender", from), c.Machine("receiver", to), nil, nil)
	return ended(&c, from, to)
}

// ended lets a call come to its end and returns what the sender says of it. An end that
// waits for ever is a call that went wrong, as its result says.
func ended(c *lockstep.Call, from, to interface {
	Result() (spandsp.Result, error)
}) (spandsp.Result, error) {
	if err := c.Run(callLimit); err != nil && !errors.Is(err, lockstep.ErrLimit) {
		return spandsp.Result{}, err
	}
	if _, err := to.Result(); err != nil {
		return spandsp.Result{}, err
	}
	return from.Result()
}

func printPages(b *bench) error {
	printHead("page", "rate", "machines", codings[0].name, codings[1].name, codings[2].name)
	for _, p := range []struct {
		name string
		page spandsp.Page
	}{
		{"A4 fine text, 1728x2376", spandsp.TextPage(2376, 196, 1)},
		{"A4 standard text, 1728x1188", spandsp.TextPage(1188, 98, 2)},
	} {
		for _, rate := range []int{14400, 9600, 4800, 2400} {
			for _, who := range b.pairs(func(m maker) bool { return m.fax != nil }) {
				row := []string{p.name, strconv.Itoa(rate), who.String()}
				for _, c := range codings {
					c.mode.rate = rate
					cell, err := b.pageTime(who, p.page, c.mode)
					if err != nil {
						return fmt.Errorf("%v: %w", who, err)
					}
					row = append(row, cell)
				}
				printRow(row...)
			}
		}
	}
	return nil
}

func (b *bench) pageTime(who pair, p spandsp.Page, m mode) (string, error) {
	j, err := newJob(p)
	if err != nil {
		return "", err
	}
	defer j.close()
	r, err := b.audioCall(who, j, m)
	if err != nil {
		return "", err
	}
	if !r.OK || len(r.PageEnds) == 0 {
		return r.Text, nil
	}
	text := fmt.Sprintf("%.1f", r.PageEnds[0]-r.DCS)
	if !j.exact() {
		text += " (pixels differ)"
	}
	return text, nil
}
