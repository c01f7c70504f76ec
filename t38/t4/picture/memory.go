package picture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
)

// MaxMemory is what a picture may take while it is opened, in octets: a few hundred octets of a
// file can ask for a gigabyte.
const MaxMemory = 64 << 20

// affordable refuses a picture whose decoder would take more than MaxMemory. Before it takes much,
// what the last one left is given back.
func affordable(in io.ReadSeeker, need func(io.Reader) (int64, error)) error {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n, err := need(in)
	switch {
	case err != nil:
		return early(err)
	case n > MaxMemory:
		return fmt.Errorf("it takes %d MiB of memory to open, more than %d: make it smaller", n>>20, MaxMemory>>20)
	case n > MaxMemory/16:
		runtime.GC()
	}
	return nil
}

// pngNeed is what image/png makes of a file: an image of 1, 2, 4 or 8 octets a pel, and of an
// interlaced one each pass by itself, too.
func pngNeed(in io.Reader) (int64, error) {
	r := bufio.NewReader(in)
	var head [8 + 8 + 13 + 4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	ihdr := head[16:]
	pels := int64(min(binary.BigEndian.Uint32(ihdr), MaxSide)) * int64(min(binary.BigEndian.Uint32(ihdr[4:]), MaxSide))
	depth, colour, interlaced := ihdr[8], ihdr[9], ihdr[12] != 0
	clear, err := pngClear(r)
	if err != nil {
		return 0, err
	}
	octets := int64(4)
	if colour == 3 || colour == 0 && !clear {
		octets = 1
	}
	if depth == 16 {
		octets *= 2
	}
	if interlaced {
		octets *= 2
	}
	return pels * octets, nil
}

// pngClear reads the chunks between IHDR and IDAT: a tRNS among them gives a grey picture colours
// that are clear (ISO 15948 clause 11.3.2.1).
func pngClear(r *bufio.Reader) (clear bool, err error) {
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return false, err
		}
		switch string(head[4:]) {
		case "IDAT", "IEND":
			return clear, nil
		case "tRNS":
			clear = true
		}
		if _, err := io.CopyN(io.Discard, r, int64(binary.BigEndian.Uint32(head[:]))+4); err != nil {
			return false, err
		}
	}
}

// Markers of ITU-T T.81 table B.1.
const (
	sof0, sof2 = 0xc0, 0xc2
	rst0, soi  = 0xd0, 0xd8
	eoi        = 0xd9
	app0       = 0xe0
	app14      = 0xee
)

// A jpegFrame is what image/jpeg makes an image of.
type jpegFrame struct {
	head        []byte // of the frame: T.81 clause B.2.2
	progressive bool
	jfif, adobe bool
}

// jpegNeed is what image/jpeg makes of a file: an octet a sample, and of a progressive one its
// coefficients of four octets; an image of four octets a pel if the colours are RGB or CMYK.
func jpegNeed(in io.Reader) (int64, error) {
	f, err := readJPEG(bufio.NewReader(in))
	if err != nil {
		return 0, err
	}
	if len(f.head) < 6 || len(f.head) < 6+3*int(f.head[5]) {
		return 0, nil // it is refused without reading on
	}
	height, width := int64(binary.BigEndian.Uint16(f.head[1:])), int64(binary.BigEndian.Uint16(f.head[3:]))
	components := f.head[6:][:3*int(f.head[5])]
	var across, down, blocks int64
	for i := 1; i < len(components); i += 3 {
		h, v := int64(components[i]>>4), int64(components[i]&15)
		across, down, blocks = max(across, h), max(down, v), blocks+h*v
	}
	if across == 0 || down == 0 {
		return 0, nil
	}
	samples := (width + 8*across - 1) / (8 * across) * ((height + 8*down - 1) / (8 * down)) * blocks * 64
	need := samples
	if f.progressive {
		need += 4 * samples
	}
	if len(components) == 12 || len(components) == 9 && f.maybeRGB(components) {
		need += 4 * width * height
	}
	return need, nil
}

func (f jpegFrame) maybeRGB(components []byte) bool {
	return !f.jfif && (f.adobe || components[0] == 'R' && components[3] == 'G' && components[6] == 'B')
}

// readJPEG goes through all of a file: what says how the colours are meant may stand behind them.
func readJPEG(r *bufio.Reader) (f jpegFrame, err error) {
	for {
		marker, err := nextMarker(r)
		if err == io.EOF || marker == eoi {
			return f, nil
		}
		if err != nil {
			return f, err
		}
		if marker <= 1 || marker >= rst0 && marker <= soi {
			continue // no segment
		}
		var length [2]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return f, nil // cut: what there is of it is judged by its decoder
		}
		segment := io.LimitReader(r, int64(binary.BigEndian.Uint16(length[:]))-2)
		head, err := io.ReadAll(io.LimitReader(segment, 64))
		if err == nil {
			_, err = io.Copy(io.Discard, segment)
		}
		if err != nil {
			return f, err
		}
		f.take(marker, head)
	}
}

// take is a segment.
func (f *jpegFrame) take(marker byte, head []byte) {
	switch marker {
	case sof0, sof0 + 1, sof2:
		if f.head == nil { // a second one is refused
			f.head, f.progressive = head, marker == sof2
		}
	case app0:
		f.jfif = f.jfif || bytes.HasPrefix(head, []byte("JFIF\x00"))
	case app14:
		f.adobe = f.adobe || bytes.HasPrefix(head, []byte("Adobe"))
	}
}

// nextMarker skips what is between segments: fill, and the entropy-coded data of a scan, where
// an octet of 0xff is followed by 0 (T.81 clause B.1.1.5).
func nextMarker(r *bufio.Reader) (byte, error) {
	for {
		if _, err := r.ReadSlice(0xff); err == bufio.ErrBufferFull {
			continue
		} else if err != nil {
			return 0, err
		}
		b := byte(0xff)
		for b == 0xff {
			var err error
			if b, err = r.ReadByte(); err != nil {
				return 0, err
			}
		}
		if b != 0 {
			return b, nil
		}
	}
}
