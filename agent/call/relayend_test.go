package call

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tipring/agent/fax"
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines/fxs"
	"tipring/t38"
	"tipring/t38/t30"
)

// everyPhase is moments of a call of about half a minute, from ringing to behind the fax.
func everyPhase(do func(at time.Duration)) {
	step := 3300 * time.Millisecond
	if raceEnabled {
		step *= 3
	}
	for at := 100 * time.Millisecond; at < 34*time.Second; at += step {
		do(at)
	}
}

// However far a fax has come, the far end's BYE and the machine's hanging up end everything, and
// the record is closed once.
func TestRelayEndsInEachPhase(t *testing.T) {
	for _, receives := range []bool{false, true} {
		for _, noT38 := range []bool{false, true} {
			for _, how := range []string{"BYE", "on-hook", "unplugged"} {
				t.Run(fmt.Sprint(receives, noT38, how), func(t *testing.T) {
					everyPhase(func(at time.Duration) {
						x := faxCall{receives: receives, noT38: noT38, settings: func(s *fax.Settings) { s.Reinvite = "detector" }}
						relayTest(t, x, func(f *faxRig) {
							f.begin()
							ended := false
							f.events[at.Round(20*time.Millisecond)] = func() {
								ended = true
								switch how {
								case "BYE":
									f.rig.far.hangUpAll()
								case "on-hook":
									f.phone().putDown()
								default:
									f.phone().unplug()
									f.phone().plug()
								}
							}
							f.pass(at + time.Second)
							f.run(time.Second)
							if len(f.ends) != 1 {
								t.Fatalf("ended after %v: %d outcomes", at, len(f.ends))
							}
							if o := f.ends[0]; ended && o.OK != (o.Reason == "") || o.OK && !f.got.equal(f.sent) {
								t.Errorf("ended after %v: %+v", at, o)
							}
						})
					})
				})
			}
		}
	}
}

// untilDone lets the fax pass.
func (f *faxRig) untilDone() {
	f.t.Helper()
	for range 3000 {
		if f.near.Done() && f.far.Done() {
			return
		}
		f.frame()
	}
	f.t.Fatalf("a minute was not enough: %v and %v", f.near.State(), f.far.State())
}

// A machine that does not hang up behind DCN is parted from the far end after five seconds.
func TestRelayHangsUpBehindDCN(t *testing.T) {
	for _, noT38 := range []bool{false, true} {
		relayTest(t, faxCall{receives: true, noT38: noT38}, func(f *faxRig) {
			f.begin()
			f.untilDone()
			began := time.Now()
			f.until("the call is over", func() bool { return f.rig.far.running() == 0 })
			if d := time.Since(began); d < 4*time.Second || d > 6*time.Second {
				t.Errorf("no T.38 %v: %v behind DCN", noT38, d)
			}
			f.run(time.Second)
			if o := f.well(); o.Code != 0 {
				t.Errorf("%+v", o)
			}
			f.run(2 * time.Second)
			f.phone().want(fxs.Parked, reorderTone)
		})
	}
}

// A call in which both machines have gone silent is ended a minute later.
func TestRelayHangsUpInSilence(t *testing.T) {
	for _, noT38 := range []bool{false, true} {
		relayTest(t, faxCall{receives: true, noT38: noT38}, func(f *faxRig) {
			f.begin()
			f.run(12 * time.Second) // into the page
			f.rig.far.last().fax.machine = nil
			f.phone().fax = nil
			f.run(58 * time.Second)
			if n := f.rig.far.running(); n != 1 {
				t.Fatal("the call was ended too early")
			}
			f.run(5 * time.Second)
			if n := f.rig.far.running(); n != 0 {
				t.Error("the call goes on")
			}
			if o := f.outcome(); o.OK || o.Reason == "" {
				t.Errorf("%+v", o)
			}
		})
	}
}

// What was taken for a fax and is none, a modem or a voice, is not hung up for its silence.
func TestRelayLeavesOtherModemsAlone(t *testing.T) {
	relayTest(t, faxCall{receives: true, noT38: true}, func(f *faxRig) {
		f.phone().fax = nil
		f.rig.far.call().fax.machine = nil
		f.until("the machine rings", func() bool { return f.phone().card.ringing })
		f.phone().lift()
		f.phone().says = voice(2100)
		f.run(3 * time.Second)
		if !f.phone().port.now.session.Data() {
			t.Error("an answer tone is no data")
		}
		f.phone().says = nil
		f.run(70 * time.Second)
		if f.rig.far.running() != 1 || f.phone().port.now.session.Data() {
			t.Error("a silent call was ended, or is still in data mode")
		}
		f.phone().hangUp()
	})
}

// speaks lets both ends talk like people, with pauses.
func (f *faxRig) speaks(d time.Duration) {
	c := f.rig.far.last()
	f.phone().fax, c.fax.machine = nil, nil
	for range d / (500 * time.Millisecond) {
		f.phone().speak()
		f.run(400 * time.Millisecond)
		f.phone().says = nil
		f.run(100 * time.Millisecond)
	}
}

// Who lifts the handset behind a fax, or instead of one, is heard: the call goes back to sound
// and is not ended.
func TestRelaySpeechBehindAFax(t *testing.T) {
	for _, noT38 := range []bool{false, true} {
		relayTest(t, faxCall{receives: true, noT38: noT38}, func(f *faxRig) {
			f.begin()
			f.untilDone()
			f.speaks(30 * time.Second)
			c := f.rig.far.last()
			if c.over || c.o.Image() != nil {
				t.Fatalf("no T.38 %v: over %v, T.38 %v", noT38, c.over, c.o.Image())
			}
			f.phone().speak()
			f.run(time.Second)
			if hz := loudest(c.ear); hz != nearVoice {
				t.Errorf("no T.38 %v: the far end hears %d Hz", noT38, hz)
			}
			if f.phone().port.now.session.Data() {
				t.Error("still in data mode")
			}
			f.phone().hangUp()
			f.well()
		})
	}
}

// Behind a talk another fax may follow in the same call, and is one like the first.
func TestRelayOfTwoFaxes(t *testing.T) {
	for _, noT38 := range []bool{false, true} {
		relayTest(t, faxCall{receives: true, noT38: noT38, pages: 2}, func(f *faxRig) {
			f.begin()
			f.untilDone()
			f.speaks(5 * time.Second)
			again := &paper{}
			f.near = terminal(t, t30.Config{Sink: paperSink{again}, ECM: true, Ident: "222"})
			f.far = terminal(t, t30.Config{Calling: true, Source: paperSource{f.sent}, ECM: true, Ident: "333"})
			f.phone().fax = t38.NewMachine(f.near, t38.DefaultLevel)
			c := f.rig.far.last()
			c.fax.machine = t38.NewMachine(f.far, t38.DefaultLevel)
			c.fax.machine.Start()
			f.phone().fax.Start()
			f.pass(3 * time.Minute)
			if !again.equal(f.sent) {
				t.Errorf("%d pages of the second fax", len(again.pages))
			}
			o := f.outcome()
			if want := map[bool]string{true: "audio", false: "t38"}[noT38]; !o.OK || o.Confirmed() != 4 || len(o.Pages) != 4 || o.RemoteID != "333" || o.Transport != want {
				t.Errorf("%+v", o)
			}
		})
	}
}

// Hold of the far end, and a flash of the machine's hook, change nothing in a fax.
func TestRelayIsNotHeld(t *testing.T) {
	for _, noT38 := range []bool{false, true} {
		relayTest(t, faxCall{receives: true, noT38: noT38, pages: 2}, func(f *faxRig) {
			f.begin()
			f.events[14*time.Second] = func() { f.rig.far.last().reinvite(offer.SendOnly) }
			f.events[15*time.Second] = func() { f.phone().loop(fxs.LoopFlash) }
			f.events[18*time.Second] = func() { f.rig.far.last().reinvite(offer.SendRecv) }
			f.pass(3 * time.Minute)
			f.well()
		})
	}
}

// The far end's packets go elsewhere and come from elsewhere in the middle of a page.
func TestRelayMoves(t *testing.T) {
	relayTest(t, faxCall{receives: true, pages: 2}, func(f *faxRig) {
		f.begin()
		f.events[14*time.Second] = func() { f.rig.far.last().moveFax() }
		f.pass(3 * time.Minute)
		if o := f.well(); o.Transport != "t38" {
			t.Errorf("%+v", o)
		}
	})
}

// Packets come from another port than the far end said, as through a NAT.
func TestRelayBehindNAT(t *testing.T) {
	relayTest(t, faxCall{receives: true}, func(f *faxRig) {
		was := f.rig.far.onCall
		f.rig.far.onCall = func(c *farCall) {
			was(c)
			pair, err := f.rig.far.rtp.Listen(localhost, "")
			if err != nil {
				t.Fatal(err)
			}
			c.fax.from = pair
		}
		f.begin()
		f.pass(3 * time.Minute)
		if o := f.well(); o.Transport != "t38" {
			t.Errorf("%+v", o)
		}
	})
}

// A stranger who floods the port with packets of T.38 disturbs nothing.
func TestRelayStranger(t *testing.T) {
	relayTest(t, faxCall{receives: true}, func(f *faxRig) {
		pair, err := f.rig.far.rtp.Listen(localhost, "")
		if err != nil {
			t.Fatal(err)
		}
		f.begin()
		c := f.rig.far.last()
		number := 0
		for at := 10 * time.Second; at < 30*time.Second; at += 20 * time.Millisecond {
			f.events[at] = func() {
				for range 5 {
					if err := pair.RTP.Write([]byte{byte(number >> 8), byte(number), 1, 0x06, 0, 0}, c.o.Image().Remote); err != nil {
						t.Error(err)
					}
					number++
				}
			}
		}
		f.pass(3 * time.Minute)
		f.well()
		if err := pair.Close(); err != nil {
			t.Error(err)
		}
	})
}

// localhost is where the sockets of the far end are.
var localhost = netip.MustParseAddr("127.0.0.1")

// moveFax goes on with another socket for T.38.
func (c *farCall) moveFax() {
	pair, err := c.f.rtp.Listen(localhost, "")
	if err != nil {
		c.f.r.t.Fatalf("%v", err)
	}
	c.fax.from = pair
	c.fax.packets = media.NewPackets(pair.RTP, c.o.Image().Remote, media.LearnNever)
	c.o.SetLocal(offer.Local{RTP: pair.RTP.Local(), RTCP: pair.RTCP.Local()})
	c.reinvite(offer.SendRecv)
}
