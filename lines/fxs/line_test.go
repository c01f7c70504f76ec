package fxs

import (
	"slices"
	"testing"
)

// What a loop does for less than 10 ms is a bad contact: it lifts nothing, hangs nothing up,
// dials nothing. HOOK changes between two frames last no time at all.
func TestBadContactMakesNoEvents(t *testing.T) {
	d := newTelephone(t, "us", "(6xx)")
	d.frame = 80
	touch := func(first, then Loop) { d.took(d.port.Loop(first)); d.took(d.port.Loop(then)) }
	touch(LoopClosed, LoopOpen)
	d.run(second)
	d.happened()
	d.port.Ring(nil)
	d.run(160)
	touch(LoopClosed, LoopOpen)
	d.run(160)
	d.happened()
	if d.is(Ringing); !d.port.wanted.ring {
		t.Error("the bell has stopped")
	}
	d.port.StopRing()
	d.lift()
	d.dial("600")
	d.port.Talk()
	for range 5 {
		touch(LoopOpen, LoopClosed)
		d.run(80)
	}
	d.took(d.port.Loop(LoopOpen))
	d.run(second)
	touch(LoopClosed, LoopOpen)
	d.run(3 * second)
	d.happened("off-hook", "dialled 600", "on-hook")
}

// Dials of 10 and 20 pulses a second, open for a third to two thirds of each.
func TestEveryDialIsUnderstood(t *testing.T) {
	for _, pps := range []int{10, 20} {
		for _, open := range []int{33, 40, 50, 60, 67} { // per cent
			d := newTelephone(t, "de", "(1029)")
			d.frame = 80
			d.lift()
			d.run(second)
			clock := 0.0 // ms that should have passed
			passed := 0
			until := func(ms float64) { // HOOK stands at the nearest frame
				for clock += ms; float64(passed)+5 <= clock; passed += 10 {
					d.run(80)
				}
			}
			for _, digit := range []int{1, 10, 2, 9} {
				for range digit {
					d.took(d.port.Loop(LoopOpen))
					until(float64(10*open) / float64(pps))
					d.took(d.port.Loop(LoopClosed))
					until(float64(10*(100-open)) / float64(pps))
				}
				until(400)
			}
			d.happened("off-hook", "dialled 1029")
		}
	}
}

// Reorder, howler, then a dead line, until it is put down: by a card that sees the hook without
// current, and by one that does not and tells of an open loop as soon as the current is gone.
func TestHandsetForgottenOffTheHook(t *testing.T) {
	for _, blind := range []bool{false, true} {
		d := newTelephone(t, "us", "")
		d.lift()
		d.run(105 * second)
		d.plays(Howler)
		d.run(2 * second)
		d.run(second)
		d.hearsNothing()
		if !d.port.wanted.unpowered {
			t.Error("the line has current")
		}
		if blind {
			d.took(d.port.Loop(LoopOpen))
			if d.port.wanted.unpowered {
				t.Error("a card that cannot tell has no chance to")
			}
			d.run(160)
			d.took(d.port.Loop(LoopClosed)) // the current is back
		}
		d.run(60 * second)
		d.hearsNothing()
		d.open(300)
		d.run(second)
		d.hearsNothing() // a flash is no hang-up
		d.is(Parked)
		d.hangUp()
		d.is(Idle)
		if d.port.wanted.unpowered {
			t.Error("the line is dead on-hook")
		}
		d.lift()
		d.run(second)
		d.hears(DialTone, 0)
		if got := d.log[len(d.log)-2:]; !slices.Equal(got, []string{"on-hook", "off-hook"}) {
			t.Errorf("%q", d.log)
		}
	}
}

// plays fails unless a tone is going on.
func (d *telephone) plays(tone Tone) {
	d.t.Helper()
	if d.port.playing != tone || d.port.tone.Signal() == nil {
		d.t.Errorf("does not hear %v", tone)
	}
}

func talking(t *testing.T, cfg Config) *telephone {
	t.Helper()
	cfg.Country, cfg.Plan = mustCountry(t, "us"), mustPlan(t, "(6xx)")
	d := newTelephoneWith(t, cfg)
	d.lift()
	d.dial("600")
	d.port.Talk()
	d.log = nil
	return d
}

func TestFarEndHangsUp(t *testing.T) {
	for _, tt := range []struct{ set, want int }{{0, 500}, {200, 200}, {-1, 0}} {
		d := talking(t, Config{Settings: Settings{DisconnectMS: tt.set, Reversal: true}})
		d.port.Connected()
		if !d.port.wanted.reverse {
			t.Error("not reversed")
		}
		d.port.Disconnect(Busy)
		if d.port.wanted.reverse {
			t.Error("reversed without a far end")
		}
		dead := 0
		for d.port.wanted.unpowered {
			d.run(160)
			if d.port.wanted.unpowered {
				d.hearsNothing()
			}
			dead += 20
		}
		if dead != tt.want {
			t.Errorf("disconnect_ms %d: dead for %d ms", tt.set, dead)
		}
		d.run(2 * second)
		d.is(Parked)
		d.plays(Busy)
		d.happened()
	}
}

// A telephone that loses the loop current seems to hang up: it does not for that, and a real
// hang-up meanwhile counts when the current is back.
func TestHookIsNotBelievedWithoutCurrent(t *testing.T) {
	for _, hangsUp := range []bool{false, true} {
		d := talking(t, Config{})
		d.port.Disconnect(Reorder)
		d.run(160)
		d.took(d.port.Loop(LoopOpen))
		d.run(400 * samplesPerMS)
		want := []string{"on-hook"}
		if !hangsUp {
			d.run(120 * samplesPerMS)
			d.took(d.port.Loop(LoopClosed))
			want = nil
		}
		d.run(3 * second)
		d.happened(want...)
	}
}

func TestReversalEndsWithTheCall(t *testing.T) {
	for name, end := range map[string]func(d *telephone){
		"hang-up": func(d *telephone) { d.hangUp() }, "park": func(d *telephone) { d.port.Park(Busy) }, "pulled": func(d *telephone) { d.port.Unplug() },
		"dial tone": func(d *telephone) { d.port.Dial() },
	} {
		d := talking(t, Config{Settings: Settings{Reversal: true}})
		d.port.Connected()
		if end(d); d.port.wanted.reverse {
			t.Errorf("%s: still reversed", name)
		}
	}
	d := talking(t, Config{Settings: Settings{Reversal: true}})
	d.port.Connected()
	d.port.Recall() // the far end is held, not gone
	if !d.port.wanted.reverse {
		t.Error("a held call is not reversed")
	}
	if d = talking(t, Config{}); d.port.wanted.reverse {
		t.Error("reversed unasked")
	}
}

func TestDistinctiveRing(t *testing.T) {
	for _, tt := range []struct {
		alert string
		want  []int64 // when the bell changes, in ms
	}{
		{"", []int64{0, 2000, 6000}}, {"unknown", []int64{0, 2000, 6000}},
		{"bellcore-dr2", []int64{0, 800, 1200, 2000, 6000}},
		{"bellcore-dr3", []int64{0, 400, 600, 1000, 1200, 2000, 6000}},
	} {
		d := newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Settings: Settings{CallerID: "off"}})
		d.port.RingFor(Incoming{Alert: tt.alert})
		d.took(nil)
		d.frame = 80
		d.run(6100 * samplesPerMS)
		var got []int64
		for _, at := range d.bell {
			got = append(got, at/samplesPerMS)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.alert, got, tt.want)
		}
	}
}

// The bell is silent while data go out, however long they are and short the pause.
func TestDataMakeTheirRoom(t *testing.T) {
	d := newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Settings: Settings{CallerID: "etsi"}})
	d.port.country.Ring = Cadence{400 * samplesPerMS, 300 * samplesPerMS}
	d.port.RingFor(Incoming{Caller: Caller{Number: "01234567890123456789", Name: "A name of fifty letters, which is as long as can be"}})
	d.took(nil)
	d.run(4 * second)
	gap := (d.bell[2] - d.bell[1]) / samplesPerMS
	if data := int64(d.port.procedure.sender.Length()); gap < 600+200+data/samplesPerMS {
		t.Errorf("a pause of %d ms", gap)
	}
}

// Lifted while data go out: the call is answered, and nothing of them is heard.
func TestLiftedIntoTheData(t *testing.T) {
	for _, standard := range []string{"bellcore", "bt", "dtmf-denmark", "etsi-pulse"} {
		for ms := 0; ms < 4000; ms += 130 {
			d := newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Settings: Settings{CallerID: standard}})
			d.port.RingFor(Incoming{Caller: Caller{Number: "5551234567"}})
			d.run(ms * samplesPerMS / 160 * 160)
			d.lift()
			d.happened("answered")
			d.run(3 * second)
			d.hearsNothing()
			if w := d.port.wanted; w != (outputs{}) {
				t.Errorf("%s after %d ms: %+v", standard, ms, w)
			}
		}
	}
}
