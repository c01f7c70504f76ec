package call

import (
	"context"
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/t38/spool"
	"tipring/t38/t30"
)

// A storeDesk stores faxes where they are stored in the device.
type storeDesk struct{ store *spool.Store }

func (storeDesk) CallAhead(context.Context, fax.Attempt) (bool, string) { return false, "scripted" }
func (storeDesk) Called(string, fax.CalledNumberResult)                 {}

func (d storeDesk) Receive(a fax.Attempt, _ fax.Permit) (Intake, error) {
	in, err := d.store.Begin(spool.Meta{Kind: spool.Machine, Port: a.Port, Line: a.Line, Peer: a.Number, CDRInfo: a.Info})
	if err != nil {
		return nil, err
	}
	return storeIntake{in}, nil
}

type storeIntake struct{ *spool.Intake }

func (i storeIntake) Sink() t30.Sink { return i.Intake }

func (i storeIntake) Until() context.Context { return context.Background() }

func (i storeIntake) Page(p fax.Page) {
	i.Intake.Page(spool.Page{N: p.N, Result: p.Result, Rows: p.Rows, Rate: p.Rate, Resolution: p.Resolution})
}

func (i storeIntake) Commit(o fax.Outcome) error {
	_, err := i.Intake.Commit(spool.Result{OK: o.OK, Rate: o.Rate, ECM: o.ECM, RemoteID: o.RemoteID})
	return err
}

func (i storeIntake) Abandon(o fax.Outcome) { _, _ = i.Intake.Abandon(spool.Result{Error: o.Reason}) }

// A machine's fax is in the device's store when the machine has had its last confirmation, and
// one that breaks off is kept as what it is.
func TestFaxIsInTheStore(t *testing.T) {
	for _, ecm := range []bool{true, false} {
		dir := t.TempDir()
		inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
			store, _, err := spool.Open(dir, spool.Config{})
			if err != nil {
				r.rig.t.Fatalf("%v", err)
			}
			r.port.dev.Desk = storeDesk{store}
			accepted := false
			r.dial("600#")
			r.begin(t30.Config{Calling: true, Source: leaflet{2}, ECM: ecm, Ident: "+1 555 1", OnPage: func(p t30.Page) {
				if list := store.List(); p.Number == 1 && p.Confirmed {
					accepted = len(list) == 1 && list[0].Accepted && list[0].PageCount == 2
				}
			}})
			r.within(3*time.Minute, "the machine has hung up", func() bool { return !r.off })
			r.pass(time.Second)
			if !accepted {
				t.Errorf("ECM %v: the last page was confirmed before the fax was accepted", ecm)
			}
			list := store.List()
			if len(list) != 1 {
				t.Fatalf("%d faxes", len(list))
			}
			f := list[0]
			if f.State != spool.Queued || f.Peer != "600" || f.PageCount != 2 || len(f.Taken) != 2 || !f.Accepted || f.Error != "" {
				t.Errorf("the fax: %+v", f)
			}

			r.send("601#", leaflet{2})
			r.stays = true
			r.within(3*time.Minute, "the first page is stored", func() bool { return r.port.Snapshot().Fax.Pages == 1 })
			r.pass(2 * time.Second)
			r.hangUp()
			r.pass(time.Second)
			for _, f := range store.List() {
				if f.Peer == "601" && (f.State != spool.Failed || f.PageCount != 1 || f.Error == "") {
					t.Errorf("the fax that broke off: %+v", f)
				}
			}
			if n := len(store.List()); n != 2 {
				t.Errorf("%d faxes", n)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
