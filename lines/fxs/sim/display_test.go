package sim

import (
	"testing"
	"time"

	"tipring/lines/fxs"
	"tipring/lines/fxs/callerid"
)

var called = time.Date(2026, 3, 9, 16, 5, 0, 0, time.UTC)

// A telephone shows who calls, as its country sends it, and that messages wait.
func TestTelephoneShowsWhoCalls(t *testing.T) {
	for _, code := range []string{"us", "de", "gb", "ie"} {
		plugs(t, code, "", func(t *testing.T, ph *Telephone, e *exchange) {
			e.do(func() {
				e.port.RingFor(fxs.Incoming{Caller: fxs.Caller{Number: "0301234567", Name: "Anna", At: called}})
			})
			s, err := ph.WaitShown(6 * time.Second)
			if want := (callerid.Shown{Time: "03091605", Number: "0301234567", Name: "Anna"}); err != nil || s != want {
				t.Errorf("%s: %+v, %v", code, s, err)
			}
			must(t, ph.WaitRing(6*time.Second))
			e.do(e.port.StopRing)
			ph.ClearShown()
			e.do(func() { e.port.MessageWaiting(true) })
			if s, err := ph.WaitShown(5 * time.Second); err != nil || s.Lamp != 1 {
				t.Errorf("%s: %+v, %v", code, s, err)
			}
		})
	}
}

func TestTelephoneShowsDTMF(t *testing.T) {
	plugs(t, "dk", "", func(t *testing.T, ph *Telephone, e *exchange) {
		e.do(func() { e.port.RingFor(fxs.Incoming{Caller: fxs.Caller{Number: "+4533151515", At: called}}) })
		must(t, ph.WaitKeys("A004533151515#", 6*time.Second), ph.WaitRing(time.Second))
	})
}

// In a call the alert is acknowledged, if the telephone has a display, and the caller shown.
func TestTelephoneShowsWhoWaits(t *testing.T) {
	for _, display := range []bool{true, false} {
		plugs(t, "us", "(6xx)", func(t *testing.T, ph *Telephone, e *exchange) {
			ph.SetDisplay(display)
			must(t, ph.OffHook(), ph.WaitTone(fxs.DialTone, 3*time.Second), ph.Dial("600"), ph.Pass(time.Second))
			e.do(func() {
				e.port.Talk()
				e.port.Wait(fxs.Caller{Number: "5551234567", At: called})
			})
			must(t, ph.Pass(3*time.Second))
			shown := ph.Shown()
			if display && (len(shown) != 1 || shown[0].Number != "5551234567") || !display && len(shown) > 0 {
				t.Errorf("display %v: %+v", display, shown)
			}
		})
	}
}

// The far end's answer and hang-up can be seen.
func TestTelephoneSeesTheFarEnd(t *testing.T) {
	plugs(t, "us", "(6xx)", func(t *testing.T, ph *Telephone, e *exchange) {
		must(t, ph.OffHook(), ph.WaitTone(fxs.DialTone, 3*time.Second), ph.Dial("600"), ph.Pass(time.Second))
		e.do(func() {
			e.port.Talk()
			e.port.Disconnect(fxs.Reorder)
		})
		must(t, ph.WaitStatus("a dead loop", time.Second, func(s Status) bool { return !s.Powered }))
		must(t, ph.WaitStatus("current", time.Second, func(s Status) bool { return s.Powered }))
		must(t, ph.WaitTone(fxs.Reorder, 2*time.Second), ph.HangUp())
	})
}
