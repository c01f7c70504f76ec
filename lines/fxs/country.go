package fxs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tipring/internal/dsp"
	"tipring/lines/fxs/callerid"
)

// Tone is one of the call-progress tones of a country.
type Tone uint8

const (
	DialTone Tone = iota
	StutterTone
	Ringback
	Busy
	Reorder
	CallWaiting
	Howler
	RecallTone   // dial tone in a call, after a flash or a star code
	Confirmation // a star code was obeyed
	SecondDial   // where the dial plan has a comma
	tones        // how many there are
)

var toneKeys = [tones]string{"dial", "stutter", "ringback", "busy", "reorder", "waiting", "howler", "recall", "confirm", "second"}

// String returns the tone's key in the table of countries.
func (t Tone) String() string {
	if t < tones {
		return toneKeys[t]
	}
	return "tone " + strconv.Itoa(int(t))
}

// Cadence is how a bell rings: samples on, off, on, off, and again from the start.
type Cadence []int

// Country is what telephones of a country expect of their exchange.
type Country struct {
	Code, Name         string
	Changes            string // to the table that were made
	Tones              [tones]*dsp.Signal
	Ring               Cadence
	Rings              map[string]Cadence // distinctive ones, by name
	FlashMin, FlashMax int                // samples that the loop opens for a flash
	Emergency          []string
	CallerID           *callerid.Standard // nil: callers are not shown
	International      string             // what is dialled for a + in front of a number
	DisconnectMS       int                // that the loop current is off when the far end has hung up; 0: it stays on
	Patience           [3]int             // seconds off-hook with dial tone, with the tone that asks to hang up, with the howler

	dial string // the text of the dial tone
}

// Limits of ringing and flash, in ms. A pulse of a slow dial opens the loop for 70 ms,
// so that nothing shorter than 80 can be a flash.
const (
	minRingMS, maxRingMS   = 50, 60_000
	maxRingSteps           = 16
	minFlashMS, maxFlashMS = 80, 2000
	maxDisconnectMS        = 5000
	maxPatienceS           = 600
)

const samplesPerMS = dsp.SampleRate / 1000

// LoadCountry reads one country from a table such as etc.Tones.
func LoadCountry(table, code string) (*Country, error) { return LoadChanged(table, code, "") }

// LoadChanged reads a country of which something is changed: settings as in the table, separated
// by semicolons.
func LoadChanged(table, code, changes string) (*Country, error) {
	c := &Country{Code: code, Rings: map[string]Cadence{}, Patience: [3]int{16, 30, 60}}
	if err := c.load(table, "", false); err != nil { // what stands before the first section
		return nil, err
	}
	if err := c.load(table, code, true); err != nil {
		return nil, err
	}
	c.Changes = changes
	if err := c.change(changes); err != nil {
		return nil, err
	}
	for _, t := range []Tone{DialTone, Ringback, Busy, Reorder, CallWaiting, Howler} {
		if c.Tones[t] == nil {
			return nil, fmt.Errorf("country %s has no %v tone", code, t)
		}
	}
	if len(c.Ring) == 0 || c.FlashMax == 0 {
		return nil, fmt.Errorf("country %s has no ring or no flash", code)
	}
	return c, c.stutter()
}

// Countries lists the codes in a table.
func Countries(table string) (codes []string) {
	for line := range strings.Lines(table) {
		if code, ok := section(line); ok {
			codes = append(codes, code)
		}
	}
	return codes
}

func section(line string) (code string, ok bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "[") || !strings.HasSuffix(line, "]") {
		return "", false
	}
	return line[1 : len(line)-1], true
}

// load takes the settings of a section; those it is like come first.
func (c *Country) load(table, code string, mayBeLike bool) error {
	inside := code == ""
	found, n := inside, 0
	for line := range strings.Lines(table) {
		n++
		line = strings.TrimSpace(line)
		if s, ok := section(line); ok {
			inside = s == code
			found = found || inside
			continue
		}
		if !inside || line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return fmt.Errorf("tones:%d: %q: want key = value", n, line)
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		var err error
		switch {
		case key == "like" && mayBeLike:
			err = c.load(table, value, false)
		case key == "like":
			err = errors.New("the section it is in serves as one itself")
		default:
			err = c.Set(key, value)
		}
		if err != nil {
			return fmt.Errorf("tones:%d: [%s] %s: %w", n, code, key, err)
		}
	}
	if !found {
		return fmt.Errorf("country %q: no such section in the table of tones", code)
	}
	return nil
}

// change makes changes to what the table says.
func (c *Country) change(text string) error {
	for setting := range strings.SplitSeq(text, ";") {
		setting = strings.TrimSpace(setting)
		if setting == "" {
			continue
		}
		key, value, ok := strings.Cut(setting, "=")
		if !ok {
			return fmt.Errorf("%q: want key = value", setting)
		}
		key = strings.TrimSpace(key)
		if err := c.Set(key, strings.TrimSpace(value)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// stutter makes the tones that most countries make of their dial tone: bursts of its first
// sound, then the tone itself. Ten for a waiting message, three in a call and for a code that
// was obeyed. A second dial tone is like the first.
func (c *Country) stutter() error {
	sound, _, _ := strings.Cut(c.dial, ",")
	sound, _, _ = strings.Cut(sound, "/")
	sound = strings.TrimPrefix(sound, "!")
	burst := "!" + sound + "/100,!0/100,"
	for t, text := range map[Tone]string{
		StutterTone:  strings.Repeat(burst, 10) + c.dial,
		RecallTone:   strings.Repeat(burst, 3) + sound,
		Confirmation: strings.Repeat(burst, 3) + sound,
		SecondDial:   c.dial,
	} {
		if c.Tones[t] != nil {
			continue
		}
		if err := c.Set(toneKeys[t], text); err != nil {
			return err
		}
	}
	return nil
}

// Set changes one setting, by its key in the table of tones.
func (c *Country) Set(key, value string) (err error) {
	if key == "dial" {
		c.dial = value
	}
	if name, ok := strings.CutPrefix(key, "ring-"); ok {
		c.Rings[name], err = parseCadence(value)
		return err
	}
	switch key {
	case "name":
		c.Name = value
	case "caller_id":
		err = c.setCallerID(value)
	case "international":
		if c.International = value; strings.Trim(value, "0123456789") != "" {
			err = fmt.Errorf("%q: want digits", value)
		}
	case "disconnect":
		c.DisconnectMS, err = parseMS(value, 0, maxDisconnectMS)
	case "patience":
		c.Patience, err = parsePatience(value)
	case "ring":
		c.Ring, err = parseCadence(value)
	case "flash":
		c.FlashMin, c.FlashMax, err = parseFlash(value)
	case "emergency":
		c.Emergency, err = parseEmergency(value)
	default:
		for t, k := range toneKeys {
			if k == key {
				c.Tones[t], err = dsp.ParseSignal(value)
				return err
			}
		}
		return errors.New("no such key")
	}
	return err
}

func (c *Country) setCallerID(name string) error {
	if c.CallerID = callerid.Find(name); c.CallerID == nil && name != "off" {
		return fmt.Errorf("%q: want off or one of %s", name, strings.Join(callerid.Names(), " "))
	}
	return nil
}

func parsePatience(text string) (seconds [3]int, err error) {
	fields := strings.Split(text, ",")
	if len(fields) != len(seconds) {
		return seconds, fmt.Errorf("%q: want seconds of dial tone, of the next tone and of the howler", text)
	}
	for i, f := range fields {
		if seconds[i], err = strconv.Atoi(strings.TrimSpace(f)); err != nil || seconds[i] < 1 || seconds[i] > maxPatienceS {
			return seconds, fmt.Errorf("%q: want 1 to %d s", f, maxPatienceS)
		}
	}
	return seconds, nil
}

func parseCadence(text string) (Cadence, error) {
	fields := strings.Split(text, ",")
	if len(fields)%2 != 0 || len(fields) > maxRingSteps {
		return nil, fmt.Errorf("%q: want pairs of on and off, %d numbers at most", text, maxRingSteps)
	}
	var c Cadence
	for _, f := range fields {
		ms, err := parseMS(f, minRingMS, maxRingMS)
		if err != nil {
			return nil, err
		}
		c = append(c, ms*samplesPerMS)
	}
	return c, nil
}

func parseFlash(text string) (low, high int, err error) {
	l, h, ok := strings.Cut(text, "-")
	if !ok {
		return 0, 0, fmt.Errorf("%q: want the shortest and the longest as in 100-900", text)
	}
	if low, err = parseMS(l, minFlashMS, maxFlashMS); err != nil {
		return 0, 0, err
	}
	if high, err = parseMS(h, low, maxFlashMS); err != nil {
		return 0, 0, err
	}
	return low * samplesPerMS, high * samplesPerMS, nil
}

func parseEmergency(text string) (numbers []string, err error) {
	for f := range strings.SplitSeq(text, ",") {
		f = strings.TrimSpace(f)
		if f == "" || strings.Trim(f, "0123456789") != "" {
			return nil, fmt.Errorf("%q: want digits", f)
		}
		numbers = append(numbers, f)
	}
	return numbers, nil
}

func parseMS(text string, low, high int) (int, error) {
	ms, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || ms < low || ms > high {
		return 0, fmt.Errorf("%q: want %d to %d ms", text, low, high)
	}
	return ms, nil
}
