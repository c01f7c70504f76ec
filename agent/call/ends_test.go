package call

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/media"
	"tipring/lines"
	"tipring/lines/fxs"
)

// situations are all states that a port can be in, and how it gets there.
var situations = []struct {
	name string
	set  func(r *rig, server *stunServer)
	want fxs.State
}{
	{"idle", func(*rig, *stunServer) {}, fxs.Idle},
	{"dialling", func(r *rig, _ *stunServer) { r.phone().lift(); r.phone().press("60") }, fxs.Dialling},
	{"asking for the address", func(r *rig, s *stunServer) { s.close(); r.phone().dial("600") }, fxs.Calling},
	{"calling", func(r *rig, _ *stunServer) {
		r.far.onInvite = func(*farCall) {}
		r.phone().dial("600")
	}, fxs.Calling},
	{"alerted", func(r *rig, _ *stunServer) {
		r.far.onInvite = (*farCall).ring
		r.phone().dial("600")
	}, fxs.Calling},
	{"early media", func(r *rig, _ *stunServer) {
		r.far.onInvite = (*farCall).earlyMedia
		r.phone().dial("600")
	}, fxs.Calling},
	{"talking", func(r *rig, _ *stunServer) { r.phone().dial("600") }, fxs.Talking},
	{"sending a key", func(r *rig, _ *stunServer) {
		r.phone().dial("600")
		r.run(200 * time.Millisecond)
		r.phone().keys.Press('5', 80000, 80)
	}, fxs.Talking},
	{"hearing a key", func(r *rig, _ *stunServer) {
		r.phone().dial("600")
		r.run(200 * time.Millisecond)
		r.far.last().media.SendEvent(5, 5000)
	}, fxs.Talking},
	{"talking on-hook", func(r *rig, _ *stunServer) { r.phone().place("600") }, fxs.Talking},
	{"holding", func(r *rig, _ *stunServer) {
		r.phone().dial("600")
		r.run(200 * time.Millisecond)
		r.phone().flash()
	}, fxs.Dialling},
	{"second call", func(r *rig, _ *stunServer) { secondCall(r) }, fxs.Talking},
	{"conference", func(r *rig, _ *stunServer) {
		secondCall(r)
		r.phone().flash()
	}, fxs.Talking},
	{"a call waits", func(r *rig, _ *stunServer) {
		r.phone().dial("600")
		r.run(200 * time.Millisecond)
		r.far.call()
	}, fxs.Talking},
	{"referred", func(r *rig, _ *stunServer) {
		r.phone().dial("600")
		r.run(200 * time.Millisecond)
		r.far.onInvite = (*farCall).ring
		r.far.last().refer("700")
	}, fxs.Calling},
	{"referred, and asking for the address", func(r *rig, s *stunServer) {
		r.phone().dial("600")
		r.run(200 * time.Millisecond)
		s.close()
		r.far.last().refer("700")
	}, fxs.Calling},
	{"parked", func(r *rig, _ *stunServer) {
		r.far.onInvite = func(c *farCall) { c.refuse(404) }
		r.phone().dial("600")
	}, fxs.Parked},
	{"ringing", func(r *rig, _ *stunServer) { r.far.call() }, fxs.Ringing},
	{"answering", func(r *rig, s *stunServer) {
		s.close()
		r.far.call()
		r.run(100 * time.Millisecond)
		r.phone().lift()
	}, fxs.Talking},
	{"answered", func(r *rig, _ *stunServer) {
		r.far.call()
		r.run(100 * time.Millisecond)
		r.phone().lift()
	}, fxs.Talking},
}

// However a port comes to its end, nothing of what it did is left: no call at either
// end, no socket, no bell, and nobody waits.
func TestEveryEndInEverySituation(t *testing.T) {
	for _, end := range []struct {
		name   string
		do     func(r *rig)
		rest   fxs.State // of the port
		spares []string  // situations that it does not end
	}{
		{"hang-up", func(r *rig) { r.phone().putDown() }, fxs.Idle, []string{"ringing", "holding", "second call", "a call waits"}},
		{"card pulled", func(r *rig) { r.phone().unplug() }, fxs.Idle, nil},
		{"card exchanged", func(r *rig) { r.phone().unplug(); r.phone().plug() }, fxs.Idle, nil},
		{"port closed", closePort, fxs.Idle, nil},
		{"driver closed", closeDriver, fxs.Idle, nil},
		{"line ended", func(r *rig) { r.cancel(); synctest.Wait() }, fxs.Parked, []string{"idle", "dialling", "holding"}},
		{"far end hangs up", func(r *rig) { r.far.hangUpAll() }, fxs.Parked,
			[]string{"idle", "dialling", "holding", "asking for the address", "referred, and asking for the address"}},
	} {
		for _, s := range situations {
			if slices.Contains(end.spares, s.name) {
				continue
			}
			inSTUNRig(t, settings{rtpPairs: 2, config: callWaiting}, func(r *rig, server *stunServer) {
				s.set(r, server)
				r.run(200 * time.Millisecond)
				if got := r.phone().port.Snapshot().State; got != s.want {
					t.Errorf("%s: %v", s.name, got)
				}
				end.do(r)
				r.run(2 * time.Second)
				want := end.rest
				if s.name == "ringing" || s.name == "talking on-hook" { // the handset is down
					want = fxs.Idle
				}
				if got := r.phone().port.Snapshot(); got.State != want || got.Call != "" || r.rtp.InUse() != 0 {
					t.Errorf("%s, then %s: %+v, %d RTP ports", s.name, end.name, got, r.rtp.InUse())
				}
				// A line that is cut off says goodbye to nobody.
				if n := r.far.running(); n != 0 && end.name != "line ended" {
					t.Errorf("%s, then %s: %d calls at the far end", s.name, end.name, n)
				}
			})
		}
	}
}

// secondCall holds one call and has another.
func secondCall(r *rig) {
	r.phone().dial("600")
	r.run(200 * time.Millisecond)
	r.phone().flash()
	r.run(200 * time.Millisecond)
	r.phone().press("601#")
	r.run(200 * time.Millisecond)
}

// callWaiting makes a telephone hear of calls that wait.
func callWaiting(c *Config) { c.CallWaiting = true }

func closePort(r *rig) {
	if err := r.phone().port.Close(); err != nil {
		r.t.Errorf("%v", err)
	}
}

func closeDriver(r *rig) {
	if err := r.phone().Close(); err != nil {
		r.t.Errorf("%v", err)
	}
}

// A port that was closed while a program waited for its call says so.
func TestWhoWaitsForACallLearnsThatThePortIsClosed(t *testing.T) {
	inSTUNRig(t, settings{}, func(r *rig, server *stunServer) {
		server.close()
		w := r.phone().ask(context.Background(), "600")
		r.run(100 * time.Millisecond)
		other := r.phone().ask(context.Background(), "601") // not looked at before the end
		closePort(r)
		synctest.Wait()
		if !w.done || w.err == nil || !other.done || other.err == nil {
			t.Errorf("%+v, %+v", w, other)
		}
	})
}

func TestPortIsClosedTwice(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		closePort(r)
		closePort(r)
	})
}

// Another card that is plugged in is the telephone from then on, lamp included.
func TestCardIsExchanged(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.port.MessageWaiting(true)
		r.run(100 * time.Millisecond)
		if !ph.card.lamp || !ph.port.Snapshot().Card {
			t.Error("no lamp")
		}
		ph.unplug()
		if ph.port.Snapshot().Card {
			t.Error("there is a card still")
		}
		ph.port.MessageWaiting(true)
		ph.plug()
		r.run(100 * time.Millisecond)
		if !ph.card.lamp {
			t.Error("no lamp at the new card")
		}
		ph.dial("600")
		r.run(200 * time.Millisecond)
		ph.want(fxs.Talking, nothing)
	})
}

// What the line tells a port that is closed finds nobody, and leaves nothing.
func TestLineTellsAClosedPort(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		ph.dial("600")
		r.run(200 * time.Millisecond)
		c := ph.port.now
		call := c.call
		closePort(r)
		synctest.Wait()
		l := listener{c}
		l.Started(call) // a call that began for the port is ended
		if l.Referred(call, lines.Dial{To: "700"}) {
			t.Error("a closed port follows a referral")
		}
		l.Ringing(call)
		l.Media(call, nil)
		l.Answered(call)
		l.Digit(call, '5')
		l.Ended(call, lines.Reason{})
		if n := r.rtp.InUse(); n != 0 {
			t.Errorf("%d RTP ports", n)
		}
	})
}

// A call that begins after the handset went down is ended at once, and all that is told
// of it falls on deaf ears.
func TestLineTellsOfACallThatNobodyWants(t *testing.T) {
	inRig(t, settings{}, func(r *rig) {
		ph := r.phone()
		r.far.onInvite = (*farCall).ring
		ph.dial("600")
		r.run(200 * time.Millisecond)
		c, call := ph.port.now, ph.port.now.call
		ph.hangUp()
		again := listener{c}
		again.Started(call)
		again.Ringing(call)
		again.Media(call, nil)
		again.Answered(call)
		again.Digit(call, '5')
		again.Ended(call, lines.Reason{Code: 486})
		if !again.Referred(call, lines.Dial{To: "700"}) {
			t.Error("the line's goroutine knows of a hang-up before it is told")
		}
		r.run(200 * time.Millisecond)
		ph.want(fxs.Idle, nothing)
		if n := len(r.far.calls); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestTheLastTwentyRecordsAreKept(t *testing.T) {
	var r records
	for i := range 25 {
		r.keep(strconv.Itoa(i), media.Stats{PacketsSent: uint32(i)})
	}
	for i := range 25 {
		st, ok := r.find(strconv.Itoa(i))
		if ok != (i >= 5) || ok && st.PacketsSent != uint32(i) {
			t.Errorf("record %d: %v, %+v", i, ok, st)
		}
	}
}
