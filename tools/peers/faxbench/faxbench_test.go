package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"tipring/internal/dsp/line"
	"tipring/tools/peers/lockstep"
	"tipring/tools/peers/spandsp"
)

func TestDifferencesAreCountedAtTheBestShift(t *testing.T) {
	sent := randomBits(rand.New(rand.NewPCG(1, 1)), 5000)
	flipped := []byte(sent)
	for _, i := range []int{100, 2500, 4999} {
		flipped[i] ^= 1
	}
	tests := []struct {
		name, got string
		want      int
	}{
		{"the same", sent, 0},
		{"two bits too early", sent[2:], 2},
		{"ones before, anything after", "1111111" + sent + "0101", 0},
		{"three wrong", string(flipped), 3},
		{"cut short", sent[:4000], 1000},
	}
	for _, tt := range tests {
		if got := differences(sent, tt.got); got != tt.want {
			t.Errorf("%s: %d differences, want %d", tt.name, got, tt.want)
		}
	}
}

func TestJudge(t *testing.T) {
	long, short := randomBits(rand.New(rand.NewPCG(1, 1)), 500), randomBits(rand.New(rand.NewPCG(2, 2)), 500)
	tests := []struct {
		name  string
		lines []string
		sent  []string
		want  outcome
	}{
		{"nothing heard", nil, []string{long}, outcome{}},
		{"second burst not heard", []string{long}, []string{long, short}, outcome{}},
		{"both heard", []string{long, short}, []string{long, short}, outcome{true, 500, 0}},
		{"in pieces", []string{long[:400], "0"}, []string{long}, outcome{true, 500, 100}},
	}
	for _, tt := range tests {
		if got := judge(tt.lines, tt.sent); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestRangesShowGaps(t *testing.T) {
	got := ranges([]float64{-3, -2, -1, 0, 1}, []bool{true, true, false, true, false})
	if want := "-3 to -2, 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSpandspIsWhereItWas holds the whole way from bits to a threshold against the
// figures of a bench that was written by others.
func TestSpandspIsWhereItWas(t *testing.T) {
	found, err := makersNamed("spandsp")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{ctx: t.Context(), makers: found, trials: 4, workers: 2}
	s, err := b.open("v29-9600", "long", 20000, b.trials)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	k := newCurve(s, clean)
	if dB := k.threshold(0, 20, 1e-3); math.Abs(dB-18.1) > 0.5 {
		t.Errorf("1e-3 at %.1f dB, want about 18.1", dB)
	}
	if dB, found := k.first(0, 12, point.trains); !found || dB < 10 || dB > 14 {
		t.Errorf("trains from %d dB (%v), want about 12", dB, found)
	}
	outcomes, err := s.try(func(int) line.Model { return line.Model{GainDB: -60} })
	if err != nil || slices.ContainsFunc(outcomes[0], func(o outcome) bool { return o.trained }) {
		t.Errorf("at -74 dBm0: %+v, %v", outcomes, err)
	}
}

func TestACallIsTimedAndItsPageCompared(t *testing.T) {
	b := &bench{ctx: t.Context(), makers: makers, trials: 1, workers: 1}
	all := b.pairs(func(m maker) bool { return m.fax != nil })
	if len(all) == 0 {
		t.Fatal("nobody has a fax machine")
	}
	cell, err := b.pageTime(all[0], spandsp.TextPage(300, 98, 1), mode{true, "mmr", 14400})
	if err != nil || cell == "" || cell[len(cell)-1] == ')' {
		t.Errorf("got %q, %v, want seconds", cell, err)
	}
}

func TestT38TakesAsMuchAsItIsAllowed(t *testing.T) {
	b := &bench{ctx: t.Context(), makers: makers, trials: 1, workers: 1}
	all := b.pairs(func(m maker) bool { return m.terminal != nil })
	if len(all) != 4 {
		t.Fatalf("%v", all)
	}
	for _, who := range all {
		guard := corrections[0]
		if !who.adaptive() {
			guard = corrections[2]
		}
		cell, err := t38Case{who: who, mode: t38Modes[0], guard: guard}.bandwidth(b)
		var mean, peak float64
		if n, _ := fmt.Sscanf(cell, "%f / %f", &mean, &peak); err != nil || n != 2 || mean > 36 || peak < mean {
			t.Errorf("%v, %s: %q, %v", who, guard.name, cell, err)
		}
	}
}

// A mark counts the trials that pass: all on a line that is nearly perfect, none on one without
// a signal, and none of a modem that it is not for.
func TestMarksCountTrials(t *testing.T) {
	b := &bench{ctx: t.Context(), makers: makers, trials: 3, bits: 2000, source: "spandsp", workers: 1}
	for _, tt := range []struct {
		m    mark
		want string
	}{
		{mark{modems: []string{"v29"}, train: "long"}, "3"},
		{mark{modems: []string{"v29"}, train: "long", model: line.Model{GainDB: -60}}, "0"},
		{mark{modems: []string{"v17", "v29-7200"}, train: "long"}, ""},
	} {
		texts, err := tt.m.measure(b, "v29-9600")
		if err != nil || len(texts) != len(makers) || slices.ContainsFunc(texts, func(s string) bool { return s != tt.want }) {
			t.Errorf("%+v: %q, %v, want %q", tt.m, texts, err, tt.want)
		}
	}
}

// A port's gateway holds its bandwidth and survives a bad network.
func TestAPortTakesAsMuchAsItIsAllowed(t *testing.T) {
	b := &bench{ctx: t.Context(), makers: makers, trials: 2, workers: 1}
	ecm := portCase{ours: true, mode: t38Modes[0]}
	cell, err := ecm.bandwidth(b)
	var mean, peak float64
	if n, _ := fmt.Sscanf(cell, "%f / %f", &mean, &peak); err != nil || n != 2 || mean > 36 || peak < mean {
		t.Errorf("%q, %v", cell, err)
	}
	for _, ours := range []bool{true, false} {
		bad := portCase{ours, t38Modes[0], lockstep.Network{Loss: 0.05, Duplicate: 0.05, Reorder: 0.05}}
		if cell, err := bad.survival(b); err != nil || cell != "2 / 2" {
			t.Errorf("ours %v: %s, %v", ours, cell, err)
		}
	}
}

// The document that has the figures names the parts, each of them.
func TestDocumentNamesAllParts(t *testing.T) {
	text, err := os.ReadFile("../../../docs/fax.md")
	if err != nil || !strings.Contains(string(text), "(parts: `"+partNames()+"`;") {
		t.Errorf("docs/fax.md does not have the parts %s: %v", partNames(), err)
	}
}
