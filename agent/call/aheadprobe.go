package call

import (
	"tipring/agent/fax"
	"tipring/internal/dsp"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/lines/fxs"
)

// probe calls the number ahead, as an ordinary call that would take T.38. The machine hears
// what a caller hears: the far end's sound until it answers, or ringback.
func (u *upload) probe() {
	p := u.p
	line := p.dev.Line(p.cfg.Line)
	if line == nil {
		u.fail(fxs.Reorder, fax.Outcome{Reason: errNoLine.Error()})
		return
	}
	pair, err := p.listen()
	if err != nil {
		u.fail(fxs.Reorder, fax.Outcome{Reason: err.Error()})
		return
	}
	u.stage = probing
	u.until = min(u.keyed+probeBy, p.fx.Now()+u.timeout())
	u.ear.ear = fax.NewEar()
	c := u.c
	c.stage = calling
	c.referred.Store(true) // nobody else is to be called instead
	c.open(pair)
	// A far end that asks for T.38 is one, wherever the fax goes then.
	settings := u.port.Settings
	settings.T38 = settings.T38 || !u.port.Bridge
	c.whenMapped(func(m lines.Media) {
		m.T38 = settings.Offer()
		line.Dial(lines.Dial{To: u.attempt.Number, ANI: u.attempt.ANI, Port: p.cfg.Number, Media: m, Handler: listener{c}})
	})
}

func (u *upload) timeout() int64 {
	s := u.port.TimeoutS
	if s <= 0 {
		s = probeTimeout
	}
	return int64(s) * dsp.SampleRate
}

// answered implements faxSide: somebody has, or something.
func (u *upload) answered() bool {
	if u.stage != probing {
		return false
	}
	u.isUp = true
	u.p.fx.Silence()
	return true
}

// image implements faxSide: only a fax machine's side wants T.38.
func (u *upload) image(i *offer.Image) {
	if u.stage == probing && i != nil {
		u.found("T.38", i)
	}
}

// ended implements faxSide. What the machine hears of it is what every caller does.
func (u *upload) ended(r lines.Reason) bool {
	if u.stage == probing {
		u.p.log.Info("call ahead ended", "to", u.attempt.Number, "code", r.Code, "reason", r.Text)
		u.settle(fax.Outcome{Code: r.Code, Reason: r.Text, Answered: u.isUp})
	}
	return false
}

// listen is a frame of the probe. The far end hears nothing until it is known to be no fax
// machine, and once it has answered, neither does the machine.
func (u *upload) listen(in, out []int16) {
	c := u.c
	if c.session == nil || c.mapping != nil {
		return
	}
	c.session.Exchange(u.p.quiet(len(in)), out)
	heard := u.ear.hear(out, u.isUp)
	if u.hearEvents() {
		heard = fax.FaxTone
	}
	if u.isUp || heard != fax.Nothing {
		clear(out)
	}
	switch heard {
	case fax.Nothing:
	case fax.FaxTone:
		u.found("its tones", nil)
	case fax.BusyTone, fax.FastBusy:
		u.fail(fxs.Busy, fax.Outcome{Reason: "the far end sounds " + heard.String(), Heard: heard, Answered: u.isUp})
	default:
		u.connect(heard)
	}
}

// Telephone events of what fax machines say (RFC 4734 table 2).
const (
	eventANS  = 32 // CED
	eventSAM2 = 35 // ANSam with phase reversals
	eventV21  = 40 // flags in V.21 channel 2
)

// hearEvents reports that a gateway tells as an event that a fax machine has answered.
func (u *upload) hearEvents() (is bool) {
	for {
		e, ok := u.c.session.NextEvent()
		if !ok {
			return is
		}
		is = is || !e.End && (e.Code >= eventANS && e.Code <= eventSAM2 || e.Code == eventV21)
	}
}

// found is the end of a probe that a fax machine has answered. i is the T.38 that it wants,
// if it does.
func (u *upload) found(by string, i *offer.Image) {
	u.p.log.Info("call ahead found a fax machine", "to", u.attempt.Number, "by", by)
	if u.port.Bridge {
		u.bridge(i)
		return
	}
	c := u.c
	u.p.fx.Silence()
	u.occupy()
	c.fax = nil
	c.leave()
	u.open()
}

// connect puts the person at the machine through to who answered instead of one.
func (u *upload) connect(heard fax.Sound) {
	p, c, number := u.p, u.c, u.attempt.Number
	p.log.Info("call ahead found no fax machine", "to", number, "heard", heard)
	o := u.settle(fax.Outcome{
		Reason: "no fax machine answered", Answered: true, Voice: heard != fax.SpecialTone, Heard: heard,
	})
	if r := o.CalledResult; r != fax.Unknown {
		p.aside(func() { p.dev.Desk.Called(number, r) })
	}
	u.relay(nil)
	c.answered()
}

// relay leaves the probe as a call whose machine talks to the far end in real time, should a
// fax machine be there after all.
func (u *upload) relay(s fax.Session) *relay {
	u.c.referred.Store(false)
	a := u.attempt
	a.Queue, a.Stage = false, fax.RealTime
	if s == nil && u.permit.Session != nil { // its account is over: a fax has one of its own
		a.Related = u.permit.Session.ID()
	}
	return u.p.relay(u.c, u.port, a, s)
}

// bridge makes the call that found a fax machine the fax call itself.
func (u *upload) bridge(i *offer.Image) {
	r := u.relay(u.permit.Session)
	u.stage = uploaded
	if u.isUp {
		u.p.fx.Talk()
	}
	if i != nil {
		r.image(i)
	}
}
