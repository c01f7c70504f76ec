package faxend

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"tipring/t38/udptl/netmodel"
	"tipring/tools/peers/netlab"
	"tipring/tools/peers/spandsp"
)

func TestMain(m *testing.M) {
	netlab.Main(nil, func() int {
		flag.Parse()
		if err := flag.Set("test.parallel", "16"); err != nil { // they wait, mostly
			panic(err)
		}
		return m.Run()
	})
}

// Far ends fax each other without anybody between them, in every way that a script may say,
// side by side.
func TestFarEndsFaxEachOther(t *testing.T) {
	// With more loss spandsp now and then misses an indicator for good.
	loss := &netmodel.Config{Loss: 0.01, Jitter: 800, Duplicate: 0.02}
	for _, tt := range []struct {
		name           string
		caller, callee Script
		transport      string // of both; empty: none
		ok             bool
	}{
		{"sound", Script{}, Script{}, "audio", true},
		{"T.38 at once", Script{}, Script{Switch: AtOnce}, "t38", true},
		{"T.38 on preamble, own ports", Script{OwnPort: true}, Script{Switch: OnPreamble, OwnPort: true}, "t38", true},
		{"the caller offers too", Script{Switch: AtOnce}, Script{Switch: AtOnce}, "t38", true},
		{"T.38 across a bad network", Script{Network: loss, Seed: 1}, Script{Switch: AtOnce}, "t38", true},
		{"T.38 beside sound", Script{First: attributes}, Script{First: attributes}, "t38", true},
		{"488", Script{Refuse: []int{488}}, Script{Switch: AtOnce}, "audio", true},
		{"port 0", Script{Decline: true}, Script{Switch: AtOnce}, "audio", true},
		{"glare", Script{Glare: true}, Script{Switch: AtOnce}, "t38", true},
		{"moves, holds and refreshes", Script{Expires: 90, Refresher: "uac", Then: []Action{
			{12 * time.Second, func(f *Fax) { f.expect(200, f.Move()) }},
			{14 * time.Second, func(f *Fax) { f.expect(200, f.Refresh()) }},
			{16 * time.Second, func(f *Fax) { f.expect(200, f.Hold(false)) }},
		}}, Script{Switch: AtOnce}, "t38", true},
		{"busy", Script{}, Script{Status: 486}, "", false},
		{"a voice", Script{Options: []string{"--timeout", "20"}}, Script{Send: "-", Recv: "-"}, "audio", false},
		{"hung up", Script{Then: []Action{{15 * time.Second, (*Fax).Bye}}}, Script{Switch: AtOnce}, "t38", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lan := netlab.New(t)
			dir := netlab.WorkDir(t)
			page := spandsp.TextPage(800, 98, 1)
			file, got := filepath.Join(dir, "page.tif"), filepath.Join(dir, "got.tif")
			if err := spandsp.WriteTIFF(file, "mmr", page); err != nil {
				t.Fatal(err)
			}
			if tt.callee.Send == "-" {
				tt.callee.Send, tt.callee.Recv = "", ""
			} else {
				tt.callee.Recv = got
			}
			tt.caller.Send = file
			callee := New(t, lan.Host("callee", 20), func(string, int) Script { return tt.callee })
			caller := New(t, lan.Host("caller", 21), func(string, int) Script { return Script{} })
			out, _ := caller.Call(callee.Addr, "600", 10*time.Second, tt.caller)
			in := callee.WaitFax(5*time.Second, "600", 1)
			sent, err := out.Wait(3 * time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			received, err := in.Wait(20 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if sent.OK != tt.ok || received.OK != tt.ok || sent.Transport != tt.transport {
				t.Errorf("sent %+v\n%s\nreceived %+v\n%s", sent, out.Story(), received, in.Story())
			}
			t.Logf("the caller\n%s\nthe callee\n%s", out.Story(), in.Story())
			if !tt.ok {
				return
			}
			pages, err := spandsp.ReadTIFF(in.Received(received.Transport))
			if err != nil || len(pages) != 1 || !pages[0].Equal(page) {
				t.Errorf("the page that arrived is another: %d pages, %v\n%s", len(pages), err, in.Story())
			}
		})
	}
}

func (f *Fax) expect(want, got int) {
	if got != want {
		f.end.t.Errorf("%d, want %d\n%s", got, want, f.Story())
	}
}
