package faxspool

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/spandsp"
)

// toDeliver is how long the spool has to deliver a fax that it has taken.
const toDeliver = 2 * time.Minute

// TestSpool has the machine of a spool port send a page, which is stored and then delivered
// to spandsp at the far end, and has the far end send one, which is stored and then delivered
// to the machine; by T.38 and by G.711, in each mode of the machine's.
func TestSpool(t *testing.T) {
	t.Parallel()
	for _, w := range faxlab.Ways {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := faxlab.New(t, len(faxlab.Modes), func(number string, nth int) faxend.Script {
				s := w.Called
				s.Recv, s.Options = filepath.Join(dir, "far-"+number), []string{"--ident", number}
				return s
			})
			for n := range faxlab.Modes {
				l.Port(n+1, "fax_mode", "spool", "call_ahead", "never")
			}
			l.Run(len(faxlab.Modes))
			t.Run("faxes", func(t *testing.T) {
				for i, m := range faxlab.Modes {
					t.Run(m.String(), func(t *testing.T) {
						t.Parallel()
						storeAndForward(t, l, i+1, m, w)
					})
				}
			})
			l.WellFormed()
		})
	}
}

// storeAndForward has the machine of port n send a page, then receive one.
func storeAndForward(t *testing.T, l *faxlab.Lab, n int, m faxlab.Mode, w faxlab.Way) {
	t.Helper()
	number := fmt.Sprint(600 + n)
	there, back := faxlab.NewDocument(t, 1, 700, uint64(n)), faxlab.NewDocument(t, 1, 700, uint64(100+n))
	got := filepath.Join(t.TempDir(), "got.tif")
	c := l.Card(t, n,
		faxcard.Send(there.File, number+"#", m.Options("--ident", faxlab.User(n), "--log", "1")...),
		faxcard.Receive(got, m.Options("--ident", faxlab.User(n), "--log", "1", "--wait", "180")...),
	)
	sent := c.Wait(faxlab.Patience, 1)
	m.Holds(t, "the machine sent", sent.Result, 1)
	if sent.CEDAfter < 0 || sent.CEDAfter > 28*8000 {
		t.Errorf("CED %d samples after the last digit, want at most %d", sent.CEDAfter, 28*8000)
	}
	f := l.Far.WaitFax(toDeliver, number, 1)
	received, err := f.Wait(faxlab.Patience)
	if err != nil {
		t.Error(err)
	}
	if !received.OK || received.Transport != w.Transport {
		t.Errorf("the far end: %+v, want a page by %s\n%s", received, w.Transport, f.Story())
	}
	if fault := there.DiffersBelow(f.Received(w.Transport)); fault != "" {
		t.Errorf("at the far end: %s", fault)
	}
	faxlab.WaitFax(t, l.Agent, 10*time.Second, faxlab.OnPort(n, "out"), "sent")

	s := w.Calling
	s.From, s.Send, s.Options = number, back.File, []string{"--ident", number}
	f = l.Call(n, s)
	went, err := f.Wait(faxlab.Patience)
	if err != nil {
		t.Error(err)
	}
	if !went.OK || went.Transport != w.Transport {
		t.Errorf("the far end: %+v, want a page by %s\n%s", went, w.Transport, f.Story())
	}
	m.Holds(t, "the machine received", c.Wait(faxlab.Patience, 2).Result, 1)
	if fault := back.Differs(got); fault != "" {
		t.Errorf("at the machine: %s", fault)
	}
	if t.Failed() {
		t.Logf("the machine: %s\n%v", c.Log(), faxlab.Faxes(l.Agent, func(faxlab.Fax) bool { return true }))
	}
}

// TestCallAhead has the machine of a spool port meet everything that may answer a call ahead.
func TestCallAhead(t *testing.T) {
	t.Parallel()
	type ahead struct {
		name   string
		probe  faxend.Script // the call ahead
		bridge bool
		calls  int    // at the far end, in all
		end    string // of the machine
		fax    bool   // the page arrives
		called string // called-number result
	}
	ring := 9 * time.Second
	aheads := []ahead{
		{"a fax by T.38", faxend.Script{Switch: faxend.AtOnce, Ring: ring}, false, 2, "done", true, "success"},
		{"a fax by CED", faxend.Script{Ring: ring}, false, 2, "done", true, "success"},
		{"a fax by T.38, bridged", faxend.Script{Switch: faxend.AtOnce, Ring: ring}, true, 1, "done", true, "success"},
		{"a fax by CED, bridged", faxend.Script{Ring: ring}, true, 1, "done", true, "success"},
		{"busy", faxend.Script{Status: 486}, false, 1, "busy", false, ""},
		{"no such number", faxend.Script{Status: 404}, false, 1, "busy", false, ""},
		{"no answer", faxend.Script{Silent: true}, false, 1, "busy", false, ""},
	}
	dir := t.TempDir()
	l := faxlab.New(t, len(aheads), func(number string, nth int) faxend.Script {
		var n int
		_, _ = fmt.Sscan(number, &n)
		a := aheads[n-601]
		s := a.probe
		if nth > 1 {
			s = faxend.Script{Switch: faxend.AtOnce}
		}
		s.Recv = filepath.Join(dir, fmt.Sprintf("far-%s-%d", number, nth))
		return s
	})
	for i, a := range aheads {
		bridge := 0
		if a.bridge {
			bridge = 1
		}
		l.Port(i+1, "fax_mode", "spool", "call_ahead", "always", "call_ahead_bridge", bridge)
	}
	l.Run(len(aheads))
	t.Run("calls", func(t *testing.T) {
		for i, a := range aheads {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				n, number := i+1, fmt.Sprint(601+i)
				d := faxlab.NewDocument(t, 1, 700, uint64(n))
				c := l.Card(t, n, faxcard.Send(d.File, number+"#", "--log", "1"))
				sent := c.Wait(faxlab.Patience, 1)
				if sent.End != a.end || sent.OK != a.fax {
					t.Errorf("the machine: %+v, want %s\n%s", sent, a.end, c.Log())
				}
				if a.fax && (sent.CEDAfter < 0 || sent.CEDAfter > 28*8000) {
					t.Errorf("CED %d samples after the last digit, want at most %d: %+v", sent.CEDAfter, 28*8000, sent.Heard)
				}
				if !a.fax {
					if got := l.Far.To(number); len(got) != a.calls {
						t.Errorf("%d calls came to the far end, want %d", len(got), a.calls)
					}
					return
				}
				f := l.Far.WaitFax(toDeliver, number, a.calls)
				received, err := f.Wait(faxlab.Patience)
				if err != nil || !received.OK {
					t.Errorf("the far end: %+v, %v\n%s", received, err, f.Story())
				}
				if fault := d.DiffersBelow(f.Received(received.Transport)); fault != "" {
					t.Errorf("at the far end: %s", fault)
				}
				if got := l.Far.To(number); len(got) != a.calls {
					t.Errorf("%d calls came to the far end, want %d", len(got), a.calls)
				}
			})
		}
	})
	l.WellFormed()
}

// TestCallAheadFindsAPerson has a person answer the call ahead: whoever is at the machine is
// put through, and the two hear each other.
func TestCallAheadFindsAPerson(t *testing.T) {
	t.Parallel()
	l := faxlab.New(t, 1, func(string, int) faxend.Script { return faxend.Script{Ring: 2 * time.Second} })
	l.Port(1, "fax_mode", "spool", "call_ahead", "always")
	l.Run(1)
	p := l.Agent.Phone("p1")
	p.OffHook()
	p.WaitTone(10*time.Second, 350, 440)
	p.Dial("601#")
	f := l.Far.WaitFax(20*time.Second, "601", 1)
	p.Say(700, -12)
	p.WaitTone(40*time.Second, 1000)
	if err := f.Call.Media.WaitTone(10*time.Second, 700, -12); err != nil {
		t.Errorf("the person who was called does not hear the one who called: %v", err)
	}
	p.OnHook()
	if _, err := f.Wait(10 * time.Second); err != nil {
		t.Error(err)
	}
	l.Agent.WaitPort(10*time.Second, 1, "idle")
	if n := len(l.Far.To("601")); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	l.WellFormed()
}

// TestRetries has deliveries fail at first: a busy far end is called again after 60 s, one
// that breaks off in the second page of three gets the second and the third the next time, and
// what nobody takes comes back to the machine as a page that says so.
func TestRetries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := faxlab.New(t, 3, func(number string, nth int) faxend.Script {
		s := faxend.Script{Switch: faxend.AtOnce, Recv: filepath.Join(dir, fmt.Sprintf("far-%s-%d", number, nth))}
		switch {
		case number == "601" && nth <= 2:
			s = faxend.Script{Status: 486}
		case number == "602" && nth == 1:
			s.Then = []faxend.Action{faxlab.At(27*time.Second, (*faxend.Fax).Bye)}
		case number == "603":
			s = faxend.Script{Status: 404}
		}
		return s
	})
	for n := 1; n <= 3; n++ {
		l.Port(n, "fax_mode", "spool", "call_ahead", "never")
	}
	l.Run(3)
	t.Run("faxes", func(t *testing.T) {
		t.Run("busy twice", func(t *testing.T) {
			t.Parallel()
			d := faxlab.NewDocument(t, 1, 400, 1)
			c := l.Card(t, 1, faxcard.Send(d.File, "601#"))
			if r := c.Wait(faxlab.Patience, 1); !r.OK {
				t.Errorf("the machine: %+v", r)
			}
			first := l.Far.WaitFax(time.Minute, "601", 1)
			f := l.Far.WaitFax(3*time.Minute, "601", 3)
			if pause := f.Began().Sub(first.Began()); pause < 118*time.Second || pause > 140*time.Second {
				t.Errorf("the third try came %v after the first one, want 60 s between each two", pause)
			}
			if r, err := f.Wait(2 * time.Minute); err != nil || !r.OK {
				t.Errorf("%+v, %v\n%s", r, err, f.Story())
			}
			if fault := d.DiffersBelow(f.Received("t38")); fault != "" {
				t.Errorf("at the far end: %s", fault)
			}
			if got := faxlab.WaitFax(t, l.Agent, 10*time.Second, faxlab.OnPort(1, "out"), "sent", "failed"); got.State != "sent" || got.Tries != 3 {
				t.Errorf("%v, want sent after 3 tries", got)
			}
		})
		t.Run("page 2 of 3 breaks off", func(t *testing.T) {
			t.Parallel()
			d := faxlab.NewDocument(t, 3, 900, 10)
			c := l.Card(t, 2, faxcard.Send(d.File, "602#"))
			if r := c.Wait(faxlab.Patience, 1); !r.OK {
				t.Errorf("the machine: %+v", r)
			}
			f := l.Far.WaitFax(3*time.Minute, "602", 2)
			if r, err := f.Wait(2 * time.Minute); err != nil || !r.OK {
				t.Errorf("%+v, %v\n%s", r, err, f.Story())
			}
			if fault := (faxlab.Document{Pages: d.Pages[1:]}).DiffersBelow(f.Received("t38")); fault != "" {
				t.Errorf("the second time at the far end, pages 2 and 3: %s", fault)
			}
			if got := faxlab.WaitFax(t, l.Agent, 10*time.Second, faxlab.OnPort(2, "out"), "sent", "failed"); got.State != "sent" || got.Tries != 2 || got.Uncertain {
				t.Errorf("%v, want sent after 2 tries", got)
			}
		})
		t.Run("no such number", func(t *testing.T) {
			t.Parallel()
			d := faxlab.NewDocument(t, 2, 500, 20)
			got := filepath.Join(t.TempDir(), "got.tif")
			c := l.Card(t, 3, faxcard.Send(d.File, "603#"), faxcard.Receive(got, "--log", "1"))
			if r := c.Wait(faxlab.Patience, 1); !r.OK {
				t.Errorf("the machine: %+v", r)
			}
			if r := c.Wait(faxlab.Patience, 2); !r.OK || r.Pages != 1 {
				t.Errorf("the page that says so: %+v\n%s", r, c.Log())
			}
			if pages, err := spandsp.ReadTIFF(got); err != nil || len(pages) != 1 || pages[0].Rows < 500 {
				t.Errorf("the page that says so: %d pages, %v", len(pages), err)
			}
			if !netlab.Until(time.Second, func() bool { return len(l.Far.To("603")) == 1 }) {
				t.Errorf("%d calls of a number that does not exist, want 1", len(l.Far.To("603")))
			}
		})
	})
	l.WellFormed()
}
