// Package fxs is the analog port: hook, flash, ringing, digits, dial plan and tones. A
// Port is a machine whose only clock is the number of samples it has taken from its line
// card; it has no goroutine, lock or timer, and allocates nothing for a frame. Its owner
// calls Turn in a loop, gets events, and says what the port shall do next. What a
// telephone of a country expects comes from the table in etc; what a number means, from
// the dial plan. Who is called, and with which codec, is not known here.
package fxs

import (
	"tipring/internal/dsp"
)

// State is what a port does.
type State uint8

const (
	Idle     State = iota // on-hook
	Ringing               // on-hook, an incoming call
	Dialling              // off-hook, dial tone or digits
	Calling               // off-hook, the number is known and the call on its way
	Talking               // off-hook, in a call
	Parked                // off-hook with nothing to do: a tone asks to hang up
)

var stateNames = [...]string{"idle", "ringing", "dialling", "dialling", "talking", "parked"}

// String returns the state as the status pages name it.
func (s State) String() string { return stateNames[s] }

// Config is what makes one port differ from another.
type Config struct {
	Country *Country
	Plan    *Plan // nil: any number
	// Hotline is dialled by itself HotlineMS after off-hook if no key comes before; empty: never.
	Hotline   string
	HotlineMS int
	Settings
}

// Settings are what a port does in another way than its country's telephones expect. The zero
// value is the country's way in everything but Disconnect.
type Settings struct {
	Reversal     bool // tip and ring are reversed while the far end has answered
	DisconnectMS int  // that the loop current is off when the far end has hung up; 0: it stays on
}

// Times of a handset that was left off the hook.
const (
	noDigitTime = 16 * dsp.SampleRate // of dial tone
	parkTime    = 30 * dsp.SampleRate // of the tone that asks to hang up
	howlTime    = 60 * dsp.SampleRate
)

// codeWait is how long a code that may go on waits for its next key, and a complete one for its owner.
const codeWait = 4 * dsp.SampleRate

const never = int64(1) << 62

// Port is one FXS port. All methods are for its one owner.
type Port struct {
	country *Country
	plan    *Plan
	hotline string
	warm    int64 // samples before the hotline

	state                State
	now                  int64 // samples so far
	deadline             int64 // when expire has something to do
	hook                 hook
	ringer               ringer
	tone                 dsp.Tone
	playing              Tone // while tone plays
	dtmf                 dsp.DTMFDetector
	keys                 []byte // dialled so far
	codes                []string
	ahead                []byte // keys dialled on after a code, before the owner said what follows it
	coded                bool   // that is so now
	recalled             bool   // dialling was begun by Recall
	warming              bool   // no key yet, and the hotline waits for the deadline
	settings             Settings
	connected, unpowered bool // Connected reversed the loop, Disconnect took its current away
	parking              Tone // what Park plays once the loop current is back

	wanted, sent outputs
	listening    bool // the card has sent samples
	events       []Event
	heard        []dsp.DTMFEvent
	out          []int16 // of Turn
}

// New makes a port that is on-hook.
func New(cfg Config) (*Port, error) {
	p := &Port{
		country:  cfg.Country,
		plan:     cfg.Plan,
		hotline:  cfg.Hotline,
		warm:     int64(cfg.HotlineMS) * samplesPerMS,
		hook:     hook{flashMin: int64(cfg.Country.FlashMin), flashMax: int64(cfg.Country.FlashMax)},
		settings: cfg.Settings,
		keys:     make([]byte, 0, maxDialled),
		events:   make([]Event, 0, 8),
		heard:    make([]dsp.DTMFEvent, 0, 8),
	}
	if p.plan == nil {
		var err error
		if p.plan, err = DefaultPlan(cfg.Country); err != nil {
			return nil, err
		}
	}
	p.deadline = never
	return p, nil
}

// State returns what the port does.
func (p *Port) State() State { return p.state }

// OffHook tells whether the handset is lifted. A loop that opened is off-hook until it is
// known to be no flash.
func (p *Port) OffHook() bool { return p.hook.off }

// Rings tells whether the card was told to put ringing voltage on the loop.
func (p *Port) Rings() bool { return p.sent.ring }

// Now returns the port's clock: samples taken from the card.
func (p *Port) Now() int64 { return p.now }

// Key returns the DTMF key that sounds at the telephone, or 0.
func (p *Port) Key() byte { return p.dtmf.Key() }

// SuspectsKey tells whether a DTMF key sounds at the telephone, or what may turn out to be
// one: to keep it out of the call's sound when it is sent in another way.
func (p *Port) SuspectsKey() bool { return p.dtmf.Suspects() }

// Dialled returns the keys collected so far.
func (p *Port) Dialled() string { return string(p.keys) }

// Loop takes a change of the loop at the present sample. The events are valid until the
// next call of any method that returns some.
func (p *Port) Loop(l Loop) []Event {
	p.events = p.events[:0]
	p.hooked(p.hook.change(l, p.now))
	return p.events
}

// Hear takes samples from the telephone.
func (p *Port) Hear(in []int16) []Event {
	p.events = p.events[:0]
	p.now += int64(len(in))
	p.hooked(p.hook.expire(p.now))
	p.catchUp()
	if p.listens() {
		p.listen(in)
	}
	if p.now >= p.deadline {
		p.expire()
	}
	p.wanted.ring = p.ringer.on(p.now)
	return p.events
}

// Speak lays the port's own tone over what the telephone is about to hear.
func (p *Port) Speak(out []int16) {
	for len(out) > 0 && p.tone.Signal() != nil {
		if p.playing == CallWaiting && !p.tone.Sounding() {
			n := p.tone.Skip(len(out)) // the call goes on between its bursts
			out = out[n:]
			continue
		}
		out = out[p.tone.Read(out):]
	}
}

// hooked acts on what the hook made out.
func (p *Port) hooked(s hookSignal) {
	switch {
	case s == wentOff:
		if p.state == Ringing {
			p.dtmf.Reset()
			p.stopRinging()
			p.emit(Event{Kind: Answered})
			p.Talk()
			return
		}
		p.emit(Event{Kind: OffHook})
		p.Dial()
		p.startHotline()
	case s == wentOn:
		p.emit(Event{Kind: OnHook})
		p.rest()
	case s == flashed:
		p.emit(Event{Kind: Flash})
		if p.state == Dialling && !p.recalled || p.state == Parked && !p.unpowered {
			p.Dial()
		}
	case s == pulsed && p.state == Dialling:
		p.silence() // dial tone ends with the first pulse
		p.deadline = p.now + noDigitTime
	case s >= digitDone && s <= digitsDone && p.listens():
		key := '0' + byte(s-digitDone)
		p.emit(Event{Kind: KeyDown, Key: key})
		p.emit(Event{Kind: KeyUp, Key: key})
		p.pressed(key)
	}
}

// rest is the state of a port that is on-hook.
func (p *Port) rest() {
	p.state, p.deadline = Idle, never
	p.keys, p.ahead, p.coded = p.keys[:0], p.ahead[:0], false
	p.repower()
	if p.connected {
		p.connected, p.wanted.reverse = false, false
	}
	p.silence()
	p.stopRinging()
}

// repower ends what Disconnect began.
func (p *Port) repower() {
	if p.unpowered {
		p.unpowered, p.wanted.unpowered = false, false
	}
}

// Ring rings the bell, unless the handset is off-hook: then it reports false. Without a
// cadence it is the country's.
func (p *Port) Ring(c Cadence) bool {
	if p.hook.off {
		return false
	}
	if len(c) == 0 {
		c = p.country.Ring
	}
	p.state = Ringing
	p.ringer.start(c, p.now)
	p.wanted.ring = true
	return true
}

// RingFor rings the bell for a call, in the pattern it asks for, with its caller shown as the
// country does it. It reports false if the handset is off-hook.
func (p *Port) RingFor(in Incoming) bool { return p.Ring(p.country.Rings[in.Alert]) }

// StopRing ends ringing: the caller gave up.
func (p *Port) StopRing() {
	if p.state == Ringing {
		p.rest()
	}
}

func (p *Port) stopRinging() {
	p.ringer.stop()
	p.wanted.ring = false
}

// Talk connects the telephone with the call: no tone is heard.
func (p *Port) Talk() {
	if p.hook.off {
		p.state, p.deadline = Talking, never
		p.silence()
	}
}

// Play plays a tone in a call or on the way to one: ringback, call waiting.
func (p *Port) Play(t Tone) {
	if p.hook.off && (p.state == Calling || p.state == Talking) {
		p.play(t)
	}
}

// Silence ends what Play began.
func (p *Port) Silence() {
	if p.state == Calling || p.state == Talking {
		p.silence()
	}
}

// Park plays a tone that asks to hang up, then howls, then gives up.
func (p *Port) Park(t Tone) {
	if p.hook.off {
		p.state, p.deadline = Parked, p.now+parkTime
		p.keys = p.keys[:0]
		p.play(t)
	}
}

func (p *Port) play(t Tone) {
	p.playing = t
	p.tone.Start(p.country.Tones[t])
}

func (p *Port) silence() { p.tone.Stop() }

// expire does what the deadline was for.
func (p *Port) expire() {
	p.deadline = never
	switch {
	case p.state == Dialling:
		p.noMoreKeys()
	case p.state == Parked && p.unpowered:
		p.repower()
		p.Park(p.parking)
	case p.state == Parked && p.playing != Howler:
		p.deadline = p.now + howlTime
		p.play(Howler)
	case p.state == Parked:
		p.silence()
	}
}

func (p *Port) emit(e Event) {
	e.At = p.now
	p.events = append(p.events, e)
}
