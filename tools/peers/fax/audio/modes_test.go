package audio

import (
	"fmt"
	"testing"

	"tipring/t38/t30"
	"tipring/tools/peers/spandsp"
)

// A mode is what two machines are to agree on.
type mode struct {
	ecm    bool
	coding t30.Coding
	rate   int
}

func (m mode) String() string {
	if m.ecm {
		return fmt.Sprintf("ECM %v %d", m.coding, m.rate)
	}
	return fmt.Sprintf("%v %d", m.coding, m.rate)
}

// names are the codings as spandsp's programs and results call them.
var names = [...]struct{ option, result string }{t30.MH: {"mh", "T.4 1-D"}, t30.MR: {"mr", "T.4 2-D"}, t30.MMR: {"mmr", "T.6"}}

func (m mode) options() []string {
	ecm := "0"
	if m.ecm {
		ecm = "1"
	}
	return []string{"--ecm", ecm, "--coding", names[m.coding].option, "--rate", fmt.Sprint(m.rate)}
}

// codings are those that our machine may use so that the mode comes about.
func (m mode) codings() t30.CodingSet {
	if m.coding == t30.MH {
		return t30.Codings(t30.MH)
	}
	return t30.Codings(t30.MR, m.coding)
}

var modes = func() (list []mode) {
	for _, rate := range []int{14400, 9600, 4800, 2400} {
		list = append(list, mode{true, t30.MH, rate}, mode{true, t30.MR, rate}, mode{true, t30.MMR, rate}, mode{false, t30.MH, rate}, mode{false, t30.MR, rate})
	}
	return list
}()

func TestEveryMode(t *testing.T) {
	for _, m := range modes {
		for _, weSend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, we send %v", m, weSend), func(t *testing.T) {
				t.Parallel()
				exact(t, m, weSend, text(1, 700)...)
			})
		}
	}
}

func TestEightPages(t *testing.T) {
	for _, m := range []mode{{true, t30.MMR, 14400}, {false, t30.MR, 14400}} {
		for _, weSend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, we send %v", m, weSend), func(t *testing.T) {
				t.Parallel()
				exact(t, m, weSend, text(8, 1100)...)
			})
		}
	}
}

// exact fails unless the pages pass without a fault.
func exact(t *testing.T, m mode, weSend bool, pages ...spandsp.Page) {
	t.Helper()
	c := newCall(t, pages...)
	our, their := c.ours(weSend, m), c.theirs(!weSend, append(m.options(), "--ident", "202")...)
	var from, to end = our, their
	if !weSend {
		from, to = their, our
	}
	s, r := c.run(from, to, nil, nil)
	for _, got := range []spandsp.Result{s, r} {
		if !got.OK || got.Pages != len(pages) || got.ECM != m.ecm || got.Rate != m.rate || got.BadRows != 0 || got.ECMRetries != 0 {
			t.Errorf("%+v", got)
		}
	}
	if ours := c.result(our); ours.RemoteIdent != "202" || ours.Coding != m.coding.String() {
		t.Errorf("ours: %+v", ours)
	}
	if theirs := c.result(their); theirs.RemoteIdent != "+1 555 0100" || theirs.Coding != names[m.coding].result {
		t.Errorf("theirs: %+v", theirs)
	}
	if d := c.same(); d != "" {
		t.Error(d)
	}
}
