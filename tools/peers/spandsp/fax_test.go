package spandsp

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tipring/tools/peers/lockstep"
)

// A mode is what a call is to come down to.
type mode struct {
	ecm    bool
	coding string // mh, mr, mmr
	rate   int    // bit/s
}

func (m mode) String() string {
	ecm := "plain"
	if m.ecm {
		ecm = "ecm"
	}
	return fmt.Sprintf("%s-%s-%d", ecm, m.coding, m.rate)
}

func (m mode) options() []string {
	ecm := "0"
	if m.ecm {
		ecm = "1"
	}
	return []string{"--ecm", ecm, "--coding", m.coding, "--rate", fmt.Sprint(m.rate)}
}

// names are how the library calls the codings.
var names = map[string]string{"mh": "T.4 1-D", "mr": "T.4 2-D", "mmr": "T.6"}

// A job is pages to send, the file that holds them and the file to receive them in.
type job struct {
	pages      []Page
	send, recv string
}

func newJob(t *testing.T, pages ...Page) job {
	t.Helper()
	dir := t.TempDir()
	j := job{pages, filepath.Join(dir, "send.tif"), filepath.Join(dir, "recv.tif")}
	must(t, WriteTIFF(j.send, "mmr", pages...))
	return j
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// arrived holds what came against what was sent, pixel by pixel.
func (j job) arrived(t *testing.T) {
	t.Helper()
	got, err := ReadTIFF(j.recv)
	must(t, err)
	if len(got) != len(j.pages) {
		t.Fatalf("%d pages sent, %d received", len(j.pages), len(got))
	}
	for i, p := range got {
		if !p.Equal(j.pages[i]) {
			t.Errorf("page %d: %dx%d sent, %dx%d with other pixels received", i+1, j.pages[i].Width, j.pages[i].Rows, p.Width, p.Rows)
		}
	}
}

// ended holds both ends' results against the mode and the number of pages.
func ended(t *testing.T, m mode, pages int, ends ...interface{ Result() (Result, error) }) {
	t.Helper()
	for _, e := range ends {
		r, err := e.Result()
		must(t, err)
		if !r.OK || r.Pages != pages || r.ECM != m.ecm || r.Rate != m.rate || r.Coding != names[m.coding] || r.BadRows != 0 {
			t.Errorf("got %+v, want %d pages, %v", r, pages, m)
		}
	}
}

func fax(t *testing.T, options ...string) *Fax {
	t.Helper()
	f, err := StartFax(t.Context(), options...)
	must(t, err)
	t.Cleanup(func() { _, _ = f.Result() })
	return f
}

func terminal(t *testing.T, options ...string) *Terminal {
	t.Helper()
	e, err := StartTerminal(t.Context(), options...)
	must(t, err)
	t.Cleanup(func() { _, _ = e.Result() })
	return e
}

func gateway(t *testing.T, options ...string) *Gateway {
	t.Helper()
	g, err := StartGateway(t.Context(), options...)
	must(t, err)
	t.Cleanup(func() { _, _ = g.Result() })
	return g
}

func run(t *testing.T, c *lockstep.Call) {
	t.Helper()
	must(t, c.Run(10*time.Minute))
}

func TestFaxToFax(t *testing.T) {
	modes := []mode{
		{true, "mmr", 14400}, {true, "mr", 9600}, {true, "mh", 4800},
		{false, "mr", 14400}, {false, "mh", 9600}, {false, "mr", 4800}, {true, "mmr", 2400}, {false, "mh", 2400},
	}
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			j := newJob(t, TextPage(700, 98, 1))
			a := fax(t, append(m.options(), "--send", j.send, "--ident", "+1 555 0100")...)
			b := fax(t, append(m.options(), "--recv", j.recv, "--ident", "202")...)
			var c lockstep.Call
			c.Line(c.Machine("sender", a), c.Machine("receiver", b), nil, nil)
			run(t, &c)
			ended(t, m, 1, a, b)
			j.arrived(t)
			if r, _ := a.Result(); r.RemoteIdent != "202" || len(r.PageEnds) != 1 || r.PageEnds[0] <= r.DCS || r.DCS <= 0 {
				t.Errorf("the sender heard %+v", r)
			}
		})
	}
}
