package spandsp

import (
	"slices"
	"testing"
	"time"

	"tipring/etc"
	"tipring/internal/dsp"
	"tipring/lines/fxs"
	"tipring/lines/fxs/callerid"
)

// A display is a telephone on the line of a port: it hears what the port says, and knows when
// there is ringing voltage, a reversed loop, a dead one.
type display struct {
	port  *fxs.Port
	card  *deck
	heard []int16
}

// deck is a line card that says silence.
type deck struct {
	*display
	pcm      []int16
	loop     fxs.Loop
	keys     *dsp.DTMFGenerator
	ring     bool
	reversed bool
	dead     bool
	changes  []change
}

// change is what the card was told, and when.
type change struct {
	at   int // samples heard before
	what string
}

func (d *deck) Read() ([]int16, fxs.Loop, error) {
	if l := d.loop; l != fxs.LoopSame {
		d.loop = fxs.LoopSame
		return nil, l, nil
	}
	clear(d.pcm)
	d.keys.Read(d.pcm)
	return d.pcm, fxs.LoopSame, nil
}

func (d *deck) Write(pcm []int16) error {
	if d.ring && slices.ContainsFunc(pcm, func(s int16) bool { return s != 0 }) {
		d.changes = append(d.changes, change{len(d.heard), "sound in the ring"})
	}
	d.heard = append(d.heard, pcm...)
	return nil
}

func (d *deck) tell(what string, on bool, state *bool) error {
	*state = on
	if !on {
		what = "no " + what
	}
	d.changes = append(d.changes, change{len(d.heard), what})
	return nil
}

func (d *deck) Ring(on bool) error    { return d.tell("ring", on, &d.ring) }
func (d *deck) Reverse(on bool) error { return d.tell("reversal", on, &d.reversed) }
func (d *deck) Power(on bool) error   { return d.tell("open", !on, &d.dead) }
func (d *deck) Lamp(bool) error       { return nil }
func (d *deck) Wake()                 {}
func (d *deck) Close() error          { return nil }

func newDisplay(t *testing.T, cfg fxs.Config, frame int) *display {
	t.Helper()
	p, err := fxs.New(cfg)
	must(t, err)
	d := &display{port: p}
	d.card = &deck{display: d, pcm: make([]int16, frame), keys: dsp.NewDTMFGenerator(-9, -7)}
	d.pass(t, time.Second/4)
	return d
}

func (d *display) pass(t *testing.T, span time.Duration) {
	t.Helper()
	for n := int(span.Seconds() * dsp.SampleRate); n > 0; n -= len(d.card.pcm) {
		_, err := d.port.Turn(d.card, nil)
		must(t, err)
	}
}

func mustCountry(t *testing.T, code string) *fxs.Country {
	t.Helper()
	c, err := fxs.LoadCountry(etc.Tones, code)
	must(t, err)
	return c
}

// receiver is the library's for a standard.
func receiver(s *callerid.Standard) string {
	return map[callerid.Modem]string{callerid.Bell202: "class", callerid.V23: "clip", callerid.DTMF: "dtmf"}[s.Modem]
}

var now = time.Date(2026, 3, 9, 16, 5, 0, 0, time.UTC)

// shown is what a standard's message about a caller comes down to.
func shown(s *callerid.Standard, number, name string) []Field {
	switch {
	case s.Modem == callerid.DTMF && s.Name == "dtmf-taiwan":
		return []Field{{'C', ""}, {'D', number}}
	case s.Modem == callerid.DTMF && s.Name[:min(len(s.Name), 8)] == "dtmf-den":
		return []Field{{'#', ""}, {'A', number}}
	case s.Modem == callerid.DTMF:
		return []Field{{'C', ""}, {'A', number}}
	case s.Name == "bellcore-sdmf":
		return []Field{{4, ""}, {0, "03091605" + number}}
	case s.Name == "bt":
		return []Field{{0x80, ""}, {0x11, "\x01"}, {1, "03091605"}, {2, number}, {7, name}}
	}
	return []Field{{0x80, ""}, {1, "03091605"}, {2, number}, {7, name}}
}

// Every standard, on a port that rings in every way, in frames of every length: the library's
// receiver reads it, the bell is silent meanwhile, and the right thing woke the telephone.
func TestCallerIDIsReadByAnother(t *testing.T) {
	alerts := map[string][]string{
		"bellcore": {"ring", "no ring"}, "bellcore-sdmf": {"ring", "no ring"}, "etsi": {"ring", "no ring"}, "dtmf": {"ring", "no ring"},
		"etsi-reversal": {"reversal"}, "bt": {"reversal"}, "dtmf-reversal": {"reversal"}, "dtmf-reversal-dtas": {"reversal"}, "dtmf-denmark-reversal": {"reversal"},
		"etsi-pulse": {"ring", "no ring"}, "dtmf-pulse": {"ring", "no ring"},
	}
	for _, name := range callerid.Names() {
		std := callerid.Find(name)
		for _, country := range []string{"us", "de", "gb"} {
			for _, frame := range []int{80, 160, 240, 1600} {
				d := newDisplay(t, fxs.Config{Country: mustCountry(t, country), Settings: fxs.Settings{CallerID: name}}, frame)
				if !d.port.RingFor(fxs.Incoming{Caller: fxs.Caller{Number: "5551234567", Name: "ANNA", At: now}}) {
					t.Fatal("does not ring")
				}
				d.pass(t, 12*time.Second)
				got, err := CallerID(receiver(std), d.heard)
				must(t, err)
				want := shown(std, "5551234567", "ANNA")
				if len(got) != 1 || !slices.Equal(got[0], want) {
					t.Errorf("%s in %s, frames of %d: %v, want %v", name, country, frame, got, want)
				}
				d.wakes(t, name+" in "+country, alerts[name], country == "gb" && std.AfterRing)
			}
		}
	}
}

// wakes holds what the card was told before the data against what wakes a telephone, and that
// the bell rang on afterwards and nothing sounded in it.
func (d *display) wakes(t *testing.T, what string, want []string, twice bool) {
	t.Helper()
	if twice {
		want = append(want, want...) // a double ring
	}
	data := d.data()
	var before []string
	rings := false
	for _, c := range d.card.changes {
		switch {
		case c.what == "sound in the ring":
			t.Errorf("%s: %s at %d", what, c.what, c.at)
		case c.at <= data:
			before = append(before, c.what)
		default:
			rings = rings || c.what == "ring"
		}
	}
	if !slices.Equal(before, want) || !rings || d.card.reversed {
		t.Errorf("%s: told %v before the data, want %v; rings then: %v, reversed at the end: %v", what, before, want, rings, d.card.reversed)
	}
}

// data is where sound begins.
func (d *display) data() int {
	return slices.IndexFunc(d.heard, func(s int16) bool { return s != 0 })
}

// Who does not want to be shown, or cannot be, is told as that.
func TestAbsenceIsReadByAnother(t *testing.T) {
	for _, tt := range []struct {
		standard string
		caller   fxs.Caller
		want     []Field
	}{
		{"bellcore", fxs.Caller{Private: true, Number: "1", At: now}, []Field{{0x80, ""}, {1, "03091605"}, {4, "P"}, {8, "P"}}},
		{"etsi", fxs.Caller{Unavailable: true, At: now}, []Field{{0x80, ""}, {1, "03091605"}, {4, "O"}}},
		{"bellcore-sdmf", fxs.Caller{Private: true, At: now}, []Field{{4, ""}, {0, "03091605P"}}},
		{"dtmf-reversal", fxs.Caller{Private: true, At: now}, []Field{{'C', ""}, {'B', "10"}}},
		{"dtmf-denmark", fxs.Caller{Private: true, At: now}, []Field{{'#', ""}, {'D', "1"}}},
	} {
		std := callerid.Find(tt.standard)
		d := newDisplay(t, fxs.Config{Country: mustCountry(t, "us"), Settings: fxs.Settings{CallerID: tt.standard}}, 160)
		d.port.RingFor(fxs.Incoming{Caller: tt.caller})
		d.pass(t, 8*time.Second)
		got, err := CallerID(receiver(std), d.heard)
		must(t, err)
		if len(got) != 1 || !slices.Equal(got[0], tt.want) {
			t.Errorf("%s: %v, want %v", tt.standard, got, tt.want)
		}
	}
}

// alertOver is when the alert of a waiting call is over: 300 ms of tone, 80 ms of alert, in samples.
const alertOver = 380 * dsp.SampleRate / 1000

// A call that waits is shown in a call: alert, the telephone's acknowledgement, data.
func TestWaitingCallerIsReadByAnother(t *testing.T) {
	for _, name := range []string{"bellcore", "etsi-dtas", "bt"} {
		std := callerid.Find(name)
		for _, frame := range []int{80, 160} {
			plan, err := fxs.ParsePlan("(6)")
			must(t, err)
			d := newDisplay(t, fxs.Config{Country: mustCountry(t, "us"), Plan: plan, Settings: fxs.Settings{CallerID: name}}, frame)
			d.card.loop = fxs.LoopClosed
			d.pass(t, time.Second)
			d.card.keys.Press('6', 800, 800)
			d.pass(t, time.Second)
			d.port.Talk()
			d.heard = d.heard[:0]
			d.port.Wait(fxs.Caller{Number: "5551234567", Name: "ANNA", At: now})
			for range 2 * dsp.SampleRate / frame {
				d.pass(t, time.Duration(frame)*time.Second/dsp.SampleRate)
				if n := len(d.heard); n >= alertOver && n < alertOver+frame {
					d.card.keys.Press('D', 480, 0)
				}
			}
			got, err := CallerID(receiver(std), d.heard)
			must(t, err)
			if want := shown(std, "5551234567", "ANNA"); len(got) != 1 || !slices.Equal(got[0], want) {
				t.Errorf("%s, frames of %d: %v, want %v", name, frame, got, want)
			}
			if d.port.Mutes() {
				t.Errorf("%s: mutes for ever", name)
			}
		}
	}
}

// Messages that wait are told to a telephone on-hook, and that they are read.
func TestMessageWaitingIsReadByAnother(t *testing.T) {
	for name, wakes := range map[string][]string{
		"bellcore": {"open", "no open"}, "bellcore-sdmf": {"open", "no open"}, "etsi": {"ring", "no ring"},
		"etsi-dtas": nil, "etsi-reversal": {"reversal"}, "etsi-pulse": {"ring", "no ring"}, "bt": {"reversal"},
	} {
		std := callerid.Find(name)
		d := newDisplay(t, fxs.Config{Country: mustCountry(t, "us"), Settings: fxs.Settings{CallerID: name}}, 160)
		d.port.MessageWaiting(true)
		d.pass(t, 3*time.Second)
		told := d.card.changes[:min(len(wakes), len(d.card.changes))]
		for i, c := range told {
			if c.what != wakes[i] || c.at > d.data() {
				t.Errorf("%s: %v, want %v before the data", name, told, wakes)
			}
		}
		d.port.MessageWaiting(false)
		d.pass(t, 3*time.Second)
		got, err := CallerID(receiver(std), d.heard)
		must(t, err)
		on, off := []Field{{0x82, ""}, {0x0B, "\xff"}}, []Field{{0x82, ""}, {0x0B, "\x00"}}
		if name == "bellcore-sdmf" {
			on, off = []Field{{6, ""}, {0, "BBB"}}, []Field{{6, ""}, {0, "ooo"}}
		}
		if len(got) != 2 || !slices.Equal(got[0], on) || !slices.Equal(got[1], off) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
