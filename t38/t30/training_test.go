package t30

import (
	"fmt"
	"slices"
	"testing"
)

// A machine that fails to train answers FTT, at whatever stage it failed, and the rate goes
// down step by step; the training check has the long training each time.
func TestFailedTrainingIsAnsweredAndStepsDown(t *testing.T) {
	spoil := func(p []byte) {
		for i := 0; i < len(p); i += 20 {
			p[i] ^= 0x10
		}
	}
	for _, tt := range []struct {
		name  string
		fault func(l *link, bad func(x Transmission) bool)
	}{
		{"noise over the zeros", func(l *link, bad func(Transmission) bool) {
			l.f.octets = func(_ int, x Transmission, p []byte) {
				if x.Kind == TCF && bad(x) {
					spoil(p)
				}
			}
		}},
		{"noise over the training", func(l *link, bad func(Transmission) bool) {
			l.f.train = func(_ int, x Transmission) bool { return bad(x) }
		}},
		{"signal not noticed at all", func(l *link, bad func(Transmission) bool) {
			l.f.lose = func(_ int, x Transmission) bool { return x.Kind == TCF && bad(x) }
		}},
	} {
		for _, ecm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, ECM %v", tt.name, ecm), func(t *testing.T) {
				doc, sink := textPages(2, 5000), &testSink{}
				l := newLink(t, Config{Source: doc, ECM: ecm}, Config{Sink: sink, ECM: ecm})
				tt.fault(l, func(x Transmission) bool { return x.Modulation.BitRate() > 7200 })
				var checks []Modulation
				l.observe(func(_ int, x Transmission) {
					if x.Kind == TCF {
						checks = append(checks, x.Modulation)
						if x.Short {
							t.Errorf("TCF at %v with short training", x.Modulation)
						}
					} else if x.Kind >= Image && !x.Short {
						t.Errorf("page at %v with long training", x.Modulation)
					}
				})
				mustSend(t, l, doc, sink)
				if want := []Modulation{V17At14400, V17At12000, V17At9600, V17At7200}; !slices.Equal(checks, want) {
					t.Errorf("TCF at %v, want %v", checks, want)
				}
				for _, e := range l.ends {
					if r := e.t.Result(); r.Failures != 3 || r.Trainings != 4 || r.BitRate != 7200 || r.Repeats != 0 {
						t.Errorf("%+v", r)
					}
				}
			})
		}
	}
}

// observe calls f for each transmission that begins.
func (l *link) observe(f func(from int, x Transmission)) {
	lose := l.f.lose
	l.f.lose = func(from int, x Transmission) bool {
		f(from, x)
		return lose != nil && lose(from, x)
	}
}

func TestTrainingThatNeverSucceedsEnds(t *testing.T) {
	l, _, _ := ecmCall(t, 1, 100)
	l.f.train = func(int, Transmission) bool { return true }
	if !l.run() {
		t.Fatal("does not end")
	}
	if c := l.ends[0].t.Result().Code; c != TrainingFailed {
		t.Errorf("sender: %v", c)
	}
	if c := l.ends[1].t.Result().Code; c != PeerLeftTrain {
		t.Errorf("receiver: %v", c)
	}
}

// A machine that does not answer a failed training with FTT is met at a lower rate in the end.
func TestThirdTrainingWithoutAnswerIsSlower(t *testing.T) {
	l, doc, sink := ecmCall(t, 1, 1000)
	l.f.train = func(_ int, x Transmission) bool { return x.Modulation == V17At14400 }
	l.f.frame = func(_ int, octets []byte) (bool, bool) { return FCF(octets[2])&^1 != FTT, true }
	mustSend(t, l, doc, sink)
	if r := l.ends[0].t.Result(); r.BitRate != 12000 || r.Repeats != 2 || r.Trainings != 3 {
		t.Errorf("%+v", r)
	}
}

// A change of page size, resolution or both takes the call back to phase B (EOM). The rate
// found before stays, and T1 is counted anew: the second identification may take as long as
// the first did.
func TestReturnToPhaseBKeepsTheRate(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		doc := newDoc(
			fullPage(90000, 1, Form{Resolution: Fine}), // 50 s: longer than T1
			fullPage(3000, 2, Form{Resolution: Standard}),
			fullPage(3000, 3, Form{Resolution: Standard, Width: B4Width}),
			fullPage(3000, 4, Form{Resolution: Standard, Width: B4Width}))
		sink := &testSink{}
		l := newLink(t, Config{Source: doc, ECM: ecm}, Config{Sink: sink, ECM: ecm, MaxWidth: B4Width})
		l.f.train = func(_ int, x Transmission) bool { return x.Modulation == V17At14400 }
		lost := 0
		l.f.frame = func(_ int, octets []byte) (bool, bool) { // the first answers of each phase B
			if FCF(octets[2]) == DIS {
				lost++
				return lost%6 == 0, true
			}
			return true, true
		}
		var rates []int
		l.observe(func(_ int, x Transmission) {
			if x.Kind == TCF {
				rates = append(rates, x.Modulation.BitRate())
			}
		})
		mustSend(t, l, doc, sink)
		if want := []int{14400, 12000, 12000, 12000}; !slices.Equal(rates, want) {
			t.Errorf("ECM %v: trained at %v, want %v", ecm, rates, want)
		}
		if f := sink.pages[3].format; f.Width != B4Width || f.Resolution != Standard {
			t.Errorf("last page: %+v", f)
		}
	}
}
