// Package fxs is the analog port: hook, flash, ringing, digits, dial plan and tones. A
// Port is a machine whose only clock is the number of samples it has taken from its line
// card; it has no goroutine, lock or timer, and allocates nothing for a frame. Its owner
// calls Turn in a loop, gets events, and says what the port shall do next. What a
// telephone of a country expects comes from the table in etc; what a number means, from
// the dial plan. Who is called, and with which codec, is not known here.
package fxs

import (
	"cmp"

	"tipring/internal/dsp"
	"tipring/lines/fxs/callerid"
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
// value is the country's way.
type Settings struct {
	CallerID     string // a standard of callerid, or off; empty or country: the country's
	NoWaitingID  bool   // who waits is not shown in a call
	NoLamp       bool   // messages do not light the lamp,
	NoStutter    bool   // nor make dial tone stutter,
	NoData       bool   // nor are sent as data
	Splash       bool   // a short ring goes before those data
	Reversal     bool   // tip and ring are reversed while the far end has answered
	DisconnectMS int    // that the loop current is off when the far end has hung up; negative: it stays on
	NoPulses     bool   // there is no rotary dial
	NoDigitS     int    // of dial tone, until reorder tone
	InterdigitS  int    // between two keys, where the dial plan says nothing
}

// codeWait is how long a code that may go on waits for its next key, and a complete one for its owner.
const codeWait = 4 * dsp.SampleRate

const never = int64(1) << 62

// Port is one FXS port. All methods are for its one owner.
type Port struct {
	country *Country
	plan    *Plan
	hotline string
	warm    int64 // samples before the hotline

	state    State
	now      int64 // samples so far
	deadline int64 // when expire has something to do
	hook     hook
	ringer   ringer
	tone     dsp.Tone
	playing  Tone // while tone plays
	dtmf     dsp.DTMFDetector
	keys     []byte // dialled so far
	codes    []string
	ahead    []byte // keys dialled on after a code, before the owner said what follows it
	coded    bool   // that is so now
	recalled bool   // dialling was begun by Recall
	warming  bool   // no key yet, and the hotline waits for the deadline

	settings  Settings
	standard  *callerid.Standard // nil: callers are not shown
	procedure procedure
	frame     int // samples of the last frame

	reversed, dead bool // by the owner
	connected      bool // the far end has answered, and the loop shows it
	unpowered      bool // Disconnect or lock-out took the current away
	locked         bool // left off-hook for so long that nothing comes but a hang-up
	tooLate        bool // the loop closed while the bell rang, and the ringing ended before that counted
	parking        Tone // what Disconnect plays once the current is back

	messages  messages
	owesData  bool  // the telephone does not know yet
	restUntil int64 // when it may be told at the earliest
	swallowed byte  // the key that acknowledged an alert, or was an echo

	wanted, sent outputs
	listening    bool // the card has sent samples
	events       []Event
	heard        []dsp.DTMFEvent
	ignored      []dsp.DTMFEvent
	out, played  []int16 // of Turn
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
		keys:     make([]byte, 0, MaxDialled),
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
	p.plan = p.plan.waiting(cfg.InterdigitS)
	p.procedure.steps = make([]step, 0, maxRingSteps+8)
	if name := cmp.Or(cfg.CallerID, "country"); name == "country" {
		p.standard = cfg.Country.CallerID
	} else {
		p.standard = callerid.Find(name)
	}
	return p, nil
}

// State returns what the port does.
func (p *Port) State() State { return p.state }

// OffHook tells whether the handset is lifted. A loop that opened is off-hook until it is
// known to be no flash, and so is one that closed and is not known to be no bad contact.
func (p *Port) OffHook() bool { return p.hook.off || p.hook.closed }

// Rings tells whether the card was told to put ringing voltage on the loop.
func (p *Port) Rings() bool { return p.sent.ring }

// Now returns the port's clock: samples taken from the card.
func (p *Port) Now() int64 { return p.now }

// SuspectsKey tells whether a DTMF key sounds at the telephone, or what may turn out to be
// one: to keep it out of the call's sound when it is sent in another way.
func (p *Port) SuspectsKey() bool { return p.dtmf.Suspects() }

// Loop takes a change of the loop at the present sample. The events are valid until the
// next call of any method that returns some.
func (p *Port) Loop(l Loop) []Event {
	p.events = p.events[:0]
	p.hooked(p.hook.change(l, p.now))
	p.tooLate = p.tooLate && p.hook.closed
	if p.locked && !p.hook.closed {
		p.unpowered = false // hung up, or this card cannot tell without current
	}
	p.settle()
	return p.events
}

// Hear takes samples from the telephone.
func (p *Port) Hear(in []int16) []Event {
	p.events = p.events[:0]
	p.now += int64(len(in))
	p.frame = len(in)
	p.hooked(p.hook.expire(p.now))
	p.catchUp()
	if p.listens() {
		p.listen(in)
	}
	if p.now >= p.deadline {
		p.expire()
	}
	p.remind()
	p.settle()
	return p.events
}

// settle decides what the card is to do.
func (p *Port) settle() {
	q := &p.procedure
	p.wanted.ring = (q.ring || p.ringer.on(p.now)) && !p.hook.closed // ring trip
	p.wanted.reverse = p.reversed != (p.connected || q.reverse)
	p.wanted.unpowered = p.dead || p.unpowered || q.unpowered
	if p.unpowered || q.unpowered {
		p.hook.lose(p.now)
	}
}

// Speak lays the port's own tones and data over what the telephone is about to hear.
func (p *Port) Speak(out []int16) {
	if p.procedure.running() {
		out = p.proceed(out)
		p.settle()
	}
	p.overlay(out)
}

// overlay plays the tone, if there is one.
func (p *Port) overlay(out []int16) {
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
			p.settle()
			p.emit(Event{Kind: Answered})
			p.Talk()
			return
		}
		p.emit(Event{Kind: OffHook})
		if p.tooLate {
			p.Park(Reorder)
			return
		}
		p.Dial()
		p.startHotline()
	case s == wentOn:
		p.emit(Event{Kind: OnHook})
		p.rest()
	case s == flashed:
		p.emit(Event{Kind: Flash})
		if p.state == Dialling && !p.recalled || p.state == Parked && !p.unpowered && !p.locked {
			p.Dial()
		}
	case s == pulsed && p.takesPulses():
		p.silence() // dial tone ends with the first pulse
		p.deadline = p.now + p.patience(0)
	case s >= digitDone && s <= digitsDone && p.takesPulses():
		key := '0' + byte(s-digitDone)
		p.emit(Event{Kind: KeyDown, Key: key})
		p.emit(Event{Kind: KeyUp, Key: key})
		p.pressed(key)
	}
}

// takesPulses tells whether an opening of the loop may be a dial pulse: while a number or, behind
// a recall tone, a digit is waited for. In a call it is a bad contact.
func (p *Port) takesPulses() bool {
	asks := p.state == Dialling || p.state == Talking && p.playing == RecallTone && p.tone.Signal() != nil
	return asks && !p.settings.NoPulses
}

// rest is the state of a port that is on-hook.
func (p *Port) rest() {
	p.state, p.deadline = Idle, never
	p.keys, p.ahead, p.coded = p.keys[:0], p.ahead[:0], false
	p.connected, p.unpowered, p.locked, p.tooLate = false, false, false, false
	p.restUntil = p.now + vmwiRest
	p.silence()
	p.stopRinging()
}

// Ring rings the bell, unless the handset is off-hook: then it reports false. Without a
// cadence it is the country's.
func (p *Port) Ring(c Cadence) bool {
	if p.OffHook() {
		return false
	}
	if len(c) == 0 {
		c = p.country.Ring
	}
	p.procedure.stop()
	p.state = Ringing
	p.ringer.start(c, p.now)
	p.settle()
	return true
}

// StopRing ends ringing: the caller gave up, or another telephone has answered. A handset that is
// lifted already, for a moment too short to count, is one that wanted the call: it hears
// reorder tone, and no hotline is called for it.
func (p *Port) StopRing() {
	if p.state == Ringing {
		p.rest()
		p.tooLate = p.hook.closed
		p.settle()
	}
}

func (p *Port) stopRinging() {
	p.ringer.stop()
	p.procedure.stop()
	p.wanted.ring = false
}

// Talk connects the telephone with the call: no tone is heard.
func (p *Port) Talk() {
	if p.hook.off {
		p.state, p.deadline = Talking, never
		p.coded, p.ahead = false, p.ahead[:0]
		p.unpowered, p.locked = false, false
		p.silence()
		p.settle()
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

// Park plays a tone that asks to hang up, then howls, then takes the loop current away.
func (p *Port) Park(t Tone) {
	if p.hook.off {
		p.state, p.deadline = Parked, p.now+p.patience(1)
		p.keys, p.ahead, p.coded = p.keys[:0], p.ahead[:0], false
		p.connected, p.unpowered, p.locked = false, false, false
		p.procedure.stop()
		p.play(t)
		p.settle()
	}
}

// patience is how long a handset may be off-hook with dial tone (0), with the tone that asks
// to hang up (1), with the howler (2).
func (p *Port) patience(stage int) int64 {
	if stage == 0 && p.settings.NoDigitS > 0 {
		return int64(p.settings.NoDigitS) * dsp.SampleRate
	}
	return int64(p.country.Patience[stage]) * dsp.SampleRate
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
		p.Park(p.parking)
	case p.state == Parked && p.playing != Howler:
		p.deadline = p.now + p.patience(2)
		p.play(Howler)
	case p.state == Parked:
		p.silence()
		p.unpowered, p.locked = true, true
	}
}

//go:noinline
func (p *Port) emit(e Event) {
	e.At = p.now
	p.events = append(p.events, e)
}
