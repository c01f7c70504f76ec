package faxport

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"tipring/t38/udptl/netmodel"
	"tipring/tools/peers/faxcard"
	"tipring/tools/peers/faxend"
	"tipring/tools/peers/faxlab"
	"tipring/tools/peers/tshark"
)

// A trial is a fax with something in its way.
type trial struct {
	name      string
	incoming  bool // the far end calls and sends
	far       faxend.Script
	transport string // that the pages come by in the end; empty: either
	rows      int    // of the page; 0: 700
	pages     int    // 0: 1
}

// answered has a request of the far end in mid-call be answered 200.
func answered(t *testing.T, ask func(*faxend.Fax) int) func(*faxend.Fax) {
	return func(f *faxend.Fax) {
		if status := ask(f); status != 200 {
			t.Errorf("answered %d, want 200 (299: without T.38)\n%s", status, f.Story())
		}
	}
}

// TestTroubles has a fax get through all that peers and networks do, a port each, side by
// side: the page arrives as it was sent, by T.38 or by sound.
func TestTroubles(t *testing.T) {
	t.Parallel()
	odd := []string{
		"a=T38FaxVersion:3", "a=t38faxudpec:t38UDPRedundancy", "a=T38FaxRateManagement:transferredTCF",
		"a=T38FaxFillBitRemoval:0", "a=T38FaxTranscodingMMR:0", "a=T38MaxDatagram:200", "a=T38VendorInfo:0 0 0",
	}
	bad := &netmodel.Config{Loss: 0.03, Duplicate: 0.02, Reorder: 0.03, ReorderBy: 360, Jitter: 400}
	trials := []trial{
		{"415", true, faxend.Script{Refuse: []int{415}}, "audio", 0, 0},
		{"606", true, faxend.Script{Refuse: []int{606}}, "audio", 0, 0},
		{"port 0", true, faxend.Script{Decline: true}, "audio", 0, 0},
		{"no answer", true, faxend.Script{Deaf: true}, "audio", 0, 0},
		{"no media", true, faxend.Script{Mute: true}, "audio", 0, 0},
		{"491 once", true, faxend.Script{Refuse: []int{491}}, "t38", 0, 0},
		{"glare", true, faxend.Script{Glare: true}, "t38", 0, 0},
		{"both offer", true, faxend.Script{Switch: faxend.OnPreamble}, "t38", 0, 0},
		{"T.38 beside sound", true, faxend.Script{First: []string{}}, "", 0, 0},
		{"T.38 on the far end's preamble", false, faxend.Script{Switch: faxend.OnPreamble}, "t38", 0, 0},
		{"a port of its own for T.38", false, faxend.Script{Switch: faxend.AtOnce, OwnPort: true}, "t38", 0, 0},
		{"odd attributes", false, faxend.Script{Switch: faxend.AtOnce, T38: odd}, "t38", 0, 0},
		{"FEC", false, faxend.Script{Switch: faxend.AtOnce, Terminal: []string{"--fec", "3,3"}}, "t38", 0, 0},
		{"numbers from 65500", false, faxend.Script{Switch: faxend.AtOnce, Terminal: []string{"--seq0", "65500"}}, "t38", 0, 0},
		{"a bad network", false, faxend.Script{Switch: faxend.AtOnce, Network: bad, Seed: 4}, "t38", 0, 0},
		{"another port in mid-page", false, faxend.Script{Switch: faxend.AtOnce, Then: []faxend.Action{faxlab.At(16*time.Second, answered(t, (*faxend.Fax).Move))}}, "t38", 0, 0},
		{"a refresh in mid-page", false, faxend.Script{Switch: faxend.AtOnce, Then: []faxend.Action{faxlab.At(16*time.Second, answered(t, (*faxend.Fax).Refresh))}}, "t38", 0, 0},
		{"a hold in mid-page", false, faxend.Script{Switch: faxend.AtOnce, Then: []faxend.Action{
			faxlab.At(16*time.Second, answered(t, func(f *faxend.Fax) int { return f.Hold(false) })), faxlab.At(18*time.Second, answered(t, (*faxend.Fax).Refresh)),
		}}, "t38", 0, 0},
		{"a hold of old in mid-page", false, faxend.Script{Switch: faxend.AtOnce, Then: []faxend.Action{
			faxlab.At(16*time.Second, answered(t, func(f *faxend.Fax) int { return f.Hold(true) })), faxlab.At(17*time.Second, answered(t, (*faxend.Fax).Refresh)),
		}}, "t38", 0, 0},
		{"3 pages", false, faxend.Script{Switch: faxend.AtOnce}, "t38", 900, 3},
		{"3 pages come", true, faxend.Script{}, "t38", 900, 3},
	}
	dir := t.TempDir()
	l := faxlab.New(t, len(trials), func(number string, nth int) faxend.Script {
		var n int
		_, _ = fmt.Sscan(number, &n)
		s := trials[n-601].far
		s.Recv, s.Options = filepath.Join(dir, "far-"+number), []string{"--ident", number}
		return s
	})
	l.Run(len(trials))
	t.Run("calls", func(t *testing.T) {
		for i, tt := range trials {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				try(t, l, i+1, tt)
			})
		}
	})
	l.WellFormed()
	decoded, malformed := tshark.Of(t, l.Watch).T38(l.Host.Addr.String())
	if decoded < 1000 || len(malformed) > 0 {
		t.Errorf("tshark decodes %d T.38 packets of the agent's; malformed: %q", decoded, malformed)
	}
}

func try(t *testing.T, l *faxlab.Lab, n int, tt trial) {
	t.Helper()
	number := fmt.Sprint(600 + n)
	m := faxlab.Mode{ECM: true, Rate: 14400, Slower: tt.far.Glare}
	rows, pages := tt.rows, max(tt.pages, 1)
	if rows == 0 {
		rows = 700
	}
	d := faxlab.NewDocument(t, pages, rows, uint64(n))
	if !tt.incoming {
		c := l.Card(t, n, faxcard.Send(d.File, number+"#", m.Options("--ident", faxlab.User(n), "--log", "1")...))
		sent := c.Wait(faxlab.Patience, 1)
		l.Arrived(t, m, tt.transport, sent, l.Far.WaitFax(time.Second, number, 1), d)
		if t.Failed() {
			t.Logf("the machine: %s\n%s", c.Log(), l.Told(n))
		}
		return
	}
	got := filepath.Join(t.TempDir(), "got.tif")
	c := l.Card(t, n, faxcard.Receive(got, m.Options("--ident", faxlab.User(n), "--log", "1", "--wait", "60")...))
	s := tt.far
	s.From, s.Send, s.Options = number, d.File, []string{"--ident", number}
	f := l.Call(n, s)
	l.Came(t, m, tt.transport, c.Wait(faxlab.Patience, 1), f, d, got)
	if t.Failed() {
		t.Logf("the machine: %s\n%s", c.Log(), l.Told(n))
	}
}
