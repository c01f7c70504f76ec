package document

import (
	"tipring/t38/t4"
	"tipring/t38/t4/pdf"
	"tipring/t38/t4/picture"
)

// A layout puts pictures on pages of some options.
type layout struct {
	options Options
	target  picture.Target
}

// rows makes a page of black and white rows. Those that have the width and the resolution
// are it.
func (l layout) rows(r t4.RowReader, columns, rows, xDPI, yDPI int) (*Page, error) {
	own, ok := t4.ResolutionNear(xDPI, yDPI)
	fits := l.options.MaxRows == 0 || rows <= l.options.MaxRows
	if ok && own == l.options.Resolution && columns == l.options.Columns && fits {
		return &Page{RowReader: r, Columns: columns, Rows: rows}, nil
	}
	x, y := perMetre(xDPI, yDPI)
	if ok {
		x, y = own.PerMetre()
	}
	g, err := picture.FromRows(r, columns, rows)
	if err != nil {
		return nil, err
	}
	return l.place(g, l.target.Fit(columns, rows, x, y), false)
}

// place makes a page of a picture.
func (l layout) place(g picture.Grey, p picture.Placement, tones bool) (*Page, error) {
	placed, err := picture.Place(g, p)
	if err != nil {
		return nil, err
	}
	page := &Page{Columns: p.Width, Rows: p.Height}
	if tones {
		page.RowReader = picture.Diffuse(placed)
	} else {
		page.RowReader = picture.Threshold(placed)
	}
	return page, nil
}

// perMetre turns pels per inch into pels per metre; more than any scanner has are unknown.
func perMetre(xDPI, yDPI int) (x, y int) {
	const most = 1200
	if xDPI < 1 || yDPI < 1 || xDPI > most || yDPI > most {
		return 0, 0
	}
	return (xDPI*10000 + 127) / 254, (yDPI*10000 + 127) / 254
}

// dpi is the resolution of so many pels in thousandths of a point.
func dpi(pels, thousandths int) int {
	const pointsPerInch = 72
	return int((int64(pels)*pointsPerInch*1000 + int64(thousandths)/2) / int64(thousandths))
}

// covers reports that an image leaves no more than 3 per cent of the paper free on any side.
func covers(image, paper pdf.Box) bool {
	return abs(image.Left)*33 <= paper.Width && abs(image.Top)*33 <= paper.Height &&
		image.Width*33 >= paper.Width*32 && image.Height*33 >= paper.Height*32
}

func abs(n int) int { return max(n, -n) }

// fitPaper fits a page of so many thousandths of a point.
func (l layout) fitPaper(width, height int) picture.Placement {
	const tenthsPerMetre = 28346 // of a point
	return l.target.Fit(max(1, (width+50)/100), max(1, (height+50)/100), tenthsPerMetre, tenthsPerMetre)
}

// onPaper makes a page of an image that is a part of its paper.
func (l layout) onPaper(m *pdf.Image) (*Page, error) {
	p := l.fitPaper(m.Paper.Width, m.Paper.Height)
	scaled := func(v, whole, pels int) int { return int(int64(v) * int64(pels) / int64(whole)) }
	left := min(max(0, scaled(m.Place.Left, m.Paper.Width, p.PictureWidth)), p.PictureWidth-1)
	top := min(max(0, scaled(m.Place.Top, m.Paper.Height, p.PictureRows)), p.PictureRows-1)
	p.PictureWidth = min(max(1, scaled(m.Place.Width, m.Paper.Width, p.PictureWidth)), p.PictureWidth-left)
	p.PictureRows = min(max(1, scaled(m.Place.Height, m.Paper.Height, p.PictureRows)), p.PictureRows-top)
	p.Left += left
	p.Top += top
	if m.Grey != nil {
		return l.place(m.Grey, p, true)
	}
	g, err := picture.FromRows(m.Rows, m.Columns, m.Height)
	if err != nil {
		return nil, err
	}
	return l.place(g, p, false)
}
