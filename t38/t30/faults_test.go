package t30

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func ecmCall(t *testing.T, pages, octets int) (*link, *testDoc, *testSink) {
	doc, sink := textPages(pages, octets), &testSink{}
	return newLink(t, Config{Source: doc, ECM: true, Ident: "1"}, Config{Sink: sink, ECM: true, Ident: "2"}), doc, sink
}

func plainCall(t *testing.T, pages, octets int) (*link, *testDoc, *testSink) {
	doc, sink := textPages(pages, octets), &testSink{}
	return newLink(t, Config{Source: doc, Ident: "1"}, Config{Sink: sink, Ident: "2"}), doc, sink
}

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
	if r := l.ends[0].t.Result(); r.BitRate != 12000 || r.Repeats != 2 {
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

// Each V.21 frame of a call in turn is lost, or damaged: every such call completes.
func TestAnyOneFrameMayBeLost(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		for _, crp := range []bool{false, true} {
			for _, damage := range []bool{false, true} {
				for _, noFlags := range []bool{false, true} {
					for n := range 22 {
						doc := newDoc(fullPage(2000, 1, Form{}), fullPage(2000, 2, Form{}), fullPage(2000, 3, Form{Resolution: Fine}))
						sink := &testSink{}
						l := newLink(t, Config{Source: doc, ECM: ecm, CRP: crp, Ident: "1"}, Config{Sink: sink, ECM: ecm, CRP: crp, Ident: "2"})
						l.f.noFlags = noFlags
						i := 0
						l.f.frame = func(int, []byte) (bool, bool) {
							i++
							return damage || i != n+1, i != n+1
						}
						t.Run(fmt.Sprintf("ECM %v, CRP %v, damaged %v, no flags %v, frame %d", ecm, crp, damage, noFlags, n), func(t *testing.T) {
							mustSend(t, l, doc, sink)
						})
					}
				}
			}
		}
	}
}

// Each whole transmission of a call in turn is not heard. Without ECM a lost page is rejected
// and sent again.
func TestAnyOneTransmissionMayBeLost(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		for n := range 20 {
			doc, sink := textPages(2, 2000), &testSink{}
			l := newLink(t, Config{Source: doc, ECM: ecm}, Config{Sink: sink, ECM: ecm})
			i, lost := 0, Transmission{}
			l.f.lose = func(_ int, x Transmission) bool {
				if x.Kind == Silence {
					return false
				}
				if i++; i == n+1 {
					lost = x
				}
				return i == n+1
			}
			t.Run(fmt.Sprintf("ECM %v, %d", ecm, n), func(t *testing.T) {
				mustSend(t, l, doc, sink)
				if testing.Verbose() {
					t.Log(lost)
				}
			})
		}
	}
}

// The line brings back what one says, after so long that one listens again.
func TestOwnEchoIsTolerated(t *testing.T) {
	for _, echo := range []int64{300, 1200, 2500, 6000} {
		for _, ecm := range []bool{false, true} {
			doc, sink := textPages(3, 3000), &testSink{}
			l := newLink(t, Config{Source: doc, ECM: ecm, Ident: "1"}, Config{Sink: sink, ECM: ecm, Ident: "2"})
			l.f.echo = echo
			t.Run(fmt.Sprintf("%d samples, ECM %v", echo, ecm), func(t *testing.T) { mustSend(t, l, doc, sink) })
		}
	}
}

func TestLongDelay(t *testing.T) {
	for _, delay := range []int64{800, 2400, 4000, 6000} {
		for _, ecm := range []bool{false, true} {
			doc, sink := textPages(3, 3000), &testSink{}
			l := newLink(t, Config{Source: doc, ECM: ecm}, Config{Sink: sink, ECM: ecm})
			l.delay = delay
			t.Run(fmt.Sprintf("%d ms one way, ECM %v", delay/8, ecm), func(t *testing.T) {
				mustSend(t, l, doc, sink)
				if r := l.ends[0].t.Result(); r.Repeats != 0 {
					t.Errorf("%d repetitions met their answers", r.Repeats)
				}
			})
		}
	}
}

// Damaged ECM frames are asked for again, and the page arrives exact.
func TestDamagedFramesAreRepaired(t *testing.T) {
	for _, frame64 := range []bool{false, true} {
		for _, octets := range []int{1, 255, 256, 257, 16384, 65536, 65537, 150000} {
			doc, sink := textPages(2, octets), &testSink{}
			l := newLink(t, Config{Source: doc, ECM: true, ECM64: frame64}, Config{Sink: sink, ECM: true})
			r := rand.New(rand.NewPCG(7, uint64(octets)))
			l.f.ecm = func(int, Transmission, int, []byte) bool { return r.IntN(10) > 0 }
			t.Run(fmt.Sprintf("%d octets, 64 %v", octets, frame64), func(t *testing.T) {
				mustSend(t, l, doc, sink)
				s, g := l.ends[0].t.Result(), l.ends[1].t.Result()
				if s.Repairs != g.Repairs || s.Frames != g.Frames || octets > 16384 && s.Repairs == 0 {
					t.Errorf("sent %d repairs of %d frames, received %d of %d", s.Repairs, s.Frames, g.Repairs, g.Frames)
				}
			})
		}
	}
}

// After the fourth PPR the sender continues to correct at lower rates, each with a long
// training first, then with short ones.
func TestContinueToCorrectAtLowerRates(t *testing.T) {
	l, doc, sink := ecmCall(t, 2, 30000)
	var signals []string
	l.observe(func(_ int, x Transmission) {
		if x.Kind == ECM {
			signals = append(signals, fmt.Sprint(x.Modulation, x.Short))
		}
	})
	l.f.ecm = func(_ int, x Transmission, n int, _ []byte) bool { return x.Modulation.BitRate() <= 9600 }
	mustSend(t, l, doc, sink)
	want := []string{"v17-14400 true", "v17-14400 true", "v17-14400 true", "v17-14400 true",
		"v17-12000 false", "v17-12000 true", "v17-12000 true", "v17-12000 true", "v17-9600 false", "v17-9600 true"}
	if !slices.Equal(signals, want) {
		t.Errorf("page signals %v\nwant %v", signals, want)
	}
	for _, e := range l.ends {
		if r := e.t.Result(); r.BitRate != 9600 || r.Repairs != 8 {
			t.Errorf("%+v", r)
		}
	}
}

// Where repair makes no progress down to the lowest rate the sender gives up with EOR. The
// receiver keeps what it has, and says that it is damaged.
func TestEndOfRetransmission(t *testing.T) {
	for _, coding := range []Coding{MH, MMR} {
		doc, sink := textPages(1, 3000), &testSink{}
		l := newLink(t, Config{Source: doc, ECM: true, Codings: Codings(coding)}, Config{Sink: sink, ECM: true})
		l.f.ecm = func(_ int, _ Transmission, _ int, octets []byte) bool {
			return octets[2] != byte(FCD) || octets[3] != 5 && octets[3] != 6
		}
		if !l.run() {
			t.Fatal("does not end")
		}
		if r := l.ends[0].t.Result(); r.Code != TooManyRepairs || r.Sent != 0 {
			t.Errorf("sender: %+v", r)
		}
		if r := l.ends[1].t.Result(); r.Code != BadPages || r.Received != 0 || r.Rejected != 1 {
			t.Errorf("receiver: %+v", r)
		}
		want := doc.pages[0].octets[:5*256]
		if coding == MH {
			want = append(append(bytes.Clone(want), make([]byte, 512)...), doc.pages[0].octets[7*256:]...)
		}
		if p := sink.pages[0]; !p.damaged || !p.sameAs(want) {
			t.Errorf("%v: damaged %v, %d octets", coding, p.damaged, len(p.octets))
		}
	}
}

func TestReceiverNotReady(t *testing.T) {
	l, doc, sink := ecmCall(t, 3, 3000)
	sink.busy = 5
	mustSend(t, l, doc, sink)

	l, _, sink = ecmCall(t, 3, 3000)
	sink.busy = 1 << 30
	if !l.run() {
		t.Fatal("does not end")
	}
	if c := l.ends[0].t.Result().Code; c != NotReady {
		t.Errorf("held by RNR for ever: %v", c)
	}
}

// A page with too many bad rows is rejected, and sent again at a lower rate; one with some is
// followed by a new training at the same rate.
func TestCopyQuality(t *testing.T) {
	bad, poor, good := Copy{Rows: 1000, BadRows: 100}, Copy{Rows: 1000, BadRows: 30}, Copy{Rows: 1000, BadRows: 10}
	run := Copy{Rows: 1000, BadRows: 25, BadRun: 25}
	for _, tt := range []struct {
		name           string
		copies         []Copy
		rates          []int
		code, received Code
		sent, rejected int
	}{
		{"good", []Copy{good, good}, []int{14400}, OK, OK, 2, 0},
		{"bad, then good", []Copy{bad, good}, []int{14400, 12000}, OK, OK, 2, 1},
		{"a run of bad rows", []Copy{run, good}, []int{14400, 12000}, OK, OK, 2, 1},
		{"poor", []Copy{poor, good}, []int{14400, 14400}, OK, OK, 2, 0},
		{"poor last page", []Copy{good, poor}, []int{14400}, OK, OK, 2, 0},
		{"bad last page", []Copy{good, bad}, []int{14400, 12000}, OK, OK, 2, 1},
		{"no rows at all", []Copy{{}}, []int{14400, 12000}, OK, OK, 2, 1},
		{"bad for ever", []Copy{bad, bad, bad, bad}, []int{14400, 12000, 9600}, PageRejected, BadPages, 0, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, _, sink := plainCall(t, 2, 2000)
			sink.copies = tt.copies
			var rates []int
			l.observe(func(_ int, x Transmission) {
				if x.Kind == TCF {
					rates = append(rates, x.Modulation.BitRate())
				}
			})
			if !l.run() {
				t.Fatal("does not end")
			}
			s, r := l.ends[0].t.Result(), l.ends[1].t.Result()
			if s.Code != tt.code || r.Code != tt.received || s.Sent != tt.sent || r.Rejected != tt.rejected || !slices.Equal(rates, tt.rates) {
				t.Errorf("sender %v, receiver %v, sent %d, rejected %d, trained at %v", s.Code, r.Code, s.Sent, r.Rejected, rates)
			}
		})
	}
}

// A hole in a page's signal without ECM ends neither the page nor the call: what the rows are
// worth decides.
func TestHoleInThePage(t *testing.T) {
	l, doc, sink := plainCall(t, 1, 20000)
	l.f.hole = func(_ int, x Transmission) int64 {
		if x.Kind == Image {
			return 3 * SampleRate
		}
		return 0
	}
	mustSend(t, l, doc, sink)

	l, doc, sink = plainCall(t, 1, 20000)
	l.f.hole = func(_ int, x Transmission) int64 {
		if x.Kind == TCF {
			return SampleRate / 2
		}
		return 0
	}
	mustSend(t, l, doc, sink)
}

func TestHundredPages(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		doc, sink := textPages(300, 500), &testSink{}
		l := newLink(t, Config{Source: doc, ECM: ecm}, Config{Sink: sink, ECM: ecm})
		l.limit = 4 * 3600 * SampleRate
		mustSend(t, l, doc, sink)
	}
}

func TestTwentyMinutePage(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		doc, sink := textPages(1, 2400/8*20*60), &testSink{}
		slow := Modulations(V27ter2400)
		l := newLink(t, Config{Source: doc, ECM: ecm, Modulations: slow}, Config{Sink: sink, ECM: ecm})
		mustSend(t, l, doc, sink)
		if got := l.ends[0].t.Now() / SampleRate; got < 20*60 {
			t.Errorf("took %d s", got)
		}
	}
}

func TestPollingBothRoles(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		doc := newDoc(fullPage(2000, 1, Form{}), fullPage(2000, 2, Form{}), fullPage(2000, 3, Form{Resolution: Fine}))
		sink := &testSink{}
		var asked Peer
		l := newLink(t,
			Config{Sink: sink, ECM: ecm, Ident: "111", Password: "4711", Selective: "8"},
			Config{Source: doc, ECM: ecm, Ident: "222", NeedsSecret: "4711", Admit: func(p Peer) bool { asked = p; return true }})
		mustSend(t, l, doc, sink)
		if !asked.Polls || asked.Selective != "8" || asked.Ident != "111" || l.ends[0].t.Result().Peer.Ident != "222" {
			t.Errorf("asked %+v", asked)
		}
	}
}

func TestSendThenPoll(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		there, back := textPages(2, 2000), textPages(2, 3000)
		sunk, polled := &testSink{}, &testSink{}
		l := newLink(t, Config{Source: there, Sink: polled, ECM: ecm}, Config{Source: back, Sink: sunk, ECM: ecm})
		mustSend(t, l, there, sunk)
		for i, p := range polled.pages {
			if !p.sameAs(back.pages[i].octets) {
				t.Errorf("polled page %d differs", i)
			}
		}
		if len(polled.pages) != 2 {
			t.Errorf("polled %d pages", len(polled.pages))
		}
	}
}

func TestRefusals(t *testing.T) {
	doc := func() *testDoc { return textPages(1, 1000) }
	for _, tt := range []struct {
		name            string
		calling, called Config
		sender, other   Code
	}{
		{"no receiver", Config{Source: doc()}, Config{Source: doc()}, CannotReceive, PeerLeftEarly},
		{"nothing to poll", Config{Sink: &testSink{}}, Config{Sink: &testSink{}}, NothingToPoll, PeerLeftEarly},
		{"no password", Config{Source: doc()}, Config{Sink: &testSink{}, NeedsSecret: "1"}, PeerLeftTrain, SecretRefused},
		{"wrong password", Config{Source: doc(), Password: "2"}, Config{Sink: &testSink{}, NeedsSecret: "1"}, PeerLeftTrain, SecretRefused},
		{"wrong password for polling", Config{Sink: &testSink{}, Password: "2"}, Config{Source: doc(), NeedsSecret: "1"}, PeerLeftEarly, SecretRefused},
		{"not admitted", Config{Source: doc()}, Config{Sink: &testSink{}, Admit: func(Peer) bool { return false }}, PeerLeftTrain, Refused},
		{"empty document", Config{Source: newDoc()}, Config{Sink: &testSink{}}, NoPages, PeerLeftEarly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLink(t, tt.calling, tt.called)
			if !l.run() {
				t.Fatal("does not end")
			}
			if a, b := l.ends[0].t.Result().Code, l.ends[1].t.Result().Code; a != tt.sender || b != tt.other {
				t.Errorf("calling: %v; called: %v", a, b)
			}
		})
	}
	l := newLink(t, Config{Source: doc(), Password: "123", Subaddress: "9#1"}, Config{Sink: &testSink{}, NeedsSecret: "123"})
	if !l.run() || l.ends[1].t.Result().Code != OK || l.ends[1].t.Result().Peer.Subaddress != "9#1" {
		t.Errorf("right password: %+v", l.ends[1].t.Result())
	}
}

func TestOperators(t *testing.T) {
	yes := func() bool { return true }
	for _, ecm := range []bool{false, true} {
		for _, tt := range []struct {
			name            string
			calling, called Config
			ask             int // which end's operator asks; 2: none
			want            [2]Code
		}{
			{"sender asks, receiver agrees", Config{}, Config{Operator: yes}, 0, [2]Code{TakenOver, TakenOver}},
			{"sender asks, nobody there", Config{}, Config{}, 0, [2]Code{OK, OK}},
			{"receiver asks, sender agrees", Config{Operator: yes}, Config{}, 1, [2]Code{TakenOver, TakenOver}},
			{"receiver asks, nobody there", Config{}, Config{}, 1, [2]Code{OK, OK}},
		} {
			t.Run(fmt.Sprintf("%s, ECM %v", tt.name, ecm), func(t *testing.T) {
				doc, sink := textPages(2, 2000), &testSink{}
				tt.calling.Source, tt.calling.ECM, tt.called.Sink, tt.called.ECM = doc, ecm, sink, ecm
				l := newLink(t, tt.calling, tt.called)
				if tt.ask < 2 {
					l.ends[tt.ask].t.Interrupt()
				}
				if !l.run() {
					t.Fatal("does not end")
				}
				if got := [2]Code{l.ends[0].t.Result().Code, l.ends[1].t.Result().Code}; got != tt.want {
					t.Errorf("%v\n%v\n%v", got, l.ends[0].log, l.ends[1].log)
				}
				if s, r := l.ends[0].t.Result().Sent, l.ends[1].t.Result().Received; s != r {
					t.Errorf("sent %d, received %d", s, r)
				}
			})
		}
	}
}

// At any moment of a call the application stops it, or the line goes: both ends come to an
// end, and agree about the pages as far as the sender never claims one too many.
func TestStopAtAnyMoment(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		for end := range 2 {
			for _, hangup := range []bool{false, true} {
				for at := int64(0); at < 60*SampleRate; at += SampleRate * 7 / 10 {
					l, _, _ := ecmCall(t, 2, 8000)
					if !ecm {
						l, _, _ = plainCall(t, 2, 8000)
					}
					l.after(at, func() {
						if hangup {
							l.ends[0].t.LineLost()
							l.ends[1].t.LineLost()
							return
						}
						l.ends[end].t.Stop()
					})
					if !l.run() {
						t.Fatalf("stopped at %d: does not end", at)
					}
					if s, r := l.ends[0].t.Result(), l.ends[1].t.Result(); s.Sent > r.Received || l.now > at+60*SampleRate && l.now > 60*SampleRate {
						t.Errorf("stopped at %d: sender %+v, receiver %+v", at, s, r)
					}
				}
			}
		}
	}
}

func TestNobodyThere(t *testing.T) {
	for _, tt := range []struct {
		timers Timers
		from   int64
		to     int64
	}{{Timers{}, 35, 36}, {Timers{T0: 60 * SampleRate}, 60, 61}} {
		l := newLink(t, Config{Source: textPages(1, 1), Timers: tt.timers}, Config{Sink: &testSink{}})
		l.f.lose = func(int, Transmission) bool { return true }
		if !l.run() {
			t.Fatal("does not end")
		}
		for _, e := range l.ends {
			if c := e.t.Result().Code; c != NoAnswer {
				t.Errorf("%v", c)
			}
		}
		if s := l.now / SampleRate; s < tt.from || s >= tt.to {
			t.Errorf("took %d s", s)
		}
	}
}

func TestDocumentAndStoreFail(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		l, doc, _ := ecmCall(t, 2, 8000)
		if !ecm {
			l, doc, _ = plainCall(t, 2, 8000)
		}
		doc.fail = 1
		if !l.run() || l.ends[0].t.Result().Code != SourceError || l.ends[0].t.Result().Sent != 1 {
			t.Errorf("%+v", l.ends[0].t.Result())
		}
		l, _, sink := ecmCall(t, 2, 8000)
		if !ecm {
			l, _, sink = plainCall(t, 2, 8000)
		}
		sink.fail = true
		if !l.run() || l.ends[1].t.Result().Code != SinkError || l.ends[0].t.Result().Sent != 0 {
			t.Errorf("%+v", l.ends[1].t.Result())
		}
	}
}
