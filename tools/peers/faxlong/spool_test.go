package faxlong

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
)

// TestSpoolOfManyPages has documents of three and of twenty pages go from a machine into the
// store and from there to the far end, and from the far end into the store and to a machine:
// every page is as it was sent, and in its place.
func TestSpoolOfManyPages(t *testing.T) {
	t.Parallel()
	trials := []struct {
		name        string
		pages, rows int
		incoming    bool
	}{
		{"3 pages", 3, 900, false},
		{"3 pages come", 3, 900, true},
		{"20 pages", 20, 250, false},
		{"20 pages come", 20, 250, true},
	}
	dir := t.TempDir()
	l := faxlab.New(t, len(trials), func(number string, nth int) faxend.Script {
		return faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, fmt.Sprintf("far-%s-%d", number, nth))}
	})
	for n := range trials {
		l.Port(n+1, "fax_mode", "spool", "call_ahead", "never")
	}
	l.Run(len(trials))
	m := faxlab.Mode{ECM: true, Rate: 14400}
	t.Run("faxes", func(t *testing.T) {
		for i, tt := range trials {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				n, number := i+1, fmt.Sprint(601+i)
				d := faxlab.NewDocument(t, tt.pages, tt.rows, uint64(1000*n))
				if tt.incoming {
					come(t, l, n, m, d)
				} else {
					goes(t, l, n, m, d, number)
				}
			})
		}
	})
	l.WellFormed()
}

// goes has the machine of a port send a document by way of the store.
func goes(t *testing.T, l *faxlab.Lab, n int, m faxlab.Mode, d faxlab.Document, number string) {
	t.Helper()
	c := l.Card(t, n, faxcard.Send(d.File, number+"#", m.Options("--log", "1")...))
	m.Holds(t, "the machine sent", c.Wait(8*time.Minute, 1).Result, len(d.Pages))
	f := l.Far.WaitFax(time.Minute, number, 1)
	r, err := f.Wait(8 * time.Minute)
	if err != nil || !r.OK || r.Transport != "t38" || r.Pages != len(d.Pages) {
		t.Errorf("the far end: %+v, %v\n%s", r, err, f.Story())
	}
	// A machine's pages have its own header line: no other is added.
	if fault := d.Differs(f.Received("t38")); fault != "" {
		t.Errorf("at the far end: %s", fault)
	}
	if x := faxlab.WaitFax(t, l.Agent, 10*time.Second, faxlab.OnPort(n, "out"), "sent", "failed"); x.State != "sent" || x.Tries != 1 {
		t.Errorf("%v, want sent in one try", x)
	}
}

// come has the far end send a document to the machine of a port by way of the store.
func come(t *testing.T, l *faxlab.Lab, n int, m faxlab.Mode, d faxlab.Document) {
	t.Helper()
	got := filepath.Join(t.TempDir(), "got.tif")
	c := l.Card(t, n, faxcard.Receive(got, m.Options("--log", "1", "--wait", "480")...))
	f := l.Call(n, faxend.Script{Send: d.File})
	r, err := f.Wait(8 * time.Minute)
	if err != nil || !r.OK || r.Transport != "t38" {
		t.Errorf("the far end: %+v, %v\n%s", r, err, f.Story())
	}
	m.Holds(t, "the machine received", c.Wait(8*time.Minute, 1).Result, len(d.Pages))
	if fault := d.Differs(got); fault != "" {
		t.Errorf("at the machine: %s", fault)
	}
}
