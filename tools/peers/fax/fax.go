// Package fax is what the tests of calls between our fax stack and spandsp's have in common:
// what two machines are to agree on, pages, and whether they arrived.
package fax

import (
	"fmt"

	"tipring/t38/t30"
	"tipring/tools/peers/spandsp"
)

// A Mode is what two machines are to agree on.
type Mode struct {
	ECM    bool
	Coding t30.Coding
	Rate   int // bit/s
}

// ECM is a mode with error correction.
func ECM(c t30.Coding, rate int) Mode { return Mode{true, c, rate} }

// Plain is one without.
func Plain(c t30.Coding, rate int) Mode { return Mode{false, c, rate} }

// String returns the mode as a test's name has it.
func (m Mode) String() string {
	if m.ECM {
		return fmt.Sprintf("ECM %v %d", m.Coding, m.Rate)
	}
	return fmt.Sprintf("%v %d", m.Coding, m.Rate)
}

// names are the codings as spandsp's programs and results call them.
var names = [...]struct{ option, result string }{t30.MH: {"mh", "T.4 1-D"}, t30.MR: {"mr", "T.4 2-D"}, t30.MMR: {"mmr", "T.6"}}

// Options are those with which a program of spandsp's wants the mode.
func (m Mode) Options() []string {
	ecm := "0"
	if m.ECM {
		ecm = "1"
	}
	return []string{"--ecm", ecm, "--coding", names[m.Coding].option, "--rate", fmt.Sprint(m.Rate)}
}

// Name is the mode's coding in a result of spandsp's.
func (m Mode) Name() string { return names[m.Coding].result }

// Codings are those that our machine may use so that the mode comes about.
func (m Mode) Codings() t30.CodingSet {
	if m.Coding == t30.MH {
		return t30.Codings(t30.MH)
	}
	return t30.Codings(t30.MR, m.Coding)
}

// Modes returns those that the two makes have in common, at a rate of each modem.
func Modes() (list []Mode) {
	for _, rate := range []int{14400, 9600, 4800, 2400} {
		list = append(list, ECM(t30.MH, rate), ECM(t30.MR, rate), ECM(t30.MMR, rate), Plain(t30.MH, rate), Plain(t30.MR, rate))
	}
	return list
}

// Text is so many pages of text, each of so many rows.
func Text(count, rows int) (list []spandsp.Page) {
	for i := range count {
		list = append(list, spandsp.TextPage(rows, 98, uint64(i+1)))
	}
	return list
}

// Differ tells how the pages of a file differ from those that were sent, "" if they do not.
func Differ(file string, pages []spandsp.Page) string {
	got, err := spandsp.ReadTIFF(file)
	if err != nil {
		return err.Error()
	}
	if len(got) != len(pages) {
		return fmt.Sprintf("%d pages of %d", len(got), len(pages))
	}
	for i, p := range got {
		if !p.Equal(pages[i]) {
			return fmt.Sprintf("page %d: %dx%d pels, of %dx%d, differ", i+1, p.Width, p.Rows, pages[i].Width, pages[i].Rows)
		}
	}
	return ""
}
