package callerid

import "tipring/internal/dsp"

// Levels of what is sent, in dBm0.
const (
	fskDBm0      = -13.5 // GR-30: -13.5 dBm, 1 dB about
	alertDBm0    = -15   // each of two (GR-30, EN 300 659-1)
	keyLowDBm0   = -11
	keyHighDBm0  = -9
	keyTime      = 70 * dsp.SampleRate / 1000
	seizureBits  = 300 // alternating, ended by a mark
	onHookMarks  = 180
	offHookMarks = 80
	tailMarks    = 10
)

// AlertTone is DT-AS (ETSI), CAS (GR-30): two tones that no voice has.
func AlertTone(ms int) *dsp.Signal {
	return dsp.NewSignal(1, dsp.Segment{
		Partials: []dsp.Partial{{Hz: 2130, DBm0: alertDBm0}, {Hz: 2750, DBm0: alertDBm0}},
		Samples:  ms * dsp.SampleRate / 1000,
	})
}

// A bit of 1200 bit/s lasts 20/3 samples.
const (
	sampleThirds = 3
	bitThirds    = 20
)

// Sender turns a message into samples. The zero value has nothing to send.
type Sender struct {
	message        []byte
	seizure, marks int
	at, bits       int // the bit being sent, and how many there are
	left           int // of it, in thirds of a sample
	phase          uint32
	step           [2]uint32 // of space and mark
	peak           int32
	keys           *dsp.DTMFGenerator // of DTMF; else nil
}

// Start begins to send what Call or Waiting returned. A telephone that is off-hook has been
// woken by the alert and gets a short preamble (GR-30, EN 300 659-2).
//
//go:noinline
func (s *Sender) Start(std *Standard, message []byte, offHook bool) {
	*s = Sender{message: message}
	if std.Modem == DTMF {
		s.keys = dsp.NewDTMFGenerator(keyLowDBm0, keyHighDBm0)
		for _, key := range message {
			s.keys.Press(key, keyTime, keyTime)
		}
		return
	}
	mark, space := 1200, 2200
	if std.Modem == V23 {
		mark, space = 1300, 2100
	}
	s.step = [2]uint32{turn(space), turn(mark)}
	s.peak = dsp.Peak(fskDBm0)
	s.seizure, s.marks, s.left = seizureBits, onHookMarks, bitThirds
	if offHook {
		s.seizure, s.marks = 0, offHookMarks
	}
	s.bits = s.seizure + s.marks + 10*len(message) + tailMarks
}

func turn(hz int) uint32 { return uint32(uint64(hz) << 32 / dsp.SampleRate) }

// Stop ends sending at once.
func (s *Sender) Stop() { *s = Sender{} }

// Busy tells whether there is anything left to send.
func (s *Sender) Busy() bool {
	if s.keys != nil {
		return s.keys.Busy()
	}
	return s.at < s.bits
}

// Length is how many samples a message takes that is just started.
func (s *Sender) Length() int {
	if s.keys != nil {
		return 2 * keyTime * len(s.message)
	}
	return (s.bits*bitThirds + sampleThirds - 1) / sampleThirds
}

// Read fills out with the next samples and returns how many there were: fewer than asked for
// when the message is over.
func (s *Sender) Read(out []int16) int {
	if s.keys != nil {
		return s.keys.Read(out)
	}
	n := 0
	for ; n < len(out) && s.at < s.bits; n++ {
		step := s.step[s.bit(s.at)]
		if s.left -= sampleThirds; s.left <= 0 {
			s.at++
			if s.left < 0 { // the sample belongs to two bits
				step += uint32(-s.left) * (s.step[s.bit(s.at)]/sampleThirds - step/sampleThirds)
			}
			s.left += bitThirds
		}
		out[n] = int16((dsp.Sine(s.phase)*s.peak + 1<<14) >> 15)
		s.phase += step
	}
	return n
}

// bit is 1 for a mark.
func (s *Sender) bit(at int) int {
	if at < s.seizure {
		return at & 1
	}
	at -= s.seizure + s.marks
	if at < 0 || at >= 10*len(s.message) {
		return 1
	}
	switch place := at % 10; place {
	case 0:
		return 0 // start
	case 9:
		return 1 // stop
	default:
		return int(s.message[at/10]) >> (place - 1) & 1
	}
}
