package tiff

import (
	"encoding/binary"

	"tipring/t38/t4"
)

// A directoryWriter lays out a directory: fields of four octets each, ascending, and behind
// them the values that are longer.
type directoryWriter struct {
	fields []byte
	values []byte
	at     int64 // where values go
}

func (d *directoryWriter) field(t tag, kind uint16, count, value uint32) {
	b := binary.LittleEndian.AppendUint16(d.fields, uint16(t))
	b = binary.LittleEndian.AppendUint16(b, kind)
	b = binary.LittleEndian.AppendUint32(b, count)
	d.fields = binary.LittleEndian.AppendUint32(b, value)
}

func (d *directoryWriter) short(t tag, v int) { d.field(t, typeShort, 1, uint32(v)) }
func (d *directoryWriter) long(t tag, v int)  { d.field(t, typeLong, 1, uint32(v)) }

// rational writes v/1.
func (d *directoryWriter) rational(t tag, v int) {
	d.field(t, typeRational, 1, uint32(d.at)+uint32(len(d.values)))
	d.values = binary.LittleEndian.AppendUint32(d.values, uint32(v))
	d.values = binary.LittleEndian.AppendUint32(d.values, 1)
}

// text writes a string that ends with a zero; up to four octets stand in the field itself.
func (d *directoryWriter) text(t tag, s string) {
	if s == "" {
		return
	}
	octets := append([]byte(s), 0)
	if len(octets) <= 4 {
		d.field(t, typeASCII, uint32(len(octets)), binary.LittleEndian.Uint32(append(octets, 0, 0, 0)))
		return
	}
	d.field(t, typeASCII, uint32(len(octets)), uint32(d.at)+uint32(len(d.values)))
	d.values = append(d.values, octets...)
	if len(d.values)&1 != 0 {
		d.values = append(d.values, 0)
	}
}

// strips writes an array of one value a strip, the only one in the field itself.
func (d *directoryWriter) strips(t tag, values []uint32, at int64) {
	if len(values) == 1 {
		d.field(t, typeLong, 1, values[0])
		return
	}
	d.field(t, typeLong, uint32(len(values)), uint32(at))
}

// size returns what the directory will take: it is written behind its strips and lies before them.
func (p *openPage) size() int {
	trial := *p
	trial.offsets, trial.counts = []uint32{0}, []uint32{0}
	directory, _ := trial.encode(0, 0)
	p.fields = trial.fields
	return len(directory) + len(directory)&1
}

// encode returns the directory of page n, without the link to the next, and where its
// PageNumber is. Arrays is where the places and lengths of several strips are.
func (p *openPage) encode(n int, arrays int64) (directory []byte, number int64) {
	// The values' place depends on the number of fields, and that not on them.
	if p.fields == 0 {
		p.layOut(&directoryWriter{}, n, arrays)
	}
	d := &directoryWriter{at: p.directory + 2 + int64(12*p.fields) + 4}
	number = p.directory + 2 + int64(p.layOut(d, n, arrays))
	directory = binary.LittleEndian.AppendUint16(nil, uint16(p.fields))
	directory = append(directory, d.fields...)
	directory = append(directory, 0, 0, 0, 0)
	return append(directory, d.values...), number
}

// layOut writes the fields of RFC 2301 clauses 3 and 4 and returns where, in them, the
// values of PageNumber are.
func (p *openPage) layOut(d *directoryWriter, n int, arrays int64) (number int) {
	const multiPage = 2
	d.long(newSubfileType, multiPage)
	d.long(imageWidth, p.Columns)
	d.long(imageLength, p.rows)
	d.short(bitsPerSample, 1)
	if p.Coding == t4.MMR {
		d.short(compression, group4)
	} else {
		d.short(compression, group3)
	}
	d.short(photometric, 0)
	if p.Order == t4.LSBFirst {
		d.short(fillOrder, 2)
	} else {
		d.short(fillOrder, 1)
	}
	d.text(imageDescription, p.Description)
	d.strips(stripOffsets, p.offsets, arrays)
	d.short(samplesPerPixel, 1)
	if p.RowsPerStrip > 0 {
		d.long(rowsPerStrip, p.RowsPerStrip)
	} else {
		d.long(rowsPerStrip, p.rows)
	}
	d.strips(stripByteCounts, p.counts, arrays+int64(4*len(p.counts)))
	d.rational(xResolution, p.XDPI)
	d.rational(yResolution, p.YDPI)
	if p.Coding == t4.MMR {
		d.long(t6Options, 0)
	} else {
		d.long(t4Options, p.t4Options())
	}
	d.short(resolutionUnit, 2)
	number = len(d.fields) + 8
	d.field(pageNumber, typeShort, 2, uint32(n))
	d.text(software, p.Software)
	d.text(dateTime, p.DateTime)
	d.long(badFaxLines, p.quality.Bad)
	d.short(cleanFaxData, p.clean())
	d.long(consecutiveBadLines, p.quality.LongestBad)
	p.fields = len(d.fields) / 12
	return number
}

func (p *openPage) t4Options() (options int) {
	if p.Coding == t4.MR {
		options |= 1
	}
	if p.AlignEOL {
		options |= 4
	}
	return options
}

// clean is CleanFaxData: 0, no bad rows; 1, there were, and they were made good ones.
func (p *openPage) clean() int {
	if p.quality.Bad > 0 {
		return 1
	}
	return 0
}
