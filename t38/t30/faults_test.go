package t30

import (
	"fmt"
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
		numbers        []int // of the pages as they came
	}{
		{"good", []Copy{good, good}, []int{14400}, OK, OK, 2, 0, []int{0, 1}},
		{"bad, then good", []Copy{bad, good}, []int{14400, 12000}, OK, OK, 2, 1, []int{0, 0, 1}},
		{"a run of bad rows", []Copy{run, good}, []int{14400, 12000}, OK, OK, 2, 1, []int{0, 0, 1}},
		{"poor", []Copy{poor, good}, []int{14400, 14400}, OK, OK, 2, 0, []int{0, 1}},
		{"poor last page", []Copy{good, poor}, []int{14400}, OK, OK, 2, 0, []int{0, 1}},
		{"bad last page", []Copy{good, bad}, []int{14400, 12000}, OK, OK, 2, 1, []int{0, 1, 1}},
		{"cut short", []Copy{{Rows: 500, Cut: true}, good}, []int{14400, 12000}, OK, OK, 2, 1, []int{0, 0, 1}},
		{"no rows at all", []Copy{{}}, []int{14400, 12000}, OK, OK, 2, 1, []int{0, 0, 1}},
		{"bad for ever", []Copy{bad, bad, bad, bad}, []int{14400, 12000, 9600}, PageRejected, BadPages, 0, 3, []int{0, 0, 0}},
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
			var numbers []int
			for _, p := range sink.pages {
				numbers = append(numbers, p.n)
			}
			s, r := l.ends[0].t.Result(), l.ends[1].t.Result()
			if !slices.Equal(numbers, tt.numbers) {
				t.Errorf("pages came as numbers %v, want %v", numbers, tt.numbers)
			}
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

// A page's signal that does not end, and a call that does not, end at their limits, and the
// other side learns it by DCN.
func TestLimitsOfPageAndCall(t *testing.T) {
	for _, ecm := range []bool{false, true} {
		for _, tt := range []struct {
			name             string
			sends, takes     Timers
			sender, receiver Code
			from, to         int64 // s
		}{
			{"page", Timers{}, Timers{Page: 20 * SampleRate}, NoResponse, PageTooLong, 25, 95},
			{"call, sender", Timers{Call: 30 * SampleRate}, Timers{}, CallTooLong, PeerLeftPage, 30, 41},
			{"call, receiver", Timers{}, Timers{Call: 30 * SampleRate}, NoResponse, CallTooLong, 40, 90},
		} {
			doc, sink := textPages(1, 2400/8*60), &testSink{}
			slow := Modulations(V27ter2400)
			l := newLink(t, Config{Source: doc, ECM: ecm, Modulations: slow, Timers: tt.sends}, Config{Sink: sink, ECM: ecm, Timers: tt.takes})
			if !l.run() {
				t.Fatalf("%s: does not end", tt.name)
			}
			s, r := l.ends[0].t.Result(), l.ends[1].t.Result()
			if took := l.now / SampleRate; s.Code != tt.sender || r.Code != tt.receiver || took < tt.from || took > tt.to {
				t.Errorf("ECM %v, %s: after %d s: %v and %v", ecm, tt.name, took, s.Code, r.Code)
			}
		}
	}
}
