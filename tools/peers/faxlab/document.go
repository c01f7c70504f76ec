package faxlab

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tipring/tools/peers/netlab"
	"tipring/tools/peers/spandsp"
)

// A Document is pages and the TIFF file that they are in.
type Document struct {
	Pages []spandsp.Page
	File  string
}

// NewDocument makes a document of so many pages with so many rows.
func NewDocument(t *testing.T, pages, rows int, seed uint64) Document {
	t.Helper()
	d := Document{File: filepath.Join(netlab.WorkDir(t), "sent.tif")}
	for n := range pages {
		d.Pages = append(d.Pages, spandsp.TextPage(rows, 98, seed+uint64(n)))
	}
	if err := spandsp.WriteTIFF(d.File, "mmr", d.Pages...); err != nil {
		t.Fatal(err)
	}
	return d
}

// Differs says how a received file is another document; "": it is not.
func (d Document) Differs(file string) string {
	got, err := spandsp.ReadTIFF(file)
	if err != nil {
		return err.Error()
	}
	var faults []string
	if len(got) != len(d.Pages) {
		faults = append(faults, fmt.Sprintf("%d pages of %d", len(got), len(d.Pages)))
	}
	for i, p := range got {
		if i < len(d.Pages) && !p.Equal(d.Pages[i]) {
			faults = append(faults, fmt.Sprintf("page %d is %dx%d with other pixels, not %dx%d", i+1, p.Width, p.Rows, d.Pages[i].Width, d.Pages[i].Rows))
		}
	}
	return strings.Join(faults, "; ")
}

// header is how many rows at most the line of the sending device adds to a page's top.
const header = 40

// DiffersBelow is differs but for a header line above each page.
func (d Document) DiffersBelow(file string) string {
	got, err := spandsp.ReadTIFF(file)
	if err != nil {
		return err.Error()
	}
	if len(got) != len(d.Pages) {
		return fmt.Sprintf("%d pages of %d", len(got), len(d.Pages))
	}
	for i, p := range got {
		w := d.Pages[i]
		more := p.Rows - w.Rows
		if p.Width != w.Width || more < 0 || more > header || !bytes.Equal(p.Pixels[more*((p.Width+7)/8):], w.Pixels) {
			return fmt.Sprintf("page %d is %dx%d with other pixels below its header, not %dx%d", i+1, p.Width, p.Rows, w.Width, w.Rows)
		}
	}
	return ""
}

// A Mode is what a machine's fax is to come down to.
type Mode struct {
	ECM    bool
	Rate   int  // bit/s
	Slower bool // less will do, too: what happens on the way may cost a training
}

// Modes are those that every way of a fax is tried in.
var Modes = []Mode{
	{ECM: true, Rate: 14400}, {ECM: true, Rate: 9600}, {ECM: true, Rate: 4800},
	{Rate: 14400}, {Rate: 9600}, {Rate: 4800},
}

func (m Mode) String() string {
	if m.ECM {
		return fmt.Sprintf("ecm-%d", m.Rate)
	}
	return fmt.Sprintf("plain-%d", m.Rate)
}

// Options are those of a machine that comes down to the mode, and more.
func (m Mode) Options(more ...string) []string {
	ecm := "0"
	if m.ECM {
		ecm = "1"
	}
	return append([]string{"--ecm", ecm, "--rate", fmt.Sprint(m.Rate)}, more...)
}

// Holds compares a machine's result with the mode.
func (m Mode) Holds(t *testing.T, who string, r spandsp.Result, pages int) {
	t.Helper()
	if !r.OK || r.Pages != pages || r.ECM != m.ECM || r.Rate != m.Rate && !(m.Slower && r.Rate < m.Rate) {
		t.Errorf("%s: %+v, want %d pages, %v", who, r, pages, m)
	}
}
