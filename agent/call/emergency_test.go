package call

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"tipring/internal/offer"
	"tipring/internal/sipmsg"
	"tipring/internal/ua"
	"tipring/internal/ua/transaction"
	"tipring/internal/ua/transport/memnet"
	"tipring/lines"
	"tipring/lines/fxs"
)

// However the number of an emergency comes to be called, it is called as one: while the device
// drains and without a registration.
func TestEveryWayToAnEmergencyIsOne(t *testing.T) {
	hotline := func(c *Config) { c.Hotline, c.HotlineMS = "112", 1000 }
	for _, tt := range []struct {
		name   string
		config func(*Config)
		do     func(ph *telephone)
	}{
		{"keys", nil, func(ph *telephone) { ph.dial("112") }},
		{"hotline", hotline, (*telephone).lift},
		{"a code that calls", nil, func(ph *telephone) { ph.lift(); ph.press("*69") }},
		{"a program", nil, func(ph *telephone) { ph.place("112") }},
		{"a program, with an address", nil, func(ph *telephone) { ph.place("sip:112@127.0.0.2") }},
	} {
		f := &codes{back: "112"}
		inRig(t, coded(f, settings{config: tt.config}), func(r *rig) {
			r.far.banned = true
			r.line.Register()
			r.run(100 * time.Millisecond)
			r.drains.Store(true)
			ph := r.phone()
			tt.do(ph)
			r.until(tt.name+": the call is up", func() bool { return ph.port.Snapshot().State == fxs.Talking })
			if !ph.port.now.emergency {
				t.Errorf("%s: an ordinary call", tt.name)
			}
		})
	}
}

// Where the port's line does not make it, the next one does; and who is busy has been reached.
func TestEmergencyOverAnotherLine(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines func(r *rig, dead *lines.Line) []*lines.Line
		codes []int // that the far end refuses with
		state fxs.State
		calls int
	}{
		{"first works", func(r *rig, dead *lines.Line) []*lines.Line { return []*lines.Line{r.line, dead} }, nil, fxs.Talking, 1},
		{"first is switched off", func(r *rig, dead *lines.Line) []*lines.Line { return []*lines.Line{dead, r.line} }, nil, fxs.Talking, 1},
		{"first refuses", func(r *rig, dead *lines.Line) []*lines.Line { return []*lines.Line{r.line, dead, r.line} }, []int{403}, fxs.Talking, 2},
		{"first declines", func(r *rig, dead *lines.Line) []*lines.Line { return []*lines.Line{r.line, r.line} }, []int{603}, fxs.Talking, 2},
		{"busy", func(r *rig, dead *lines.Line) []*lines.Line { return []*lines.Line{r.line, r.line} }, []int{486}, fxs.Parked, 1},
		{"none works", func(r *rig, dead *lines.Line) []*lines.Line { return []*lines.Line{dead, dead} }, nil, fxs.Parked, 0},
		{"there is none", func(*rig, *lines.Line) []*lines.Line { return nil }, nil, fxs.Parked, 0},
	} {
		var over func() []*lines.Line
		inRig(t, settings{device: func(d *Device) { d.Emergency = func(int) []*lines.Line { return over() } }}, func(r *rig) {
			list := tt.lines(r, switchedOff(r))
			over = func() []*lines.Line { return list }
			codes := tt.codes
			r.far.onInvite = func(c *farCall) {
				if len(codes) > 0 {
					c.refuse(codes[0])
					codes = codes[1:]
					return
				}
				c.ring()
				c.answer()
			}
			r.phone().dial("112")
			r.run(time.Second)
			if got := r.phone().port.Snapshot().State; got != tt.state || len(r.far.calls) != tt.calls {
				t.Errorf("%s: port is %v after %d calls, want %v after %d", tt.name, got, len(r.far.calls), tt.state, tt.calls)
			}
			if n := r.rtp.InUse(); n > 1 {
				t.Errorf("%s: %d RTP ports", tt.name, n)
			}
		})
	}
}

// The far end sends the telephone to an emergency number: that call is one as well.
func TestReferredToAnEmergency(t *testing.T) {
	for _, to := range []string{"sip:112@127.0.0.2", "tel:112", "tel:112;phone-context=+49"} {
		inRig(t, settings{}, func(r *rig) {
			ph, far := talking(r)
			far.ask(sipmsg.REFER, func(m *sipmsg.Message) { m.Header.Add("Refer-To", "<"+to+">") })
			r.run(300 * time.Millisecond)
			if c := ph.port.now; c == nil || !c.emergency || r.far.last().invite.RequestURI.User != "112" {
				t.Errorf("%s: %+v", to, c)
			}
		})
	}
}

// Who ends an emergency call here, by a program or by the page, wants it on no other line.
func TestEmergencyThatIsEndedHere(t *testing.T) {
	for _, answers := range []bool{false, true} {
		var over func() []*lines.Line
		inRig(t, settings{device: func(d *Device) { d.Emergency = func(int) []*lines.Line { return over() } }}, func(r *rig) {
			over = func() []*lines.Line { return []*lines.Line{r.line, r.line} }
			if !answers {
				r.far.onInvite = (*farCall).ring
			}
			ph := r.phone()
			ph.dial("112")
			r.run(300 * time.Millisecond)
			ph.port.now.call.Hangup()
			r.run(300 * time.Millisecond)
			if n := len(r.far.calls); n != 1 || r.rtp.InUse() != 0 {
				t.Errorf("answered %v: %d calls, %d RTP ports", answers, n, r.rtp.InUse())
			}
			ph.want(fxs.Parked, reorderTone)
		})
	}
}

// Nobody is held in an emergency call, on a fax machine's port either.
func TestFlashOfAFaxMachineInAnEmergency(t *testing.T) {
	inRig(t, settings{config: func(c *Config) { c.Fax = func() *FaxPort { return &FaxPort{} } }}, func(r *rig) {
		ph := r.phone()
		ph.dial("112")
		r.run(300 * time.Millisecond)
		ph.flash()
		r.run(300 * time.Millisecond)
		if far := r.far.last(); far.direction != offer.SendRecv || ph.port.now == nil || ph.port.now.held {
			t.Errorf("the far end is %v", far.direction)
		}
	})
}

// switchedOff is a second line, which makes no calls.
func switchedOff(r *rig) *lines.Line {
	stack := ua.NewStack(nil)
	l := lines.New(lineConfig(r.t, []string{"enabled = 0"}), lines.Device{
		Stack: stack, Resolver: &memnet.Names{}, Timers: transaction.Default(),
		UserAgent: "tipring/test", Owner: r.owner, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	before := r.cancel
	r.cancel = func() { before(); cancel() }
	r.goWork(func() { l.Run(ctx) })
	return l
}
