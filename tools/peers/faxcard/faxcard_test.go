package faxcard

import (
	"path/filepath"
	"testing"
	"time"

	"tipring/tools/peers/spandsp"
)

const patience = 2 * time.Minute

// Two machines on an exchange, faster than real time: one waits for dial tone and dials,
// the other answers in the second ring, and the page arrives as it was sent.
func TestFromMachineToMachine(t *testing.T) {
	_, at := newExchange(t)
	page, got := spandsp.TextPage(400, 98, 1), filepath.Join(t.TempDir(), "got.tif")
	file := filepath.Join(t.TempDir(), "page.tif")
	if err := spandsp.WriteTIFF(file, "mmr", page); err != nil {
		t.Fatal(err)
	}
	a := StartWith(t, []string{"--card", at[0], "--fast", "1"}, Send(file, "600", "--ident", "100", "--delay", "500"), Idle(time.Second))
	b := StartWith(t, []string{"--card", at[1], "--fast", "1"}, Receive(got, "--rings", "2", "--ident", "600"))
	sent, received := a.Wait(patience, 1), b.Wait(patience, 1)
	if !sent.OK || !received.OK || sent.RemoteIdent != "600" || received.RemoteIdent != "100" || sent.Pages != 1 || sent.End != "done" || received.Rings != 2 {
		t.Errorf("sent %+v, received %+v", sent, received)
	}
	// The second ring begins 6 s after the first one, which is 0.2 s after the last digit.
	if ced := time.Duration(sent.CEDAfter) * time.Second / 8000; ced < 6*time.Second || ced > 10*time.Second {
		t.Errorf("CED %v after the last digit", ced)
	}
	if len(sent.Heard) == 0 || sent.Heard[0].What != "dial" || sent.Heard[0].From > 0 {
		t.Errorf("the caller heard %+v, want dial tone first", sent.Heard)
	}
	pages, err := spandsp.ReadTIFF(got)
	if err != nil || len(pages) != 1 || !pages[0].Equal(page) {
		t.Errorf("the page that arrived is another: %d pages, %v", len(pages), err)
	}
	if r := a.Wait(patience, 2); !r.OK {
		t.Errorf("idle: %+v", r)
	}
}

// A machine that hears busy tone gives up; one that is never rung says so.
func TestBusy(t *testing.T) {
	x, at := newExchange(t)
	x.busy = true
	file := filepath.Join(t.TempDir(), "page.tif")
	if err := spandsp.WriteTIFF(file, "mmr", spandsp.TextPage(100, 98, 1)); err != nil {
		t.Fatal(err)
	}
	a := StartWith(t, []string{"--card", at[0], "--fast", "1"}, Send(file, "600"))
	b := StartWith(t, []string{"--card", at[1], "--fast", "1"}, Receive(filepath.Join(t.TempDir(), "got.tif"), "--wait", "30"))
	if r := a.Wait(patience, 1); r.OK || r.End != "busy" || !r.Has("busy", 3, 0) || r.Has("reorder", 1, 0) || r.CEDAfter != -1 {
		t.Errorf("%+v, want an end at busy tone", r)
	}
	if r := b.Wait(patience, 1); r.OK || r.End != "no ring" {
		t.Errorf("%+v, want that it was not rung", r)
	}
}
