package menu

import (
	"os"
	"slices"
	"strings"
	"testing"

	"tipring/internal/dsp/g726"
)

// A device is one that says what a test tells it to.
type device struct {
	address, state, server, number, claim string
	line                                  int
	locked                                bool
	resets                                int
}

func (d *device) Address() string             { return d.address }
func (d *device) Line() (int, string, string) { return d.line, d.state, d.server }
func (d *device) Number() string              { return d.number }
func (d *device) ClaimCode() string           { return d.claim }
func (d *device) Reset() bool {
	if !d.locked {
		d.resets++
	}
	return !d.locked
}

// spoken is every prompt as it sounds.
var spoken = func() map[string][]int16 {
	all := map[string][]int16{}
	for rest := recorded; len(rest) > 0; {
		name := rest[1 : 1+rest[0]]
		codes := prompt(name)
		rest = rest[1+len(name)+2+len(codes):]
		d := g726.NewDecoder()
		for i := 0; i < len(codes); i += 3 {
			group := uint32(codes[i])<<16 | uint32(codes[i+1])<<8 | uint32(codes[i+2])
			for shift := 21; shift >= 0; shift -= 3 {
				all[name] = append(all[name], d.Decode(byte(group>>shift)))
			}
		}
	}
	return all
}()

// A telephone hears a menu, frame by frame.
type telephone struct {
	menu *Menu
	over bool
}

func lift(d *device) *telephone { return &telephone{menu: New(d)} }

func (p *telephone) hear(samples int) []int16 {
	var all []int16
	for len(all) < samples && !p.over {
		frame := make([]int16, 160)
		p.over = !p.menu.Read(frame)
		all = append(all, frame...)
	}
	return all
}

// listen hears until nothing is said any more, and tells the prompts that were.
func (p *telephone) listen(t *testing.T) []string {
	t.Helper()
	var all []int16
	for !p.over && (len(all) == 0 || p.menu.voice.speaks()) {
		all = append(all, p.hear(160)...)
	}
	return words(t, all)
}

// words finds the prompts in what was heard: silence, and between it prompts whole and exact.
func words(t *testing.T, heard []int16) (names []string) {
	t.Helper()
	for len(heard) > 0 {
		if heard[0] == 0 && !begins(heard) {
			heard = heard[1:]
			continue
		}
		name := which(heard)
		if name == "" {
			t.Fatalf("after %v comes what is no prompt", names)
		}
		names, heard = append(names, name), heard[len(spoken[name]):]
	}
	return names
}

func begins(heard []int16) bool { return which(heard) != "" }

func which(heard []int16) string {
	for name, pcm := range spoken {
		if len(heard) >= len(pcm) && slices.Equal(heard[:len(pcm)], pcm) {
			return name
		}
	}
	return ""
}

func (p *telephone) press(t *testing.T, keys string) []string {
	t.Helper()
	for _, k := range []byte(keys) {
		p.menu.Key(k)
	}
	return p.listen(t)
}

func TestEveryChoice(t *testing.T) {
	full := device{address: "192.0.2.15:8080", line: 12, state: "registered", server: "backup", number: "+4930123", claim: "00431968"}
	for _, c := range []struct {
		name   string
		change func(*device)
		key    string
		want   string
	}{
		{"the address", nil, "1", "address 1 9 2 dot 0 dot 2 dot 1 5 colon 8 0 8 0"},
		{"an address of IPv6", func(d *device) { d.address = "2001:db8::a" }, "1", "address 2 0 0 1 colon d b 8 colon colon a"},
		{"no address", func(d *device) { d.address = "" }, "1", "noaddress"},
		{"a line at its backup", nil, "2", "line 1 2 backup"},
		{"a line at home", func(d *device) { d.server = "primary" }, "2", "line 1 2 primary"},
		{"a line that tries", func(d *device) { d.state = "registering" }, "2", "line 1 2 registering"},
		{"a line that fails", func(d *device) { d.state = "failed" }, "2", "line 1 2 failed"},
		{"a line that is off", func(d *device) { d.state = "disabled" }, "2", "line 1 2 disabled"},
		{"no line", func(d *device) { d.line = 0 }, "2", "noline"},
		{"the claim code", nil, "3", "claim 0 0 4 3 1 9 6 8"},
		{"no claim code", func(d *device) { d.claim = "" }, "3", "claimed"},
		{"the number", nil, "4", "number plus 4 9 3 0 1 2 3"},
		{"no number", func(d *device) { d.number = "" }, "4", "nonumber"},
		{"the choices again", nil, "*", "options"},
		{"what is no choice", nil, "7", "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := full
			if c.change != nil {
				c.change(&d)
			}
			p := lift(&d)
			if got := strings.Join(p.listen(t), " "); got != "welcome options" {
				t.Errorf("the menu begins with %q", got)
			}
			if got := strings.Join(p.press(t, c.key), " "); got != c.want {
				t.Errorf("says %q, not %q", got, c.want)
			}
		})
	}
}

// A key stops what is being said, in the middle of a word.
func TestKeyInterrupts(t *testing.T) {
	p := lift(&device{number: "12"})
	p.hear(lead + 4000)
	p.menu.Key('4')
	if got := p.listen(t); !slices.Equal(got, []string{"number", "1", "2"}) {
		t.Errorf("says %v", got)
	}
}

func TestResetNeedsTheDigitsThatWereSaid(t *testing.T) {
	d := &device{}
	p := lift(d)
	said := p.press(t, "9")
	if len(said) != 6 || said[0] != "reset" || said[5] != "pound" {
		t.Fatalf("asks %v", said)
	}
	code := strings.Join(said[1:5], "")
	wrong := "0000"
	if code == wrong {
		wrong = "1111"
	}
	for _, keys := range []string{wrong + "#", "#", code[:3] + "#", "*", code + "1"} {
		if got := p.press(t, keys); !slices.Equal(got, []string{"kept"}) || d.resets != 0 {
			t.Errorf("after %s says %v, and has reset %d times", keys, got, d.resets)
		}
		code = strings.Join(p.press(t, "9")[1:5], "")
	}
	if got := p.press(t, code+"#"); !slices.Equal(got, []string{"resetting"}) || d.resets != 1 || !p.over {
		t.Errorf("says %v, has reset %d times, over %v", got, d.resets, p.over)
	}
}

func TestResetIsForbidden(t *testing.T) {
	d := &device{locked: true}
	p := lift(d)
	code := strings.Join(p.press(t, "9")[1:5], "")
	if got := p.press(t, code+"#"); !slices.Equal(got, []string{"notallowed"}) || d.resets != 0 || p.over {
		t.Errorf("says %v, has reset %d times, over %v", got, d.resets, p.over)
	}
}

// Without a key the choices are said three times in all; then the menu hangs up.
func TestPatienceEnds(t *testing.T) {
	p := lift(&device{})
	got := words(t, p.hear(120*8000))
	if want := []string{"welcome", "options", "options", "options", "goodbye"}; !slices.Equal(got, want) || !p.over {
		t.Errorf("says %v, over %v", got, p.over)
	}
}

// What the list names was recorded, and nothing else; what the menu says is in the list.
func TestRecordingIsOfTheList(t *testing.T) {
	text, err := os.ReadFile("prompts.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for line := range strings.Lines(string(text)) {
		name, _, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		listed++
		if s := float64(len(spoken[name])) / 8000; s < 0.1 || s > 12 {
			t.Errorf("%q sounds for %.1f s", name, s)
		}
	}
	if listed != len(spoken) {
		t.Errorf("%d prompts were recorded, %d are listed", len(spoken), listed)
	}
	if len(recorded) > 200<<10 {
		t.Errorf("%d octets of prompts", len(recorded))
	}
}

// No key, at any moment, brings the menu out of step.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("19*9#2"))
	f.Add([]byte{'9', 200, '9', '#', 250, '*', 0, 255})
	f.Fuzz(func(t *testing.T, moves []byte) {
		p := lift(&device{address: "192.0.2.1", line: 1, state: "failed", number: "600"})
		for _, b := range moves {
			if strings.IndexByte("0123456789*#", b) >= 0 {
				p.menu.Key(b)
			} else {
				p.hear(int(b) * 40)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	p := lift(&device{})
	frame := make([]int16, 160)
	b.ReportAllocs()
	for range b.N {
		if !p.menu.Read(frame) {
			p = lift(&device{})
		}
	}
}
