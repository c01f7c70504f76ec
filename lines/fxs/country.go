package fxs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tipring/internal/dsp"
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
	tones        // how many there are
)

var toneKeys = [tones]string{"dial", "stutter", "ringback", "busy", "reorder", "waiting", "howler", "recall", "confirm"}

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
	Tones              [tones]*dsp.Signal
	Ring               Cadence
	Rings              map[string]Cadence // distinctive ones, by name
	FlashMin, FlashMax int                // samples that the loop opens for a flash
	Emergency          []string

	dial string // the text of the dial tone
}

// Limits of ringing and flash, in ms. A pulse of a slow dial opens the loop for 70 ms,
// so that nothing shorter than 80 can be a flash.
const (
	minRingMS, maxRingMS   = 50, 60_000
	maxRingSteps           = 16
	minFlashMS, maxFlashMS = 80, 2000
)

const samplesPerMS = dsp.SampleRate / 1000

// The howler of North America serves countries that have none of their own.
const howlerText = "1400@-10+2060@-10+2450@-10+2600@-10/100,0/100"

// LoadCountry reads one country from a table such as etc.Tones.
func LoadCountry(table, code string) (*Country, error) {
	c := &Country{Code: code}
	if err := c.load(table, code, true); err != nil {
		return nil, err
	}
	for _, t := range []Tone{DialTone, Ringback, Busy, Reorder, CallWaiting} {
		if c.Tones[t] == nil {
			return nil, fmt.Errorf("country %s has no %v tone", code, t)
		}
	}
	if len(c.Ring) == 0 || c.FlashMax == 0 {
		return nil, fmt.Errorf("country %s has no ring or no flash", code)
	}
	if c.Tones[Howler] == nil {
		if err := c.Set("howler", howlerText); err != nil {
			return nil, err
		}
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
	found, inside, n := false, false, 0
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

// stutter makes the tones that most countries make of their dial tone: bursts of its first
// sound, then the tone itself. Ten for a waiting message, three in a call and for a code that
// was obeyed.
func (c *Country) stutter() error {
	sound, _, _ := strings.Cut(c.dial, ",")
	sound, _, _ = strings.Cut(sound, "/")
	sound = strings.TrimPrefix(sound, "!")
	burst := "!" + sound + "/100,!0/100,"
	for t, text := range map[Tone]string{
		StutterTone:  strings.Repeat(burst, 10) + c.dial,
		RecallTone:   strings.Repeat(burst, 3) + sound,
		Confirmation: strings.Repeat(burst, 3) + sound,
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
	switch key {
	case "name":
		c.Name = value
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
