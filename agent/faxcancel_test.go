package agent

import (
	"errors"
	"testing"
	"time"

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
