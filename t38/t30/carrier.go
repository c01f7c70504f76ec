package t30

// Kind says what a Transmission consists of.
type Kind uint8

// The kinds of transmission.
const (
	Nothing Kind = iota
	Silence      // a pause that the procedure asks for; it ends like any transmission
	CNG          // calling tone, 1100 Hz
	CED          // called station identification, 2100 Hz, without phase reversals
	V21          // V.21 channel 2 at 300 bit/s: preamble of 1 s ± 15 %, then frames (clause 5.3)
	TCF          // training, then octets of zeros for 1.5 s (clause 5.3.6.1.3)
	Image        // training, then coded rows without error correction (T.4 clause 4)
	ECM          // training, then frames, flags between them (T.4 annex A)
)

func (k Kind) String() string { return nameOf(k, kindNames[:]) }

var kindNames = [...]string{"nothing", "silence", "CNG", "CED", "V.21", "TCF", "image", "ECM"}

// Transmission is one thing to send on the line.
type Transmission struct {
	Kind       Kind
	Serial     uint32     // names it for Sent; never the same twice in a row
	Samples    int        // length of a Silence, CNG or CED
	Modulation Modulation // of a TCF, Image or ECM
	Short      bool       // with the short training of V.17 (resynchronisation)
}

// Listening is what the owner is to report. Its zero value: nothing, as while sending.
type Listening struct {
	Tones      bool       // CNG and CED
	V21        bool       // frames and carrier of V.21 channel 2
	Fast       Kind       // TCF, Image or ECM beside V.21; Nothing: only V.21
	Modulation Modulation // of Fast
	Short      bool       // V.17 begins with its short training (a long one is to be taken too)
}

// Tone is a tone that identifies a station in phase A.
type Tone uint8

// The tones of phase A.
const (
	ToneCNG Tone = iota + 1
	ToneCED      // also ANSam
)

// Channel tells two signals apart that are listened for at the same time.
type Channel uint8

// The channels of a facsimile call.
const (
	ChannelV21  Channel = iota + 1 // control at 300 bit/s
	ChannelFast                    // the modulation of Listening
)

// CarrierEvent is a change of a signal.
type CarrierEvent uint8

// The changes of a signal.
const (
	CarrierUp      CarrierEvent = iota + 1 // V.21: flags are heard; fast: a training began
	CarrierTrained                         // fast: the receiver is trained, data follow
	CarrierFailed                          // fast: a training was heard, and failed
	CarrierDown                            // the signal has ended
)

// Modulation is a modem recommendation with its rate.
type Modulation uint8

// The modulations of T.30 table 2.
const (
	V27ter2400 Modulation = iota + 1
	V27ter4800
	V29At7200
	V29At9600
	V17At7200
	V17At9600
	V17At12000
	V17At14400
)

var modulationNames = [...]string{"none", "v27ter-2400", "v27ter-4800", "v29-7200", "v29-9600",
	"v17-7200", "v17-9600", "v17-12000", "v17-14400"}

var bitRates = [...]int{0, 2400, 4800, 7200, 9600, 7200, 9600, 12000, 14400}

func (m Modulation) String() string { return nameOf(m, modulationNames[:]) }

// BitRate is the modulation's rate in bit/s; 0 for a value that is none.
func (m Modulation) BitRate() int {
	if int(m) >= len(bitRates) {
		return 0
	}
	return bitRates[m]
}

// IsV17 tells whether m is a rate of V.17, which has a short training.
func (m Modulation) IsV17() bool { return m >= V17At7200 && m <= V17At14400 }

// nameOf is the name of a numbered thing, or "?" for a number without.
func nameOf[T ~uint8](n T, names []string) string {
	if int(n) >= len(names) {
		return "?"
	}
	return names[n]
}
