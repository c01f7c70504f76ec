package socket

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Type is what a frame is about.
type Type byte

const (
	Audio    Type = 0x01 // both ways: signed 16-bit little-endian samples, 8000 a second
	Hook     Type = 0x02 // to the agent: 0 on-hook, 1 off-hook, 2 a flash that the chip recognised
	Ring     Type = 0x03 // to the card: ringing voltage 0 off, 1 on
	Polarity Type = 0x04 // to the card: 0 normal, 1 reversed
	Lamp     Type = 0x05 // to the card: message waiting 0 no, 1 yes
	Hello    Type = 0x06 // both ways, first frame: JSON
	Power    Type = 0x07 // to the card: loop current 0 off, 1 on
	Pulse    Type = 0x08 // to the agent: a digit, 0 to 9, that the chip counted in dial pulses
)

var typeNames = map[Type]string{
	Audio: "AUDIO", Hook: "HOOK", Ring: "RING", Polarity: "POLARITY", Lamp: "LAMP", Hello: "HELLO", Power: "POWER", Pulse: "PULSE",
}

// String returns the name the protocol gives the type.
func (t Type) String() string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("type %#02x", byte(t))
}

// Sizes of frames.
const (
	MinSamples = 80 // of an AUDIO frame
	MaxSamples = 1600

	headerSize = 3
	maxHello   = 1024
	maxPayload = 2 * MaxSamples
)

// LengthError is a frame of a known type whose length that type cannot have.
type LengthError struct {
	Type   Type
	Length int
}

func (e *LengthError) Error() string {
	switch e.Type {
	case Audio:
		return fmt.Sprintf("AUDIO frame of %d octets: want an even number from %d to %d", e.Length, 2*MinSamples, maxPayload)
	case Hello:
		return fmt.Sprintf("HELLO frame of %d octets: want 1 to %d", e.Length, maxHello)
	}
	return fmt.Sprintf("%v frame of %d octets: want 1", e.Type, e.Length)
}

// checkLength tells whether a type is known, and whether its frames can be so long.
func checkLength(t Type, n int) (known bool, err error) {
	ok := n == 1
	switch t {
	case Audio:
		ok = n >= 2*MinSamples && n <= maxPayload && n%2 == 0
	case Hello:
		ok = n >= 1 && n <= maxHello
	case Hook, Ring, Polarity, Lamp, Power, Pulse:
	default:
		return false, nil
	}
	if !ok {
		return true, &LengthError{t, n}
	}
	return true, nil
}

// Reader takes frames from a stream. It keeps no more than the longest frame there is. An
// error of the stream that passes, such as a deadline, loses nothing: Next goes on from there.
type Reader struct {
	src        io.Reader
	buf        []byte
	start, end int // of what has been read and not been taken
	skip       int // octets left of a frame that is dropped
}

// NewReader returns a Reader of src.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, buf: make([]byte, 1024)}
}

// Next returns the next frame of a known type; others it skips. The payload is valid
// until the next call.
func (r *Reader) Next() (Type, []byte, error) {
	for {
		if err := r.discard(); err != nil {
			return 0, nil, err
		}
		if err := r.fill(headerSize); err != nil {
			return 0, nil, err
		}
		t := Type(r.buf[r.start])
		n := int(binary.BigEndian.Uint16(r.buf[r.start+1:]))
		known, err := checkLength(t, n)
		if err != nil {
			return t, nil, err
		}
		if !known {
			r.skip = headerSize + n
			continue
		}
		if err := r.fill(headerSize + n); err != nil {
			return 0, nil, inside(err)
		}
		payload := r.buf[r.start+headerSize : r.start+headerSize+n]
		r.start += headerSize + n
		return t, payload, nil
	}
}

// fill reads until there are n octets.
func (r *Reader) fill(n int) error {
	if r.end-r.start >= n {
		return nil
	}
	if r.start+n > len(r.buf) {
		to := r.buf
		if n > len(to) {
			to = make([]byte, headerSize+maxPayload)
		}
		r.end = copy(to, r.buf[r.start:r.end])
		r.buf, r.start = to, 0
	}
	for r.end-r.start < n {
		got, err := r.src.Read(r.buf[r.end:])
		r.end += got
		if err != nil && r.end-r.start < n {
			if r.end > r.start {
				err = inside(err)
			}
			return err
		}
	}
	return nil
}

// discard drops what is to be skipped, of which not all may fit.
func (r *Reader) discard() error {
	for r.skip > 0 {
		if err := r.fill(1); err != nil {
			return inside(err)
		}
		drop := min(r.skip, r.end-r.start)
		r.start += drop
		r.skip -= drop
	}
	return nil
}

// inside is an error in the middle of a frame: an end there is not a clean one.
func inside(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Append adds a frame to b.
func Append(b []byte, t Type, payload ...byte) []byte {
	b = append(b, byte(t), byte(len(payload)>>8), byte(len(payload)))
	return append(b, payload...)
}

// AppendAudio adds an AUDIO frame to b.
func AppendAudio(b []byte, pcm []int16) []byte {
	n := 2 * len(pcm)
	b = append(b, byte(Audio), byte(n>>8), byte(n))
	for _, s := range pcm {
		b = append(b, byte(s), byte(uint16(s)>>8))
	}
	return b
}

// Samples decodes the payload of an AUDIO frame into pcm, which grows if it must.
func Samples(pcm []int16, payload []byte) []int16 {
	n := len(payload) / 2
	if cap(pcm) < n {
		pcm = make([]int16, n)
	}
	pcm = pcm[:n]
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(payload[2*i:]))
	}
	return pcm
}
