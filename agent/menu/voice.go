package menu

import (
	_ "embed"
	"encoding/binary"

	"tipring/internal/dsp"
	"tipring/internal/dsp/g726"
)

// recorded holds what is said, as tools/prompts has written it: for each prompt the length of
// its name, the name, how many groups of eight samples there are, and those, in three octets
// each: eight codes of G.726 at 24 kbit/s, the first in the highest bits.
//
//go:embed prompts.bin
var recorded string

// prompt finds what is said under a name; empty: nothing.
func prompt(name string) string {
	for rest := recorded; len(rest) > 0; {
		n := 1 + int(rest[0])
		size := 3 * int(binary.BigEndian.Uint16([]byte(rest[n:n+2])))
		if rest[1:n] == name {
			return rest[n+2 : n+2+size]
		}
		rest = rest[n+2+size:]
	}
	return ""
}

const (
	lead = dsp.SampleRate / 2       // silence before the first word: the ear gets there
	gap  = dsp.SampleRate * 8 / 100 // between words
)

// A voice says one prompt after the other.
type voice struct {
	waiting []string // codes of what is said next
	codes   string   // of what is being said
	decoder *g726.Decoder
	group   [8]int16
	samples []int16 // of group, that are still to be said
	pause   int     // samples of silence first
}

func newVoice() voice { return voice{pause: lead} }

func (v *voice) add(name string) { v.waiting = append(v.waiting, prompt(name)) }

// stop ends what is being said.
func (v *voice) stop() { v.waiting, v.codes, v.samples, v.pause = nil, "", nil, gap }

// speaks reports that there is more to say.
func (v *voice) speaks() bool { return len(v.waiting) > 0 || len(v.codes) > 0 || len(v.samples) > 0 }

// read says the next samples and returns how many there were before the words ended.
func (v *voice) read(out []int16) (n int) {
	for n < len(out) && v.speaks() {
		switch {
		case v.pause > 0:
			k := min(v.pause, len(out)-n)
			clear(out[n : n+k])
			n, v.pause = n+k, v.pause-k
		case len(v.samples) > 0:
			k := copy(out[n:], v.samples)
			n, v.samples = n+k, v.samples[k:]
		case len(v.codes) > 0:
			v.decode()
		default:
			v.codes, v.waiting = v.waiting[0], v.waiting[1:]
			v.decoder, v.pause = g726.NewDecoder(), max(v.pause, gap)
		}
	}
	return n
}

// decode makes the samples of the next group.
func (v *voice) decode() {
	codes := uint32(v.codes[0])<<16 | uint32(v.codes[1])<<8 | uint32(v.codes[2])
	v.codes, v.samples = v.codes[3:], v.group[:]
	for i := range v.group {
		v.group[i] = v.decoder.Decode(byte(codes >> (21 - 3*i)))
	}
}
