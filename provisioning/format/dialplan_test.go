package format

import (
	"strings"
	"testing"

	"tipring/lines/fxs"
)

func TestGrandstreamDialPlans(t *testing.T) {
	for _, tt := range []struct{ plan, want string }{ // empty: it is left out and listed
		{"{x+}", "(xx.)"},
		{"{ x+ | *x+ }", "(xx.|*xx.)"},
		{"x+", "(xx.)"},
		{"{[369]11 | 1617xxxxxxx}", "([369]11|1617xxxxxxx)"},
		{"{^1900x+ | <=1617>xxxxxxx}", "(1900xx.!|<:1617>xxxxxxx)"},
		{"{1xxx[2-9]xxxxxx | <2=011>x+}", "(1xxx[2-9]xxxxxx|<2:011>xx.)"},
		{"{<9=>x+}", "(<9:>xx.)"},
		{"{ < =1>xxx }", "(<:1>xxx)"},
		{"{[x*]+}", "([0-9*][0-9*].)"},
		{"{011[2-9]x.}", "(011[2-9]x.)"},
		{"{x+|*x+|*++|\\p\\a\\r\\k\\+*x+|\\p\\a\\r\\k\\+x+}", "(xx.|*xx.|**.)"},
		{"{x+ | \\+x+ | *x+ | *xx*x+}", "(xx.|*xx.|*xx*xx.)"},
		{"{x+|x+}", "(xx.)"},
		{"{xx|^[2-4]x}", "([2-4]x!|xx)"}, // barred in either order
		{"{[1-3,5]xx}", "([1-35]xx)"},
		{"{[ab]}", ""},
		{"{}", ""},
		{"{|}", ""},
		{"{+}", ""},
		{"{<2=011>+}", ""},
		{"{<2=0", ""},
		{"{xxT}", ""},
		{"{\\q\\w}", ""},
		{"{[3-1]}", ""},
		{"{x{x}", ""},
	} {
		f := read(t, "<gs_provision><config><P35>1</P35><P4200>"+escaped(tt.plan)+"</P4200></config></gs_provision>")
		want(t, f, tt.plan, tt.want)
	}
}

func TestCiscoDialPlans(t *testing.T) {
	for _, tt := range []struct{ plan, want string }{
		{"(xx.)", "(xx.)"},
		{"( *xx | [3469]11 | 0 | 00 | [2-9]xxxxxx | 1xxx[2-9]xxxxxxS0 | xxxxxxxxxxxx. )", "(*xx|[3469]11|0|00|[2-9]xxxxxx|1xxx[2-9]xxxxxxS0|xxxxxxxxxxxx.)"},
		{"(9,<:1408>[2-9]xxxxxx|9,1[2-9]xxxxxxxxx)", "(9<:1408>[2-9]xxxxxx|91[2-9]xxxxxxxxx)"},
		{"(<9,:>x.)", "(<9:>x.)"},
		{"(<8:1650>xxxxxxx)", "(<8:1650>xxxxxxx)"},
		{"(xx.|1900xxxxxxx!)", "(1900xxxxxxx!|xx.)"},
		{"L:10,(xx.)", "(xx.|L10)"},
		{"(S:4,L:8,xxx|x.)", "(xxx|x.|S4L8)"},
		{"(S:0,xxx|L:5,1x.)", "(xxx|1x.L5|S0)"},
		{"([13-5*]x)", "([13-5*]x)"},
		{"(xxxS2|x.)", "(xxxS2|x.)"},
		{"(P9<:1000>)", ""},
		{"(xx.<:@gw0>)", ""},
		{"(911S99)", ""},
		{"(xx.", ""},
		{"xx.)", ""},
		{"(xx.) x", ""},
		{"(.x)", ""},
		{"((x))", ""},
		{"()", ""},
	} {
		f := read(t, "<flat-profile><Dial_Plan_1_>"+escaped(tt.plan)+"</Dial_Plan_1_></flat-profile>")
		want(t, f, tt.plan, tt.want)
	}
}

func escaped(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func want(t *testing.T, f File, plan, text string) {
	t.Helper()
	got := ""
	for _, s := range f.Settings {
		if s.Key == "dial_plan" {
			got = s.Value
		}
	}
	if got != text {
		t.Errorf("%s becomes %q, want %q; %v", plan, got, text, f.Notes)
	}
	if text == "" && len(f.Notes) == 0 && !strings.HasPrefix(plan, "(P") {
		t.Errorf("%s is dropped in silence", plan)
	}
	if got == "" {
		return
	}
	if _, err := fxs.ParsePlan(got); err != nil {
		t.Errorf("%s becomes %s: %v", plan, got, err)
	}
}

// What a maker's plan says about numbers, ours says too.
func TestTranslatedPlansDialTheSame(t *testing.T) {
	for _, tt := range []struct {
		text, dialled string
		number        string // empty: barred or not to be dialled
	}{
		{"<gs_provision><config><P4200>{ ^1900x+ | &lt;=1617&gt;[2-9]xxxxxx | 1[2-9]xx[2-9]xxxxxx | 011[2-9]x. | [3469]11 }</P4200></config></gs_provision>", "5551234", "16175551234"},
		{"<gs_provision><config><P4200>{^1900x+|x+}</P4200></config></gs_provision>", "19005551234", ""},
		{"<gs_provision><config><P4200>{^1900x+|x+}</P4200></config></gs_provision>", "18005551234", "18005551234"},
		{"<gs_provision><config><P4200>{^1900x+|x+}</P4200></config></gs_provision>", "1900", "1900"},
		{"<flat-profile><Dial_Plan_1_>(xx.|1900xxxxxxx!)</Dial_Plan_1_></flat-profile>", "19005551234", ""},
		{"<flat-profile><Dial_Plan_1_>(&lt;9,:&gt;xx.)</Dial_Plan_1_></flat-profile>", "9555", "555"},
		{"<flat-profile><Emergency_Number_1_>112,911</Emergency_Number_1_><Dial_Plan_1_>(911|xx.)</Dial_Plan_1_></flat-profile>", "112", "112"},
	} {
		f := read(t, tt.text)
		for _, s := range f.Settings {
			if s.Key != "dial_plan" {
				continue
			}
			p, err := fxs.ParsePlan(s.Value)
			if err != nil {
				t.Fatalf("%s: %v", s.Value, err)
			}
			v := p.Final(tt.dialled)
			if v.Number != tt.number || v.Emergency != (tt.dialled == "112") {
				t.Errorf("%s: %s dials %q, want %q", s.Value, tt.dialled, v.Number, tt.number)
			}
		}
	}
}

// A plan that another package cannot parse is dropped and listed, not handed on to have
// the whole file refused.
func TestCheckDropsPlans(t *testing.T) {
	const text = "<flat-profile><User_ID_1_>1</User_ID_1_><Dial_Plan_1_>(1900x.!|1900xxx!|xx.)</Dial_Plan_1_></flat-profile>"
	f, err := Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	before := len(f.Settings)
	f.Check(checks)
	if len(f.Settings) != before-1 || len(f.Notes) != 1 || !strings.Contains(f.Notes[0].Why, "bars nothing") {
		t.Errorf("settings %v, notes %v", f.Settings, f.Notes)
	}
	effective(t, f)
}
