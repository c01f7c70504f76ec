package config

import (
	"errors"
	"testing"
)

// What is wrong with changes to a country's tones is told with its place, and a device without
// any is not asked about them.
func TestTonesAreChecked(t *testing.T) {
	asked := 0
	checks := Checks{Tones: func(country, changes string) error {
		if asked++; country != "gb" || changes != "busy = 9" {
			t.Errorf("asked about %q in %s", changes, country)
		}
		return errors.New("busy: no frequency")
	}}
	_, err := Load([]Layer{file("[device]\ncountry = gb\ntones = busy = 9")}, checks)
	const want = `tipring.ini:3: [device] tones = busy = 9: wanted tones as in etc/tones.txt: busy: no frequency`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if _, err := Load([]Layer{file("[device]\ncountry = de")}, checks); err != nil || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
