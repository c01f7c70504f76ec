package pdf

import (
	"fmt"
	"io"

	"tipring/t38/t4"
	"tipring/t38/t4/picture"
)

// An Image is a page that is one image. Its pels are read once, from the top: by Rows if
// it is black and white, else by Grey.
type Image struct {
	Columns, Height int
	Paper, Place    Box          // the page, and where on it the image stands
	Rows            t4.RowReader // nil: it has tones
	Grey            picture.Grey // nil: it is black and white
}

// image opens an image object: ISO 32000-1 clause 8.9.5.
func (f *File) image(s *stream, coloured bool) (*Image, error) {
	m := &Image{Columns: f.number(s.dict, "Width", 0), Height: f.number(s.dict, "Height", 0)}
	if m.Columns < 1 || m.Height < 1 || m.Columns > maxSide || m.Height > maxSide {
		return nil, fmt.Errorf("an image of %d x %d pels", m.Columns, m.Height)
	}
	for _, k := range []name{"SMask", "Mask"} {
		if s.dict[k] != nil {
			return nil, errOther
		}
	}
	if mask, _ := f.resolve(s.dict["ImageMask"]); mask == true && coloured {
		return nil, errOther
	}
	filter, parms, err := f.filter(s)
	if err != nil {
		return nil, err
	}
	raw, err := f.raw(s)
	if err != nil {
		return nil, err
	}
	switch filter {
	case "CCITTFaxDecode":
		return m, f.faxImage(m, s, raw, parms)
	case "DCTDecode":
		return m, f.jpegImage(m, s, raw)
	case "FlateDecode":
		in, err := f.inflate(raw, parms)
		if err != nil {
			return nil, err
		}
		return m, f.plainImage(m, s, in)
	case "":
		return m, f.plainImage(m, s, raw)
	}
	return nil, errOther
}

// inverted reads the Decode array of one colour: whether it turns black and white about.
func (f *File) inverted(s *stream) (bool, error) {
	o, err := f.resolve(s.dict["Decode"])
	if err != nil || o == nil {
		return false, err
	}
	v, ok := ints(o)
	switch {
	case ok && len(v) == 2 && v[0] == 0 && v[1] == 1:
		return false, nil
	case ok && len(v) == 2 && v[0] == 1 && v[1] == 0:
		return true, nil
	}
	return false, errOther
}

func (f *File) faxImage(m *Image, s *stream, raw io.Reader, parms dict) error {
	grey, err := f.palette(s, 1)
	if err != nil {
		return err
	}
	black, err := f.resolve(parms["BlackIs1"])
	if err != nil {
		return err
	}
	aligned, err := f.resolve(parms["EncodedByteAlign"])
	if err != nil {
		return err
	}
	c := t4.DecoderConfig{
		Coding: t4.MH, Columns: f.number(parms, "Columns", 1728), Rows: m.Height,
		Order: t4.MSBFirst, EOLOptional: true, Align: aligned == true,
	}
	switch k := f.number(parms, "K", 0); {
	case k < 0:
		c.Coding = t4.MMR
	case k > 0:
		c.Coding = t4.MR
	}
	if c.Columns != m.Columns {
		return fmt.Errorf("a coding of %d columns for an image of %d", c.Columns, m.Columns)
	}
	d, err := t4.NewDecoder(c)
	if err != nil {
		return err
	}
	// A black pel is a sample of 0, or of 1 by BlackIs1.
	sample := 0
	if black == true {
		sample = 1
	}
	if grey[0] == grey[1] {
		return errOther
	}
	m.Rows = &faxRows{image: m, in: raw, decoder: d, invert: grey[sample] > grey[1-sample], buffer: make([]byte, 1024)}
	return nil
}

// faxRows reads rows that are coded in T.4 or T.6.
type faxRows struct {
	image   *Image
	in      io.Reader
	decoder *t4.Decoder
	invert  bool
	buffer  []byte
	rows    int
}

func (r *faxRows) ReadRow(row []byte) error {
	if r.rows == r.image.Height {
		return io.EOF
	}
	for !r.decoder.Next() {
		if r.decoder.Ended() {
			if err := r.decoder.Err(); err != nil {
				return fmt.Errorf("pdf: row %d of %d: %w", r.rows+1, r.image.Height, err)
			}
			return fmt.Errorf("pdf: row %d of %d: %w", r.rows+1, r.image.Height, io.ErrUnexpectedEOF)
		}
		n, err := r.in.Read(r.buffer)
		r.decoder.Feed(r.buffer[:n])
		switch {
		case err == io.EOF:
			r.decoder.End()
		case err != nil:
			return fmt.Errorf("pdf: row %d: %w", r.rows+1, err)
		}
	}
	r.rows++
	copy(row, r.decoder.Row())
	if r.invert {
		invert(row, r.image.Columns)
	}
	return nil
}

func invert(row []byte, columns int) {
	for i := range row {
		row[i] = ^row[i]
	}
	clip(row, columns)
}

// clip clears what is behind the last pel.
func clip(row []byte, columns int) {
	if rest := columns & 7; rest != 0 {
		row[len(row)-1] &= 0xff << (8 - rest)
	}
}

// jpegImage is what package picture opens.
func (f *File) jpegImage(m *Image, s *stream, raw io.ReadSeeker) error {
	if s.dict["Decode"] != nil {
		return errOther
	}
	g, err := picture.Open(raw, 0)
	if err != nil {
		return err
	}
	if g.Width() != m.Columns || g.Height() != m.Height {
		return fmt.Errorf("a JPEG of %d x %d pels for an image of %d x %d", g.Width(), g.Height(), m.Columns, m.Height)
	}
	m.Grey = g
	return nil
}

// plainImage is rows of samples of 1 or 8 bits.
func (f *File) plainImage(m *Image, s *stream, in io.Reader) error {
	bits := f.number(s.dict, "BitsPerComponent", 8)
	if mask, _ := f.resolve(s.dict["ImageMask"]); mask == true {
		bits = 1
	}
	colours, err := f.colours(s)
	if err != nil {
		return err
	}
	p := &plainRows{image: m, in: in, colours: colours}
	switch {
	case bits == 1 && colours == 1:
		if p.grey, err = f.palette(s, 1); err != nil {
			return err
		}
		p.row = make([]byte, t4.RowOctets(m.Columns))
		if p.grey[0] != 0 && p.grey[0] != 255 || p.grey[0]^p.grey[1] != 255 {
			m.Grey = p
			return nil
		}
		m.Rows = (*plainBits)(p)
	case bits == 8 && colours == 1:
		if p.grey, err = f.palette(s, 8); err != nil {
			return err
		}
		p.row = make([]byte, m.Columns)
		m.Grey = p
	case bits == 8 && colours == 3 && s.dict["Decode"] == nil:
		p.row = make([]byte, 3*m.Columns)
		m.Grey = p
	default:
		return errOther
	}
	return nil
}

// plainRows gives rows of samples as grey.
type plainRows struct {
	image   *Image
	in      io.Reader
	colours int
	grey    []byte // of each value of a sample, if there is one colour
	row     []byte
	rows    int
}

func (p *plainRows) Width() int  { return p.image.Columns }
func (p *plainRows) Height() int { return p.image.Height }

func (p *plainRows) read(row []byte) error {
	if p.rows == p.image.Height {
		return io.EOF
	}
	p.rows++
	if _, err := io.ReadFull(p.in, row); err != nil {
		return fmt.Errorf("pdf: row %d of %d: %w", p.rows, p.image.Height, end(err))
	}
	return nil
}

func (p *plainRows) ReadGrey(row []byte) error {
	if err := p.read(p.row); err != nil {
		return err
	}
	switch {
	case p.colours == 3:
		for x := range row {
			row[x] = picture.Luma(p.row[3*x], p.row[3*x+1], p.row[3*x+2])
		}
	case len(p.grey) == 2:
		for x := range row {
			row[x] = p.grey[p.row[x>>3]>>(7-x&7)&1]
		}
	default:
		for x := range row {
			row[x] = p.grey[p.row[x]]
		}
	}
	return nil
}

// plainBits gives rows of bits that are black and white.
type plainBits plainRows

func (p *plainBits) ReadRow(row []byte) error {
	if err := (*plainRows)(p).read(row); err != nil {
		return err
	}
	if p.grey[0] == 0 {
		invert(row, p.image.Columns)
	}
	clip(row, p.image.Columns)
	return nil
}
