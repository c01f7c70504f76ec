package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
)

// ErrUnplugged is what a telephone's methods return once its line is gone.
var ErrUnplugged = errors.New("the telephone is unplugged")

// Telephone is what a person, or a script, does with a telephone. Each method returns
// when the thing is done, which takes as long as the samples take. Limits are in the
// telephone's time too. Any goroutine may call them.
type Telephone struct {
	country *fxs.Country
	advance func() error // exchanges one frame with the line; nil if that happens by itself
	nudge   func()       // tells the line, which may sleep, that there is something to do

	mu      sync.Mutex
	set     *handset
	err     error // why there is no line any more
	waiters []*waiter
}

// waiter is somebody who lets time pass until something is so.
type waiter struct {
	what  string
	so    func(h *handset) bool
	limit time.Duration
	end   int64         // of waiting, in the telephone's time
	done  chan struct{} // closed once err is what it will be
	err   error
}

func (t *Telephone) init(c *fxs.Country) {
	t.set, t.country = newHandset(c), c
	t.nudge = func() {}
}

// with runs f on the handset. Whoever waited for what has become so waits no longer: not
// for another sample.
func (t *Telephone) with(f func(h *handset)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(t.set)
	t.settle()
}

// unplug ends everything with an error.
func (t *Telephone) unplug(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	t.settle()
}

func (t *Telephone) settle() {
	t.waiters = slices.DeleteFunc(t.waiters, func(w *waiter) bool {
		over := t.over(w)
		if over {
			close(w.done)
		}
		return over
	})
}

// over tells whether somebody need not wait any longer, and why.
func (t *Telephone) over(w *waiter) bool {
	switch {
	case w.so(t.set):
	case t.err != nil:
		w.err = fmt.Errorf("waiting for %s: %w", w.what, t.err)
	case t.set.now >= w.end:
		w.err = fmt.Errorf("no %s in %v: %s", w.what, w.limit, t.describe())
	default:
		return false
	}
	return true
}

// await lets time pass until something is so.
func (t *Telephone) await(what string, limit time.Duration, so func(h *handset) bool) error {
	w := &waiter{what: what, limit: limit, so: so, done: make(chan struct{})}
	t.mu.Lock()
	w.end = t.set.now + samples(limit)
	t.waiters = append(t.waiters, w)
	t.settle()
	t.mu.Unlock()
	t.nudge()
	for t.advance != nil {
		select {
		case <-w.done:
			return w.err
		default:
			if err := t.advance(); err != nil {
				t.unplug(err)
			}
		}
	}
	<-w.done
	return w.err
}

// awaited tells whether anybody lets time pass.
func (t *Telephone) awaited() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiters) > 0
}

func (t *Telephone) describe() string {
	hears := "nothing it knows"
	if tone, ok := t.set.tones.tone(); ok {
		hears = tone.String() + " tone"
	}
	return fmt.Sprintf("hears %s at %.0f dBm0, bell %v, keys %q", hears, t.set.level(), t.set.bell, t.set.heard)
}

// do adds steps and lets time pass until they are done.
func (t *Telephone) do(what string, steps []step) error {
	t.with(func(h *handset) {
		h.steps = append(h.steps, steps...)
		h.active = h.now
	})
	return t.await(what, maxDoing, func(h *handset) bool { return len(h.steps) == 0 })
}

// maxDoing bounds what is done at once: the longest is a recording played.
const maxDoing = 10 * time.Minute

func samples(d time.Duration) int64 { return int64(d) * dsp.SampleRate / int64(time.Second) }

// OffHook lifts the handset.
func (t *Telephone) OffHook() error { return t.do("lifting", hookSteps(fxs.LoopClosed)) }

// HangUp puts the handset down, and waits until that can be no flash.
func (t *Telephone) HangUp() error {
	t.with(func(h *handset) { h.play.Stop() })
	pause := dsp.SampleRate
	if t.country != nil {
		pause = t.country.FlashMax
	}
	return t.do("hanging up", append(hookSteps(fxs.LoopOpen), step{pause: pause + dsp.SampleRate/10}))
}

// Flash opens the loop for 300 ms, or what is in the middle of the country's window.
func (t *Telephone) Flash() error {
	length := defaultFlash
	if c := t.country; c != nil && (length < c.FlashMin || length > c.FlashMax) {
		length = (c.FlashMin + c.FlashMax) / 2
	}
	return t.do("a flash", flashSteps(length))
}

// ChipFlash tells of a flash that the line card's chip has recognised by itself.
func (t *Telephone) ChipFlash() error { return t.do("a flash", hookSteps(fxs.LoopFlash)) }

// Dial presses keys, 80 ms each and 80 ms between them.
func (t *Telephone) Dial(keys string) error {
	for i := range len(keys) {
		if !dsp.IsDTMF(keys[i]) {
			return fmt.Errorf("%q is no key", keys[i])
		}
	}
	return t.do("dialling", keySteps(keys))
}

// Pulse dials digits by opening the loop.
func (t *Telephone) Pulse(digits string) error {
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return fmt.Errorf("%q is no digit", digits[i])
		}
	}
	return t.do("dialling", pulseSteps(digits))
}

// Say speaks samples into the handset.
func (t *Telephone) Say(pcm []int16) error {
	return t.do("speaking", []step{{pcm: slices.Clone(pcm)}})
}

// Play makes a sound in the background, until it ends or is replaced; nil ends it.
func (t *Telephone) Play(s *dsp.Signal) { t.with(func(h *handset) { h.play.Start(s) }) }

// Pass lets time pass.
func (t *Telephone) Pass(d time.Duration) error {
	return t.do("time to pass", []step{{pause: int(samples(d))}})
}

// SetAnswer says what to do about calls from now on.
func (t *Telephone) SetAnswer(a Answer) { t.with(func(h *handset) { h.answer = a }) }

// WaitTone waits until a tone of the country is heard, or one that sounds the same.
func (t *Telephone) WaitTone(tone fxs.Tone, limit time.Duration) error {
	return t.await(tone.String()+" tone", limit, func(h *handset) bool { return h.tones.hears(tone) })
}

// WaitRing waits until the bell rings.
func (t *Telephone) WaitRing(limit time.Duration) error {
	return t.await("ring", limit, func(h *handset) bool { return h.bell })
}

// WaitNoRing waits until no call rings any more.
func (t *Telephone) WaitNoRing(limit time.Duration) error {
	return t.await("end of ringing", limit, func(h *handset) bool { return !h.rings() })
}

// WaitKeys waits until the DTMF keys heard since ClearKeys end with these.
func (t *Telephone) WaitKeys(keys string, limit time.Duration) error {
	return t.await("keys "+keys, limit, func(h *handset) bool {
		return len(h.heard) >= len(keys) && string(h.heard[len(h.heard)-len(keys):]) == keys
	})
}

// WaitSound waits until the last 200 ms were at least that loud.
func (t *Telephone) WaitSound(dBm0 float64, limit time.Duration) error {
	return t.await("sound", limit, func(h *handset) bool { return len(h.tail) == tailSamples && h.level() >= dBm0 })
}

// WaitSilence waits until the last 200 ms were silent.
func (t *Telephone) WaitSilence(limit time.Duration) error {
	return t.await("silence", limit, func(h *handset) bool { return len(h.tail) == tailSamples && h.level() < gateDBm0 })
}

// Hears returns the tone that sounds, if it is one of the country's.
func (t *Telephone) Hears() (tone fxs.Tone, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.set.tones.tone()
}

// Keys returns the DTMF keys heard since ClearKeys.
func (t *Telephone) Keys() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.set.heard)
}

// ClearKeys forgets the keys heard.
func (t *Telephone) ClearKeys() { t.with(func(h *handset) { h.heard = h.heard[:0] }) }

// Level returns the level of a frequency in the last 200 ms heard, and of all sound.
func (t *Telephone) Level(hz float64) (one, all float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := dsp.NewGoertzel(hz, tailSamples)
	if !g.Feed(t.set.tail) {
		return math.Inf(-1), math.Inf(-1)
	}
	return g.DBm0(), t.set.level()
}

// Record keeps what is heard from now on, a minute at most.
func (t *Telephone) Record() {
	t.with(func(h *handset) { h.record, h.taping = nil, true })
}

// Recording ends Record and returns what was heard.
func (t *Telephone) Recording() (pcm []int16) {
	t.with(func(h *handset) { pcm, h.record, h.taping = h.record, nil, false })
	return pcm
}

// Status is what can be seen of a telephone.
type Status struct {
	OffHook  bool
	Bell     bool // ringing voltage
	Bursts   int  // of the bell, in this call
	Lamp     bool // message waiting
	Reversed bool
	Powered  bool          // there is loop current
	Time     time.Duration // that passed for it
}

// Status returns what can be seen.
func (t *Telephone) Status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.set.status()
}

func (h *handset) status() Status {
	return Status{h.off, h.bell, h.bursts, h.lamp, h.reversed, !h.unpowered, time.Duration(h.now) * time.Second / dsp.SampleRate}
}
