package call

import (
	"slices"

	"tipring/agent/fax"
	"tipring/internal/dsp"
	"tipring/internal/media"
	"tipring/internal/offer"
	"tipring/lines"
	"tipring/t38"
	"tipring/t38/pages"
)

// Times of a relay, in samples.
const (
	// lastSilence ends a call in which nothing is heard of either machine any more.
	lastSilence = 60 * dsp.SampleRate
	// afterDCN ends a call whose machines have said that they are done.
	afterDCN = 5 * dsp.SampleRate
	// lookEvery is how often a fax is looked at as a whole.
	lookEvery = dsp.SampleRate / 2
)

// A relayPhase is what a relay takes the call for.
type relayPhase uint8

const (
	inVoice relayPhase = iota // until a fax is heard, and behind it when somebody speaks
	inData                    // a fax in sound
	inImage                   // a fax by T.38
)

// A relay is the side of a conversation whose telephone is a fax machine that talks to the far
// end's in real time. The call begins as voice. The relay listens for a fax in both
// directions, sees to it that the call becomes T.38 where that is to be had, and stands between
// machine and packets then; else it lets the sound pass as data.
type relay struct {
	p        *Port
	c        *conversation
	settings *fax.Settings
	attempt  fax.Attempt
	account  fax.Session // of the provider; nil: nobody keeps one
	number   string      // of the far end, as Memory knows it
	ident    string      // that the machine is to say by T.38, as the provider wants it; empty: its own

	phase   relayPhase
	now     int64 // samples since the relay began
	up      bool  // the call is answered
	heard   bool  // that it is a fax
	over    bool  // the outcome is told
	hungUp  string
	ears    faxEars
	change  switching
	second  *media.Pair // where T.38 comes in beside sound; nil: it is not offered so
	beside  uint16      // its port, as the far end is told
	net     relayNet
	plain   plainEars
	watch   t38.Watch      // of what passed until the gateway that runs began
	earlier *t38.Record    // of faxes before; nil: there was none
	shown   *pages.Monitor // the pages that pass by T.38
	limit   limiter
	notes   []relayNote

	tally tally

	began  int64 // when the fax was heard
	upAt   int64 // when the call was answered
	byT38  bool  // packets were agreed on
	asFax  bool  // the far end showed a sign of a fax
	seen   bool  // a frame of V.21 passed
	lookAt int64
	signal int64 // when a machine was last heard
	overAt int64 // when both were done; 0: not yet
	talk   int64 // samples of sound that was no signal of a fax
}

// relay makes c a call between machines, as f has it. account may be nil.
func (p *Port) relay(c *conversation, f *FaxPort, a fax.Attempt, account fax.Session) *relay {
	r := &relay{p: p, c: c, settings: &f.Settings, attempt: a, account: account, up: c.stage == up}
	if r.number = a.Number; !a.Send {
		r.number = a.CallerID
	}
	if a.CSID != f.CSID {
		r.ident = a.CSID
	}
	r.shown = &pages.Monitor{Keep: keptPages, Changed: r.moved}
	r.watch.Onlooker = r.shown
	r.ears.start()
	r.limit = newLimiter(r.settings.MaxRate)
	c.fax = r
	return r
}

// keptPages is how much of the pages of a fax is kept to be seen, in octets as they are coded.
const keptPages = 1 << 20

// moved tells that a page has come further.
func (r *relay) moved() {
	if f := r.p.dev.FaxMoved; f != nil && !r.over {
		f(r.c.id)
	}
}

// Exchange implements sound.
func (r *relay) Exchange(in, out []int16) {
	if r.c.session == nil { // it rings
		return
	}
	if r.phase == inImage {
		r.net.exchange(r, in, out)
	} else {
		r.hear(&r.ears.near, in)
		if r.settings.T38 {
			r.net.past.keep(in)
		}
		if r.phase == inVoice {
			r.p.exchange(r.c, in, out)
		} else {
			r.throughSession(in, out)
			r.plain.hear(in, out)
		}
		r.hear(&r.ears.far, out)
	}
	r.now += int64(len(in))
	if r.net.ahead != nil {
		r.net.ahead.Pass(len(in))
	}
	r.tick(in, out)
}

// throughSession is the sound of modems: nothing is muted in it, and no key sounds.
func (r *relay) throughSession(in, out []int16) {
	if r.c.mapping != nil {
		return
	}
	r.c.session.Exchange(in, out)
	r.c.hearsEarly()
	for ok := true; ok; {
		_, ok = r.c.session.NextEvent()
	}
}

// begin is the beginning of a fax: what follows is data.
func (r *relay) begin(sign string) {
	if r.phase != inVoice {
		return
	}
	r.p.log.Info("fax heard", "call", r.c.id, "by", sign)
	r.isFax()
	r.inSound()
}

// isFax notes that the call is a fax.
func (r *relay) isFax() {
	if r.phase == inVoice {
		r.p.keyUp()
		r.p.digits.Stop()
		r.began = r.now
	}
	if !r.heard {
		r.heard = true
		r.open()
		r.alive()
	}
}

// open begins the account of a fax that came behind a voice, whose own account is over.
func (r *relay) open() {
	if r.account == nil && r.attempt.Related != "" && r.p.dev.Clerk != nil {
		r.account = r.p.dev.Clerk.Account(r.attempt)
	}
}

// watches begins to watch for the end of the fax.
func (r *relay) watches() {
	r.signal, r.lookAt, r.talk = r.now, r.now+lookEvery, 0
}

// inSound lets sound pass as data.
func (r *relay) inSound() {
	r.phase = inData
	r.watches()
	r.c.session.DataMode(true)
	r.plain.start(&r.watch)
	r.show()
}

// alive tells the provider that T.30 begins, once the call is answered.
func (r *relay) alive() {
	if r.heard && r.up && r.account != nil {
		r.account.Alive()
	}
}

// tick does what is due.
func (r *relay) tick(in, out []int16) {
	r.change.tick(r)
	if r.net.beside != nil {
		r.net.beginBeside(r)
	}
	if r.phase == inVoice {
		return
	}
	r.listen(in, out)
	if r.now < r.lookAt {
		return
	}
	r.lookAt = r.now + lookEvery
	r.look()
	switch {
	case r.spoken():
		r.speech()
	case r.overAt != 0 && r.now-r.overAt >= afterDCN:
		r.hangUp("the fax is over")
	case r.now-r.signal < lastSilence:
	case r.phase == inData && !r.seen: // a modem, or a voice that was taken for one
		r.voice()
	default:
		r.hangUp("neither machine was heard for a minute")
	}
}

// listen notes who says something, and whether it is of a fax.
func (r *relay) listen(in, out []int16) {
	near, far := loud(in), loud(out)
	if near || far {
		r.signal = r.now
	}
	switch {
	case r.phase == inData && r.overAt == 0, r.phase == inImage && r.now-r.net.busyAt <= packetPause:
		r.talk = 0
	case near, far && r.phase == inData:
		r.talk += int64(len(in))
	}
}

// packetPause is how long the machine may sound without a packet, in samples, until that is
// perhaps no signal of a fax. A training takes 1.4 s.
const packetPause = dsp.SampleRate * 3 / 2

// faxLevel is the peak of a sine of -43 dBm0, the weakest that a modem must take.
var faxLevel = int16(dsp.Peak(-43))

func loud(pcm []int16) bool {
	return slices.ContainsFunc(pcm, func(s int16) bool { return s > faxLevel || s < -faxLevel })
}

// How much sound that is none of a fax is speech: behind one, and while one goes on.
const (
	speechBehind = dsp.SampleRate
	speechWithin = 3 * dsp.SampleRate
)

func (r *relay) spoken() bool {
	return r.talk >= speechWithin || r.talk >= speechBehind && r.overAt != 0
}

// speech goes back to voice: somebody speaks, at whichever end.
func (r *relay) speech() {
	r.talk = 0
	if r.phase != inImage {
		r.voice()
		return
	}
	r.change.back(r, "somebody spoke")
	r.change.toVoice = true
}

// voice is the end of a fax whose call goes on.
func (r *relay) voice() {
	r.p.log.Info("fax over, the call goes on", "call", r.c.id)
	r.ends()
	r.phase, r.overAt = inVoice, 0
	r.c.session.DataMode(false)
	r.ears.start()
	r.change.again()
	r.show()
}

// hangUp ends a call that the machines have left.
func (r *relay) hangUp(why string) {
	if r.hungUp != "" || r.c.call == nil {
		return
	}
	r.hungUp = why
	r.p.log.Info("fax call ended", "call", r.c.id, "cause", why)
	r.c.call.Hangup()
}

// answered implements faxSide.
func (r *relay) answered() bool {
	if !r.up {
		r.up, r.upAt = true, r.now
		r.alive()
	}
	return false
}

// agreed implements faxSide. A hold in a fax changes nothing: the machines go on.
func (r *relay) agreed(a *offer.Audio) bool {
	switch {
	case a == nil:
		return r.phase == inImage // the socket is T.38's
	case r.phase != inData || r.c.params.PtimeMS == 0:
		return false
	}
	return !a.Direction.CanSend() || !a.Direction.CanReceive() || a.Remote.Addr().IsUnspecified()
}

// flash implements faxSide: the hook of a machine that bounces holds nobody.
func (r *relay) flash() bool { return r.phase != inVoice }

// key implements faxSide: what sounds like a key is part of a page.
func (r *relay) key(down bool) bool { return down && r.phase != inVoice }

// lifted implements faxSide: the bell of a relay always rings for a call of the line.
func (r *relay) lifted() {}

// ended implements faxSide.
func (r *relay) ended(reason lines.Reason) bool {
	if r.hungUp != "" {
		reason.Text = r.hungUp
	}
	r.close(reason)
	return false
}

// left implements faxSide: the machine is on-hook.
func (r *relay) left() { r.close(lines.Reason{Text: errHungUp.Error(), Local: true}) }

// close ends the relay with its conversation.
func (r *relay) close(reason lines.Reason) {
	if r.over {
		return
	}
	r.over = true
	r.net.stop(r)
	if r.second != nil {
		r.p.giveBack(r.second)
		r.second = nil
	}
	r.finish(reason)
}
