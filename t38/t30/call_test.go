package t30

import (
	"fmt"
	"slices"
	"testing"
)

// mustSend runs the call and checks that all pages of doc arrived whole and are confirmed.
func mustSend(t *testing.T, l *link, doc *testDoc, sink *testSink) {
	t.Helper()
	if !l.run() {
		t.Fatalf("the call does not end\n%v\n%v", l.ends[0].log, l.ends[1].log)
	}
	for i, e := range l.ends {
		if r := e.t.Result(); r.Code != OK {
			t.Fatalf("end %d: %d %v\n%v\n%v", i, r.Code, r.Code, l.ends[0].log, l.ends[1].log)
		}
	}
	if len(sink.pages) != len(doc.pages) {
		t.Fatalf("%d pages arrived of %d", len(sink.pages), len(doc.pages))
	}
	for i, p := range sink.pages {
		if !p.closed || p.damaged || !p.sameAs(doc.pages[i].octets) {
			t.Errorf("page %d: closed %v, damaged %v, %d octets of %d, or other ones", i, p.closed, p.damaged, len(p.octets), len(doc.pages[i].octets))
		}
	}
}

func TestEveryModeCompletes(t *testing.T) {
	for _, coding := range []Coding{MH, MR, MMR} {
		for _, ecm := range []bool{false, true} {
			for _, m := range rungs {
				for _, pages := range []int{1, 3} {
					if coding == MMR && !ecm {
						continue
					}
					name := fmt.Sprintf("%v, ECM %v, %v, %d pages", coding, ecm, m, pages)
					t.Run(name, func(t *testing.T) {
						testMode(t, coding, ecm, m, pages)
					})
				}
			}
		}
	}
}

func testMode(t *testing.T, coding Coding, ecm bool, m Modulation, pages int) {
	doc, sink := textPages(pages, 4000), &testSink{}
	set := Modulations(m, V27ter2400)
	l := newLink(t,
		Config{Source: doc, ECM: ecm, Codings: Codings(coding), Modulations: set, Ident: "+49 30 1234567"},
		Config{Sink: sink, ECM: true, Modulations: set, Ident: "555 0100"})
	mustSend(t, l, doc, sink)
	sent, got := l.ends[0].t.Result(), l.ends[1].t.Result()
	for _, r := range []Result{sent, got} {
		if r.BitRate != m.BitRate() || r.ECM != ecm || r.Format.Coding != coding || r.Failures != 0 || r.Repeats != 0 || r.Trainings != 1 {
			t.Errorf("%+v", r)
		}
	}
	if sent.Sent != pages || got.Received != pages || sent.Peer.Ident != "555 0100" || got.Peer.Ident != "+49 30 1234567" {
		t.Errorf("sent %+v, received %+v", sent, got)
	}
}

// Each frame of V.21 is told at both ends, with what its FCS showed.
func TestFramesAreTold(t *testing.T) {
	var sent, heard []string
	tell := func(list *[]string, want bool) func(bool, []byte, bool) {
		return func(sent bool, octets []byte, good bool) {
			if f, ok := ParseFrame(octets); sent == want && ok && good {
				*list = append(*list, f.Name())
			} else if sent == want {
				*list = append(*list, "bad")
			}
		}
	}
	doc, sink := textPages(1, 4000), &testSink{}
	l := newLink(t,
		Config{Source: doc, ECM: true, Ident: "1", OnFrame: tell(&sent, true)},
		Config{Sink: sink, ECM: true, Ident: "2", OnFrame: tell(&heard, false)})
	spoilt := false
	l.f.frame = func(from int, octets []byte) (keep, ok bool) {
		if f, _ := ParseFrame(octets); from == 0 && f.FCF == PPS && !spoilt {
			spoilt = true
			return true, false
		}
		return true, true
	}
	mustSend(t, l, doc, sink)
	wantSent := []string{"TSI", "DCS", "PPS-EOP", "PPS-EOP", "DCN"}
	wantHeard := []string{"TSI", "DCS", "bad", "PPS-EOP", "DCN"}
	if !slices.Equal(sent, wantSent) || !slices.Equal(heard, wantHeard) {
		t.Errorf("sent %v, heard %v", sent, heard)
	}
}
