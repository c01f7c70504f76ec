package agent

import (
	"testing"

	"tipring/agent/call"
	"tipring/internal/config"
	"tipring/internal/media"
	"tipring/lines/fxs"
	"tipring/lines/fxs/callerid"
)

// What a port's section says of its telephone is what the port does.
func TestSettingsOfATelephone(t *testing.T) {
	usual := config.Port{CallerIDStandard: "country", CallWaitingCallerID: true, MessageWaiting: []string{"lamp", "stutter", "fsk"}, DisconnectMS: config.Auto, InterdigitS: 4, PulseDialling: true}
	changed := func(change func(c *config.Port)) config.Port {
		c := usual
		change(&c)
		return c
	}
	was := fxs.Settings{CallerID: "country", InterdigitS: 4}
	with := func(change func(s *fxs.Settings)) fxs.Settings {
		s := was
		change(&s)
		return s
	}
	for _, tt := range []struct {
		in   config.Port
		want fxs.Settings
	}{
		{usual, was},
		{changed(func(c *config.Port) { c.MessageWaiting = nil }), with(func(s *fxs.Settings) { s.NoLamp, s.NoStutter, s.NoData = true, true, true })},
		{changed(func(c *config.Port) { c.MessageWaiting = []string{"fsk", "splash"} }), with(func(s *fxs.Settings) { s.NoLamp, s.NoStutter, s.Splash = true, true, true })},
		{changed(func(c *config.Port) { c.CallerIDStandard, c.CallWaitingCallerID = "bt", false }), with(func(s *fxs.Settings) { s.CallerID, s.NoWaitingID = "bt", true })},
		{changed(func(c *config.Port) { c.DisconnectMS, c.PolarityReversal = 0, true }), with(func(s *fxs.Settings) { s.DisconnectMS, s.Reversal = -1, true })},
		{changed(func(c *config.Port) { c.PulseDialling = false }), with(func(s *fxs.Settings) { s.NoPulses = true })},
		{changed(func(c *config.Port) { c.DisconnectMS, c.NoDigitS, c.InterdigitS = 200, 9, 2 }), with(func(s *fxs.Settings) { s.DisconnectMS, s.NoDigitS, s.InterdigitS = 200, 9, 2 })},
	} {
		if got := telephone(tt.in); got != tt.want {
			t.Errorf("%+v:\n%+v\nwant\n%+v", tt.in, got, tt.want)
		}
	}
	offered := 0
	for _, section := range config.Sections() {
		k := section.Key("caller_id_standard")
		if k == nil {
			continue
		}
		for _, c := range k.Choices() {
			if c.Value != "country" && c.Value != "off" {
				offered++
				if callerid.Find(c.Value) == nil {
					t.Errorf("caller_id_standard offers %s, which nobody knows", c.Value)
				}
			}
		}
	}
	if all := len(callerid.Names()); offered != all {
		t.Errorf("%d of %d standards are offered", offered, all)
	}
}

// From where media are taken is what rtp_source says.
func TestSourceOfMedia(t *testing.T) {
	for source, want := range map[string]media.Learning{"nat": media.LearnNAT, "any": media.LearnAny, "strict": media.LearnNever} {
		if got := manner(config.SIP{RTPSource: source}).Learning; got != want {
			t.Errorf("%s: %v, want %v", source, got, want)
		}
	}
}

// What the dial plan bars is barred in an address too, which is called as it is else.
func TestDialPlanOfAPortAndAddresses(t *testing.T) {
	plan, err := fxs.ParsePlan("(0900x.!|<9:>x.|[1-8]xx)")
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{
		"9600": "600", "600": "600", "0170": "", "0900123": "",
		"0900123@pbx.example": "", "sip:0900123@pbx.example": "", "SIPS:%30900123;x=y@pbx.example": "", "tel:0900123": "",
		"0900123@pbx.example:911": "", "9600@pbx.example": "9600@pbx.example", "sip:alice@pbx.example": "sip:alice@pbx.example",
	} {
		got, err := (&portUnit{}).number(call.Config{Plan: plan}, to)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: called %q, %v; want %q", to, got, err, want)
		}
	}
}
