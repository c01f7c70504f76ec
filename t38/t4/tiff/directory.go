package tiff

import (
	"fmt"
	"math"

	"tipring/t38/t4"
)

// A tag is the number of a field: TIFF 6.0, and RFC 2301 for the fax ones.
type tag uint16

const (
	newSubfileType      tag = 254
	imageWidth          tag = 256
	imageLength         tag = 257
	bitsPerSample       tag = 258
	compression         tag = 259
	photometric         tag = 262
	fillOrder           tag = 266
	imageDescription    tag = 270
	stripOffsets        tag = 273
	samplesPerPixel     tag = 277
	rowsPerStrip        tag = 278
	stripByteCounts     tag = 279
	xResolution         tag = 282
	yResolution         tag = 283
	t4Options           tag = 292
	t6Options           tag = 293
	resolutionUnit      tag = 296
	pageNumber          tag = 297
	software            tag = 305
	dateTime            tag = 306
	badFaxLines         tag = 326
	cleanFaxData        tag = 327
	consecutiveBadLines tag = 328
)

// Values of the compression field.
const (
	uncompressed = 1
	bareMH       = 2
	group3       = 3
	group4       = 4
	packBits     = 32773
)

// Field types, and the size of their values.
const (
	typeASCII    = 2
	typeShort    = 3
	typeLong     = 4
	typeRational = 5
)

var typeSizes = map[uint16]uint32{1: 1, typeASCII: 1, typeShort: 2, typeLong: 4, typeRational: 8}

// A field is an entry of a directory.
type field struct {
	kind   uint16
	count  uint32
	values int64 // where they are in the file
}

// A page is a directory, as far as it matters here.
type page struct {
	Info
	compression int
	inverted    bool // a 1 is white
	perStrip    int  // rows
	strips      int
	offsets     field
	counts      field // of kind 0 if the file has none
}

// directory reads the directory at an offset, and where the next one is.
func (f *File) directory(at uint32) (p page, next uint32, err error) {
	var head [2]byte
	if err := f.readAt(head[:], int64(at)); err != nil {
		return p, 0, fmt.Errorf("directory: %w", err)
	}
	n := int(f.order.Uint16(head[:]))
	if n == 0 || n > maxEntries {
		return p, 0, fmt.Errorf("a directory of %d fields: want 1 to %d", n, maxEntries)
	}
	raw := make([]byte, 12*n+4)
	if err := f.readAt(raw, int64(at)+2); err != nil {
		return p, 0, fmt.Errorf("directory: %w", err)
	}
	fields := make(map[tag]field, n)
	for i := range n {
		e := raw[12*i:]
		fl := field{kind: f.order.Uint16(e[2:]), count: f.order.Uint32(e[4:]), values: int64(at) + 2 + int64(12*i) + 8}
		size, known := typeSizes[fl.kind]
		if !known {
			continue // TIFF 6.0 section 2: readers skip types they do not expect
		}
		if uint64(size)*uint64(fl.count) > 4 {
			fl.values = int64(f.order.Uint32(e[8:]))
		}
		fields[tag(f.order.Uint16(e))] = fl
	}
	p, err = f.page(fields)
	return p, f.order.Uint32(raw[12*n:]), err
}

// number reads value i of a field of whole numbers.
func (f *File) number(fl field, i int) (uint32, error) {
	if uint32(i) >= fl.count {
		return 0, fmt.Errorf("value %d of %d", i+1, fl.count)
	}
	var b [4]byte
	size := int64(typeSizes[fl.kind])
	if size == 0 || fl.kind == typeASCII || fl.kind == typeRational {
		return 0, fmt.Errorf("a number of type %d", fl.kind)
	}
	if err := f.readAt(b[:size], fl.values+int64(i)*size); err != nil {
		return 0, err
	}
	switch fl.kind {
	case typeShort:
		return uint32(f.order.Uint16(b[:])), nil
	case typeLong:
		return f.order.Uint32(b[:]), nil
	}
	return uint32(b[0]), nil
}

// A pageReader reads a page's fields and remembers the first fault.
type pageReader struct {
	f      *File
	fields map[tag]field
	err    error
}

func (r *pageReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// number returns a field's only value, or absent if there is no such field.
func (r *pageReader) number(t tag, absent uint32) uint32 {
	fl, there := r.fields[t]
	if !there {
		return absent
	}
	v, err := r.f.number(fl, 0)
	if err != nil {
		r.fail("field %d: %w", t, err)
	}
	return v
}

// within reads a number that has bounds, and returns one that keeps them.
func (r *pageReader) within(name string, t tag, most uint32) int {
	v := r.number(t, 0)
	if v < 1 || v > most {
		r.fail("%s %d: want 1 to %d", name, v, most)
	}
	return int(min(max(v, 1), most))
}

// dpi reads a resolution; one that makes no sense is unknown.
func (r *pageReader) dpi(t tag) int {
	fl, there := r.fields[t]
	var b [8]byte
	if !there || fl.kind != typeRational || fl.count < 1 || r.f.readAt(b[:], fl.values) != nil {
		return 0
	}
	numerator, denominator := uint64(r.f.order.Uint32(b[:])), uint64(r.f.order.Uint32(b[4:]))
	switch r.number(resolutionUnit, 2) {
	case 2:
	case 3: // per centimetre
		numerator, denominator = numerator*254, denominator*100
	default:
		return 0
	}
	if denominator == 0 {
		return 0
	}
	const most = 10000
	return int(min((numerator+denominator/2)/denominator, most))
}

// page checks all that a directory says against each other.
func (f *File) page(fields map[tag]field) (page, error) {
	r := pageReader{f: f, fields: fields}
	p := page{
		Info: Info{
			Columns: r.within("width", imageWidth, t4.MaxColumns), Rows: r.within("length", imageLength, MaxRows),
			XDPI: r.dpi(xResolution), YDPI: r.dpi(yResolution),
		},
		compression: int(r.number(compression, uncompressed)),
		offsets:     fields[stripOffsets], counts: fields[stripByteCounts],
	}
	p.Received = t4.Quality{
		Rows: p.Rows, Bad: int(min(r.number(badFaxLines, 0), uint32(p.Rows))), LongestBad: int(min(r.number(consecutiveBadLines, 0), uint32(p.Rows))),
	}
	if b, s := r.number(bitsPerSample, 1), r.number(samplesPerPixel, 1); b != 1 || s != 1 {
		r.fail("%d samples of %d bits: want a bilevel page", s, b)
	}
	switch v := r.number(photometric, 0); v {
	case 0, 1:
		p.inverted = v == 1
	default:
		r.fail("photometric interpretation %d: want a bilevel page", v)
	}
	switch v := r.number(fillOrder, 1); v {
	case 1:
		p.Order = t4.MSBFirst
	case 2:
		p.Order = t4.LSBFirst
	default:
		r.fail("fill order %d: want 1 or 2", v)
	}
	r.coding(&p)
	r.strips(&p)
	return p, r.err
}

func (r *pageReader) coding(p *page) {
	switch p.compression {
	case bareMH:
		p.Coding = t4.MH
	case group3:
		p.Coding = t4.MH
		options := r.number(t4Options, 0)
		if options&1 != 0 {
			p.Coding = t4.MR
		}
		if options&2 != 0 {
			r.fail("uncompressed mode, which nobody writes")
		}
	case group4:
		p.Coding = t4.MMR
		if r.number(t6Options, 0)&2 != 0 {
			r.fail("uncompressed mode, which nobody writes")
		}
	case uncompressed, packBits:
	default:
		r.fail("compression %d: want none, T.4, T.6 or PackBits", p.compression)
	}
}

func (r *pageReader) strips(p *page) {
	rows := r.number(rowsPerStrip, math.MaxUint32)
	if rows == 0 {
		r.fail("0 rows in a strip")
	}
	p.perStrip = int(min(max(rows, 1), uint32(p.Rows)))
	p.strips = (p.Rows + p.perStrip - 1) / p.perStrip
	if int64(p.offsets.count) < int64(p.strips) {
		r.fail("%d strips in %d rows of %d a strip: want %d", p.offsets.count, p.Rows, p.perStrip, p.strips)
	}
	// Old fax programs leave the length of a page's only strip out.
	if p.counts.kind == 0 && p.strips == 1 {
		return
	}
	if int64(p.counts.count) < int64(p.strips) {
		r.fail("lengths of %d strips: want %d", p.counts.count, p.strips)
	}
}

// strip returns where a strip is in the file; all of it is.
func (f *File) strip(p *page, i int) (at, octets int64, err error) {
	offset, err := f.number(p.offsets, i)
	if err != nil {
		return 0, 0, fmt.Errorf("offset: %w", err)
	}
	if p.counts.kind == 0 {
		return int64(offset), max(0, f.size-int64(offset)), nil
	}
	count, err := f.number(p.counts, i)
	if err != nil {
		return 0, 0, fmt.Errorf("length: %w", err)
	}
	if int64(offset)+int64(count) > f.size {
		return 0, 0, fmt.Errorf("octets %d to %d of a file of %d", offset, int64(offset)+int64(count), f.size)
	}
	return int64(offset), int64(count), nil
}
