package call

import (
	"testing"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
	"tipring/t38/t30"
)

// A page that takes time to become safe is confirmed when it is, and not before.
func TestMachineWaitsForTheDisk(t *testing.T) {
	for _, takes := range []time.Duration{300 * time.Millisecond, time.Second, 1900 * time.Millisecond, 5 * time.Second} {
		for _, ecm := range []bool{false, true} {
			inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
				doc := leaflet{2}
				r.desk.tray.takes = takes
				r.dial("600#")
				r.begin(t30.Config{Calling: true, Source: doc, ECM: ecm, Modulations: t30.SetV27ter | t30.SetV29})
				r.within(3*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
				r.await("the machine has hung up", func() bool { return !r.off })
				if diff := r.desk.tray.holds(doc); diff != "" {
					t.Errorf("%v: %s", takes, diff)
				}
				if o := r.desk.done[0]; o.ECM != ecm || o.Confirmed() != 2 {
					t.Errorf("%v: outcome: %+v", takes, o)
				}
				if res := r.sent; res.Code != t30.OK || res.Sent != 2 || res.Repeats != 0 || res.Trainings != 1 {
					t.Errorf("%v: the machine: %+v", takes, res)
				}
			})
		}
	}
}

// A page that could not be made safe is never confirmed.
func TestMachineIsNotToldThatALostPageIsSafe(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.desk.tray.refuses = errDiskFull
		r.send("600#", leaflet{2})
		r.within(3*time.Minute, "the fax is given up", func() bool { return r.desk.abandoned() == 1 })
		r.await("the machine has hung up", func() bool { return !r.off })
		if r.sent.Sent != 0 || r.sent.Code != t30.PeerLeftResult {
			t.Errorf("the machine: %+v", r.sent)
		}
		if o := r.desk.failed[0]; o.OK || o.T30 != t30.SinkError || o.Confirmed() != 0 {
			t.Errorf("outcome: %+v", o)
		}
	})
}

// No place for the fax: the machine hears that at once, before it has sent anything.
func TestSpoolIsFull(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.desk.refuses = errDiskFull
		r.send("600#", leaflet{1})
		r.pass(200 * time.Millisecond)
		r.ph.want(fxs.Parked, busyTone)
		if o := r.clerk.last(t); o.OK || o.Reason != errDiskFull.Error() {
			t.Errorf("session: %+v", o)
		}
	})
}

// The fax is taken, and could not be handed over.
func TestFaxIsNotHandedOver(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.desk.commits = errDiskFull
		r.send("600#", leaflet{1})
		r.within(2*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
		if o := r.clerk.last(t); o.OK || o.Reason != errDiskFull.Error() {
			t.Errorf("session: %+v", o)
		}
	})
}

// Somebody with a handset who dials is answered by a machine, which leaves when it has heard
// none for as long as T.30 wants (T1).
func TestNobodyFaxes(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.dial("600#")
		r.within(2*time.Minute, "the machine gives up", func() bool { return r.desk.abandoned() == 1 })
		if s := r.since(r.at); s < 35 || s > 45 {
			t.Errorf("after %.0f s", s)
		}
		r.await("a tone", func() bool { return r.toneAt > 0 })
		r.ph.want(fxs.Parked, reorderTone)
		if o := r.desk.failed[0]; o.OK || o.Begun || o.T30 != t30.NoAnswer {
			t.Errorf("outcome: %+v", o)
		}
	})
}

// A machine that has not hung up 2 s after its fax loses the loop current for 0.8 s.
func TestMachineIsDismissed(t *testing.T) {
	inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
		r.send("600#", leaflet{1})
		r.stays = true
		r.within(2*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
		from := r.at
		r.await("the loop is dead", func() bool { return r.power.off })
		if s := float64(r.at-from) / dsp.SampleRate; s < 1.9 || s > 2.2 {
			t.Errorf("dead after %.2f s", s)
		}
		from = r.at
		r.await("the loop is alive", func() bool { return !r.power.off })
		if s := float64(r.at-from) / dsp.SampleRate; s < 0.75 || s > 0.9 {
			t.Errorf("dead for %.2f s", s)
		}
		r.pass(100 * time.Millisecond)
		r.ph.want(fxs.Parked, reorderTone)
	})
	for _, hangsUp := range []bool{true, false} {
		inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
			r.send("600#", leaflet{1})
			r.stays = true
			r.within(2*time.Minute, "the fax is in", func() bool { return r.desk.committed() == 1 })
			r.await("the loop is dead", func() bool { return r.power.off })
			if hangsUp {
				r.hangUp()
			} else {
				old := r.power
				r.off = false
				r.watchPower()
				r.tick()
				r.power.off = r.power.off || !old.off
			}
			if r.power.off {
				t.Errorf("hung up %v: the loop is still dead", hangsUp)
			}
		})
	}
}

// The two samples of a turn that came late are said late, and no signal is cut.
func TestMachineCatchesUp(t *testing.T) {
	m := newMachine()
	signal := func(n int) []int16 {
		pcm := make([]int16, n)
		for i := range pcm {
			pcm[i] = int16(i%7 + 1)
		}
		return pcm
	}
	m.mouth = append(m.mouth, make([]int16, 400)...)
	m.mouth = append(m.mouth, signal(160)...)
	m.mouth = append(m.mouth, make([]int16, 50)...) // part of the signal
	m.mouth = append(m.mouth, signal(160)...)
	m.mouth = append(m.mouth, make([]int16, 1000)...)
	var said []int16
	out := make([]int16, 160)
	for range 8 {
		m.speak(out)
		said = append(said, out...)
	}
	lead := silence(said)
	if lead != 0 {
		t.Errorf("%d samples of silence before what is late already", lead)
	}
	want := append(append(signal(160), make([]int16, 50)...), signal(160)...)
	for i, s := range want {
		if said[i] != s {
			t.Fatalf("sample %d is %d, want %d", i, said[i], s)
		}
	}
	if n := len(m.mouth); n != 0 {
		t.Errorf("still %d samples late", n)
	}
}

// A frame of a port whose machine receives, and one whose machine sends: neither allocates.
func TestMachineAllocatesNothing(t *testing.T) {
	for _, calling := range []bool{false, true} {
		m := newMachine()
		c := t30.Config{Calling: calling, Sink: &tray{}}
		if err := m.load(c); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { m.work(); close(ended) }()
		in, out := make([]int16, 160), make([]int16, 160)
		for range 400 { // CED, and the first DIS or CNG
			m.Exchange(in, out)
		}
		if n := testing.AllocsPerRun(100, func() { m.Exchange(in, out) }); n > 0 {
			t.Errorf("calling %v: %v allocations a frame", calling, n)
		}
		m.leave()
		<-ended
	}
}

// A fax that is cancelled while the machine hands it in ends with DCN, whatever the machine is
// doing, and within 10 s of its next silence; the port is free for the next one.
func TestFaxIsCancelledWhileItIsHandedIn(t *testing.T) {
	for name, when := range map[string]func(r *spoolRig) bool{
		"before CED":       func(r *spoolRig) bool { return r.desk.seen() == "received 1" },
		"in the training":  func(r *spoolRig) bool { return r.fax != nil && r.fax.T30.State() == t30.Commanding },
		"in a page":        func(r *spoolRig) bool { return r.fax != nil && r.fax.T30.State() == t30.SendPage },
		"behind a command": func(r *spoolRig) bool { return r.fax != nil && r.fax.T30.State() == t30.AwaitReply },
	} {
		t.Run(name, func(t *testing.T) {
			inSpoolRig(t, FaxPort{CallAhead: "never"}, func(r *spoolRig) {
				r.send("600#", leaflet{2})
				r.await(name, func() bool { return when(r) })
				r.desk.cancel()
				r.within(20*time.Second, "the fax is given up", func() bool { return r.desk.abandoned() == 1 })
				if o := r.desk.failed[0]; o.OK || o.T30 != t30.Stopped {
					t.Errorf("outcome: %+v", o)
				}
				r.await("the machine has hung up", func() bool { return !r.off })
				if r.sent.Code == t30.OK {
					t.Errorf("the machine: %+v", r.sent)
				}
				r.await("the port is free", func() bool { return r.port.Snapshot().State == fxs.Idle })
			})
		})
	}
}
