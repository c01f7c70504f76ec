package pdf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// A File is an open PDF file.
type File struct {
	in      io.ReaderAt
	size    int64
	places  map[int]place
	trailer dict
	pages   []pageNode
	packed  map[int]*objectStream // the stream of objects used last
}

// A place is where an object is: an offset, or an index in a stream of objects.
type place struct {
	at     int64
	stream int // number of that stream; 0: it stands in the file
}

// An objectStream is a stream of objects, unpacked (ISO 32000-1 clause 7.5.7).
type objectStream struct {
	octets []byte
	starts map[int]int64
}

// ErrEncrypted is the error of a file that is encrypted.
var ErrEncrypted = errors.New("pdf: encrypted")

// Open reads where the objects and the pages of a file of so many octets are.
func Open(in io.ReaderAt, size int64) (*File, error) {
	f := &File{in: in, size: size, places: map[int]place{}}
	start, err := f.startxref()
	if err != nil {
		return nil, fmt.Errorf("pdf: %w", err)
	}
	if err := f.sections(start); err != nil {
		return nil, fmt.Errorf("pdf: list of objects: %w", err)
	}
	if f.trailer["Encrypt"] != nil {
		return nil, ErrEncrypted
	}
	if err := f.findPages(); err != nil {
		return nil, fmt.Errorf("pdf: %w", err)
	}
	return f, nil
}

// startxref reads the last lines, which say where the list of objects is.
func (f *File) startxref() (int64, error) {
	var head [5]byte
	if n, err := f.in.ReadAt(head[:], 0); n < len(head) {
		return 0, fmt.Errorf("header: %w", end(err))
	}
	if string(head[:]) != "%PDF-" {
		return 0, errors.New("not a PDF file")
	}
	tail := make([]byte, min(f.size, 1024))
	if n, err := f.in.ReadAt(tail, f.size-int64(len(tail))); n < len(tail) {
		return 0, end(err)
	}
	i := bytes.LastIndex(tail, []byte("startxref"))
	if i < 0 {
		return 0, errors.New("no startxref at the end: the file is cut")
	}
	o, err := newLexer(bytes.NewReader(tail[i+len("startxref"):]), 0).object(0)
	if err != nil {
		return 0, err
	}
	at, ok := o.(float64)
	if !ok || at < 0 || at >= float64(f.size) {
		return 0, fmt.Errorf("startxref %v in a file of %d octets", o, f.size)
	}
	return int64(at), nil
}

// end makes io.EOF, where more was to come, an error.
func end(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sections reads the list of objects and the older ones it continues.
func (f *File) sections(at int64) error {
	seen := map[int64]bool{}
	for n := 0; ; n++ {
		if seen[at] || n > maxDepth*8 {
			return errors.New("its parts go round in a circle")
		}
		seen[at] = true
		t, err := f.section(at)
		if err != nil {
			return err
		}
		if f.trailer == nil {
			f.trailer = t
		}
		if hybrid, ok := whole(t["XRefStm"]); ok && hybrid > 0 {
			if _, err := f.section(int64(hybrid)); err != nil {
				return err
			}
		}
		previous, ok := whole(t["Prev"])
		if !ok {
			return nil
		}
		at = int64(previous)
	}
}

// section reads a part of the list, a table or a stream, and returns its trailer.
func (f *File) section(at int64) (dict, error) {
	if at < 0 || at >= f.size {
		return nil, fmt.Errorf("octet %d of a file of %d", at, f.size)
	}
	l := newLexer(f.in, at)
	o, err := l.object(0)
	if err != nil {
		return nil, err
	}
	if o == keyword("xref") {
		return f.table(l)
	}
	return f.crossReferenceStream(at)
}

// table reads ISO 32000-1 clause 7.5.4.
func (f *File) table(l *lexer) (dict, error) {
	for {
		first, err := l.object(0)
		if err != nil {
			return nil, err
		}
		if first == keyword("trailer") {
			t, err := l.object(0)
			if err != nil {
				return nil, err
			}
			d, ok := t.(dict)
			if !ok {
				return nil, errors.New("no trailer")
			}
			return d, nil
		}
		count, err := l.object(0)
		if err != nil {
			return nil, err
		}
		n, ok := whole(first)
		c, also := whole(count)
		if !ok || !also || n < 0 || c < 0 || n > maxObjects-c {
			return nil, fmt.Errorf("objects %v and %v on", first, count)
		}
		for i := range c {
			if err := f.row(l, n+i); err != nil {
				return nil, err
			}
		}
	}
}

func (f *File) row(l *lexer, number int) error {
	var o [3]any
	for i := range o {
		var err error
		if o[i], err = l.object(0); err != nil {
			return err
		}
	}
	at, ok := o[0].(float64)
	if !ok || o[2] != keyword("n") && o[2] != keyword("f") {
		return fmt.Errorf("object %d: %v %v %v", number, o[0], o[1], o[2])
	}
	if o[2] == keyword("n") && at > 0 && at < float64(f.size) {
		f.enter(number, place{at: int64(at)})
	}
	return nil
}

// enter notes a place, unless a newer part of the list has the object.
func (f *File) enter(number int, p place) {
	if _, known := f.places[number]; !known && number > 0 && number < maxObjects {
		f.places[number] = p
	}
}

// crossReferenceStream reads ISO 32000-1 clause 7.5.8.
func (f *File) crossReferenceStream(at int64) (dict, error) {
	o, _, err := f.objectAt(at)
	if err != nil {
		return nil, err
	}
	s, ok := o.(*stream)
	if !ok || s.dict["Type"] != name("XRef") {
		return nil, errors.New("neither table nor stream")
	}
	octets, err := f.unpack(s, maxUnpacked)
	if err != nil {
		return nil, err
	}
	widths, ok := ints(s.dict["W"])
	if !ok || len(widths) != 3 {
		return nil, errors.New("its W is not three numbers")
	}
	total := 0
	for _, w := range widths {
		if w < 0 || w > 8 {
			return nil, fmt.Errorf("a field of %d octets", w)
		}
		total += w
	}
	if total == 0 {
		return nil, errors.New("fields of no octets")
	}
	index, ok := ints(s.dict["Index"])
	if !ok {
		size, _ := whole(s.dict["Size"])
		index = []int{0, size}
	}
	for ; len(index) >= 2; index = index[2:] {
		for i := 0; i < index[1] && len(octets) >= total; i++ {
			f.streamRow(index[0]+i, octets[:total], widths)
			octets = octets[total:]
		}
	}
	return s.dict, nil
}

func (f *File) streamRow(number int, row []byte, widths []int) {
	var v [3]uint64
	v[0] = 1
	for i, w := range widths {
		if w > 0 {
			v[i] = 0
		}
		for _, octet := range row[:w] {
			v[i] = v[i]<<8 | uint64(octet)
		}
		row = row[w:]
	}
	switch {
	case v[0] == 1 && v[1] < uint64(f.size):
		f.enter(number, place{at: int64(v[1])})
	case v[0] == 2 && v[1] > 0 && v[1] < maxObjects && v[2] < maxObjects:
		f.enter(number, place{stream: int(v[1]), at: int64(v[2])})
	}
}

// ints returns an array of integers.
func ints(o any) ([]int, bool) {
	a, ok := o.(array)
	out := make([]int, len(a))
	for i, e := range a {
		n, isWhole := whole(e)
		if !isWhole {
			return nil, false
		}
		out[i] = n
	}
	return out, ok
}

// objectAt reads "number generation obj" and the object.
func (f *File) objectAt(at int64) (o any, number int, err error) {
	if at < 0 || at >= f.size {
		return nil, 0, fmt.Errorf("an object at octet %d of %d", at, f.size)
	}
	l := newLexer(f.in, at)
	var head [3]any
	for i := range head {
		if head[i], err = l.object(0); err != nil {
			return nil, 0, err
		}
	}
	r, ok := toRef(head[0], head[1])
	if !ok || head[2] != keyword("obj") {
		return nil, 0, fmt.Errorf("octet %d: no object begins there", at)
	}
	if o, err = l.object(0); err != nil {
		return nil, 0, fmt.Errorf("object %d: %w", r.number, err)
	}
	d, ok := o.(dict)
	if !ok {
		return o, r.number, nil
	}
	l.skipSpace()
	if c, _ := l.peek(); c != 's' {
		return d, r.number, nil
	}
	if word, err := l.object(0); err != nil || word != keyword("stream") {
		return d, r.number, err
	}
	// ISO 32000-1 clause 7.3.8.1: CR LF or LF, never CR alone.
	if c, _ := l.peek(); c == '\r' {
		l.next++
	}
	if c, _ := l.peek(); c == '\n' {
		l.next++
	}
	return &stream{dict: d, at: l.offset()}, r.number, nil
}

// resolve follows references.
func (f *File) resolve(o any) (any, error) {
	for range maxDepth {
		r, ok := o.(ref)
		if !ok {
			return o, nil
		}
		var err error
		if o, err = f.object(r.number); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("references to references")
}

// object reads an object by its number; one that is not in the file is null.
func (f *File) object(number int) (any, error) {
	p, ok := f.places[number]
	switch {
	case !ok:
		return nil, nil
	case p.stream != 0:
		return f.packedObject(number, p.stream)
	}
	o, found, err := f.objectAt(p.at)
	if err == nil && found != number {
		err = fmt.Errorf("object %d stands where %d should", found, number)
	}
	return o, err
}

// packedObject reads an object of a stream of objects.
func (f *File) packedObject(number, in int) (any, error) {
	s := f.packed[in]
	if s == nil {
		var err error
		if s, err = f.openPacked(in); err != nil {
			return nil, fmt.Errorf("stream %d of objects: %w", in, err)
		}
		f.packed = map[int]*objectStream{in: s}
	}
	at, ok := s.starts[number]
	if !ok {
		return nil, nil
	}
	return newLexer(bytes.NewReader(s.octets), at).object(0)
}

func (f *File) openPacked(number int) (*objectStream, error) {
	p := f.places[number]
	if p.stream != 0 || p.at == 0 {
		return nil, errors.New("not in the file")
	}
	o, _, err := f.objectAt(p.at)
	if err != nil {
		return nil, err
	}
	s, ok := o.(*stream)
	if !ok {
		return nil, errors.New("no stream")
	}
	n, _ := whole(s.dict["N"])
	first, _ := whole(s.dict["First"])
	octets, err := f.unpack(s, maxUnpacked)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxObjects || first < 0 {
		return nil, fmt.Errorf("%d objects from octet %d on", n, first)
	}
	out := &objectStream{octets: octets, starts: map[int]int64{}}
	l := newLexer(bytes.NewReader(octets), 0)
	for range n {
		number, err := l.object(0)
		if err != nil {
			return nil, err
		}
		offset, err := l.object(0)
		if err != nil {
			return nil, err
		}
		k, ok := whole(number)
		at, also := whole(offset)
		if !ok || !also || at < 0 || at > len(octets)-first {
			return nil, fmt.Errorf("object %v at %v", number, offset)
		}
		out.starts[k] = int64(first + at)
	}
	return out, nil
}

// raw returns a stream's octets as they stand in the file.
func (f *File) raw(s *stream) (*io.SectionReader, error) {
	o, err := f.resolve(s.dict["Length"])
	if err != nil {
		return nil, err
	}
	n, ok := whole(o)
	if !ok || n < 0 || int64(n) > f.size-s.at {
		return nil, fmt.Errorf("a stream of length %v at octet %d of %d", o, s.at, f.size)
	}
	return io.NewSectionReader(f.in, s.at, int64(n)), nil
}

// unpack returns a small stream, which has no filter or Flate.
func (f *File) unpack(s *stream, most int) ([]byte, error) {
	filter, parms, err := f.filter(s)
	if err != nil {
		return nil, err
	}
	raw, err := f.raw(s)
	if err != nil {
		return nil, err
	}
	var in io.Reader = raw
	switch filter {
	case "":
	case "FlateDecode":
		if in, err = f.inflate(raw, parms); err != nil {
			return nil, err
		}
	default:
		return nil, errOther
	}
	octets, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
	if err == nil && len(octets) > most {
		err = fmt.Errorf("a stream of more than %d octets", most)
	}
	return octets, err
}

// filter returns a stream's only filter, or none, and its parameters.
func (f *File) filter(s *stream) (name, dict, error) {
	filter, err := f.only(s.dict["Filter"])
	if err != nil {
		return "", nil, err
	}
	parms, err := f.only(s.dict["DecodeParms"])
	if err != nil {
		return "", nil, err
	}
	n, ok := filter.(name)
	if !ok && filter != nil {
		return "", nil, errOther
	}
	d, _ := parms.(dict)
	return n, d, nil
}

// only returns an object, or the only element of an array.
func (f *File) only(o any) (any, error) {
	o, err := f.resolve(o)
	if err != nil {
		return nil, err
	}
	a, ok := o.(array)
	switch {
	case !ok:
		return o, nil
	case len(a) == 0:
		return nil, nil
	case len(a) > 1:
		return nil, errOther
	}
	return f.resolve(a[0])
}

// inflate undoes Flate and its predictor.
func (f *File) inflate(in io.Reader, parms dict) (io.Reader, error) {
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("flate: %w", end(err))
	}
	return newPredictor(z, predictorConfig{
		kind: f.number(parms, "Predictor", 1), colors: f.number(parms, "Colors", 1),
		bits: f.number(parms, "BitsPerComponent", 8), columns: f.number(parms, "Columns", 1),
	})
}

// number returns an integer of a dictionary, or another one if it has none.
func (f *File) number(d dict, key name, absent int) int {
	o, err := f.resolve(d[key])
	if n, ok := whole(o); ok && err == nil {
		return n
	}
	return absent
}
