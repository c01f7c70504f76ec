package config

import (
	"fmt"
	"testing"
)

func TestWithout(t *testing.T) {
	drop := func(e Setting) bool { return e.Key == "register_addr" }
	l := ProvisionedLayer("https://h/f", []byte("\ufeff[sip1]\r\nregister_addr = evil.example\r\nusername = 7\n# register_addr\n[sip2]\nregister_addr = evil.example"))
	kept, dropped := l.Without(drop)
	if want := "\ufeff[sip1]\r\n\nusername = 7\n# register_addr\n[sip2]\n\n"; string(kept.Text) != want {
		t.Errorf("kept %q, want %q", kept.Text, want)
	}
	if got := fmt.Sprint(dropped); got != "[{sip1 register_addr evil.example 2} {sip2 register_addr evil.example 6}]" {
		t.Errorf("dropped %s", got)
	}
	l = SettingsLayer("https://h/f", []Setting{{"sip1", "register_addr", "evil.example", 9}, {"sip1", "username", "7", 3}})
	kept, dropped = l.Without(drop)
	if fmt.Sprint(kept.Settings, dropped) != "[{sip1 username 7 3}] [{sip1 register_addr evil.example 9}]" {
		t.Errorf("%v %v", kept.Settings, dropped)
	}
	if kept, dropped = l.Without(func(Setting) bool { return false }); dropped != nil || len(kept.Settings) != 2 {
		t.Errorf("%v %v", kept.Settings, dropped)
	}
}
