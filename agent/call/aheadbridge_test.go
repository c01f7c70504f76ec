package call

import (
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/internal/offer"
	"tipring/lines/fxs"
	"tipring/t38"
	"tipring/t38/t30"
)

// farMachine puts a fax machine at the far end of each call, which takes what comes into a tray:
// one behind a gateway, or a server that asks for T.38. It begins when it is told to.
func (r *spoolRig) farMachine(server bool) (got *tray, begin func(c *farCall)) {
	got = &tray{}
	t := terminal(r.rig.t, t30.Config{Sink: got, ECM: true, Ident: "+1 555 8"})
	return got, func(c *farCall) {
		c.fax = &farFax{c: c, server: server}
		if server {
			c.fax.terminal = t
		} else {
			c.fax.machine = t38.NewMachine(t, t38.DefaultLevel)
		}
	}
}

// A call ahead that found a fax machine becomes the fax call, where that is wanted: nothing is
// stored.
func TestCallAheadBecomesTheFaxCall(t *testing.T) {
	for _, tt := range []struct {
		name      string
		server    bool
		t38       *offer.T38 // of the far end
		transport string
	}{
		{"a server", true, farT38, "t38"},
		{"a machine behind a gateway, in sound", false, nil, "audio"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inSpoolRig(t, FaxPort{CallAhead: "always", Bridge: true}, func(r *spoolRig) {
				var ends []fax.Outcome
				r.port.dev.FaxEnded = func(_ int, _ fax.Attempt, o fax.Outcome) { ends = append(ends, o) }
				r.far.t38 = tt.t38
				got, begin := r.farMachine(tt.server)
				r.far.onInvite = func(c *farCall) { begin(c); c.ring(); r.after(c, 2, c.answer) }
				doc := leaflet{1}
				r.send("600#", doc)
				r.await("the far end is called", func() bool { return r.port.Snapshot().Fax.State == "probing" })
				r.await("the port is connected", func() bool { return r.port.Snapshot().State == fxs.Talking })
				r.within(3*time.Minute, "the machine has hung up", func() bool { return !r.off })
				r.pass(time.Second)
				if diff := got.holds(doc); diff != "" {
					t.Error(diff)
				}
				if got := r.desk.seen(); got != "" || len(r.far.calls) != 1 {
					t.Errorf("desk: %s; %d calls", got, len(r.far.calls))
				}
				if len(ends) != 1 || !ends[0].OK || ends[0].Transport != tt.transport || !r.clerk.last(t).OK {
					t.Errorf("outcomes: %+v; session: %+v", ends, r.clerk.stops)
				}
			})
		})
	}
}

var farT38 = &offer.T38{MaxBitRate: 14400, MaxDatagram: 400, EC: offer.Redundancy}

// Who was put through to a person may send a fax after all: in real time. It has an account of its
// own, which points to that of the call ahead.
func TestFaxFollowsThePerson(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
		got, begin := r.farMachine(false)
		r.far.onInvite = func(c *farCall) {
			c.answer()
			c.speak(farVoice)
			r.after(c, 5, func() { begin(c) })
		}
		doc := leaflet{1}
		r.send("600#", doc)
		r.within(3*time.Minute, "the machine has hung up", func() bool { return !r.off })
		r.pass(time.Second)
		if diff := got.holds(doc); diff != "" {
			t.Error(diff)
		}
		if got := r.desk.seen(); got != "600 voice_error" {
			t.Errorf("desk: %s", got)
		}
		if len(r.clerk.begun) != 2 || len(r.clerk.stops) != 2 || r.clerk.lives != 1 {
			t.Fatalf("accounts: %+v, %d lives, %+v", r.clerk.begun, r.clerk.lives, r.clerk.stops)
		}
		if a, o := r.clerk.begun[1], r.clerk.stops[1]; a.Stage != fax.RealTime || a.Queue || a.Related != "session" || a.Number != "600" || !o.OK || len(o.Pages) != 1 || o.CalledResult != fax.Success {
			t.Errorf("the account of the fax: %+v, %+v", a, o)
		}
		if o := r.clerk.stops[0]; o.CalledResult != fax.VoiceError || len(o.Pages) != 0 {
			t.Errorf("the account of the call ahead: %+v", o)
		}
	})
}

// Who was put through and only speaks has no further account.
func TestPersonsHaveNoAccount(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
		r.far.onInvite = func(c *farCall) { c.answer(); c.speak(farVoice) }
		r.dial("600#")
		r.await("the port is connected", func() bool { return r.port.Snapshot().State == fxs.Talking })
		r.pass(20 * time.Second)
		r.far.last().hangUp()
		r.pass(time.Second)
		if len(r.clerk.begun) != 1 || len(r.clerk.stops) != 1 {
			t.Errorf("accounts: %+v, %+v", r.clerk.begun, r.clerk.stops)
		}
	})
}

// A real machine at the far end is left for the one on the port, which is then answered here.
func TestCallAheadToAMachine(t *testing.T) {
	for _, server := range []bool{false, true} {
		inSpoolRig(t, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
			r.far.t38 = farT38
			far, begin := r.farMachine(server)
			r.far.onInvite = func(c *farCall) { begin(c); c.ring(); r.after(c, 5, c.answer) }
			doc := leaflet{1}
			r.send("600#", doc)
			r.within(3*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
			if diff := r.desk.tray.holds(doc); diff != "" {
				t.Error(diff)
			}
			if s := r.since(r.cedAt); s > 28 || len(far.pages) != 0 || !r.far.last().over {
				t.Errorf("CED %.1f s after the last key, %d pages in real time, far end over: %v", s, len(far.pages), r.far.last().over)
			}
		})
	}
}

// A far end that asks for T.38 is a fax machine, also where faxes go in sound.
func TestCallAheadWithoutT38(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
		r.port.cfg.Fax().Settings.T38 = false
		r.far.onInvite = func(c *farCall) { c.answer(); r.after(c, 1, c.wantT38) }
		r.send("600#", leaflet{1})
		r.within(3*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
		if s := r.since(r.cedAt); s > 5 || r.far.last().status() != 200 {
			t.Errorf("CED %.1f s after the last key; T.38 was answered with %v", s, r.far.last().statuses)
		}
	})
}

// Nobody else is called because a far end wants it that is not known yet.
func TestReferralOfACallAhead(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
		r.far.onInvite = func(c *farCall) { c.answer(); r.after(c, 1, func() { c.refer("700") }) }
		r.dial("600#")
		r.await("the referral is answered", func() bool { return len(r.far.calls) > 0 && len(r.far.last().statuses) > 0 })
		if got := r.far.last().status(); got < 400 || r.port.Snapshot().Fax.State != "probing" {
			t.Errorf("the referral was answered with %d; the port: %+v", got, r.port.Snapshot())
		}
		r.await("the port is connected", func() bool { return r.port.Snapshot().State == fxs.Talking })
		r.far.last().refer("700")
		r.await("the other one is called", func() bool { return len(r.far.calls) == 2 })
	})
}

// Nothing is dialled for a hotline.
func TestCallAheadOfAHotline(t *testing.T) {
	hotline := settings{config: func(c *Config) { c.Hotline, c.HotlineMS = "600", 500 }}
	inSpoolRigWith(t, hotline, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
		r.pass(time.Minute)
		r.far.onInvite = func(c *farCall) { c.ring(); r.after(c, 10, func() { c.answer(); c.ced() }) }
		r.lift()
		r.lastKey = r.at
		r.begin(t30.Config{Calling: true, Source: leaflet{1}, ECM: true})
		r.within(3*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
		if s := r.since(r.cedAt); s > 28 {
			t.Errorf("CED after %.1f s", s)
		}
	})
}

// The primary server has no service, the backup has.
func TestCallAheadByTheBackup(t *testing.T) {
	for _, serves := range []bool{true, false} {
		s := settings{line: []string{"backup_addr = 127.0.0.3"}}
		inSpoolRigWith(t, s, FaxPort{CallAhead: "always"}, func(r *spoolRig) {
			r.far.onInvite = func(c *farCall) { c.refuse(503) }
			backup := r.backup(func(c *farCall) {
				if !serves {
					c.refuse(503)
					return
				}
				c.answer()
				c.ced()
			})
			defer backup.close()
			r.send("600#", leaflet{1})
			if !serves {
				r.await("a tone", func() bool { return r.toneAt > 0 })
				r.ph.want(fxs.Parked, reorderTone)
				if o := r.clerk.last(t); o.Code != 503 || o.OK {
					t.Errorf("session: %+v", o)
				}
				return
			}
			r.within(3*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
			if s := r.since(r.cedAt); s > 28 {
				t.Errorf("CED %.1f s after the last key", s)
			}
		})
	}
}
