package picture

import "io"

// A scaler gives each pel the mean of the area that it covers in the picture. In its
// units a pel of the picture is as wide as the result has pels, and one of the result as wide as
// the picture has: so the borders of both are whole numbers.
type scaler struct {
	from          Grey
	width, height int
	source        []byte   // the picture's row being used
	narrow        []uint16 // that row at the result's width, 0 to 255*256
	sums          []uint64
	left          int // of the source row: units of height that are not used
}

// Scale returns the picture at another size.
func Scale(g Grey, width, height int) (Grey, error) {
	if err := checkSize(width, height); err != nil {
		return nil, err
	}
	if err := checkSize(g.Width(), g.Height()); err != nil {
		return nil, err
	}
	if width == g.Width() && height == g.Height() {
		return g, nil
	}
	return &scaler{from: g, width: width, height: height,
		source: make([]byte, g.Width()), narrow: make([]uint16, width), sums: make([]uint64, width)}, nil
}

func (s *scaler) Width() int  { return s.width }
func (s *scaler) Height() int { return s.height }

func (s *scaler) ReadGrey(row []byte) error {
	clear(s.sums)
	for need := s.from.Height(); need > 0; {
		if s.left == 0 {
			if err := s.next(); err != nil {
				if need < s.from.Height() {
					err = early(err)
				}
				return err
			}
		}
		use := min(need, s.left)
		for x, v := range s.narrow {
			s.sums[x] += uint64(v) * uint64(use)
		}
		s.left -= use
		need -= use
	}
	whole := uint64(s.from.Height()) << 8
	for x, sum := range s.sums {
		row[x] = byte((sum + whole/2) / whole)
	}
	return nil
}

// next reads a row of the picture and makes it as wide as the result.
func (s *scaler) next() error {
	if err := s.from.ReadGrey(s.source); err != nil {
		return err
	}
	s.left = s.height
	if len(s.source) == s.width {
		for x, v := range s.source {
			s.narrow[x] = uint16(v) << 8
		}
		return nil
	}
	x, left := 0, s.width // the pel of the picture, and its units that are not used
	whole := uint64(len(s.source))
	for i := range s.narrow {
		var sum uint64
		for need := len(s.source); need > 0; {
			if left == 0 {
				x++
				left = s.width
			}
			use := min(need, left)
			sum += uint64(s.source[x]) * uint64(use)
			left -= use
			need -= use
		}
		s.narrow[i] = uint16((sum<<8 + whole/2) / whole)
	}
	return nil
}

// placed is a picture on a larger white page.
type placed struct {
	from Grey
	p    Placement
	row  int
}

// A Placement is where on a page of Width by Height a picture stands, and how large it is there.
type Placement struct {
	Width, Height             int // of the page
	Left, Top                 int // white pels and rows before the picture
	PictureWidth, PictureRows int
}

// Place scales a picture and puts it on a white page. Its place is inside the page.
func Place(g Grey, p Placement) (Grey, error) {
	if err := checkSize(p.Width, p.Height); err != nil {
		return nil, err
	}
	if p.Left < 0 || p.Top < 0 || p.Left > p.Width-p.PictureWidth || p.Top > p.Height-p.PictureRows {
		return nil, errPlace
	}
	scaled, err := Scale(g, p.PictureWidth, p.PictureRows)
	if err != nil {
		return nil, err
	}
	if p.PictureWidth == p.Width && p.PictureRows == p.Height {
		return scaled, nil
	}
	return &placed{from: scaled, p: p}, nil
}

func (p *placed) Width() int  { return p.p.Width }
func (p *placed) Height() int { return p.p.Height }

func (p *placed) ReadGrey(row []byte) error {
	if p.row == p.p.Height {
		return io.EOF
	}
	for x := range row {
		row[x] = 255
	}
	if inside := p.row - p.p.Top; inside >= 0 && inside < p.p.PictureRows {
		if err := p.from.ReadGrey(row[p.p.Left : p.p.Left+p.p.PictureWidth]); err != nil {
			return early(err)
		}
	}
	p.row++
	return nil
}
