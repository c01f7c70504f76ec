package lines

import (
	"testing"
	"testing/synctest"
	"time"

	"tipring/internal/sipmsg"
	"tipring/internal/ua/transport/memnet"
)

func (w *world) dialEmergency(to string) {
	w.line.Dial(Dial{To: to, Port: 1, Media: media, Handler: w.phone, Emergency: true})
}

// An emergency call waits for no registration: it goes to the primary, and where that does not
// take it, to the backup.
func TestEmergencyCallWithoutRegistration(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  func(w *world)
		server string
		within time.Duration
	}{
		{"refused by both registrars", func(w *world) {}, "primary", 0},
		{"primary silent", func(w *world) { w.primary.host.Fail(memnet.Silent) }, "backup", span},
		{"primary without a socket", func(w *world) { w.primary.host.Fail(memnet.Refusing) }, "backup", 0},
		{"primary overloaded", func(w *world) { w.primary.refuses(sipmsg.INVITE, 503) }, "backup", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := makeWorld(t)
				w.primary.refuses(sipmsg.REGISTER, 403)
				w.backup.refuses(sipmsg.REGISTER, 403)
				w.start()
				w.after(time.Second)
				w.dial("600")
				w.after(0)
				w.wantNews("started ended") // an ordinary call
				tt.fault(w)
				w.dialEmergency("112")
				w.after(tt.within)
				w.wantNews("started ringing pcmu:sendrecv answered")
				if s := w.phone.call().Info().Server.String(); s != tt.server {
					t.Errorf("through the %s server", s)
				}
				if n := len(w.backup.all(sipmsg.INVITE)); tt.server == "primary" && n != 0 {
					t.Errorf("%d INVITEs at the backup", n)
				}
				w.phone.call().Hangup()
				w.after(time.Minute)
				w.wantNews("ended")
			})
		})
	}
}

// Servers that are known to be dead are asked in the end: what is known may be out of date.
func TestEmergencyCallToServersKnownToBeDead(t *testing.T) {
	for _, alive := range []string{"primary", "backup", "none"} {
		t.Run(alive, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.primary.host.Fail(memnet.Refusing)
				w.backup.host.Fail(memnet.Refusing)
				w.dial("600")
				w.after(time.Minute)
				w.wantNews("started ended")
				for _, target := range []*fakeServer{w.primary, w.backup} {
					if !w.line.isDown(target.host.Target(0)) {
						t.Fatal("not known to be dead")
					}
				}
				want := "started ringing pcmu:sendrecv answered"
				switch alive {
				case "primary":
					w.primary.host.Fail(memnet.Alive)
				case "backup":
					w.backup.host.Fail(memnet.Alive)
				case "none":
					want = "started ended"
				}
				began := time.Now()
				w.dialEmergency("112")
				w.after(0)
				w.wantNews(want)
				if alive == "none" {
					if n := len(w.sent(w.primary, sipmsg.INVITE, began)) + len(w.sent(w.backup, sipmsg.INVITE, began)); n != 2 {
						t.Errorf("%d INVITEs, want one to each", n)
					}
					w.primary.host.Fail(memnet.Alive)
					w.after(time.Hour)
					w.wantIdle()
				}
			})
		})
	}
}
