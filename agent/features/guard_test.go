package features

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Numbers, however they are written, and what a line with these bounds says to them.
func TestBars(t *testing.T) {
	for _, tt := range []struct {
		country string
		blocked string
		abroad  bool // is barred
		to      string
		barred  bool
	}{
		{"de", "", false, "0900123", false},
		{"de", "0900", false, "0900123", true},
		{"de", "0900", false, "09001", true},
		{"de", "0900", false, "0901", false},
		{"de", "0900", false, "30900123", false},
		{"de", "0900", false, "+49900123", true},
		{"de", "0900", false, "0049900123", true},
		{"de", "+49900", false, "0049900123", true},
		{"de", "00882", false, "+88212", true},
		{"de", "+882", false, "0088212", true},
		{"de", "0900", false, "0900123@elsewhere.example", true},
		{"de", "0900", false, "sip:0900123@elsewhere.example", true},
		{"de", "0900", false, "SIP:%30900123@elsewhere.example", true},
		{"de", "0900", false, "sip:0-900.1(23);phone-context=x@elsewhere.example", true},
		{"de", "0900", false, "tel:0900123", true},
		{"de", "0900", false, "*670900123", true},
		{"de", "0900", false, "*67*720900123", true},
		{"de", "0900", false, "*0210900123", true},
		{"us", "1900", false, "19005551234", true},
		{"us", "1900", false, "9005551234", true},
		{"us", "1900", false, "+19005551234", true},
		{"us", "1900", false, "5551900", false},
		{"us", "", true, "01144123", true},
		{"us", "", true, "+44123", true},
		{"us", "", true, "+15551234567", false},
		{"us", "", true, "0115551234", true},
		{"us", "", true, "5551234", false},
		{"gb", "", true, "01135551234", false}, // Leeds
		{"gb", "", true, "0044113", false},
		{"gb", "", true, "0033113", true},
		{"au", "", true, "001144", true},
		{"zz", "", true, "00441", true},
		{"zz", "", true, "+441", true},
		{"de", "", true, "*310044123", true},
	} {
		b := Bounds{International: tt.abroad, Country: tt.country}
		if tt.blocked != "" {
			b.Blocked = strings.Split(tt.blocked, ",")
		}
		if err := b.Bars(tt.to); (err != nil) != tt.barred {
			t.Errorf("%s, blocked %q, abroad %v: %s: %v", tt.country, tt.blocked, tt.abroad, tt.to, err)
		}
	}
}

// Codes upon codes cost no time.
func FuzzBars(f *testing.F) {
	f.Add("sip:%30900@x")
	f.Add(strings.Repeat("*", 255))
	b := Bounds{Blocked: []string{"0900", "+882"}, International: true, Country: "us"}
	f.Fuzz(func(t *testing.T, to string) { _ = b.Bars(to) })
}

// A line makes so many calls within any hour, and begins again when the first of them is an hour ago.
func TestCallsAnHour(t *testing.T) {
	var g Guard
	b := Bounds{PerHour: 3}
	start := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		line  int
		after time.Duration
		want  error
	}{
		{1, 0, nil},
		{1, 10 * time.Minute, nil},
		{1, 20 * time.Minute, nil},
		{1, 30 * time.Minute, errPerHour},
		{2, 30 * time.Minute, nil}, // has its own hour
		{1, time.Hour - time.Second, errPerHour},
		{1, time.Hour, nil}, // what was refused does not count
		{1, time.Hour + time.Second, errPerHour},
		{1, 3 * time.Hour, nil},
	} {
		if err := g.Permit(tt.line, b, "600", 0, start.Add(tt.after)); !errors.Is(err, tt.want) {
			t.Errorf("line %d after %v: %v, want %v", tt.line, tt.after, err, tt.want)
		}
	}
}

func TestCallsAtOnce(t *testing.T) {
	var g Guard
	for running, want := range []error{nil, nil, errAtOnce, errAtOnce} {
		if err := g.Permit(1, Bounds{AtOnce: 2}, "600", running, time.Time{}); !errors.Is(err, want) {
			t.Errorf("%d running: %v, want %v", running, err, want)
		}
	}
}

// Refusals are told for an hour, counted while they go on.
func TestRefusals(t *testing.T) {
	var g Guard
	b := Bounds{Blocked: []string{"0900"}}
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	if g.Refusals(at) != nil {
		t.Error("refused before anything was asked")
	}
	for range 3 {
		at = at.Add(50 * time.Minute)
		if g.Permit(2, b, "0900", 0, at) == nil {
			t.Fatal("permitted")
		}
	}
	want := Refusal{2, 3, "numbers that begin with 0900 are blocked for the line", at}
	if got := g.Refusals(at.Add(59 * time.Minute)); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := g.Refusals(at.Add(time.Hour)); got != nil {
		t.Errorf("an hour later: %+v", got)
	}
	_ = g.Permit(2, b, "0900", 0, at.Add(2*time.Hour))
	if got := g.Refusals(at.Add(2 * time.Hour)); got[0].Times != 1 {
		t.Errorf("begun anew: %+v", got)
	}
}
