package config

import "testing"

func TestRingRule(t *testing.T) {
	for s, want := range map[string]bool{
		"5551234=bellcore-dr2": true, "+49*=bellcore-dr3": true, "*97=splash": true,
		"=bellcore-dr2": false, "5551234": false, "5551234=": false, "*=bellcore-dr2": false, "alice=bellcore-dr2": false,
		"5551234=Bellcore": false, "5551234=a=b": false,
	} {
		if isRingRule(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
