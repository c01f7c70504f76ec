package fxs

import (
	"cmp"

	"tipring/internal/dsp"
)

// Audio is what a port exchanges samples with while there is a call.
type Audio interface {
	// Exchange takes what the telephone says and fills out, which is as long and all
	// zeros, with what it is to hear.
	Exchange(in, out []int16)
}

// A Canceller is an Audio that takes out of what the telephone says what it hears, before keys are
// looked for in it: those of the far end are none of the telephone's.
type Canceller interface{ Cancel(in []int16) }

// outputs are what a line card does besides carrying samples.
type outputs struct {
	ring, reverse, unpowered bool
	lamp                     messages // that it shows
}

// Connected tells that the far end has answered: tip and ring are reversed, if the port is to
// show that, until the telephone hangs up or the call ends.
func (p *Port) Connected() {
	p.connected = p.settings.Reversal && p.hook.off && p.state != Parked
	p.settle()
}

// Disconnect tells that the far end has hung up: the loop current is off for a moment, by which
// machines notice it; then a tone asks to hang up.
func (p *Port) Disconnect(t Tone) {
	if p.unpowered {
		p.parking = t // once is enough
		return
	}
	p.Park(t)
	ms := cmp.Or(p.settings.DisconnectMS, p.country.DisconnectMS)
	if ms <= 0 || p.state != Parked {
		return
	}
	p.silence()
	p.parking, p.unpowered = t, true
	p.deadline = p.now + int64(ms)*samplesPerMS
	p.settle()
}

// Reverse reverses tip and ring, or no more.
func (p *Port) Reverse(on bool) {
	p.reversed = on
	p.settle()
}

// Power turns the loop current on or off.
func (p *Port) Power(on bool) {
	p.dead = !on
	p.settle()
}

// Turn does one exchange with the card: it tells the card what changed, waits for what
// the card says, and answers it. Samples go through audio, if there is any, and the
// port's tone over that. After an error the card is of no more use, the port on-hook,
// and the events say so.
func (p *Port) Turn(card Card, audio Audio) ([]Event, error) {
	if err := p.command(card); err != nil {
		return p.Unplug(), err
	}
	in, loop, err := card.Read()
	switch {
	case err != nil:
		return p.Unplug(), err
	case loop != LoopSame:
		p.Loop(loop)
		err = p.command(card) // ring trip does not wait for samples
	case len(in) > 0:
		err = p.exchange(card, audio, in)
	default:
		p.events = p.events[:0]
	}
	if err != nil {
		p.unplug()
	}
	return p.events, err
}

func (p *Port) exchange(card Card, audio Audio, in []int16) error {
	p.listening = true
	if cap(p.out) < len(in) {
		p.out = make([]int16, len(in))
	}
	out := p.out[:len(in)]
	clear(out)
	if c, ok := audio.(Canceller); ok && !p.Mutes() {
		c.Cancel(in)
	}
	p.Hear(in)
	if p.Mutes() {
		clear(in)
	}
	if audio != nil {
		audio.Exchange(in, out)
	}
	p.Speak(out)
	p.remember(out)
	return card.Write(out)
}

// echoTime is how late what was played may come back.
const echoTime = 60 * samplesPerMS

// remember keeps what was played in the last frame, and before it for as long as it may echo.
func (p *Port) remember(out []int16) {
	p.played = append(p.played, out...)
	if over := len(p.played) - len(out) - echoTime; over > 0 {
		p.played = append(p.played[:0], p.played[over:]...)
	}
}

// playsKey tells whether a key that came from the telephone may be one that was played to it: a
// hybrid that no canceller knows yet gives back half of it.
func (p *Port) playsKey(key byte) bool {
	const part = 5 * samplesPerMS
	var d dsp.DTMFDetector
	for pcm := p.played; len(pcm) > 0 && d.Suspected() != key; pcm = pcm[min(part, len(pcm)):] {
		p.ignored = d.Feed(p.ignored[:0], pcm[:min(part, len(pcm))])
	}
	return d.Suspected() == key
}

// command tells the card what it does not know yet.
func (p *Port) command(card Card) (err error) {
	want, sent := p.wanted, &p.sent
	want.ring = want.ring && p.listening // not before the card's first samples
	if want == *sent {
		return nil
	}
	if want.ring != sent.ring {
		err = card.Ring(want.ring)
	}
	if err == nil && want.unpowered != sent.unpowered {
		err = card.Power(!want.unpowered)
	}
	if err == nil && want.reverse != sent.reverse {
		err = card.Reverse(want.reverse)
	}
	if err == nil && want.lamp != sent.lamp {
		err = card.Lamp(want.lamp == waiting)
	}
	*sent = want
	return err
}

// Unplug is the end of a card: whatever the telephone did, it is on-hook now.
func (p *Port) Unplug() []Event {
	p.events = p.events[:0]
	p.unplug()
	return p.events
}

func (p *Port) unplug() {
	if p.hook.off {
		p.emit(Event{Kind: OnHook})
	}
	p.hook.putDown()
	p.rest()
	p.owesData = p.messages != unknown && p.tellsByData() // the next card may have another telephone
	p.settle()
	p.sent, p.listening, p.played = outputs{}, false, p.played[:0]
}
