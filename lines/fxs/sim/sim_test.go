package sim

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tipring/internal/dsp"
	"tipring/lines/fxs"
	"tipring/lines/fxs/socket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An exchange owns a port as the agent would: 600 is answered after a while of ringback
// and echoes, 601 is busy, and call makes the telephone ring.
type exchange struct {
	t    *testing.T
	port *fxs.Port
	done chan struct{}

	mu       sync.Mutex
	commands []func()
	events   []string
	wake     func()
	ringing  int64 // when ringback began; 0: it does not play
	talking  bool
}

const answerAfter = 3 * second

func newExchange(t *testing.T, driver fxs.Driver, code, plan string) *exchange {
	t.Helper()
	cfg := fxs.Config{Country: country(t, code)}
	if plan != "" {
		p, err := fxs.ParsePlan(plan)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Plan = p
	}
	port, err := fxs.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := &exchange{t: t, port: port, done: make(chan struct{}), wake: func() {}}
	go e.run(driver)
	t.Cleanup(func() {
		if err := driver.Close(); err != nil {
			t.Error(err)
		}
		<-e.done
	})
	return e
}

func (e *exchange) run(driver fxs.Driver) {
	defer close(e.done)
	for card := range driver.Cards() {
		e.do(func() { e.wake = card.Wake })
		for {
			events, err := e.port.Turn(card, e)
			e.handle(events)
			if err != nil {
				break
			}
		}
		card.Close()
	}
}

// do runs f between two frames.
func (e *exchange) do(f func()) {
	e.mu.Lock()
	e.commands = append(e.commands, f)
	wake := e.wake
	e.mu.Unlock()
	wake()
}

func (e *exchange) handle(events []fxs.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range events {
		e.events = append(e.events, ev.String())
		switch {
		case ev.Kind == fxs.Dialled && ev.Number == "601":
			e.port.Park(fxs.Busy)
		case ev.Kind == fxs.Dialled:
			e.port.Play(fxs.Ringback)
			e.ringing = e.port.Now()
		case ev.Kind == fxs.Answered:
			e.talking = true
		case ev.Kind == fxs.OnHook:
			e.ringing, e.talking = 0, false
		}
	}
	if e.ringing > 0 && e.port.Now()-e.ringing > answerAfter {
		e.port.Talk()
		e.ringing, e.talking = 0, true
	}
	for _, f := range e.commands {
		f()
	}
	e.commands = nil
}

// Exchange implements fxs.Audio: what is said is heard, at half the amplitude.
func (e *exchange) Exchange(in, out []int16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range in {
		if e.talking {
			out[i] = in[i] / 2
		}
	}
}

// happened returns the events but for keys, and forgets them.
func (e *exchange) happened() (events []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	events = slices.DeleteFunc(e.events, func(s string) bool { return strings.HasPrefix(s, "key") })
	e.events = nil
	return events
}

// plugs are the ways of plugging a telephone in, none of which waits for a wall clock.
func plugs(t *testing.T, code, plan string, use func(t *testing.T, ph *Telephone, e *exchange)) {
	quiet := slog.New(slog.DiscardHandler)
	t.Run("socket", func(t *testing.T) {
		address := "unix:" + filepath.Join(t.TempDir(), "port.sock")
		d, err := socket.New(socket.Config{Port: 1, Kind: "phone", Address: address, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		e := newExchange(t, d, code, plan)
		p, err := Connect(context.Background(), Options{Address: address, Name: "test", Country: country(t, code), Pace: Fast})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if h := p.Hello(); h.Port != 1 || h.Kind != "phone" || h.Protocol != 1 {
			t.Errorf("%+v", h)
		}
		use(t, &p.Telephone, e)
	})
	t.Run("sim", func(t *testing.T) {
		d := New(Config{Country: country(t, code), Pace: Fast})
		use(t, &d.Telephone, newExchange(t, d, code, plan))
	})
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCallIsMadeAndEnded(t *testing.T) {
	plugs(t, "us", "(6xx)", func(t *testing.T, ph *Telephone, e *exchange) {
		must(t, ph.OffHook(), ph.WaitTone(fxs.DialTone, time.Second))
		must(t, ph.Dial("600"), ph.WaitTone(fxs.Ringback, time.Second), ph.WaitSilence(5*time.Second))
		ph.Record()
		ph.Play(dsp.Steady(dsp.Partial{Hz: 1000, DBm0: -10}))
		must(t, ph.WaitSound(-20, time.Second), ph.Pass(time.Second))
		if one, all := ph.Level(1000); math.Abs(one+16) > 0.5 || math.Abs(all+16) > 0.5 {
			t.Errorf("the echo has %.1f dBm0 of %.1f in all, want -16", one, all)
		}
		if n := len(ph.Recording()); n < second {
			t.Errorf("%d samples recorded", n)
		}
		ph.Play(nil)
		must(t, ph.Dial("19#"), ph.WaitKeys("19#", time.Second))
		if got := ph.Keys(); got != "19#" {
			t.Errorf("the echo of 19# is %q", got)
		}
		ph.ClearKeys()
		must(t, ph.Flash(), ph.Pass(time.Second), ph.HangUp(), ph.Pass(time.Second))
		want := []string{"off-hook", "dialled 600", "flash", "on-hook"}
		if got := e.happened(); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestBusyNumber(t *testing.T) {
	for _, code := range []string{"us", "gb", "de", "pl"} {
		plugs(t, code, "", func(t *testing.T, ph *Telephone, e *exchange) {
			must(t, ph.OffHook(), ph.WaitTone(fxs.DialTone, 3*time.Second))
			must(t, ph.Dial("601#"), ph.WaitTone(fxs.Busy, 5*time.Second))
			must(t, ph.HangUp(), ph.WaitSilence(time.Second))
		})
	}
}

func TestNobodyDials(t *testing.T) {
	plugs(t, "us", "", func(t *testing.T, ph *Telephone, e *exchange) {
		must(t, ph.OffHook(), ph.WaitTone(fxs.Reorder, 20*time.Second), ph.WaitTone(fxs.Howler, 40*time.Second))
		must(t, ph.WaitSilence(70*time.Second), ph.HangUp())
	})
}

func TestPulsesAndChipFlash(t *testing.T) {
	plugs(t, "de", "(6xx)", func(t *testing.T, ph *Telephone, e *exchange) {
		must(t, ph.OffHook(), ph.WaitTone(fxs.DialTone, 3*time.Second), ph.Pulse("600"))
		must(t, ph.WaitTone(fxs.Ringback, 3*time.Second), ph.ChipFlash(), ph.Pass(time.Second))
		if got, want := e.happened(), []string{"off-hook", "dialled 600", "flash"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestRingingAndLamp(t *testing.T) {
	plugs(t, "gb", "", func(t *testing.T, ph *Telephone, e *exchange) {
		e.do(func() { e.port.MessageWaiting(true); e.port.Reverse(true); e.port.Power(false); e.port.Ring(nil) })
		must(t, ph.WaitRing(time.Second), ph.Pass(7*time.Second))
		if s := ph.Status(); s.OffHook || s.Bursts != 6 || !s.Lamp || !s.Reversed || s.Powered || s.Time < 7*time.Second {
			t.Errorf("%+v", s)
		}
		e.do(func() { e.port.StopRing(); e.port.Power(true) })
		must(t, ph.WaitNoRing(15*time.Second), ph.Pass(time.Second))
		e.do(func() { e.port.Ring(nil) })
		must(t, ph.WaitRing(time.Second))
		if s := ph.Status(); s.Bursts != 1 || !s.Powered {
			t.Errorf("%+v", s)
		}
		must(t, ph.OffHook(), ph.Pass(time.Second))
		if s := ph.Status(); s.Bell || !s.OffHook {
			t.Errorf("%+v", s)
		}
		if got, want := e.happened(), []string{"answered"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// A caller who gave up is not counted with the next one.
func TestBurstsAreCountedByTheCall(t *testing.T) {
	for name, gap := range map[string]struct{ rings, pause time.Duration }{
		"given up in the middle of a burst":        {500 * time.Millisecond, 4 * time.Second},
		"the next one rings too soon":              {2500 * time.Millisecond, 500 * time.Millisecond},
		"the next one rings too late":              {2500 * time.Millisecond, 5 * time.Second},
		"given up in the second burst":             {6500 * time.Millisecond, 4 * time.Second},
		"the next one rings when nobody does more": {2500 * time.Millisecond, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			plugs(t, "us", "", func(t *testing.T, ph *Telephone, e *exchange) {
				e.do(func() { e.port.Ring(nil) })
				must(t, ph.WaitRing(time.Second), ph.Pass(gap.rings))
				e.do(func() { e.port.StopRing() })
				must(t, ph.Pass(gap.pause))
				e.do(func() { e.port.Ring(nil) })
				must(t, ph.WaitRing(time.Second), ph.Pass(100*time.Millisecond))
				if n := ph.Status().Bursts; n != 1 {
					t.Errorf("%d bursts, want 1", n)
				}
				must(t, ph.Pass(7*time.Second))
				if n := ph.Status().Bursts; n != 2 {
					t.Errorf("%d bursts later, want 2", n)
				}
			})
		})
	}
}

func TestTelephoneAnswersByItsRule(t *testing.T) {
	plugs(t, "us", "", func(t *testing.T, ph *Telephone, e *exchange) {
		ph.SetAnswer(Answer{Bursts: 2, Play: dsp.Steady(dsp.Partial{Hz: 700, DBm0: -10}), HangUp: true})
		e.do(func() { e.port.Ring(nil) })
		must(t, ph.WaitRing(time.Second), ph.Pass(5*time.Second))
		if ph.Status().OffHook {
			t.Error("answered before the second burst")
		}
		must(t, ph.WaitSound(-20, 5*time.Second), ph.Pass(300*time.Millisecond))
		if one, _ := ph.Level(700); math.Abs(one+16) > 0.5 {
			t.Errorf("what it says comes back with %.1f dBm0, want -16", one)
		}
		e.do(func() { e.port.Park(fxs.Busy) })
		must(t, ph.WaitTone(fxs.Busy, 5*time.Second), ph.Pass(4*time.Second))
		if ph.Status().OffHook {
			t.Error("does not hang up")
		}
		if got, want := e.happened(), []string{"answered", "on-hook"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestWaitSaysWhatItHeardInstead(t *testing.T) {
	plugs(t, "us", "", func(t *testing.T, ph *Telephone, e *exchange) {
		must(t, ph.OffHook())
		err := ph.WaitTone(fxs.Busy, time.Second)
		want := `no busy tone in 1s: hears dial tone at -10 dBm0, bell false, keys ""`
		if err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
		if tone, ok := ph.Hears(); !ok || tone != fxs.DialTone {
			t.Errorf("hears %v, %v", tone, ok)
		}
	})
}

func TestWhatIsNoKeyIsRefused(t *testing.T) {
	d := New(Config{})
	defer d.Close()
	if d.Dial("12x") == nil || d.Pulse("1*") == nil {
		t.Error("dials x or pulses *")
	}
}

func TestUnpluggedTelephone(t *testing.T) {
	d := New(Config{Pace: Fast})
	done := make(chan error)
	go func() { done <- d.WaitRing(time.Hour) }()
	d.Close()
	d.Close()
	if err := <-done; !errors.Is(err, ErrUnplugged) {
		t.Error(err)
	}
	if _, ok := <-d.Cards(); ok {
		t.Error("a card after Close")
	}
}

func TestCardCanBeHadAgain(t *testing.T) {
	d := New(Config{})
	defer d.Close()
	first := <-d.Cards()
	first.Ring(true)
	first.Close()
	first.Close()
	if _, _, err := first.Read(); !errors.Is(err, ErrUnplugged) {
		t.Errorf("read after Close: %v", err)
	}
	second := <-d.Cards()
	if d.Status().Bell {
		t.Error("the bell of a line that is gone rings on")
	}
	if pcm, _, err := second.Read(); err != nil || len(pcm) != 160 {
		t.Errorf("%d samples, %v", len(pcm), err)
	}
}

// An unused telephone takes its time in long frames; Wake ends one at once.
func TestUnusedTelephoneSleeps(t *testing.T) {
	d := New(Config{Pace: Fast})
	defer d.Close()
	card := <-d.Cards()
	done := make(chan error)
	go func() { done <- d.WaitRing(62 * time.Second) }()
	at, slept := int64(0), int64(0)
	for {
		pcm, _, err := card.Read()
		if err != nil {
			t.Fatal(err)
		}
		at += int64(len(pcm))
		if len(pcm) == idleFrame {
			break
		}
		slept = at
	}
	if slept < idleAfter || slept > idleAfter+2*idleFrame {
		t.Errorf("sleeps after %d samples", slept)
	}
	card.Write([]int16{1})
	if pcm, _, err := card.Read(); err != nil || len(pcm) != 160 {
		t.Errorf("something is heard, and the next frame has %d samples, %v", len(pcm), err)
	}
	card.Ring(true)
	if err := <-done; err != nil {
		t.Error(err)
	}
	card.Wake()
	if pcm, loop, err := card.Read(); err != nil || pcm != nil || loop != fxs.LoopSame {
		t.Errorf("woken, it says %v, %v, %v", pcm, loop, err)
	}
}

func TestAgentThatDoesNotAnswerProperly(t *testing.T) {
	if _, err := Connect(context.Background(), Options{Address: "unix:/nonexistent"}); err == nil {
		t.Error("connects to nothing")
	}
}

// In real time a second of samples takes a second, give or take what a busy machine costs.
func TestRealTime(t *testing.T) {
	d := New(Config{Country: country(t, "us")})
	e := newExchange(t, d, "us", "")
	address := "unix:" + filepath.Join(t.TempDir(), "port.sock")
	s, err := socket.New(socket.Config{Port: 1, Address: address, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	newExchange(t, s, "us", "")
	p, err := Connect(context.Background(), Options{Address: address, Country: country(t, "us")})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, ph := range []*Telephone{&d.Telephone, &p.Telephone} {
		start := time.Now()
		must(t, ph.OffHook(), ph.WaitTone(fxs.DialTone, time.Second), ph.Pass(500*time.Millisecond))
		if took := time.Since(start); took < 500*time.Millisecond || took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	}
	if got, want := e.happened(), []string{"off-hook"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
