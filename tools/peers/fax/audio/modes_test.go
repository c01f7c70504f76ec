package audio

import (
	"fmt"
	"testing"

	"tipring/t38/t30"
	"tipring/tools/peers/fax"
	"tipring/tools/peers/spandsp"
)

// A mode is what two machines are to agree on.
type mode = fax.Mode

func TestEveryMode(t *testing.T) {
	for _, m := range fax.Modes() {
		for _, weSend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, we send %v", m, weSend), func(t *testing.T) {
				t.Parallel()
				exact(t, m, weSend, fax.Text(1, 700)...)
			})
		}
	}
}

func TestEightPages(t *testing.T) {
	for _, m := range []mode{fax.ECM(t30.MMR, 14400), fax.Plain(t30.MR, 14400)} {
		for _, weSend := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, we send %v", m, weSend), func(t *testing.T) {
				t.Parallel()
				exact(t, m, weSend, fax.Text(8, 1100)...)
			})
		}
	}
}

// exact fails unless the pages pass without a fault.
func exact(t *testing.T, m mode, weSend bool, pages ...spandsp.Page) {
	t.Helper()
	c := newCall(t, pages...)
	our, their := c.ours(weSend, m), c.theirs(!weSend, append(m.Options(), "--ident", "202")...)
	var from, to end = our, their
	if !weSend {
		from, to = their, our
	}
	s, r := c.run(from, to, nil, nil)
	for _, got := range []spandsp.Result{s, r} {
		if !got.OK || got.Pages != len(pages) || got.ECM != m.ECM || got.Rate != m.Rate || got.BadRows != 0 || got.ECMRetries != 0 {
			t.Errorf("%+v", got)
		}
	}
	if ours := c.result(our); ours.RemoteIdent != "202" || ours.Coding != m.Coding.String() {
		t.Errorf("ours: %+v", ours)
	}
	if theirs := c.result(their); theirs.RemoteIdent != "+1 555 0100" || theirs.Coding != m.Name() {
		t.Errorf("theirs: %+v", theirs)
	}
	if d := c.same(); d != "" {
		t.Error(d)
	}
}
