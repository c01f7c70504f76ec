package sipmsg

import (
	"strings"
	"testing"
)

var dialled = []struct{ to, user string }{
	{"911", "911"},
	{"+49 (30) 1-2", "+49 (30) 1-2"},
	{"*72", "*72"},
	{"", ""},
	{"911@pbx.example", "911"},
	{"sip:911@pbx.example", "911"},
	{"SIPS:911@pbx.example:5061;transport=tls?Priority=x", "911"},
	{"tel:911", "911"},
	{"Tel:911;phone-context=pbx.example", "911"},
	{"sip:%39%31%31@pbx.example", "911"},
	{"sip:911;phone-context=+1@pbx.example;user=phone", "911"},
	{"sip:911:secret@pbx.example", "911"},
	{"0900123@pbx.example:911", "0900123"},
	{"sip:0900123@pbx.example:911", "0900123"},
	{"0900123;x:911", "0900123"},
	{"0900123;x:911@pbx.example", "0900123"},
	{"0900123:911@pbx.example", "0900123"},
	{"0900123:911", "0900123:911"}, // no address: all of it is sent
	{"x:911", "x:911"},
	{"sip:0900%3B911@pbx.example", "0900;911"},
	{"sip:pbx.example:5060", "pbx.example"},
	{"sip:", "sip:"},
	{"%4", "%4"},
}

func TestUserOf(t *testing.T) {
	for _, tt := range dialled {
		if got := UserOf(tt.to); got != tt.user {
			t.Errorf("%q: %q, want %q", tt.to, got, tt.user)
		}
	}
}

// What can be called as an address has the user that the address has as a URI.
func FuzzUserOf(f *testing.F) {
	for _, tt := range dialled {
		f.Add(tt.to)
	}
	f.Fuzz(func(t *testing.T, to string) {
		user := UserOf(to)
		if len(user) > len(to) {
			t.Fatalf("%q has the user %q", to, user)
		}
		u, err := ParseURI(to)
		if err != nil || u.User == "" {
			return
		}
		if rest, ok := strings.CutPrefix(u.User, user); !ok || rest != "" && rest[0] != ';' {
			t.Fatalf("%q has the user %q, want %q", to, user, u.User)
		}
	})
}
