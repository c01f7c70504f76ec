package fxs

import (
	"slices"
	"testing"

	"tipring/etc"
)

func TestEveryCountryInTheTableIsComplete(t *testing.T) {
	codes := Countries(etc.Tones)
	if len(codes) < 20 {
		t.Errorf("%d countries", len(codes))
	}
	if !slices.IsSorted(codes) || len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Errorf("not in order, or doubled: %v", codes)
	}
	for _, code := range codes {
		c, err := LoadCountry(etc.Tones, code)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for tone := range tones {
			if c.Tones[tone] == nil {
				t.Errorf("%s: no %v tone", code, tone)
			}
		}
		if c.Name == "" || len(c.Emergency) == 0 {
			t.Errorf("%s: no name or no emergency number", code)
		}
		if _, err := DefaultPlan(c); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestCountryIsLikeAnother(t *testing.T) {
	const table = `
howler = 1400
[aa]
name = Aland
dial = 425
ringback = 425/1000,0/4000
busy = 425/500,0/500
reorder = 425/250,0/250
waiting = 425/200,0/5000
ring = 1000,4000
flash = 80-400
emergency = 112
[bb]
like = aa
name = Beland
# only this differs
ring = 400,200,400,2000
`
	c, err := LoadCountry(table, "bb")
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Beland" || !slices.Equal(c.Ring, Cadence{3200, 1600, 3200, 16000}) || c.FlashMin != 640 || c.FlashMax != 3200 {
		t.Errorf("%+v", c)
	}
	if c.Tones[Busy] == nil || c.Tones[StutterTone] == nil || c.Tones[Howler] == nil {
		t.Error("tones of the other country are missing")
	}
}

func TestTableSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, tt := range []struct{ table, want string }{
		{"[xx]\n", `country "aa": no such section in the table of tones`},
		{"[aa]\nname", `tones:2: "name": want key = value`},
		{"[aa]\ncolour = red", `tones:2: [aa] colour: no such key`},
		{"[aa]\nlike = bb\n[bb]\nlike = cc", `tones:2: [aa] like: tones:4: [bb] like: the section it is in serves as one itself`},
		{"[aa]\nring = 1000", `tones:2: [aa] ring: "1000": want pairs of on and off, 16 numbers at most`},
		{"[aa]\nring = 1000,5", `tones:2: [aa] ring: "5": want 50 to 60000 ms`},
		{"[aa]\nflash = 300", `tones:2: [aa] flash: "300": want the shortest and the longest as in 100-900`},
		{"[aa]\nflash = 50-300", `tones:2: [aa] flash: "50": want 80 to 2000 ms`},
		{"[aa]\nflash = 300-200", `tones:2: [aa] flash: "200": want 300 to 2000 ms`},
		{"[aa]\nemergency = 911,x", `tones:2: [aa] emergency: "x": want digits`},
		{"[aa]\nbusy = 9", `tones:2: [aa] busy: tone segment "9": frequency "9": want 20 to 3900 Hz`},
		{"[aa]\nbusy = 480", `country aa has no dial tone`},
		{"[aa]\ndial=425\nringback=425\nbusy=425\nreorder=425\nwaiting=425\nhowler=425", `country aa has no ring or no flash`},
		{"[aa]\npatience = 5,5", `tones:2: [aa] patience: "5,5": want seconds of dial tone, of the next tone and of the howler`},
		{"[aa]\npatience = 5,5,0", `tones:2: [aa] patience: "0": want 1 to 600 s`},
		{"[aa]\ndisconnect = -1", `tones:2: [aa] disconnect: "-1": want 0 to 5000 ms`},
		{"[aa]\ninternational = +", `tones:2: [aa] international: "+": want digits`},
		{"[aa]\nring-splash = 1", `tones:2: [aa] ring-splash: "1": want pairs of on and off, 16 numbers at most`},
		{"[aa]\ncaller_id = smoke", `tones:2: [aa] caller_id: "smoke": want off or one of bellcore bellcore-sdmf etsi etsi-dtas etsi-reversal etsi-pulse bt dtmf dtmf-plain dtmf-dtas dtmf-pulse dtmf-reversal dtmf-reversal-dtas dtmf-denmark dtmf-denmark-reversal dtmf-taiwan`},
	} {
		_, err := LoadCountry(tt.table, "aa")
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v\nwant %s", tt.table, err, tt.want)
		}
	}
}

// Changes count before what follows from them, and say what is wrong with them.
func TestCountryIsChanged(t *testing.T) {
	c, err := LoadChanged(etc.Tones, "de", "dial = 300; flash=100-200 ;busy = 425/100,0/100; ring-bellcore-dr1 = 100,200; caller_id = off; disconnect = 0;")
	if err != nil {
		t.Fatal(err)
	}
	segments, _ := c.Tones[RecallTone].Segments()
	if segments[0].Partials[0].Hz != 300 || c.FlashMax != 1600 || c.Rings["bellcore-dr1"][0] != 800 || c.CallerID != nil || c.DisconnectMS != 0 {
		t.Errorf("%+v", c)
	}
	for changes, want := range map[string]string{
		"dial": `"dial": want key = value`, "dial = 9": `dial: tone segment "9": frequency "9": want 20 to 3900 Hz`,
		"dail = 425": "dail: no such key", "busy = 425/500;flash = 1": `flash: "1": want the shortest and the longest as in 100-900`,
	} {
		if _, err := LoadChanged(etc.Tones, "us", changes); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", changes, err, want)
		}
	}
}

func FuzzLoadCountry(f *testing.F) {
	f.Add(etc.Tones, "gb")
	f.Add("[aa]\nlike = aa", "aa")
	f.Add("[aa]\ndial = ,/,\nring = 50,50", "aa")
	f.Fuzz(func(t *testing.T, table, code string) {
		if c, err := LoadCountry(table, code); err == nil && (len(c.Ring) == 0 || c.FlashMin > c.FlashMax) {
			t.Errorf("%+v", c)
		}
	})
}
