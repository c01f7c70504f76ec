package lines

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua"
)

var errTest = errors.New("not at this hour")

// guarded makes a world whose device refuses one number, and writes down what it is asked.
func guarded(t *testing.T, test func(w *world, asked *[]Request)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := makeWorld(t)
		var asked []Request
		w.permit = func(r Request) error {
			asked = append(asked, r)
			if r.To == "0900" || r.To == "sip:0900@10.0.0.2" {
				return errTest
			}
			return nil
		}
		w.start()
		w.after(time.Second)
		test(w, &asked)
	})
}

// A call that is not permitted ends here, and no server hears of it; an emergency call is not
// asked about.
func TestCallNotPermitted(t *testing.T) {
	guarded(t, func(w *world, asked *[]Request) {
		w.dial("0900")
		w.after(time.Second)
		w.wantNews("started ended")
		if r := w.phone.reason(); r.Code != 403 || r.By != Here || r.Text != errTest.Error() {
			t.Errorf("reason %+v", r)
		}
		if n := len(w.primary.all(sipmsg.INVITE)); n != 0 {
			t.Errorf("%d INVITEs", n)
		}
		w.dialEmergency("0900")
		w.after(time.Second)
		w.wantNews("started ringing pcmu:sendrecv answered")
		if len(*asked) != 1 {
			t.Errorf("asked %+v", *asked)
		}
		w.phone.call().Hangup()
		w.after(time.Minute)
		w.wantIdle()
	})
}

// A call that the far end sends on is asked about anew, by its new number alone: it was counted.
func TestSentOnByTheFarEndNotPermitted(t *testing.T) {
	for _, tt := range []struct {
		to        string
		emergency bool
		asked     int
		reason    int
		invites   int
	}{
		{"0900", false, 2, 403, 1},
		{"0170", false, 2, 0, 2},
		{"0900", true, 0, 0, 2}, // whoever is called for help knows where it is
	} {
		guarded(t, func(w *world, asked *[]Request) {
			w.primary.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
				if in.Req.RequestURI.User == tt.to {
					w.primary.usual(now, in)
					return
				}
				res := in.Response(302, "")
				res.Contact = []sipmsg.Addr{{URI: sipmsg.URI{Scheme: "sip", User: tt.to, Host: "10.0.0.2"}}}
				in.RespondWith(now, res)
			})
			if tt.emergency {
				w.dialEmergency("112")
			} else {
				w.dial("600")
			}
			w.after(time.Second)
			if n := len(w.primary.all(sipmsg.INVITE)); n != tt.invites {
				t.Errorf("%s: %d INVITEs, want %d", tt.to, n, tt.invites)
			}
			if len(*asked) != tt.asked || tt.asked > 1 && !(*asked)[1].SentOn {
				t.Errorf("%s: asked %+v", tt.to, *asked)
			}
			if tt.reason == 0 {
				w.wantNews("started ringing pcmu:sendrecv answered")
				w.phone.call().Hangup()
			} else if r := w.phone.reason(); r.Code != tt.reason || r.By != Here || r.Text != errTest.Error() {
				t.Errorf("%s: reason %+v", tt.to, r)
			}
			w.after(time.Minute)
			w.wantIdle()
		})
	}
}

// What runs is told: calls that went out and are not over, neither those that came in nor those
// that were refused.
func TestRunningCallsAreCounted(t *testing.T) {
	guarded(t, func(w *world, asked *[]Request) {
		w.primary.callLine()
		w.after(time.Second)
		in := w.phone.call()
		for range 3 {
			w.dial("600")
			w.after(time.Second)
			w.dial("0900")
			w.after(time.Second)
		}
		var running []int
		for _, r := range *asked {
			running = append(running, r.Running)
		}
		if !slices.Equal(running, []int{0, 1, 1, 2, 2, 3}) {
			t.Errorf("running: %v", running)
		}
		if r := (*asked)[0]; r.Line != 1 || r.To != "600" || r.At.IsZero() {
			t.Errorf("asked %+v", r)
		}
		in.Hangup()
		w.phone.mu.Lock()
		calls := slices.Clone(w.phone.calls)
		w.phone.mu.Unlock()
		for _, c := range calls {
			c.Hangup()
		}
		w.after(time.Minute)
		w.wantIdle()
	})
}

// A call that must not go out is not sent on either.
func TestSentOnNotPermitted(t *testing.T) {
	guarded(t, func(w *world, _ *[]Request) {
		far := w.primary.callLine()
		w.after(time.Second)
		w.phone.call().Redirect("0900", DivertAlways)
		w.after(time.Second)
		if got := far.news(); got != "100 480" {
			t.Errorf("the caller hears %q", got)
		}
		w.after(time.Minute)
		w.wantIdle()
	})
}
