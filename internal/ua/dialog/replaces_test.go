package dialog

import (
	"testing"

	"tipring/internal/sipmsg"
)

func TestReplaces(t *testing.T) {
	// RFC 3891 section 6.1's examples.
	for _, tt := range []struct {
		value string
		want  Replaces
		ok    bool
	}{
		{"98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff", Replaces{sipmsg.Replaces{CallID: "98732@sip.example.com", ToTag: "ff87ff", FromTag: "r33th4x0r"}}, true},
		{"12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only", Replaces{sipmsg.Replaces{CallID: "12adf2f34456gs5", ToTag: "12345", FromTag: "54321", EarlyOnly: true}}, true},
		{"87134@171.161.34.23;to-tag=24796;from-tag=0", Replaces{sipmsg.Replaces{CallID: "87134@171.161.34.23", ToTag: "24796", FromTag: "0"}}, true},
		{" a@b ; TO-TAG = 1 ; From-Tag=2 ; x=y", Replaces{sipmsg.Replaces{CallID: "a@b", ToTag: "1", FromTag: "2"}}, true},
		{"a@b;to-tag=1", Replaces{}, false},
		{"a@b;from-tag=1", Replaces{}, false},
		{";to-tag=1;from-tag=2", Replaces{}, false},
		{"a b;to-tag=1;from-tag=2", Replaces{}, false},
		{"", Replaces{}, false},
	} {
		got, ok := ParseReplaces(tt.value)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: %+v %v, want %+v %v", tt.value, got, ok, tt.want, tt.ok)
		}
		if again, _ := ParseReplaces(got.String()); ok && again != got {
			t.Errorf("%q written as %q", tt.value, got.String())
		}
	}
}

func TestReplacesInARequest(t *testing.T) {
	invite := message(t, inviteReceived)
	if r, code := ReplacesOf(invite); r != nil || code != 0 {
		t.Errorf("without: %v %d", r, code)
	}
	invite.Header.Add("Replaces", "a@b;to-tag=1;from-tag=2")
	if r, code := ReplacesOf(invite); r == nil || code != 0 {
		t.Errorf("with: %v %d", r, code)
	}
	other := invite.Clone()
	other.Method = sipmsg.UPDATE
	if _, code := ReplacesOf(other); code != 400 {
		t.Errorf("in an UPDATE: %d", code)
	}
	invite.Header.Add("Replaces", "c@d;to-tag=1;from-tag=2")
	if _, code := ReplacesOf(invite); code != 400 {
		t.Errorf("two: %d", code)
	}
	invite.Header.Set("Replaces", "nonsense")
	if _, code := ReplacesOf(invite); code != 400 {
		t.Errorf("nonsense: %d", code)
	}
}

// RFC 3891 section 3: what the named dialog makes of the INVITE.
func TestReplacesJudged(t *testing.T) {
	d := confirmed(t)
	r, _ := ParseReplaces("2xTb9vxSit55XU7p8@atlanta.example.com;to-tag=9fxced76sl;from-tag=314159")
	if !r.Match(d) {
		t.Error("our own tag is the to-tag")
	}
	if r.ToTag, r.FromTag = r.FromTag, r.ToTag; r.Match(d) {
		t.Error("tags the wrong way round match")
	}
	far := ReplacesFor(d)
	if far.ToTag != "314159" || far.FromTag != "9fxced76sl" {
		t.Errorf("named to the far end: %+v", far)
	}
	d.RemoteTag = ""
	if r := ReplacesFor(d); r.ToTag != "0" {
		t.Errorf("a far end of RFC 2543: %+v", r)
	}
	r = Replaces{sipmsg.Replaces{CallID: d.CallID, ToTag: d.LocalTag, FromTag: "0"}}
	if !r.Match(d) {
		t.Error("tag 0 stands for none")
	}

	early := func(caller bool) *Dialog { return &Dialog{state: Early, caller: caller} }
	for _, tt := range []struct {
		name      string
		d         *Dialog
		earlyOnly bool
		want      int
	}{
		{"no such dialog", nil, false, 481},
		{"ended", &Dialog{state: Ended}, false, 603},
		{"a call", &Dialog{state: Confirmed}, false, 0},
		{"a call, early-only", &Dialog{state: Confirmed}, true, 486},
		{"we are calling", early(true), false, 0},
		{"we are calling, early-only", early(true), true, 0},
		{"we are rung", early(false), false, 481},
	} {
		if got := (Replaces{sipmsg.Replaces{EarlyOnly: tt.earlyOnly}}).Judge(tt.d); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
