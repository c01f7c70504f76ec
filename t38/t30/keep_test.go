package t30

import (
	"slices"
	"testing"
)

// keeper is a sink that makes pages safe, and tells what the other side had heard until then.
type keeper struct {
	testSink
	sent  func() int // pages that the sender knows to be confirmed
	kept  []bool     // what Keep was told
	early []int      // pages confirmed when it was
	fails int        // the call of Keep that fails, from 1
}

func (k *keeper) Keep(last bool) error {
	k.kept, k.early = append(k.kept, last), append(k.early, k.sent())
	if len(k.kept) == k.fails {
		return errTest
	}
	return nil
}

func keptCall(t *testing.T, ecm bool, k *keeper) *link {
	doc := textPages(3, 2000)
	l := newLink(t, Config{Source: doc, ECM: ecm}, Config{Sink: k, ECM: ecm})
	k.sent = func() int { return l.ends[0].t.Result().Sent }
	return l
}

// Each page is kept before its confirmation, and the last one is known as such; after RNR the
// sink is asked once more.
func TestPagesAreKeptBeforeTheyAreConfirmed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ecm   bool
		busy  int
		kept  []bool
		early []int
	}{
		{"plain", false, 0, []bool{false, false, true}, []int{0, 1, 2}},
		{"ECM", true, 0, []bool{false, false, true}, []int{0, 1, 2}},
		{"ECM, held by RNR", true, 2, []bool{false, false, false, true}, []int{0, 0, 1, 2}},
	} {
		k := &keeper{testSink: testSink{busy: tt.busy}}
		l := keptCall(t, tt.ecm, k)
		if !l.run() || l.ends[0].t.Result().Code != OK || l.ends[1].t.Result().Code != OK {
			t.Fatalf("%s: %v, %v", tt.name, l.ends[0].t.Result().Code, l.ends[1].t.Result().Code)
		}
		if !slices.Equal(k.kept, tt.kept) || !slices.Equal(k.early, tt.early) {
			t.Errorf("%s: kept %v when %v were confirmed, want %v and %v", tt.name, k.kept, k.early, tt.kept, tt.early)
		}
	}
}

// A page that could not be made safe is not confirmed.
func TestPageNotKept(t *testing.T) {
	for _, tt := range []struct {
		name        string
		ecm         bool
		busy, fails int
		sent        int
	}{
		{"plain, first", false, 0, 1, 0},
		{"plain, last", false, 0, 3, 2},
		{"ECM, second", true, 0, 2, 1},
		{"ECM, while held by RNR", true, 2, 2, 0},
	} {
		k := &keeper{testSink: testSink{busy: tt.busy}, fails: tt.fails}
		l := keptCall(t, tt.ecm, k)
		if !l.run() {
			t.Fatalf("%s: the call did not end", tt.name)
		}
		s, r := l.ends[0].t.Result(), l.ends[1].t.Result()
		if s.Sent != tt.sent || s.Code == OK || r.Code != SinkError {
			t.Errorf("%s: %d pages confirmed, want %d; %v, %v", tt.name, s.Sent, tt.sent, s.Code, r.Code)
		}
	}
}

// A rejected page is not kept, nor is one with frames missing.
func TestRejectedPageIsNotKept(t *testing.T) {
	k := &keeper{testSink: testSink{copies: []Copy{{Rows: 1000, BadRows: 500}}}}
	l := keptCall(t, false, k)
	if !l.run() || !slices.Equal(k.kept, []bool{false, false, true}) {
		t.Errorf("kept %v", k.kept)
	}
}
