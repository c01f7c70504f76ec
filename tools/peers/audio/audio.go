// Package audio makes and measures the sounds that tests send through calls:
// tones and DTMF digits, G.711 to and fro, and the level of a tone in what
// arrived. Written apart from the product's signal code, to check it.
package audio

import (
	"fmt"
	"math"
)

// Rate is the sampling rate.
const Rate = 8000

// FullScale0 is the peak of a sine at 0 dBm0: 3.14 dB below full scale.
var FullScale0 = 32767 * math.Pow(10, -3.14/20)

// A Tone is a phase-continuous generator of one or two frequencies.
type Tone struct {
	Freqs []float64
	DBm0  float64 // level of each frequency
	n     int
}

// Next fills pcm with the tone's next samples.
func (g *Tone) Next(pcm []int16) {
	peak := FullScale0 * math.Pow(10, g.DBm0/20)
	for i := range pcm {
		var v float64
		for _, f := range g.Freqs {
			v += peak * math.Sin(2*math.Pi*f*float64(g.n)/Rate)
		}
		pcm[i] = int16(math.Round(max(-32768, min(32767, v))))
		g.n++
	}
}

// Sine makes n samples of one frequency.
func Sine(freq, dbm0 float64, n int) []int16 {
	pcm := make([]int16, n)
	(&Tone{Freqs: []float64{freq}, DBm0: dbm0}).Next(pcm)
	return pcm
}

// Level measures a frequency in pcm, in dBm0 (Goertzel; -99 for none).
func Level(pcm []int16, freq float64) float64 {
	if len(pcm) == 0 {
		return -99
	}
	w := 2 * math.Pi * freq / Rate
	var s1, s2 float64
	for _, v := range pcm {
		s1, s2 = float64(v)+2*math.Cos(w)*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - 2*math.Cos(w)*s1*s2
	peak := 2 * math.Sqrt(max(power, 0)) / float64(len(pcm))
	return max(-99, 20*math.Log10(max(peak, 1e-9)/FullScale0))
}

// Power measures everything in pcm, in dBm0.
func Power(pcm []int16) float64 {
	if len(pcm) == 0 {
		return -99
	}
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	rms := math.Sqrt(sum / float64(len(pcm)))
	return max(-99, 20*math.Log10(max(rms*math.Sqrt2, 1e-9)/FullScale0))
}

// Heard reports whether pcm is one frequency and little else: the tone within
// 6 dB of want and all the rest at least 15 dB below it.
func Heard(pcm []int16, freq, want float64) error {
	tone, all := Level(pcm, freq), Power(pcm)
	if math.Abs(tone-want) > 6 {
		return fmt.Errorf("%.0f Hz at %.1f dBm0, want %.1f (all sound %.1f dBm0)", freq, tone, want, all)
	}
	rest := math.Pow(10, all/10) - math.Pow(10, tone/10)
	if rest > 0 && 10*math.Log10(rest) > tone-15 {
		return fmt.Errorf("%.0f Hz at %.1f dBm0 lies in other sound of %.1f dBm0", freq, tone, 10*math.Log10(rest))
	}
	return nil
}

var rows, columns = []float64{697, 770, 852, 941}, []float64{1209, 1336, 1477, 1633}

const keys = "123A456B789C*0#D"

// DTMF returns the two frequencies of a key (ITU-T Q.23).
func DTMF(key byte) []float64 {
	for i := range keys {
		if keys[i] == key {
			return []float64{rows[i/4], columns[i%4]}
		}
	}
	panic("audio: no DTMF key " + string(key))
}

// ULaw encodes samples as G.711 mu-law.
func ULaw(pcm []int16) []byte {
	b := make([]byte, len(pcm))
	for i, s := range pcm {
		b[i] = ulaw(int(s))
	}
	return b
}

func ulaw(s int) byte {
	sign := 0
	if s < 0 {
		s, sign = -s, 0x80
	}
	s = min(s, 32635) + 0x84
	exponent := 7
	for mask := 0x4000; s&mask == 0 && exponent > 0; mask >>= 1 {
		exponent--
	}
	return ^byte(sign | exponent<<4 | s>>(exponent+3)&15)
}

// FromULaw decodes G.711 mu-law.
func FromULaw(b []byte) []int16 {
	pcm := make([]int16, len(b))
	for i, u := range b {
		u = ^u
		v := (int(u&15)<<3 + 0x84) << (u >> 4 & 7)
		v -= 0x84
		if u&0x80 != 0 {
			v = -v
		}
		pcm[i] = int16(v)
	}
	return pcm
}

// FromALaw decodes G.711 A-law.
func FromALaw(b []byte) []int16 {
	pcm := make([]int16, len(b))
	for i, a := range b {
		a ^= 0x55
		v := int(a&15)<<4 + 8
		if e := int(a >> 4 & 7); e > 0 {
			v = (v + 0x100) << (e - 1)
		}
		if a&0x80 == 0 {
			v = -v
		}
		pcm[i] = int16(v)
	}
	return pcm
}

// WAV wraps samples in a mono 16-bit WAV file.
func WAV(pcm []int16, rate int) []byte {
	le32 := func(n int) []byte { return []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)} }
	n := 2 * len(pcm)
	b := append([]byte("RIFF"), le32(36+n)...)
	b = append(b, "WAVEfmt "...)
	b = append(b, le32(16)...)
	b = append(b, 1, 0, 1, 0)
	b = append(b, le32(rate)...)
	b = append(b, le32(2*rate)...)
	b = append(b, 2, 0, 16, 0)
	b = append(b, "data"...)
	b = append(b, le32(n)...)
	for _, v := range pcm {
		b = append(b, byte(v), byte(uint16(v)>>8))
	}
	return b
}

// FromWAV finds the samples in a 16-bit WAV file and its rate.
func FromWAV(b []byte) (pcm []int16, rate int, err error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, 0, fmt.Errorf("audio: not a WAV file")
	}
	for at := 12; at+8 <= len(b); {
		size := int(b[at+4]) | int(b[at+5])<<8 | int(b[at+6])<<16 | int(b[at+7])<<24
		body := b[at+8 : min(len(b), at+8+size)]
		switch string(b[at : at+4]) {
		case "fmt ":
			rate = int(body[4]) | int(body[5])<<8 | int(body[6])<<16
		case "data":
			for i := 0; i+1 < len(body); i += 2 {
				pcm = append(pcm, int16(uint16(body[i])|uint16(body[i+1])<<8))
			}
		}
		at += 8 + size + size&1
	}
	return pcm, rate, nil
}

// Loudest returns the stretch of n samples in which a frequency is loudest.
func Loudest(pcm []int16, freq float64, n int) []int16 {
	var best []int16
	level := -100.0
	for at := 0; at+n <= len(pcm); at += n / 4 {
		if l := Level(pcm[at:at+n], freq); l > level {
			best, level = pcm[at:at+n], l
		}
	}
	return best
}

// Linear turns a level in dB into a ratio of powers.
func Linear(db float64) float64 { return math.Pow(10, db/10) }
