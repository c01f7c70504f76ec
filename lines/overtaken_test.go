package lines

import (
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/dialog"
)

// A re-INVITE that comes before our 2xx to the INVITE is acknowledged.
func TestT38BeforeTheACK(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.phone.incoming = func(*Call) (Handler, int) { return faxMachine{w.phone}, 0 }
		far := w.primary.callLine()
		far.noACK = true
		w.after(time.Second)
		c := w.phone.call()
		c.Answer(faxMedia(), 1)
		w.after(10 * time.Millisecond)
		far.s.post(func(time.Time) { far.noACK = false })
		far.send(sipmsg.INVITE, far.offeringMode(offer.Fax))
		w.after(100 * time.Millisecond)
		w.wantPhone("started pcmu:sendrecv answered fax:10.0.0.9:40000 silence")
		w.after(time.Minute)
		if c.Info().State != Connected {
			t.Errorf("call %s", c.Info().State)
		}
		far.send(sipmsg.BYE)
		w.after(time.Second)
		w.wantIdle()
	})
}

// answersLate has the server answer the next INVITE after a while, or never, and gives the far
// end's call, which believes that it is up.
func (s *fakeServer) answersLate(ring bool, after time.Duration) {
	s.on(sipmsg.INVITE, func(now time.Time, in *ua.Incoming) {
		s.on(sipmsg.INVITE, nil)
		if ring {
			s.ring(now, in)
		}
		c := s.newCall()
		res := in.Response(200, "")
		s.routed(res)
		theirs, err := offer.Parse(in.Req.Body)
		if err != nil {
			panic(err)
		}
		res.SetBody("application/sdp", c.answer(theirs))
		if c.d, err = dialog.FromRequest(in.Req, res); err != nil {
			panic(err)
		}
		c.up.Store(true)
		if after > 0 {
			time.AfterFunc(after, func() { s.post(func(now time.Time) { in.RespondWith(now, res) }) })
		}
	})
}

// As the caller: an offer of T.38 that overtakes the 2xx waits for it.
func TestT38BeforeThe200(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ring   bool
		after  time.Duration // of the 200; 0: never
		method string
		far    string
		phone  string
	}{
		{"nothing before", false, time.Second, sipmsg.INVITE, "INVITE:100 INVITE:200", "started pcmu:sendrecv answered fax:10.0.0.9:40000 silence"},
		{"after a 180", true, time.Second, sipmsg.INVITE, "INVITE:100 INVITE:200", "started ringing pcmu:sendrecv answered fax:10.0.0.9:40000 silence"},
		{"an UPDATE", false, time.Second, sipmsg.UPDATE, "UPDATE:200", "started pcmu:sendrecv answered fax:10.0.0.9:40000 silence"},
		{"too late", true, 7 * time.Second, sipmsg.INVITE, "INVITE:100 INVITE:500", "started ringing pcmu:sendrecv answered"},
		{"never", false, 0, sipmsg.INVITE, "INVITE:100 INVITE:500", "started"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, []string{"signal_retry_counts = 5"}, func(w *world) {
				w.primary.answersLate(tt.ring, tt.after)
				w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
				w.after(100 * time.Millisecond)
				far := w.primary.call()
				far.send(tt.method, far.offeringMode(offer.Fax))
				w.after(8 * time.Second)
				w.wantFar(far, tt.far)
				w.wantPhone(tt.phone)
				if got := far.got(); got.StatusCode == 500 && got.Header.Get("Retry-After") == "" {
					t.Error("500 without Retry-After")
				}
				w.phone.call().Hangup()
				w.after(2 * time.Minute)
				w.wantIdle()
			})
		})
	}
}

// One that waits is not kept when the call is over, and can be given up by its sender. No more than two
// wait.
func TestOvertakenRequestsEnd(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.primary.answersLate(true, 0)
		w.line.Dial(Dial{To: "600", Port: 1, Media: faxMedia(), Handler: faxMachine{w.phone}})
		w.after(100 * time.Millisecond)
		far := w.primary.call()
		var reqs []*ua.Request
		for range maxOvertaken + 1 {
			far.s.post(func(now time.Time) {
				m := far.d.Request(sipmsg.INVITE)
				r := &ua.Request{Msg: m, Target: far.s.wayTo(far.d.Target), Retransmissions: -1,
					On: func(_ time.Time, a ua.Answer) { far.requestAnswered(sipmsg.INVITE, a) }}
				reqs = append(reqs, r)
				far.s.e.Send(now, r)
			})
		}
		w.after(300 * time.Millisecond)
		w.wantFar(far, "INVITE:500 INVITE:100 INVITE:100")
		far.s.post(func(now time.Time) { far.s.e.Cancel(now, reqs[0], -1, nil) })
		w.after(100 * time.Millisecond)
		w.wantFar(far, "INVITE:487")
		w.phone.call().Hangup()
		w.after(5 * time.Second)
		w.wantFar(far, "INVITE:500")
		w.after(2 * time.Minute)
		w.wantIdle()
	})
}
