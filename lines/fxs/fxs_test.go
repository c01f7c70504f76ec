package fxs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tipring/etc"
	"tipring/internal/dsp"
)

const second = dsp.SampleRate

// A telephone is a script's hand on a port: everything in sample time.
type telephone struct {
	t     *testing.T
	port  *Port
	frame int
	log   []string // events
	ear   []int16  // what the telephone heard in the last run
	bell  []int64  // when the ringing voltage changed
	rings bool
}

func newTelephone(t *testing.T, country, plan string) *telephone {
	t.Helper()
	return newTelephoneWith(t, Config{Country: mustCountry(t, country), Plan: mustPlan(t, plan)})
}

func newTelephoneWith(t *testing.T, cfg Config) *telephone {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &telephone{t: t, port: p, frame: 160}
}

func mustCountry(t testing.TB, code string) *Country {
	t.Helper()
	c, err := LoadCountry(etc.Tones, code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustPlan(t testing.TB, text string) *Plan {
	t.Helper()
	if text == "" {
		return nil
	}
	p, err := ParsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (d *telephone) took(events []Event) {
	for _, e := range events {
		if e.Kind != KeyDown && e.Kind != KeyUp {
			d.log = append(d.log, e.String())
		}
	}
	if on := d.port.wanted.ring; on != d.rings {
		d.rings = on
		d.bell = append(d.bell, d.port.Now())
	}
}

// loop changes the loop. One that closes is taken for closed when that has lasted 10 ms.
func (d *telephone) loop(l Loop) {
	d.took(d.port.Loop(l))
	if l == LoopClosed {
		d.took(d.port.Hear(make([]int16, bounce)))
	}
}

func (d *telephone) lift() { d.loop(LoopClosed) }

// say lets the telephone make these sounds; run, none.
func (d *telephone) say(mouth []int16) {
	d.ear = d.ear[:0]
	for len(mouth) > 0 {
		n := min(d.frame, len(mouth))
		d.took(d.port.Hear(mouth[:n]))
		out := make([]int16, n)
		d.port.Speak(out)
		d.took(nil)
		d.ear = append(d.ear, out...)
		mouth = mouth[n:]
	}
}

func (d *telephone) run(samples int) { d.say(make([]int16, samples)) }

func (d *telephone) dial(keys string) {
	g := dsp.NewDTMFGenerator(dsp.DTMFLowDBm0, dsp.DTMFHighDBm0)
	pcm := make([]int16, len(keys)*800)
	for i := range len(keys) {
		g.Press(keys[i], 400, 400)
	}
	g.Read(pcm)
	d.say(pcm)
}

// open opens the loop for so many milliseconds.
func (d *telephone) open(ms int) {
	d.loop(LoopOpen)
	d.run(ms * samplesPerMS)
	d.loop(LoopClosed)
}

func (d *telephone) hangUp() {
	d.loop(LoopOpen)
	d.run(2 * second)
}

// hears fails unless the last run sounded from its first sample to its last like a tone;
// from is how much of the tone had passed before.
func (d *telephone) hears(t Tone, from int) {
	d.t.Helper()
	var tone dsp.Tone
	tone.Start(d.port.country.Tones[t])
	want := make([]int16, from+len(d.ear))
	tone.Read(want)
	if !slices.Equal(d.ear, want[from:]) {
		d.t.Errorf("does not hear %v", t)
	}
}

func (d *telephone) hearsNothing() {
	d.t.Helper()
	for _, s := range d.ear {
		if s != 0 {
			d.t.Errorf("hears something at %d", d.port.Now())
			return
		}
	}
}

func (d *telephone) happened(want ...string) {
	d.t.Helper()
	if !slices.Equal(d.log, want) {
		d.t.Errorf("events:\n  %s\nwant:\n  %s", strings.Join(d.log, "\n  "), strings.Join(want, "\n  "))
	}
	d.log = nil
}

func (d *telephone) is(s State) {
	d.t.Helper()
	if d.port.state != s {
		d.t.Errorf("%v (%d), want %v (%d)", d.port.state, d.port.state, s, s)
	}
}

func TestDialToneComesWithTheFirstFrame(t *testing.T) {
	for _, frame := range []int{80, 160, 1600} {
		d := newTelephone(t, "us", "")
		d.frame = frame
		d.run(1600)
		d.hearsNothing()
		d.lift()
		d.run(3200)
		d.hears(DialTone, 0)
		d.happened("off-hook")
	}
}

func TestDialToneStuttersWhileAMessageWaits(t *testing.T) {
	d := newTelephone(t, "us", "")
	d.port.MessageWaiting(true)
	d.lift()
	d.run(3 * second)
	d.hears(StutterTone, 0)
	d.hangUp()
	d.port.MessageWaiting(false)
	d.lift()
	d.run(second)
	d.hears(DialTone, 0)
}

func TestNumberIsSentByHashTimeoutOrAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name, plan, keys string
		wait             int // samples after the last key, at most, until it is sent
		want             string
	}{
		{"hash", "", "600#", 0, "dialled 600"},
		{"four seconds", "", "600", 4 * second, "dialled 600"},
		{"complete pattern", "(6xx)", "600", 0, "dialled 600"},
		{"short timer", "(6xxS2|6xxx)", "600", 2 * second, "dialled 600"},
		{"prefix", "(<:1408>xxxxxxx)", "5551234", 0, "dialled 14085551234"},
		{"no rule matches", "(6xx)", "7", 0, "not dialled 7: no match"},
		{"incomplete", "(6xx)", "60", 4 * second, "not dialled 60: no match"},
		{"incomplete and hash", "(6xx)", "60#", 0, "not dialled 60: no match"},
		{"barred", "(0900x.!|x.)", "0900#", 0, "not dialled 0900: barred"},
		{"hash in the plan", "(*xx#)", "*21#", 0, "dialled *21#"},
		{"key A", "", "6A00#", 0, "dialled 600"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newTelephone(t, "us", tt.plan)
			d.lift()
			d.run(second)
			d.dial(tt.keys)
			if tt.wait > 0 {
				d.happened("off-hook")
				d.run(tt.wait - 1000) // the last key was heard 30 ms after it began
				d.happened()
				d.run(1000)
				d.happened(tt.want)
			} else {
				d.happened("off-hook", tt.want)
			}
			if d.port.state == Calling {
				d.run(second)
				d.hearsNothing()
			} else {
				d.is(Parked)
			}
		})
	}
}

func TestDialToneEndsWithTheFirstKey(t *testing.T) {
	d := newTelephone(t, "us", "")
	d.lift()
	d.run(second)
	d.dial("6")
	d.run(second)
	d.hearsNothing()
	d.happened("off-hook")
	if got := string(d.port.keys); got != "6" {
		t.Errorf("dialled so far: %q", got)
	}
}

func TestEmergencyNumberIsMarked(t *testing.T) {
	p, err := New(Config{Country: mustCountry(t, "us")})
	if err != nil {
		t.Fatal(err)
	}
	d := &telephone{t: t, port: p, frame: 160}
	d.lift()
	d.dial("91")
	p.Hear(make([]int16, 160))
	g := dsp.NewDTMFGenerator(-9, -7)
	g.Press('1', 800, 0)
	pcm := make([]int16, 800)
	g.Read(pcm)
	p.Hear(pcm)
	for range 300 {
		for _, e := range p.Hear(make([]int16, 160)) {
			if e.Kind == Dialled {
				if e.Number != "911" || !e.Emergency || e.Keys != "911" {
					t.Errorf("%+v", e)
				}
				return
			}
		}
	}
	t.Error("not dialled")
}

func TestCallFromDiallingToHangUp(t *testing.T) {
	d := newTelephone(t, "us", "(6xx)")
	d.lift()
	d.dial("600")
	d.is(Calling)
	d.port.Play(Ringback)
	d.run(7 * second)
	d.hears(Ringback, 0)
	d.port.Silence()
	d.run(second)
	d.hearsNothing()
	d.port.Play(Ringback)
	d.port.Talk()
	d.is(Talking)
	d.run(second)
	d.hearsNothing()
	d.loop(LoopOpen)
	d.run(1100 * samplesPerMS)
	d.is(Talking)
	d.run(160)
	d.is(Idle)
	d.happened("off-hook", "dialled 600", "on-hook")
}

func TestFailedCallIsToldByATone(t *testing.T) {
	for _, tone := range []Tone{Busy, Reorder} {
		d := newTelephone(t, "us", "(6xx)")
		d.lift()
		d.dial("600")
		d.port.Park(tone)
		d.run(30*second - 160)
		d.hears(tone, 0)
		d.run(160)
		d.run(59 * second)
		d.hears(Howler, 160) // its first frame answered the one in which the time was up
		d.run(2 * second)
		d.run(100 * second)
		d.hearsNothing()
		d.is(Parked)
		d.hangUp()
		d.happened("off-hook", "dialled 600", "on-hook")
	}
}

func TestHandsetLeftOffTheHook(t *testing.T) {
	d := newTelephone(t, "gb", "")
	d.lift()
	d.run(16*second - 160)
	d.hears(DialTone, 0)
	d.run(160)
	d.run(29 * second)
	d.hears(Reorder, 160)
	d.happened("off-hook", "not dialled : no match")
}

func TestHotline(t *testing.T) {
	d := newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Hotline: "100"})
	d.lift()
	d.run(160)
	d.hearsNothing()
	d.happened("off-hook", "dialled 100")

	d = newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Hotline: "100", HotlineMS: 3000})
	d.lift()
	d.run(3*second - 160)
	d.hears(DialTone, 0)
	d.run(160)
	d.happened("off-hook", "dialled 100")
	d.hangUp()
	d.lift()
	d.dial("6")
	d.run(2 * second)
	d.dial("0#")
	d.happened("on-hook", "off-hook", "dialled 60")
}

func TestRingCadenceIsExact(t *testing.T) {
	for _, tt := range []struct {
		country string
		frame   int
		want    []int64 // samples after it began
	}{
		{"us", 160, []int64{0, 16000, 48000, 64000, 96000}},
		{"us", 80, []int64{0, 16000, 48000, 64000, 96000}},
		{"us", 1600, []int64{0, 16000, 48000, 64000, 96000}},
		{"gb", 160, []int64{0, 3200, 4800, 8000, 24000, 27200, 28800, 32000, 48000, 51200, 52800, 56000, 72000, 75200, 76800, 80000, 96000}},
		// A frame that does not divide the cadence delays each change by less than itself,
		// and no change is delayed by the one before.
		{"us", 240, []int64{0, 16080, 48000, 64080, 96000}},
	} {
		d := newTelephone(t, tt.country, "")
		d.frame = tt.frame
		d.run(2400)
		start := d.port.Now()
		if !d.port.Ring(nil) {
			t.Fatal("does not ring")
		}
		d.took(nil)
		d.run(12*second + 2400)
		var got []int64
		for _, at := range d.bell {
			got = append(got, at-start)
		}
		if got = got[:min(len(got), len(tt.want))]; !slices.Equal(got, tt.want) {
			t.Errorf("%s, frames of %d: %v\nwant %v", tt.country, tt.frame, got, tt.want)
		}
		d.hearsNothing()
	}
}

func TestRingTripStopsTheBellAtOnce(t *testing.T) {
	for _, after := range []int{0, second, 3 * second} { // bell on, on, and in its pause
		d := newTelephone(t, "us", "")
		d.port.Ring(nil)
		d.run(after)
		d.is(Ringing)
		d.lift()
		if d.port.wanted.ring {
			t.Error("rings on")
		}
		d.is(Talking)
		d.happened("answered")
		d.run(20 * second)
		d.hearsNothing()
		if d.port.wanted.ring {
			t.Error("rings again")
		}
		d.hangUp()
		d.is(Idle)
		d.happened("on-hook")
	}
}

func TestCallerGivesUp(t *testing.T) {
	d := newTelephone(t, "us", "")
	d.port.Ring(Cadence{800, 800})
	d.run(1200)
	d.port.StopRing()
	d.is(Idle)
	d.run(10 * second)
	if d.port.wanted.ring {
		t.Error("rings on")
	}
	d.lift()
	d.happened("off-hook")
	if d.port.Ring(nil) {
		t.Error("rings a telephone that is off-hook")
	}
	d.port.StopRing()
	d.is(Dialling)
}

// A handset that is lifted for a call which ends in the same moment asks to be hung up: whoever holds
// it wanted that call, and no other.
func TestLiftedTooLate(t *testing.T) {
	d := newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Hotline: "100", HotlineMS: 3000})
	d.port.Ring(nil)
	d.run(80)
	d.port.Loop(LoopClosed)
	d.port.StopRing()
	d.run(80)
	d.is(Parked)
	d.happened("off-hook")

	// A bad contact in that moment changes nothing for who lifts the handset later.
	d.hangUp()
	d.port.Ring(nil)
	d.run(80)
	d.port.Loop(LoopClosed)
	d.port.StopRing()
	d.port.Loop(LoopOpen)
	d.run(second)
	d.lift()
	d.is(Dialling)
}

func TestFlashHangUpAndBounce(t *testing.T) {
	for _, tt := range []struct {
		country string
		ms      int
		want    []string
	}{
		{"us", 10, nil},                 // contact bounce
		{"us", 100, []string{"flash"}},  // the shortest
		{"us", 500, []string{"flash"}},  //
		{"us", 1100, []string{"flash"}}, // the longest
		{"us", 1120, []string{"on-hook", "off-hook"}},
		{"gb", 10, nil},
		{"gb", 80, []string{"flash"}},
		{"gb", 120, []string{"flash"}},
		{"gb", 250, []string{"flash"}},
		{"gb", 270, []string{"on-hook", "off-hook"}},
		{"de", 200, []string{"flash"}},
		{"fr", 270, []string{"flash"}},
	} {
		d := newTelephone(t, tt.country, "(6xx)")
		d.frame = 80
		d.lift()
		d.dial("600")
		d.port.Talk()
		d.log = nil
		d.open(tt.ms)
		d.run(second)
		d.happened(tt.want...)
	}
}

func TestFlashSeenByTheChip(t *testing.T) {
	d := newTelephone(t, "us", "(6xx)")
	d.loop(LoopFlash)
	d.happened() // the handset is on its hook: noise
	d.lift()
	d.dial("600")
	d.port.Talk()
	d.loop(LoopFlash)
	d.is(Talking)
	d.happened("off-hook", "dialled 600", "flash")
}

func TestFlashWhileDiallingBeginsAgain(t *testing.T) {
	d := newTelephone(t, "us", "")
	d.lift()
	d.dial("60")
	d.open(500)
	d.run(second)
	d.hears(DialTone, 0)
	d.dial("7#")
	d.happened("off-hook", "flash", "dialled 7")
}

func TestSecondDialToneForAHeldCall(t *testing.T) {
	d := newTelephone(t, "us", "(6xx|7xx)")
	d.lift()
	d.dial("600")
	d.port.Talk()
	d.open(300)
	d.port.Dial() // the owner holds the call
	d.run(second)
	d.hears(DialTone, 0)
	d.dial("700")
	d.happened("off-hook", "dialled 600", "flash", "dialled 700")
}

func TestDialPulses(t *testing.T) {
	pulses := func(d *telephone, n, open, closed int) {
		for range n {
			d.open(open)
			d.run(closed * samplesPerMS)
		}
		d.run(700 * samplesPerMS)
	}
	for _, tt := range []struct {
		country      string
		open, closed int
	}{{"us", 60, 40}, {"us", 70, 30}, {"us", 30, 20}, {"gb", 70, 30}, {"de", 60, 40}} {
		d := newTelephone(t, tt.country, "(602)")
		d.frame = 80
		d.lift()
		d.run(second)
		d.open(tt.open)
		d.run(160)
		d.hearsNothing() // dial tone ends with the first pulse
		pulses(d, 5, tt.open, tt.closed)
		pulses(d, 10, tt.open, tt.closed)
		pulses(d, 2, tt.open, tt.closed)
		d.happened("off-hook", "dialled 602")
	}
}

func TestDialPulsesCountedByTheChip(t *testing.T) {
	d := newTelephone(t, "us", "(602)")
	d.loop(LoopPulses(1)) // on-hook: noise
	d.lift()
	d.loop(LoopPulses(6))
	d.loop(LoopPulses(0))
	d.run(second)
	d.loop(LoopPulses(2))
	d.happened("off-hook", "dialled 602")
}

// In a call a short opening of the loop is a bad contact, and with pulse dialling off everywhere.
// Behind a recall tone a digit is waited for in a call, too.
func TestPulsesAreDigitsWhereSomeAreWaitedFor(t *testing.T) {
	pulse := func(d *telephone) {
		d.open(60)
		d.run(second)
		d.loop(LoopPulses(2))
	}
	d := newTelephone(t, "us", "(6)")
	d.frame = 80
	d.lift()
	d.dial("6")
	d.port.Talk()
	for _, tt := range []struct {
		asks func()
		want bool
	}{{func() {}, false}, {func() { d.port.Play(RecallTone) }, true}, {d.port.Silence, false}} {
		tt.asks()
		if keys := d.port.Loop(LoopPulses(2)); len(keys) > 0 != tt.want {
			t.Errorf("%v, want some: %v", keys, tt.want)
		}
		pulse(d)
	}
	d.happened("off-hook", "dialled 6")

	d = newTelephoneWith(t, Config{Country: mustCountry(t, "us"), Plan: mustPlan(t, "(1|2)"), Settings: Settings{NoPulses: true}})
	d.frame = 80
	d.lift()
	pulse(d)
	d.happened("off-hook")
	if loudest := slices.Max(d.ear); loudest == 0 {
		t.Error("dial tone ends")
	}
}

func TestElevenPulsesAreNoDigit(t *testing.T) {
	d := newTelephone(t, "us", "")
	d.frame = 80
	d.lift()
	for range 11 {
		d.open(60)
		d.run(40 * samplesPerMS)
	}
	d.run(16 * second)
	d.happened("off-hook", "not dialled : no match")
}

func TestKeysOfACallAreToldOneByOne(t *testing.T) {
	d := newTelephone(t, "us", "(6xx)")
	d.lift()
	d.dial("600")
	d.port.Talk()
	g := dsp.NewDTMFGenerator(-9, -7)
	for _, k := range []byte("5#D") {
		g.Press(k, 800, 800)
	}
	pcm := make([]int16, 4800)
	g.Read(pcm)
	var got []string
	for ; len(pcm) > 0; pcm = pcm[160:] {
		for _, e := range d.port.Hear(pcm[:160]) {
			got = append(got, fmt.Sprintf("%v", e))
		}
	}
	want := []string{"key down 5", "key up 5", "key down #", "key up #", "key down D", "key up D"}
	if !slices.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	d.is(Talking)
}

// Between the bursts of the call-waiting tone the call is heard.
func TestCallWaitingToneLiesOverTheCall(t *testing.T) {
	d := newTelephone(t, "us", "(6xx)")
	d.lift()
	d.dial("600")
	d.port.Talk()
	d.port.Play(CallWaiting)
	for i := range 100 {
		out := make([]int16, 160)
		for k := range out {
			out[k] = 1234
		}
		d.port.Hear(make([]int16, 160))
		d.port.Speak(out)
		burst, call := i < 15, out[80] == 1234
		if burst == call {
			t.Fatalf("frame %d: burst %v, call heard %v", i, burst, call)
		}
	}
}

func TestOwnerCannotMakeATelephoneOnHookSound(t *testing.T) {
	d := newTelephone(t, "us", "")
	d.port.Dial()
	d.port.Talk()
	d.port.Play(Ringback)
	d.port.Park(Busy)
	d.run(second)
	d.hearsNothing()
	d.is(Idle)
}

func BenchmarkPort(b *testing.B) {
	for _, tt := range []struct {
		name    string
		prepare func(*Port)
	}{
		{"idle", func(*Port) {}},
		{"dialtone", func(p *Port) { p.Loop(LoopClosed) }},
		{"talking", func(p *Port) { p.Loop(LoopClosed); p.Talk() }},
	} {
		b.Run(tt.name, func(b *testing.B) {
			p, err := New(Config{Country: mustCountry(b, "us")})
			if err != nil {
				b.Fatal(err)
			}
			tt.prepare(p)
			in, out := make([]int16, 160), make([]int16, 160)
			dsp.NewDTMFGenerator(-20, -20).Read(in)
			for i := range in {
				in[i] = int16(i * 37 % 800)
			}
			b.ReportAllocs()
			for b.Loop() {
				if p.Now() > 10*second {
					p.now, p.deadline = 0, never
				}
				p.Hear(in)
				p.Speak(out)
			}
		})
	}
}

func TestOwnerCallsForTheTelephone(t *testing.T) {
	d := newTelephone(t, "us", "")
	if d.port.Place() {
		t.Error("places a call on-hook")
	}
	d.lift()
	d.dial("12")
	if !d.port.Place() || string(d.port.keys) != "" {
		t.Errorf("not placed, or %q is left of what was dialled", string(d.port.keys))
	}
	d.is(Calling)
	d.run(20 * second) // no digit timer runs any more
	d.hearsNothing()
	d.happened("off-hook")
	d.port.PutDown()
	d.is(Idle)
	d.run(2 * second)
	d.happened()
	if !d.port.Ring(nil) {
		t.Error("does not ring after it was put down")
	}
}

func TestKeyIsSuspectedBeforeItIsCertain(t *testing.T) {
	d := newTelephone(t, "us", "(6xx)")
	d.lift()
	d.dial("600")
	d.port.Talk()
	d.run(second)
	g := dsp.NewDTMFGenerator(-9, -7)
	g.Press('5', 800, 800)
	pcm := make([]int16, 1600)
	g.Read(pcm)
	suspected, certain := 0, 0
	for at := 80; at <= len(pcm); at += 80 {
		d.port.Hear(pcm[at-80 : at])
		if suspected == 0 && d.port.SuspectsKey() {
			suspected = at
		}
		if certain == 0 && d.port.dtmf.Key() == '5' {
			certain = at
		}
	}
	if suspected == 0 || certain == 0 || suspected >= certain {
		t.Errorf("suspected after %d samples, certain after %d", suspected, certain)
	}
	d.run(second)
	if d.port.SuspectsKey() {
		t.Error("suspects a key in silence")
	}
}
