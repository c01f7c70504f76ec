package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/internal/config"
	"tipring/t38/spool"
	"tipring/webui/api"
)

// picture is a file with a small page in it.
func picture(t *testing.T) *os.File {
	t.Helper()
	page := image.NewGray(image.Rect(0, 0, 200, 100))
	for x := range 200 {
		page.SetGray(x, 50, color.Gray{Y: 255})
	}
	return file(t, func(w io.Writer) error { return png.Encode(w, page) })
}

// file is a file with what write writes.
func file(t *testing.T, write func(io.Writer) error) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "page"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := write(f); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return f
}

// faxDevice has a line that nobody registers, one that is switched off, a telephone's port and
// a mailbox.
const faxDevice = base + `[sip1]
username = 1001
register_addr = 127.0.0.1
register_port = 9
keepalive = none
[sip2]
enabled = 0
username = 1002
register_addr = 127.0.0.1
[port1]
line = 1
driver = sim
[port2]
kind = fax
line = 1
driver = none
csid = 555
dial_plan = ([2-8]xx|900xxx!)
[port3]
kind = fax
line = 2
driver = none
[fax]
cdr_delimiter = **
`

func TestFaxOrders(t *testing.T) {
	r := start(t, faxDevice)
	r.until("ports", func() bool { return len(device{r.Agent}.Ports()) == 3 })
	text := func(t *testing.T) *os.File {
		return file(t, func(w io.Writer) error { _, err := io.WriteString(w, "<html>"); return err })
	}
	for _, tt := range []struct {
		name  string
		order api.FaxOrder
		file  func(*testing.T) *os.File
		is    error
		says  string
	}{
		{"by a fax port", api.FaxOrder{Port: 2, To: "600"}, picture, nil, ""},
		{"by a line", api.FaxOrder{Line: 1, To: "600**77"}, picture, nil, ""},
		{"by a telephone's port", api.FaxOrder{Port: 1, To: "600"}, picture, api.ErrConflict, "kind = phone"},
		{"by no port", api.FaxOrder{Port: 9, To: "600"}, picture, api.ErrInvalid, "there is no port 9"},
		{"by no line", api.FaxOrder{Line: 9, To: "600"}, picture, api.ErrInvalid, "there is no line 9"},
		{"by a line that is off", api.FaxOrder{Port: 3, To: "600"}, picture, api.ErrConflict, "line 2 is switched off"},
		{"to nobody", api.FaxOrder{Port: 2, To: ""}, picture, api.ErrInvalid, "no number"},
		{"to blanks", api.FaxOrder{Port: 2, To: "6 00 x"}, picture, api.ErrInvalid, "blanks"},
		{"to a barred number", api.FaxOrder{Port: 2, To: "900123"}, picture, api.ErrInvalid, "the dial plan bars"},
		{"to no number of the plan", api.FaxOrder{Port: 2, To: "0"}, picture, api.ErrInvalid, "no rule"},
		{"no document", api.FaxOrder{Port: 2, To: "600"}, text, api.ErrInvalid, "cannot be sent as a fax"},
	} {
		tt.order.File = tt.file(t)
		id, err := faxes{r.Agent}.SendFax(t.Context(), tt.order)
		if !errors.Is(err, tt.is) || err != nil && !strings.Contains(err.Error(), tt.says) || (id == "") != (err != nil) {
			t.Errorf("%s: %q, %v; want %v %s", tt.name, id, err, tt.is, tt.says)
		}
	}
	if err := r.Drain(false); err != nil {
		t.Fatal(err)
	}
	if _, err := (faxes{r.Agent}).SendFax(t.Context(), api.FaxOrder{Port: 2, To: "600", File: picture(t)}); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("while draining: %v", err)
	}
	if err := r.Drain(true); err != nil {
		t.Fatal(err)
	}
	if _, err := (faxes{r.Agent}).SendFax(t.Context(), api.FaxOrder{Port: 2, To: "6 00", File: picture(t)}); err != nil {
		t.Errorf("after draining: %v", err)
	}
	dir, free := faxes{r.Agent}.UploadDir()
	if left, _ := filepath.Glob(filepath.Join(dir, "*", "upload*")); len(left) > 0 || free <= 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A fax whose line has no server waits, can be looked at, and ends when it is cancelled.
func TestFaxWaitsForItsLine(t *testing.T) {
	r := start(t, faxDevice)
	r.until("ports", func() bool { return len(device{r.Agent}.Ports()) == 3 })
	f := faxes{r.Agent}
	id, err := f.SendFax(t.Context(), api.FaxOrder{Port: 2, To: "600**77", File: picture(t)})
	if err != nil {
		t.Fatal(err)
	}
	r.until("a first try", func() bool { x, _ := f.Fax(id); return x.Error != "" })
	x, ok := f.Fax(id)
	if !ok || x.State != "queued" || x.Error != "no line is registered" || x.Kind != "document" || x.Direction != "out" || x.Peer != "600" ||
		*x.Port != 2 || *x.Line != 1 || *x.PageCount != 1 || x.NextTry.IsZero() {
		t.Errorf("%+v", x)
	}
	for view, begins := range map[string]string{"tiff": "II*\x00", "pdf": "%PDF-"} {
		var b bytes.Buffer
		if err := f.FaxDocument(t.Context(), id, view, &b); err != nil || !strings.HasPrefix(b.String(), begins) {
			t.Errorf("%s: %.8q, %v", view, b.String(), err)
		}
	}
	var b bytes.Buffer
	if err := f.FaxPage(t.Context(), id, 1, 1, &b); err != nil {
		t.Error(err)
	} else if _, err := png.Decode(&b); err != nil {
		t.Errorf("page 1: %v", err)
	}
	if err := f.FaxPage(t.Context(), id, 2, 1, io.Discard); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("page 2 of 1: %v", err)
	}
	if err := f.CancelFax(t.Context(), id); err != nil {
		t.Error(err)
	}
	r.until("the cancelled fax", func() bool { x, _ := f.Fax(id); return x.State == "cancelled" })
	if err := f.CancelFax(t.Context(), id); !errors.Is(err, api.ErrConflict) {
		t.Errorf("cancelled twice: %v", err)
	}
	if err := f.CancelFax(t.Context(), "nobody"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("cancelled nobody: %v", err)
	}
	if err := f.CancelFax(t.Context(), "relay-7"); !errors.Is(err, api.ErrConflict) {
		t.Errorf("cancelled what is over: %v", err)
	}
	if err := f.FaxDocument(t.Context(), "relay-7", "pdf", io.Discard); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("the pages of a relay: %v", err)
	}
}

// What was accepted is there after the next start.
func TestFaxOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	name, factory := filepath.Join(dir, "tipring.ini"), filepath.Join(dir, "factory.ini")
	for path, text := range map[string]string{name: faxDevice, factory: nowhere} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(work func(*Agent)) {
		a, err := New(Options{Files: config.Files{Factory: factory, File: name, StateDir: filepath.Join(dir, "state")}, Version: "test", Stderr: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		work(a)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	var id string
	run(func(a *Agent) {
		var err error
		if id, err = (faxes{a}).SendFax(t.Context(), api.FaxOrder{Port: 2, To: "600", File: picture(t)}); err != nil {
			t.Fatal(err)
		}
		a.called("601", fax.VoiceError)
		a.called("602", fax.Success)
		a.called("603", fax.Unknown)
	})
	run(func(a *Agent) {
		if x, ok := (faxes{a}).Fax(id); !ok || x.State != "queued" {
			t.Errorf("after the start: %v %+v", ok, x)
		}
		got := ""
		for _, n := range (faxes{a}).CalledNumbers() {
			got += n.Number + " " + n.Result + ", "
		}
		if got != "601 voice_error, 602 success, " && got != "602 success, 601 voice_error, " {
			t.Errorf("called numbers: %s", got)
		}
	})
}

// A stored fax names its last call, so that it can be found in the log and at the far end.
func TestStoredFaxNamesItsCall(t *testing.T) {
	const id = "b2c@host"
	if got := resultOf(fax.Outcome{SIPCallID: id}, 0).SIPCallID; got != id {
		t.Errorf("stored: %s", got)
	}
	if got := storedFax(spool.Record{SIPCallID: id}).SIPCallID; got != id {
		t.Errorf("shown: %s", got)
	}
}

// What the store says has its status.
func TestFaxProblems(t *testing.T) {
	for err, want := range map[error]error{
		spool.ErrUnknown: api.ErrNotFound, spool.ErrNoPages: api.ErrNotFound, spool.ErrState: api.ErrConflict, spool.ErrDocument: api.ErrInvalid,
		spool.ErrTooManyPages: api.ErrInvalid, spool.ErrDraining: api.ErrUnavailable,
	} {
		if got := faxProblem(fmt.Errorf("fax 1: %w", err)); !errors.Is(got, want) || !errors.Is(got, err) {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	for _, full := range []error{spool.ErrFull, &fs.PathError{Op: "write", Path: "document.tiff", Err: syscall.ENOSPC}, syscall.EDQUOT} {
		var p *api.Problem
		if err := faxProblem(full); !errors.As(err, &p) || p.Status != 507 {
			t.Errorf("%v: %v", full, err)
		}
	}
	if faxProblem(nil) != nil {
		t.Error("no error is one")
	}
}

// A fax that passed in real time is shown until twenty others have.
func TestRelaysAreShown(t *testing.T) {
	r := start(t, faxDevice)
	f := faxes{r.Agent}
	started := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for i := range keptRelays + 1 {
		r.faxEnded(2, fax.Attempt{Line: 1, Send: i%2 == 0, Number: fmt.Sprint(600 + i)}, fax.Outcome{
			SIPCallID: fmt.Sprint(i), Peer: fmt.Sprint(600 + i), OK: i > 0, Reason: "why", Transport: "t38", Rate: 9600, ECM: true, Started: started.Add(time.Duration(i) * time.Minute),
			Pages: []fax.Page{{N: 1, Result: "confirmed", Rate: 9600, What: "slowed down"}}, CalledResult: fax.Success,
		})
	}
	all := f.Faxes()
	if len(all) != keptRelays {
		t.Fatalf("%d are shown", len(all))
	}
	ids := map[string]bool{}
	for _, x := range all {
		ids[x.ID] = true
	}
	if len(ids) != len(all) {
		t.Errorf("%d ids of %d faxes", len(ids), len(all))
	}
	x := all[0]
	if x.Kind != "relay" || x.Direction != "out" || x.State != "sent" || x.Peer != "620" || *x.Port != 2 || *x.Rate != 9600 || !*x.ECM || x.Pages[0].What != "slowed down" || x.Error != "" {
		t.Errorf("the newest: %+v", x)
	}
	if y := all[1]; y.Direction != "in" || y.State != "received" {
		t.Errorf("the one before: %+v", y)
	}
	if got, ok := f.Fax(x.ID); !ok || got.Peer != x.Peer {
		t.Errorf("%s: %v %+v", x.ID, ok, got)
	}
	if n := len(f.CalledNumbers()); n != keptRelays/2+1 {
		t.Errorf("%d called numbers", n)
	}
}
