package t30

import (
	"testing"

	"pgregory.net/rapid"
)

// Under any mixture of faults a call ends in bounded time; the sender claims no page that the
// receiver has not confirmed; and what is confirmed with error correction is exact.
func TestRandomFaults(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ecm := rapid.Bool().Draw(r, "ecm")
		doc := randomDoc(r)
		sink := &testSink{busy: rapid.IntRange(0, 3).Draw(r, "busy")}
		sink.copies = rapid.SliceOfN(rapid.SampledFrom([]Copy{{Rows: 100}, {Rows: 100}, {Rows: 100, BadRows: 4}, {Rows: 100, BadRows: 50}}), 0, 6).Draw(r, "copies")
		var stored []Page
		sender := Config{Source: doc, ECM: ecm, ECM64: rapid.Bool().Draw(r, "64"), CRP: rapid.Bool().Draw(r, "sender's CRP"), Ident: "1"}
		receiver := Config{Sink: sink, ECM: ecm, CRP: rapid.Bool().Draw(r, "receiver's CRP"), Ident: "2", OnPage: func(p Page) { stored = append(stored, p) }}
		polls := rapid.Bool().Draw(r, "polls")
		l := newLink(t, sender, receiver)
		if polls {
			l = newLink(t, receiver, sender)
		}
		l.limit = 4 * 3600 * SampleRate
		l.delay = int64(rapid.IntRange(0, 4000).Draw(r, "delay"))
		if rapid.IntRange(0, 4).Draw(r, "echoes") == 0 {
			l.f.echo = int64(rapid.IntRange(100, 8000).Draw(r, "echo"))
		}
		l.f.noFlags = rapid.Bool().Draw(r, "no flags")
		randomFaults(r, l)
		if rapid.IntRange(0, 3).Draw(r, "stops") == 0 {
			end, at := rapid.IntRange(0, 1).Draw(r, "end"), rapid.IntRange(0, 100*SampleRate).Draw(r, "at")
			l.after(int64(at), func() { l.ends[end].t.Stop() })
		}
		if !l.run() {
			r.Fatalf("the call does not end\n%v\n%v", l.ends[0].log, l.ends[1].log)
		}
		sent, got := l.ends[0].t.Result(), l.ends[1].t.Result()
		if polls {
			sent, got = got, sent
		}
		checkPages(r, sent, got, doc, sink, stored)
	})
}

func randomDoc(r *rapid.T) *testDoc {
	doc := newDoc()
	for i := range rapid.IntRange(1, 4).Draw(r, "pages") {
		size := rapid.IntRange(12000, 20000).Draw(r, "octets") // longer than any repetition takes
		form := Form{Resolution: Resolution(rapid.IntRange(0, 1).Draw(r, "resolution"))}
		doc.pages = append(doc.pages, fullPage(size, uint64(i+1), form))
	}
	return doc
}

// randomFaults damages each thing on the line with a chance of its own.
func randomFaults(r *rapid.T, l *link) {
	chance := func(name string) func() bool {
		percent := rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 2, 2, 10, 10, 30, 60, 100}).Draw(r, name)
		// A generator of its own keeps the draws of one example few.
		state := rapid.Uint32().Draw(r, name+" seed")
		return func() bool {
			state = state*1664525 + 1013904223
			return int(state>>16%100) < percent
		}
	}
	lost, damaged, unheard := chance("lost"), chance("damaged"), chance("unheard")
	untrained, tcf, frame := chance("untrained"), chance("TCF"), chance("ECM frame")
	above := rapid.SampledFrom([]int{0, 2400, 7200, 9600, 14400}).Draw(r, "trains up to")
	l.f.frame = func(int, []byte) (bool, bool) { return !lost(), !damaged() }
	l.f.lose = func(_ int, x Transmission) bool { return x.Kind != Silence && unheard() }
	l.f.train = func(_ int, x Transmission) bool {
		return untrained() || above > 0 && x.Kind == TCF && x.Modulation.BitRate() > above
	}
	l.f.octets = func(_ int, x Transmission, p []byte) {
		if x.Kind == TCF && tcf() {
			p[0] ^= 0x55
		}
	}
	l.f.ecm = func(int, Transmission, int, []byte) bool { return !frame() }
}

// checkPages compares what was confirmed with the document.
func checkPages(r *rapid.T, sent, got Result, doc *testDoc, sink *testSink, stored []Page) {
	next := 0 // page of the document
	for i, p := range stored {
		if !p.Confirmed {
			continue
		}
		switch {
		case p.Damaged:
			r.Fatalf("page %d is confirmed and damaged", i)
		case next < len(doc.pages) && sink.pages[i].sameAs(doc.pages[next].octets):
			next++
		case next > 0 && sink.pages[i].sameAs(doc.pages[next-1].octets): // sent once more
		default:
			r.Fatalf("page %d stored is neither page %d nor the one before", i, next)
		}
	}
	switch {
	case sent.Sent > next:
		r.Fatalf("the sender claims %d pages, %d are there", sent.Sent, next)
	case sent.Code == OK && next != len(doc.pages):
		r.Fatalf("the sender claims success, %d of %d pages are there", next, len(doc.pages))
	case got.Code == OK && got.Received != countConfirmed(stored):
		r.Fatalf("received %d, confirmed %d", got.Received, countConfirmed(stored))
	}
	for _, p := range sink.pages {
		if !p.closed {
			r.Fatalf("page %d was not closed", p.n)
		}
	}
}

func countConfirmed(pages []Page) (n int) {
	for _, p := range pages {
		if p.Confirmed {
			n++
		}
	}
	return n
}
