package lines

import (
	"testing"
	"time"

	"tipring/internal/sipmsg"
)

// Calls that come in and are not answered, and whether somebody here would have wanted to know.
func TestMissedCalls(t *testing.T) {
	refuse := func(code int) func(w *world, far *farCall) {
		return func(w *world, _ *farCall) { w.phone.call().Refuse(code) }
	}
	for _, tt := range []struct {
		name string
		ends func(w *world, far *farCall)
		want bool
	}{
		{"the caller gave up", func(_ *world, far *farCall) { far.cancel() }, true},
		{"busy", refuse(486), true},
		{"nobody there", refuse(480), true},
		{"anonymous", refuse(433), false},
		{"sent on", func(w *world, _ *farCall) { w.phone.call().Redirect("1", DivertAlways) }, false},
		{"answered", func(w *world, _ *farCall) {
			w.phone.call().Answer(media, 1)
			w.after(time.Second)
			w.phone.call().Hangup()
		}, false},
	} {
		inWorld(t, nil, func(w *world) {
			far := w.primary.callLine()
			w.after(time.Second)
			c := w.phone.call()
			c.Ring()
			w.after(time.Second)
			tt.ends(w, far)
			w.after(time.Minute)
			if i := c.Info(); i.State != Ended || i.Missed != tt.want {
				t.Errorf("%s: %v, missed %v, want %v", tt.name, i.State, i.Missed, tt.want)
			}
			w.wantIdle()
		})
	}
	inWorld(t, nil, func(w *world) {
		w.primary.refuses(sipmsg.INVITE, 486)
		w.dial("600")
		w.after(time.Minute)
		if w.phone.call().Info().Missed {
			t.Error("a call that went out is missed")
		}
	})
}

// Why the far end gave a call up that rang, as its CANCEL tells (RFC 3326).
func TestTakenElsewhere(t *testing.T) {
	for _, tt := range []struct {
		reason string
		want   bool
	}{
		{"", false},
		{`Q.850;cause=16;text="Terminated"`, false},
		{`SIP;cause=200;text="Call completed elsewhere"`, true},
		{"Q.850;cause=26", true},
		{`Q.850;cause=16;text="a, b", sip ; cause = 200`, true},
		{"SIP;cause=600", false},
		{";;, SIP, ,", false},
	} {
		m := &sipmsg.Message{Method: sipmsg.CANCEL}
		m.Header.Add("Reason", tt.reason)
		if got := takenElsewhere(m); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.reason, got, tt.want)
		}
	}
	if takenElsewhere(nil) {
		t.Error("a call that was not cancelled is taken elsewhere")
	}
}
