// Package wav reads and writes recordings of telephone sound: RIFF WAVE, 8000 Hz, 16 bit,
// one channel. A file may come from anywhere: what it says of its own lengths is believed
// only as far as there are octets.
package wav

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// SampleRate is the only rate that is read and written.
const SampleRate = 8000

// MaxSamples is the longest recording that is read or written: four hours.
const MaxSamples = 4 * 3600 * SampleRate

// ErrFormat is what Read returns for what is no recording of this kind.
var ErrFormat = errors.New("not a WAV file of 8000 Hz, 16 bit, mono")

const (
	headerOctets = 44
	formatOctets = 16
	// A WAVE_FORMAT_EXTENSIBLE says its format in the first two octets of a GUID.
	extensibleOctets = 40
	extensibleAt     = 24
	maxFormat        = 1024

	formatPCM        = 1
	formatExtensible = 0xfffe
)

// ReadFile reads a recording.
func ReadFile(name string) ([]int16, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pcm, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return pcm, nil
}

// Read reads a recording. One that ends early, because whoever made it was stopped or
// wrote no length, has the samples that are there.
func Read(r io.Reader) ([]int16, error) {
	in := bufio.NewReader(r)
	var riff [12]byte
	if _, err := io.ReadFull(in, riff[:]); err != nil || string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return nil, ErrFormat
	}
	formatted := false
	for {
		var head [8]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, ErrFormat // no data
		}
		size := binary.LittleEndian.Uint32(head[4:])
		switch string(head[:4]) {
		case "fmt ":
			if err := readFormat(in, size); err != nil {
				return nil, err
			}
			formatted = true
		case "data":
			if !formatted {
				return nil, ErrFormat
			}
			return readSamples(in, size)
		default:
			if _, err := io.CopyN(io.Discard, in, int64(size)+int64(size&1)); err != nil {
				return nil, ErrFormat
			}
		}
	}
}

func readFormat(in io.Reader, size uint32) error {
	if size < formatOctets || size > maxFormat {
		return ErrFormat
	}
	f := make([]byte, size+size&1)
	if _, err := io.ReadFull(in, f); err != nil {
		return ErrFormat
	}
	format := binary.LittleEndian.Uint16(f)
	if format == formatExtensible && size >= extensibleOctets {
		format = binary.LittleEndian.Uint16(f[extensibleAt:])
	}
	channels, rate, bits := binary.LittleEndian.Uint16(f[2:]), binary.LittleEndian.Uint32(f[4:]), binary.LittleEndian.Uint16(f[14:])
	if format != formatPCM || channels != 1 || rate != SampleRate || bits != 16 {
		return fmt.Errorf("%w: format %d, %d channels, %d Hz, %d bit", ErrFormat, format, channels, rate, bits)
	}
	return nil
}

func readSamples(in io.Reader, size uint32) ([]int16, error) {
	var pcm []int16
	var block [4096]byte
	left := int64(size)
	if size == 0 { // of a stream, as some write it
		left = 2 * (MaxSamples + 1)
	}
	for left > 1 {
		n, err := io.ReadFull(in, block[:min(left&^1, int64(len(block)))])
		for i := 0; i+1 < n; i += 2 {
			pcm = append(pcm, int16(binary.LittleEndian.Uint16(block[i:])))
		}
		if len(pcm) > MaxSamples {
			return nil, fmt.Errorf("longer than %d samples", MaxSamples)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return nil, err
		}
		left -= int64(n)
	}
	return pcm, nil
}

// WriteFile writes a recording to a file.
func WriteFile(name string, pcm []int16) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := Write(f, pcm); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Close()
}

// Write writes a recording.
func Write(w io.Writer, pcm []int16) error {
	if len(pcm) > MaxSamples {
		return fmt.Errorf("longer than %d samples", MaxSamples)
	}
	size := uint32(2 * len(pcm))
	le := binary.LittleEndian
	b := make([]byte, 0, headerOctets+int(size))
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, headerOctets-8+size)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, formatOctets)
	b = le.AppendUint16(b, formatPCM)
	b = le.AppendUint16(b, 1) // channel
	b = le.AppendUint32(b, SampleRate)
	b = le.AppendUint32(b, 2*SampleRate) // octets a second
	b = le.AppendUint16(b, 2)            // octets a sample
	b = le.AppendUint16(b, 16)           // bits
	b = append(b, "data"...)
	b = le.AppendUint32(b, size)
	for _, s := range pcm {
		b = le.AppendUint16(b, uint16(s))
	}
	_, err := w.Write(b)
	return err
}
