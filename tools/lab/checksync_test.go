package lab

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/digest"
	"tipring/internal/ua/transaction"
)

// A notified device challenges the server, and gets the password of its user.
func TestCheckSync(t *testing.T) {
	r := newRig(t)
	r.binds("201", ann)
	var outcome []error
	done := func(err error) { outcome = append(outcome, err) }
	begin := len(r.out)
	r.c.checkSync(r.now, "201", done)
	first := r.request(r.out[begin:], ann, sipmsg.NOTIFY)
	if pkg, _, _ := first.Event(); pkg != "check-sync" || first.RequestURI.User != "token201" || first.Header.Get("Authorization") != "" {
		t.Errorf("sent\n%s", first)
	}
	device := digest.NewVerifier("device", func(user string) (string, bool) { return users[user], true })
	challenge := device.Challenge(r.now, first, digest.UserAgent, false)
	challenge.To = challenge.To.WithTag("d")
	second := r.request(r.hears(ann, challenge), ann, sipmsg.NOTIFY)
	if user, err := device.Check(r.now, second, digest.UserAgent); user != "201" || err != nil {
		t.Errorf("proved to be %q, %v", user, err)
	}
	if second.CallID != first.CallID || second.CSeq.Seq != 2 || second.Branch() == first.Branch() {
		t.Errorf("sent again\n%s\nafter\n%s", second, first)
	}
	if last := r.events[len(r.events)-1]; last != "primary: 201 challenged" {
		t.Errorf("told %q last", last)
	}
	r.hears(ann, second.Response(200, ""))
	if len(outcome) != 1 || outcome[0] != nil {
		t.Errorf("outcome %v, want one success", outcome)
	}
}

// What does not end well is told once.
func TestCheckSyncFails(t *testing.T) {
	tests := []struct {
		name string
		play func(r *rig, notify *sipmsg.Message)
		want string
	}{
		{"refused", func(r *rig, m *sipmsg.Message) { r.hears(ann, m.Response(503, "Asked A Moment Ago")) }, "503 Asked A Moment Ago"},
		{"challenged again", func(r *rig, m *sipmsg.Message) {
			device := digest.NewVerifier("device", nil)
			m = r.request(r.hears(ann, device.Challenge(r.now, m, digest.UserAgent, false)), ann, sipmsg.NOTIFY)
			r.hears(ann, device.Challenge(r.now, m, digest.UserAgent, false))
		}, "password"},
		{"silence", func(r *rig, m *sipmsg.Message) { r.waits(time.Minute) }, "no response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.binds("201", ann)
			var outcome []error
			begin := len(r.out)
			r.c.checkSync(r.now, "201", func(err error) { outcome = append(outcome, err) })
			tt.play(r, r.request(r.out[begin:], ann, sipmsg.NOTIFY))
			if len(outcome) != 1 || outcome[0] == nil || !strings.Contains(outcome[0].Error(), tt.want) {
				t.Errorf("outcome %v, want %s", outcome, tt.want)
			}
		})
	}
	l := startLab(t, Config{Users: users, Timers: transaction.WithT1(20 * time.Millisecond)})
	if err := l.Primary.CheckSync(t.Context(), "201"); err == nil || !strings.Contains(err.Error(), "not registered at the primary") {
		t.Errorf("of nobody: %v", err)
	}
	_ = l.Primary.Close()
	if err := l.Primary.CheckSync(t.Context(), "201"); !errors.Is(err, errClosed) {
		t.Errorf("of a server that is closed: %v", err)
	}
}
