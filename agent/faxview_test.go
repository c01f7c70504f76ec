package agent

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"
	"strings"
	"testing"

	"tipring/agent/fax"
	"tipring/t38/pages"
	"tipring/t38/t30"
	"tipring/webui/api"
)

// A machine's fax is seen while it is taken in, and what has come of it can be looked at.
func TestFaxIsSeenWhileItComes(t *testing.T) {
	path := socketPath(t)
	r := start(t, spoolDevice(path))
	m := newMachine(r, path)
	f := faxes{r.Agent}
	m.send("600#", sheet(t).Name())
	var x api.Fax
	m.run("rows arrive", func() bool {
		all := f.Faxes()
		if len(all) == 0 || all[0].Progress == nil || all[0].Progress.Rows < 100 {
			return false
		}
		x = all[0]
		return true
	})
	if x.State != "receiving" || x.Progress.Page != 1 || x.Progress.Of != nil || fmt.Sprint(x.Pictures) != "[1]" {
		t.Errorf("%+v, %+v", x, *x.Progress)
	}
	for scale, columns := range map[int]int{1: 1728, 8: 216} {
		var b bytes.Buffer
		if err := f.FaxPage(t.Context(), x.ID, 1, scale, &b); err != nil {
			t.Fatal(err)
		}
		if p, err := png.Decode(&b); err != nil || p.Bounds().Dx() != columns || p.Bounds().Dy() < 90/scale {
			t.Errorf("by %d: %v, %v", scale, p.Bounds(), err)
		}
	}
	if err := f.FaxPage(t.Context(), x.ID, 2, 1, io.Discard); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("page 2: %v", err)
	}
	if _, err := f.ResendFax(t.Context(), x.ID, ""); !errors.Is(err, api.ErrConflict) {
		t.Errorf("sent again while it comes: %v", err)
	}
	if err := f.ForgetFax(x.ID); !errors.Is(err, api.ErrConflict) {
		t.Errorf("forgotten while it comes: %v", err)
	}
	m.run("the fax is taken", func() bool { y, ok := f.Fax(x.ID); return ok && y.State != "receiving" })
	if y, _ := f.Fax(x.ID); y.Progress != nil || fmt.Sprint(y.Pictures) != "[1]" || !y.Document {
		t.Errorf("%+v", y)
	}
	m.run("nobody watches any more", func() bool { return f.watching(x.ID) == nil })
}

// A page that goes out is shown whole, and pale where it has not gone.
func TestFaxIsSeenWhileItGoes(t *testing.T) {
	r := start(t, faxDevice)
	r.until("ports", func() bool { return len(device{r.Agent}.Ports()) == 3 })
	f := faxes{r.Agent}
	id, err := f.SendFax(t.Context(), api.FaxOrder{Port: 2, To: "600", File: picture(t)})
	if err != nil {
		t.Fatal(err)
	}
	look := func() string {
		var b bytes.Buffer
		if err := f.FaxPage(t.Context(), id, 1, 1, &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	whole := look()
	m := r.watch(id, new(pages.Monitor))
	m.Begin(t30.Passing{Format: t30.Format{Form: t30.Form{Resolution: t30.Fine}}, Rows: 1000})
	if x, _ := f.Fax(id); x.Progress == nil || x.Progress.Page != 1 || x.Progress.Rows != 0 || *x.Progress.Of != 1000 {
		t.Errorf("%+v", x.Progress)
	}
	if pale := look(); pale == whole || !strings.Contains(pale, "PLTE") {
		t.Error("what has not gone is not pale")
	}
	m.End()
	if look() != whole {
		t.Error("behind its end the page is still pale")
	}
	r.unwatch(id, new(pages.Monitor)) // another one's
	if f.watching(id) != m {
		t.Error("it is not watched any more")
	}
	r.unwatch(id, m)
	if x, _ := f.Fax(id); x.Progress != nil || f.watching(id) != nil {
		t.Errorf("%+v", x)
	}
}

// What is over can be sent again, to its number or to another, and forgotten.
func TestFaxIsSentAgain(t *testing.T) {
	r := start(t, faxDevice)
	r.until("ports", func() bool { return len(device{r.Agent}.Ports()) == 3 })
	f := faxes{r.Agent}
	id, err := f.SendFax(t.Context(), api.FaxOrder{Port: 2, To: "600**77", File: picture(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ResendFax(t.Context(), id, ""); !errors.Is(err, api.ErrConflict) {
		t.Errorf("before it is over: %v", err)
	}
	if err := f.CancelFax(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.until("the cancelled fax", func() bool { x, _ := f.Fax(id); return x.State == "cancelled" })
	for to, want := range map[string]string{"": "600", "700**88": "700"} {
		again, err := f.ResendFax(t.Context(), id, to)
		if err != nil {
			t.Fatal(err)
		}
		x, ok := f.Fax(again)
		if !ok || again == id || x.State != "queued" || string(x.Peer) != want || *x.PageCount != 1 || x.Kind != "document" || *x.Port != 2 {
			t.Errorf("to %q: %+v", to, x)
		}
		var first, second bytes.Buffer
		if err := errors.Join(f.FaxDocument(t.Context(), id, "tiff", &first), f.FaxDocument(t.Context(), again, "tiff", &second)); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("to %q: other pages, %v", to, err)
		}
	}
	for to, want := range map[string]error{"6 00 x": api.ErrInvalid, "900123": api.ErrInvalid} {
		if _, err := f.ResendFax(t.Context(), id, to); !errors.Is(err, want) {
			t.Errorf("to %q: %v", to, err)
		}
	}
	if err := f.ForgetFax(id); err != nil {
		t.Error(err)
	}
	if _, ok := f.Fax(id); ok {
		t.Error("it is remembered")
	}
	if err := f.ForgetFax(id); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("forgotten twice: %v", err)
	}
	if _, err := f.ResendFax(t.Context(), id, ""); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("sent again behind that: %v", err)
	}
	r.called("601", fax.Success)
	if err := f.ForgetNumber("601"); err != nil {
		t.Error(err)
	}
	if err := f.ForgetNumber("601"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("a number forgotten twice: %v", err)
	}
}

// The pages of faxes in real time are kept as far as there is room, the newest ones first.
func TestRelaysAreSeen(t *testing.T) {
	r := start(t, faxDevice)
	f := faxes{r.Agent}
	end := func(call int) string {
		m := &pages.Monitor{Keep: keptRelayPages}
		m.Begin(t30.Passing{Format: t30.Format{Form: t30.Form{Resolution: t30.Fine}}})
		m.Octets(make([]byte, 300<<10))
		m.End()
		r.faxEnded(2, fax.Attempt{Line: 1, Send: true, Number: "600"}, fax.Outcome{SIPCallID: fmt.Sprint(call), OK: true, Pages: []fax.Page{{N: 1, Result: "confirmed"}}, Seen: m})
		return f.a.fax.relays.all()[len(f.a.fax.relays.all())-1].id
	}
	var ids []string
	for call := range 6 {
		ids = append(ids, end(call))
	}
	kept := 0
	for _, r := range f.a.fax.relays.all() {
		kept += r.outcome.Seen.Size()
	}
	if kept == 0 || kept > keptRelayPages {
		t.Errorf("%d octets are kept", kept)
	}
	if f.a.fax.relays.all()[0].outcome.Seen.Size() != 0 || f.a.fax.relays.all()[5].outcome.Seen.Size() == 0 {
		t.Error("the newest are forgotten, and the oldest kept")
	}
	if err := f.FaxPage(t.Context(), ids[0], 1, 1, io.Discard); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("a page that is not kept: %v", err)
	}
	if _, err := f.ResendFax(t.Context(), ids[5], ""); !errors.Is(err, api.ErrConflict) {
		t.Errorf("sent again: %v", err)
	}
	if err := f.ForgetFax(ids[5]); err != nil {
		t.Error(err)
	}
	if _, ok := f.Fax(ids[5]); ok || len(f.a.fax.relays.all()) != 5 {
		t.Error("it is remembered")
	}
	if err := f.ForgetFax(ids[5]); !errors.Is(err, api.ErrConflict) {
		t.Errorf("forgotten twice: %v", err)
	}
}
