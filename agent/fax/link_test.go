package fax

import (
	"testing"

	"tipring/internal/offer"
	"tipring/t38"
	"tipring/t38/convey"
	"tipring/t38/t30"
	"tipring/t38/udptl"
)

// usual are the settings of a device on which nobody changed [fax].
func usual() Settings {
	return Settings{
		T38: true, MaxRate: 14400, ECM: true, Control: 5, Image: convey.Adaptive, EC: "redundancy", MaxDatagram: 400,
		Reinvite: "callee", CNG: true, CED: true, Preamble: true,
	}
}

func with(change func(s *Settings)) Settings {
	s := usual()
	change(&s)
	return s
}

func TestOffer(t *testing.T) {
	plain := offer.T38{MaxBitRate: 14400, MaxBuffer: 2000, MaxDatagram: 400, EC: offer.Redundancy}
	slow, fec, none := plain, plain, plain
	slow.MaxBitRate, fec.EC, none.EC = 9600, offer.FEC, offer.NoCorrection
	for _, tt := range []struct {
		name     string
		settings Settings
		want     *offer.T38
	}{
		{"usual", usual(), &plain},
		{"switched off", with(func(s *Settings) { s.T38 = false }), nil},
		{"slower", with(func(s *Settings) { s.MaxRate = 9600 }), &slow},
		{"parity", with(func(s *Settings) { s.EC = "fec" }), &fec},
		{"no correction", with(func(s *Settings) { s.EC = "none" }), &none},
	} {
		got := tt.settings.Offer()
		if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestLink(t *testing.T) {
	const redundancy, fec, none = offer.Redundancy, offer.FEC, offer.NoCorrection
	fixed := with(func(s *Settings) { s.Control, s.Image = 4, 2 })
	for _, tt := range []struct {
		name           string
		settings       Settings
		ours, theirs   offer.ErrorCorrection
		control, image int
		span, entries  int
	}{
		{"both by redundancy", usual(), redundancy, redundancy, 5, convey.Adaptive, 0, 0},
		{"with fixed numbers", fixed, redundancy, redundancy, 4, 2, 0, 0},
		{"a peer that wants none", fixed, redundancy, none, 0, 0, 0, 0},
		{"none wanted here", fixed, none, redundancy, 0, 0, 0, 0},
		{"both by parity", usual(), fec, fec, 5, convey.Adaptive, 3, 2},
		{"parity of a fixed number", fixed, fec, fec, 4, 2, 3, 2},
		{"a peer that has no parity", usual(), fec, redundancy, 5, convey.Adaptive, 0, 0},
		{"parity that was not offered", usual(), redundancy, fec, 5, convey.Adaptive, 0, 0},
	} {
		i := &offer.Image{Version: 3, Ours: offer.T38{EC: tt.ours}, Theirs: offer.T38{EC: tt.theirs, MaxDatagram: 72}}
		want := convey.LinkConfig{
			Version: 3, Limits: udptl.LimitsOf(72), Alive: convey.KeepAlive,
			Control: tt.control, Image: tt.image, Span: tt.span, Entries: tt.entries,
		}
		if got := tt.settings.Link(i); got != want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, want)
		}
	}
}

// The rate of a fax is the lowest of what this device, the peer and the machine do.
func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		own, agreed int // 0: sound
		want        int
	}{
		{14400, 0, 14400},
		{9600, 0, 9600},
		{14400, 9600, 9600},
		{4800, 14400, 4800},
		{14400, 33600, 14400},
		{14400, 1, 2400},
		{0, 0, 14400},
	} {
		var i *offer.Image
		if tt.agreed != 0 {
			i = &offer.Image{MaxBitRate: tt.agreed}
		}
		for _, ecm := range []bool{true, false} {
			s := with(func(s *Settings) { s.MaxRate, s.ECM = tt.own, ecm })
			if got, want := s.Policy(i), (t38.Policy{MaxBitRate: tt.want, NoECM: !ecm}); got != want {
				t.Errorf("%+v: policy %+v, want %+v", tt, got, want)
			}
			c := s.Terminal(t30.Config{Ident: "123"}, i)
			if c.MaxBitRate != tt.want || c.ECM != ecm || c.Ident != "123" {
				t.Errorf("%+v: terminal %+v", tt, c)
			}
		}
	}
}
