package media

import (
	"strings"

	"tipring/internal/dsp"
)

// A Codec turns the port's samples into payload octets and back: one octet a sample and a
// clock of 8000 Hz, G.722 too (RFC 3551 sections 4.5.2 and 4.5.14). It may keep state: one
// Codec serves one direction of one stream.
type Codec interface {
	Encode(dst []byte, pcm []int16) int
	Decode(dst []int16, payload []byte) int
}

// NewCodec makes a codec by its encoding name: PCMU, PCMA or G722.
func NewCodec(name string) (Codec, bool) {
	switch {
	case strings.EqualFold(name, "PCMU"):
		return ulaw{}, true
	case strings.EqualFold(name, "PCMA"):
		return alaw{}, true
	case strings.EqualFold(name, "G722"):
		return &g722{}, true
	}
	return nil, false
}

type ulaw struct{}

func (ulaw) Encode(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm))
	for i, s := range pcm[:n] {
		dst[i] = dsp.ULawEncode(s)
	}
	return n
}

func (ulaw) Decode(dst []int16, payload []byte) int {
	n := min(len(dst), len(payload))
	for i, code := range payload[:n] {
		dst[i] = dsp.ULawDecode(code)
	}
	return n
}

type alaw struct{}

func (alaw) Encode(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm))
	for i, s := range pcm[:n] {
		dst[i] = dsp.ALawEncode(s)
	}
	return n
}

func (alaw) Decode(dst []int16, payload []byte) int {
	n := min(len(dst), len(payload))
	for i, code := range payload[:n] {
		dst[i] = dsp.ALawDecode(code)
	}
	return n
}

type g722 struct {
	encoder dsp.G722Encoder
	decoder dsp.G722Decoder
}

func (c *g722) Encode(dst []byte, pcm []int16) int     { return c.encoder.Encode(dst, pcm) }
func (c *g722) Decode(dst []int16, payload []byte) int { return c.decoder.Decode(dst, payload) }
