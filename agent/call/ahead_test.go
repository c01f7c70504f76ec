package call

import (
	"testing"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
	"tipring/t38/t30"
)

func TestFaxIsTakenWithoutACallAhead(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never", CSID: "+1 555 2", Delimiter: "**"}, func(r *spoolRig) {
		doc := leaflet{2}
		r.send("600**77#", doc)
		r.await("the machine is answered", func() bool { return r.cedAt > 0 })
		if s := r.since(r.cedAt); s > 3 {
			t.Errorf("CED %.1f s after the last key", s)
		}
		if s := r.port.Snapshot(); s.State != fxs.Talking || s.Fax != (FaxActivity{State: "receiving", Number: "600"}) {
			t.Errorf("the port: %+v", s)
		}
		r.await("a page is in", func() bool { return r.port.Snapshot().Fax.Pages == 1 })
		r.await("the fax is in", func() bool { return r.desk.committed() == 1 })
		r.await("the machine has hung up", func() bool { return !r.off })
		if diff := r.desk.tray.holds(doc); diff != "" || r.desk.tray.kept != 2 {
			t.Errorf("the spool holds %d pages, safe: %d: %s", len(r.desk.tray.pages), r.desk.tray.kept, diff)
		}
		a := r.desk.received[0]
		if a.Number != "600" || a.Info != "77" || !a.Send || !a.Queue || a.Port != 1 || a.CSID != "+1 555 2" {
			t.Errorf("attempt: %+v", a)
		}
		o := r.desk.done[0]
		if !o.OK || o.RemoteID != "+1 555 1" || o.LocalID != "+1 555 2" || o.Transport != "audio" || o.Confirmed() != 2 || !o.ECM || o.Rate != 14400 {
			t.Errorf("outcome: %+v", o)
		}
		if r.clerk.lives != 1 || !r.clerk.last(t).OK {
			t.Errorf("session: %d times alive, %+v", r.clerk.lives, r.clerk.stops)
		}
		if n := len(r.far.calls); n != 0 {
			t.Errorf("%d calls", n)
		}
		if got := r.desk.seen(); got != "received 1, committed 1" {
			t.Errorf("desk: %s", got)
		}
	})
}

// The signs of a fax machine at the far end of a call ahead.
func TestCallAheadFindsAFaxMachine(t *testing.T) {
	for name, sign := range map[string]func(r *spoolRig, far *farCall){
		"T.38":     func(r *spoolRig, far *farCall) { far.answer(); r.after(far, 2, far.wantT38) },
		"CED":      func(r *spoolRig, far *farCall) { far.answer(); r.after(far, 2, far.ced) },
		"preamble": func(r *spoolRig, far *farCall) { far.answer(); r.after(far, 2, far.flags) },
		"early":    func(r *spoolRig, far *farCall) { far.earlyMedia(); r.after(far, 2, far.ced) },
		"a word before CED": func(r *spoolRig, far *farCall) {
			far.answer()
			r.after(far, 1, func() { far.speak(farVoice) })
			r.after(far, 1.5, func() { far.says = nil })
			r.after(far, 2.8, far.ced)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inSpoolRig(t, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
				r.far.onInvite = func(c *farCall) { sign(r, c) }
				doc := leaflet{1}
				r.send("600#", doc)
				r.await("the number is called", func() bool { return len(r.far.calls) == 1 })
				if s := r.port.Snapshot(); s.Fax != (FaxActivity{State: "probing", Number: "600"}) || s.State != fxs.Calling {
					t.Errorf("the port: %+v", s)
				}
				far := r.far.last()
				r.await("the far end is left", func() bool { return far.over })
				r.await("the machine is answered", func() bool { return r.cedAt > 0 })
				if s := r.since(r.cedAt); s > 28 {
					t.Errorf("CED %.1f s after the last key", s)
				}
				r.within(2*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
				if diff := r.desk.tray.holds(doc); diff != "" {
					t.Error(diff)
				}
				if got := r.desk.seen(); got != "received 1, committed 1" {
					t.Errorf("desk: %s", got)
				}
				if len(far.statuses) > 0 && far.status() != 200 {
					t.Errorf("T.38 was answered with %v", far.statuses)
				}
			})
		})
	}
}

// What is at the far end of a call ahead, if it is no fax machine.
func TestCallAheadPutsThrough(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(far *farCall)
		within float64 // s after the answer
		called string
	}{
		{"somebody who speaks", func(far *farCall) { far.speak(farVoice) }, 3, "asked 1, 600 voice_error"},
		{"silence", func(*farCall) {}, 8.5, "asked 1, 600 voice_error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inSpoolRig(t, FaxPort{}, func(r *spoolRig) {
				r.desk.ahead = true
				var answered int64
				r.far.onInvite = func(c *farCall) { c.ring(); r.after(c, 4, func() { c.answer(); tt.answer(c); answered = r.at }) }
				r.dial("600#")
				r.ph.speak()
				r.await("the far end is alerted", func() bool { return r.ph.hears() == ringbackTone })
				far := r.far.last()
				r.await("the far end answers", far.confirmed)
				r.pass(200 * time.Millisecond)
				r.ph.want(fxs.Calling, nothing)
				r.await("the port is connected", func() bool { return r.port.Snapshot().State == fxs.Talking })
				if s := float64(r.at-answered) / dsp.SampleRate; s > tt.within {
					t.Errorf("put through %.1f s after the answer, want %.1f", s, tt.within)
				}
				if len(far.ear) > 0 && loudest(far.ear) == nearVoice {
					t.Errorf("the far end has heard the machine before it was put through")
				}
				far.speak(farVoice)
				r.pass(500 * time.Millisecond)
				r.ph.want(fxs.Talking, farVoice)
				if far.hears() != nearVoice {
					t.Errorf("the far end hears %d Hz", far.hears())
				}
				if got := r.desk.seen(); got != tt.called {
					t.Errorf("desk: %s", got)
				}
				if o := r.clerk.last(t); !o.Voice || !o.Answered || o.OK {
					t.Errorf("session: %+v", o)
				}
			})
		})
	}
}

// What the machine hears of a call ahead that comes to nothing.
func TestCallAheadComesToNothing(t *testing.T) {
	refusal := func(code int) func(*spoolRig, *farCall) {
		return func(r *spoolRig, far *farCall) { far.ring(); r.after(far, 3, func() { far.refuse(code) }) }
	}
	cadence := func(on, off int) *dsp.Signal {
		return dsp.NewSignal(0, dsp.Segment{Partials: []dsp.Partial{{Hz: 480, DBm0: -20}, {Hz: 620, DBm0: -20}}, Samples: on * 8}, dsp.Segment{Samples: off * 8})
	}
	for name, tt := range map[string]struct {
		far  func(*spoolRig, *farCall)
		tone int
		at   [2]float64 // s after the last key, when it is heard
		code int        // of the session's outcome
		busy bool
	}{
		"busy":               {refusal(486), busyTone, [2]float64{3, 4}, 486, true},
		"busy everywhere":    {refusal(600), busyTone, [2]float64{3, 4}, 600, true},
		"not in service":     {refusal(404), reorderTone, [2]float64{3, 4}, 404, false},
		"unavailable":        {refusal(480), reorderTone, [2]float64{3, 4}, 480, true}, // as the vendor has it
		"no server":          {refusal(503), reorderTone, [2]float64{3, 4}, 503, true},
		"a server's fault":   {refusal(500), reorderTone, [2]float64{3, 4}, 500, false},
		"it rings":           {func(_ *spoolRig, far *farCall) { far.ring() }, reorderTone, [2]float64{19.5, 21}, 0, false},
		"nothing happens":    {func(*spoolRig, *farCall) {}, reorderTone, [2]float64{19.5, 21}, 0, false},
		"busy tone":          {func(_ *spoolRig, far *farCall) { far.earlyMedia(); far.play(cadence(500, 500)) }, busyTone, [2]float64{3, 6}, 0, true},
		"answered, and busy": {func(_ *spoolRig, far *farCall) { far.answer(); far.play(cadence(500, 500)) }, busyTone, [2]float64{3, 6}, 0, true},
		"congestion":         {func(_ *spoolRig, far *farCall) { far.answer(); far.play(cadence(250, 250)) }, busyTone, [2]float64{2, 6}, 0, true},
		"it hangs up":        {func(r *spoolRig, far *farCall) { far.answer(); r.after(far, 2, far.hangUp) }, reorderTone, [2]float64{1.9, 3}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			inSpoolRig(t, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
				r.far.onInvite = func(c *farCall) { tt.far(r, c) }
				r.dial("600#")
				r.await("a tone", func() bool { return r.toneAt > 0 })
				r.ph.want(fxs.Parked, tt.tone)
				if s := r.since(r.toneAt); s < tt.at[0] || s > tt.at[1] {
					t.Errorf("%.1f s after the last key, want %.1f to %.1f", s, tt.at[0], tt.at[1])
				}
				r.hangUp()
				if o := r.clerk.last(t); o.OK || o.Code != tt.code || o.Busy != tt.busy || o.Reason == "" {
					t.Errorf("session: %+v", o)
				}
				if got := r.desk.seen(); got != "" {
					t.Errorf("desk: %s", got)
				}
			})
		})
	}
}

// Who decides whether a number is called ahead: the port, then the provider with its
// permission, then the desk, and where none says anything the number is.
func TestWhoDecides(t *testing.T) {
	yes, no := true, false
	for _, tt := range []struct {
		mode  string
		says  *bool // the provider
		desk  bool
		ahead bool
		asked string
	}{
		{"never", nil, true, false, ""},
		{"never", &yes, true, false, ""},
		{"always", nil, false, true, ""},
		{"always", &no, false, true, ""},
		{"dynamic", &no, true, false, ""},
		{"dynamic", &yes, false, true, ""},
		{"dynamic", nil, true, true, "asked 1"},
		{"dynamic", nil, false, false, "asked 1, received 1, abandoned 1"},
		{"", nil, true, true, "asked 1"},
		{"", nil, false, false, "asked 1, received 1, abandoned 1"},
	} {
		inSpoolRig(t, FaxPort{CallAhead: tt.mode, TimeoutS: 1}, func(r *spoolRig) {
			r.clerk.permit.CallAhead, r.desk.ahead = tt.says, tt.desk
			r.far.onInvite = func(c *farCall) { c.ring() }
			r.dial("600#")
			r.pass(4 * time.Second)
			r.hangUp()
			r.pass(100 * time.Millisecond)
			if got := len(r.far.calls) == 1; got != tt.ahead {
				t.Errorf("%+v: called ahead: %v", tt, got)
			}
			if got := r.desk.seen(); tt.asked != "" && got != tt.asked {
				t.Errorf("%+v: desk: %s", tt, got)
			}
		})
	}
}

func TestProviderRefuses(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.clerk.permit.Refused = "the time of this account has expired"
		r.dial("600#")
		r.pass(200 * time.Millisecond)
		r.ph.want(fxs.Parked, reorderTone)
		if got := r.desk.seen(); got != "" || len(r.far.calls) != 0 {
			t.Errorf("desk: %s; %d calls", got, len(r.far.calls))
		}
	})
}

// What the provider says of number and identification replaces the port's.
func TestProviderNamesTheFax(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "always", CSID: "+1 555 2"}, func(r *spoolRig) {
		r.clerk.permit.ANI, r.clerk.permit.CSID = "5559", "+1 555 9"
		r.far.onInvite = func(c *farCall) { c.answer(); c.ced() }
		r.send("600#", leaflet{1})
		r.within(2*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
		if from := r.far.last().invite.From.URI.User; from != "5559" {
			t.Errorf("the number was called by %s", from)
		}
		if a := r.desk.received[0]; a.ANI != "5559" || a.CSID != "+1 555 9" || r.desk.done[0].LocalID != "+1 555 9" {
			t.Errorf("attempt %+v, outcome %+v", a, r.desk.done[0])
		}
	})
}

// Whatever is slow, 28 s after its last digit the machine has heard CED, or busy or reorder tone,
// or is put through.
func TestMachineWaitsNoLongerThanItCan(t *testing.T) {
	ringsThen := func(s float64, then func(*spoolRig, *farCall)) func(*spoolRig, *farCall) {
		return func(r *spoolRig, far *farCall) { far.ring(); r.after(far, s, func() { far.answer(); then(r, far) }) }
	}
	for name, tt := range map[string]struct {
		number string
		set    func(r *spoolRig)
		far    func(r *spoolRig, far *farCall)
		hears  string
	}{
		"desk answers in time":       {"600#", func(r *spoolRig) { r.desk.takes = 2900 * time.Millisecond }, nil, "CED"},
		"desk is slow":               {"600#", func(r *spoolRig) { r.desk.takes = time.Hour }, ringsThen(15, (*spoolRig).sayCED), "CED"},
		"desk never answers":         {"600", func(r *spoolRig) { r.desk.hangs = true }, ringsThen(15, (*spoolRig).sayCED), "CED"},
		"clerk is slow":              {"600", func(r *spoolRig) { r.clerk.takes, r.desk.ahead = time.Hour, true }, ringsThen(15, (*spoolRig).sayCED), "CED"},
		"CED comes late":             {"600", func(r *spoolRig) { r.desk.hangs = true }, ringsThen(13, (*spoolRig).sayCED), "CED"},
		"CED comes too late":         {"600", func(r *spoolRig) { r.desk.hangs = true }, ringsThen(16, func(r *spoolRig, far *farCall) { r.after(far, 3, far.ced) }), "far end"},
		"nobody answers":             {"600", func(r *spoolRig) { r.desk.hangs = true }, ringsThen(100, nil), "reorder"},
		"silence":                    {"600", func(r *spoolRig) { r.desk.hangs = true }, ringsThen(15, func(*spoolRig, *farCall) {}), "far end"},
		"the spool is slow":          {"600", func(r *spoolRig) { r.desk.opens = 900 * time.Millisecond }, ringsThen(17, (*spoolRig).sayCED), "CED"},
		"the spool is much too slow": {"600", func(r *spoolRig) { r.desk.opens = time.Minute }, ringsThen(3, (*spoolRig).sayCED), "busy"},
		"clerk is slow, call_ahead never": {"600", func(r *spoolRig) {
			r.clerk.takes = time.Hour
			r.port.cfg.Fax().CallAhead = "never"
		}, nil, "CED"},
		"clerk and desk hang":     {"600", func(r *spoolRig) { r.clerk.hangs, r.desk.hangs = r.desk.hung, true }, ringsThen(15, (*spoolRig).sayCED), "CED"},
		"so without a call ahead": {"600#", func(r *spoolRig) { r.desk.opens = time.Minute; r.clerk.permit.CallAhead = new(bool) }, nil, "busy"},
	} {
		t.Run(name, func(t *testing.T) {
			inSpoolRig(t, FaxPort{TimeoutS: 60}, func(r *spoolRig) {
				tt.set(r)
				r.far.onInvite = func(c *farCall) { tt.far(r, c) }
				r.dial(tt.number)
				talks := false
				r.await("something", func() bool {
					talks = r.port.Snapshot().State == fxs.Talking && r.port.Snapshot().Call != ""
					return r.cedAt > 0 || r.toneAt > 0 || talks
				})
				at, hears := r.cedAt, "CED"
				switch {
				case talks:
					at, hears = r.at, "far end"
				case r.toneAt > 0:
					at, hears = r.toneAt, map[int]string{busyTone: "busy", reorderTone: "reorder"}[r.ph.hears()]
				}
				t.Logf("%s %.1f s after the last key", hears, r.since(at))
				if s := r.since(at); s > 28 || hears != tt.hears {
					t.Errorf("the machine hears %s %.1f s after its last digit, want %s", hears, s, tt.hears)
				}
				r.pass(time.Second)
				r.hangUp()
				r.pass(time.Minute) // what is slow ends
			})
		})
	}
}

// The number alone decides about an emergency: no one is asked, nothing is probed.
func TestEmergencyFromAFaxPort(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.drains.Store(true)
		r.dial("112")
		r.await("the port is connected", func() bool { return r.port.Snapshot().State == fxs.Talking })
		if got := r.desk.seen(); got != "" {
			t.Errorf("desk: %s", got)
		}
	})
}

func TestFaxWhileTheDeviceDrains(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.drains.Store(true)
		r.dial("600#")
		r.pass(200 * time.Millisecond)
		r.ph.want(fxs.Parked, reorderTone)
		if got := r.desk.seen(); got != "" || len(r.clerk.begun) != 0 {
			t.Errorf("desk: %s; %d sessions", got, len(r.clerk.begun))
		}
	})
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.send("600#", leaflet{1})
		r.await("the machine is answered", func() bool { return r.cedAt > 0 })
		r.drains.Store(true) // what runs is finished
		r.within(2*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
	})
}

// The machine may hang up at any moment.
func TestMachineHangsUp(t *testing.T) {
	answers := func(r *spoolRig, far *farCall) { far.ring(); r.after(far, 2, far.answer); r.after(far, 5, far.ced) }
	for _, tt := range []struct {
		when string
		port FaxPort
		so   func(r *spoolRig) bool
		desk string
	}{
		{"the decision is made", FaxPort{}, func(r *spoolRig) bool { return r.port.now != nil }, "asked 1"},
		{"the far end is called", FaxPort{CallAhead: "always"}, func(r *spoolRig) bool { return len(r.far.calls) == 1 }, ""},
		{"the far end rings", FaxPort{CallAhead: "always"}, func(r *spoolRig) bool { return r.ph.hears() == ringbackTone }, ""},
		{"the far end is listened to", FaxPort{CallAhead: "always"}, func(r *spoolRig) bool {
			return len(r.far.calls) == 1 && r.far.last().d.State() != 0 && len(r.far.last().ear) > 24000
		}, ""},
		{"the spool is opened", FaxPort{CallAhead: "never"}, func(r *spoolRig) bool { return r.port.now != nil && len(r.clerk.begun) == 1 }, "received 1, abandoned 1"},
		{"CED is said", FaxPort{CallAhead: "never"}, func(r *spoolRig) bool { return r.cedAt > 0 }, "received 1, abandoned 1"},
		{"the page is sent", FaxPort{CallAhead: "never"}, func(r *spoolRig) bool { return r.fax.T30.State() == t30.SendPage }, "received 1, abandoned 1"},
		{"the second page is sent", FaxPort{CallAhead: "never"}, func(r *spoolRig) bool {
			return r.fax.T30.State() == t30.SendPage && r.port.Snapshot().Fax.Pages == 1
		}, "received 1, abandoned 1"},
		{"all is over", FaxPort{CallAhead: "never"}, func(r *spoolRig) bool { return r.desk.committed() == 1 }, "received 1, committed 1"},
	} {
		t.Run(tt.when, func(t *testing.T) {
			inSpoolRig(t, tt.port, func(r *spoolRig) {
				r.desk.takes, r.desk.opens = time.Second, time.Second
				r.far.onInvite = func(c *farCall) { answers(r, c) }
				r.send("600#", leaflet{2})
				r.stays = true
				r.within(2*time.Minute, tt.when, func() bool { return tt.so(r) })
				r.hangUp()
				r.pass(3 * time.Second) // what the spool still does
				r.atRest()
				if got := r.desk.seen(); got != tt.desk {
					t.Errorf("desk: %s, want %s", got, tt.desk)
				}
				if o := r.clerk.last(t); o.OK != (r.desk.committed() == 1) {
					t.Errorf("session: %+v", o)
				}
			})
		})
	}
}
