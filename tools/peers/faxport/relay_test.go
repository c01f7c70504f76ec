package faxport

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/tshark"
)

// TestRelay has the machine of a relay port send a page to spandsp at the far end, and
// receive one from it, by T.38 and by G.711, in each mode. Every port has its mode.
func TestRelay(t *testing.T) {
	for _, w := range faxlab.Ways {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := faxlab.New(t, len(faxlab.Modes), func(number string, nth int) faxend.Script {
				s := w.Called
				s.Recv, s.Options = filepath.Join(dir, "far-"+number), []string{"--ident", number}
				return s
			})
			l.Run(len(faxlab.Modes))
			t.Run("calls", func(t *testing.T) {
				for i, m := range faxlab.Modes {
					t.Run(m.String(), func(t *testing.T) {
						t.Parallel()
						thereAndBack(t, l, i+1, m, w)
					})
				}
			})
			l.WellFormed()
			decoded, malformed := tshark.Of(t, l.Watch).T38(l.Host.Addr.String())
			if (decoded > 1000) != (w.Transport == "t38") || len(malformed) > 0 {
				t.Errorf("tshark decodes %d T.38 packets of the agent's; malformed: %q", decoded, malformed)
			}
		})
	}
}

// thereAndBack has port n send a page, then receive one.
func thereAndBack(t *testing.T, l *faxlab.Lab, n int, m faxlab.Mode, w faxlab.Way) {
	t.Helper()
	number := fmt.Sprint(600 + n)
	there, back := faxlab.NewDocument(t, 1, 700, uint64(n)), faxlab.NewDocument(t, 1, 700, uint64(100+n))
	got := filepath.Join(t.TempDir(), "got.tif")
	c := l.Card(t, n,
		faxcard.Send(there.File, number+"#", m.Options("--ident", faxlab.User(n), "--log", "1")...),
		faxcard.Receive(got, m.Options("--ident", faxlab.User(n), "--log", "1")...),
	)
	sent := c.Wait(faxlab.Patience, 1)
	f := l.Far.WaitFax(time.Second, number, 1)
	l.Arrived(t, m, w.Transport, sent, f, there)
	l.Agent.WaitPort(20*time.Second, n, "idle")

	s := w.Calling
	s.From, s.Send, s.Options = number, back.File, []string{"--ident", number}
	f = l.Call(n, s)
	came := c.Wait(faxlab.Patience, 2)
	l.Came(t, m, w.Transport, came, f, back, got)
	if t.Failed() {
		t.Logf("the machine: %s\n%s", c.Log(), l.Told(n))
	}
}
