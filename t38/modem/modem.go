// Package modem turns bits into the sound of the fax modems and sound into bits:
// ITU-T V.21 channel 2 (300 bit/s), V.27ter (2400, 4800), V.29 (7200, 9600) and V.17
// (7200 to 14400), and the HDLC framing that T.30 puts on them. A Transmitter sends
// one burst after another, a Receiver listens for the bursts of one modem.
//
// Samples are signed 16-bit, mono, 8000 a second. No type here has a clock, a goroutine
// or a lock, and none allocates once made: time is the number of samples, and all that
// runs for a sample or a symbol is integer arithmetic, so that a small processor without
// floating point can do it and every processor gives the same bits.
//
// The package knows nothing of T.30, calls or packets.
package modem

import (
	"fmt"
	"strings"
)

// SampleRate is the rate of every sample stream here.
const SampleRate = 8000

// A Mode is a modem and its data rate.
type Mode uint8

// The modes that T.30 uses. V21 is channel 2, for the control frames.
const (
	V21 Mode = iota + 1
	V27ter2400
	V27ter4800
	V29At7200
	V29At9600
	V17At7200
	V17At9600
	V17At12000
	V17At14400
)

var modes = [...]struct {
	name string
	rate int
}{
	V21:        {"v21", 300},
	V27ter2400: {"v27ter-2400", 2400},
	V27ter4800: {"v27ter-4800", 4800},
	V29At7200:  {"v29-7200", 7200},
	V29At9600:  {"v29-9600", 9600},
	V17At7200:  {"v17-7200", 7200},
	V17At9600:  {"v17-9600", 9600},
	V17At12000: {"v17-12000", 12000},
	V17At14400: {"v17-14400", 14400},
}

// Modes returns every mode, the slowest first.
func Modes() []Mode {
	return []Mode{V21, V27ter2400, V27ter4800, V29At7200, V29At9600, V17At7200, V17At9600, V17At12000, V17At14400}
}

func (m Mode) valid() bool { return m >= V21 && m <= V17At14400 }

// BitRate returns the data rate in bit/s, 0 for a value that is no mode.
func (m Mode) BitRate() int {
	if !m.valid() {
		return 0
	}
	return modes[m].rate
}

// String returns the name that ParseMode takes.
func (m Mode) String() string {
	if !m.valid() {
		return fmt.Sprintf("mode %d", uint8(m))
	}
	return modes[m].name
}

// ParseMode reads a mode's name: v21, v27ter-2400, v27ter-4800, v29-7200, v29-9600,
// v17-7200, v17-9600, v17-12000 or v17-14400. v27-2400 and v27-4800 are taken too.
func ParseMode(s string) (Mode, error) {
	name := s
	if rate, ok := strings.CutPrefix(s, "v27-"); ok {
		name = "v27ter-" + rate
	}
	for _, m := range Modes() {
		if modes[m].name == name {
			return m, nil
		}
	}
	return 0, fmt.Errorf("modem %q: want v21, v27ter-2400, v27ter-4800, v29-7200, v29-9600, v17-7200, v17-9600, v17-12000 or v17-14400", s)
}

// End is what NextBit returns when the burst is over.
const End = -1

// A BitSource gives a Transmitter the bits of a burst, in the order of the line.
type BitSource interface {
	// NextBit returns 0, 1, or End: the modem's turn-off sequence follows, and NextBit
	// is not called again in this burst.
	NextBit() int
}

// A Status is what a Receiver tells of the signal besides its bits.
type Status uint8

// CarrierUp is told when a burst of the modem has begun, TrainingSucceeded when data
// follows, TrainingFailed when the burst cannot be read (the receiver goes on listening,
// for the next burst too), CarrierDown when the burst has ended. No bit is put before
// TrainingSucceeded or after CarrierDown; every CarrierUp is followed by a CarrierDown.
const (
	CarrierUp Status = iota + 1
	TrainingSucceeded
	TrainingFailed
	CarrierDown
)

// String returns the status in words.
func (s Status) String() string {
	switch s {
	case CarrierUp:
		return "carrier up"
	case TrainingSucceeded:
		return "training succeeded"
	case TrainingFailed:
		return "training failed"
	case CarrierDown:
		return "carrier down"
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// A BitSink takes what a Receiver hears. Its methods are called from Receiver.Feed.
type BitSink interface {
	PutBit(bit int) // 0 or 1
	Status(s Status)
}
