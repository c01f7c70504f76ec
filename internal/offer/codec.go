package offer

import "strings"

// A Codec is a speech codec that this program has. All have an RTP clock of 8000 Hz, G.722
// too, although it samples at 16 kHz (RFC 3551 section 4.5.2).
type Codec uint8

// The codecs.
const (
	PCMU Codec = iota + 1
	PCMA
	G722
)

// codecs gives name and static payload type (RFC 3551 table 4).
var codecs = [...]struct {
	name        string
	payloadType uint8
}{PCMU: {"PCMU", 0}, PCMA: {"PCMA", 8}, G722: {"G722", 9}}

// String is the codec's encoding name.
func (c Codec) String() string {
	if c == 0 || int(c) >= len(codecs) {
		return "none"
	}
	return codecs[c].name
}

// ParseCodec finds a codec by its name, in either case.
func ParseCodec(name string) (Codec, bool) {
	for c := PCMU; int(c) < len(codecs); c++ {
		if strings.EqualFold(name, codecs[c].name) {
			return c, true
		}
	}
	return 0, false
}

// A Format is a payload type and the codec it stands for.
type Format struct {
	PayloadType uint8
	Codec       Codec
}

// codecOf tells which codec a payload type of an audio line stands for: by its rtpmap, and
// without one by its static assignment.
func (m *Media) codecOf(pt uint8) (Codec, bool) {
	r, mapped := m.rtpmap(pt)
	if !mapped {
		for c := PCMU; int(c) < len(codecs); c++ {
			if codecs[c].payloadType == pt {
				return c, true
			}
		}
		return 0, false
	}
	c, ok := ParseCodec(r.name)
	// Some write G.722's sampling rate in place of its RTP clock.
	rateFits := r.rate == 0 || r.rate == 8000 || c == G722 && r.rate == 16000
	return c, ok && rateFits && r.channels == 1
}

// isEvent reports whether a payload type carries telephone events on the audio's clock
// (RFC 4733 section 2.3.1).
func (m *Media) isEvent(pt uint8) bool {
	r, ok := m.rtpmap(pt)
	return ok && strings.EqualFold(r.name, eventName) && (r.rate == 8000 || r.rate == 0)
}

// isComfort reports the static payload type of comfort noise (RFC 3389 section 4).
func (m *Media) isComfort(pt uint8) bool {
	r, mapped := m.rtpmap(pt)
	return pt == comfortNoise && (!mapped || strings.EqualFold(r.name, comfortName))
}

const (
	comfortName  = "CN"
	comfortNoise = 13

	eventName   = "telephone-event"
	eventRange  = "0-16" // the digits and flash (RFC 4733 section 3.2)
	firstEvent  = 101    // the payload type that everybody offers
	lastDynamic = 127
)
