// Package menu is the voice menu that a telephone reaches by its star code (***): it says the
// device's address, how the telephone's line is, the claim code of the page and the
// telephone's number, and erases all settings for who keys the number that it says.
//
// A Menu is a machine whose clock is the number of samples it has said. Who answers its
// questions is a Device.
package menu

import (
	"crypto/rand"
	"strconv"
	"strings"

	"tipring/internal/dsp"
)

// A Device answers what a menu asks. Its methods are called on the goroutine of the telephone
// and must not wait.
type Device interface {
	// Address is where the device's page is: an IP address, and ":" and a port where that is not 80;
	// empty: the device has none.
	Address() string
	// Line is the telephone's line, its state (disabled registering registered failed) and where it
	// is registered (primary backup none), as the lines' status has them; 0: it has none.
	Line() (n int, state, server string)
	// Number is the telephone's own; empty: it has none.
	Number() string
	// ClaimCode is for the first visit of the page; empty: a password has been set.
	ClaimCode() string
	// Reset erases all settings, soon. It reports false where that is not allowed by a telephone.
	Reset() bool
}

const (
	patience = 6 * dsp.SampleRate // without a key, until the choices are said again
	rounds   = 3                  // how often they are said
	codeSize = 4                  // digits that confirm a reset
)

// A Menu is the menu of one telephone while it is off-hook.
type Menu struct {
	device Device
	voice  voice
	waited int    // samples of silence since the last word
	left   int    // rounds
	code   string // that confirms a reset; empty: nothing is to be confirmed
	keyed  string // of the code
	ending bool   // nothing follows what is being said
}

// New makes a menu that begins with its choices.
func New(d Device) *Menu {
	m := &Menu{device: d, voice: newVoice(), left: rounds}
	m.say("welcome", "options")
	return m
}

// Read implements call.Service: it fills out with what is said, and reports false when there
// is no more.
func (m *Menu) Read(out []int16) bool {
	n := m.voice.read(out)
	clear(out[n:])
	if n > 0 {
		m.waited = 0
	}
	m.waited += len(out) - n
	switch {
	case m.voice.speaks():
	case m.ending:
		return false
	case m.waited >= patience:
		m.again()
	}
	return true
}

// Close implements call.Service.
func (m *Menu) Close() {}

// again says the choices once more, and good bye after some rounds.
func (m *Menu) again() {
	m.waited, m.code, m.keyed = 0, "", ""
	if m.left--; m.left == 0 {
		m.ending = true
		m.say("goodbye")
		return
	}
	m.say("options")
}

// Key implements call.Service: a key stops what is being said.
func (m *Menu) Key(key byte) {
	if m.ending {
		return
	}
	m.waited, m.left = 0, rounds
	m.voice.stop()
	if m.code != "" {
		m.confirm(key)
		return
	}
	switch key {
	case '1':
		m.tell("address", m.device.Address(), "noaddress")
	case '2':
		m.line()
	case '3':
		m.tell("claim", m.device.ClaimCode(), "claimed")
	case '4':
		m.tell("number", m.device.Number(), "nonumber")
	case '9':
		m.askReset()
	case '*':
		m.say("options")
	default:
		m.say("unknown")
	}
}

func (m *Menu) line() {
	n, state, server := m.device.Line()
	if n == 0 {
		m.say("noline")
		return
	}
	m.say("line")
	m.spell(strconv.Itoa(n))
	if state == "registered" {
		state = server
	}
	m.say(state)
}

// tell spells a value behind the words of a prompt; without one another prompt says so.
func (m *Menu) tell(name, value, none string) {
	if value == "" {
		m.say(none)
		return
	}
	m.say(name)
	m.spell(value)
}

// askReset names the digits that confirm a reset: another number each time, so that nobody keys
// it by habit, and no hand that plays with the keys finds it.
func (m *Menu) askReset() {
	var random [codeSize]byte
	rand.Read(random[:])
	for i, b := range random {
		random[i] = '0' + b%10
	}
	m.code, m.keyed = string(random[:]), ""
	m.say("reset")
	m.spell(m.code)
	m.say("pound")
}

// confirm takes a key of the digits that were named.
func (m *Menu) confirm(key byte) {
	if key >= '0' && key <= '9' && len(m.keyed) < codeSize {
		m.keyed += string(key)
		return
	}
	asked := key == '#' && m.keyed == m.code
	m.code = ""
	switch {
	case !asked:
		m.say("kept")
	case m.device.Reset():
		m.ending = true
		m.say("resetting")
	default:
		m.say("notallowed")
	}
}

func (m *Menu) say(names ...string) {
	for _, name := range names {
		m.voice.add(name)
	}
}

// spell says what is written, sign by sign; what has no word is passed over.
func (m *Menu) spell(text string) {
	for _, sign := range strings.ToLower(text) {
		switch sign {
		case '.':
			m.say("dot")
		case ':':
			m.say("colon")
		case '+':
			m.say("plus")
		default:
			m.say(string(sign))
		}
	}
}
