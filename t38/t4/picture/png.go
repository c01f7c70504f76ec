package picture

import (
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"

	"tipring/t38/t4"
)

// A Sheet is the shape of a page that becomes a PNG picture.
type Sheet struct {
	Columns, Rows int
	XDPI, YDPI    int // pels and lines per inch
	// Pale are the rows at the end that are drawn in pale grey, as those of a page that are still
	// to be sent; 0: the picture is one of black and white.
	Pale int
	// Scale makes a smaller picture in greys: of 2, 4 or 8 pels each way it makes one. 0, 1: of
	// the page's own size.
	Scale int
}

// scaled tells whether pels become greys.
func (s Sheet) scaled() bool { return s.Scale == 2 || s.Scale == 4 || s.Scale == 8 }

// WritePNG writes a page as a picture. Rows are repeated or left out so that its pels are
// about square. It is streamed: package image/png wants a page whole, of an octet a pel.
func WritePNG(out io.Writer, rows t4.RowReader, s Sheet) error {
	p := &pngWriter{out: out, sheet: s}
	p.height = max(1, int(int64(s.Rows)*int64(s.XDPI)/int64(max(s.YDPI, 1))))
	_, p.err = io.WriteString(out, "\x89PNG\r\n\x1a\n")
	columns, height := s.Columns, p.height
	if s.scaled() {
		columns, height = (columns+s.Scale-1)/s.Scale, (height+s.Scale-1)/s.Scale
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(columns))
	head = binary.BigEndian.AppendUint32(head, uint32(height))
	switch {
	case s.scaled():
		p.chunk("IHDR", append(head, 8, 0, 0, 0, 0)) // eight bits of grey a pel
	case s.Pale > 0:
		p.chunk("IHDR", append(head, 2, 3, 0, 0, 0)) // two bits a pel, of a palette
		p.chunk("PLTE", palette)
	default:
		p.chunk("IHDR", append(head, 1, 0, 0, 0, 0)) // one bit of grey a pel
	}
	z := packers.Get().(*zlib.Writer)
	defer packers.Put(z)
	z.Reset(p)
	if err := p.rows(z, rows); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	p.chunk("IEND", nil)
	return p.err
}

// packers are kept for the next picture: one is more than a megabyte.
var packers = sync.Pool{New: func() any {
	z, err := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	if err != nil {
		panic(err) // the level is one
	}
	return z
}}

// palette has black and white, and both as they are where a page has not gone.
var palette = []byte{0, 0, 0, 0xff, 0xff, 0xff, 0xb4, 0xb9, 0xc0, 0xee, 0xf0, 0xf3}

// A pngWriter writes chunks (PNG specification, section 5.3); what is written to it goes into
// IDAT chunks.
type pngWriter struct {
	out    io.Writer
	sheet  Sheet
	height int
	err    error
}

func (p *pngWriter) chunk(name string, data []byte) {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, name...), data...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	if p.err == nil {
		_, p.err = p.out.Write(b)
	}
}

// Write implements io.Writer.
func (p *pngWriter) Write(octets []byte) (int, error) {
	p.chunk("IDAT", octets)
	return len(octets), p.err
}

// rows writes the rows, each behind the number of its filter (none), with 0 for black.
// Where several rows become one, a pel is black in it that is in any of them.
func (p *pngWriter) rows(out io.Writer, rows t4.RowReader) error {
	s, n := p.sheet, t4.RowOctets(p.sheet.Columns)
	row, line := make([]byte, n), make([]byte, 1+n)
	write := func(bool, bool) error {
		_, err := out.Write(line)
		return err
	}
	switch {
	case s.scaled():
		g := newGreys(s)
		write = func(pale, last bool) error { return g.add(out, line[1:], pale, last) }
	case s.Pale > 0:
		wide := make([]byte, 1+(2*s.Columns+7)/8)
		write = func(pale, _ bool) error {
			_, err := out.Write(widen(wide, line, pale))
			return err
		}
	}
	read := 0
	for y := range p.height {
		end := max(int(int64(y+1)*int64(s.Rows)/int64(p.height)), int(int64(y)*int64(s.Rows)/int64(p.height))+1)
		for fresh := true; read < end; read, fresh = read+1, false {
			if err := rows.ReadRow(row); err != nil {
				return err
			}
			for k, octet := range row {
				if fresh {
					line[1+k] = 0xff
				}
				line[1+k] &^= octet
			}
		}
		if err := write(s.Pale > 0 && read > s.Rows-s.Pale, y == p.height-1); err != nil {
			return err
		}
	}
	return nil
}

// widen makes two bits of each pel: its own below, and above it whether it is pale.
func widen(wide, line []byte, pale bool) []byte {
	above := uint16(0)
	if pale {
		above = 0xaaaa
	}
	for k := range line[1:] {
		pels := above
		for bit := range 8 {
			pels |= uint16(line[1+k]>>bit&1) << (2 * bit)
		}
		for half, at := range [...]int{1 + 2*k, 2 + 2*k} {
			if at < len(wide) {
				wide[at] = byte(pels >> (8 - 8*half))
			}
		}
	}
	return wide
}
