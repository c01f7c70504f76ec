package main

import (
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

func (m mode) options(more ...string) []string {
	ecm := "0"
	if m.ecm {
		ecm = "1"
	}
	return append([]string{"--ecm", ecm, "--coding", m.coding, "--rate", strconv.Itoa(m.rate)}, more...)
}

var codings = []struct {
	name string
	mode mode
}{{"ECM MMR", mode{true, "mmr", 0}}, {"MR no ECM", mode{false, "mr", 0}}, {"MH no ECM", mode{false, "mh", 0}}}

// callLimit is how long a simulated call may last.
const callLimit = 10 * time.Minute

// audioCall sends a job between two of spandsp's fax machines over a perfect line.
func (b *bench) audioCall(j *job, m mode) (spandsp.Result, error) {
	from, err := spandsp.StartFax(b.ctx, m.options("--send", j.sent())...)
	if err != nil {
		return spandsp.Result{}, err
	}
	to, err := spandsp.StartFax(b.ctx, m.options("--recv", j.received())...)
	if err != nil {
		return spandsp.Result{}, err
	}
	var c lockstep.Call
	c.Line(c.Machine("sender", from), c.Machine("receiver", to), nil, nil)
	if err := c.Run(callLimit); err != nil {
		return spandsp.Result{}, err
	}
	if _, err := to.Result(); err != nil {
		return spandsp.Result{}, err
	}
	return from.Result()
}

func printPages(b *bench) error {
	printHead("page", "rate", codings[0].name, codings[1].name, codings[2].name)
	for _, p := range []struct {
		name string
		page spandsp.Page
	}{
		{"A4 fine text, 1728x2376", spandsp.TextPage(2376, 196, 1)},
		{"A4 standard text, 1728x1188", spandsp.TextPage(1188, 98, 2)},
	} {
		for _, rate := range []int{14400, 9600, 4800, 2400} {
			row := []string{p.name, strconv.Itoa(rate)}
			for _, c := range codings {
				c.mode.rate = rate
				cell, err := b.pageTime(p.page, c.mode)
				if err != nil {
					return err
				}
				row = append(row, cell)
			}
			printRow(row...)
		}
	}
	return nil
}

func (b *bench) pageTime(p spandsp.Page, m mode) (string, error) {
	j, err := newJob(p)
	if err != nil {
		return "", err
	}
	defer j.close()
	r, err := b.audioCall(j, m)
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
