package t38

import (
	"fmt"
	"testing"

	"tipring/internal/dsp"
	"tipring/t38/ifp"
	"tipring/t38/t30"
	"tipring/t38/udptl/netmodel"
)

// Noise over pages is repaired by PPR, and past the fourth, where the sender goes on with CTC,
// at a lower rate.
func TestGatewayRepairs(t *testing.T) {
	for _, n := range delays {
		for _, repairs := range []int{1, 3, 4, 6} {
			t.Run(fmt.Sprintf("%d repairs, delay %d", repairs, n.Delay), func(t *testing.T) {
				t.Parallel()
				f := newFaxTest(t, 2, true)
				f.net = n
				f.doc.rows = 400
				f.sends.Source = f.doc
				f.open(t)
				f.spoilPages(repairs)
				s, _ := f.well(t)
				if s.Repairs != repairs || (s.BitRate < 14400) != (repairs >= 4) {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

// spoilPages puts noise over pages until so many repairs were asked for.
func (f *faxTest) spoilPages(repairs int) {
	began, was := int64(0), false
	f.a.toGateway = func(now int64, s []int16) {
		is := f.a.m.T30.Sending().Kind == t30.ECM
		if is && !was {
			began = now
		}
		was = is
		// The training is left alone.
		from := began + 3000
		if !f.a.m.T30.Sending().Short {
			from += 10000
		}
		if is && f.a.m.T30.Result().Repairs < repairs && now > from {
			drown(func() bool { return true })(now, s)
		}
	}
}

// A sender that cannot get a page through ends it with EOR, and the call ends for both.
func TestGatewayEOR(t *testing.T) {
	f := newFaxTest(t, 1, true)
	f.doc.rows = 400
	f.sends.Source = f.doc
	f.sends.Modulations = t30.Modulations(t30.V27ter2400)
	f.limit = 1200
	f.open(t)
	f.a.toGateway = drown(func() bool {
		x := f.a.m.T30
		return x.Sending().Kind == t30.ECM && f.a.now%(3*t30.SampleRate) < t30.SampleRate
	})
	s, r := f.run(t)
	if s.Code != t30.TooManyRepairs || r.Code == t30.OK {
		t.Errorf("sender: %v, receiver: %v", s.Code, r.Code)
	}
}

// busyTray is a tray that cannot take more for some questions.
type busyTray struct {
	*tray
	asked, until int
}

func (b *busyTray) Busy() bool {
	b.asked++
	return b.asked <= b.until
}

// RNR holds a sender, RR asks again.
func TestGatewayRNR(t *testing.T) {
	for _, n := range delays {
		t.Run(fmt.Sprint("delay ", n.Delay), func(t *testing.T) {
			t.Parallel()
			f := newFaxTest(t, 2, true)
			f.net = n
			sink := &busyTray{tray: f.got, until: 4}
			f.takes.Sink = sink
			f.open(t)
			f.well(t)
			if sink.asked <= sink.until {
				t.Errorf("was asked %d times", sink.asked)
			}
		})
	}
}

// Operators ask for the line with PRI-Q, PIP and PIN.
func TestGatewayOperators(t *testing.T) {
	yes := func() bool { return true }
	for _, ecm := range []bool{false, true} {
		for _, n := range delays {
			for asks := range 2 {
				for _, agrees := range []bool{true, false} {
					t.Run(fmt.Sprintf("end %d asks, the other agrees %v, ECM %v, delay %d", asks, agrees, ecm, n.Delay), func(t *testing.T) {
						t.Parallel()
						f := newFaxTest(t, 2, ecm)
						f.net = n
						want := t30.OK
						if agrees {
							want = t30.TakenOver
							if f.takes.Operator = yes; asks == 1 {
								f.takes.Operator, f.sends.Operator = nil, yes
							}
						}
						f.open(t)
						[]*faultyLine{f.a, f.b}[asks].m.T30.Interrupt()
						if s, r := f.run(t); s.Code != want || r.Code != want {
							t.Errorf("sender: %v, receiver: %v, want %v", s.Code, r.Code, want)
						}
					})
				}
			}
		}
	}
}

// DTC: the machine that called receives, and both send in one call.
func TestGatewayPolling(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		for _, n := range delays {
			for _, both := range []bool{false, true} {
				t.Run(fmt.Sprintf("ECM %v, both send %v, delay %d", ecm, both, n.Delay), func(t *testing.T) {
					t.Parallel()
					f := newFaxTest(t, 2, ecm)
					f.net = n
					there, polled := f.doc, &tray{t: t}
					f.sends.Sink, f.takes.Source = polled, there
					if !both {
						f.sends.Source, f.takes.Sink = nil, nil
					}
					f.open(t)
					s, r := f.run(t)
					if s.Code != t30.OK || r.Code != t30.OK || s.Received != 2 || r.Sent != 2 {
						t.Fatalf("caller: %+v, called: %+v", s, r)
					}
					polled.same(there)
					if both {
						f.got.same(f.doc)
					}
				})
			}
		}
	}
}

// Trainings with a tone of talker echo protection before them.
func TestGatewayTEP(t *testing.T) {
	for _, m := range []t30.Modulation{t30.V27ter2400, t30.V29At9600, t30.V17At14400} {
		for _, ecm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, ECM %v", m, ecm), func(t *testing.T) {
				t.Parallel()
				f := newFaxTest(t, 2, ecm)
				f.sends.Modulations = t30.Modulations(m, t30.V27ter2400)
				f.open(t)
				f.a.m.voice.tx.TEP = true
				if s, r := f.well(t); s.BitRate != m.BitRate() || s.Repeats+s.Failures+r.Repairs > 0 {
					t.Errorf("sender %+v, receiver %+v", s, r)
				}
			})
		}
	}
}

// Datagrams lost in bursts: every call ends well, and with ECM every page is exact.
func TestGatewayLossBursts(t *testing.T) {
	for seed := range uint64(4) {
		for _, burst := range []int{3, 8} {
			t.Run(fmt.Sprintf("bursts of %d, seed %d", burst, seed), func(t *testing.T) {
				t.Parallel()
				f := newFaxTest(t, 2, true)
				f.doc.rows = 200
				f.sends.Source = f.doc
				f.open(t)
				cross(t, f.a, f.b, netmodel.New(seed, netmodel.Config{Loss: 0.02 / float64(burst), Burst: burst, Delay: 320}), f.limit)
				if s, r := f.a.m.T30.Result(), f.b.m.T30.Result(); s.Code != t30.OK || r.Code != t30.OK {
					t.Fatalf("sender %+v, receiver %+v", s, r)
				}
				f.got.same(f.doc)
			})
		}
	}
}

// A machine that stops within a page ends the call for the other one, as does one that hangs
// up without a word.
func TestGatewayEndWithinPage(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		for _, word := range []bool{true, false} {
			for _, sender := range []bool{true, false} {
				t.Run(fmt.Sprintf("ECM %v, DCN %v, sender %v", ecm, word, sender), func(t *testing.T) {
					t.Parallel()
					f := newFaxTest(t, 2, ecm)
					f.doc.rows = 300
					f.sends.Source = f.doc
					f.open(t)
					leaves, other := f.a, f.b
					if !sender {
						leaves, other = f.b, f.a
					}
					inPage := 0
					leaves.toGateway = func(now int64, s []int16) {
						if f.a.m.T30.State() == t30.SendPage {
							inPage++
						}
						if inPage != 25 {
							return
						}
						inPage++
						if word {
							leaves.m.T30.Stop()
						} else {
							leaves.m.T30.LineLost()
						}
					}
					f.run(t)
					if r := other.m.T30.Result(); r.Code == t30.OK || r.Code >= t30.Stopped {
						t.Errorf("the other's: %v", r.Code)
					}
					if !f.a.tell.idle() || !f.b.tell.idle() {
						for range 15 * t30.SampleRate / tick {
							f.a.step()
							f.b.step()
						}
					}
					if !f.a.tell.idle() || !f.b.tell.idle() {
						t.Error("a gateway has not become silent")
					}
				})
			}
		}
	}
}

// heard returns the tones in what a gateway says in a time.
func heard(g *Gateway, seconds int, in func([]int16)) (tones []dsp.FaxTone) {
	var d dsp.FaxDetector
	var line, out [tick]int16
	for range seconds * t30.SampleRate / tick {
		clear(line[:])
		if in != nil {
			in(line[:])
		}
		g.Exchange(line[:], out[:])
		for _, e := range d.Feed(nil, out[:]) {
			if !e.Ended {
				tones = append(tones, e.Tone)
			}
		}
	}
	return tones
}

// A gateway makes CED of the network's ANSam, so that nobody begins V.8, and tells the
// network CED of the line's.
func TestGatewayANSam(t *testing.T) {
	g := NewGateway(adaptive, DefaultLevel)
	(*fromNet)(g).Indicator(ifp.V8ANSam)
	if tones := heard(g, 4, nil); len(tones) != 1 || tones[0] != dsp.CED {
		t.Errorf("the line hears %v, want one ced", tones)
	}
	c := &cable{}
	near, far := newGateway(c, DefaultLevel), NewGateway(adaptive, DefaultLevel)
	ansam := dsp.NewANSam(DefaultLevel)
	heard(near, 4, func(s []int16) { ansam.Read(s) })
	c.deliver(far, tick)
	if tones := heard(far, 4, nil); len(tones) != 1 || tones[0] != dsp.CED {
		t.Errorf("the far line hears %v, want one ced", tones)
	}
}

// A framePeeker takes what a gateway tells.
type framePeeker struct {
	*cable
	frames [][]byte
}

func (p *framePeeker) Frame(d ifp.DataType, octets []byte, good bool) {
	p.frames = append(p.frames, append([]byte(nil), octets...))
	p.cable.Frame(d, octets, good)
}

// What the machines say of themselves is edited on its way from the line and to it: NSF is
// masked and keeps its length, V.8 and T.38 bits are cleared, the rest stays.
func TestGatewayEdits(t *testing.T) {
	nsf, dis := []byte{0xff, 0x03, 0x20, 0xad, 0x00, 0x55}, []byte{0xff, 0x13, 0x80, 0x24, 0xee, 0xf8, 0x44}
	masked, plain := []byte{0xff, 0x03, 0x20, 0xff, 0xff, 0xff}, []byte{0xff, 0x13, 0x80, 0x00, 0xee, 0xf8, 0x44}
	// A far gateway's line says what a near one's ear hears.
	says := newGateway(&cable{}, DefaultLevel)
	says.Policy.KeepNSF = true
	net := (*fromNet)(says)
	net.Indicator(ifp.V21Preamble)
	net.Frame(ifp.V21Data, nsf, true)
	net.Frame(ifp.V21Data, dis, true)
	net.End(ifp.V21Data)
	p := &framePeeker{cable: &cable{}}
	hears := newGateway(p, DefaultLevel)
	var line, none [tick]int16
	for range 4 * t30.SampleRate / tick {
		says.Exchange(none[:], line[:])
		hears.Exchange(line[:], none[:])
		clear(none[:])
	}
	if want := fmt.Sprintf("%x", [][]byte{masked, plain}); fmt.Sprintf("%x", p.frames) != want {
		t.Errorf("%x, want %s", p.frames, want)
	}
}
