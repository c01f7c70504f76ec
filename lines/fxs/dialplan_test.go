package fxs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tipring/etc"
)

func TestPlanDecidesKeyByKey(t *testing.T) {
	const office = `(E:911|[2-8]xx|9<:1>[2-9]xxxxxxxxx|<00:+>x.S5|1900x.!|*xx|#9<1:7><2:>3.|0S0|L8)`
	for _, tt := range []struct {
		plan, dialled string
		want          Verdict
	}{
		{office, "", Verdict{Outcome: Incomplete, WaitS: 8}},
		{office, "9", Verdict{Outcome: Incomplete, WaitS: 8}},
		{office, "911", Verdict{SendNow, "911", true, "E:911", 0, false}},
		{office, "912", Verdict{Outcome: NoMatch}},
		{office, "20", Verdict{Outcome: Incomplete, WaitS: 8}},
		{office, "201", Verdict{SendNow, "201", false, "[2-8]xx", 0, false}},
		{office, "92125551234", Verdict{SendNow, "912125551234", false, "9<:1>[2-9]xxxxxxxxx", 0, false}},
		{office, "0", Verdict{SendNow, "0", false, "0S0", 0, false}},
		{office, "00", Verdict{Complete, "+", false, "<00:+>x.S5", 5, false}},
		{office, "0049301", Verdict{Complete, "+49301", false, "<00:+>x.S5", 5, false}},
		{office, "1900", Verdict{Outcome: Complete, Rule: "1900x.!", WaitS: 4}},
		{office, "*72", Verdict{SendNow, "*72", false, "*xx", 0, false}},
		{office, "#9", Verdict{Outcome: Incomplete, WaitS: 8}},
		{office, "#912", Verdict{Complete, "#97", false, "#9<1:7><2:>3.", 4, false}},
		{office, "#91233", Verdict{Complete, "#9733", false, "#9<1:7><2:>3.", 4, false}},
		{office, "D", Verdict{Outcome: NoMatch}},

		{"(9,xxx|2xx)", "9", Verdict{Outcome: Incomplete, WaitS: 4, Tone: true}},
		{"(9,xxx|2xx)", "91", Verdict{Outcome: Incomplete, WaitS: 4}},
		{"(9,xxx|2xx)", "9123", Verdict{SendNow, "9123", false, "9,xxx", 0, false}},
		{"(<9:>,xxx)", "9", Verdict{Outcome: Incomplete, WaitS: 4, Tone: true}},
		{"(<9:>,xxx)", "9123", Verdict{SendNow, "123", false, "<9:>,xxx", 0, false}},
		{"(0,x.|0)", "0", Verdict{Complete, "0", false, "0,x.", 4, true}},
		{"(xxx|xxxx)", "123", Verdict{Complete, "123", false, "xxx", 4, false}},
		{"(xxxS2|xxxx)", "123", Verdict{Complete, "123", false, "xxxS2", 2, false}},
		{"(xxxS0|xxxx)", "123", Verdict{SendNow, "123", false, "xxxS0", 0, false}},
		{"(xxx|S3L20)", "12", Verdict{Outcome: Incomplete, WaitS: 20}},
		{"(xxx|xxxx|S3L20)", "123", Verdict{Complete, "123", false, "xxx", 3, false}},
		{"(xxxL9|xxxxL6)", "12", Verdict{Outcome: Incomplete, WaitS: 9}},
		{"(123!|xxx)", "123", Verdict{Outcome: Barred, Rule: "123!"}},
		{"(xxx|1x.!)", "123", Verdict{Complete, "123", false, "xxx", 4, false}},
		{"(xxx|1x.!)", "1234", Verdict{Outcome: Complete, Rule: "1x.!", WaitS: 4}},
		{"(xx.|E:112)", "112", Verdict{Complete, "112", true, "E:112", 2, false}}, // though it stands behind
		{"(x.|E:911|S9)", "911", Verdict{Complete, "911", true, "E:911", 2, false}},
		{"(x.|E:911|S1)", "911", Verdict{Complete, "911", true, "E:911", 1, false}},
		{"(x.|E:911S9)", "911", Verdict{Complete, "911", true, "E:911S9", 9, false}},
		{"(x.|E:911S0)", "911", Verdict{SendNow, "911", true, "E:911S0", 0, false}},
		{"(1900x.!S0|x.)", "1900", Verdict{Outcome: Barred, Rule: "1900x.!S0"}},
		{"(x.x)", "5", Verdict{Complete, "5", false, "x.x", 4, false}},
		{"(<x:>55)", "155", Verdict{SendNow, "55", false, "<x:>55", 0, false}},
		{"(<9:>x.)", "9", Verdict{Outcome: Complete, Rule: "<9:>x.", WaitS: 4}},
		{"([0-27*])", "7", Verdict{SendNow, "7", false, "[0-27*]", 0, false}},
		{"([0-27*])", "3", Verdict{Outcome: NoMatch}},
		{" ( 1 2 x | E:3 S0 ) ", "129", Verdict{SendNow, "129", false, "1 2 x", 0, false}},
		{"(<:1>x.2<3:>)", "9923", Verdict{Complete, "1992", false, "<:1>x.2<3:>", 4, false}},
	} {
		p, err := ParsePlan(tt.plan)
		if err != nil {
			t.Fatalf("%s: %v", tt.plan, err)
		}
		if got := p.Look(tt.dialled); got != tt.want {
			t.Errorf("%s: %q:\n got %+v\nwant %+v", tt.plan, tt.dialled, got, tt.want)
		}
	}
}

func TestPlanWhenNoMoreKeysCome(t *testing.T) {
	p, err := ParsePlan("(xxx|xxxx|1900x.!)")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dialled string
		want    Outcome
	}{{"", NoMatch}, {"12", NoMatch}, {"123", SendNow}, {"1234", SendNow}, {"19001", Barred}} {
		if got := p.Final(tt.dialled); got.Outcome != tt.want {
			t.Errorf("%q: %+v, want %v", tt.dialled, got, tt.want)
		}
	}
}

func TestDefaultPlanTakesAnyNumber(t *testing.T) {
	c, err := LoadCountry(etc.Tones, "gb")
	if err != nil {
		t.Fatal(err)
	}
	p, err := DefaultPlan(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dialled string
		want    Verdict
	}{
		{"600", Verdict{Complete, "600", false, "[0-9*#][0-9*].", 4, false}},
		{"*72600", Verdict{Complete, "*72600", false, "[0-9*#][0-9*].", 4, false}},
		{"#31", Verdict{Complete, "#31", false, "[0-9*#][0-9*].", 4, false}},
		{"***", Verdict{Complete, "***", false, "[0-9*#][0-9*].", 4, false}},
		{"999", Verdict{Complete, "999", true, "E:999", 2, false}},
		{"9990", Verdict{Complete, "9990", false, "[0-9*#][0-9*].", 4, false}},
		{"600#", Verdict{Outcome: NoMatch}}, // so that # is free to end the number
		{"A", Verdict{Outcome: NoMatch}},
	} {
		if got := p.Look(tt.dialled); got != tt.want {
			t.Errorf("%q:\n got %+v\nwant %+v", tt.dialled, got, tt.want)
		}
	}
}

// A number is of an emergency as it is dialled and as it is sent, and in an address.
func TestEmergencyNumbersOfAPlan(t *testing.T) {
	p := mustPlan(t, "(E:911|E:<9:>911|E:<0:+49>110|E:<:08>99[12]|x.)")
	for number, want := range map[string]bool{
		"911": true, "9911": true, "110": false, "0110": true, "991": true, "993": false, "08992": true, "99": false, "9110": false, "": false,
		"sip:911@example": true, "911@example": true, "sip:600@911": false, "600": false, "alice": false,
		"TEL:911": true, "0900@pbx:911": false, "0900;x:911": false, "x:911": false,
	} {
		if got := p.Emergency(number); got != want {
			t.Errorf("%q: %v", number, got)
		}
	}
}

func TestPlanFaultsNameThePlace(t *testing.T) {
	for _, tt := range []struct{ plan, want string }{
		{"", "character 1: want ( first"},
		{"x.", "character 1: want ( first"},
		{"(", "character 2: it ends: want |, ) or a key"},
		{"()", "character 2: a rule without a pattern"},
		{"(12|)", "character 5: a rule without a pattern"},
		{"(12", "character 4: it ends: want |, ) or a key"},
		{"(12)3", "character 5: '3': want nothing after )"},
		{"(12;3)", "character 4: ';': want |, ) or a key"},
		{"(,1)", "character 2: a second dial tone stands between keys"},
		{"(1,)", "character 3: a second dial tone stands between keys"},
		{"(.)", "character 2: '.': want |, ) or a key"},
		{"(x..)", "character 4: '.': want |, ) or a key"},
		{"([])", "character 2: an empty set"},
		{"([2-)", "character 5: a range goes from one digit to another"},
		{"([9-2])", "character 5: the range 9-2 runs backwards"},
		{"([*-#])", "character 5: a range goes from one digit to another"},
		{"([12", "character 5: it ends: want a key, a range or ] in a set"},
		{"(<12)", "character 5: ')': want a key or : in <dialled:sent>"},
		{"(<1:x>)", "character 5: 'x': want a key, + or > in <dialled:sent>"},
		{"(<:>1)", "character 2: <:> does nothing"},
		{"(<1:2>.)", "character 7: a dot cannot follow <dialled:sent>"},
		{"(E911)", "character 3: '9': want : after E"},
		{"(E:)", "character 2: a rule without a pattern"},
		{"(!)", "character 2: a rule without a pattern"},
		{"(xS)", "character 3: want S or L with 0 to 60 seconds"},
		{"(xL99)", "character 3: want S or L with 0 to 60 seconds"},
		{"(xL0)", "character 3: L0 would leave no time to dial"},
		{"(x!5)", "character 4: '5': want |, ) or a key"},
		{"(L5)", "character 1: no rule has a pattern"},
		{"(" + strings.Repeat("x", 61) + ")", "character 62: more than 60 keys in a rule"},
		{"(1" + strings.Repeat("|1", 128) + ")", "character 258: more than 128 rules"},
		{"(" + strings.Repeat(" ", 4096), "character 4097: longer than 4096 characters"},
		{"(<:" + strings.Repeat("1", 41) + ">x)", "character 2: more than 40 keys sent instead"},
	} {
		_, err := ParsePlan(tt.plan)
		var fault *PlanError
		if !errors.As(err, &fault) || err.Error() != "dial plan, "+tt.want {
			t.Errorf("%.40q: %v\nwant dial plan, %s", tt.plan, err, tt.want)
		}
	}
}

// What can be read and cannot be meant is refused, at its place.
func TestPlanRefusesNonsense(t *testing.T) {
	for _, tt := range []struct{ plan, want string }{
		{"(E:911!)", "character 7: an emergency number cannot be barred"},
		{"(xxx| E:911 S0 ! )", "character 16: an emergency number cannot be barred"},
		{"(E:9x.)", "character 6: an emergency number has an end: no dot after E:"},
		{"(E:E:911)", "character 4: 'E': want |, ) or a key"},
		{"(911E:)", "character 5: 'E': want |, ) or a key"},
		{"(123!!)", "character 6: ! twice in a rule"},
		{"(xxxS1S2)", "character 7: S twice in a rule"},
		{"(xxxS0L3S0)", "character 9: S twice in a rule"},
		{"(xxxL5!L5)", "character 8: L twice in a rule"},
		{"(xxx|S3|S5)", "character 9: S for all rules is set already"},
		{"(xxx|L3|S5|L3)", "character 12: L for all rules is set already"},
		{"(xxx|S1L2S1)", "character 10: S twice in a rule"},
		{"(9<1:2>xx!)", "character 3: a barred number is not sent: nothing can be replaced in it"},
		{"(<:600>)", "character 2: a rule without a key to dial"},
		{"(<:600>!)", "character 2: a barred number is not sent: nothing can be replaced in it"},
		{"(xx|<123:>)", "character 5: a rule that sends nothing: ! bars a number"},
		{"(<1:1>23)", "character 2: <1:1> replaces nothing"},
		{"(<11:1+2>3)", "character 7: '+' can only be the first that is sent"},
		{"(9<0:+>x)", "character 6: '+' can only be the first that is sent"},
		{"(x.<0:+1>x)", "character 7: '+' can only be the first that is sent"},
		{"(<0:++>x)", "character 6: '+' can only be the first that is sent"},
		{"(00x.S0)", "character 6: S0 after a dot sends before the dot can take a key"},
		{"([1-31]x)", "character 6: 1 twice in a set, which is of single keys"},
		{"([1-53-8]x)", "character 6: 3-8 overlaps what stands before it in the set"},
		{"([**])", "character 4: * twice in a set, which is of single keys"},
		{"(xxx|12|xxx)", "character 9: the same pattern as in xxx"},
		{"(xx|x<1:2>)", ""},
		{"(9xx|<9:8>xx)", "character 6: the same pattern as in 9xx"},
		{"(911|E:911)", "character 6: the same pattern as in 911"},
		{"(E:911|911)", "character 8: the same pattern as in E:911"},
		{"(E:112|112!)", "character 8: the same pattern as in E:112"},
		{"(xxx|123!)", "character 6: it bars nothing: the rules before it let all its numbers through"},
		{"(xx.|1900xxx!)", "character 6: it bars nothing: the rules before it let all its numbers through"},
		{"(1xx|2xx|[12]x5!)", "character 10: it bars nothing: the rules before it let all its numbers through"},
		{"(1xx|2xx|[1-3]x5!)", ""},
		{"(xxx|1x.!)", ""},
		{"(1900x.!|x.)", ""},
		{"(<0:+44>x.|<00:+>x.|**x.S2)", ""},
		{"(E:9<11:11>1)", "character 5: <11:11> replaces nothing"},
		{"(x.|E:911)", ""},
	} {
		_, err := ParsePlan(tt.plan)
		if tt.want != "" {
			tt.want = "dial plan, " + tt.want
		}
		if got := fmt.Sprint(err); err == nil && tt.want != "" || err != nil && got != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.plan, err, tt.want)
		}
	}
}

// A plan that takes long to see through is not refused for it.
func TestPlanOfManyRulesIsCheckedInBoundedTime(t *testing.T) {
	var b strings.Builder
	b.WriteByte('(')
	for i := range 126 {
		fmt.Fprintf(&b, "x.%03dx.|", i)
	}
	b.WriteString("x.9x.!)")
	start := time.Now()
	if _, err := ParsePlan(b.String()); err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}

// What is certain stays so: no key after a number that was sent at once could have
// made another, and a number that no rule can match never matches with more keys.
func TestPlanKeepsItsWord(t *testing.T) {
	element := rapid.SampledFrom([]string{"1", "2", "x", "[1-3]", "x.", "2.", "<1:9>", "<:4>", "*"})
	pattern := rapid.Custom(func(t *rapid.T) string {
		return "1" + strings.Join(rapid.SliceOfN(element, 0, 5).Draw(t, "pattern"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		var text string
		var p *Plan
		for _, rule := range rapid.SliceOfN(pattern, 1, 4).Draw(t, "rules") {
			longer := "(" + rule + ")"
			if p != nil {
				longer = strings.TrimSuffix(text, ")") + "|" + rule + ")"
			}
			if made, err := ParsePlan(longer); err == nil { // else its pattern was there already
				p, text = made, longer
			}
		}
		keys := rapid.StringOfN(rapid.SampledFrom([]rune("123*")), 0, 9, -1).Draw(t, "keys")
		v := p.Look(keys)
		for _, next := range []string{"1", "2", "3", "*"} {
			after := p.Look(keys + next)
			if (v.Outcome == NoMatch || v.Outcome == SendNow) && after.Outcome != NoMatch {
				t.Fatalf("%s: %q is %v but %q is %v", text, keys, v.Outcome, keys+next, after.Outcome)
			}
		}
		if (v.Outcome == SendNow || v.Outcome == Complete) && v.Number == "" {
			t.Fatalf("%s: %q is %v without a number", text, keys, v.Outcome)
		}
	})
}

func FuzzPlan(f *testing.F) {
	for _, s := range []string{"(9,xxx|<8:>,2x.)",
		"(E:911|[2-8]xx|9<:1>[2-9]xxxxxxxxx|<00:+>x.S5|1900x.!|*xx|0S0|L8)",
		"(x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.1)", "(<x:>[0-9*#].|S0)", "((", "(E:<:+>x.!S60L1)", "(xxx|123!)", "(x.|E:911!)", "([1-31]|<1:+>2|9<1:1>)",
	} {
		f.Add(s, "11111111111111111111111111111111111111111111")
	}
	f.Fuzz(func(t *testing.T, text, keys string) {
		p, err := ParsePlan(text)
		if err != nil {
			return
		}
		for i := range p.rules {
			if r := &p.rules[i]; r.emergency && r.block {
				t.Errorf("%s: an emergency number is barred", text)
			}
			if _, err := ParsePlan("(" + p.rules[i].text + ")"); err != nil {
				t.Errorf("%s: %s by itself: %v", text, p.rules[i].text, err)
			}
		}
		keys = keys[:min(len(keys), MaxDialled+5)]
		for i := range len(keys) + 1 {
			p.Look(keys[:i])
		}
		p.Final(keys)
	})
}
