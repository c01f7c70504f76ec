// Package callerid makes what an exchange sends to a telephone to show who calls, and that
// messages wait: FSK of Telcordia GR-30 and GR-31 (Bell 202), of ETSI EN 300 659 and BT SIN 227
// and 242 (V.23), and the DTMF of ETSI ES 200 778 with its national variants. A Standard turns a
// Caller into octets or keys; a Sender turns those into samples, and has no other clock than
// them. When they are sent, and what alerts the telephone before, is for lines/fxs to do as the
// Standard says.
package callerid

import "time"

// Caller is who calls, as a telephone is to show it.
type Caller struct {
	Number, Name string
	Private      bool      // the caller does not want to be shown
	Unavailable  bool      // the number is not known: out of the area
	At           time.Time // when, in local time; zero: not known
}

// Modem is how octets or keys become sound.
type Modem uint8

const (
	Bell202 Modem = iota // 1200 bit/s, mark 1200 Hz, space 2200 Hz
	V23                  // 1200 bit/s, mark 1300 Hz, space 2100 Hz
	DTMF                 // 70 ms of tone and of pause for each key (ETSI ES 200 778-1)
)

// Alert is what wakes a telephone up before the data.
type Alert uint8

const (
	NoAlert   Alert = iota
	DualTone        // DT-AS: 2130 and 2750 Hz
	RingPulse       // RP-AS: a short ring
)

// A Standard is one way to show callers.
type Standard struct {
	Name      string
	Modem     Modem
	AfterRing bool  // the data follow the first ring; else they go before it
	Reversal  bool  // tip and ring are reversed before the data, and until they are over
	Alert     Alert // before the data, after the reversal

	single   bool // the single data message format; else the multiple one
	callType bool // the message begins with the type of call (BT SIN 242)
	longName int  // longest name

	keys *keys // of DTMF
}

// keys are those around a number, and those instead of it.
type keys struct{ start, stop, private, unavailable string }

var (
	etsiKeys   = keys{"A", "C", "B10C", "B00C"} // ES 200 778-1: A begins a number, B a reason for its absence, C ends
	danishKeys = keys{"A", "#", "D1#", "D3#"}
	taiwanKeys = keys{"D", "C", "D10C", "D00C"}
)

var standards = [...]Standard{
	{Name: "bellcore", AfterRing: true, longName: 15},
	{Name: "bellcore-sdmf", AfterRing: true, single: true},
	{Name: "etsi", Modem: V23, AfterRing: true, longName: 50},
	{Name: "etsi-dtas", Modem: V23, Alert: DualTone, longName: 50},
	{Name: "etsi-reversal", Modem: V23, Reversal: true, Alert: DualTone, longName: 50},
	{Name: "etsi-pulse", Modem: V23, Alert: RingPulse, longName: 50},
	{Name: "bt", Modem: V23, Reversal: true, Alert: DualTone, callType: true, longName: 20},
	{Modem: DTMF, keys: &etsiKeys, Name: "dtmf", AfterRing: true},
	{Modem: DTMF, keys: &etsiKeys, Name: "dtmf-plain"}, // Brazil
	{Modem: DTMF, keys: &etsiKeys, Name: "dtmf-dtas", Alert: DualTone},
	{Modem: DTMF, keys: &etsiKeys, Name: "dtmf-pulse", Alert: RingPulse},
	{Modem: DTMF, keys: &etsiKeys, Name: "dtmf-reversal", Reversal: true}, // Sweden, Finland, India
	{Modem: DTMF, keys: &etsiKeys, Name: "dtmf-reversal-dtas", Reversal: true, Alert: DualTone},
	{Modem: DTMF, keys: &danishKeys, Name: "dtmf-denmark"},
	{Modem: DTMF, keys: &danishKeys, Name: "dtmf-denmark-reversal", Reversal: true},
	{Modem: DTMF, keys: &taiwanKeys, Name: "dtmf-taiwan"},
}

// Find returns the standard of that name; nil if there is none.
func Find(name string) *Standard {
	for i := range standards {
		if standards[i].Name == name {
			return &standards[i]
		}
	}
	return nil
}

// Names lists the standards.
func Names() (names []string) {
	for _, s := range standards {
		names = append(names, s.Name)
	}
	return names
}
