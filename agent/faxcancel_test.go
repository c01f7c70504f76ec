package agent

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"tipring/t38/t30"
	"tipring/webui/api"
)

// A fax that comes in can be cancelled, too: its call is ended in good order.
func TestCancelWhatComesIn(t *testing.T) {
	t.Parallel()
	l := newFaxLab(t)
	r := l.device("acme", "201", "a")
	f := faxes{r.Agent}
	call, err := l.farSends(t.Context(), "201")
	if err != nil {
		t.Fatal(err)
	}
	var id string
	r.within(time.Minute, "the fax comes", func() bool {
		all := f.Faxes()
		if len(all) == 0 || all[0].State != "receiving" {
			return false
		}
		id = all[0].ID
		return true
	})
	if err := f.CancelFax(t.Context(), id); err != nil {
		t.Error(err)
	}
	if x := r.settled(id); x.State != "cancelled" || x.Error != "cancelled" || x.SIPCallID == "" {
		t.Errorf("%+v", x)
	}
	if err := f.CancelFax(t.Context(), id); !errors.Is(err, api.ErrConflict) {
		t.Errorf("once more: %v", err)
	}
	r.until("no call is left", func() bool { return r.calls.count() == 0 })
	if got, err := call.Fax(t.Context()); err == nil && len(got.TIFF) > 0 {
		t.Errorf("%+v", got.Result)
	}
}

// A fax that a machine hands in can be cancelled: the machine is told, nothing is kept, and
// nothing sent.
func TestCancelWhatAMachineHandsIn(t *testing.T) {
	path := socketPath(t)
	r := start(t, spoolDevice(path))
	m := newMachine(r, path)
	f := faxes{r.Agent}
	m.send("600#", sheet(t).Name())
	m.run("the fax is on its way", func() bool {
		all := f.Faxes()
		return len(all) == 1 && all[0].State == "receiving"
	})
	id := f.Faxes()[0].ID
	if err := f.CancelFax(t.Context(), id); err != nil {
		t.Error(err)
	}
	m.run("the machine is told", func() bool { return m.faxes == 1 })
	if m.result.Code == t30.OK {
		t.Errorf("the machine says %v", m.result.Code)
	}
	m.run("the fax is over", func() bool { x, ok := f.Fax(id); return ok && x.State != "receiving" })
	if x, _ := f.Fax(id); x.State != "cancelled" || x.Error != "cancelled" || x.PageCount != nil || x.Tries != 0 {
		t.Errorf("%+v", x)
	}
	if err := f.CancelFax(t.Context(), id); !errors.Is(err, api.ErrConflict) {
		t.Errorf("once more: %v", err)
	}
	var document bytes.Buffer
	if err := f.FaxDocument(t.Context(), id, "tiff", &document); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("its pages: %v, %d octets", err, document.Len())
	}
}
